import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { crc32c } from "../../broker/store/crc32c.ts";
import { StoreError } from "../../broker/store/error.ts";
import { checkStore, repairStore } from "../../broker/store/inspect.ts";
import { checksumSeed, FORMAT_VERSION } from "../../broker/store/records.ts";
import { StoreHarness } from "./harness.ts";

const FIRST = "0000000001.segment";

/** Where a text begins in a file. */
function find(bytes: Uint8Array, text: string): number {
  const needle = new TextEncoder().encode(text);
  return bytes.findIndex((_, at) => needle.every((byte, index) => bytes[at + index] === byte));
}

/** Ten synced messages in ten writes. */
function tenMessages(): StoreHarness {
  const harness = new StoreHarness({ segmentSize: 16384 });
  for (let position = 1; position <= 10; position++) {
    harness.append(position);
    harness.settle();
  }
  return harness;
}

function openError(harness: StoreHarness): StoreError {
  try {
    harness.reopen("kill");
  } catch (error) {
    assertInstanceOf(error, StoreError);
    return error;
  }
  throw new Error("The store opens");
}

Deno.test("Any prefix of a segment gives a prefix of its messages", () => {
  const whole = tenMessages().files.contents(FIRST);
  const end = find(whole, "body 10") + 7;
  let before = 0;
  for (let size = 0; size <= end; size++) {
    const harness = new StoreHarness({ segmentSize: 16384 });
    harness.files.create(FIRST).write(whole, 0, size, 0);
    harness.reopen("kill");
    const positions = harness.positions();
    assertEquals(positions, Array.from({ length: positions.length }, (_, index) => index + 1));
    assert(positions.length >= before, `${positions.length} messages in ${size} bytes`);
    before = positions.length;
  }
  assertEquals(before, 10);
});

