/**
 * CRC-32C (Castagnoli), eight bytes a step.
 *
 * @module
 */

const POLYNOMIAL = 0x82f63b78;

/** Eight tables of 256 one after another: table `n` moves a byte on by `n` more bytes. Made at first use:
 * many a broker has no store. */
let made: Int32Array | undefined;

/**
 * The checksum of a range.
 *
 * @param seed The checksum of what came before, or any number that tells ranges apart which must not
 * be taken for each other.
 */
export function crc32c(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  const tables = made ??= makeTables();
  let at = start;
  let crc = ~seed;
  for (const last = end - 7; at < last; at += 8) {
    crc ^= bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
    crc = tables[1792 + (crc & 255)]! ^ tables[1536 + (crc >>> 8 & 255)]! ^
      tables[1280 + (crc >>> 16 & 255)]! ^ tables[1024 + (crc >>> 24)]! ^
      tables[768 + bytes[at + 4]!]! ^ tables[512 + bytes[at + 5]!]! ^
      tables[256 + bytes[at + 6]!]! ^ tables[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = crc >>> 8 ^ tables[(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256]!;
    tables[at] = before >>> 8 ^ tables[before & 255]!;
  }
  return tables;
}
