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
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    throw badRequest(["not_base64", text]);
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
