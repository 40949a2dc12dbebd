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

  for (const { message } of fifo.take(new Set([rest[5]!, rest.at(-5)!]))) message.release(pages);
  const left = rest.filter((position) => position !== rest[5] && position !== rest.at(-5));
  assertEquals(fifo.length, left.length);

  const order = fifo.order();
  const taken = fifo.take(new Set([left[0]!, left[5000]!, left.at(-1)!]));
  assertEquals(taken.map(({ position }) => position), [left[0], left[5000], left.at(-1)]);
  for (const position of [MANY + 1, MANY + 2]) fifo.push(entryOf(pages, position));
  fifo.putBack(new Set(taken), order);
  const first = fifo.shift()!;
  fifo.putFirst([first]);
  assertEquals(drain(fifo, pages), [...left, MANY + 1, MANY + 2]);
});
