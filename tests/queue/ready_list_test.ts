import { assertEquals, assertLess } from "@std/assert";
import { FifoReadyList } from "../../broker/queue/fifo_ready_list.ts";
import { PriorityReadyList } from "../../broker/queue/priority_ready_list.ts";
import { computedMs } from "../support/computed.ts";
import { testReadyList } from "./ready_list_contract.ts";
import { entryAt, memoryStorage } from "./support.ts";

testReadyList("FifoReadyList", () => new FifoReadyList(memoryStorage()));
testReadyList(
  "FifoReadyList with a small window",
  () => new FifoReadyList(memoryStorage(), { windowMax: 4 }),
);
testReadyList("PriorityReadyList", () => new PriorityReadyList(memoryStorage(), 5));

Deno.test("FifoReadyList puts a large batch back in one go", () => {
  const list = new FifoReadyList(memoryStorage());
  const count = 200_000;
  const entries = Array.from({ length: count }, (_, index) => entryAt(index + 1));
  const started = computedMs();
  // every other one is there already, so that each of the rest has a place of its own between them
  list.putBack(entries.filter(({ position }) => position % 2 === 0));
  list.putBack(entries.filter(({ position }) => position % 2 === 1));
  const tookMs = computedMs() - started;
  assertEquals([list.length, list.shift()?.position, list.shift()?.position], [count, 1, 2]);
  // one splice each would move 10^10 places
  assertLess(tookMs, 2000);
});

Deno.test("FifoReadyList takes many entries back one by one, in whatever order", () => {
  const count = 100_000;
  const entries = Array.from({ length: count }, (_, index) => entryAt(index + 1));
  // oldest first, newest first, and the outermost first
  const orders = [
    entries,
    entries.toReversed(),
    entries.toSorted((a, b) => a.position % 1000 - b.position % 1000),
  ];
  for (const order of orders) {
    const list = new FifoReadyList(memoryStorage());
    const started = computedMs();
    for (const entry of order) list.putBack([entry]);
    for (let position = 1; position <= count; position++) {
      if (list.shift()?.position !== position) throw new Error(`Cannot find entry ${position}`);
    }
    // a sorted array took nine seconds for one of them
    assertLess(computedMs() - started, 2000);
  }
});
