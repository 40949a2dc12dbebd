/**
 * Numbers of eight octets.
 *
 * V8 keeps a small integer in the place of a reference. Whatever was multiplied with 2^32 it keeps as a
 * double, an object of its own, even if it is small; and so it does with all that is computed from that. One
 * body whose size was read that way made doubles of every position of every later message.
 *
 * @module
 */

/** The number of two halves; above 2^53 it is rounded. */
export function joinUint32(high: number, low: number): number {
  return high === 0 ? low : high * 0x1_0000_0000 + low;
}

/** Reads `longlong`. */
export function uint64At(view: DataView, at: number): number {
  return joinUint32(view.getUint32(at), view.getUint32(at + 4));
}
