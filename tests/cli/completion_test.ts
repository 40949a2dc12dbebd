import { assertEquals, assertStringIncludes } from "@std/assert";
import { RecordingTerminal } from "./recording_terminal.ts";
import { ended } from "./running_broker.ts";

/** What is typed, and what it becomes. */
const TYPED: readonly (readonly [typed: string, becomes: string])[] = [
  ["warren comple", "warren completion "],
  ["warren list que", "warren list queues "],
  ["warren list queues --ur", "warren list queues --url "],
  ["warren rabbitmqc", "warren rabbitmqctl "],
  ["warren --management-ho", "warren --management-host "],
  ["warren serve --http-head-m", "warren serve --http-head-max "],
  ["warren publish --cou", "warren publish --count "],
  ["warren consume q --requ", "warren consume q --requeue "],
  ["warren definitions import --ca", "warren definitions import --ca-file "],
  ["warren store check --da", "warren store check --data-dir "],
  ["warren bench --queue-t", "warren bench --queue-type "],
  ["warren add_user --form", "warren add_user --formatter "],
  ["warren list_queues --off", "warren list_queues --offline "],
  ["warren delete queue --if-e", "warren delete queue --if-empty "],
  ["warren rabbitmqctl list_ex", "warren rabbitmqctl list_exchanges "],
  ["warren rabbitmqctl list_queues --loc", "warren rabbitmqctl list_queues --local "],
  ["warren rabbitmqctl --form", "warren rabbitmqctl --formatter "],
];

async function script(shell: string): Promise<string> {
  const { code, stdout } = await ended(["completion", shell], new RecordingTerminal());
  assertEquals(code, 0);
  return stdout;
}

async function has(...command: readonly string[]): Promise<boolean> {
  try {
    const [name, ...args] = command;
    return (await new Deno.Command(name!, { args, stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}

/** A script in a file of its own, for as long as it is needed. */
async function inFile(text: string, use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ prefix: "warren-completion-" });
  try {
    await Deno.writeTextFile(path, text);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

/** What bash offers for lines, each with all of it. */
async function offeredByBash(lines: readonly string[]): Promise<string[][]> {
  const asking = lines.map((line) => {
    const words = line.split(" ");
    return `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); ` +
      `COMP_CWORD=${words.length - 1}; _warren; echo "\${COMPREPLY[*]}"`;
  });
  let told = "";
  await inFile([await script("bash"), ...asking].join("\n"), async (path) => {
    const { stdout } = await new Deno.Command("bash", { args: ["--norc", path] }).output();
    told = new TextDecoder().decode(stdout);
  });
  return told.trimEnd().split("\n").map((line) => line.split(" "));
}

Deno.test({
  name: "completion's script for bash completes",
  ignore: !await has("bash", "--version"),
  async fn() {
    const offered = await offeredByBash(TYPED.map(([typed]) => typed));
    assertEquals(offered, TYPED.map(([, becomes]) => [becomes.trim().split(" ").at(-1)!]));
  },
});

Deno.test({
  name: "all options that the help of a command tells are completed, and no others",
  ignore: !await has("bash", "--version"),
  async fn() {
    const commands = [
      ...["serve", "list queues", "list parameters", "definitions export", "definitions import"],
      ...["publish", "consume", "get", "purge", "top", "bench", "store check", "store repair"],
    ];
    const offered = await offeredByBash(commands.map((command) => `warren ${command} --`));
    for (const [at, command] of commands.entries()) {
      const { stdout } = await ended([...command.split(" "), "--help"], new RecordingTerminal());
      const told = [...stdout.matchAll(/^ {2}(--[a-z][a-z0-9-]*)/gm)].map(([, option]) => option!);
      // which are told once, for all that have them
      const own = (options: readonly string[]) =>
        [...new Set(options)].filter((option) => !/^--\w+-tls-(?!port)/.test(option)).sort();
      assertEquals(own(offered[at]!), own(told), command);
    }
    // of rabbitmqctl, what its commands have in common, and what is theirs
    const [own, whole] = await offeredByBash([
      "warren rabbitmqctl list_queues --",
      "warren rabbitmqctl --",
    ]);
    assertEquals(own!.filter((option) => !whole!.includes(option)).sort(), [
      "--local",
      "--offline",
      "--online",
    ]);
  },
});

Deno.test({
  name: "completion's script for fish completes",
  ignore: !await has("fish", "--version"),
  fn: () =>
    script("fish").then((text) =>
      inFile(text, async (path) => {
        const asking = TYPED.map(([typed]) => `complete -C "${typed}"`);
        const { stdout } = await new Deno.Command("fish", {
          args: ["--no-config", "-c", [`source ${path}`, ...asking].join("; ")],
        }).output();
        const offered = new TextDecoder().decode(stdout).trim().split("\n");
        assertEquals(offered, TYPED.map(([, becomes]) => becomes.trim().split(" ").at(-1)));
      })
    ),
});

/** Behind a prompt, when keys are listened for: what is pressed before that may be lost. */
const READY = "\\x1b\\[\\?2004h";
const ZSH_PROBE = new URL("pseudo_terminal.py", import.meta.url).pathname;

Deno.test({
  name: "completion's script for zsh completes, also without a configuration",
  ignore: !await has("zsh", "--version") || !await has("python3", "-c", "import pty"),
  fn: () =>
    script("zsh").then((text) =>
      inFile(text, async (path) => {
        const home = await Deno.makeTempDir({ prefix: "warren-zsh-" });
        try {
          const steps = [
            { until: READY },
            // a program that does nothing, so that each line can be ended by running it
            { press: `source ${path}; warren() { :; }\r`, until: READY },
            // a line of its own for each: of one that changes only the changes would be written
            ...TYPED.flatMap(([typed, becomes]) => [
              { press: `${typed}\t`, until: becomes.replace(/[-. ]/g, "\\$&") },
              { press: "\r", until: READY },
            ]),
            { press: "exit 0\r" },
          ];
          const { stdout, stderr } = await new Deno.Command("python3", {
            args: [ZSH_PROBE, JSON.stringify(steps), "zsh", "-f", "-i"],
            env: { HOME: home, ZDOTDIR: home, TERM: "dumb" },
          }).output();
          const said = new TextDecoder().decode(stdout);
          if (said === "") throw new Error(new TextDecoder().decode(stderr));
          const { came, code } = JSON.parse(said);
          for (const [at, [, becomes]] of TYPED.entries()) {
            assertStringIncludes(came[2 + 2 * at], becomes);
          }
          assertEquals(code, 0);
        } finally {
          await Deno.remove(home, { recursive: true });
        }
      })
    ),
});
