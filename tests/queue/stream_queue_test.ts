import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { computedMs } from "../support/computed.ts";
import type { QueueEntry } from "../../broker/queue/entry.ts";
import { testStream } from "./stream_contract.ts";
import { seenFrom, START_MS, StreamConsumer, TestStream, turns } from "./stream_support.ts";

testStream("A stream in memory", (arguments_ = {}) => new TestStream({ arguments: arguments_ }));
testStream(
  "A stored stream",
  (arguments_ = {}) => new TestStream({ stored: true, arguments: arguments_ }),
);

Deno.test("A stored stream is what it was after a restart: contents, offsets, times", async () => {
  const test = new TestStream({ stored: true });
  test.publish(0, 1, 2);
  test.clock.advance(5_000);
  test.publish(3);
  test.clock.advance(150);
  test.publish(4, 5);
  test.restart();
  assertEquals(await test.all(), seenFrom(0, 6));
  const since = (ms: number) =>
    test.read({ "x-stream-offset": new Date(START_MS + Math.floor(ms / 1000) * 1000) });
  const consumers = [since(0), since(1_000), since(5_000), since(6_000), test.read("last")];
  test.publish(6);
  await turns();
  assertEquals(consumers.map(({ seen }) => seen[0]), ["0:0", "3:3", "3:3", "6:6", "4:4"]);
});

Deno.test("A stored stream has the store write times, not remember them", () => {
  const test = new TestStream({ stored: true });
  test.publish(0);
  test.clock.advance(1000);
  test.publish(1);
  const times = () => [1, 2].map((position) => test.harness!.queue.deadline(position));
  assertEquals(times(), [0, 0]);
  test.harness!.settle();
  test.harness!.reopen();
  assertEquals(times(), [START_MS, START_MS + 1000]);
  test.restart();
  assertEquals(times(), [0, 0]);
});

Deno.test("A stored stream finds its segments again after a restart", async () => {
  const limits = { "x-max-length-bytes": 3000, "x-stream-max-segment-size-bytes": 1000 };
  const run = async (restarts: boolean) => {
    const test = new TestStream({ stored: true, arguments: limits });
    const counts: number[] = [];
    for (let index = 0; index < 30; index++) {
      test.publish(`${index}`.padEnd(300));
      await turns(2);
      if (restarts && index % 7 === 0) test.restart();
      counts.push(test.stream.messageCount);
    }
    return counts;
  };
  assertEquals(await run(true), await run(false));
});

Deno.test("A stored stream goes on counting when all of it but its last offset is unknown", () => {
  const test = new TestStream({ stored: true });
  test.publish(0, 1, 2);
  const { store, queue } = test.harness!;
  store.settleRange(queue, 1, 3);
  test.harness!.settle();
  queue.highest = 3;
  const { stream } = test;
  stream.restore();
  const consumer = test.read("first");
  test.publish(3);
  assertEquals([consumer.seen, stream.messageCount], [["3:3"], 1]);
});

Deno.test("A stored stream reads what an older version left of a queue of its name", async () => {
  const test = new TestStream({ stored: true, arguments: { "x-max-age": "1h" } });
  for (const position of [3, 4, 9]) test.harness!.append(position, `${position - 1}`);
  test.restart();
  assertEquals(await test.all(), ["2:2", "3:3", "8:8"]);
  test.publish(9);
  assertEquals(await test.all(), ["2:2", "3:3", "8:8", "9:9"]);
});

Deno.test("A stored stream passes a damaged message over and tells of it", async () => {
  const test = new TestStream({ stored: true });
  test.publish("body 0", "body 1", "body 2");
  test.harness!.settle();
  const { files } = test.harness!;
  const [file] = files.list().filter((name) => name.endsWith(".segment"));
  const text = new TextDecoder("latin1").decode(files.contents(file!));
  files.damage(file!, text.indexOf("body 1"), new Uint8Array([0x2d]));
  assertEquals(await test.all(), ["0:body 0", "2:body 2"]);
  assertEquals(test.unreadable.map(({ code }) => code), ["corrupt"]);
});

