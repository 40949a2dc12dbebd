import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { StoreError } from "../../broker/store/error.ts";
import { Placement } from "../../broker/store/placement.ts";
import { message, StoreHarness } from "./harness.ts";

/** Bodies are cut into parts of this size, of which no more than four are written in a turn. */
const PART_SIZE = 1000;
const BODY_SIZE = 20_000;

function largeBody(seed = 7): Uint8Array {
  return new Uint8Array(BODY_SIZE).map((_, index) => index * seed + (index >> 8));
}

function read(harness: StoreHarness, position: number): Uint8Array {
  const found = harness.store.read(harness.queue, position);
  assert(found !== undefined && !(found instanceof StoreError), `${found}`);
  return found.body.slice(found.bodyStart, found.bodyEnd);
}

/** Lets everything come to rest, and tells how much was written at once at most. */
function settleAndMeasure(harness: StoreHarness): number {
  let most = 0;
  for (let round = 0; round < 1000; round++) {
    const before = harness.store.stats.waitingBytes;
    harness.endTurn();
    most = Math.max(most, before - harness.store.stats.waitingBytes);
    if (harness.files.pendingSyncs > 0) harness.files.finishSync();
    else if (harness.clock.timers > 0) {
      const waiting = harness.store.stats.waitingBytes;
      harness.clock.advance(100);
      most = Math.max(most, waiting - harness.store.stats.waitingBytes);
    } else if (!harness.hasTurn) return most;
  }
  throw new Error("The store does not come to rest");
}

for (const sync of ["always", "never", { intervalMs: 50 }] as const) {
  Deno.test(`A large body is written over several turns, sync ${JSON.stringify(sync)}`, () => {
    const harness = new StoreHarness({ partSize: PART_SIZE, sync });
    harness.append(1);
    harness.settle();
    let confirmed = false;
    harness.appendStaying(2, largeBody());
    harness.store.whenSynced(() => confirmed = true);
    harness.endTurn();
    assertEquals(confirmed, false);
    assert(harness.store.stats.waitingBytes > BODY_SIZE / 2);
    const most = settleAndMeasure(harness);
    assert(most > PART_SIZE && most < 5 * PART_SIZE, `${most} bytes at once`);
    assertEquals(confirmed, true);
    harness.reopen("kill");
    assertEquals(read(harness, 2), largeBody());
  });
}

Deno.test("Who waits for what came before a large body does not wait for what comes after", () => {
  const harness = new StoreHarness({ partSize: PART_SIZE });
  harness.append(1);
  harness.settle();
  const confirmed: number[] = [];
  for (let position = 2; position < 20; position++) {
    // Bodies come quicker than they are written.
    harness.appendStaying(position, largeBody(position));
    harness.store.whenSynced(() => confirmed.push(position));
    harness.endTurn();
    for (let step = 0; step < 4; step++) {
      harness.files.finishSync();
      harness.clock.advance(1);
      harness.endTurn();
    }
  }
  assert(harness.store.stats.waitingBytes > BODY_SIZE);
  assert(confirmed.length > 3, `${confirmed.length} confirmed`);
  harness.reopen();
  assertEquals(read(harness, confirmed.at(-1)!), largeBody(confirmed.at(-1)!));
});

Deno.test("A large body that stays is not copied, another one is", () => {
  const harness = new StoreHarness({ partSize: PART_SIZE });
  const staying = largeBody();
  const passing = largeBody();
  const placement = new Placement();
  placement.add(harness.queue, 2);
  harness.appendStaying(1, staying);
  harness.store.append(message(passing), placement);
  staying[5000]! ^= 0xff;
  passing.fill(0);
  assertEquals(read(harness, 1), staying);
  assertEquals(read(harness, 2), largeBody());
  harness.settle();
  harness.reopen();
  assertEquals(read(harness, 1), staying);
  assertEquals(read(harness, 2), largeBody());
});

Deno.test("A large body can be read while some of it is written", () => {
  const harness = new StoreHarness({ partSize: PART_SIZE });
  harness.appendStaying(1, largeBody());
  harness.store.whenSynced(() => {});
  for (let turn = 0; turn < 3; turn++) {
    assertEquals(read(harness, 1), largeBody());
    harness.endTurn();
    harness.files.finishSync();
    harness.clock.advance(1);
  }
  assert(harness.store.stats.waitingBytes > PART_SIZE);
  assertEquals(read(harness, 1), largeBody());
});

