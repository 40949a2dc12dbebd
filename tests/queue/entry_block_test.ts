import { assertEquals, assertGreater } from "@std/assert";
import { encodeContentHead } from "../../broker/amqp/content_codec.ts";
import { PAGE_SIZE, PagePool } from "../../broker/pages.ts";
import { QueueEntry } from "../../broker/queue/entry.ts";
import { BLOCK_SIZE, EntryBlock } from "../../broker/queue/entry_block.ts";
import { bodyOf, heldMessage, messageOf } from "./support.ts";

function entryOf(pages: PagePool, position: number, size: number): QueueEntry {
  const message = heldMessage(pages, `${position}`.padStart(size, "."));
  return new QueueEntry(message, position);
}

function positionsOf(entries: Iterable<QueueEntry>): number[] {
  return [...entries].map(({ position }) => position);
}

Deno.test("EntryBlock makes numbers of messages in pages, and leaves objects what lies in none", () => {
  const pages = new PagePool();
  const block = new EntryBlock();
  // one has a buffer of its own, one is held by nobody, and of one the queue says too much
  block.put(0, entryOf(pages, 10, 100_000));
  block.put(1, new QueueEntry(messageOf("11"), 11));
  block.put(2, entryOf(pages, 12, 10));
  block.put(3, entryOf(pages, 13, 10));
  block.look(3).deliveryCount = 2 ** 20;
  block.pack();
  assertEquals(positionsOf(block.heldEntries()), [10, 11, 13]);
  assertEquals([0, 1, 2, 3, 4].map((at) => block.has(at)), [true, true, true, true, false]);
  assertEquals([0, 1, 2, 3].map((at) => block.position(at)), [10, 11, 12, 13]);
  assertEquals(bodyOf(block.look(2).message).trimStart(), "........12");
  assertEquals(block.take(3).deliveryCount, 2 ** 20);
  const taken = block.take(2);
  assertEquals([taken.position, bodyOf(taken.message), block.has(2)], [12, "........12", false]);
});

Deno.test("EntryBlock keeps a message that other queues have as well, be it on its way to them", () => {
  const pages = new PagePool();
  const block = new EntryBlock();
  const message = messageOf("shared");
  encodeContentHead(message);
  message.hold(pages);
  block.put(0, new QueueEntry(message, 1));
  block.pack();
  // the next queue gets it only now
  message.hold(pages);
  message.routed(pages);
  assertEquals(bodyOf(message), "shared");
  message.release(pages);
  const { message: ours } = block.take(0);
  assertEquals(bodyOf(ours), "shared");
  ours.release(pages);
  assertEquals(pages.page(1).messages, 0);
});

Deno.test("EntryBlock makes objects again of what few keep a page for, so that it can move", () => {
  const pages = new PagePool();
  const blocks = Array.from({ length: 20 }, () => new EntryBlock());
  for (const [number, block] of blocks.entries()) {
    for (let at = 0; at < BLOCK_SIZE; at++) {
      block.put(at, entryOf(pages, number * BLOCK_SIZE + at + 1, 3500));
    }
    block.pack();
  }
  for (const block of blocks) {
    for (let at = 0; at < BLOCK_SIZE; at++) if (at !== 7) block.take(at).message.release(pages);
  }
  assertGreater(pages.sparse.size, 10);
  for (const block of blocks) {
    for (const { message } of block.heldEntries()) message.leaveSparsePage(pages);
  }
  assertEquals(pages.sparse.size, 0);
  assertEquals(pages.bytes <= 3 * PAGE_SIZE, true);
  for (const [number, block] of blocks.entries()) {
    const position = number * BLOCK_SIZE + 8;
    assertEquals(bodyOf(block.take(7).message), `${position}`.padStart(3500, "."));
  }
});
