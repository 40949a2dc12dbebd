import { ByteWriter } from "./byte_writer.ts";

/** The size of a small outgoing buffer, in bytes: most peers are idle. */
export const SMALL_BUFFER = 256;
/** So many are kept: as many links write little at the same moment, mostly. */
const COUNT_MAX = 64;

/** Small buffers for whichever link needs a second one while its first is being written. An idle link
 * keeps none, and one that now and then writes a little need not make one each time. */
const kept: ByteWriter[] = [];

/** A small buffer with nothing in it. */
export function takeSmallBuffer(): ByteWriter {
  return kept.pop() ?? new ByteWriter(SMALL_BUFFER);
}

/** A link does not need a small buffer any more: of just this size, and empty. */
export function leaveSmallBuffer(writer: ByteWriter): void {
  if (kept.length < COUNT_MAX) kept.push(writer);
}
