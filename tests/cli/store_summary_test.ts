import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ByteWriter } from "../../broker/amqp/byte_writer.ts";
import { encodeTable, type FieldTable } from "../../broker/amqp/field_table.ts";
import { summarise, summaryLines } from "../../broker/cli/store_summary.ts";
import { StoreError } from "../../broker/store/error.ts";
import { StoreHarness } from "../store/harness.ts";

const QUEUE = JSON.stringify(["queue", "/", "q"]);

function table(fields: FieldTable): Uint8Array {
  const writer = new ByteWriter(64);
  encodeTable(writer, fields);
  return writer.written().slice();
}

Deno.test("summarise() knows a queue that nothing defines by its number", () => {
  const harness = new StoreHarness();
  harness.append(1, "abc");
  harness.settle();
  const summary = summarise(harness.files);
  assertEquals(summary.queues, [{ id: 1, vhost: null, name: null, messages: 1, bodyBytes: 3 }]);
  assertStringIncludes(
    summaryLines(summary).join("\n"),
    "\n  queue number 1, which nothing defines: 1 message, 3 bytes",
  );
});

Deno.test("summarise() takes a definition that makes no sense for damage", () => {
  const harness = new StoreHarness();
  harness.store.define(QUEUE, new Uint8Array([0xff]));
  harness.settle();
  const summary = summarise(harness.files);
  assertEquals([summary.sound, summary.definitions, summary.damages], [false, 1, []]);
  assertStringIncludes(summaryLines(summary).join("\n"), "\nDamaged: definitions: ");
});

Deno.test("summarise() refuses a definition of a newer version", () => {
  const harness = new StoreHarness();
  harness.store.define(QUEUE, table({ form: 999, id: 1 }));
  harness.settle();
  const error = assertThrows(() => summarise(harness.files), StoreError);
  assertEquals(error.code, "newer-format");
});
