import { concat } from "@std/bytes";
import { FRAME_HEADER, FRAME_METHOD } from "../../broker/amqp/constants.ts";
import {
  basicAck,
  basicCancel,
  basicConsume,
  basicGet,
  basicNack,
  basicPublish,
  basicQos,
  basicRecover,
  basicRecoverAsync,
} from "../../broker/amqp/methods/basic.ts";
import { confirmSelect } from "../../broker/amqp/methods/confirm.ts";
import {
  exchangeBind,
  exchangeDeclare,
  exchangeDelete,
  exchangeUnbind,
} from "../../broker/amqp/methods/exchange.ts";
import type { Method } from "../../broker/amqp/methods/mod.ts";
import {
  queueBind,
  queueDeclare,
  queueDelete,
  queuePurge,
} from "../../broker/amqp/methods/queue.ts";
import type { WireCase } from "../support/harness.ts";
import { frameBytes, type WirePeer } from "../support/wire_peer.ts";
import {
  channelEnding,
  closeSaid,
  headerPayload,
  heard,
  heardUntil,
  octets,
  payloadOf,
} from "./wire_observe.ts";

/** Methods whose reply the client does not want. */
const NO_WAIT: readonly (readonly [
  name: string,
  methods: (name: (label: string) => string) => readonly Method[],
])[] = [
  ["queue.declare", (name) => [queueDeclare({ queue: name("q"), noWait: true })]],
  [
    "queue.bind",
    (name) => [
      queueDeclare({ queue: name("q"), noWait: true }),
      queueBind({ queue: "", exchange: "amq.direct", routingKey: "k", noWait: true }),
    ],
  ],
  [
    "queue.purge and queue.delete",
    (name) => [
      queueDeclare({ queue: name("q"), noWait: true }),
      queuePurge({ queue: "", noWait: true }),
      queueDelete({ queue: "", noWait: true }),
    ],
  ],
  [
    "exchange.declare, bind, unbind and delete",
    (name) => {
      const exchange = name("e");
      const binding = { source: exchange, destination: "amq.direct", noWait: true };
      return [
        exchangeDeclare({ exchange, type: "fanout", noWait: true }),
        exchangeBind(binding),
        exchangeUnbind(binding),
        exchangeDelete({ exchange, noWait: true }),
      ];
    },
  ],
  [
    "basic.consume and basic.cancel",
    (name) => [
      queueDeclare({ queue: name("q"), noWait: true }),
      basicConsume({ queue: "", consumerTag: "t", noWait: true }),
      basicCancel({ consumerTag: "t", noWait: true }),
    ],
  ],
  ["confirm.select", () => [confirmSelect({ noWait: true })]],
];

const PAST_THE_END = "cannot decode: a value goes past the end of its frame or table";

/** Method payloads that cannot be read, and what is said to them. */
const UNREADABLE: readonly (readonly [
  name: string,
  payload: readonly number[],
  expect: unknown,
])[] = [
  [
    "a class that there is not",
    [0, 99, 0, 10],
    [503, "COMMAND_INVALID - unimplemented method", "99.10"],
  ],
  [
    "a method that its class has not",
    [0, 50, 0, 99],
    [503, "COMMAND_INVALID - unimplemented method", "50.99"],
  ],
  [
    "a method without its fields",
    [0, 50, 0, 10],
    [501, `FRAME_ERROR - ${PAST_THE_END}`, "none"],
  ],
  [
    "a method that ends within a short string",
    [0, 50, 0, 10, 0, 0, 9, 0x61],
    [501, `FRAME_ERROR - ${PAST_THE_END}`, "none"],
  ],
  [
    "a queue name that is no UTF-8",
    queueDeclarePayload([2, 0xff, 0xfe], [0, 0, 0, 0]),
    [501, "FRAME_ERROR - Malformed UTF-8 in shortstr", "none"],
  ],
  [
    "a table that is longer than its method",
    queueDeclarePayload([0], [0, 0, 0, 9]),
    [501, `FRAME_ERROR - ${PAST_THE_END}`, "none"],
  ],
  [
    "a table with an unknown letter",
    queueDeclarePayload([0], [0, 0, 0, 4, 1, 0x61, 0x7a, 0]),
    [502, "SYNTAX_ERROR - cannot decode: unknown field type 122", "none"],
  ],
  [
    "a table that ends within a value",
    queueDeclarePayload([0], [0, 0, 0, 4, 1, 0x61, 0x49, 0]),
    [501, `FRAME_ERROR - ${PAST_THE_END}`, "none"],
  ],
];

