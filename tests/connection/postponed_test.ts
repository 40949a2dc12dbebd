import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { concat } from "@std/bytes";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import {
  basicAck,
  basicConsume,
  basicPublish,
  channelOpen,
  type Method,
  queueDeclare,
} from "../../broker/amqp/methods/mod.ts";
import type { Publishing } from "../../broker/vhost/publishing.ts";
import { keptMethod } from "../../broker/connection/postponed.ts";
import { methodFrame } from "../amqp/frames.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import { serveWithHeap } from "./full_heap.ts";
import { settle } from "./support.ts";

const KIB = 1024;
/** So much may wait of a client. */
const POSTPONED_MAX = 64 * KIB;

/** What a method without content counts for. */
function sizeOf(method: Method): number {
  return keptMethod(undefined as unknown as Publishing, method, undefined).size;
}

const withTable = (table: FieldTable) => queueDeclare({ queue: "q", arguments: table });

Deno.test("A method that waits counts for its texts and its table as it is in memory", () => {
  assertLess(sizeOf(basicAck({ deliveryTag: 1 })), 100);
  assertLess(sizeOf(channelOpen()), 100);
  assertLess(sizeOf(queueDeclare({ queue: "q", durable: true })), 100);
  const plain = sizeOf(withTable({}));
  const added = (table: FieldTable) => sizeOf(withTable(table)) - plain;
  assertGreater(added({ text: "x".repeat(10_000) }), 10_000);
  assertGreater(added({ bytes: new Uint8Array(10_000) }), 10_000);
  assertGreater(added({ ["x".repeat(100)]: true }), 100);
  // a thousand octets come for these, and some fifty thousand are kept
  assertGreater(added({ list: Array<boolean>(1000).fill(true) }), 8_000);
  assertGreater(added({ list: Array.from({ length: 200 }, () => ({})) }), 10_000);
  assertGreater(added({ list: Array.from({ length: 200 }, () => new Uint8Array()) }), 20_000);
  assertGreater(added({ a: { b: { c: ["x".repeat(5000)] } } }), 5_000);
  assertLess(added({ "x-max-length": 10, "x-expires": 1000, "x-queue-type": "quorum" }), 500);
});

/** Sends methods until nothing is read any more; `done` is when all of them were. */
function flood(peer: RawPeer, channel: number, count: number, method: (at: number) => Method) {
  let sent = 0;
  const done = (async () => {
    for (; sent < count; sent++) await peer.send(channel, method(sent));
  })();
  done.catch(() => {}); // awaited where all of it is to arrive
  return { done, sent: () => sent };
}

const LARGE = { "x-note": "x".repeat(100 * KIB) };
const SMALL = { "x-note": Array.from({ length: 500 }, () => new Uint8Array()) };

const declareLarge = () => queueDeclare({ queue: "q", arguments: LARGE, noWait: true });
const declareSmall = () => queueDeclare({ queue: "q", arguments: SMALL, noWait: true });
const consumeLarge = (at: number) =>
  basicConsume({ queue: "q", consumerTag: `${at}`, arguments: LARGE, noWait: true });

const FLOODS: readonly (readonly [string, (at: number) => Method, atMost: number])[] = [
  ["declares of 100 KiB", declareLarge, 10],
  ["consumes of 100 KiB", consumeLarge, 10],
  ["declares of 3 KiB that take thirty times as much", declareSmall, 150],
];

