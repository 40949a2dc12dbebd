import type { BindingInfo, JsonObject, JsonValue } from "../mod.ts";

/**
 * What names a binding among those between two ends: its routing key, and a short hash of its arguments
 * when it has some. The key is written as in a query, so that a tilde in it is none.
 */
export function propertiesKey({ routingKey, arguments: args }: BindingInfo): string {
  const key = quote(routingKey);
  for (const _ in args) return `${key}~${argumentsHash(args)}`;
  return key === "" ? "~" : key;
}

/** True when a binding is meant, by what names it: also when the routing key was not quoted. */
export function isMeant(binding: BindingInfo, name: string): boolean {
  return propertiesKey(binding) === name ||
    (binding.routingKey === name && Object.keys(binding.arguments).length === 0);
}

/** As a form writes it, with the tilde quoted as well. */
function quote(text: string): string {
  return encodeURIComponent(text).replace(/%20/g, "+")
    .replace(/[!'()*~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Six letters, the same for the same arguments in any order. */
function argumentsHash(args: JsonObject): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(JSON.stringify(sorted(args)))) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  const bytes = [hash >>> 24, (hash >>> 16) & 0xff, (hash >>> 8) & 0xff, hash & 0xff];
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_")
    .replace(/=+$/, "");
}

function sorted(value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1);
  return entries.map(([name, item]) => [name, sorted(item)]);
}