Deno.test("A stored stream waits for a disk that fails, and lets nobody pass", async () => {
  const test = new TestStream({ stored: true });
  test.publish(0, 1, 2);
  test.harness!.settle();
  test.harness!.files.faults = { failReads: true };
  const consumers = [test.read("first"), test.read(1)];
  await turns();
  assertEquals([consumers[0]!.seen, consumers[1]!.seen, test.clock.timers], [[], [], 1]);
  test.harness!.files.faults = {};
  test.clock.advance(1000);
  await turns();
  assertEquals(consumers.map(({ seen }) => seen), [seenFrom(0, 3), seenFrom(1, 3)]);
  test.harness!.files.faults = { failReads: true };
  test.read("first");
  await turns();
  assertEquals(test.clock.timers, 1);
  test.stream.delete();
  assertEquals(test.clock.timers, 0);
});

Deno.test("A stream is not read by taking from it, and cannot be purged", () => {
  const { stream } = new TestStream();
  assertThrows(() => stream.take(), TypeError, "Cannot take a message from a stream");
  assertThrows(() => stream.purge(), TypeError, "Cannot purge a stream");
});

Deno.test("A consumer that goes while it reads gets nothing more", async () => {
  const test = new TestStream();
  test.publish(0, 1, 2, 3);
  const consumer = new class extends StreamConsumer {
    override deliver(...entry: Parameters<StreamConsumer["deliver"]>): void {
      super.deliver(...entry);
      if (this.seen.length === 2) test.stream.removeConsumer(this);
    }
  }();
  test.read("first", consumer);
  await turns();
  test.publish(4);
  assertEquals([consumer.seen, test.stream.consumerCount], [["0:0", "1:1"], 0]);
});

Deno.test("Acks of one turn make room for one batch", async () => {
  const test = new TestStream();
  test.publish(...Array.from({ length: 100 }, (_, index) => index));
  const consumer = test.read("first", new StreamConsumer({ room: 50 }));
  await turns();
  for (const _ of consumer.entries.splice(0)) {
    test.stream.settle();
    consumer.room++;
    if (!consumer.inRow) test.stream.consumerHasRoom(consumer);
  }
  assertEquals(consumer.seen.length, 50, "it is read at the end of the turn");
  await turns();
  assertEquals(consumer.seen, seenFrom(0, 100));
});

Deno.test("A stream does not look at all who want to begin further on with each message", async () => {
  const test = new TestStream();
  const early = [5000, 5000, 5001].map((offset) => test.read(offset));
  for (let count = 0; count < 100_000; count++) test.read(1_000_000 + count % 3);
  const gone = test.read(5000);
  test.stream.removeConsumer(gone);
  const began = computedMs();
  for (let count = 0; count < 5002; count++) test.publish(count);
  await turns();
  // a fraction of it, where it would be several
  assertLess(computedMs() - began, 1500);
  assertEquals(early.map(({ seen }) => seen), [
    ["5000:5000", "5001:5001"],
    ["5000:5000", "5001:5001"],
    ["5001:5001"],
  ]);
  assertEquals(gone.seen, []);
});

Deno.test("A stream finds whose turn it is however many readers have had theirs", async () => {
  const test = new TestStream();
  const consumers = Array.from({ length: 200_000 }, () => test.read("next"));
  const began = computedMs();
  test.publish("m");
  await turns(500);
  assertLess(computedMs() - began, 3000);
  assert(consumers.every(({ seen: [only] }) => only === "0:m"));
});

/** One that does something within its first delivery. */
class Meddler extends StreamConsumer {
  readonly #meddle: () => void;
  constructor(meddle: () => void) {
    super();
    this.#meddle = meddle;
  }

  override deliver(entry: QueueEntry): void {
    super.deliver(entry);
    if (this.seen.length === 1) this.#meddle();
  }
}

Deno.test("A stream gives each reader all in order though somebody publishes within a delivery", async () => {
  const test = new TestStream();
  const readers = [test.read("next"), test.read("next", new Meddler(() => test.publish(1)))];
  readers.push(test.read("next"), test.read("next"));
  test.publish(0);
  await turns();
  test.publish(2);
  await turns();
  assertEquals(readers.map(({ seen }) => seen), Array(4).fill(seenFrom(0, 3)));
});

Deno.test("A stream forgets no reader though the one before it goes within a delivery", async () => {
  const test = new TestStream();
  const gone = new StreamConsumer();
  const readers = [test.read("next", new Meddler(() => test.stream.removeConsumer(gone)))];
  test.read("next", gone);
  readers.push(test.read("next"), test.read("next"));
  test.publish(0);
  await turns();
  test.publish(1, 2);
  await turns();
  assertEquals(readers.map(({ seen }) => seen), Array(3).fill(seenFrom(0, 3)));
});
