import { isJsonObject, type JsonValue } from "./json.ts";

/** Writes a value as RabbitMQ prints it in its texts: in Erlang's notation. */
export function erlangTerm(value: JsonValue | undefined): string {
  if (value === undefined) return "undefined";
  if (typeof value === "string") return binary(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (isJsonObject(value)) {
    const pairs = sortedEntries(value).map(([name, item]) =>
      `${binary(name)} => ${erlangTerm(item)}`
    );
    return `#{${pairs.join(",")}}`;
  }
  return `[${value.map(erlangTerm).join(",")}]`;
}

/** Writes the entries of an object as a list of pairs. */
export function erlangPairs(
  entries: readonly (readonly [name: string, value: JsonValue])[],
): string {
  return `[${entries.map(([name, value]) => `{${binary(name)},${erlangTerm(value)}}`).join(",")}]`;
}

/** The entries of an object in the order of their names, as Erlang has them. */
export function sortedEntries(
  value: Readonly<Record<string, JsonValue>>,
): [name: string, value: JsonValue][] {
  return Object.entries(value).sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
}

function binary(text: string): string {
  if (text === "") return "<<>>";
  const escaped = text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n");
  // deno-lint-ignore no-control-regex -- all of Latin-1 is printed without a type
  return /^[\x00-\x7f]*$/.test(text) ? `<<"${escaped}">>` : `<<"${escaped}"/utf8>>`;
}
