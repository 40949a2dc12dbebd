import { profileOf } from "../../profiles.ts";
import type { CtlCommand } from "./command.ts";
import { DEFINITION_COMMANDS } from "./definitions.ts";
import { FOREIGN_COMMANDS } from "./foreign.ts";
import { LIST_COMMANDS } from "./lists.ts";
import { NODE_COMMANDS } from "./nodes.ts";
import { PARAMETER_COMMANDS } from "./parameters.ts";
import { PERMISSION_COMMANDS } from "./permissions.ts";
import { POLICY_COMMANDS } from "./policies.ts";
import { QUEUE_COMMANDS } from "./queues.ts";
import { STATUS_COMMANDS } from "./status.ts";
import { USER_COMMANDS } from "./users.ts";
import { VHOST_COMMANDS } from "./vhosts.ts";

/** All commands by name. */
export const CTL_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  version: {
    summary: "Displays CLI tools version",
    usage: "",
    run: () => ({ text: profileOf("drop-in").version }),
  },
  ...NODE_COMMANDS,
  ...STATUS_COMMANDS,
  ...LIST_COMMANDS,
  ...USER_COMMANDS,
  ...PERMISSION_COMMANDS,
  ...VHOST_COMMANDS,
  ...POLICY_COMMANDS,
  ...PARAMETER_COMMANDS,
  ...QUEUE_COMMANDS,
  ...DEFINITION_COMMANDS,
  ...FOREIGN_COMMANDS,
};

/** What rabbitmqctl's usage begins with. */
const BEGINNING = "rabbitmqctl [--node <node>] [--longnames] [--quiet]";

/** How a command is used. */
export function usageText(name: string): string {
  const { usage } = CTL_COMMANDS[name]!;
  return `\x1b[1mUsage\x1b[0m\n\n${`${BEGINNING} ${name} ${usage}`.trimEnd()}`;
}

/** All that there is to say of a command. */
export function helpText(name: string): string {
  const { summary, columns } = CTL_COMMANDS[name]!;
  const said = summary === "" ? [] : [`${summary.replace(/\.$/, "")}.\n`];
  const which = columns === undefined
    ? []
    : [`<column>\n\tmust be one of ${[...columns].sort().join(", ")}\n`];
  return ["", usageText(name), "", ...said, ...which].join("\n");
}

/** All commands, each with a line. */
export function overviewText(): string {
  const names = Object.keys(CTL_COMMANDS).filter((name) => !Object.hasOwn(FOREIGN_COMMANDS, name))
    .sort();
  const width = Math.max(...names.map(({ length }) => length));
  const lines = names.map((name) => `   ${name.padEnd(width)}  ${CTL_COMMANDS[name]!.summary}`);
  return [
    "",
    "\x1b[1mUsage\x1b[0m",
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

/** The name that somebody may have meant; undefined when none is like it. */
export function nearestName(name: string): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(name.length / 4)) + 1;
  for (const known of Object.keys(CTL_COMMANDS)) {
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
