import { assertEquals } from "@std/assert";
import { Batch } from "../../broker/store/batch.ts";
import { Definitions } from "../../broker/store/definitions.ts";
import { BATCH_SIZE, HEADER_SIZE } from "../../broker/store/records.ts";
import { seededRandom } from "../../broker/testing/simulated_file_system.ts";

Deno.test("Batch.squeeze() leaves the records that were not dropped, in order", () => {
  const random = seededRandom(7);
  for (let round = 0; round < 200; round++) {
    const batch = new Batch();
    const kept: Uint8Array[] = [];
    const count = Math.floor(random() * 12);
    for (let number = 0; number < count; number++) {
      const value = new Uint8Array(Math.floor(random() * 50)).fill(number + 1);
      batch.define(new Definitions().set(`key ${number}`, value));
      const start = batch.starts[number]!;
      if (random() < 0.4) batch.drop(number);
      else kept.push(batch.bytes.slice(start, start + batch.recordSize(number)));
      if (random() < 0.1) batch.squeeze();
    }
    batch.squeeze();
    const expected = kept.flatMap((record) => [...record]);
    assertEquals([...batch.bytes.subarray(BATCH_SIZE, batch.size)], expected);
    const starts = batch.starts.filter((start) => start !== 0);
    let at = BATCH_SIZE;
    kept.forEach((record, index) => {
      assertEquals(starts[index], at);
      at += record.length;
    });
    assertEquals(batch.isEmpty, kept.length === 0);
  }
});

Deno.test("Batch grows for a record that is larger than it", () => {
  const batch = new Batch();
  batch.define(new Definitions().set("key", new Uint8Array(1_000_000).fill(3)));
  assertEquals(batch.recordSize(0), HEADER_SIZE + 2 + 3 + 1_000_000);
  assertEquals(batch.bytes[batch.size - 1], 3);
});
