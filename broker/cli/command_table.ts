import { isHelp, UsageError } from "./arguments.ts";
import { bench } from "./bench.ts";
import type { Command } from "./command.ts";
import { completionOf } from "./completion.ts";
import { consume } from "./consume.ts";
import { definitionsExport, definitionsImport } from "./definitions.ts";
import { get } from "./get.ts";
import { listCommands } from "./list.ts";
import { publish } from "./publish.ts";
import { purge } from "./purge.ts";
import { serve } from "./serve.ts";
import { SERVE_USAGE } from "./serve_options.ts";
import { storeCheck } from "./store_check.ts";
import { storeRepair } from "./store_repair.ts";
import { isCtlCommand, rabbitmqctl, rabbitmqDiagnostics } from "./rabbitmqctl.ts";
import { CTL_COMMANDS, knownToCtl } from "./rabbitmqctl/catalogue.ts";
import { top } from "./top.ts";
import type { Terminal } from "./terminal.ts";

/** All commands by name: one word, or two, of which the first is shared. */
const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ["serve", serve],
  ...listCommands,
  ["definitions export", definitionsExport],
  ["definitions import", definitionsImport],
  ["publish", publish],
  ["consume", consume],
  ["get", get],
  ["purge", purge],
  ["top", top],
  ["bench", bench],
  [
    "completion",
    completionOf(() => ({
      commands: COMMANDS,
      ctlCommands: new Map(Object.keys(CTL_COMMANDS).map((name) => [name, knownToCtl(name)])),
      ctl: knownToCtl(),
    })),
  ],
  ["rabbitmqctl", rabbitmqctl],
  ["rabbitmq-diagnostics", rabbitmqDiagnostics],
  ["store check", storeCheck],
  ["store repair", storeRepair],
]);

const CTL_NOTE = "And those of rabbitmqctl, such as add_user (or: add user), set_policy, status; " +
  "all with:\n  deno run -A broker/main.ts rabbitmqctl help";

/**
 * Runs the command that the arguments begin with, or tells which ones there are.
 *
 * @throws {UsageError} When there is no such command, or its arguments make no sense.
 */
export async function dispatch(args: readonly string[], terminal: Terminal): Promise<number> {
  const [first, second] = args;
  if (first === undefined || first.startsWith("-")) {
    terminal.say(`${SERVE_USAGE}\n\n${listOf(summaries())}\n\n${CTL_NOTE}`);
    return 0;
  }
  const joined = `${first}_${second}`;
  const single = COMMANDS.get(first);
  // `purge queue NAME` is rabbitmqctl's, `purge queue` the own one of a queue of that name
  const isCtls = single !== undefined && isCtlCommand(joined) && hasWord(args.slice(2));
  if (single !== undefined && !isCtls) return await single.run(args.slice(1), terminal);
  const double = COMMANDS.get(`${first} ${second}`);
  if (double !== undefined) return await double.run(args.slice(2), terminal);

  // rabbitmqctl's own names, in two words (add user) or as they are (add_user); `stop app` is no `stop`
  if (isCtlCommand(joined)) {
    return await rabbitmqctl.run([joined, ...withFormatter(args.slice(2))], terminal);
  }
  if (isCtlCommand(first)) return await rabbitmqctl.run(withFormatter(args), terminal);

  const family = familyOf(first);
  if (family.length === 0) throw new UsageError(`unknown command '${first}'`);
  if (second === undefined || !isHelp(second)) {
    const names = family.map(([name]) => name.slice(first.length + 1)).join(", ");
    throw new UsageError(`${first} takes one of ${names}${second ? `, not '${second}'` : ""}`);
  }
  terminal.say(`Usage: deno run -A broker/main.ts ${first} COMMAND [options]\n\n${listOf(family)}`);
  return 0;
}

/** A command with its summary. */
type Summarised = readonly [name: string, summary: string];

/** The commands of two words of which this is the first: those of this program, else those of rabbitmqctl. */
function familyOf(first: string): Summarised[] {
  const own = summaries().filter(([name]) => name.startsWith(`${first} `));
  if (own.length > 0) return own;
  return Object.entries(CTL_COMMANDS).filter(([name]) => name.startsWith(`${first}_`))
    .map(([name, { summary }]) => [name.replace("_", " "), summary]);
}

function summaries(): Summarised[] {
  return [...COMMANDS].map(([name, { summary }]) => [name, summary]);
}

/** True when there is something that is neither an option nor an option's value. */
function hasWord(args: readonly string[]): boolean {
  return args.some((one, index) => {
    const before = args[index - 1] ?? "";
    return before === "--" || !one.startsWith("-") && !/^-[^=]*$/.test(before);
  });
}

/** What is `--format` in all commands here is `--formatter` to rabbitmqctl; its tables have tabs between their
 * columns already. */
function withFormatter(args: readonly string[]): string[] {
  const end = args.indexOf("--");
  const options = end < 0 ? args : args.slice(0, end);
  const given = options.flatMap((one, index) => {
    if (one === "--format=tsv") return TABS;
    if (one === "--format" && options[index + 1] === "tsv") return TABS;
    if (one === "tsv" && options[index - 1] === "--format") return [];
    return [one.replace(/^--format(?==|$)/, "--formatter")];
  });
  return [...given, ...args.slice(options.length)];
}

const TABS = ["--formatter=table", "--quiet"];

function listOf(commands: readonly Summarised[]): string {
  const width = Math.max(...commands.map(([{ length }]) => length));
  const lines = commands.map(([name, summary]) => `  ${name.padEnd(width)}  ${summary}`);
  return ["Commands, each with a --help of its own:", ...lines].join("\n");
}
