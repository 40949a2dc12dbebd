import { assertEquals, assertLess } from "@std/assert";
import { PAGE_SIZE, PagePool } from "../../broker/pages.ts";
import { QueueEntry } from "../../broker/queue/entry.ts";
import { ReturnedFifo } from "../../broker/queue/returned_fifo.ts";
import { bodyOf, heldMessage } from "./support.ts";

/** Of more than so many the later ones are no objects. */
const OBJECTS = 4096;
const MANY = 12_000;

function entryOf(pages: PagePool, position: number): QueueEntry {
  const message = heldMessage(pages, `message ${position}`);
  return new QueueEntry(message, position);
}

/** Positions in no order. */
const ORDER = Array.from({ length: MANY }, (_, index) => 1 + index * 7919 % MANY);

function filled(pages: PagePool): ReturnedFifo {
  const fifo = new ReturnedFifo();
  for (const position of ORDER) fifo.push(entryOf(pages, position));
  return fifo;
}

function drain(fifo: ReturnedFifo, pages: PagePool): number[] {
  const positions: number[] = [];
  while (fifo.length > 0) {
    const { position } = fifo.peek()!;
    const { message } = fifo.shift()!;
    assertEquals(bodyOf(message), `message ${position}`);
    message.release(pages);
    positions.push(position);
  }
  assertEquals([fifo.peek(), fifo.shift()], [undefined, undefined]);
  return positions;
}

Deno.test("Of very many messages few are objects, and they go out in the order in which they came back", () => {
  const pages = new PagePool();
  const fifo = filled(pages);
  assertLess([...fifo.heldEntries()].length, OBJECTS + 300);
  assertEquals(drain(fifo, pages), ORDER);
  assertLess(pages.bytes, 2 * PAGE_SIZE, "all of it is gone");
  fifo.push(entryOf(pages, 3));
  assertEquals(drain(fifo, pages), [3]);
});

Deno.test("Of very many messages that came back some are looked at, taken and put back where they were", () => {
  const pages = new PagePool();
  const fifo = filled(pages);
  for (let count = 0; count < 100; count++) fifo.shift()!.message.release(pages);
  const rest = ORDER.slice(100);
  const isWanted = (position: number) => position % 100 === 0;
  const seen: number[] = [];
  fifo.forEach(isWanted, ({ position }) => seen.push(position));
  assertEquals(seen, rest.filter(isWanted));

  const gone = fifo.take(new Set([rest[5]!, rest.at(-5)!])).entries;
  for (const { message } of gone) message.release(pages);
  const left = rest.filter((position) => position !== rest[5] && position !== rest.at(-5));
  assertEquals(fifo.length, left.length);

  const held = [...fifo.heldEntries()].length;
  const { entries, putBack } = fifo.take(new Set([left[0]!, left[5000]!, left.at(-1)!]));
  assertEquals(entries.map(({ position }) => position), [left[0], left[5000], left.at(-1)]);
  for (const position of [MANY + 1, MANY + 2]) fifo.push(entryOf(pages, position));
  putBack(new Set(entries));
  assertLess([...fifo.heldEntries()].length, held + 10);
  const first = fifo.shift()!;
  fifo.putFirst([first]);
  assertEquals(drain(fifo, pages), [...left, MANY + 1, MANY + 2]);
});

Deno.test("What is put back goes first when all that was before it has left, and what was behind it as well", () => {
  for (const passed of [10, OBJECTS + 5, OBJECTS + 5000, MANY - 5]) {
    const pages = new PagePool();
    const fifo = filled(pages);
    const out = [3, OBJECTS - 1, OBJECTS + 1, OBJECTS + 4000, MANY - 1].map((at) => ORDER[at]!);
    const { entries, putBack } = fifo.take(new Set(out));
    const stay = ORDER.filter((position) => !out.includes(position));
    const left = stay.slice(0, passed);
    for (let count = 0; count < passed; count++) fifo.shift()!.message.release(pages);
    fifo.peek();
    // so many that they stand in a row of their own, where the first one is used up
    for (let more = 1; more <= OBJECTS + 10; more++) fifo.push(entryOf(pages, MANY + more));
    putBack(new Set(entries));
    assertEquals(fifo.length, MANY - passed + OBJECTS + 10);
    const more = Array.from({ length: OBJECTS + 10 }, (_, index) => MANY + index + 1);
    const expected = [...ORDER.filter((position) => !left.includes(position)), ...more];
    assertEquals(drain(fifo, pages), expected, `after ${passed}`);
  }
});