Deno.test("A torn tail is cut and told, and is not found again", () => {
  const harness = tenMessages();
  const bytes = harness.files.contents(FIRST);
  const at = find(bytes, "body 10");
  harness.files.damage(FIRST, at, new Uint8Array([0x2d]));
  const { report } = harness.reopen();
  assertEquals(report.damages, []);
  assertEquals(report.dropped?.file, FIRST);
  assert(report.dropped!.offset < at && report.dropped!.offset > find(bytes, "body 9"));
  assertEquals(harness.positions(), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  harness.append(11);
  harness.settle();
  assertEquals(harness.reopen().report.dropped, undefined);
  assertEquals(harness.positions(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 11]);
});

Deno.test("Damage in the middle is told with its place, and the rest is saved", () => {
  const harness = tenMessages();
  const at = find(harness.files.contents(FIRST), "body 4");
  harness.files.damage(FIRST, at, new Uint8Array([0x2d]));
  const { report } = harness.reopen();
  assertEquals(report.dropped, undefined);
  assertEquals(report.damages.length, 1);
  const { file, offset, bytes } = report.damages[0]!;
  assertEquals(file, FIRST);
  assert(offset < at && offset + bytes > at, `${offset} + ${bytes}, ${at}`);
  assertEquals(harness.positions(), [1, 2, 3, 5, 6, 7, 8, 9, 10]);
  assertEquals(harness.body(10), "body 10");
});

Deno.test("A damaged length does not hide what follows", () => {
  const harness = tenMessages();
  const at = find(harness.files.contents(FIRST), "body 4");
  harness.files.damage(FIRST, at - 70, new Uint8Array(70).fill(0xff));
  const { report } = harness.reopen();
  assertEquals(report.damages.length, 1);
  assertEquals(harness.positions().slice(-6), [5, 6, 7, 8, 9, 10]);
});

for (const broken of ["first", "second", "last"]) {
  Deno.test(`A checkpoint whose ${broken} record is damaged takes no definitions away`, () => {
    const harness = new StoreHarness({ segmentSize: 512 * 1024 });
    const keys = Array.from({ length: 100 }, (_, index) => `key ${index}.`);
    for (const key of keys) harness.store.define(key, new Uint8Array(2000));
    // the next segment begins with them, and the first one stays for its message
    harness.append(1, "x".repeat(300_000));
    harness.settle();
    harness.append(2, "x".repeat(200_000));
    harness.settle();
    // this tells that what is before it had been on disk
    harness.append(3);
    harness.settle();
    assertEquals(harness.store.stats.segments, 2);
    const second = "0000000002.segment";
    const key = { first: keys[0]!, second: keys[50]!, last: keys.at(-1)! }[broken]!;
    const at = find(harness.files.contents(second), key);
    harness.files.damage(second, at, new Uint8Array([0]));
    const { report, definitions } = harness.reopen("kill");
    assertEquals(report.damages.map(({ file }) => file), [second]);
    assertEquals([...definitions.keys()].sort(), [...keys].sort());
    assertEquals(harness.positions(), [1, 2, 3]);
  });
}

Deno.test("checkStore() changes nothing, repairStore() leaves nothing to tell", async () => {
  const harness = new StoreHarness({ segmentSize: 4096 });
  for (let position = 1; position <= 200; position++) {
    harness.append(position);
    if (position % 10 === 0) harness.settle();
  }
  harness.store.define("key", new Uint8Array([1]));
  harness.settle();
  harness.files.damage(
    FIRST,
    find(harness.files.contents(FIRST), "body 14"),
    new Uint8Array([0x2d]),
  );
  harness.reopen();
  const { counts } = harness.files;
  const { write, directory } = counts;
  const before = checkStore(harness.files);
  assertEquals([counts.write, counts.directory], [write, directory]);
  assertEquals(before.messages, 199);
  assertEquals(before.definitions, 1);
  assertEquals(before.report.damages[0]?.file, FIRST);
  assertEquals(before.segments[0]?.damaged, true);
  assertEquals(before.queues, [{ id: 1, messages: 199, bodyBytes: before.queues[0]!.bodyBytes }]);

  const pump = setInterval(() => harness.files.finishSync(), 0);
  const report = await repairStore(harness.files);
  clearInterval(pump);
  assertEquals(report.damages.length, 1);
  const after = checkStore(harness.files);
  assertEquals(after.report.damages, []);
  assertEquals(after.messages, 199);
  assert(harness.files.list().includes("0000000001.damaged"));
  harness.reopen();
  assertEquals(harness.body(13), "body 13");
  assertEquals(harness.positions().includes(14), false);
});

/** Messages in several segments of 4 KiB, the first five of which went. */
function withoutFirstSegments(): StoreHarness {
  const harness = new StoreHarness({ segmentSize: 4096 });
  for (let position = 1; position <= 400; position++) {
    harness.append(position);
    if (position % 10 === 0) harness.settle();
  }
  for (let position = 1; position <= 200; position++) harness.store.settle(harness.queue, position);
  harness.settle();
  return harness;
}

function segmentsOf(harness: StoreHarness): string[] {
  return harness.files.list().filter((name) => name.endsWith(".segment")).sort();
}

Deno.test("A segment that went is not missed, whatever became of its file", () => {
  for (const way of ["kill", "power"] as const) {
    const harness = withoutFirstSegments();
    assert(segmentsOf(harness)[0]! > FIRST);
    assert(harness.files.list().some((name) => name.endsWith(".gone")));
    assertEquals(harness.reopen(way).report.damages, []);
    assertEquals(harness.positions().length, 200);
  }
});

Deno.test("A segment that is missing is told by name, and repairStore() leaves nothing to tell", async () => {
  const harness = withoutFirstSegments();
  const missing = segmentsOf(harness)[1]!;
  harness.files.remove(missing);
  const { report } = harness.reopen("kill");
  const [damage] = report.damages;
  assertEquals(report.damages.length, 1);
  assertEquals([damage!.file, damage!.reason], [missing, "the segment is missing"]);
  const { length } = harness.positions();
  assert(length > 100 && length < 200, `${length} messages`);

  assertEquals(checkStore(harness.files).report.damages, [damage!]);
  const pump = setInterval(() => harness.files.finishSync(), 0);
  await repairStore(harness.files);
  clearInterval(pump);
  assertEquals(checkStore(harness.files).report.damages, []);
  assertEquals(checkStore(harness.files).messages, length);
});

Deno.test("What stays of segments that went is removed when no checkpoint names them any more", () => {
  const harness = withoutFirstSegments();
  const gone = () => harness.files.list().filter((name) => name.endsWith(".gone"));
  const first = gone();
  assert(first.length > 1);
  harness.reopen("kill");
  assertEquals(gone(), first);
  for (let position = 401; position <= 500; position++) {
    harness.append(position);
    if (position % 10 === 0) harness.settle();
  }
  assertEquals(gone(), []);
  assertEquals(harness.reopen("power").report.damages, []);
  assertEquals(harness.positions().length, 300);
});

Deno.test("The last segment is read though its header is damaged", () => {
  const harness = new StoreHarness({ segmentSize: 4096 });
  for (let position = 1; position <= 60; position++) {
    harness.append(position);
    harness.settle();
  }
  const last = segmentsOf(harness).at(-1)!;
  assert(last > FIRST);
  harness.files.damage(last, 0, new Uint8Array([0]));
  const { report } = harness.reopen("kill");
  assertEquals(report.damages.map(({ file, offset }) => [file, offset]), [[last, 0]]);
  assertEquals(harness.positions(), Array.from({ length: 60 }, (_, index) => index + 1));
  // nothing more is written to it, and it is not the last one for ever
  harness.append(61);
  harness.settle();
  assertEquals(harness.reopen().report.damages.map(({ file }) => file), [last]);
  assertEquals(harness.positions().length, 61);
});

Deno.test("A last segment whose header did not come as far as the disk is dropped and told", () => {
  const harness = new StoreHarness({ segmentSize: 4096 });
  while (segmentsOf(harness).length < 2) {
    harness.append(harness.queue.highest + 1);
    harness.settle();
  }
  const [, last] = segmentsOf(harness);
  const before = harness.positions().length;
  harness.files.damage(last!, 0, new Uint8Array(64));
  const { report } = harness.reopen("kill");
  assertEquals(report.damages, []);
  assertEquals([report.dropped?.file, report.dropped?.offset], [last, 0]);
  assertEquals(harness.positions().length, before - 1);
});

Deno.test("A segment of a newer format is refused by name", () => {
  const harness = tenMessages();
  const header = harness.files.contents(FIRST).slice(0, 64);
  const view = new DataView(header.buffer);
  view.setUint16(8, FORMAT_VERSION + 1, true);
  view.setUint32(60, crc32c(header, 0, 60), true);
  harness.files.damage(FIRST, 0, header);
  const error = openError(harness);
  assertEquals(error.code, "newer-format");
  assertEquals(
    error.message,
    `Cannot read segment of store format ${
      FORMAT_VERSION + 1
    }: this Warren reads up to ${FORMAT_VERSION}`,
  );
});

Deno.test("A record of a newer format is refused by name", () => {
  const harness = tenMessages();
  const bytes = harness.files.contents(FIRST);
  const view = new DataView(bytes.buffer);
  const size = 12 + view.getUint32(64 + 4, true);
  view.setUint8(64 + 9, FORMAT_VERSION + 1);
  view.setUint32(64, crc32c(bytes, 64 + 4, 64 + size, checksumSeed(1)), true);
  harness.files.damage(FIRST, 64, bytes.slice(64, 64 + size));
  const error = openError(harness);
  assertEquals(error.code, "newer-format");
  assert(error.message.startsWith("Cannot read record of store format"));
});

Deno.test("What a recycled segment held before is not taken for records", () => {
  const harness = new StoreHarness({ segmentSize: 4096 });
  for (let position = 1; position <= 400; position++) {
    harness.append(position);
    if (position % 10 === 0) harness.settle();
    if (position > 20) harness.store.settle(harness.queue, position - 20);
  }
  harness.settle();
  const file = harness.files.list().filter((name) => name.endsWith(".segment")).at(-1)!;
  const text = new TextDecoder().decode(harness.files.contents(file));
  const bodies = [...text.matchAll(/body (\d+)/g)].map((match) => Number(match[1]));
  const living = harness.positions();
  assert(bodies.some((body) => body < living[0]!), "the head is a recycled segment");
  const { report } = harness.reopen();
  assertEquals([report.dropped, report.damages], [undefined, []]);
  assertEquals(harness.positions(), living);
});