for (const [what, method, atMost] of FLOODS) {
  for (const where of ["held", "blocked"] as const) {
    Deno.test(`Of ${what} a ${where} channel keeps as many as there is room for, and reads no more`, async () => {
      await using stage = await serveWithHeap();
      const { served, full } = stage;
      const peer = await served.login();
      await peer.send(1, queueDeclare({ queue: "q" }));
      await peer.expect(1, "queue.declare-ok");
      full(true);
      const channel = where === "held" ? 2 : 1;
      if (where === "held") await peer.send(2, channelOpen());
      else await peer.send(1, basicPublish({ routingKey: "elsewhere" }), { body: "held" });
      const flooding = flood(peer, channel, 2 * atMost, method);
      await settle();
      const before = flooding.sent();
      await settle();
      assertEquals(flooding.sent(), before, "nothing is read");
      // what is kept, and what lies in buffers on its way
      assertLess(before, atMost);
      full(false);
      if (where === "held") await peer.expect(2, "channel.open-ok");
      // declared with other arguments, or consumed with such: all of it is looked at now, and read
      await flooding.done;
    });
  }
}

Deno.test("What comes in one read is left where it is once as much is kept as may be", async () => {
  await using stage = await serveWithHeap();
  const { served, full } = stage;
  const peer = await served.login();
  full(true);
  await peer.send(1, basicPublish({ routingKey: "elsewhere" }), { body: "held" });
  const probe = {
    name: "connection.update-secret",
    newSecret: new Uint8Array(),
    reason: "",
  } as const;
  await peer.sendBytes(concat([
    methodFrame(1, queueDeclare({ queue: "q", arguments: SMALL })),
    methodFrame(0, probe),
  ]));
  let heard = false;
  const answer = peer.next().then((answer) => (heard = true, answer));
  await settle();
  assertEquals(heard, false);
  full(false);
  assertEquals((await answer)?.method.name, "queue.declare-ok");
  await peer.expect(0, "connection.update-secret-ok");
});

Deno.test("Of what is small a blocked channel keeps 64 KiB", async () => {
  await using stage = await serveWithHeap();
  const { served, full } = stage;
  const peer = await served.login();
  const queue = "q".repeat(200);
  await peer.send(1, queueDeclare({ queue }));
  await peer.expect(1, "queue.declare-ok");
  full(true);
  await peer.send(1, basicPublish({ routingKey: "elsewhere" }), { body: "x" });
  const ask = queueDeclare({ queue, passive: true });
  const few = Math.floor(POSTPONED_MAX / sizeOf(ask)) - 10;
  await flood(peer, 1, few, () => ask).done;
  // a client that is read is heard
  await peer.send(0, { name: "connection.update-secret", newSecret: new Uint8Array(), reason: "" });
  await peer.expect(0, "connection.update-secret-ok");
  const flooding = flood(peer, 1, 2000, () => ask);
  await settle();
  assert(flooding.sent() < 2000, `${flooding.sent()}`);
  full(false);
  for (let answers = 0; answers < few; answers++) await peer.expect(1, "queue.declare-ok");
  for (let answers = 0; answers < 2000; answers++) await peer.expect(1, "queue.declare-ok");
  await flooding.done;
});

Deno.test("With a lower bound a blocked client is heard only until that", async () => {
  const options = { waitingBytesMaxPerConnection: 16 * KIB };
  await using stage = await serveWithHeap(options);
  const { served, full } = stage;
  const peer = await served.login();
  const queue = "q".repeat(200);
  await peer.send(1, queueDeclare({ queue }));
  await peer.expect(1, "queue.declare-ok");
  full(true);
  await peer.send(1, basicPublish({ routingKey: "elsewhere" }), { body: "x" });
  const ask = queueDeclare({ queue, passive: true });
  const count = Math.ceil(20 * KIB / sizeOf(ask));
  await flood(peer, 1, count, () => ask).done;
  await settle();
  await peer.send(0, { name: "connection.update-secret", newSecret: new Uint8Array(), reason: "" });
  let heard = "";
  const answer = peer.next().then((answer) => heard = answer!.method.name);
  await settle();
  assertEquals(heard, "");
  full(false);
  assertEquals(await answer, "queue.declare-ok");
  for (let answers = 1; answers < count; answers++) await peer.expect(1, "queue.declare-ok");
  await peer.expect(0, "connection.update-secret-ok");
});
