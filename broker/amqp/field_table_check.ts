import { truncated } from "./byte_reader.ts";
import { TABLE_DEPTH_MAX } from "./constants.ts";
import { deeper, LETTERS, unknownLetter } from "./field_value.ts";

/**
 * Walks an encoded table, its length first, without making anything of it.
 *
 * @param depthMax How deep tables may be nested.
 * @returns Where the table ends.
 * @throws {AmqpError} Where {@linkcode decodeTable} throws.
 */
export function checkTable(
  bytes: Uint8Array,
  start: number,
  end: number,
  depthMax: number = TABLE_DEPTH_MAX,
): number {
  return checkNested(bytes, start, end, true, 1, depthMax);
}

/** Walks a table or an array; tables have names before their values. */
function checkNested(
  bytes: Uint8Array,
  start: number,
  limit: number,
  named: boolean,
  depth: number,
  depthMax: number,
): number {
  let at = start + 4;
  if (at > limit) throw truncated();
  const end = at + sizeAt(bytes, start);
  if (end > limit) throw truncated();
  while (at < end) {
    if (named) at += 1 + bytes[at]!;
    if (at >= end) throw truncated();
    const letter = bytes[at++]!;
    switch (letter) {
      case LETTERS.VOID:
        break;
      case LETTERS.BOOLEAN:
      case LETTERS.INT8:
      case LETTERS.UINT8:
        at += 1;
        break;
      case LETTERS.INT16:
      case LETTERS.UINT16:
        at += 2;
        break;
      case LETTERS.INT32:
      case LETTERS.UINT32:
      case LETTERS.FLOAT32:
        at += 4;
        break;
      case LETTERS.DECIMAL:
        at += 5;
        break;
      case LETTERS.INT64:
      case LETTERS.INT64_TOO:
      case LETTERS.FLOAT64:
      case LETTERS.TIMESTAMP:
        at += 8;
        break;
      case LETTERS.STRING:
      case LETTERS.BYTES:
        if (at + 4 > end) throw truncated();
        at += 4 + sizeAt(bytes, at);
        break;
      case LETTERS.TABLE:
      case LETTERS.ARRAY:
        at = checkNested(
          bytes,
          at,
          end,
          letter === LETTERS.TABLE,
          deeper(depth, depthMax),
          depthMax,
        );
        break;
      default:
        throw unknownLetter(letter);
    }
  }
  if (at > end) throw truncated();
  return end;
}

function sizeAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}
