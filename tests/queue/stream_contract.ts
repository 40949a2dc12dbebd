import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { PAGE_SIZE } from "../../broker/pages.ts";
import { RandomValues } from "../amqp/random_values.ts";
import { seenFrom, START_MS, StreamConsumer, type TestStream, turns } from "./stream_support.ts";

/** What every stream does, wherever its messages are. */
export function testStream(name: string, make: (arguments_?: FieldTable) => TestStream): void {
  Deno.test(`${name} lets consumers begin where they want`, async () => {
    const test = make();
    test.publish(0, 1, 2);
    test.clock.advance(60_000);
    test.publish(3, 4);
    const since = (ms: number) => ({ "x-stream-offset": new Date(START_MS + ms) });
    const starts: readonly (readonly [FieldTable | string | number, number])[] = [
      ["first", 0],
      ["last", 3],
      ["next", 5],
      [{}, 5],
      [2, 2],
      [-1, 0],
      [7, 7],
      ["1h", 0],
      ["60s", 0],
      ["59s", 3],
      ["1s", 3],
      [since(0), 0],
      [since(1_000), 3],
      [since(60_000), 3],
      [since(61_000), 5],
    ];
    const consumers = starts.map(([start]) => test.read(start));
    await turns();
    test.publish(5, 6, 7, 8);
    await turns();
    assertEquals(
      consumers.map(({ seen }) => seen),
      starts.map(([, first]) => seenFrom(first, 9)),
    );
  });

  Deno.test(`${name} gives each consumer everything, whatever room others have`, async () => {
    const test = make();
    const slow = test.read("first", new StreamConsumer({ room: 1 }));
    const quick = test.read("first");
    test.publish(...Array.from({ length: 3000 }, (_, index) => index));
    await turns();
    assertEquals([slow.seen, quick.seen.length], [["0:0"], 3000]);
    const late = test.read("first", new StreamConsumer({ room: 500 }));
    await turns();
    assertEquals(late.seen.length, 500);
    for (let count = 0; count < 5; count++) {
      late.ack(test.stream);
      slow.ack(test.stream);
      await turns();
    }
    assertEquals([slow.seen, late.seen], [seenFrom(0, 6), seenFrom(0, 3000)]);
    assertEquals(test.stream.unackedCount, 1 + 3000 + 500);
  });

  Deno.test(`${name} reads a bounded number of messages a turn`, async () => {
    const test = make();
    test.publish(...Array.from({ length: 5000 }, (_, index) => index));
    const consumers = [test.read("first"), test.read("first"), test.read("first")];
    await turns(1);
    const seen = consumers.map((consumer) => consumer.seen.length);
    assertGreater(Math.min(...seen), 0, "all of them have their turn");
    // to wait for a turn here is to let two of them pass
    assertLess(seen.reduce((sum, count) => sum + count), 2600);
    await turns();
    assertEquals(consumers.map((consumer) => consumer.seen.length), [5000, 5000, 5000]);
  });

  Deno.test(`${name} lets many consumers at its end read in turns`, async () => {
    const test = make();
    const consumers = Array.from({ length: 500 }, () => test.read("next"));
    const ahead = test.read(100);
    const seen = () => consumers.reduce((sum, consumer) => sum + consumer.seen.length, 0);
    test.publish(...Array.from({ length: 20 }, (_, index) => index));
    assertEquals(seen(), 0);
    await turns(1);
    assertLess(seen(), 2600);
    await turns();
    assertEquals([seen(), ahead.seen], [10_000, []]);
    assertEquals(consumers[499]!.seen, seenFrom(0, 20));
  });

  Deno.test(`${name} asks a consumer without room again when that says so`, async () => {
    const test = make();
    test.publish(0, 1, 2);
    const consumer = test.read("first", new StreamConsumer({ room: 1 }));
    await turns();
    const { asked } = consumer;
    test.publish(3, 4);
    await turns();
    assertEquals([consumer.asked, consumer.seen], [asked, ["0:0"]]);
    consumer.room = Infinity;
    test.stream.consumerHasRoom(consumer);
    await turns();
    assertEquals(consumer.seen, seenFrom(0, 5));
  });

  Deno.test(`${name} drops whole segments when it is too large, and never the last`, async () => {
    const test = make({
      "x-max-length-bytes": 3000,
      "x-stream-max-segment-size-bytes": 1000,
    });
    const body = (index: number) => `${index}`.padEnd(500, " ");
    const slow = test.read("first", new StreamConsumer({ room: 1 }));
    for (let index = 0; index < 20; index++) {
      test.publish(body(index));
      test.clock.advance(1);
    }
    await turns();
    // two messages a segment; with the last one begun, two whole ones have room
    assertEquals((await test.all()).map((seen) => seen.split(":")[0]), [
      "14",
      "15",
      "16",
      "17",
      "18",
      "19",
    ]);
    assertEquals(test.stream.messageCount, 6);
    slow.ack(test.stream);
    await turns();
    assertEquals(slow.seen.map((seen) => seen.split(":")[0]), ["0", "14"], "what is gone is gone");
    test.publish("x".repeat(10_000), "y");
    assertEquals(
      test.stream.messageCount,
      1,
      "a segment that is too large alone goes when it ends",
    );
  });

  Deno.test(`${name} drops segments that are too old, when something else comes`, async () => {
    const test = make({ "x-max-age": "1h", "x-stream-max-segment-size-bytes": 1 });
    test.publish(0, 1);
    test.clock.advance(1_800_000);
    test.publish(2);
    test.clock.advance(1_900_000);
    assertEquals(test.stream.messageCount, 3);
    test.publish(3);
    assertEquals(await test.all(), ["2:2", "3:3"]);
    test.clock.advance(10_000_000);
    const consumer = test.read("first");
    await turns();
    assertEquals(consumer.seen, ["3:3"], "the last one stays, however old it is");
    assertEquals(await test.all(), ["3:3"]);
  });

  Deno.test(`${name} takes other limits from the next segment on`, async () => {
    const test = make({ "x-stream-max-segment-size-bytes": 1 });
    test.publish(0, 1, 2);
    test.stream.configure({ bytesMax: 0, ageMaxMs: 1, segmentBytes: 1 });
    assertEquals([test.stream.messageCount, test.clock.timers], [3, 1]);
    test.publish(3);
    assertEquals(await test.all(), ["3:3"]);
    test.stream.configure({ bytesMax: undefined, ageMaxMs: undefined, segmentBytes: 1 });
    test.publish(4);
    assertEquals([test.stream.messageCount, test.clock.timers], [2, 0]);
  });

  Deno.test(`${name} looks each hour for what is too old, as long as it is there`, () => {
    const test = make({ "x-max-age": "90m", "x-stream-max-segment-size-bytes": 1 });
    const other = make({ "x-stream-max-segment-size-bytes": 1 });
    test.publish(0, 1);
    test.clock.advance(3_600_000);
    assertEquals(test.stream.messageCount, 2);
    test.clock.advance(3_600_000);
    assertEquals(test.stream.messageCount, 1);
    assertEquals([test.clock.timers, other.clock.timers], [1, 0]);
    test.stream.stop();
    assertEquals(test.clock.timers, 0);
  });

  Deno.test(`${name} gives back what it took`, async () => {
    const test = make({ "x-max-length-bytes": 100_000, "x-stream-max-segment-size-bytes": 10_000 });
    const consumer = test.read("next");
    for (let index = 0; index < 30_000; index++) test.publish(`${index}`.padEnd(200));
    test.publish("x".repeat(5000), "x".repeat(100_000));
    await turns();
    assertLess(test.pages.bytes, 4 * PAGE_SIZE);
    assertLess(test.harness?.queue.count ?? 0, 600);
    assertEquals(test.stream.delete(), 0);
    assertEquals([consumer.cancels, test.stream.consumerCount], [1, 0]);
    await turns();
    assertLess(test.pages.bytes, 2 * PAGE_SIZE);
    assertEquals(test.harness?.queue.count ?? 0, 0);
  });

  Deno.test(`${name} passes over what a consumer does not want`, async () => {
    const test = make();
    const values = ["a", "b", undefined, 5];
    const publish = () => {
      for (const value of values) {
        const headers = value === undefined ? {} : { "x-stream-filter-value": value };
        test.publishWith(headers, `${value}`);
      }
    };
    publish();
    const wants: readonly FieldTable[] = [
      { "x-stream-filter": "a" },
      { "x-stream-filter": ["b", 1, "c"] },
      { "x-stream-filter": "b", "x-stream-match-unfiltered": true },
      { "x-stream-filter": "b", "x-stream-match-unfiltered": "yes" },
      { "x-stream-filter": [] },
      { "x-stream-filter": 1 },
    ];
    const consumers = wants.map((want) =>
      test.read({ ...want, "x-stream-offset": "first" }, new StreamConsumer({ room: 3 }))
    );
    await turns();
    publish();
    await turns();
    consumers.forEach((consumer) => consumer.ack(test.stream));
    await turns();
    const everything = ["0:a", "1:b", "2:undefined", "3:5", "4:a", "5:b"];
    assertEquals(consumers.map(({ seen }) => seen), [
      ["0:a", "4:a"],
      ["1:b", "5:b"],
      ["1:b", "2:undefined", "3:5", "5:b", "6:undefined", "7:5"],
      ["1:b", "5:b"],
      everything,
      everything,
    ]);
  });

  Deno.test(`${name} is read as it was written, whatever happens meanwhile`, async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const random = new RandomValues(seed);
      const test = make();
      const bodies: string[] = [];
      const readers: { consumer: StreamConsumer; first: number }[] = [];
      for (let step = 0; step < 60; step++) {
        for (let count = random.below(30); count > 0; count--) {
          const size = random.pick([0, 10, 5000, random.below(5) === 0 ? 70_000 : 1]);
          const body = `${bodies.length} `.padEnd(size, "x");
          bodies.push(body);
          test.publish(body);
        }
        if (random.below(3) === 0) {
          const first = random.below(bodies.length + 3);
          const consumer = new StreamConsumer({ room: random.pick([1, 7, 300]) });
          readers.push({ consumer: test.read(first, consumer), first });
        }
        for (const { consumer } of readers) {
          if (random.boolean()) consumer.ack(test.stream);
        }
        if (random.boolean()) await turns(random.below(3));
        if (random.below(10) === 0) test.harness?.settle();
      }
      for (let round = 0; round < 2000; round++) {
        for (const { consumer } of readers) consumer.ack(test.stream);
        await turns(1);
        if (readers.every(({ consumer, first }) => consumer.seen.length >= bodies.length - first)) {
          break;
        }
      }
      for (const { consumer, first } of readers) {
        assertEquals(
          consumer.seen,
          bodies.map((body, offset) => `${offset}:${body}`).slice(first),
          `seed ${seed}`,
        );
        assert(consumer.bodies.every((body) => !body.endsWith("*")));
      }
    }
  });
}