/** Content headers that cannot be read, behind the body's size, and what is said to them. */
const BROKEN_HEADERS: readonly (readonly [
  name: string,
  rest: readonly number[],
  expect: unknown,
])[] = [
  [
    "an unknown property",
    [0, 2],
    [502, "SYNTAX_ERROR - cannot decode: unknown property flags"],
  ],
  [
    "a second word of flags",
    [0, 1, 0, 0],
    [502, "SYNTAX_ERROR - cannot decode: unknown property flags"],
  ],
  [
    "a property that is cut short",
    [0x80, 0, 9, 0x61],
    [501, `FRAME_ERROR - ${PAST_THE_END}`],
  ],
  ["a table that is cut short", [0x20, 0, 0, 0, 0, 9], [501, `FRAME_ERROR - ${PAST_THE_END}`]],
  [
    "more than the properties",
    [0, 0, 1, 2, 3],
    [501, "FRAME_ERROR - cannot decode: octets are left over after the properties"],
  ],
];

/** `queue.declare` with its name and its table as octets. */
function queueDeclarePayload(name: readonly number[], table: readonly number[]): number[] {
  return [0, 50, 0, 10, 0, 0, ...name, 0, ...table];
}

/** Asks for a reply that comes behind everything else on channel 1. */
async function fence(peer: WirePeer): Promise<string[]> {
  await peer.send(1, basicQos());
  return await heardUntil(peer, "basic.qos-ok");
}

