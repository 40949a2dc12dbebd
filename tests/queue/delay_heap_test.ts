import { assertEquals, assertLess } from "@std/assert";
import { seededRandom } from "../../broker/testing/simulated_file_system.ts";
import { type DelayEntry, DelayHeap } from "../../broker/queue/delay_heap.ts";
import { computedMs } from "../support/computed.ts";
import { AskedSet } from "./support.ts";

function sorted(entries: readonly DelayEntry[]): DelayEntry[] {
  return entries.toSorted((one, other) => one.time - other.time || one.id - other.id);
}

function drain(heap: DelayHeap): DelayEntry[] {
  const found: DelayEntry[] = [];
  for (let entry = heap.shift(); entry !== undefined; entry = heap.shift()) found.push(entry);
  return found;
}

Deno.test("DelayHeap agrees with a sorted list, however it was filled and emptied", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const heap = new DelayHeap();
    let model: DelayEntry[] = [];
    const restored = below(50);
    for (let id = 1; id <= restored; id++) {
      const entry = { time: below(20), id, place: -id };
      heap.append(entry.time, id, entry.place);
      model.push(entry);
    }
    heap.sort();
    for (let id = restored + 1; id < 400; id++) {
      const entry = { time: below(200), id, place: id };
      heap.add(entry.time, id, entry.place);
      model = sorted([...model, entry]);
      if (random() < 0.3) assertEquals(heap.shift(), model.shift());
      if (random() < 0.05) {
        const ids = new Set(Array.from({ length: below(20) }, () => below(id)));
        assertEquals(heap.take(ids), model.filter((entry) => ids.has(entry.id)));
        model = model.filter((entry) => !ids.has(entry.id));
      }
      if (random() < 0.1) {
        const start = below(model.length + 3);
        const end = start + below(20);
        assertEquals(heap.slice(start, end), model.slice(start, end));
      }
      assertEquals([heap.length, heap.firstTime], [model.length, model[0]?.time ?? Infinity]);
    }
    assertEquals(drain(heap), model);
  }
});

Deno.test("DelayHeap.slice() gives any part of a long row, and leaves it as it is", () => {
  const random = seededRandom(7);
  const heap = new DelayHeap();
  const all: DelayEntry[] = [];
  for (let id = 0; id < 20_000; id++) {
    const entry = { time: Math.floor(random() * 1000), id, place: 1 };
    heap.add(entry.time, id, 1);
    all.push(entry);
  }
  const expected = sorted(all);
  for (const [start, end] of [[0, 10], [9990, 10_010], [19_995, 20_005], [0, 20_000], [5, 5]]) {
    assertEquals(heap.slice(start!, end!), expected.slice(start, end));
  }
  assertEquals(drain(heap), expected);
});

Deno.test("DelayHeap.clear() gives back all that was in it, so many at a time", () => {
  const heap = new DelayHeap();
  for (let id = 1; id <= 40; id++) heap.add(100 - id, id, 2 * id);
  const seen = new Map<number, number>();
  const drop = heap.clear((id, place) => seen.set(id, place));
  assertEquals([heap.length, drop(15), seen.size], [0, false, 15]);
  assertEquals([drop(15), seen.size, drop(15)], [false, 30, true]);
  assertEquals([seen.size, [...seen].every(([id, place]) => place === 2 * id)], [40, true]);
  assertEquals([heap.length, heap.shift()], [0, undefined]);
});

/** A heap of very many. */
function longHeap(length: number): DelayHeap {
  const random = seededRandom(length);
  const heap = new DelayHeap();
  for (let id = 1; id <= length; id++) heap.add(Math.floor(random() * 1e9), id, id);
  return heap;
}

Deno.test("DelayHeap.take() asks only for a few of very many whether they are meant, and leaves the others in order", () => {
  const heap = longHeap(20_000);
  const expected = sorted(drain(longHeap(20_000)));
  const ids = new AskedSet(Array.from({ length: 100 }, (_, index) => 1 + 199 * index));
  const taken = heap.take(ids);
  assertLess(ids.asked, 1000);
  assertEquals(taken, expected.filter(({ id }) => ids.has(id)));
  assertEquals(drain(heap), expected.filter(({ id }) => !ids.has(id)));
});

Deno.test("DelayHeap.slice() does not look at all for the first of very many", () => {
  // so many that a clock that goes on by 10 ms tells them apart
  const began = computedMs();
  let heap = longHeap(100_000);
  for (let count = 0; count < 19; count++) heap = longHeap(100_000);
  const filled = computedMs();
  for (let count = 0; count < 1500; count++) assertEquals(heap.slice(0, 50).length, 50);
  assertLess(computedMs() - filled, 2 * (filled - began));
});

Deno.test("DelayHeap shows those with the first ids behind another one, and few others, whatever their times", () => {
  const length = 40_000;
  const random = seededRandom(1);
  const times: readonly ((id: number) => number)[] = [
    (id) => id,
    (id) => length - id,
    () => Math.floor(random() * 100),
  ];
  for (const timeOf of times) {
    const heap = new DelayHeap();
    for (let id = 1; id <= length; id++) heap.add(timeOf(id), id, -id);
    for (const [after, count] of [[0, 100], [20_000, 100], [39_990, 100], [0, 9000], [-1, 0]]) {
      const seen: number[] = [];
      heap.visitFirstIds(after!, count!, (id, _, place) => {
        assertEquals(place, -id);
        seen.push(id);
      });
      assertLess(seen.length, 1.5 * count! + 1500);
      const last = Math.min(length, after! + count!);
      const wanted = seen.filter((id) => id <= last).sort((one, other) => one - other);
      const first = Math.max(1, after! + 1);
      assertEquals(wanted, Array.from({ length: last + 1 - first }, (_, at) => first + at));
    }
  }
});

Deno.test("DelayHeap shows those with the first ids behind another one where a sample tells nothing of them", () => {
  const heap = new DelayHeap();
  // far more of the sample are low than of all
  const stride = 10_000 / 2048;
  const sampled = new Set(Array.from({ length: 2048 }, (_, at) => Math.floor(at * stride)));
  let [low, high] = [0, 100_000];
  for (let at = 0; at < 10_000; at++) heap.add(at, sampled.has(at) ? ++low : ++high, 0);
  const seen: number[] = [];
  heap.visitFirstIds(0, 3000, (id) => void seen.push(id));
  assertEquals(new Set(seen).size, seen.length);
  const wanted = seen.sort((one, other) => one - other).slice(0, 3000);
  const expected = Array.from({ length: 3000 }, (_, at) => at < low ? 1 + at : 100_001 + at - low);
  assertEquals(wanted, expected);
});
