import { assert, assertEquals } from "@std/assert";
import { encodeSegmentHeader, SEGMENT_HEADER_SIZE } from "../../broker/store/segment.ts";
import { StoreHarness } from "./harness.ts";

const FIRST = "0000000001.segment";

Deno.test("What is found after a sync that failed is put on disk by the next one", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const harness = new StoreHarness({ seed });
    harness.append(1);
    harness.settle();
    harness.append(2);
    harness.store.whenSynced(() => {});
    harness.endTurn();
    // The system drops the bytes and takes them for written; the process ends before it hears of it.
    harness.files.faults = { failureRate: 1 };
    harness.files.finishSync();
    harness.files.faults = {};
    harness.reopen("kill");
    assertEquals(harness.positions(), [1, 2]);
    let confirmed = false;
    harness.store.whenSynced((error) => confirmed = error === undefined);
    harness.settle();
    assertEquals(confirmed, true);
    harness.reopen("power");
    assertEquals(harness.positions(), [1, 2], `seed ${seed}`);
  }
});

Deno.test("What is found is put on disk, however often the syncs fail meanwhile", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const harness = new StoreHarness({ seed });
    harness.append(1);
    harness.settle();
    harness.append(2);
    harness.store.whenSynced(() => {});
    harness.endTurn();
    harness.reopen("kill");
    harness.append(3);
    harness.store.whenSynced(() => {});
    harness.endTurn();
    harness.files.faults = { failureRate: 1 };
    harness.files.finishSync();
    assertEquals(harness.store.state, "failed");
    for (let count = 0; count < seed % 3; count++) {
      harness.clock.advance(10_000);
      harness.files.faults = {};
      harness.endTurn();
      harness.files.faults = { failureRate: 1 };
      harness.files.finishSync();
    }
    harness.files.faults = {};
    // no longer than it takes, since all is rewritten sooner or later
    for (let round = 0; harness.store.state !== "open"; round++) {
      assert(round < 100);
      harness.endTurn();
      if (harness.files.pendingSyncs > 0) harness.files.finishSync();
      else harness.clock.advance(10_000);
    }
    harness.reopen("power");
    assertEquals(harness.positions(), [1, 2, 3], `seed ${seed}`);
  }
});

Deno.test("A segment stays until what took the place of its messages is on disk", () => {
  const harness = new StoreHarness({ segmentSize: 4096, partSize: 100 });
  let position = 0;
  while (harness.store.stats.segments < 2) {
    harness.append(++position);
    harness.settle();
  }
  // The last one is moved behind a body that takes some turns, the others have been acked.
  harness.appendStaying(position + 1, new Uint8Array(1000));
  harness.append(position + 2, "moved");
  harness.store.settleRange(harness.queue, 1, position);
  harness.store.whenSynced(() => {});
  harness.endTurn();
  harness.files.finishSync();
  assert(harness.store.stats.waitingBytes > 100);
  assert(harness.files.list().includes(FIRST));
  harness.settle();
  assertEquals(harness.files.list().includes(FIRST), false);
  harness.reopen("power");
  assertEquals(harness.body(position + 2), "moved");
});

Deno.test("A segment stays as long as its definitions are in no other one", () => {
  const harness = new StoreHarness();
  harness.store.define("key", new Uint8Array([1]));
  harness.append(1);
  harness.settle();
  harness.store.settle(harness.queue, 1);
  harness.settle();
  // The power went when the next segment had been begun, before its checkpoint was on disk.
  const header = encodeSegmentHeader({ sequence: 2, previous: 1, previousEnd: 0 });
  harness.files.create("0000000002.segment").write(header, 0, SEGMENT_HEADER_SIZE, 0);
  harness.reopen("kill");
  harness.store.whenSynced(() => {});
  harness.settle();
  const store = harness.reopen("kill");
  assertEquals(store.definitions.get("key"), new Uint8Array([1]));
});

Deno.test("A store with nothing to do makes no file operation and sets no timer", () => {
  for (const sync of ["always", "never", { intervalMs: 50 }] as const) {
    const harness = new StoreHarness({ segmentSize: 16 * 1024, partSize: 500, sync });
    assertRests(harness);
    for (let position = 1; position <= 200; position++) {
      harness.append(position);
      harness.store.delivered(harness.queue, position - 5);
      if (position % 10 === 0) harness.store.settle(harness.queue, position - 5);
    }
    harness.appendStaying(201, new Uint8Array(5000));
    harness.settle();
    assertRests(harness);
    harness.store.settleRange(harness.queue, 50, 150);
    harness.settle();
    assertRests(harness);
    harness.reopen("kill");
    assertRests(harness);
  }
});

/** A day goes by and nothing happens. */
function assertRests(harness: StoreHarness): void {
  const before = { ...harness.files.counts };
  assertEquals([harness.clock.timers, harness.hasTurn], [0, false]);
  harness.clock.advance(86_400_000);
  assertEquals([harness.clock.timers, harness.hasTurn], [0, false]);
  assertEquals({ ...harness.files.counts }, before);
}

Deno.test("Segments that are half full are not rewritten for ever", () => {
  const harness = new StoreHarness({ segmentSize: 4096 });
  harness.store.define("key", new Uint8Array(1000));
  for (let position = 1; position <= 100; position++) {
    harness.append(position);
    if (position % 10 === 0) harness.settle();
  }
  const { segments } = harness.store.stats;
  for (let position = 1; position <= 100; position++) {
    // Fails unless it comes to rest.
    if (position % 3 === 0) harness.store.settle(harness.queue, position);
    harness.settle();
  }
  assert(harness.store.stats.segments <= segments);
  assertRests(harness);
});

Deno.test("Disk space comes back when a backlog was drained", () => {
  const harness = new StoreHarness({ segmentSize: 64 * 1024 });
  const empty = harness.store.stats;
  for (let position = 1; position <= 5000; position++) {
    harness.append(position, "x".repeat(200));
    if (position % 100 === 0) harness.settle();
  }
  harness.settle();
  const full = harness.store.stats;
  assert(full.segments > 15, `${full.segments} segments`);
  assertEquals(full.diskBytes, harness.files.used);
  harness.store.settleRange(harness.queue, 1, 2500);
  harness.settle();
  const half = harness.store.stats;
  assert(half.segments <= full.segments / 2 + 3, `${half.segments} segments`);
  harness.store.settleRange(harness.queue, 2501, 5000);
  harness.settle();
  const drained = harness.store.stats;
  // The head, what its settlements were about, and a file to be used again.
  assert(drained.segments <= 2, `${drained.segments} segments`);
  assert(drained.diskBytes <= 3 * 64 * 1024, `${drained.diskBytes} bytes`);
  assertEquals(drained.diskBytes, harness.files.used);
  assertEquals(drained.messages, empty.messages);
});