/** Methods that clients hide, and replies that they count on. */
export const methods: readonly WireCase[] = [
  ...NO_WAIT.map(([name, list]): WireCase => ({
    name: `${name} with no-wait get no reply`,
    async run(context) {
      const peer = await context.login();
      for (const method of list(context.name)) await peer.send(1, method);
      return await fence(peer);
    },
    expect: ["1 basic.qos-ok"],
  })),
  {
    name: "an error closes the channel, no-wait or not",
    async run({ login, name }) {
      const peer = await login();
      await peer.send(1, queueDeclare({ queue: name("nothing"), passive: true, noWait: true }));
      return await channelEnding(peer);
    },
    expect: [404, "NOT_FOUND - no queue 'nothing' in vhost '/'", "queue.declare"],
  },
  ...UNREADABLE.map(([name, payload, expect]): WireCase => ({
    name: `${name} ends the connection`,
    async run({ login }) {
      const peer = await login();
      await peer.sendFrame(FRAME_METHOD, 1, payload);
      return await closeSaid(peer);
    },
    expect,
  })),
  {
    name: "basic.recover-async requeues, without a reply",
    async run({ login, name }) {
      const peer = await login();
      const queue = name("queue");
      await peer.send(1, queueDeclare({ queue }));
      await peer.expect(1, "queue.declare-ok");
      await peer.send(1, basicPublish({ routingKey: queue }), { body: "again" });
      await peer.send(1, basicGet({ queue }));
      await peer.expectContent(1, "basic.get-ok");
      await peer.send(1, basicRecoverAsync({ requeue: true }));
      await peer.send(1, basicGet({ queue }));
      const { redelivered, deliveryTag, text } = await peer.expectContent(1, "basic.get-ok");
      return { redelivered, deliveryTag, text };
    },
    expect: { redelivered: true, deliveryTag: 2, text: "again" },
  },
  {
    name: "basic.recover-async to the same consumers is not there",
    async run({ login }) {
      const peer = await login();
      await peer.send(1, basicRecoverAsync({ requeue: false }));
      return await closeSaid(peer);
    },
    expect: [540, "NOT_IMPLEMENTED - requeue=false", "basic.recover-async"],
  },
  {
    name: "basic.recover is answered before anything comes again",
    async run({ login, name }) {
      const peer = await login();
      const queue = name("queue");
      await peer.send(1, queueDeclare({ queue }));
      await peer.expect(1, "queue.declare-ok");
      await peer.send(1, basicConsume({ queue, consumerTag: "t" }));
      await peer.expect(1, "basic.consume-ok");
      await peer.send(1, basicPublish({ routingKey: queue }), { body: "again" });
      await peer.expectContent(1, "basic.deliver");
      await peer.send(1, basicRecover({ requeue: true }));
      return await heard(peer, 2);
    },
    expect: ["1 basic.recover-ok", "1 basic.deliver"],
  },
  {
    name: "basic.consume-ok comes before the first delivery",
    async run({ login, name }) {
      const peer = await login();
      const queue = name("queue");
      await peer.send(1, queueDeclare({ queue }));
      await peer.send(1, basicPublish({ routingKey: queue }), { body: "1" });
      await peer.send(1, basicConsume({ queue, consumerTag: "t" }));
      return await heard(peer, 3);
    },
    expect: ["1 queue.declare-ok", "1 basic.consume-ok", "1 basic.deliver"],
  },
  {
    name: "basic.cancel-ok comes after the last delivery",
    async run({ login, name }) {
      const peer = await login();
      const queue = name("queue");
      await peer.send(1, queueDeclare({ queue }));
      await peer.expect(1, "queue.declare-ok");
      await peer.send(1, basicConsume({ queue, consumerTag: "t" }));
      await peer.expect(1, "basic.consume-ok");
      for (let count = 0; count < 3; count++) {
        await peer.send(1, basicPublish({ routingKey: queue }), { body: "1" });
      }
      await peer.send(1, basicCancel({ consumerTag: "t" }));
      const methods = await heardUntil(peer, "basic.cancel-ok");
      return [methods.at(-1), await fence(peer)];
    },
    expect: ["1 basic.cancel-ok", ["1 basic.qos-ok"]],
  },
  {
    name: "confirms cover every message, each once",
    async run({ login, name }) {
      const peer = await login();
      const queue = name("queue");
      await peer.send(1, queueDeclare({ queue }));
      await peer.expect(1, "queue.declare-ok");
      await peer.send(1, confirmSelect());
      await peer.expect(1, "confirm.select-ok");
      for (let count = 0; count < 20; count++) {
        await peer.send(1, basicPublish({ routingKey: count % 2 === 0 ? queue : name("no") }), {
          body: "1",
        });
      }
      const confirmed: number[] = [];
      while (confirmed.length < 20) {
        const { deliveryTag, multiple } = await peer.expect(1, "basic.ack");
        for (let tag = multiple ? 1 : deliveryTag; tag <= deliveryTag; tag++) {
          if (!confirmed.includes(tag)) confirmed.push(tag);
          else if (tag === deliveryTag) return `${tag} is confirmed twice`;
        }
      }
      return confirmed.sort((a, b) => a - b).join(" ");
    },
    expect: "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
  },
  {
    name: "basic.return comes before the confirm of its message",
    async run({ login, name }) {
      const peer = await login();
      await peer.send(1, confirmSelect());
      await peer.expect(1, "confirm.select-ok");
      await peer.send(1, basicPublish({ routingKey: name("nobody"), mandatory: true }), {
        body: "1",
      });
      return await heard(peer, 2);
    },
    expect: ["1 basic.return", "1 basic.ack"],
  },
  {
    name: "what came back is confirmed by itself, before anything else",
    async run({ login, name }) {
      const peer = await login();
      await peer.send(1, confirmSelect());
      await peer.expect(1, "confirm.select-ok");
      const routingKey = name("nobody");
      // in one write, since confirms of the same turn could be one
      const frames = [false, true, true, false].flatMap((mandatory) => [
        frameBytes(FRAME_METHOD, 1, payloadOf(basicPublish({ routingKey, mandatory }))),
        frameBytes(FRAME_HEADER, 1, headerPayload(0)),
      ]);
      await peer.sendBytes(concat(frames));
      const methods: string[] = [];
      while (!methods.at(-1)?.endsWith("4")) {
        const method = (await peer.next())!.method;
        methods.push(
          method.name === "basic.ack"
            ? `${method.multiple ? "all up to" : "ack"} ${method.deliveryTag}`
            : method.name,
        );
      }
      return methods;
    },
    expect: ["ack 1", "basic.return", "ack 2", "basic.return", "ack 3", "ack 4"],
  },
  {
    name: "a client that does not understand basic.cancel is not told",
    async run({ login, name }) {
      const peer = await login({ capabilities: {} });
      const queue = name("queue");
      await peer.send(1, queueDeclare({ queue }));
      await peer.expect(1, "queue.declare-ok");
      await peer.send(1, basicConsume({ queue, consumerTag: "t" }));
      await peer.expect(1, "basic.consume-ok");
      await peer.send(1, queueDelete({ queue }));
      await peer.expect(1, "queue.delete-ok");
      return await fence(peer);
    },
    expect: ["1 basic.qos-ok"],
  },
  {
    name: "one that does is told, and need not answer",
    async run({ login, name }) {
      const peer = await login();
      const queue = name("queue");
      await peer.send(1, queueDeclare({ queue }));
      await peer.expect(1, "queue.declare-ok");
      await peer.send(1, basicConsume({ queue, consumerTag: "t" }));
      await peer.expect(1, "basic.consume-ok");
      await peer.send(1, queueDelete({ queue }));
      return [await peer.next(), await peer.next()].map((next) => next?.method);
    },
    expect: [
      { name: "queue.delete-ok", messageCount: 0 },
      { name: "basic.cancel", consumerTag: "t", noWait: true },
    ],
  },
  {
    name: "one that deletes without a reply is told as well",
    async run({ login, name }) {
      const peer = await login();
      const queue = name("queue");
      await peer.send(1, queueDeclare({ queue }));
      await peer.expect(1, "queue.declare-ok");
      await peer.send(1, basicConsume({ queue, consumerTag: "t" }));
      await peer.expect(1, "basic.consume-ok");
      await peer.send(1, queueDelete({ queue, noWait: true }));
      return (await peer.next())?.method;
    },
    expect: { name: "basic.cancel", consumerTag: "t", noWait: true },
  },
  {
    name: "basic.get-ok tells everything",
    async run({ login, name }) {
      const peer = await login();
      const queue = name("queue");
      await peer.send(1, queueDeclare({ queue }));
      await peer.expect(1, "queue.declare-ok");
      for (const body of ["1", "2"]) {
        await peer.send(1, basicPublish({ routingKey: queue }), { body });
      }
      await peer.send(1, basicGet({ queue }));
      const { deliveryTag, redelivered, exchange, routingKey, messageCount, text } = await peer
        .expectContent(1, "basic.get-ok");
      await peer.send(1, basicNack({ deliveryTag, requeue: true }));
      await peer.send(1, basicGet({ queue }));
      const again = await peer.expectContent(1, "basic.get-ok");
      return [
        { deliveryTag, redelivered, exchange, routingKey, messageCount, text },
        [again.deliveryTag, again.redelivered, again.messageCount, again.text],
      ];
    },
    expect: [
      {
        deliveryTag: 1,
        redelivered: false,
        exchange: "",
        routingKey: "queue",
        messageCount: 1,
        text: "1",
      },
      [2, true, 1, "1"],
    ],
  },
  {
    name: "the flags of a method are read one by one",
    async run({ login, name }) {
      const peer = await login();
      const queue = name("queue");
      // durable and auto-delete, not passive, not exclusive, not no-wait
      const payload = [0, 50, 0, 10, 0, 0, queue.length, ...octets(queue), 0b01010, 0, 0, 0, 0];
      await peer.sendFrame(FRAME_METHOD, 1, payload);
      await peer.expect(1, "queue.declare-ok");
      await peer.send(1, queueDeclare({ queue, durable: true, autoDelete: true }));
      const same = await heard(peer, 1);
      await peer.send(1, queueDeclare({ queue, durable: true }));
      return [same, await channelEnding(peer)];
    },
    expect: [
      ["1 queue.declare-ok"],
      [
        406,
        "PRECONDITION_FAILED - inequivalent arg 'auto_delete' for queue 'queue' in vhost '/': " +
        "received 'false' but current is 'true'",
        "queue.declare",
      ],
    ],
  },
  {
    name: "flags that a method has not are not looked at",
    async run({ login, name }) {
      const peer = await login();
      const queue = name("queue");
      const payload = [0, 50, 0, 10, 0, 0, queue.length, ...octets(queue), 0b11100000, 0, 0, 0, 0];
      await peer.sendFrame(FRAME_METHOD, 1, payload);
      return await heard(peer, 1);
    },
    expect: ["1 queue.declare-ok"],
  },
  {
    name: "a ticket is not looked at",
    async run({ login, name }) {
      const peer = await login();
      const queue = name("queue");
      const payload = [0, 50, 0, 10, 0xab, 0xcd, queue.length, ...octets(queue), 0, 0, 0, 0, 0];
      await peer.sendFrame(FRAME_METHOD, 1, payload);
      return await heard(peer, 1);
    },
    expect: ["1 queue.declare-ok"],
  },
  {
    name: "a method may be longer than its fields",
    async run({ login }) {
      const peer = await login();
      await peer.sendFrame(FRAME_METHOD, 1, [...payloadOf(basicQos()), 1, 2, 3]);
      const said = await peer.next();
      return said?.method.name;
    },
    expect: "basic.qos-ok",
  },
  ...BROKEN_HEADERS.map(([name, rest, expect]): WireCase => ({
    name: `a content header with ${name} ends the connection`,
    async run({ login }) {
      const peer = await login();
      await peer.sendFrame(FRAME_METHOD, 1, payloadOf(basicPublish({ routingKey: "nobody" })));
      await peer.sendFrame(2, 1, headerPayload(0, { rest }));
      await peer.send(1, basicAck({ deliveryTag: 0, multiple: true }));
      await peer.send(1, basicQos());
      const said = await peer.next();
      if (said?.method.name !== "connection.close") return said?.method.name;
      return [said.method.replyCode, said.method.replyText];
    },
    expect,
  })),
];
