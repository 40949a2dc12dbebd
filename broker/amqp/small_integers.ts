/**
 * Numbers that V8 would not keep as small integers by itself.
 *
 * It keeps a small integer in the place of a reference; any other number is an object of its own. Which of
 * both a number is depends on where it comes from: what was multiplied with 2^32, or what some functions of
 * the runtime return, is a double even if it is small, and so is all that is computed from it. One body
 * whose size was read that way makes doubles of all positions of all later messages, each of them an object.
 *
 * @module
 */

const encoder = new TextEncoder();

/** The same number, as a small integer if it is one. */
export function smallInteger(value: number): number {
  const integer = value | 0;
  return integer === value ? integer : value;
}

/** The number of two halves; above 2^53 it is rounded. */
export function joinUint32(high: number, low: number): number {
  return high === 0 ? low : high * 0x1_0000_0000 + low;
}

/** Reads `longlong`. */
export function uint64At(view: DataView, at: number): number {
  return joinUint32(view.getUint32(at), view.getUint32(at + 4));
}

/** Encodes a text into a buffer. Returns how many octets that took, or -1 when it does not fit. */
export function encodeInto(text: string, bytes: Uint8Array): number {
  const { read, written } = encoder.encodeInto(text, bytes);
  return read === text.length ? written | 0 : -1;
}
