import { assertEquals } from "@std/assert";
import { SparseLog } from "../../broker/amqp/sparse_log.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

Deno.test("SparseLog says how many there were once a second, however long it goes on", () => {
  const [clock, logger] = [new ManualClock(), new RecordingLogger()];
  const log = new SparseLog(clock, logger);
  for (let ms = 0; ms < 3000; ms += 100) {
    log.warn("s", `line ${ms}`);
    clock.advance(100);
  }
  const more = (count: number) => `(${count} lines like this of its address within a second)`;
  assertEquals(logger.lines, [
    "warning: line 0",
    `warning: line 900 ${more(9)}`,
    `warning: line 1900 ${more(10)}`,
    `warning: line 2900 ${more(10)}`,
  ]);
  clock.advance(1000);
  log.warn("s", "line after a while");
  assertEquals(logger.lines.at(-1), "warning: line after a while");
  assertEquals(clock.timers, 0);
});

Deno.test("SparseLog says what is left of sources that it forgets, and when it is closed", () => {
  const [clock, logger] = [new ManualClock(), new RecordingLogger()];
  const log = new SparseLog(clock, logger);
  for (const line of ["one", "two"]) log.warn("first", line);
  for (let at = 0; at < 10_000; at++) log.warn(`s${at}`, "other");
  assertEquals(logger.lines.filter((line) => line !== "warning: other"), [
    "warning: one",
    "warning: two",
  ]);
  for (const line of ["three", "four"]) log.warn("last", line);
  log.close();
  assertEquals(logger.lines.at(-1), "warning: four");
  log.warn("last", "five");
  assertEquals([logger.lines.at(-1), clock.timers], ["warning: four", 0]);
});

Deno.test("SparseLog lets a few lines of each address pass, where it is told to", () => {
  const [clock, logger] = [new ManualClock(), new RecordingLogger()];
  const log = new SparseLog(clock, logger, 3);
  for (let at = 0; at < 10; at++) log.warn("s", `line ${at}`);
  log.warn("other", "its own");
  assertEquals(logger.lines.length, 4);
  clock.advance(1000);
  assertEquals(
    logger.lines.at(-1),
    "warning: line 9 (7 lines like this of its address within a second)",
  );
  log.close();
});
