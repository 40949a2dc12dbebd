import type { ByteWriter } from "./byte_writer.ts";

/** So many are kept: as many links send large contents at the same moment, mostly. */
const COUNT_MAX = 4;
/** A larger one is not kept. */
const SIZE_MAX = 8 * 1024 * 1024;

/**
 * Buffers that grew large in sending large contents, for whichever link sends such next: each link
 * keeping its own would cost megabytes for peers that are idle again, and a new one has to be filled
 * with zeros first.
 */
const kept: ByteWriter[] = [];

/** A large buffer, if one is left over. */
export function takeLargeBuffer(): ByteWriter | undefined {
  return kept.pop();
}

/** A link does not need a large buffer any more. */
export function leaveLargeBuffer(writer: ByteWriter): void {
  writer.length = 0;
  if (kept.length < COUNT_MAX && writer.bytes.length <= SIZE_MAX) kept.push(writer);
}
