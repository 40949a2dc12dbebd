import type { Transport } from "../amqp/transport.ts";
import type { Origins } from "./origins.ts";
import { RefusedError } from "./refused_error.ts";
import { withUnread } from "./unread.ts";

/** The longest request that is read. */
const REQUEST_MAX = 16 * 1024;
/** What the key of a request is followed by before it is hashed (RFC 6455, section 1.3). */
const KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const encoder = new TextEncoder();

/** The head of an HTTP request: its first line and its fields, their names in small letters. */
interface Request {
  readonly method: string;
  readonly fields: ReadonlyMap<string, string>;
}

/** Why no WebSocket is opened. */
class Refusal {
  readonly status: string;
  readonly text: string;
  readonly fields: readonly string[];

  constructor(status: string, text: string, fields: readonly string[] = []) {
    this.status = status;
    this.text = text;
    this.fields = fields;
  }
}

/**
 * Answers the HTTP request by which a WebSocket begins (RFC 6455, section 4.2), whatever its path.
 *
 * @param transport The stream as it was accepted, or came out of a proxy.
 * @param origins Which pages may connect.
 * @returns The stream of frames that follows; undefined when it ended before its first byte.
 * @throws {RefusedError} When the request was refused, after saying so to the peer. The stream is the
 * caller's to close.
 */
export async function acceptWebSocket(
  transport: Transport,
  origins: Origins,
): Promise<Transport | undefined> {
  const read = await readHead(transport);
  if (read === undefined) return undefined;
  if (read instanceof Refusal) return await refuse(transport, read);
  const answer = await answerTo(read.request, origins);
  if (answer instanceof Refusal) return await refuse(transport, answer);
  await respond(transport, "101 Switching Protocols", answer);
  return withUnread(transport, read.unread);
}

/** The first subprotocol that is one of AMQP's; clients that offer none get none. */
export function chooseSubprotocol(offered: string | null | undefined): string | undefined {
  return offered?.split(",").map((one) => one.trim()).find((one) => /^amqp/i.test(one));
}

async function readHead(
  transport: Transport,
): Promise<{ readonly request: Request; readonly unread: Uint8Array } | Refusal | undefined> {
  let bytes = new Uint8Array(1024);
  let length = 0;
  while (true) {
    const count = await transport.read(bytes.subarray(length));
    if (count === null) {
      if (length === 0) return undefined;
      throw new RefusedError("the peer went away in the middle of its request");
    }
    const from = Math.max(0, length - 3);
    length += count;
    const end = endOfHead(bytes, from, length);
    if (end > 0) {
      const text = new TextDecoder("latin1").decode(bytes.subarray(0, end - 4));
      const request = parseHead(text);
      return request === undefined
        ? new Refusal("400 Bad Request", "this is no HTTP request")
        : { request, unread: bytes.subarray(end, length) };
    }
    if (length === REQUEST_MAX) {
      return new Refusal("431 Request Header Fields Too Large", "the request is too long");
    }
    // another protocol on this port is told at once
    if (
      !/^[A-Z]{1,16}( |$)/.test(
        new TextDecoder("latin1").decode(bytes.subarray(0, Math.min(length, 17))),
      )
    ) {
      return new Refusal("400 Bad Request", "this is no HTTP request");
    }
    if (length === bytes.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(bytes);
      bytes = larger;
    }
  }
}

/** Where the empty line ends; 0 when it is not there yet. */
function endOfHead(bytes: Uint8Array, from: number, length: number): number {
  for (let at = from; at + 4 <= length; at++) {
    if (bytes[at] === 13 && bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10) {
      return at + 4;
    }
  }
  return 0;
}

function parseHead(text: string): Request | undefined {
  const [first = "", ...lines] = text.split("\r\n");
  const [, method] = /^([A-Z]+) \S+ HTTP\/1\.1$/.exec(first) ?? [];
  if (method === undefined) return undefined;
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    const before = fields.get(name.toLowerCase());
    fields.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`);
  }
  return { method, fields };
}

/** The fields of the answer that opens the WebSocket, or why there is none. */
async function answerTo(
  { method, fields }: Request,
  origins: Origins,
): Promise<string[] | Refusal> {
  const upgrades = hasToken(fields.get("upgrade"), "websocket") &&
    hasToken(fields.get("connection"), "upgrade");
  if (method !== "GET" || !upgrades) {
    return new Refusal("426 Upgrade Required", "AMQP is served here over WebSocket", [
      "Upgrade: websocket",
    ]);
  }
  if (fields.get("sec-websocket-version") !== "13") {
    return new Refusal("426 Upgrade Required", "only version 13 of WebSocket is served", [
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
    ]);
  }
  const key = fields.get("sec-websocket-key");
  if (key === undefined || !/^[A-Za-z0-9+/]{22}==$/.test(key)) {
    return new Refusal("400 Bad Request", "Sec-WebSocket-Key is missing or malformed");
  }
  if (!origins.allow(fields.get("origin"), fields.get("host"))) {
    return new Refusal("403 Forbidden", "pages of this origin may not connect");
  }
  const subprotocol = chooseSubprotocol(fields.get("sec-websocket-protocol"));
  return [
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${await acceptKey(key)}`,
    ...(subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
  ];
}

function hasToken(list: string | undefined, token: string): boolean {
  return list !== undefined &&
    list.split(",").some((one) => one.trim().toLowerCase() === token);
}

async function acceptKey(key: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", encoder.encode(key + KEY_SUFFIX));
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

async function refuse(transport: Transport, refusal: Refusal): Promise<never> {
  const { status, text, fields } = refusal;
  const head = [...fields, "Connection: close", "Content-Type: text/plain"];
  await respond(transport, status, [...head, `Content-Length: ${text.length + 1}`], `${text}\n`);
  throw new RefusedError(`refused with ${status}: ${text}`);
}

async function respond(
  transport: Transport,
  status: string,
  fields: readonly string[],
  body = "",
): Promise<void> {
  const bytes = encoder.encode([`HTTP/1.1 ${status}`, ...fields, "", body].join("\r\n"));
  for (let sent = 0; sent < bytes.length;) sent += await transport.write(bytes.subarray(sent));
}
