// deno-lint-ignore-file no-console -- the terminal is what this is about
import { assertEquals, assertMatch } from "@std/assert";
import type { LogLevel } from "../../broker/amqp/logger.ts";
import {
  LOG_LEVELS,
  type LogFormat,
  type LogThreshold,
  terminalLogger,
} from "../../broker/cli/log.ts";

/** What a logger with a threshold writes to standard error. */
function written(
  threshold: LogThreshold,
  lines: readonly (readonly [LogLevel, string])[],
  format: LogFormat = "text",
) {
  const real = console.error;
  const seen: string[] = [];
  console.error = (line: string) => void seen.push(line);
  try {
    const logger = terminalLogger(threshold, format);
    for (const [level, message] of lines) logger.log(level, message);
  } finally {
    console.error = real;
  }
  return seen;
}

Deno.test("terminalLogger() writes time, level and message on one line", () => {
  const [line] = written("info", [["warning", "connection lost"]]);
  assertMatch(line!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[warning\] connection lost$/);
});

Deno.test("terminalLogger() leaves out what is below its level", () => {
  const all = ["debug", "info", "warning", "error"] as const;
  const counts = LOG_LEVELS.map((threshold) =>
    written(threshold, all.map((level) => [level, level])).length
  );
  assertEquals(counts, [4, 3, 2, 1, 0]);
});

Deno.test("terminalLogger() lets nobody forge a line, or colour it", () => {
  const texts: readonly (readonly [message: string, shown: string])[] = [
    ["user 'a\r\n2026 [info] b'", "user 'a? 2026 [info] b'"],
    ["\x1b[31mred\x1b[0m", "?[31mred?[0m"],
    ["bell\x07 null\0 tab\t del\x7f csi\x9b31m", "bell? null? tab? del? csi?31m"],
    ["unicode é 🐇", "unicode é 🐇"],
  ];
  for (const [message, shown] of texts) {
    const lines = written("info", [["info", message]]);
    assertEquals(lines.map((line) => line.slice(line.indexOf("] ") + 2)), [shown]);
  }
});

Deno.test("terminalLogger() keeps the lines of a stack trace", () => {
  const [line] = written("info", [["error", "internal error: Error: x\n    at f (a.ts:1:2)"]]);
  assertEquals(line!.split("\n")[1], "    at f (a.ts:1:2)");
});

Deno.test("terminalLogger() writes a JSON object on each line, with the connection that it is about", () => {
  const name = "127.0.0.1:1 -> 127.0.0.1:5672";
  const lines = written("info", [
    ["info", `connection ${name}: user 'guest' entered vhost '/'`],
    ["info", "connection local-1: closed"],
    ["error", "internal error: Error: x\n    at f\u001b[31m"],
    ["debug", "left out"],
  ], "json");
  assertEquals(lines.map((line) => line.includes("\n") || line.includes("\u001b")), [
    false,
    false,
    false,
  ]);
  const [entered, closed, failed] = lines.map((line) => JSON.parse(line));
  assertMatch(entered.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assertEquals([entered.level, entered.connection, entered.message], [
    "info",
    name,
    "user 'guest' entered vhost '/'",
  ]);
  assertEquals([closed.connection, closed.message], ["local-1", "closed"]);
  assertEquals([failed.connection, failed.message], [
    undefined,
    "internal error: Error: x\n    at f\u001b[31m",
  ]);
});
