import { FRAME_BODY, FRAME_HEADER, FRAME_METHOD } from "../../broker/amqp/constants.ts";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { basicGet, basicNack, basicPublish } from "../../broker/amqp/methods/basic.ts";
import { confirmSelect } from "../../broker/amqp/methods/confirm.ts";
import { queueDeclare } from "../../broker/amqp/methods/queue.ts";
import type { WireCase } from "../support/harness.ts";
import type { WirePeer } from "../support/wire_peer.ts";
import { headerPayload, octets, payloadOf } from "./wire_observe.ts";

/** Headers with a number of each width, as octets with their size. */
const SENT: readonly number[] = sized([
  ...field("byte", "b", [0xff]),
  ...field("short", "s", [0, 7]),
  ...field("int", "I", [0, 0, 0, 7]),
  ...field("long", "l", [0, 0, 0, 0, 0, 0, 0, 7]),
  ...field("float", "f", [0x3f, 0x80, 0, 0]),
  ...field("double", "d", [0x3f, 0xf0, 0, 0, 0, 0, 0, 0]),
  ...field("bytes", "x", sized([1, 2])),
  ...field("list", "A", sized([...octets("l"), 0, 0, 0, 0, 0, 0, 0, 7])),
]);

function field(name: string, letter: string, value: readonly number[]): number[] {
  return [name.length, ...octets(name), ...octets(letter), ...value];
}

function sized(bytes: readonly number[]): number[] {
  return [0, 0, bytes.length >> 8, bytes.length & 0xff, ...bytes];
}

/** Publishes a message with those headers and waits until it is confirmed. */
async function publish(peer: WirePeer, routingKey: string): Promise<void> {
  await peer.send(1, confirmSelect());
  await peer.expect(1, "confirm.select-ok");
  await peer.sendFrame(FRAME_METHOD, 1, payloadOf(basicPublish({ routingKey })));
  // headers, delivery mode and expiration
  const rest = [0x31, 0, ...SENT, 1, 5, ...octets("60000")];
  await peer.sendFrame(FRAME_HEADER, 1, headerPayload(1, { rest }));
  await peer.sendFrame(FRAME_BODY, 1, [0x61]);
  await peer.expect(1, "basic.ack");
}

async function declare(peer: WirePeer, queue: string, arguments_: FieldTable): Promise<void> {
  const durable = "x-queue-type" in arguments_;
  await peer.send(1, queueDeclare({ queue, durable, arguments: arguments_ }));
  await peer.expect(1, "queue.declare-ok");
}

/** The types of the headers of the last message that came: `name letter`, sorted. */
function headerTypes(peer: WirePeer): string[] {
  const { payload } = peer.frames().filter(({ type }) => type === FRAME_HEADER).at(-1)!;
  const types: string[] = [];
  // class, weight, body size and flags come before the headers, which are the first property
  readTable(payload, 14, "", types);
  return types.filter((type) => !type.startsWith("x-last-death-")).sort();
}

function readTable(bytes: Uint8Array, at: number, path: string, types: string[]): number {
  const end = at + 4 + sizeAt(bytes, at);
  at += 4;
  while (at < end) {
    const name = path + new TextDecoder().decode(bytes.subarray(at + 1, at + 1 + bytes[at]!));
    at = readValue(bytes, at + 1 + bytes[at]!, name, types);
  }
  return end;
}

function readValue(bytes: Uint8Array, at: number, name: string, types: string[]): number {
  const letter = String.fromCharCode(bytes[at++]!);
  types.push(`${name} ${letter}`);
  if (letter === "F") return readTable(bytes, at, `${name}.`, types);
  if (letter === "A") {
    const end = at + 4 + sizeAt(bytes, at);
    for (at += 4; at < end;) at = readValue(bytes, at, `${name}[]`, types);
    return end;
  }
  if (letter === "S" || letter === "x") return at + 4 + sizeAt(bytes, at);
  return at + ({ b: 1, s: 2, I: 4, f: 4, l: 8, d: 8, T: 8 }[letter] ?? 0);
}

function sizeAt(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

/** Gets the message of a queue once it is there. */
async function got(peer: WirePeer, queue: string): Promise<number> {
  for (;;) {
    await peer.send(1, basicGet({ queue }));
    const next = await peer.next();
    if (next?.method.name === "basic.get-ok") return next.method.deliveryTag;
  }
}

const MINE = [
  "byte b",
  "bytes x",
  "double d",
  "float f",
  "int I",
  "list A",
  "list[] l",
  "long l",
  "short s",
];
const DEATH = [
  "count l",
  "exchange S",
  "queue S",
  "reason S",
  "routing-keys A",
  "routing-keys[] S",
  "time T",
].map((type) => `x-death[].${type}`);
const FIRST = ["x-first-death-exchange S", "x-first-death-queue S", "x-first-death-reason S"];

/** In which types the headers of messages arrive that the broker has added to. */
export const deadLetterHeaders: readonly WireCase[] = [
  {
    name: "a dead message tells of its death in these types, its own headers keep theirs",
    async run({ login, name }) {
      const [peer, queue, dead] = [await login(), name("queue"), name("dead")];
      await declare(peer, dead, {});
      await declare(peer, queue, {
        "x-max-length": 0,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead,
      });
      await publish(peer, queue);
      await got(peer, dead);
      return headerTypes(peer);
    },
    expect: [
      ...MINE,
      "x-death A",
      "x-death[] F",
      ...DEATH,
      "x-death[].original-expiration S",
      ...FIRST,
    ].sort(),
  },
  {
    name: "a message that died twice tells of both deaths in these types",
    async run({ login, name }) {
      const [peer, first, second, dead] = [
        await login(),
        name("first"),
        name("second"),
        name("dead"),
      ];
      const dying = (to: string) => ({
        "x-max-length": 0,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": to,
      });
      await declare(peer, dead, {});
      await declare(peer, second, dying(dead));
      await declare(peer, first, dying(second));
      await publish(peer, first);
      await got(peer, dead);
      return headerTypes(peer);
    },
    expect: [
      ...MINE,
      "x-death A",
      "x-death[] F",
      "x-death[] F",
      ...DEATH,
      ...DEATH,
      "x-death[].original-expiration S",
      ...FIRST,
    ].sort(),
  },
  {
    name: "a quorum queue counts deliveries in this type, the message's headers keep theirs",
    async run({ login, name }) {
      const [peer, queue] = [await login(), name("queue")];
      await declare(peer, queue, { "x-queue-type": "quorum" });
      await publish(peer, queue);
      await peer.send(1, basicNack({ deliveryTag: await got(peer, queue), requeue: true }));
      await got(peer, queue);
      // the count that later versions add is of the same type
      return headerTypes(peer).filter((type) => type !== "x-acquired-count l");
    },
    expect: [...MINE, "x-delivery-count l"].sort(),
  },
  {
    name: "a message without its BCC keeps the types of its headers",
    async run({ login, name }) {
      const [peer, queue] = [await login(), name("queue")];
      await declare(peer, queue, {});
      const headers = sized([
        ...field("long", "l", [0, 0, 0, 0, 0, 0, 0, 7]),
        ...field("BCC", "A", sized([...octets("S"), ...sized(octets("none"))])),
        ...field("short", "s", [0, 7]),
      ]);
      await peer.sendFrame(FRAME_METHOD, 1, payloadOf(basicPublish({ routingKey: queue })));
      await peer.sendFrame(FRAME_HEADER, 1, headerPayload(0, { rest: [0x20, 0, ...headers] }));
      await got(peer, queue);
      return headerTypes(peer);
    },
    expect: ["long l", "short s"],
  },
];
