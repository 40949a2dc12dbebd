import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { runCommand } from "../../broker/cli/commands.ts";
import { encodeSegmentHeader } from "../../broker/store/segment.ts";
import { crc32c } from "../../broker/store/crc32c.ts";
import { RecordingTerminal } from "./recording_terminal.ts";

/** Runs a command that is to fail before it does anything; gives its status and its one line. */
async function refusal(
  args: readonly string[],
  terminal = new RecordingTerminal(),
): Promise<[code: number, line: string]> {
  const code = await runCommand(args, terminal);
  assertEquals(terminal.said, []);
  assertEquals(terminal.complained.length, 1);
  return [code, terminal.complained[0]!];
}

const HINT = "(--help shows what there is)";

const UNKNOWN: readonly (readonly [args: readonly string[], line: string])[] = [
  [["bogus"], `warren: unknown command 'bogus' ${HINT}`],
  [["constructor"], `warren: unknown command 'constructor' ${HINT}`],
  [["check"], `warren: unknown command 'check' ${HINT}`],
  [[""], `warren: unknown command '' ${HINT}`],
  [["a\n\x1b[31mb"], `warren: unknown command 'a ?[31mb' ${HINT}`],
  [["store"], `warren: store takes one of check, repair ${HINT}`],
  [["store", "mend"], `warren: store takes one of check, repair, not 'mend' ${HINT}`],
  [["store", "check", "now"], `warren: unknown argument 'now' ${HINT}`],
  [["store", "check", "--sync=never"], `warren: unknown argument '--sync' ${HINT}`],
  [
    ["store", "check", "--data-dir=a", "--port=1"],
    `warren: --port does not go with --data-dir: both say where the store is ${HINT}`,
  ],
  [["store", "repair", "--port=0"], `warren: --port takes the port of a broker, not 0 ${HINT}`],
  [["store", "check", "--format=xml"], `warren: --format takes text, json, not 'xml' ${HINT}`],
  [["serve", "check"], `warren: unknown argument 'check' ${HINT}`],
  [["--port", "1", "store", "check"], `warren: unknown argument 'store' ${HINT}`],
];

for (const [args, line] of UNKNOWN) {
  Deno.test(`runCommand() refuses ${JSON.stringify(args)} with 2`, async () => {
    assertEquals(await refusal(args), [2, line]);
  });
}

const SECRETS: readonly (readonly string[])[] = [
  ["get", "q", "--url=amqp://ann:hu5h%zz@h"],
  ["get", "q", "--url=http://ann:hu5h@h"],
  ["list", "queues", "--url=amqp://ann:hu5h@h"],
  ["list", "queues", "--url=http://ann:hu5h%zz@h"],
  ["serve", "--pass=hu5h"],
];

for (const args of SECRETS) {
  Deno.test(`runCommand() refuses ${args.at(-1)}, and does not repeat the secret`, async () => {
    const [code, line] = await refusal(args);
    assertEquals([code, line.includes("hu5h")], [2, false]);
  });
}

Deno.test("runCommand() lists every command and shows how serve is used on --help", async () => {
  for (const help of ["--help", "-h"]) {
    const terminal = new RecordingTerminal();
    assertEquals(await runCommand([help], terminal), 0);
    const text = terminal.said.join("\n");
    assertMatch(text, /^Usage: deno run -A broker\/main\.ts \[serve\] \[options\]\n/);
    for (const name of ["serve", "store check", "store repair"]) {
      assertMatch(text, new RegExp(`^ {2}${name} +\\w`, "m"));
    }
    assertEquals(text.split("\n").filter((line) => line.length > 90), []);
  }
});

for (const name of ["serve", "store check", "store repair"]) {
  Deno.test(`${name} --help shows how it is used, whatever else is asked`, async () => {
    const terminal = new RecordingTerminal();
    assertEquals(await runCommand([...name.split(" "), "--port", "7", "--help"], terminal), 0);
    const text = terminal.said.join("\n");
    assertStringIncludes(text.split("\n")[0]!, name);
    for (const option of ["--data-dir DIR", "--port PORT", "--help"]) {
      assertStringIncludes(text, `\n  ${option} `);
    }
    assertEquals(text.split("\n").filter((line) => line.length > 90), []);
    assertEquals(terminal.complained, []);
  });
}

Deno.test("store --help lists the commands about a store alone", async () => {
  const terminal = new RecordingTerminal();
  assertEquals(await runCommand(["store", "--help"], terminal), 0);
  const names = [...terminal.said.join("\n").matchAll(/^ {2}(\w+ \w+) {2,}/gm)].map(([, n]) => n);
  assertEquals(names, ["store check", "store repair"]);
});

Deno.test("serve says what to pass when nothing tells where to keep data", async () => {
  assertEquals(await refusal([]), [
    2,
    "warren: cannot tell where to keep data: neither of XDG_STATE_HOME and HOME is set to a path; " +
    `pass --data-dir DIR or --memory ${HINT}`,
  ]);
});

Deno.test("serve ends with 1 and one line when its default directory is in use", async () => {
  const state = await Deno.makeTempDir();
  await using broker = new Broker({ dataDir: `${state}/warren/5672` });
  const terminal = new RecordingTerminal({ env: { XDG_STATE_HOME: state } });
  assertEquals(await refusal([], terminal), [
    1,
    `warren: cannot use ${state}/warren/5672: another broker in this process uses it: stop it, ` +
    "or choose another directory with --data-dir or by another --port",
  ]);
  await broker.close();
  await Deno.remove(state, { recursive: true });
});

Deno.test("serve ends with 1 and one line when it cannot write its directory", async () => {
  const file = await Deno.makeTempFile();
  const [code, line] = await refusal(["--port", "0", "--data-dir", `${file}/data`]);
  assertEquals(code, 1);
  assertMatch(line, /^warren: cannot use \S+\/data: ENOTDIR\b.*$/);
  await Deno.remove(file);
});

for (const args of [["--port", "0"], ["store", "check"], ["store", "repair"]]) {
  Deno.test(`${args.join(" ")} ends with 1 and one line when a newer version wrote the store`, async () => {
    const directory = await Deno.makeTempDir();
    await Deno.writeFile(`${directory}/0000000001.segment`, newerSegment());
    const [code, line] = await refusal([...args, "--data-dir", directory]);
    assertEquals(code, 1);
    assertMatch(
      line,
      /^warren: cannot use \S+: cannot read segment of store format 999: this Warren reads up to \d+$/,
    );
    await Deno.remove(directory, { recursive: true });
  });
}

/** A segment with nothing in it, of a format that is not made yet. */
function newerSegment(): Uint8Array {
  const header = encodeSegmentHeader({ sequence: 1, previous: 0, previousEnd: 0 });
  const view = new DataView(header.buffer);
  view.setUint16(8, 999, true);
  view.setUint32(60, crc32c(header, 0, 60), true);
  return header;
}
