import { profileOf } from "../../profiles.ts";
import type { Known } from "../arguments.ts";
import { bold } from "../bold.ts";
import { COMMON_OPTIONS } from "./arguments.ts";
import type { CtlCommand } from "./command.ts";
import { DEFINITION_COMMANDS } from "./definitions.ts";
import { DIAGNOSTICS_COMMANDS } from "./diagnostics.ts";
import { ENCRYPTION_COMMANDS } from "./encryption.ts";
import { FOREIGN_COMMANDS } from "./foreign.ts";
import { LIFECYCLE_COMMANDS } from "./lifecycle.ts";
import { LIST_COMMANDS } from "./lists.ts";
import { NODE_COMMANDS } from "./nodes.ts";
import { PARAMETER_COMMANDS } from "./parameters.ts";
import { PERMISSION_COMMANDS } from "./permissions.ts";
import { POLICY_COMMANDS } from "./policies.ts";
import { QUEUE_COMMANDS } from "./queues.ts";
import { STATUS_COMMANDS } from "./status.ts";
import { USER_COMMANDS } from "./users.ts";
import { VHOST_COMMANDS } from "./vhosts.ts";
import { WAIT_COMMANDS } from "./wait.ts";

/** The commands of rabbitmqctl by name. */
export const CTL_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  version: {
    summary: "Displays CLI tools version",
    usage: "",
    run: () => ({ text: profileOf("drop-in").version }),
  },
  autocomplete: {
    summary: "Provides command name autocomplete variants",
    usage: "[prefix] [--timeout <timeout>]",
    args: [1, 1],
    run: ({ args: [prefix = ""] }) => ({ lines: completions(prefix) }),
  },
  hipe_compile: {
    summary: "DEPRECATED. This command is a no-op. HiPE is no longer supported by modern Erlang " +
      "versions",
    usage: "<directory>",
    args: [1, 1],
    run: () => ({
      text: "This command is a no-op. HiPE is no longer supported by modern Erlang versions",
    }),
  },
  ...WAIT_COMMANDS,
  ...NODE_COMMANDS,
  ...LIFECYCLE_COMMANDS,
  ...STATUS_COMMANDS,
  ...LIST_COMMANDS,
  ...USER_COMMANDS,
  ...PERMISSION_COMMANDS,
  ...VHOST_COMMANDS,
  ...POLICY_COMMANDS,
  ...PARAMETER_COMMANDS,
  ...QUEUE_COMMANDS,
  ...DEFINITION_COMMANDS,
  ...ENCRYPTION_COMMANDS,
  ...FOREIGN_COMMANDS,
};

/** Those that rabbitmq-diagnostics has besides. They are no commands of this program by themselves: names
 * such as `alarms` or `check` say too little. */
export const ALL_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  ...CTL_COMMANDS,
  ...DIAGNOSTICS_COMMANDS,
};

/** What a command may be given, or any command when none is named. */
export function knownToCtl(name?: string): Known {
  const own = name === undefined ? undefined : ALL_COMMANDS[name]?.options;
  const all = Object.entries({ ...COMMON_OPTIONS, ...own });
  const ofKind = (kind: "flag" | "value") =>
    all.filter(([, one]) => one === kind).map(([option]) => option);
  return { flags: ofKind("flag"), options: ofKind("value") };
}

/** What rabbitmqctl's usage begins with. */
const BEGINNING = "rabbitmqctl [--node <node>] [--longnames] [--quiet]";

/** How a command is used. */
export function usageText(name: string, colours: boolean): string {
  const { usage } = ALL_COMMANDS[name]!;
  return `${bold("Usage", colours)}\n\n${`${BEGINNING} ${name} ${usage}`.trimEnd()}`;
}

/** All that there is to say of a command. */
export function helpText(name: string, colours: boolean): string {
  const { summary, columns } = ALL_COMMANDS[name]!;
  const said = summary === "" ? [] : [`${summary.replace(/\.$/, "")}.\n`];
  const which = columns === undefined
    ? []
    : [`<column>\n\tmust be one of ${[...columns].sort().join(", ")}\n`];
  return ["", usageText(name, colours), "", ...said, ...which].join("\n");
}

/** All commands, each with a line. */
export function overviewText(colours: boolean): string {
  const names = Object.keys(ALL_COMMANDS).filter((name) => !Object.hasOwn(FOREIGN_COMMANDS, name))
    .sort();
  const width = Math.max(...names.map(({ length }) => length));
  const lines = names.map((name) => `   ${name.padEnd(width)}  ${ALL_COMMANDS[name]!.summary}`);
  return [
    "",
    bold("Usage", colours),
    "",
    "rabbitmqctl [--node <node>] [--timeout <timeout>] [--longnames] [--quiet] <command> " +
    "[<command options>]",
    "",
    "Available commands:",
    "",
    ...lines.map((line) => line.trimEnd()),
    "",
    "Use 'rabbitmqctl help <command>' to learn more about a specific command",
  ].join("\n");
}

/** What may be typed on: commands that begin so, or options when it begins with a dash. */
function completions(prefix: string): readonly string[] {
  const all = prefix.startsWith("-")
    ? Object.keys(COMMON_OPTIONS).map((name) => `--${name}`)
    : Object.keys(ALL_COMMANDS);
  if (all.includes(prefix) && !prefix.startsWith("-")) return [];
  return all.filter((name) => name.startsWith(prefix)).sort();
}

/** The name that somebody may have meant; undefined when none is like it. */
export function nearestName(name: string): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(name.length / 4)) + 1;
  for (const known of Object.keys(ALL_COMMANDS)) {
    const distance = editDistance(name, known);
    if (distance < least) [best, least] = [known, distance];
  }
  return best;
}

/** How many letters have to be changed, added or left out. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1];
    for (let index = 0; index < other.length; index++) {
      const change = row[index]! + (other[index] === letter ? 0 : 1);
      next.push(Math.min(change, row[index + 1]! + 1, next[index]! + 1));
    }
    row = next;
  }
  return row[other.length]!;
}
