/**
 * Ranges of buffers, copied and compared eight or four octets at a time. Most ranges of the hot path
 * (names, properties, small bodies) have some ten to a hundred octets: there a loop over octets costs
 * five times as much, and `set` the view of the source that it needs.
 *
 * @module
 */

/** From so many octets on `set` is faster. */
export const SET_MIN = 192;
/** Views of larger buffers are not kept, since that would keep the buffer. */
const KEPT_MAX = 1 << 20;
/** Up to here a loop over octets costs less than a view that is used once. */
const LOOP_MAX = 64;

let lastBytes: Uint8Array = new Uint8Array(0);
let lastView: DataView = new DataView(lastBytes.buffer);
let otherBytes: Uint8Array = lastBytes;
let otherView: DataView = lastView;
let thirdBytes: Uint8Array = lastBytes;
let thirdView: DataView = lastView;
let fourthBytes: Uint8Array = lastBytes;
let fourthView: DataView = lastView;
/** A buffer that was copied from once without a view: the next time it gets one. */
let metBytes: Uint8Array = lastBytes;

/** A view of a buffer. Those of the four that were used last are kept: a turn mostly reads from one read
 * buffer and one page, and what goes from one connection to another and back from two of each. */
export function viewOf(bytes: Uint8Array): DataView {
  return bytes === lastBytes ? lastView : viewOfOther(bytes);
}

function viewOfOther(bytes: Uint8Array): DataView {
  let view = otherView;
  if (bytes !== otherBytes) {
    view = thirdView;
    if (bytes !== thirdBytes) {
      view = fourthView;
      if (bytes !== fourthBytes) {
        // to the end of its buffer: one that its owner resizes has the view follow it
        view = new DataView(bytes.buffer, bytes.byteOffset);
        if (bytes.length > KEPT_MAX) return view;
      }
      fourthBytes = thirdBytes;
      fourthView = thirdView;
    }
    thirdBytes = otherBytes;
    thirdView = otherView;
  }
  otherBytes = lastBytes;
  otherView = lastView;
  lastBytes = bytes;
  return lastView = view;
}

/** A copy of a range, in a buffer of its own. Not by `slice`: of a `Buffer` of Node's, which is a
 * `Uint8Array` as well, that is a view. */
export function copyOf(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.subarray(start, end));
}

/** Copies a range into a buffer, of which `toView` is a view, and returns where the copy ends. */
export function copyRange(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  toView: DataView,
  at: number,
): number {
  const size = end - start;
  if (size < 8) {
    while (start < end) to[at++] = from[start++]!;
    return at;
  }
  const copyEnd = at + size;
  if (size >= SET_MIN) {
    to.set(from.subarray(start, end), at);
    return copyEnd;
  }
  if (from === lastBytes) copyWords(lastView, start, end, toView, at);
  else if (from === otherBytes) copyWords(otherView, start, end, toView, at);
  else copyFromStranger(from, start, end, to, toView, at);
  return copyEnd;
}

/** Copies from a buffer of which there is no view. Many a body in this process comes in a buffer of its
 * own, which nobody will see again: making a view of it costs more than a few dozen octets do. */
function copyFromStranger(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  toView: DataView,
  at: number,
): void {
  if (from === thirdBytes || from === fourthBytes || from === metBytes) {
    return copyWords(viewOfOther(from), start, end, toView, at);
  }
  metBytes = from;
  // whole, it needs no other view to be copied from
  if (end - start === from.length) return to.set(from, at);
  if (from.length > LOOP_MAX) return copyWords(viewOfOther(from), start, end, toView, at);
  while (start < end) to[at++] = from[start++]!;
}

/** Copies a range of at least eight octets between buffers of which the views are at hand. */
export function copyWords(
  from: DataView,
  start: number,
  end: number,
  to: DataView,
  at: number,
): void {
  const distance = at - start;
  const last = end - 8;
  do {
    to.setBigUint64(start + distance, from.getBigUint64(start, true), true);
    start += 8;
  } while (start < last);
  // the last eight may overlap what was copied before
  to.setBigUint64(last + distance, from.getBigUint64(last, true), true);
}

/** True when two ranges of the same size, at least eight octets, hold the same, by their views. */
export function sameWords(
  view: DataView,
  start: number,
  others: DataView,
  othersStart: number,
  size: number,
): boolean {
  const last = size - 8;
  for (let at = 0; at < last; at += 8) {
    if (view.getBigInt64(start + at, true) !== others.getBigInt64(othersStart + at, true)) {
      return false;
    }
  }
  // the last eight may overlap what was compared before
  return view.getBigInt64(start + last, true) === others.getBigInt64(othersStart + last, true);
}

/** True when two ranges of the same size hold the same octets. */
export function sameRange(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  others: Uint8Array,
  othersView: DataView,
  othersStart: number,
  size: number,
): boolean {
  let index = 0;
  for (const last = size - 4; index <= last; index += 4) {
    if (view.getInt32(start + index) !== othersView.getInt32(othersStart + index)) return false;
  }
  for (; index < size; index++) {
    if (bytes[start + index] !== others[othersStart + index]) return false;
  }
  return true;
}
