import { assertEquals, assertLess, assertStrictEquals } from "@std/assert";
import { PAGE_SIZE, PagePool } from "../../broker/pages.ts";
import { QueueEntry } from "../../broker/queue/entry.ts";
import { FirstOnes } from "../../broker/queue/waiting.ts";
import { ReturnedHeap } from "../../broker/queue/returned_heap.ts";
import { AskedSet, bodyOf, heldMessage } from "./support.ts";
import { seededRandom } from "../routing/support.ts";

/** More of them are no objects. */
const OBJECTS = 4096;

/** One that came back, as its queue has it. */
function returnedEntry(pages: PagePool, position: number): QueueEntry {
  const message = heldMessage(pages, `message ${position}`);
  const entry = new QueueEntry(message, position, position % 2 === 0, position % 3 * 1e12);
  entry.redelivered = true;
  entry.acquiredCount = 1 + position % 5;
  entry.deliveryCount = position % 4;
  return entry;
}

function assertIs(entry: QueueEntry | undefined, position: number): void {
  const { message, stored, deadline, redelivered, acquiredCount, deliveryCount } = entry!;
  assertEquals(
    [entry!.position, bodyOf(message), stored, deadline],
    [position, `message ${position}`, position % 2 === 0, position % 3 * 1e12],
  );
  assertEquals(
    [redelivered, acquiredCount, deliveryCount],
    [true, 1 + position % 5, position % 4],
  );
}

Deno.test("Of very many messages that come back in order few are objects, and the lowest is the next one", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const random = seededRandom(seed);
    const pages = new PagePool();
    const heap = new ReturnedHeap();
    const model = new Set<number>();
    // the same in order, with those that have gone: to look for the least one takes most of the time
    let sorted: number[] = [];
    let lowest = 0;
    const push = (...positions: readonly number[]) => {
      for (const position of positions) {
        heap.push(returnedEntry(pages, position));
        model.add(position);
      }
      sorted = [...sorted.slice(lowest), ...positions].sort((a, b) => a - b);
      lowest = 0;
    };
    const shift = () => {
      while (!model.has(sorted[lowest]!)) lowest++;
      const least = sorted[lowest]!;
      if (random() < 0.5) assertIs(heap.peek(), least);
      const entry = heap.shift();
      assertIs(entry, least);
      entry!.message.release(pages);
      model.delete(least);
    };
    // two connections end one after the other, each with every second message
    push(...Array.from({ length: 10_000 }, (_, index) => 2 + 2 * index));
    assertLess([...heap.heldEntries()].length, OBJECTS + 300);
    for (let count = 0; count < 500; count++) shift();
    push(...Array.from({ length: 4000 }, (_, index) => 1 + 2 * index));
    for (let count = 0; count < 500; count++) {
      if (random() < 0.3) push(30_000 + Math.floor(random() * 1e9));
      shift();
      assertEquals(heap.length, model.size);
    }

    const wanted = [...model].filter((position) => position % 5 === 0);
    const seen: number[] = [];
    heap.forEach((position) => position % 5 === 0, (entry) => {
      seen.push(entry.position);
      if (entry.position < 20_000) assertIs(entry, entry.position);
    });
    assertEquals(seen.sort((a, b) => a - b), wanted.sort((a, b) => a - b));

    const taken = new Set(wanted.filter(() => random() < 0.3));
    for (const entry of heap.take(taken).entries) {
      assertEquals(taken.delete(entry.position), true);
      model.delete(entry.position);
      entry.message.release(pages);
    }
    assertEquals(taken.size, 0);

    const rest = [...model].sort((a, b) => a - b);
    for (const position of rest) {
      const entry = heap.shift();
      assertIs(entry, position);
      entry!.message.release(pages);
    }
    assertEquals([heap.length, heap.peek(), heap.shift()], [0, undefined, undefined]);
    assertLess(pages.bytes, 2 * PAGE_SIZE, "all of it is gone");
  }
});

Deno.test("Some of very many that came back are found by a look at few, in whatever order they came", () => {
  const count = 20_000;
  for (const backwards of [false, true]) {
    const pages = new PagePool();
    const heap = new ReturnedHeap();
    for (let index = 1; index <= count; index++) {
      heap.push(returnedEntry(pages, backwards ? count + 1 - index : index));
    }
    const wanted = new AskedSet(Array.from({ length: 100 }, (_, index) => 10_000 + index));
    const taken = heap.take(wanted).entries.map((entry) => {
      entry.message.release(pages);
      return entry.position;
    });
    assertLess(wanted.asked, 6000);
    assertEquals(taken.sort((a, b) => a - b), [...wanted]);
    for (let position = 1; position <= count; position++) {
      if (wanted.has(position)) continue;
      const entry = heap.shift()!;
      assertEquals(entry.position, position);
      entry.message.release(pages);
    }
    assertEquals(heap.length, 0);
  }
});

Deno.test("Of very many that came back, in whatever order, the first ones behind a position are found by a look at few", () => {
  const random = seededRandom(1);
  const inOrder = Array.from({ length: 40_000 }, (_, index) => 1 + index);
  const mixed = inOrder.map((position) => ({ position, by: random() }))
    .sort((one, other) => one.by - other.by).map(({ position }) => position);
  for (const positions of [inOrder, inOrder.toReversed(), mixed]) looksAtFew(positions);
});

/** @param positions All from 1 to 40 000. */
function looksAtFew(positions: readonly number[]): void {
  const pages = new PagePool();
  const heap = new ReturnedHeap();
  for (const position of positions) heap.push(returnedEntry(pages, position));
  assertLess([...heap.heldEntries()].length, OBJECTS + 300);
  for (const after of [0, 3000, 20_000, 39_990]) {
    const first = new FirstOnes<QueueEntry>(after, 100);
    let looks = 0;
    heap.forEach(
      (position) => {
        looks++;
        return first.wants(position);
      },
      (entry) => first.add(entry),
      (lowest, highest) => first.reaches(lowest, highest),
    );
    assertLess(looks, 8000);
    const found = first.found().map(({ position }) => position);
    const count = Math.min(100, 40_000 - after);
    assertEquals(found, Array.from({ length: count }, (_, index) => after + 1 + index));
  }
  for (let position = 1; position <= 40_000; position++) {
    const entry = heap.shift()!;
    assertEquals(entry.position, position);
    entry.message.release(pages);
  }
  assertEquals(heap.length, 0);
}

Deno.test("What is looked at before it is taken, of very many that came back, is made an object only once", () => {
  const pages = new PagePool();
  const heap = new ReturnedHeap();
  const count = OBJECTS + 2000;
  for (let position = 1; position <= count; position++) heap.push(returnedEntry(pages, position));
  for (let position = 1; position <= count; position++) {
    const head = heap.peek();
    assertStrictEquals(heap.peek(), head);
    const entry = heap.shift();
    assertStrictEquals(entry, head);
    assertIs(entry, position);
    entry!.message.release(pages);
  }
  assertLess(pages.bytes, 2 * PAGE_SIZE, "all of it is gone");
});
