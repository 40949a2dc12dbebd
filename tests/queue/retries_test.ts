import { assertEquals, assertLess } from "@std/assert";
import { QueueEntry } from "../../broker/queue/entry.ts";
import { Retries } from "../../broker/queue/retries.ts";
import { heldMemory } from "../support/heap.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { bodyOf, heldMessage, memoryStorage } from "./support.ts";

const COUNT = 3000;

/** Messages that came back and wait for their time, each third one for longer. */
function waiting() {
  const place = memoryStorage();
  const clock = new ManualClock(1);
  const due: QueueEntry[] = [];
  const retries = new Retries(place, clock, (entries) => due.push(...entries));
  for (let number = 1; number <= COUNT; number++) {
    // not in order
    const position = number % 2 === 0 ? number : COUNT - number;
    const entry = new QueueEntry(
      heldMessage(place.pages, `${position}`),
      position,
      false,
      number % 4,
    );
    entry.deliveryCount = number % 5;
    entry.acquiredCount = position;
    retries.add(entry, position % 3 === 0 ? 2000 : 1000);
  }
  const positions = (which: (position: number) => boolean) =>
    Array.from({ length: COUNT }, (_, index) => index + 1).filter(which);
  return { place, clock, retries, due, positions };
}

const isLate = (position: number) => position % 3 === 0;

/** Lets time pass: a thousand go on at once. */
function pass(clock: ManualClock, ms: number): void {
  clock.advance(ms);
  for (let turn = 0; turn < COUNT / 1000; turn++) clock.advance(0);
}

Deno.test("Retries keeps very many without objects, and loses nothing of them", () => {
  const { place, clock, retries, due, positions } = waiting();
  assertLess([...retries.heldEntries()].length, COUNT / 2);
  assertEquals([retries.length, retries.bytes], [COUNT, retries.bytesInMemory]);
  for (const each of [positions((position) => !isLate(position)), positions(isLate)]) {
    due.length = 0;
    pass(clock, 1000);
    due.sort((one, other) => one.position - other.position);
    assertEquals(due.map(({ position }) => position), each);
    assertEquals(due.map(({ message }) => bodyOf(message)), each.map(String));
    assertEquals(due.map(({ acquiredCount }) => acquiredCount), each);
    const numbers = each.map((position) => position % 2 === 0 ? position : COUNT - position);
    assertEquals(due.map(({ deliveryCount }) => deliveryCount), numbers.map((one) => one % 5));
    assertEquals(due.map(({ deadline }) => deadline), numbers.map((one) => one % 4));
    for (const { message } of due) message.release(place.pages);
  }
  assertEquals([retries.length, retries.bytes, retries.bytesInMemory], [0, 0, 0]);
  assertEquals([place.pages.page(1).messages, clock.timers], [0, 0]);
});

Deno.test("Retries shows, gives and drops some of very many", () => {
  const { place, retries } = waiting();
  const shown = retries.browse(10, 3).map(({ position, message, retryTime }) => [
    position,
    bodyOf(message!),
    retryTime,
  ]);
  assertEquals(shown, [[11, "11", 1001], [12, "12", 2001], [13, "13", 1001]]);
  const taken = retries.take(new Set([11, 12]));
  assertEquals(taken.map(({ position, entry }) => [position, bodyOf(entry!.message)]), [
    [11, "11"],
    [12, "12"],
  ]);
  for (const { entry } of taken) entry!.message.release(place.pages);
  const drop = retries.clear(() => {
    throw new Error("the store has none");
  });
  // what comes meanwhile stays
  retries.add(new QueueEntry(heldMessage(place.pages, "new"), COUNT + 1), 1000);
  assertEquals([drop(COUNT / 2), drop(COUNT), retries.length], [false, true, 1]);
  assertEquals(retries.browse(0, 10).map(({ message }) => bodyOf(message!)), ["new"]);
  assertEquals(place.pages.page(1).messages, 1);
  retries.stop();
});

Deno.test("Retries gives the memory of very many back once they have gone on", () => {
  const place = memoryStorage();
  const count = 100_000;
  const worked = () => {
    const clock = new ManualClock(1);
    const retries = new Retries(place, clock, (entries) => {
      for (const { message } of entries) message.release(place.pages);
    });
    for (let position = 1; position <= count; position++) {
      const entry = new QueueEntry(heldMessage(place.pages, "x"), position);
      entry.acquiredCount = 1;
      retries.add(entry, 1000);
    }
    clock.advance(1000);
    while (retries.length > 0) clock.advance(0);
    return retries;
  };
  // from then on there is what is compiled, and the pages that stay
  worked();
  const before = heldMemory();
  const retries = worked();
  assertLess((heldMemory() - before) / count, 10);
  assertEquals(retries.length, 0);
});
