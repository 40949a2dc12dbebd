/**
 * Every call of the client that takes options looks at them at once, and says what there is instead: an
 * option that there is not would do nothing, and who gave it would wait for ever for what it was to do.
 *
 * The calls are listed here, and each method that takes options must be among them, so that one that is
 * added later is too.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  Broker,
  type Channel,
  connect,
  type Connection,
  type Delivery,
  type Message,
} from "../../mod.ts";
import { connect as connectToWebSocket } from "../../client/websocket.ts";

interface Given {
  readonly connection: Connection;
  readonly channel: Channel;
  /** Another one each time, not settled. */
  readonly delivery: () => Promise<Delivery>;
  readonly message: () => Promise<Message<unknown>>;
}

// deno-lint-ignore no-explicit-any -- what a program without types may give
type Call = (options: any, given: Given) => unknown;

const CALLS: Readonly<Record<string, Call>> = {
  "connect": (options) => connect("amqp://127.0.0.1:1", options),
  "websocket connect": (options) => connectToWebSocket("ws://127.0.0.1:1", options),
  "Connection.whenConnected": (options, { connection }) => connection.whenConnected(options),
  "Connection.openChannel": (options, { connection }) => connection.openChannel(options),
  "Connection.publisher": (options, { connection }) => connection.publisher(options),
  "Connection.consumer": (options, { connection }) =>
    connection.consumer(
      typeof options === "object" && options ? { queue: "q", ...options } : options,
    ),
  "Connection.rpc": (options, { connection }) => connection.rpc("q", options),
  "Connection.serve": (options, { connection }) => connection.serve("calls", () => 1, options),
  "Connection.updateSecret": (options, { connection }) =>
    connection.updateSecret("secret", "", options),
  "Connection.close": (options, { connection }) => connection.close(options),
  "Channel.exchangeDeclare": (options, { channel }) =>
    channel.exchangeDeclare("e", "fanout", options),
  "Channel.exchangeDelete": (options, { channel }) => channel.exchangeDelete("e", options),
  "Channel.exchangeBind": (options, { channel }) => channel.exchangeBind(options),
  "Channel.exchangeUnbind": (options, { channel }) => channel.exchangeUnbind(options),
  "Channel.queueDeclare": (options, { channel }) => channel.queueDeclare("new", options),
  "Channel.queueBind": (options, { channel }) => channel.queueBind(options),
  "Channel.queueUnbind": (options, { channel }) => channel.queueUnbind(options),
  "Channel.queuePurge": (options, { channel }) => channel.queuePurge("q", options),
  "Channel.queueDelete": (options, { channel }) => channel.queueDelete("q", options),
  "Channel.basicPublish": (options, { channel }) => channel.basicPublish(options, "x"),
  "Channel.confirmSelect": (options, { channel }) => channel.confirmSelect(options),
  "Channel.waitForConfirms": (options, { channel }) => channel.waitForConfirms(options),
  "Channel.basicQos": (options, { channel }) => channel.basicQos(options),
  "Channel.basicConsume": (options, { channel }) => channel.basicConsume("q", options),
  "Channel.basicCancel": (options, { channel }) => channel.basicCancel("tag", options),
  "Channel.basicGet": (options, { channel }) => channel.basicGet("q", options),
  "Channel.basicAck": (options, { channel }) => channel.basicAck(1, options),
  "Channel.basicNack": (options, { channel }) => channel.basicNack(1, options),
  "Channel.basicReject": (options, { channel }) => channel.basicReject(1, options),
  "Channel.basicRecover": (options, { channel }) => channel.basicRecover(options),
  "Channel.txSelect": (options, { channel }) => channel.txSelect(options),
  "Channel.txCommit": (options, { channel }) => channel.txCommit(options),
  "Channel.txRollback": (options, { channel }) => channel.txRollback(options),
  "Channel.channelFlow": (options, { channel }) => channel.channelFlow(options),
  "Channel.close": (options, { channel }) => channel.close(options),
  "Consumer.cancel": async (options, { channel }) => {
    await using consumer = await channel.basicConsume("empty", {}, () => {});
    await consumer.cancel(options);
  },
  "IterableConsumer.next": async (options, { channel }) => {
    await using consumer = await channel.basicConsume("empty");
    await consumer.next(options);
  },
  "Delivery.ack": async (options, { delivery }) => (await delivery()).ack(options),
  "Delivery.nack": async (options, { delivery }) => (await delivery()).nack(options),
  "Delivery.reject": async (options, { delivery }) => (await delivery()).reject(options),
  "Message.nack": async (options, { message }) => (await message()).nack(options),
  "Message.reject": async (options, { message }) => (await message()).reject(options),
  "MessageConsumer.next": async (options, { connection }) => {
    await using consumer = await connection.consumer({ queue: "empty" });
    await consumer.next(options);
  },
  "MessageConsumer.close": async (options, { connection }) => {
    await using consumer = await connection.consumer({ queue: "empty" });
    await consumer.close(options);
  },
  "Publisher.publish": async (options, { connection }) => {
    await using publisher = await connection.publisher({ routingKey: "q" });
    await publisher.publish("x", options);
  },
  "Publisher.flush": async (options, { connection }) => {
    await using publisher = await connection.publisher();
    await publisher.flush(options);
  },
  "Publisher.close": async (options, { connection }) => {
    await using publisher = await connection.publisher();
    await publisher.close(options);
  },
  "RpcClient.call": async (options, { connection }) => {
    await using client = await connection.rpc("empty");
    await client.call("x", options);
  },
  "RpcClient.close": async (options, { connection }) => {
    await using client = await connection.rpc("empty");
    await client.close(options);
  },
  "RpcServer.close": async (options, { connection }) => {
    await using server = await connection.serve("calls", () => 1);
    await server.close(options);
  },
};

