import { assertEquals } from "@std/assert";
import { within } from "../support/within.ts";

/** Where each message passes. */
const HOT =
  /\/(broker\/(amqp|connection|queue|routing|store|vhost)\/|broker\/(message|pages|stats)\.ts|client\/)/;
/** There numbers are times, rates, or sums without an end, or may be undefined. */
const MAY_WIDEN =
  /\/(consumer_use|deadline_timer|heartbeat|history|recovery|slowdown|stream_queue|vhost_counts)\.ts/;
/** These are, too. */
const TIMES = new Set(["_began", "_lookedAt", "_placedDeadline", "deadline", "messageCount"]);

/** Fields of which V8 found out that what it took for small integers are doubles, with where. */
function widened(trace: string): Map<string, string> {
  const fields = new Map<string, string>();
  // such as [generalizing]bodyEnd:s{Any;mutable}->d{Any;mutable} (+1 maps) [~body+167 at file:///content_assembler.ts:1]
  for (const match of trace.matchAll(/^\[generalizing\](.+?):s\{[^}]*\}->[dt]\{.*? \[(.*)\]$/gm)) {
    fields.set(match[1]!, match[2]!);
  }
  return fields;
}

Deno.test("positions, sizes and delivery tags stay small integers, whatever way messages go", async () => {
  const program = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--v8-flags=--trace-generalization",
      new URL("small_integers_program.ts", import.meta.url).pathname,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = program.output();
  const { code, stdout } = await within(300_000, output, () => "the end of a program")
    .catch((error) => {
      program.kill();
      throw error;
    });
  assertEquals(code, 0);
  const fields = widened(new TextDecoder().decode(stdout));
  assertEquals(fields.delete("controlled"), true, "V8 does not tell of it");
  const wrong = [...fields].filter(([field, where]) =>
    HOT.test(where) && !MAY_WIDEN.test(where) && !TIMES.has(field)
  );
  assertEquals(wrong, []);
});
