import { assertEquals, assertStringIncludes } from "@std/assert";
import { RecordingTerminal } from "./recording_terminal.ts";
import { ended } from "./running_broker.ts";

/** What is typed, and what it becomes. */
const TYPED: readonly (readonly [typed: string, becomes: string])[] = [
  ["warren comple", "warren completion "],
  ["warren list que", "warren list queues "],
  ["warren list queues --ur", "warren list queues --url "],
  ["warren rabbit", "warren rabbitmqctl "],
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
