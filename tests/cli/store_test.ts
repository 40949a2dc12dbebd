import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { runCommand } from "../../broker/cli/commands.ts";
import { DirectoryLock } from "../../broker/store/directory_lock.ts";
import { RecordingTerminal } from "./recording_terminal.ts";

const FIRST = "0000000001.segment";

/** Runs a command about a store; gives its status and what it printed. */
async function run(...args: readonly string[]) {
  const terminal = new RecordingTerminal();
  const code = await runCommand(args, terminal);
  return { code, text: terminal.said.join("\n"), complaint: terminal.complained.join("\n") };
}

/** A directory that a broker left behind: two durable queues, three messages in one of them. */
class LeftBehind implements AsyncDisposable {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async make(): Promise<LeftBehind> {
    const directory = await Deno.makeTempDir();
    await using broker = new Broker({ dataDir: directory });
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    await channel.confirmSelect();
    await channel.exchangeDeclare("news", "topic", { durable: true });
    await channel.queueDeclare("jobs", { durable: true });
    await channel.queueDeclare("idle\x1b[31m", { durable: true });
    await channel.queueBind({ queue: "jobs", exchange: "news", routingKey: "#" });
    for (const body of ["body 1", "body 2", "body 3"]) {
      await channel.basicPublish({ exchange: "news", properties: { deliveryMode: 2 } }, body);
    }
    return new LeftBehind(directory);
  }

  /** Changes a byte of what is written before `text` in the first segment; tells where. */
  async damage(text: string): Promise<number> {
    const path = `${this.directory}/${FIRST}`;
    const bytes = await Deno.readFile(path);
    const wanted = new TextEncoder().encode(text);
    const at = bytes.findIndex((_, start) => wanted.every((byte, i) => bytes[start + i] === byte));
    bytes[at]! ^= 0xff;
    await Deno.writeFile(path, bytes);
    return at;
  }

