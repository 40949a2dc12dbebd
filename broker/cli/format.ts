import type { JsonValue } from "../policy/json.ts";
import type { Arguments } from "./arguments.ts";
import { readWord } from "./arguments.ts";
import { bold } from "./bold.ts";
import type { Row } from "./management_client.ts";
import { oneLine, type Terminal } from "./terminal.ts";
import { plainTable } from "./text_table.ts";

/** What `--format` takes. */
export const FORMATS = ["table", "json", "csv", "tsv"] as const;

/** How lists are printed. */
export type Format = typeof FORMATS[number];

/** Reads `--format`. */
export function readFormat(given: Arguments): Format {
  return readWord(given, "format", FORMATS) ?? "table";
}

/**
 * Prints a list.
 *
 * @param columns What of each row is printed: names of fields, `a.b` for a field of one.
 */
export function printRows(
  rows: readonly Row[],
  columns: readonly string[],
  { format, terminal }: { readonly format: Format; readonly terminal: Terminal },
): void {
  const { say } = terminal;
  if (format === "json") {
    const chosen = rows.map((row) =>
      Object.fromEntries(columns.map((name) => [name, fieldOf(row, name) ?? null]))
    );
    say(JSON.stringify(chosen, null, 2));
    return;
  }
  const cells = rows.map((row) => columns.map((name) => cellText(fieldOf(row, name))));
  if (format === "csv") {
    [columns, ...cells].forEach((line) => say(line.map(csvCell).join(",")));
  } else if (format === "tsv") {
    [columns, ...cells].forEach((line) => say(line.map(tsvCell).join("\t")));
  } else {
    const [head = "", ...body] = plainTable(columns, cells.map((line) => line.map(oneLine)));
    say(bold(head, terminal.colours));
    body.forEach(say);
  }
}

/** A field of a row, or a field of one. */
export function fieldOf(row: Row, name: string): JsonValue | undefined {
  if (Object.hasOwn(row, name)) return row[name];
  let value: JsonValue | undefined = row as JsonValue;
  for (const part of name.split(".")) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    value = (value as Row)[part];
  }
  return value;
}

/** A value in a cell. */
export function cellText(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value.join(",");
  if (typeof value !== "object") return String(value);
  return Object.keys(value).length === 0 ? "" : JSON.stringify(value);
}

/** As RFC 4180 has it. */
function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function tsvCell(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\t", "\\t").replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r");
}
