// Printed by codegen.ts from spec.ts: change those instead.

/**
 * The class `confirm` (85): publisher confirms.
 *
 * @module
 */

import type { ByteReader } from "../byte_reader.ts";
import type { ByteWriter } from "../byte_writer.ts";

/** `confirm.select` asks for publisher confirms on this channel. */
export interface ConfirmSelect {
  /** Tells it from other methods. */
  readonly name: "confirm.select";
  /** No reply is wanted; errors come all the same. */
  readonly noWait: boolean;
}

/** Makes `confirm.select`; what is not given is empty, zero or false. */
export function confirmSelect(fields: Partial<Omit<ConfirmSelect, "name">> = {}): ConfirmSelect {
  return {
    name: "confirm.select",
    noWait: fields.noWait ?? false,
  };
}

/** Reads the fields of `confirm.select`. */
export function decodeConfirmSelect(reader: ByteReader): ConfirmSelect {
  const bits = reader.uint8();
  return { name: "confirm.select", noWait: (bits & 1) !== 0 };
}

/** Writes the fields of `confirm.select`. */
export function encodeConfirmSelect(writer: ByteWriter, method: ConfirmSelect): void {
  writer.uint8(method.noWait ? 1 : 0);
}

/** `confirm.select-ok` confirms `confirm.select`. */
export interface ConfirmSelectOk {
  /** Tells it from other methods. */
  readonly name: "confirm.select-ok";
}

/** Makes `confirm.select-ok`, which has no fields. */
export function confirmSelectOk(): ConfirmSelectOk {
  return { name: "confirm.select-ok" };
}