  /** Each file with its checksum and when it was written. */
  async files(): Promise<[name: string, checksum: string, modified: number][]> {
    const files: [string, string, number][] = [];
    for await (const { name } of Deno.readDir(this.directory)) {
      const path = `${this.directory}/${name}`;
      const hash = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
      const { mtime } = await Deno.stat(path);
      files.push([name, new Uint8Array(hash).toHex(), mtime!.getTime()]);
    }
    return files.sort(([a], [b]) => a < b ? -1 : 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }
}

Deno.test("store check tells what is in a sound store, and ends with 0", async () => {
  await using left = await LeftBehind.make();
  const { code, text, complaint } = await run("store", "check", "--data-dir", left.directory);
  assertEquals([code, complaint], [0, ""]);
  const lines = text.split("\n");
  assertEquals(lines[0], `Store: ${left.directory}`);
  assertMatch(lines[1]!, /^Format: \d+$/);
  assertMatch(lines[2]!, /^Segments: 1, \d+ bytes on disk, \d+ used, \d+ needed by messages$/);
  assertMatch(lines[3]!, /^Records: \d+$/);
  assertMatch(lines[4]!, /^Definitions: \d+, among them 1 exchange, 2 queues and 1 binding$/);
  assertEquals(lines.slice(5), [
    "Messages: 3",
    "  queue 'jobs' in vhost '/': 3 messages, 18 bytes",
    "  queue 'idle?[31m' in vhost '/': 0 messages, 0 bytes",
    "The store is sound.",
  ]);
});

Deno.test("store check --format json gives the same to programs", async () => {
  await using left = await LeftBehind.make();
  const args = ["--data-dir", left.directory, "--format", "json"];
  const { code, text } = await run("store", "check", ...args);
  assertEquals(code, 0);
  const found = JSON.parse(text);
  assertEquals(
    [found.directory, found.sound, found.exchanges, found.bindings, found.messages],
    [left.directory, true, 1, 1, 3],
  );
  assertEquals(found.queues, [
    { id: 1, vhost: "/", name: "jobs", messages: 3, bodyBytes: 18 },
    { id: 2, vhost: "/", name: "idle\x1b[31m", messages: 0, bodyBytes: 0 },
  ]);
  assertEquals([found.damages, found.dropped, found.keptAside], [[], null, []]);
  assertEquals(found.segments.length, 1);
  assertEquals([found.segments[0].file, found.segments[0].messages], [FIRST, 3]);
  assert(Number.isInteger(found.formatVersion));
});

Deno.test("store check --port looks where a broker on that port keeps its data", async () => {
  const state = await Deno.makeTempDir();
  await new Broker({ dataDir: `${state}/warren/7` }).close();
  const terminal = new RecordingTerminal({ env: { XDG_STATE_HOME: state } });
  assertEquals(await runCommand(["store", "check", "--port", "7"], terminal), 0);
  assertEquals(terminal.said[0], `Store: ${state}/warren/7`);
  assertEquals(await runCommand(["store", "check"], terminal), 1);
  assertEquals(terminal.complained, [`warren: there is no store in ${state}/warren/5672`]);
  await Deno.remove(state, { recursive: true });
});

Deno.test("store check names each damage by file and offset, and ends with 1", async () => {
  await using left = await LeftBehind.make();
  const at = await left.damage("body 2");
  const { code, text, complaint } = await run("store", "check", "--data-dir", left.directory);
  assertEquals([code, complaint], [1, "warren: the store is damaged"]);
  const [, file, offset, bytes] = /^Damaged: (\S+) at (\d+), (\d+) bytes: /m.exec(text)!;
  assertEquals(file, FIRST);
  assert(Number(offset) < at && at < Number(offset) + Number(bytes));
  assertStringIncludes(text, "\n  queue 'jobs' in vhost '/': 2 messages, 12 bytes\n");
  assertMatch(text, /\nThe store is damaged: 'store repair' saves what can be read\.$/);

  const json = await run("store", "check", "--data-dir", left.directory, "--format=json");
  assertEquals([json.code, json.complaint], [1, "warren: the store is damaged"]);
  const { sound, damages } = JSON.parse(json.text);
  assertEquals([sound, damages.length, damages[0].offset], [false, 1, Number(offset)]);
});

Deno.test("store check takes what a crash left unfinished for no damage", async () => {
  await using left = await LeftBehind.make();
  await left.damage("body 3");
  const { code, text } = await run("store", "check", "--data-dir", left.directory);
  assertEquals(code, 0);
  assertMatch(text, /^Dropped: 0000000001\.segment at \d+, .* did not finish/m);
  assertStringIncludes(text, "\nMessages: 2\n");
});

for (const kind of ["sound", "damaged", "unfinished"] as const) {
  Deno.test(`store check leaves every file of a ${kind} store as it is`, async () => {
    await using left = await LeftBehind.make();
    if (kind !== "sound") await left.damage(kind === "damaged" ? "body 2" : "body 3");
    const before = await left.files();
    assert(before.some(([name]) => name === "warren.lock"));
    await run("store", "check", "--data-dir", left.directory);
    await run("store", "check", "--data-dir", left.directory, "--format", "json");
    assertEquals(await left.files(), before);
  });
}

Deno.test("store check makes no lock in a copy without one, and store repair leaves it sound", async () => {
  await using left = await LeftBehind.make();
  await Deno.remove(`${left.directory}/warren.lock`);
  const before = await left.files();
  assertEquals((await run("store", "check", "--data-dir", left.directory)).code, 0);
  assertEquals(await left.files(), before);
});

for (const command of ["check", "repair"]) {
  Deno.test(`store ${command} refuses a directory that a broker uses`, async () => {
    const directory = await Deno.makeTempDir();
    await using broker = new Broker({ dataDir: directory });
    const { code, text, complaint } = await run("store", command, "--data-dir", directory);
    assertEquals([code, text], [1, ""]);
    assertEquals(
      complaint,
      `warren: cannot use ${directory}: another broker in this process uses it: stop it first`,
    );
    await broker.close();
    await Deno.remove(directory, { recursive: true });
  });

  Deno.test(`store ${command} refuses a directory without a store, and makes nothing`, async () => {
    const directory = await Deno.makeTempDir();
    for (const path of [directory, `${directory}/missing`]) {
      const { code, complaint } = await run("store", command, "--data-dir", path);
      assertEquals([code, complaint], [1, `warren: there is no store in ${path}`]);
    }
    assertEquals(await Array.fromAsync(Deno.readDir(directory)), []);
    await Deno.remove(directory);
  });
}

Deno.test("store repair saves the rest, keeps the damaged file, and tells where", async () => {
  await using left = await LeftBehind.make();
  await left.damage("body 2");
  const broken = await Deno.readFile(`${left.directory}/${FIRST}`);
  const { code, text } = await run("store", "repair", "--data-dir", left.directory);
  assertEquals(code, 0, text);
  assertMatch(text, /^Damaged: 0000000001\.segment at \d+, /m);
  assertMatch(text, /^Repaired: messages saved: 2, definitions saved: \d+\.$/m);
  const kept = `${left.directory}/0000000001.damaged`;
  assertStringIncludes(text, `\nThe damaged file is kept as ${kept}\nThe store is sound.`);
  assertEquals(await Deno.readFile(kept), broken);

  const after = await run("store", "check", "--data-dir", left.directory);
  assertEquals(after.code, 0);
  assertStringIncludes(after.text, "\nKept aside by a repair: 0000000001.damaged\n");

  await using broker = new Broker({ dataDir: left.directory });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  const bodies = [await channel.basicGet("jobs"), await channel.basicGet("jobs")];
  assertEquals(bodies.map((delivery) => delivery?.text()), ["body 1", "body 3"]);
});

Deno.test("store repair --format json tells what was found, done and left", async () => {
  await using left = await LeftBehind.make();
  await left.damage("body 2");
  const args = ["store", "repair", "--data-dir", left.directory, "--format", "json"];
  const first = JSON.parse((await run(...args)).text);
  assertEquals([first.repaired, first.putAside], [true, ["0000000001.damaged"]]);
  assertEquals([first.found.sound, first.left.sound], [false, true]);
  const second = JSON.parse((await run(...args)).text);
  assertEquals([second.repaired, second.putAside], [false, []]);
  assertEquals(second.found, second.left);
});

Deno.test("store repair changes nothing in a sound store", async () => {
  await using left = await LeftBehind.make();
  const segments = async () => (await left.files()).filter(([name]) => name !== "warren.lock");
  const before = await segments();
  const { code, text } = await run("store", "repair", "--data-dir", left.directory);
  assertEquals(code, 0);
  assertMatch(text, /\nThe store is sound: there was nothing to repair\.$/);
  assertEquals(await segments(), before);
});

Deno.test("store check runs beside another one, and no broker starts meanwhile", async () => {
  await using left = await LeftBehind.make();
  const { directory } = left;
  using _other = new DirectoryLock(directory, { readOnly: true });
  assertEquals((await run("store", "check", "--data-dir", directory)).code, 0);
  const { code, complaint } = await run("store", "repair", "--data-dir", directory);
  assertEquals(code, 1);
  assertStringIncludes(complaint, "a process that only reads uses it");
});
