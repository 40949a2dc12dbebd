import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertLess,
  assertThrows,
} from "@std/assert";
import { StoreError } from "../../broker/store/error.ts";
import { DiskFileSystem } from "../../broker/store/file_system.ts";
import { Placement } from "../../broker/store/placement.ts";
import { Store } from "../../broker/store/store.ts";
import { message, StoreHarness } from "./harness.ts";

Deno.test("Store keeps what was synced through a loss of power", () => {
  const harness = new StoreHarness();
  harness.store.define("queue/jobs", new Uint8Array([1, 2, 3]));
  harness.append(1);
  harness.append(2);
  harness.store.whenSynced(() => {});
  harness.endTurn();
  harness.files.finishSync();
  harness.files.finishSync();
  const store = harness.reopen();
  assertEquals(harness.positions(), [1, 2]);
  assertEquals(harness.body(2), "body 2");
  assertEquals(store.definitions.get("queue/jobs"), new Uint8Array([1, 2, 3]));
  assertEquals(store.report.dropped, undefined);
});

Deno.test("Store on a disk is as it was after it was closed", async () => {
  const directory = await Deno.makeTempDir();
  const large = new Uint8Array(3_000_000).map((_, index) => index % 251);
  {
    const store = new Store({ files: new DiskFileSystem(`${directory}/store`) });
    const placement = new Placement();
    placement.priority = 7;
    placement.add(store.queue(1), 1, 1_900_000_000_000);
    placement.add(store.queue(2), 10);
    store.append(message(large), placement);
    store.delivered(store.queue(1), 1);
    store.returned(store.queue(1), 1, 3);
    await store.close();
    await store.close();
    assertEquals(store.state, "closed");
  }
  const store = new Store({ files: new DiskFileSystem(`${directory}/store`) });
  const queue = store.queue(1);
  assertEquals(queue.deadline(1), 1_900_000_000_000);
  assertEquals(queue.priority(1), 7);
  assertEquals(queue.deliveryCount(1), 3);
  assertEquals(queue.redelivered(1), true);
  assertEquals(store.queue(2).redelivered(10), false);
  assertEquals(queue.bodySize(1), 3_000_000);
  const found = store.read(store.queue(2), 10);
  assert(found !== undefined && !(found instanceof StoreError));
  assertEquals(found.body.subarray(found.bodyStart, found.bodyEnd), large);
  assertEquals(found.head.slice(found.addressStart, found.addressEnd), new Uint8Array([0, 1, 97]));
  await store.close();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("Store writes once a turn and has one sync in flight", () => {
  const harness = new StoreHarness();
  harness.append(0);
  harness.settle();
  const { counts } = harness.files;
  const writes = counts.write;
  let confirmed = 0;
  for (let turn = 0; turn < 3; turn++) {
    harness.append(10 + turn * 2);
    harness.append(11 + turn * 2);
    harness.store.whenSynced(() => confirmed++);
    harness.endTurn();
    assertEquals(harness.files.pendingSyncs, 1);
  }
  assertEquals(counts.write - writes, 1);
  harness.files.finishSync();
  assertEquals([confirmed, counts.write - writes, harness.files.pendingSyncs], [1, 2, 1]);
  harness.files.finishSync();
  assertEquals([confirmed, harness.files.pendingSyncs], [3, 0]);
});

Deno.test("Much that somebody waits for is written while a sync is in flight, and waits for the next", () => {
  const harness = new StoreHarness();
  harness.append(0);
  harness.settle();
  const { counts } = harness.files;
  const confirmed: number[] = [];
  const publish = (position: number) => {
    harness.append(position, "x".repeat(16 * 1024));
    harness.store.whenSynced(() => confirmed.push(position));
    harness.endTurn();
  };
  publish(1);
  const { write, sync } = counts;
  publish(2);
  publish(3);
  assertEquals([counts.write - write, counts.sync - sync, harness.files.pendingSyncs], [2, 0, 1]);
  harness.files.finishSync();
  // all that there was to do is to sync what is written
  assertEquals([confirmed, counts.write - write, harness.files.pendingSyncs], [[1], 2, 1]);
  harness.files.finishSync();
  assertEquals([confirmed, harness.files.pendingSyncs], [[1, 2, 3], 0]);
});

Deno.test("Much that nobody waits for is not written while a sync is in flight", () => {
  const harness = new StoreHarness();
  harness.append(1);
  harness.store.whenSynced(() => {});
  harness.endTurn();
  const { write } = harness.files.counts;
  harness.append(2, "x".repeat(16 * 1024));
  harness.endTurn();
  assertEquals(harness.files.counts.write, write);
});

Deno.test("A message that is settled before it was written is never written", () => {
  const harness = new StoreHarness();
  harness.append(1);
  harness.settle();
  const { write } = harness.files.counts;
  harness.append(2);
  harness.endTurn();
  harness.store.delivered(harness.queue, 2);
  harness.endTurn();
  harness.store.settle(harness.queue, 2);
  harness.append(3, "secret");
  harness.store.settle(harness.queue, 3);
  harness.append(4);
  harness.settle();
  assertEquals(harness.files.counts.write, write + 1);
  const written = harness.files.contents("0000000001.segment");
  assertEquals(new TextDecoder().decode(written).includes("secret"), false);
  harness.reopen();
  assertEquals(harness.positions(), [1, 4]);
});

Deno.test("Store.whenSynced() calls back when there is nothing to write, but not at once", () => {
  const harness = new StoreHarness();
  const calls: (StoreError | undefined)[] = [];
  harness.store.whenSynced((error) => calls.push(error));
  assertEquals(calls, []);
  harness.endTurn();
  harness.settle();
  assertEquals(calls, [undefined]);
});

Deno.test("Store with sync never confirms without a sync", () => {
  const harness = new StoreHarness({ sync: "never" });
  let confirmed = false;
  harness.append(1);
  harness.store.whenSynced(() => confirmed = true);
  harness.endTurn();
  assertEquals([confirmed, harness.files.counts.sync], [true, 0]);
  harness.settle();
  assertEquals(harness.files.counts.sync, 0);
  harness.reopen("kill");
  assertEquals(harness.positions(), [1]);
});

Deno.test("Store with an interval confirms before the sync and syncs once in it", () => {
  const harness = new StoreHarness({ sync: { intervalMs: 100 } });
  let confirmed = 0;
  for (let turn = 0; turn < 5; turn++) {
    harness.append(turn);
    harness.store.whenSynced(() => confirmed++);
    harness.endTurn();
  }
  assertEquals([confirmed, harness.files.counts.sync], [5, 0]);
  harness.clock.advance(100);
  harness.settle();
  assertEquals(harness.files.counts.sync, 2); // the segment and its name
  assertEquals(harness.clock.timers, 0);
});

Deno.test("Store reads what waits to be written, and many messages with one read", () => {
  const harness = new StoreHarness();
  for (let position = 1; position <= 100; position++) harness.append(position);
  assertEquals(harness.body(50), "body 50");
  harness.settle();
  harness.append(101);
  const { read } = harness.files.counts;
  const bodies: string[] = [];
  const positions = Array.from({ length: 103 }, (_, index) => index + 1);
  harness.store.readMany(harness.queue, positions, (_, found) => {
    assert(!(found instanceof StoreError));
    bodies.push(new TextDecoder().decode(found.body.subarray(found.bodyStart, found.bodyEnd)));
  });
  assertEquals(bodies, Array.from({ length: 101 }, (_, index) => `body ${index + 1}`));
  assertEquals(harness.files.counts.read, read + 1);
});

Deno.test("Store gives the disk back when a backlog was drained, and then rests", () => {
  const harness = new StoreHarness({ segmentSize: 4096 });
  for (let position = 1; position <= 1000; position++) {
    harness.append(position);
    if (position % 20 === 0) harness.settle();
  }
  const full = harness.store.stats.segments;
  assert(full > 10);
  harness.store.settleRange(harness.queue, 1, 999);
  harness.settle();
  assert(harness.store.stats.segments <= 3, `${harness.store.stats.segments} segments`);
  assertEquals(harness.body(1000), "body 1000");
  harness.reopen();
  assertEquals(harness.positions(), [1000]);
  const { write, sync } = harness.files.counts;
  harness.clock.advance(1e9);
  harness.settle();
  assertEquals([harness.files.counts.write, harness.files.counts.sync], [write, sync]);
});

Deno.test("A few old messages do not keep their segments", () => {
  const harness = new StoreHarness({ segmentSize: 4096 });
  for (let position = 1; position <= 2000; position++) {
    harness.append(position);
    if (position % 20 === 0) harness.settle();
  }
  for (let at = 1; at <= 2000; at++) if (at % 100 !== 0) harness.store.settle(harness.queue, at);
  harness.settle();
  const kept = Array.from({ length: 20 }, (_, index) => (index + 1) * 100);
  assert(harness.store.stats.segments <= 4, `${harness.store.stats.segments} segments`);
  for (const position of kept) assertEquals(harness.body(position), `body ${position}`);
  harness.reopen();
  assertEquals(harness.positions(), kept);
});

Deno.test("Definitions outlive the segments that they were written to", () => {
  const harness = new StoreHarness({ segmentSize: 4096 });
  harness.store.define("old", new Uint8Array([1]));
  harness.store.define("gone", new Uint8Array([2]));
  harness.store.undefine("gone");
  for (let position = 1; position <= 500; position++) {
    harness.append(position);
    if (position % 20 === 0) harness.settle();
    harness.store.settle(harness.queue, position);
  }
  harness.settle();
  const store = harness.reopen();
  assertEquals([...store.definitions], [["old", new Uint8Array([1])]]);
});

Deno.test("More definitions than a segment has room for cost little with each write, and then it rests", () => {
  const harness = new StoreHarness({ segmentSize: 4096 });
  const value = new Uint8Array(100);
  for (let number = 0; number < 100; number++) harness.store.define(`definition ${number}`, value);
  harness.settle();
  const begun = () => Math.max(...harness.files.list().map((name) => Number.parseInt(name)));
  const before = begun();
  for (let position = 1; position <= 1000; position++) {
    harness.append(position);
    harness.store.whenSynced(() => {});
    harness.rest();
    if (position % 10 > 0) harness.store.settle(harness.queue, position);
  }
  harness.settle();
  // what is written meanwhile is some times as much as there are definitions
  assertLess(begun() - before, 20);
  harness.reopen();
  assertEquals(harness.store.definitions.size, 100);
  assertEquals(harness.positions(), Array.from({ length: 100 }, (_, index) => (index + 1) * 10));
});

Deno.test("A queue that was removed does not come back", () => {
  const harness = new StoreHarness();
  const other = harness.store.queue(2);
  harness.append(1);
  harness.append(1, "other", other);
  harness.settle();
  harness.store.removeQueue(harness.queue);
  harness.settle();
  harness.reopen();
  assertEquals(harness.queue.count, 0);
  assertEquals(harness.body(1, harness.store.queue(2)), "other");
});

Deno.test("Transient messages can be read, and are gone after a restart", () => {
  const harness = new StoreHarness();
  const placement = new Placement();
  placement.transient = true;
  placement.add(harness.queue, 1);
  harness.store.append(message(new TextEncoder().encode("spilled")), placement);
  harness.settle();
  assertEquals(harness.body(1), "spilled");
  harness.reopen("kill");
  assertEquals(harness.positions(), []);
});

Deno.test("The disk that transient messages took comes back when they are gone, and nothing else happens", () => {
  const harness = new StoreHarness({ segmentSize: 4096 });
  const placement = new Placement();
  for (let position = 1; position <= 1000; position++) {
    placement.clear();
    placement.transient = true;
    placement.add(harness.queue, position);
    harness.store.append(message(new TextEncoder().encode("spilled")), placement);
    if (position % 20 === 0) harness.settle();
  }
  assert(harness.store.stats.segments > 10);
  for (let position = 1; position <= 1000; position++) {
    harness.store.settle(harness.queue, position);
    harness.endTurn();
  }
  harness.settle();
  assert(harness.store.stats.segments <= 3, `${harness.store.stats.segments} segments`);
});

Deno.test("Store.append() wants the message encoded", () => {
  const harness = new StoreHarness();
  const placement = new Placement();
  placement.add(harness.queue, 1);
  const notEncoded = { ...message(new Uint8Array(0)), head: undefined };
  assertThrows(() => harness.store.append(notEncoded, placement), TypeError);
});

Deno.test("A sync that fails is told to who waits, and nothing that was safe is lost", () => {
  const harness = new StoreHarness();
  harness.append(1);
  harness.settle();
  const results: (StoreError | undefined)[] = [];
  harness.append(2);
  harness.store.whenSynced((error) => results.push(error));
  harness.endTurn();
  harness.files.faults = { failureRate: 1 };
  harness.files.finishSync();
  harness.endTurn();
  assertInstanceOf(results[0], StoreError);
  assertEquals(results[0].code, "failed");
  assertEquals(harness.store.state, "failed");
  assertEquals(harness.append(3), false);
  assertEquals(harness.body(2), "body 2");
  harness.store.whenSynced((error) => results.push(error));
  harness.endTurn();
  assertInstanceOf(results[1], StoreError);

  harness.files.faults = {};
  harness.settle();
  assertEquals(harness.states, ["failed", "open"]);
  assertEquals(harness.append(4), true);
  harness.store.whenSynced((error) => results.push(error));
  harness.settle();
  assertEquals(results[2], undefined);
  const store = harness.reopen();
  assertEquals(harness.positions(), [1, 2, 4]);
  assertEquals(store.report.damages, []);
});

Deno.test("A full disk takes settlements, and messages again when there is room", () => {
  const harness = new StoreHarness({ segmentSize: 16384 });
  harness.files.faults = { capacity: 40_000 };
  let position = 0;
  while (position < 2000 && harness.append(position + 1)) {
    position++;
    if (position % 10 === 0) {
      harness.store.whenSynced(() => {});
      for (let step = 0; step < 5; step++) {
        harness.endTurn();
        harness.files.finishSync();
      }
    }
  }
  assert(position > 100 && position < 2000, `${position}`);
  assert(harness.states.includes("full") || harness.states.includes("failed"));
  const safe = Math.floor(position / 10) * 10 - 10;
  harness.store.settleRange(harness.queue, 1, safe - 5);
  harness.settle();
  assertEquals(harness.store.state, "open");
  assertEquals(harness.body(safe), `body ${safe}`);
  assertEquals(harness.append(5000), true);
  harness.settle();
  harness.files.faults = {};
  harness.reopen();
  assert(harness.positions().includes(5000) && harness.positions().includes(safe));
  assertEquals(harness.positions().includes(1), false);
});

Deno.test("A segment of which little is alive is looked through in turns", () => {
  const harness = new StoreHarness({ segmentSize: 4 * 1024 * 1024 });
  const body = "x".repeat(16 * 1024);
  let last = 0;
  while (harness.store.stats.segments < 3) {
    for (let count = 0; count < 50; count++) harness.append(++last, body);
    harness.settle();
  }
  // one of the oldest segment stays
  harness.store.settleRange(harness.queue, 1, 100);
  harness.store.settleRange(harness.queue, 102, 240);
  harness.store.whenSynced(() => {});
  harness.rest();
  assertEquals(harness.store.stats.segments, 3, "it has just begun");
  let turns = 0;
  for (; harness.store.stats.segments === 3 && turns < 100; turns++) {
    harness.clock.advance(1);
    harness.rest();
  }
  assertGreater(turns, 10);
  assertEquals(harness.store.stats.segments, 2);
  assertEquals(harness.body(101), body);
});
