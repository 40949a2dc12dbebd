import { assert, assertEquals, assertMatch } from "@std/assert";
import { ROOT } from "./program.ts";
import { RunningBroker } from "./running_broker.ts";

/** What somebody at a terminal does. */
interface Step {
  /** Rows and columns. */
  readonly resize?: readonly [number, number];
  /** Keys. */
  readonly press?: string;
  /** Waits until this was printed. */
  readonly until?: string;
}

interface Outcome {
  readonly came: readonly string[];
  readonly code: number;
  readonly restored: boolean;
}

const CTRL_C = "\x03";
const SCRIPT = new URL("pseudo_terminal.py", import.meta.url).pathname;

/** Pseudo-terminals are made by Python, which is on nearly every machine with a system like Unix. */
async function hasPython(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("python3", { args: ["-c", "import pty"] }).output();
    return success;
  } catch {
    return false;
  }
}

async function inTerminal(
  running: RunningBroker,
  steps: readonly Step[],
  ...command: readonly string[]
): Promise<Outcome> {
  const program = [Deno.execPath(), "run", "-A", "--quiet", "broker/main.ts", ...command];
  const { stdout, stderr } = await new Deno.Command("python3", {
    args: [SCRIPT, JSON.stringify(steps), ...program],
    cwd: ROOT,
    env: { ...running.env, TERM: "xterm", NO_COLOR: "" },
  }).output();
  const text = new TextDecoder();
  try {
    return JSON.parse(text.decode(stdout));
  } catch {
    throw new Error(text.decode(stderr));
  }
}

/** What is shown, without what colours it. */
function plainLines(screen: string): string[] {
  // deno-lint-ignore no-control-regex -- the sequences of terminals begin with one
  return screen.replace(/\x1b\[[0-9;]*[A-Za-z]/g, "").split("\r\n");
}

const ignore = !await hasPython();

Deno.test({
  name: "top fills a terminal, follows its size at once, and leaves it as it was on Ctrl+C",
  ignore,
  async fn() {
    await using running = await RunningBroker.start();
    await running.furnish();
    const { came, code, restored } = await inTerminal(
      running,
      [
        { until: "orders[\\s\\S]*\\r\\n" },
        // long before the next look is due
        { resize: [10, 40], until: "orders[\\s\\S]*\\r\\n" },
        { press: CTRL_C },
      ],
      "top",
      "--interval=60",
    );
    const [first, resized] = came;
    assert(first!.includes("\x1b[H\x1b[2J"), "the terminal is cleared");
    assert(plainLines(first!).some((line) => line.length > 60));
    const lines = plainLines(resized!);
    assert(lines.every(({ length }) => length <= 40), lines.join("\n"));
    assert(lines.length <= 10, lines.join("\n"));
    assertEquals([code, restored], [0, true]);
  },
});

Deno.test({
  name: "bench moves a bar, and tells what it has when Ctrl+C ends it",
  ignore,
  async fn() {
    await using running = await RunningBroker.start();
    const { came, code, restored } = await inTerminal(
      running,
      [{ until: "[1-9]\\d* messages/s" }, { press: CTRL_C, until: "up to" }],
      "bench",
      "--seconds=60",
    );
    // drawn over itself, be there anything done yet or not
    assertMatch(came[0]!, /\r[█░]+ \d+% {2}\d+ messages\/s/);
    assertEquals([code, restored], [0, true]);
    assertEquals(running.broker.vhosts()[0]!.name, "/");
    assertEquals([...running.broker.queues()], [], "its queues are gone");
  },
});
