import type { CtlCommand, CtlOptions } from "./command.ts";

/** Options of every command: those that take a value, and those that do not. */
export const COMMON_OPTIONS: Readonly<Record<string, "value" | "flag">> = {
  "aliases-file": "value",
  "dry-run": "flag",
  "enabled-plugins-file": "value",
  "erlang-cookie": "value",
  file: "value",
  formatter: "value",
  help: "flag",
  longnames: "flag",
  "mnesia-dir": "value",
  "no-table-headers": "flag",
  node: "value",
  "plugins-dir": "value",
  "print-stacktrace": "flag",
  printer: "value",
  quiet: "flag",
  "rabbitmq-home": "value",
  "script-name": "value",
  silent: "flag",
  "table-headers": "flag",
  timeout: "value",
  url: "value",
  vhost: "value",
};
const LETTERS: Readonly<Record<string, string>> = {
  p: "vhost",
  n: "node",
  q: "quiet",
  s: "silent",
  l: "longnames",
  t: "timeout",
  h: "help",
  "?": "help",
  e: "if-empty",
  u: "if-unused",
  P: "pid",
  d: "description",
  a: "address",
};

/** Arguments, taken apart. */
export interface ParsedArguments {
  /** The command's name; undefined when there is none. */
  readonly name: string | undefined;
  /** What follows it, without options. */
  readonly args: readonly string[];
  /** Options by their long names. */
  readonly options: CtlOptions;
  /** What nobody knows, or has a value that makes no sense, as RabbitMQ tells it. */
  readonly unknown: readonly string[];
}

/**
 * Takes arguments apart as rabbitmqctl does: options may be anywhere, before the command as well.
 *
 * @param own The options of a command.
 */
export function parseCtlArguments(
  given: readonly string[],
  own: (name: string) => CtlCommand["options"],
): ParsedArguments {
  const first = parse(given, COMMON_OPTIONS);
  if (first.name === undefined) return first;
  return parse(given, { ...COMMON_OPTIONS, ...own(first.name) });
}

function parse(
  given: readonly string[],
  known: Readonly<Record<string, "value" | "flag">>,
): ParsedArguments {
  const rest: string[] = [];
  const options: Record<string, string | true> = {};
  const unknown: string[] = [];
  const left = [...given];
  while (left.length > 0) {
    const argument = left.shift()!;
    if (argument === "--") {
      rest.push(...left);
      break;
    }
    const [, dashes, written = "", value] = /^(--?)([^=]+)(?:=(.*))?$/s.exec(argument) ?? [];
    if (dashes === undefined || /^-\d/.test(argument)) {
      rest.push(argument);
      continue;
    }
    const name = dashes === "-" ? LETTERS[written] ?? written : written.replaceAll("_", "-");
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    const needs = kind === "value" && value === undefined;
    if (kind === undefined || needs && left.length === 0) unknown.push(`${dashes}${written} : `);
    else {
      const given = kind === "flag" ? true : value ?? left.shift()!;
      if (name === "timeout" && !isTimeout(given)) unknown.push(`${dashes}${written} : ${given}`);
      else options[name] = given;
    }
  }
  const [name, ...args] = rest;
  return { name, args, options, unknown };
}

/** Whole seconds, or as long as it takes. */
function isTimeout(given: string | true): boolean {
  return /^(?:\d{1,9}|infinity)$/.test(String(given));
}
