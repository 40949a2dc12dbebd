// Printed by codegen.ts from spec.ts: change those instead.

/**
 * The class `access` (30): tickets of AMQP 0-8, which old clients still ask for.
 *
 * @module
 */

import type { ByteReader } from "../byte_reader.ts";
import type { ByteWriter } from "../byte_writer.ts";

/** `access.request` asks for an access ticket. */
export interface AccessRequest {
  /** Tells it from other methods. */
  readonly name: "access.request";
  /** Ignored. */
  readonly realm: string;
  /** For the sole use of who asks. */
  readonly exclusive: boolean;
  /** Only checks that it exists. */
  readonly passive: boolean;
  /** True to go on, false to pause. */
  readonly active: boolean;
  /** Ignored. */
  readonly write: boolean;
  /** Ignored. */
  readonly read: boolean;
}

/** Makes `access.request`; what is not given is empty, zero or false. */
export function accessRequest(fields: Partial<Omit<AccessRequest, "name">> = {}): AccessRequest {
  return {
    name: "access.request",
    realm: fields.realm ?? "",
    exclusive: fields.exclusive ?? false,
    passive: fields.passive ?? false,
    active: fields.active ?? false,
    write: fields.write ?? false,
    read: fields.read ?? false,
  };
}

/** Reads the fields of `access.request`. */
export function decodeAccessRequest(reader: ByteReader): AccessRequest {
  const realm = reader.shortString();
  const bits = reader.uint8();
  return {
    name: "access.request",
    realm,
    exclusive: (bits & 1) !== 0,
    passive: (bits & 2) !== 0,
    active: (bits & 4) !== 0,
    write: (bits & 8) !== 0,
    read: (bits & 16) !== 0,
  };
}

/** Writes the fields of `access.request`. */
export function encodeAccessRequest(writer: ByteWriter, method: AccessRequest): void {
  writer.shortString(method.realm);
  writer.uint8(
    (method.exclusive ? 1 : 0) | (method.passive ? 2 : 0) | (method.active ? 4 : 0) |
      (method.write ? 8 : 0) | (method.read ? 16 : 0),
  );
}

/** `access.request-ok` grants a ticket, which means nothing. */
export interface AccessRequestOk {
  /** Tells it from other methods. */
  readonly name: "access.request-ok";
  /** Means nothing. */
  readonly ticket: number;
}

/** Makes `access.request-ok`; what is not given is empty, zero or false. */
export function accessRequestOk(
  fields: Partial<Omit<AccessRequestOk, "name">> = {},
): AccessRequestOk {
  return {
    name: "access.request-ok",
    ticket: fields.ticket ?? 0,
  };
}

/** Reads the fields of `access.request-ok`. */
export function decodeAccessRequestOk(reader: ByteReader): AccessRequestOk {
  const ticket = reader.uint16();
  return { name: "access.request-ok", ticket };
}

/** Writes the fields of `access.request-ok`. */
export function encodeAccessRequestOk(writer: ByteWriter, method: AccessRequestOk): void {
  writer.uint16(method.ticket);
}
