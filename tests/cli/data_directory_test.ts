import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UsageError } from "../../broker/cli/arguments.ts";
import { defaultDataDir } from "../../broker/cli/data_directory.ts";
import { RecordingTerminal } from "./recording_terminal.ts";

type Environment = Readonly<Record<string, string>>;

const PLACES: readonly (readonly [os: typeof Deno.build.os, env: Environment, place: string])[] = [
  ["linux", { HOME: "/home/rabbit" }, "/home/rabbit/.local/state/warren/5672"],
  ["linux", { HOME: "/home/rabbit", XDG_STATE_HOME: "/state" }, "/state/warren/5672"],
  ["linux", { XDG_STATE_HOME: "/state/" }, "/state/warren/5672"],
  ["linux", { HOME: "/h", XDG_STATE_HOME: "relative" }, "/h/.local/state/warren/5672"],
  ["linux", { HOME: "/h", XDG_STATE_HOME: "" }, "/h/.local/state/warren/5672"],
  ["freebsd", { HOME: "/h" }, "/h/.local/state/warren/5672"],
  [
    "darwin",
    { HOME: "/Users/rabbit", XDG_STATE_HOME: "/state" },
    "/Users/rabbit/Library/Application Support/warren/5672",
  ],
  [
    "windows",
    { LOCALAPPDATA: "C:\\Users\\rabbit\\AppData\\Local", HOME: "/h" },
    "C:\\Users\\rabbit\\AppData\\Local\\warren\\5672",
  ],
];

for (const [os, env, place] of PLACES) {
  Deno.test(`defaultDataDir() on ${os} with ${JSON.stringify(env)} is ${place}`, () => {
    assertEquals(defaultDataDir(5672, new RecordingTerminal({ os, env }), "X"), place);
  });
}

const NOWHERE: readonly (readonly [os: typeof Deno.build.os, env: Environment, why: string])[] = [
  ["linux", {}, "neither of XDG_STATE_HOME and HOME is"],
  ["linux", { HOME: "home", XDG_STATE_HOME: "" }, "neither of XDG_STATE_HOME and HOME is"],
  ["darwin", { HOME: "" }, "HOME is not"],
  ["windows", { HOME: "/h" }, "LOCALAPPDATA is not"],
];

for (const [os, env, why] of NOWHERE) {
  Deno.test(`defaultDataDir() on ${os} with ${JSON.stringify(env)} says what to pass`, () => {
    const error = assertThrows(
      () => defaultDataDir(5672, new RecordingTerminal({ os, env }), "--data-dir DIR"),
      UsageError,
    );
    assertEquals(
      error.message,
      `cannot tell where to keep data: ${why} set to a path; pass --data-dir DIR`,
    );
  });
}

Deno.test("defaultDataDir() ends with the port, so that each has its own", () => {
  const terminal = new RecordingTerminal({ env: { HOME: "/h" } });
  assertEquals(defaultDataDir(1, terminal, "X"), "/h/.local/state/warren/1");
  assertEquals(defaultDataDir(65_535, terminal, "X"), "/h/.local/state/warren/65535");
});

Deno.test("defaultDataDir() tells which permission it misses", () => {
  const terminal = {
    os: "linux",
    env: () => {
      throw new Deno.errors.NotCapable("no");
    },
  } as const;
  const error = assertThrows(() => defaultDataDir(5672, terminal, "--memory"), UsageError);
  assertMatch(error.message, /\(--allow-env=XDG_STATE_HOME,HOME\); pass --memory$/);
});
