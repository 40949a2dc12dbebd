import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UsageError } from "../../broker/cli/arguments.ts";
import {
  readServeOptions,
  SERVE_USAGE,
  type ServeOptions,
} from "../../broker/cli/serve_options.ts";

const DEFAULTS: ServeOptions = {
  help: false,
  version: false,
  hosts: [],
  port: 5672,
  webSocketPort: undefined,
  origins: [],
  socketPath: undefined,
  trustedProxies: [],
  memory: false,
  dataDir: undefined,
  sync: "always",
  user: undefined,
  passwordFile: undefined,
  passwordHashing: "scrypt",
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
    [["--host", "0.0.0.0"], { hosts: ["0.0.0.0"] }],
    [["--host=::1"], { hosts: ["::1"] }],
    [["--host", "[::1]"], { hosts: ["::1"] }],
    [["--host=10.0.0.1", "--host=::1"], { hosts: ["10.0.0.1", "::1"] }],
    [["--ws-port", "15670", "--ws-origin=https://a.example", "--ws-origin=*"], {
      webSocketPort: 15_670,
      origins: ["https://a.example", "*"],
    }],
    [["--unix=/run/w.sock", "--proxy-protocol", "10.0.0.0/8, unix"], {
      socketPath: "/run/w.sock",
      trustedProxies: ["10.0.0.0/8", "unix"],
    }],
    [["--memory"], { memory: true }],
    [["--port", "0", "--memory"], { port: 0, memory: true }],
    [["--port=0", "--data-dir=d"], { port: 0, dataDir: "d" }],
    [["--data-dir", "a b"], { dataDir: "a b" }],
    [["--sync", "never"], { sync: "never" }],
    [["--sync=interval=50"], { sync: { intervalMs: 50 } }],
    [["--memory", "--sync=never", "--help"], { help: true, memory: true, sync: "never" }],
    [["--port=65535"], { port: 65_535 }],
    [["--user=ops", "--password-file", "f"], { user: "ops", passwordFile: "f" }],
    [["--password-hashing=rabbitmq-sha512"], { passwordHashing: "rabbitmq-sha512" }],
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
  [["--port", "0"], "--port 0 needs --data-dir DIR or --memory: a free port names no folder"],
  [["--data-dir="], "--data-dir takes a directory"],
  [["--data-dir", "a", "--data-dir", "a"], "--data-dir is given twice"],
  [["--sync", "interval=0"], "--sync takes always, never or interval=MS, not 'interval=0'"],
  [
    ["--memory", "--data-dir", "d"],
    "--data-dir does not go with --memory, which keeps nothing on disk",
  ],
  [
    ["--memory", "--sync=always"],
    "--sync does not go with --memory, which keeps nothing on disk",
  ],
  [["--user", "ops"], "--user and --password-file need each other"],
  [["--password-file=f"], "--user and --password-file need each other"],
  [["--user=", "--password-file=f"], "--user takes a name"],
  [
    ["--password-hashing=md5"],
    "--password-hashing takes scrypt, rabbitmq-sha256, rabbitmq-sha512, not 'md5'",
  ],
  [["--host="], "--host takes an address such as 0.0.0.0, not ''"],
  [["--ws-port", "ws"], "--ws-port takes a number from 0 to 65535, not 'ws'"],
  [["--ws-origin=*"], "--ws-origin needs --ws-port"],
  [["--unix="], "--unix takes a path"],
  [["--unix=a", "--unix=b"], "--unix is given twice"],
  [
    ["--proxy-protocol", "10.0.0.0/8,"],
    "--proxy-protocol takes addresses with commas between, not '10.0.0.0/8,'",
  ],
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

Deno.test("SERVE_USAGE names every option and fits a terminal", () => {
  const options =
    ("host port ws-port ws-origin unix proxy-protocol data-dir memory sync user password-file " +
      "password-hashing log-level version help").split(" ");
  for (const option of options) assertMatch(SERVE_USAGE, new RegExp(`^ {2}--${option}\\b`, "m"));
  assertEquals(SERVE_USAGE.split("\n").filter((line) => line.length > 90), []);
});
