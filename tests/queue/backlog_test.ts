import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { loopRound } from "../../broker/amqp/turn.ts";
import type { Message } from "../../broker/message.ts";
import { type Page, PAGE_SIZE, PagePool } from "../../broker/pages.ts";
import { describeMessages, type QueuedMessage } from "../../broker/queue/browsing.ts";
import type { QueueEntry } from "../../broker/queue/entry.ts";
import { FifoReadyList } from "../../broker/queue/fifo_ready_list.ts";
import { NO_SETTINGS } from "../../broker/queue/queue_settings.ts";
import { READS_AT_ONCE } from "../../broker/reading_turns.ts";
import { StoreError } from "../../broker/store/error.ts";
import { Placement } from "../../broker/store/placement.ts";
import { forSeeds } from "../amqp/random_values.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { testReadyList } from "./ready_list_contract.ts";
import { StoringPlace } from "./storing.ts";
import { bodyOf, memoryStorage, messageOf, TestConsumer, TestQueue } from "./support.ts";

/** A list of which a store has every other message. */
class StoringList extends FifoReadyList {
  readonly #place: StoringPlace;

  constructor(place: StoringPlace, windowMax: number) {
    super(place, { windowMax });
    this.#place = place;
  }

  override push(message: Message, position: number): void {
    const stored = position % 3 !== 0;
    if (stored) this.#place.append(message, position);
    super.push(message, position, stored);
    message.routed(this.#place.pages);
  }
}

testReadyList("FifoReadyList with a store", () => new StoringList(new StoringPlace(), 4));
testReadyList(
  "FifoReadyList with a store and no memory",
  () => new StoringList(new StoringPlace(0), 4),
);
testReadyList(
  "FifoReadyList with no memory, and pages that go to disk",
  () => new StoringList(new StoringPlace(0, true), 4),
);

Deno.test("FifoReadyList gives each message back as it was, wherever it waited", () => {
  forSeeds(40, (random) => {
    const place = new StoringPlace(random.pick([0, 100_000, Infinity]), random.below(2) === 0);
    const list = new StoringList(place, random.pick([1, 4, 50]));
    const model: string[] = [];
    // so many of a thousand positions do not follow the one before, as where there are priorities
    const gaps = random.pick([0, 1, 500]);
    let last = 0;
    for (let step = 0; step < 60; step++) {
      for (let count = random.below(40); count > 0; count--) {
        // small ones share a page; the others have a buffer of their own, copied or given away
        const size = random.pick([0, 10, 5000, 70_000]);
        last += random.below(1000) < gaps ? 1 + random.below(9) : 1;
        const body = `${last} `.padEnd(size, "x");
        const message = messageOf(body);
        message.exchange = "x";
        message.routingKey = `key.${last}`;
        message.transferred = random.below(2) === 0;
        list.push(message, last);
        model.push(body);
      }
      if (random.below(5) === 0) place.harness.settle();
      for (let count = random.below(50); count > 0 && model.length > 0; count--) {
        const entry = list.shift()!;
        const expected = model.shift()!;
        assertEquals(bodyOf(entry.message), expected);
        assertEquals(
          [entry.message.exchange, entry.message.routingKey],
          ["x", `key.${entry.position}`],
        );
        assertEquals(entry.position, parseInt(expected));
        entry.message.release(place.pages);
      }
      assertEquals(list.length, model.length);
    }
    list.drop(Infinity, (position) => assert(position % 3 !== 0, "only what is stored is told of"));
    assertEquals([list.length, list.shift()], [0, undefined]);
    assertLess(place.pages.bytes, 3 * PAGE_SIZE, "nothing holds a page or a buffer any more");
  });
});

Deno.test("FifoReadyList knows the positions of messages that come in another order", () => {
  const list = new FifoReadyList(memoryStorage(), { windowMax: 1 });
  // the fourth behind the first one is where it would be if all of them followed each other
  const positions = [7, 1, 2, 9, 4, 8, 6];
  for (const position of positions) list.push(messageOf(`${position}`), position, false);
  const seen: [number, string][] = [];
  for (let entry = list.shift(); entry !== undefined; entry = list.shift()) {
    seen.push([entry.position, bodyOf(entry.message)]);
  }
  assertEquals(seen, positions.map((position) => [position, `${position}`]));
});

Deno.test("FifoReadyList passes a damaged message over and tells of it", () => {
  const place = new StoringPlace();
  const list = new StoringList(place, 1);
  for (let position = 1; position <= 5; position++) {
    list.push(messageOf(`body ${position}`), position);
  }
  place.harness.settle();
  const [file] = place.harness.files.list().filter((name) => name.endsWith(".segment"));
  const text = new TextDecoder("latin1").decode(place.harness.files.contents(file!));
  place.harness.files.damage(file!, text.indexOf("body 4"), new Uint8Array([0x2d]));
  assertEquals(positionsOf(list), [1, 2, 3, 5]);
  assertEquals([place.unreadable, list.length], [[4], 0]);
});

Deno.test("FifoReadyList waits for a disk that fails instead of passing messages over", () => {
  const place = new StoringPlace();
  const list = new StoringList(place, 1);
  for (let position = 1; position <= 5; position++) list.push(messageOf(""), position);
  place.harness.settle();
  assertEquals(list.shift()?.position, 1);
  place.harness.files.faults = { failReads: true };
  assertEquals([list.shift(), list.peek(), list.length], [undefined, undefined, 4]);
  place.harness.files.faults = {};
  assertEquals(positionsOf(list), [2, 3, 4, 5]);
  assertEquals(place.unreadable, []);
});

Deno.test("Queue hands out what a failing disk withheld once it can be read, in order", () => {
  const place = new StoringPlace(0);
  const clock = new ManualClock();
  const queue = new TestQueue({ pages: place.pages, durability: place.durability, clock });
  const placement = new Placement();
  for (let index = 1; index <= 5; index++) {
    const message = messageOf(`${index}`);
    placement.clear();
    queue.place(placement, message, true);
    message.head = undefined;
    place.append(message, index);
    queue.push(message, true);
    message.routed(place.pages);
  }
  place.harness.settle();
  place.harness.files.faults = { failReads: true };
  const consumer = new TestConsumer();
  queue.addConsumer(consumer, { exclusive: false });
  assertEquals([consumer.bodies, queue.messageCount, clock.timers], [["1"], 4, 1]);
  clock.advance(1000);
  assertEquals([consumer.bodies, clock.timers], [["1"], 1]);
  place.harness.files.faults = {};
  clock.advance(1000);
  assertEquals([consumer.bodies, clock.timers], [["1", "2", "3", "4", "5"], 0]);
});

Deno.test("a deleted queue asks a failing disk no more", () => {
  const place = new StoringPlace(0);
  const clock = new ManualClock();
  const queue = new TestQueue({ pages: place.pages, durability: place.durability, clock });
  place.append(messageOf("1"), 1);
  queue.restore();
  place.harness.settle();
  place.harness.files.faults = { failReads: true };
  queue.addConsumer(new TestConsumer(), { exclusive: false });
  assertEquals(clock.timers, 1);
  queue.delete();
  assertEquals(clock.timers, 0);
});

/** A list without memory whose messages are all in pages on disk, but the first one. */
function spilledList(bodies: readonly string[]): { place: StoringPlace; list: FifoReadyList } {
  const place = new StoringPlace(0, true);
  const list = new FifoReadyList(place);
  // what is held makes memory short, and what follows fills the page
  const filler = Array.from({ length: 20 }, () => "x".repeat(60_000));
  [...bodies, ...filler].forEach((body, index) => {
    const message = messageOf(body);
    list.push(message, index + 1, false);
    message.routed(place.pages);
  });
  return { place, list };
}

/** What is told of the first messages of a list. */
function bodiesSeen(place: StoringPlace, list: FifoReadyList, count: number): string[] {
  const { told } = describeMessages(list.browse(0, count), place, { bodyBytes: Infinity });
  return told.map(({ body }) => new TextDecoder().decode(body));
}

function spillName({ harness }: StoringPlace): string {
  return harness.files.list().find((name) => name.endsWith(".spill"))!;
}

Deno.test("FifoReadyList counts what goes to disk with its page", () => {
  const { place, list } = spilledList(["1", "22", "333"]);
  assertEquals([list.onDisk.count, list.onDisk.bytes], [22, 5 + 20 * 60_000]);
  assertLess(place.pages.bytes, 3 * PAGE_SIZE);
  assertEquals(bodiesSeen(place, list, 3), ["1", "22", "333"]);
  assertEquals(bodyOf(list.shift()!.message), "1");
  assertEquals(bodyOf(list.shift()!.message), "22");
  assertEquals(list.take(new Set([3])).messages[0]!.entry!.message.size, 3);
  assertLess(list.onDisk.count, 20);
  while (list.length > 0) list.shift()!.message.release(place.pages);
  assertEquals([list.bytes, list.onDisk.count, list.onDisk.bytes], [0, 0, 0]);
});

Deno.test("FifoReadyList passes over what was in a damaged page, and tells of it", () => {
  const { place, list } = spilledList(["1", "22", "333"]);
  place.harness.files.damage(spillName(place), 5, new Uint8Array([0xff, 0xff]));
  assertEquals(bodiesSeen(place, list, 10), ["1"]);
  assertEquals(list.take(new Set([2])).messages, [], "there is nothing to be moved");
  const positions = positionsOf(list);
  assertEquals(positions[0], 1);
  assert(positions[1]! > 3, "all of the page is lost");
  assertEquals(place.unreadable, [2], "it is told once");
  assertEquals([list.length, list.bytes, list.onDisk.count], [0, 0, 0]);
});

Deno.test("FifoReadyList counts right when the last message behind others is lost", () => {
  const place = new StoringPlace(0, true);
  const [list, other] = [new FifoReadyList(place), new FifoReadyList(place)];
  let last = 0;
  const push = (to: FifoReadyList, ...bodies: string[]) => {
    for (const body of bodies) {
      const message = messageOf(body);
      to.push(message, ++last, false);
      message.routed(place.pages);
    }
  };
  const page = Array.from({ length: 20 }, () => "x".repeat(60_000));
  push(list, "first", "second");
  push(other, ...page);
  push(list, "third");
  push(other, ...page);
  // the second block, where that one lies
  place.harness.files.damage(spillName(place), PAGE_SIZE + 9, new Uint8Array([0xfe]));
  assertEquals(bodyOf(list.shift()!.message), "first");
  assertEquals(bodyOf(list.peek()!.message), "second");
  assertEquals(place.unreadable, [23], "the third one");
  assertEquals([list.length, list.bytes, list.onDisk.count, list.onDisk.bytes], [1, 6, 0, 0]);
});

Deno.test("FifoReadyList says that the disk gives nothing to who looks at what waits", () => {
  const { place, list } = spilledList(["1", "22", "333"]);
  place.harness.files.faults = { failReads: true };
  assertEquals(assertThrows(() => bodiesSeen(place, list, 3), StoreError).code, "failed");
});

Deno.test("FifoReadyList waits for a disk that does not give a page, and drops it without reading", () => {
  const { place, list } = spilledList(["1", "22", "333"]);
  assertEquals(list.shift()!.position, 1);
  place.harness.files.faults = { failReads: true };
  assertEquals([list.shift(), list.length], [undefined, 22]);
  place.harness.files.faults = {};
  assertEquals(list.shift()!.position, 2);
  place.harness.files.faults = { failReads: true };
  assertEquals(list.drop(Infinity, () => assert(false)), 21);
});

Deno.test("Queue reads a few pages a turn where many queues share those on disk", async () => {
  const { place, queues } = sharingQueues(30, 60);
  const consumer = new TestConsumer();
  const { reads } = place.pages;
  queues[0]!.addConsumer(consumer, { exclusive: false });
  const atOnce = consumer.bodies.length;
  assertEquals([place.pages.reads - reads, atOnce > 0 && atOnce < 60], [READS_AT_ONCE, true]);
  while (consumer.bodies.length < 60) await new Promise((resolve) => setTimeout(resolve));
  assertEquals(
    consumer.bodies.map((body) => parseInt(body)),
    Array.from({ length: 60 }).map((_, at) => at),
  );
});

/** Queues whose messages share pages on disk: each page has at most one of each queue. */
function sharingQueues(
  count: number,
  rounds: number,
): { place: StoringPlace; queues: TestQueue[] } {
  const place = new StoringPlace(0, true);
  const queues = Array.from({ length: count }, () => new TestQueue({ pages: place.pages }));
  for (let round = 0; round < rounds; round++) {
    for (const queue of queues) {
      const message = messageOf(`${round} `.padEnd(40_000, "x"));
      queue.push(message);
      message.routed(place.pages);
    }
  }
  return { place, queues };
}

/** Waits until something is done, and tells how many pages were read between rounds of the loop at most. */
async function mostReads({ pages }: StoringPlace, isDone: () => boolean): Promise<number> {
  let most = 0;
  for (let { reads } = pages; !isDone(); reads = pages.reads) {
    await loopRound();
    most = Math.max(most, pages.reads - reads);
  }
  return most;
}

Deno.test("queues read a few pages a turn in all, and each of them in its turn", async () => {
  const { place, queues } = sharingQueues(30, 60);
  const { reads } = place.pages;
  const limited = { ...NO_SETTINGS, maxLength: 10, messageTtlMs: 1_000_000 };
  for (const queue of queues) queue.configure(limited);
  assertEquals(place.pages.reads - reads, READS_AT_ONCE);
  // with a deadline, of which the first has to be known
  for (const queue of queues) queue.publish("x");
  assertEquals(place.pages.reads - reads, READS_AT_ONCE);
  const isShort = ({ messageCount }: TestQueue) => messageCount === 10;
  const most = [await mostReads(place, () => queues.some(isShort))];
  assert(queues.every(({ messageCount }) => messageCount < 45), "nobody was left out");
  most.push(await mostReads(place, () => queues.every(isShort)));
  assertEquals(most, [READS_AT_ONCE, READS_AT_ONCE]);
  assertEquals(queues.map((queue) => parseInt(queue.drain()[0]!)), queues.map(() => 51));
});

Deno.test("a queue whose messages are in memory does not wait for those that read", () => {
  const { place, queues } = sharingQueues(30, 60);
  const inMemory = new TestQueue({ pages: new PagePool() });
  for (let count = 0; count < 40; count++) inMemory.publish("x");
  queues[0]!.configure({ ...NO_SETTINGS, maxLength: 10 });
  assertEquals(place.pages.mayRead, false);
  const [waiting, going] = [new TestConsumer(), new TestConsumer()];
  queues[1]!.addConsumer(waiting, { exclusive: false });
  inMemory.addConsumer(going, { exclusive: false });
  assertEquals([waiting.bodies.length, going.bodies.length], [1, 40], "what is at hand goes");
});

Deno.test("messages that get too old are let go a few pages a turn", async () => {
  const clock = new ManualClock();
  const place = new StoringPlace(0, true);
  const queues = Array.from({ length: 30 }, () => new TestQueue({ pages: place.pages, clock }));
  for (const queue of queues) queue.configure({ ...NO_SETTINGS, messageTtlMs: 100 });
  for (let round = 0; round < 20; round++) {
    for (const queue of queues) {
      const message = messageOf("x".repeat(40_000));
      queue.push(message);
      message.routed(place.pages);
    }
  }
  const { reads } = place.pages;
  clock.advance(100);
  assertEquals(place.pages.reads - reads, READS_AT_ONCE);
  const most = await mostReads(place, () => {
    clock.advance(1);
    return queues.every(({ messageCount }) => messageCount === 0);
  });
  // what was left of a turn when time went on, and the next turn
  assert(most > 0 && most <= 2 * READS_AT_ONCE, `${most} reads in a turn`);
});

Deno.test("Queue shows messages of a few pages at once, and the next ones when it is asked again", () => {
  const { place, queues } = sharingQueues(30, 60);
  const browse = (after: number) => queues[3]!.browse({ after, limit: 500, bodyBytes: 8 });
  const seen: QueuedMessage[] = [];
  let most = 0;
  for (;;) {
    const { reads } = place.pages;
    const page = browse(seen.at(-1)?.id ?? -1);
    most = Math.max(most, place.pages.reads - reads);
    if (page.length === 0) break;
    seen.push(...page);
  }
  assertEquals(most, READS_AT_ONCE);
  const numbers = seen.map(({ body }) => parseInt(new TextDecoder().decode(body)));
  assertEquals(numbers, Array.from({ length: 60 }, (_, round) => round));
});

Deno.test("Queue with priorities reads no more for a look than for what is shown", () => {
  const place = new StoringPlace(0, true);
  const queue = new TestQueue({ pages: place.pages, arguments: { "x-max-priority": 9 } });
  for (let count = 0; count < 300; count++) {
    const message = messageOf("x".repeat(50_000));
    message.properties = { priority: count % 10 };
    queue.push(message);
    message.routed(place.pages);
  }
  const { reads } = place.pages;
  const page = queue.browse({ after: -1, limit: 20, bodyBytes: 1 });
  assertEquals(page.map(({ id }) => id), Array.from({ length: 20 }, (_, index) => index + 1));
  assertLess(place.pages.reads - reads, 4);
});

Deno.test("Queue goes on with its look behind messages that are all damaged", () => {
  const place = new StoringPlace(0, true);
  const queue = new TestQueue({ pages: place.pages });
  for (const body of ["1", "22", "333", ...Array.from({ length: 40 }, () => "x".repeat(60_000))]) {
    const message = messageOf(body);
    queue.push(message);
    message.routed(place.pages);
  }
  place.harness.files.damage(spillName(place), 5, new Uint8Array([0xff, 0xff]));
  const [next] = queue.browse({ after: 1, limit: 1, bodyBytes: 1 });
  assert(next!.id > 3, "all of the first page are left out");
});

Deno.test("Queue moves as many at once as lie in a few pages", () => {
  const { place, queues } = sharingQueues(30, 60);
  const moved: string[] = [];
  const counts: number[] = [];
  while (queues[5]!.messageCount > 0) {
    const { reads } = place.pages;
    const { count, all } = queues[5]!.moveOut(
      100,
      ({ message }) => moved.push(`${parseInt(bodyOf(message))}`) > 0,
    );
    assert(all && count > 0 && place.pages.reads - reads <= READS_AT_ONCE);
    counts.push(count);
  }
  assert(counts.length > 2);
  assertEquals(moved.join(), Array.from({ length: 60 }, (_, round) => round).join());
});

Deno.test("Queue gives what is large to the store when memory is short, and the rest to pages", () => {
  const place = new StoringPlace(0, true);
  const queue = new TestQueue({ pages: place.pages, durability: place.durability });
  const placement = new Placement();
  const counts = [10, 20_000, 70_000].map((size) => {
    for (let count = 0; count < 2; count++) queue.publish("first");
    placement.clear();
    queue.place(placement, messageOf("x".repeat(size)), false);
    return placement.count;
  });
  assertEquals(counts, [0, 0, 1]);
});

Deno.test("a waiting message that is in memory costs its bytes and few more", () => {
  const storage = memoryStorage();
  const list = new FifoReadyList(storage);
  const count = 100_000;
  for (let position = 1; position <= count; position++) {
    const message = messageOf("0123456789abcdef");
    list.push(message, position, false);
    message.routed(storage.pages);
  }
  assertLess(storage.pages.bytes / count, 16 + 32);
});

Deno.test("PagePool tells of each place whether its page goes to disk", () => {
  const pages = new PagePool(0);
  const first = pages.pageFor(1);
  [first.used, first.messages] = [PAGE_SIZE, 1];
  pages.space = { takes: true, write: () => 0, read: () => {}, free: () => {} };
  const leaving = pages.leavingPageFor(1);
  const current = pages.pageFor(PAGE_SIZE);
  assertEquals([leaving.leaves, current.leaves, current.id > leaving.id], [true, false, true]);
  const placesIn = ({ id }: Page) => [id * PAGE_SIZE, (id + 1) * PAGE_SIZE - 1];
  assertEquals(placesIn(leaving).map((place) => pages.leavesAt(place)), [true, true]);
  assertEquals(placesIn(current).map((place) => pages.leavesAt(place)), [false, false]);
  assertEquals(placesIn(first).map((place) => pages.leavesAt(place)), [false, false]);
});

Deno.test("PagePool counts what messages hold and gives ids of pages again", () => {
  const pages = new PagePool(3 * PAGE_SIZE);
  const messages = Array.from({ length: 200 }, () => messageOf("x".repeat(60_000)));
  for (const message of messages) {
    message.hold(pages);
    message.routed(pages);
  }
  assertEquals([pages.bytes, pages.short], [Math.ceil(200 / 17) * PAGE_SIZE, true]);
  for (const message of messages) message.release(pages);
  assertEquals([pages.bytes <= PAGE_SIZE, pages.short], [true, false]);
  const own = messageOf("x".repeat(100_000));
  own.hold(pages);
  const before = pages.bytes;
  own.routed(pages);
  own.release(pages);
  assertEquals(before - pages.bytes, 100_000);
});

function positionsOf(list: FifoReadyList): number[] {
  const positions: number[] = [];
  for (let entry: QueueEntry | undefined = list.shift(); entry; entry = list.shift()) {
    positions.push(entry.position);
  }
  return positions;
}
