import type { ConnectOptions } from "./options.ts";

/**
 * Reads an AMQP address: `amqp://user:password@host:port/vhost?query`.
 *
 * Every part but the scheme may be left out. User, password, host and vhost are percent-decoded. No
 * path, and a path that is just `/`, both mean the vhost `/`, which is otherwise written `%2F`; what
 * follows the first slash is the vhost's name, further slashes included. These query keys are known,
 * others are ignored, since each client has its own: `heartbeat` (seconds), `frame_max`,
 * `channel_max`, `connection_timeout` (milliseconds).
 *
 * @param uri The address.
 * @returns The options that it says something about.
 * @throws {TypeError} When it is no AMQP address. The text never shows the password.
 *
 * @example What an address says
 * ```ts
 * import { parseUri } from "@warren/amqp";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseUri("amqp://ann:s%40fe@broker.example/orders?heartbeat=10"), {
 *   username: "ann",
 *   password: "s@fe",
 *   hostname: "broker.example",
 *   vhost: "orders",
 *   heartbeatSeconds: 10,
 * });
 * ```
 */
export function parseUri(uri: string): ConnectOptions {
  const url = parseUrl(uri);
  const options: MutableOptions = {};
  if (url.protocol === "amqps:") options.tls = true;
  if (url.username !== "") options.username = decode(url.username, "user");
  if (url.password !== "") options.password = decode(url.password, "password");
  if (url.hostname !== "") options.hostname = decodeHost(url.hostname);
  if (url.port !== "") options.port = Number(url.port);
  if (url.pathname.length > 1) options.vhost = decode(url.pathname.slice(1), "vhost");
  readQuery(url.searchParams, options);
  return options;
}

type MutableOptions = { -readonly [Key in keyof ConnectOptions]: ConnectOptions[Key] };

/** Keys of the query by option; some clients spell them another way. */
const QUERY_KEYS = [
  ["heartbeatSeconds", ["heartbeat"]],
  ["frameMax", ["frame_max", "frameMax"]],
  ["channelMax", ["channel_max", "channelMax"]],
  ["connectTimeoutMs", ["connection_timeout"]],
] as const;

function parseUrl(uri: string): URL {
  let url: URL;
  try {
    url = new URL(uri);
  } catch {
    // without a cause: its text repeats the address, password included
    throw new TypeError("Cannot parse address: it is not a URL");
  }
  if (url.protocol !== "amqp:" && url.protocol !== "amqps:") {
    throw new TypeError(`Cannot parse address: scheme is "${url.protocol}", not "amqp:"`);
  }
  return url;
}

function readQuery(query: URLSearchParams, options: MutableOptions): void {
  for (const [option, keys] of QUERY_KEYS) {
    for (const key of keys) {
      const text = query.get(key);
      if (text === null) continue;
      if (!/^\d{1,10}$/.test(text)) {
        throw new TypeError(`Cannot parse address: ${key} is not a whole number`);
      }
      options[option] = Number(text);
    }
  }
}

/** An IPv6 address stands in brackets there. */
function decodeHost(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : decode(hostname, "host");
}

function decode(text: string, part: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError(`Cannot parse address: ${part} is not percent-encoded UTF-8`);
  }
}
