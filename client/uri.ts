import type { ConnectOptions } from "./options.ts";

/**
 * Reads an AMQP address: `amqp://user:password@host:port/vhost?query`, or `amqps:` for TLS.
 *
 * Every part but the scheme may be left out. User, password, host and vhost are percent-decoded. No
 * path, and a path that is just `/`, both mean the vhost `/`, which is otherwise written `%2F`; what
 * follows the first slash is the vhost's name, further slashes included. These query keys are known,
 * others are ignored, since each client has its own: `heartbeat` (seconds), `frame_max`,
 * `channel_max`, `connection_timeout` (milliseconds), `auth_mechanism` (`external`), `name` (of the
 * connection, for operators).
 *
 * A socket file is written `amqp+unix:///run/warren.sock?vhost=orders`: its path is absolute and
 * percent-decoded, and the vhost is in the query. With a user it needs a host, which must be
 * `localhost`: `amqp+unix://ann:secret@localhost/run/warren.sock`.
 *
 * An address of a WebSocket is that of its HTTP server, `wss://ann:secret@host:443/path?vhost=orders`:
 * user, password and the query keys above are AMQP's; the rest stays in `webSocketUrl`.
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
  if (url.username !== "") options.username = decode(url.username, "user");
  if (url.password !== "") options.password = decode(url.password, "password");
  readQuery(url.searchParams, options);
  readMechanism(url.searchParams, options);
  for (const key of NAME_KEYS) {
    const name = url.searchParams.get(key);
    if (name !== null) options.connectionName = name;
  }
  if (url.protocol === "amqp+unix:") readPath(url, options);
  else if (url.protocol === "ws:" || url.protocol === "wss:") readWebSocket(url, options);
  else readHost(url, options);
  return options;
}

function readHost(url: URL, options: MutableOptions): void {
  if (url.protocol === "amqps:") options.tls = true;
  if (url.hostname !== "") options.hostname = decodeHost(url.hostname);
  if (url.port !== "") options.port = Number(url.port);
  if (url.pathname.length > 1) options.vhost = decode(url.pathname.slice(1), "vhost");
}

function readPath(url: URL, options: MutableOptions): void {
  if ((url.hostname !== "" && url.hostname !== "localhost") || url.port !== "") {
    throw new TypeError("Cannot parse address: a socket file is on this machine, without a port");
  }
  if (url.pathname.length <= 1) throw new TypeError("Cannot parse address: the path is missing");
  options.path = decode(url.pathname, "path");
  const vhost = url.searchParams.get("vhost");
  if (vhost !== null) options.vhost = vhost;
}

/** What is AMQP's is taken out; the HTTP server gets the rest. */
function readWebSocket(url: URL, options: MutableOptions): void {
  const vhost = url.searchParams.get("vhost");
  if (vhost !== null) options.vhost = vhost;
  const rest = new URL(url);
  rest.username = rest.password = rest.hash = "";
  for (
    const key of [
      "vhost",
      MECHANISM_KEY,
      ...NAME_KEYS,
      ...QUERY_KEYS.flatMap(([, keys]) => keys),
    ]
  ) {
    if (rest.searchParams.has(key)) rest.searchParams.delete(key);
  }
  options.webSocketUrl = rest.href;
}

type MutableOptions = { -readonly [Key in keyof ConnectOptions]: ConnectOptions[Key] };

const SCHEMES: ReadonlySet<string> = new Set(["amqp:", "amqps:", "amqp+unix:", "ws:", "wss:"]);

/** Keys of the query by option; some clients spell them another way. */
const QUERY_KEYS = [
  ["heartbeatSeconds", ["heartbeat"]],
  ["frameMax", ["frame_max", "frameMax"]],
  ["channelMax", ["channel_max", "channelMax"]],
  ["connectTimeoutMs", ["connection_timeout"]],
] as const;

/** The key for how to log in, as RabbitMQ's clients spell it. */
const MECHANISM_KEY = "auth_mechanism";
/** The keys for what operators see the connection as. */
const NAME_KEYS = ["name", "connection_name"] as const;
const MECHANISMS = ["PLAIN", "AMQPLAIN", "EXTERNAL"] as const;

function parseUrl(uri: string): URL {
  let url: URL;
  try {
    url = new URL(uri);
  } catch {
    // without a cause: its text repeats the address, password included
    throw new TypeError("Cannot parse address: it is not a URL");
  }
  if (!SCHEMES.has(url.protocol)) {
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

function readMechanism(query: URLSearchParams, options: MutableOptions): void {
  const text = query.get(MECHANISM_KEY);
  if (text === null) return;
  const mechanism = MECHANISMS.find((one) => one === text.toUpperCase());
  if (mechanism === undefined) {
    throw new TypeError(`Cannot parse address: ${MECHANISM_KEY} is none that is known`);
  }
  options.mechanism = mechanism;
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
