import type { JsonObject, JsonValue } from "../mod.ts";
import { badRequest } from "./errors.ts";

/**
 * The body of a message that is to be published.
 *
 * @throws {HttpError} 400 when it is not in the form that it says.
 */
export function readPayload(text: string, encoding: JsonValue): Uint8Array<ArrayBuffer> {
  if (encoding === "string") return new TextEncoder().encode(text);
  if (encoding !== "base64") throw badRequest(["unsupported_encoding", encoding]);
  const bytes = fromBase64(text);
  if (bytes === undefined) throw badRequest(["not_base64", text]);
  return bytes;
}

/** Erlang's base64, of which each group has four characters: what is cut off is no body. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const bytes = Uint8Array.fromBase64(text);
    return bytes.length % 3 === 0 || text.trimEnd().endsWith("=") ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** The body of a message as JSON can say it: text when it is some, unless that is not wanted. */
export function describePayload(
  body: Uint8Array,
  encoding: "auto" | "base64",
): Readonly<Record<"payload" | "payload_encoding", string>> & JsonObject {
  if (encoding === "auto") {
    try {
      const payload = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
      return { payload, payload_encoding: "string" };
    } catch {
      // bytes
    }
  }
  return { payload: body.toBase64(), payload_encoding: "base64" };
}

/** So much of a long body is made a text at once, in bytes: base64 has four characters for three. */
const PART = 48 * 1024;

/**
 * The same a part at a time, as it stands between the quotes of JSON.
 *
 * @returns The encoding.
 */
export function* payloadParts(
  body: Uint8Array,
  encoding: "auto" | "base64",
): Generator<string, "string" | "base64", undefined> {
  const isText = encoding === "auto" && (yield* looksLikeText(body));
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (let at = 0; at < body.length; at += PART) {
    const part = body.subarray(at, at + PART);
    // a character may begin in one part and end in the next
    yield isText
      ? JSON.stringify(decoder.decode(part, { stream: true })).slice(1, -1)
      : part.toBase64();
  }
  return isText ? "string" : "base64";
}

function* looksLikeText(body: Uint8Array): Generator<string, boolean, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for (let at = 0; at < body.length; at += PART) {
      decoder.decode(body.subarray(at, at + PART), { stream: true });
      // nothing yet, but others have their turn
      yield "";
    }
    decoder.decode();
    return true;
  } catch {
    return false;
  }
}
