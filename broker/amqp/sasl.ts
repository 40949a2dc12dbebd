/**
 * Responses of the SASL mechanisms that AMQP 0-9-1 is used with, built by clients and read by
 * servers. Errors and logs never show what is in them.
 *
 * @module
 */

import { ByteReader } from "./byte_reader.ts";
import { ByteWriter } from "./byte_writer.ts";
import { AmqpError } from "./error.ts";
import { decodeFields, encodeFields, type FieldTable, type FieldValue } from "./field_table.ts";

/** A name and its password, as two of the mechanisms carry them. */
export interface PasswordCredentials {
  /** The user's name. */
  readonly username: string;
  /** The password, or a token in its place. */
  readonly password: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Builds the response of PLAIN: NUL, name, NUL, password.
 *
 * @throws {TypeError} When one of them contains a NUL, which PLAIN cannot carry.
 */
export function plainResponse({ username, password }: PasswordCredentials): Uint8Array {
  if (username.includes("\0") || password.includes("\0")) {
    throw new TypeError("Cannot build PLAIN response: user name or password contains a NUL");
  }
  return encoder.encode(`\0${username}\0${password}`);
}

/** Reads the response of PLAIN; undefined when it is malformed. */
export function readPlainResponse(response: Uint8Array): PasswordCredentials | undefined {
  const parts = textOf(response)?.split("\0");
  // an identity to act as, before the first NUL, is not supported
  if (parts?.length !== 3 || parts[0] !== "") return undefined;
  return { username: parts[1]!, password: parts[2]! };
}

/** Builds the response of AMQPLAIN: a field table without its length. */
export function amqplainResponse({ username, password }: PasswordCredentials): Uint8Array {
  const writer = new ByteWriter();
  encodeFields(writer, { LOGIN: username, PASSWORD: password });
  return writer.written();
}

/** Reads the response of AMQPLAIN; undefined when it is malformed. */
export function readAmqplainResponse(response: Uint8Array): PasswordCredentials | undefined {
  const fields = readFields(response);
  const username = textOf(fields?.["LOGIN"]);
  const password = textOf(fields?.["PASSWORD"]);
  if (username === undefined || password === undefined) return undefined;
  return { username, password };
}

/** Builds the response of EXTERNAL: whom the client wants to be, empty for its certificate's name. */
export function externalResponse(username = ""): Uint8Array {
  return encoder.encode(username);
}

function readFields(response: Uint8Array): FieldTable | undefined {
  try {
    return decodeFields(new ByteReader(response));
  } catch (error) {
    if (error instanceof AmqpError) return undefined;
    throw error;
  }
}

function textOf(value: FieldValue | undefined): string | undefined {
  if (typeof value === "string") return value;
  if (!(value instanceof Uint8Array)) return undefined;
  try {
    return decoder.decode(value);
  } catch {
    return undefined;
  }
}
