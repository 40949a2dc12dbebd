import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { seededRandom } from "../../broker/testing/simulated_file_system.ts";
import { StoreHarness } from "./harness.ts";

/** So many definitions take many times as much as is written of them at once. */
const DEFINITIONS = 200;
const VALUE = new Uint8Array(100).fill(7);
/** When there is so much it is written. */
const AT_ONCE = 1000;
/** The most that is written at once: one record more, and the message behind them. */
const WRITTEN_MAX = 2 * AT_ONCE + 1000;

/** A store with many definitions that has just begun a segment, of which the checkpoint is not whole. */
function rolling({ seed = 1, onWrite }: { seed?: number; onWrite?: (size: number) => void } = {}) {
  const harness = new StoreHarness({ segmentSize: 16_384, partSize: AT_ONCE, seed });
  for (let number = 0; number < DEFINITIONS; number++) {
    harness.store.define(`definition ${number}`, VALUE);
  }
  harness.settle();
  if (onWrite !== undefined) countWrites(harness, onWrite);
  const begun = segments(harness);
  let position = 0;
  for (; segments(harness) === begun; position++) {
    harness.settle();
    harness.append(position + 1, "x".repeat(500));
    harness.store.whenSynced(() => {});
    harness.endTurn();
  }
  return { harness, synced: position - 1 };
}

/** How many there are. */
function segments(harness: StoreHarness): number {
  return harness.files.list().filter((name) => name.endsWith(".segment")).length;
}

/** Tells how much is written to files that are begun from now on. */
function countWrites({ files }: StoreHarness, onWrite: (size: number) => void): void {
  const create = files.create.bind(files);
  files.create = (name) => {
    const file = create(name);
    const write: typeof file.write = (bytes, start, length, position) => {
      // files grow by zeros
      if (bytes.subarray(start, start + length).some((byte) => byte !== 0)) onWrite(length);
      file.write(bytes, start, length, position);
    };
    return { ...file, write };
  };
}

/** Goes on for a turn, or for so many milliseconds; false when there was nothing to do. */
function goOn(harness: StoreHarness, ms = 0): boolean {
  if (harness.hasTurn) harness.endTurn();
  else if (harness.files.pendingSyncs > 0) harness.files.finishSync();
  else if (harness.clock.timers > 0) harness.clock.advance(ms);
  else return false;
  return true;
}

Deno.test("The checkpoint of very many definitions takes turns, and what waits comes behind it", () => {
  let written = 0;
  const { harness } = rolling({ onWrite: (size) => written += size });
  let done = false;
  harness.store.whenSynced(() => done = true);
  let turns = 0;
  for (let total = written; !done; turns++) {
    assertLess(written - total, WRITTEN_MAX, "what is written in a turn");
    total = written;
    assert(harness.files.pendingSyncs === 0 || written > DEFINITIONS * VALUE.length);
    assert(goOn(harness));
  }
  assertGreater(turns, DEFINITIONS * VALUE.length / WRITTEN_MAX);
});

for (const way of ["kill", "power"] as const) {
  Deno.test(`A checkpoint that was not whole when the end came changes nothing (${way})`, () => {
    let over = false;
    for (let steps = 0; !over; steps++) {
      const { harness, synced } = rolling({ seed: steps + 1 });
      // these come behind it
      harness.store.undefine("definition 0");
      harness.store.define("definition 1", new Uint8Array([1]));
      harness.store.define("new", VALUE);
      let isSafe = false;
      harness.store.whenSynced(() => isSafe = true);
      for (let step = 0; step < steps && !over; step++) over = !goOn(harness);
      for (const again of [false, true]) {
        const { definitions, report } = harness.reopen(way);
        const changes = [
          !definitions.has("definition 0"),
          definitions.get("definition 1")?.length === 1,
          definitions.has("new"),
        ];
        // each of them is there only if those before it are
        assertEquals(changes, changes.toSorted((one, other) => Number(other) - Number(one)));
        if (isSafe) assertEquals(changes, [true, true, true]);
        for (let number = 2; number < DEFINITIONS; number++) {
          assertEquals(definitions.get(`definition ${number}`), VALUE);
        }
        const expected = Array.from({ length: synced }, (_, index) => index + 1);
        assertEquals(harness.positions().slice(0, synced), expected);
        assertEquals(report.damages, []);
        if (!again) harness.settle();
      }
    }
  });
}

Deno.test("A segment whose checkpoint could not be written or synced wholly is no segment", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const { harness, synced } = rolling({ seed });
    const random = seededRandom(seed);
    const steps = () => 1 + Math.floor(random() * 8);
    for (let round = 0; round < 3; round++) {
      for (let step = steps(); step > 0; step--) goOn(harness);
      harness.files.faults = { failureRate: random() };
      for (let step = steps(); step > 0; step--) goOn(harness, 5000);
      harness.files.faults = {};
    }
    harness.settle();
    assertEquals(harness.store.state, "open");
    const store = harness.reopen();
    assertEquals(store.definitions.size, DEFINITIONS);
    assertEquals(harness.positions().length, synced + 1);
    assertEquals(store.report.damages, []);
  }
});

Deno.test("Keys of any letters and values of any size are in a checkpoint as they were", () => {
  const harness = new StoreHarness({ segmentSize: 16_384 });
  const values = new Map([
    ["Schlüssel \u{1f511}", new Uint8Array([1])],
    ["empty", new Uint8Array(0)],
    ["of 513 bytes", new Uint8Array(513).fill(2)],
    ["larger than a record", new Uint8Array(200_000).fill(3)],
  ]);
  for (const [key, value] of values) harness.store.define(key, value);
  harness.store.define("empty", new Uint8Array(0));
  for (let position = 1; segments(harness) < 3; position++) {
    harness.append(position, "x".repeat(5000));
    harness.settle();
  }
  for (let round = 0; round < 2; round++) {
    assertEquals(new Map(harness.reopen().definitions), values);
    harness.store.define("empty", new Uint8Array(0));
    harness.settle();
  }
});
