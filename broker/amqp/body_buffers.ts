/** A smaller one costs little to make anew. */
const SIZE_MIN = 128 * 1024;
/** So many bytes are kept in all: the buffer of a body that is larger is never used again. */
export const POOLED_MAX = 16 * 1024 * 1024;
/** A buffer serves a body that fills at least this part of it. */
const FILLED_MIN = 1 / 2;

/**
 * Buffers of large bodies that nobody has any more, for the next ones. A new one has to be filled with
 * zeros by way of pages that the system has to find first, which for a body of a megabyte takes four
 * times as long as filling it with the body.
 */
const kept: Uint8Array[] = [];
let keptBytes = 0;

/** A buffer for a body of so many bytes, with whatever was in it; undefined when none is left over. */
export function takeBodyBuffer(size: number): Uint8Array | undefined {
  if (size < SIZE_MIN) return undefined;
  for (let index = kept.length - 1; index >= 0; index--) {
    const buffer = kept[index]!;
    if (buffer.length < size || size < buffer.length * FILLED_MIN) continue;
    kept[index] = kept[kept.length - 1]!;
    kept.length--;
    keptBytes -= buffer.length;
    return buffer;
  }
  return undefined;
}

/** Nobody looks at this body's buffer any more, and nobody else has it. */
export function leaveBodyBuffer(buffer: Uint8Array): void {
  if (buffer.length < SIZE_MIN || buffer.length > POOLED_MAX) return;
  // those of sizes that are out of use make room
  while (kept.length > 0 && keptBytes + buffer.length > POOLED_MAX) {
    keptBytes -= kept.shift()!.length;
  }
  kept.push(buffer);
  keptBytes += buffer.length;
}
