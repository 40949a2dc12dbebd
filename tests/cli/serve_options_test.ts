import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  readServeOptions,
  type ServeOptions,
  USAGE,
  UsageError,
} from "../../broker/cli/serve_options.ts";

const DEFAULTS: ServeOptions = {
  help: false,
  version: false,
  host: undefined,
  port: 5672,
  dataDir: undefined,
  sync: "always",
  logLevel: "info",
};

Deno.test("readServeOptions() has defaults for everything", () => {
  assertEquals(readServeOptions([]), DEFAULTS);
});

Deno.test("readServeOptions() reads each option, as one word or as two", () => {
  const cases: readonly (readonly [args: readonly string[], read: object])[] = [
    [["--help"], { help: true }],
    [["-h"], { help: true }],
    [["--version"], { version: true }],
    [["--host", "0.0.0.0"], { host: "0.0.0.0" }],
    [["--host=::1"], { host: "::1" }],
    [["--host", "[::1]"], { host: "::1" }],
    [["--port", "0"], { port: 0 }],
    [["--port=65535"], { port: 65_535 }],
    [["--log-level", "none"], { logLevel: "none" }],
    [["--log-level=debug", "--port", "1"], { logLevel: "debug", port: 1 }],
  ];
  for (const [args, read] of cases) {
    assertEquals(readServeOptions(args), { ...DEFAULTS, ...read });
  }
});

const WRONG: readonly (readonly [args: readonly string[], message: string])[] = [
  [["--prot", "1"], "unknown argument '--prot'"],
  [["-p", "1"], "unknown argument '-p'"],
  [["serve"], "unknown argument 'serve'"],
  [["--port", "1", "2"], "unknown argument '2'"],
  [["--port"], "--port takes a number from 0 to 65535, not ''"],
  [["--port", "65536"], "--port takes a number from 0 to 65535, not '65536'"],
  [["--port=-1"], "--port takes a number from 0 to 65535, not '-1'"],
  [["--port", "5672x"], "--port takes a number from 0 to 65535, not '5672x'"],
  [["--port", "0x10"], "--port takes a number from 0 to 65535, not '0x10'"],
  [["--port", "1", "--port", "2"], "--port is given twice"],
  [["--host="], "--host takes an address such as 0.0.0.0, not ''"],
  [["--host", "::1", "--host=::1"], "--host is given twice"],
  [["--host", "a b"], "--host takes an address such as 0.0.0.0, not 'a b'"],
  [["--host", "amqp://x"], "--host takes an address such as 0.0.0.0, not 'amqp://x'"],
  [["--log-level", "all"], "--log-level takes debug, info, warning, error, none, not 'all'"],
];

for (const [args, message] of WRONG) {
  Deno.test(`readServeOptions() refuses ${args.join(" ")}`, () => {
    const error = assertThrows(() => readServeOptions(args), UsageError);
    assertEquals(error.message, message);
  });
}

Deno.test("USAGE names every option and fits a terminal", () => {
  for (const option of ["--host", "--port", "--log-level", "--version", "--help"]) {
    assertMatch(USAGE, new RegExp(`^ {2}${option}\\b`, "m"));
  }
  assertEquals(USAGE.split("\n").filter((line) => line.length > 90), []);
});