Deno.test("A large body that is settled before it was written is released and costs no write", () => {
  const harness = new StoreHarness({ partSize: PART_SIZE });
  harness.append(1);
  harness.settle();
  const { waitingBytes } = harness.store.stats;
  const { write } = harness.files.counts;
  harness.appendStaying(2, largeBody());
  assert(harness.store.stats.waitingBytes > BODY_SIZE);
  harness.store.settle(harness.queue, 2);
  assertEquals(harness.store.stats.waitingBytes, waitingBytes);
  harness.settle();
  assertEquals(harness.files.counts.write, write);
});

Deno.test("A large body that is settled while it is written is not written further", () => {
  const harness = new StoreHarness({ partSize: PART_SIZE, segmentSize: 64 * 1024 });
  harness.append(1);
  harness.settle();
  const body = largeBody();
  harness.appendStaying(2, body);
  harness.store.whenSynced(() => {});
  harness.endTurn();
  harness.store.settle(harness.queue, 2);
  body.fill(0xee);
  assert(harness.store.stats.waitingBytes < PART_SIZE);
  harness.settle();
  const { report } = harness.reopen();
  assertEquals([report.dropped, report.damages], [undefined, []]);
  assertEquals(harness.positions(), [1]);
});

Deno.test("A large body of which a write or a sync fails is written again", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const harness = new StoreHarness({ partSize: PART_SIZE, segmentSize: 16 * 1024, seed });
    harness.append(1);
    harness.settle();
    harness.appendStaying(2, largeBody());
    harness.store.whenSynced(() => {});
    harness.endTurn();
    harness.files.faults = { failureRate: 0.5 };
    for (let turn = 0; turn < 10; turn++) {
      harness.files.finishSync();
      harness.clock.advance(300);
      harness.endTurn();
      assertEquals(read(harness, 2), largeBody());
    }
    harness.files.faults = {};
    harness.settle();
    let confirmed = false;
    harness.store.whenSynced((error) => confirmed = error === undefined);
    harness.settle();
    assertEquals(confirmed, true);
    assertEquals(read(harness, 2), largeBody());
    const { report } = harness.reopen();
    assertEquals(report.damages, []);
    assertEquals(harness.positions(), [1, 2]);
    assertEquals(read(harness, 2), largeBody());
  }
});

Deno.test("A failure to read is told apart from bytes that are not what was written", () => {
  const harness = new StoreHarness({ partSize: PART_SIZE });
  harness.append(1);
  harness.appendStaying(2, largeBody());
  harness.append(3);
  harness.settle();
  const codes = () => {
    const found: string[] = [];
    harness.store.readMany(harness.queue, [1, 2, 3], (_, message) => {
      found.push(message instanceof StoreError ? message.code : "read");
    });
    const one = harness.store.read(harness.queue, 2);
    found.push(one instanceof StoreError ? one.code : "read");
    return found;
  };
  for (const failReads of ["EIO", "EMFILE"]) {
    harness.files.faults = { failReads };
    assertEquals(codes(), ["failed", "failed", "failed", "failed"]);
    harness.files.faults = {};
    assertEquals(codes(), ["read", "read", "read", "read"]);
  }
  // Somewhere in the parts of the body, which come before their message.
  harness.files.damage("0000000001.segment", 5000, new Uint8Array([1, 2, 3, 4]));
  assertEquals(codes(), ["read", "corrupt", "read", "corrupt"]);
});

Deno.test("A store that cannot be read is not taken for a broken one", () => {
  const harness = new StoreHarness();
  harness.append(1);
  harness.settle();
  harness.files.faults = { failReads: true };
  let failure: unknown;
  try {
    harness.reopen("kill");
  } catch (error) {
    failure = error;
  }
  assertInstanceOf(failure, StoreError);
  assertEquals(failure.code, "failed");
  harness.files.faults = {};
  harness.reopen("kill");
  assertEquals(harness.positions(), [1]);
});
