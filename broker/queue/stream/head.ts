import { PROPERTY_FLAGS } from "../../amqp/properties.ts";

/**
 * Looks into properties in their wire form, without making anything of them.
 *
 * @module
 */

/** True when the properties that begin at `start` have headers. */
export function hasHeaders(head: Uint8Array, start: number): boolean {
  return ((head[start]! << 8 | head[start + 1]!) & PROPERTY_FLAGS.headers) !== 0;
}

/** Where the table of headers begins, with its size in four octets, or would begin. */
export function headersAt(head: Uint8Array, start: number): number {
  const flags = head[start]! << 8 | head[start + 1]!;
  let at = start + 2;
  // what stands before it; it was checked when it came that all of it is there
  if ((flags & PROPERTY_FLAGS.contentType) !== 0) at += 1 + head[at]!;
  if ((flags & PROPERTY_FLAGS.contentEncoding) !== 0) at += 1 + head[at]!;
  return at;
}

/** Reads the size of a table. */
export function tableSize(head: Uint8Array, at: number): number {
  return head[at]! * 0x100_0000 + (head[at + 1]! << 16 | head[at + 2]! << 8 | head[at + 3]!);
}

/** True when the headers hold these bytes somewhere: if not, none of them has that name. */
export function headersHold(head: Uint8Array, start: number, name: Uint8Array): boolean {
  if (!hasHeaders(head, start)) return false;
  const at = headersAt(head, start) + 4;
  const last = at + tableSize(head, at - 4) - name.length;
  const first = name[0]!;
  for (let from = at; from <= last; from++) {
    if (head[from] !== first) continue;
    let index = 1;
    while (index < name.length && head[from + index] === name[index]) index++;
    if (index === name.length) return true;
  }
  return false;
}