/** What is given, and what the error says of it. */
const WRONG: readonly (readonly [unknown, RegExp])[] = [
  [{ colour: 1 }, /^Cannot [^:]+: there is no option "colour", only [a-z]/],
  [null, /^Cannot [^:]+: options are null, not an object; there are [a-z]/],
  [1000, /^Cannot [^:]+: options are number, not an object; there are [a-z]/],
  [{ signal: 1000 }, /^Cannot [^:]+: (signal is number, not an AbortSignal|there is no option)/],
];

Deno.test("each call that takes options tells at once of one that there is not", async (t) => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  await channel.queueDeclare("empty");
  await channel.basicPublish({ routingKey: "q" }, "x");
  const other = await connection.openChannel();
  await other.queueDeclare("deliveries");
  const delivery = async () => {
    await other.basicPublish({ routingKey: "deliveries" }, "x");
    return (await other.basicGet("deliveries"))!;
  };
  await other.queueDeclare("messages");
  const consumer = await connection.consumer({ queue: "messages", prefetch: 0 });
  const message = async () => {
    await other.basicPublish({ routingKey: "messages" }, "x");
    return (await consumer.next()).value!;
  };
  for (const [name, call] of Object.entries(CALLS)) {
    const given = { connection, channel, delivery, message };
    await t.step(name, async () => {
      for (const [options, text] of WRONG) {
        let error: unknown;
        try {
          await call(options, given);
        } catch (thrown) {
          error = thrown;
        }
        assertInstanceOf(error, TypeError, `${name}(${JSON.stringify(options)})`);
        assert(text.test(error.message), `${name}: ${error.message}`);
      }
    });
  }
  await consumer.close();
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, 1);
  assertEquals(connection.state, "open");
});

interface Parameter {
  readonly name?: string;
  readonly left?: Parameter;
}

interface Declaration {
  readonly kind: string;
  readonly def: {
    readonly params?: readonly Parameter[];
    readonly methods?: readonly {
      readonly name: string;
      readonly functionDef: { readonly params: readonly Parameter[] };
    }[];
  };
}

Deno.test("no call that takes options is left out", async () => {
  const door = new URL("../../client/mod.ts", import.meta.url).pathname;
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", door],
  }).output();
  assert(success);
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout)) as {
    nodes: Record<
      string,
      { symbols: readonly { name: string; declarations: readonly Declaration[] }[] }
    >;
  };
  const takesOptions = (params: readonly Parameter[] = []) =>
    params.some((one) => (one.left ?? one).name === "options");
  const names = new Set<string>();
  for (const { name, declarations } of Object.values(nodes)[0]!.symbols) {
    for (const { kind, def } of declarations) {
      if (kind === "function" && takesOptions(def.params)) names.add(name);
      for (const method of def.methods ?? []) {
        if (takesOptions(method.functionDef?.params)) names.add(`${name}.${method.name}`);
      }
    }
  }
  assertEquals([...names].filter((name) => !(name in CALLS)), []);
  assertEquals(names.size, Object.keys(CALLS).length - 1);
});
