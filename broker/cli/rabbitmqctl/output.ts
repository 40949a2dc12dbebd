import { prettyTable } from "../text_table.ts";
import type { Terminal } from "../terminal.ts";
import type { CtlResult, CtlRow } from "./command.ts";
import { prettyTerm } from "./erlang_pretty.ts";
import { jsonTerm, jsonValue, plainValue, rowTerm } from "./erlang_terms.ts";

/** What `--formatter` takes. */
export const FORMATTERS = [
  "table",
  "json",
  "csv",
  "pretty_table",
  "json_stream",
  "string",
  "erlang",
] as const;

/** One of them. */
export type CtlFormatter = typeof FORMATTERS[number];

/** True when the output is for a program, which does not want to read what is going on. */
export function isForMachines(formatter: CtlFormatter | undefined): boolean {
  return formatter === "json" || formatter === "csv" || formatter === "json_stream";
}

/** How a result is printed. */
export interface CtlPrinting {
  /** Undefined: as the command would have it. */
  readonly formatter: CtlFormatter | undefined;
  /** Whether lists name their columns. */
  readonly headers: boolean;
  /** The node that it is said of. */
  readonly node: string;
  readonly terminal: Terminal;
}

/** Prints what a command came to. */
export function printResult(result: CtlResult, printing: CtlPrinting): void {
  const { formatter, node, terminal } = printing;
  if (result === undefined) {
    if (formatter === "json") terminal.say(JSON.stringify({ result: "ok" }));
  } else if ("lines" in result) result.lines.forEach(terminal.say);
  else if ("text" in result) {
    const { text, value, term } = result;
    if (formatter === "json") {
      terminal.say(JSON.stringify(value ?? { message: text, node, status: "ok" }));
    } else if (formatter === "erlang") {
      // what is JSON by itself stays a text there
      const asText = value === undefined || text === JSON.stringify(value);
      terminal.say(prettyTerm(term ?? (asText ? text : jsonTerm(value))));
    } else terminal.say(text);
  } else if (formatter === "json") {
    if (result.rows.length === 0 && result.collected === true) terminal.say("[]");
    else printJson(result.rows, terminal);
  } else if (formatter === "erlang") terminal.say(prettyTerm(result.rows.map(rowTerm)));
  else if (formatter === "json_stream") result.rows.forEach((row) => terminal.say(jsonRow(row)));
  else if (formatter === "csv") printCsv(result, printing);
  else if (formatter === "pretty_table") {
    const cells = result.rows.map((row) => result.columns.map((name) => plainValue(row[name]!)));
    if (cells.length > 0) prettyTable(result.columns, cells).forEach(terminal.say);
  } else printTable(result, printing);
}

type CtlList = Extract<CtlResult, { readonly rows: unknown }>;

function printTable(
  { columns, rows, collected = false, headless = false }: CtlList,
  { headers, terminal: { say } }: CtlPrinting,
): void {
  if (rows.length === 0) {
    if (collected) say("");
    return;
  }
  if (headers && !headless) say(columns.join("\t"));
  for (const row of rows) say(columns.map((name) => plainValue(row[name]!)).join("\t"));
}

function printCsv({ columns, rows }: CtlList, { headers, terminal: { say } }: CtlPrinting): void {
  if (rows.length === 0) return;
  const line = (cells: readonly string[]) =>
    say(cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(","));
  if (headers) line(columns);
  for (const row of rows) line(columns.map((name) => plainValue(row[name]!)));
}

/** A line for each: what reads it may begin before all are there. */
function printJson(rows: readonly CtlRow[], { say }: Terminal): void {
  say("[");
  rows.forEach((row, index) => say(`${index === 0 ? "" : ","}${jsonRow(row)}`));
  say("]");
}

function jsonRow(row: CtlRow): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, jsonValue(value)])),
  );
}
