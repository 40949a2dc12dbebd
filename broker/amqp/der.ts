/** Reads the part of DER (X.690) that certificates are made of. */

/** A value with its tag: the octets of what is in it lie from `start` to `end`. */
export interface DerValue {
  readonly tag: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Something is no DER, or not what was expected. */
export class DerError extends Error {
  /** Always `"DerError"`. */
  override readonly name = "DerError";
}

/** Tags by the names of X.680. */
export const TAG = {
  utf8String: 0x0c,
  teletexString: 0x14,
  bmpString: 0x1e,
  universalString: 0x1c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

/** Reads the value at the front of some octets. */
export function readDer(bytes: Uint8Array, start = 0, end = bytes.length): DerValue {
  if (start + 2 > end) throw new DerError("a value is cut off");
  const tag = bytes[start]!;
  if ((tag & 0x1f) === 0x1f) throw new DerError("a tag is too large");
  let at = start + 2;
  let length = bytes[start + 1]!;
  if (length > 0x7f) {
    const octets = length & 0x7f;
    if (octets === 0 || octets > 3) throw new DerError("a length is not definite, or too large");
    length = 0;
    for (const stop = at + octets; at < stop; at++) length = length << 8 | (bytes[at] ?? 0);
  }
  if (at + length > end) throw new DerError("a value is cut off");
  return { tag, bytes, start: at, end: at + length };
}

/** The values that a value is made of. */
export function childrenOf({ bytes, start, end }: DerValue): DerValue[] {
  const children: DerValue[] = [];
  for (let at = start; at < end;) {
    const child = readDer(bytes, at, end);
    children.push(child);
    at = child.end;
  }
  return children;
}

/** The octets of what is in a value. */
export function octetsOf({ bytes, start, end }: DerValue): Uint8Array {
  return bytes.subarray(start, end);
}

/** An object identifier, such as `2.5.4.3`. */
export function oidOf(value: DerValue): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of octetsOf(value)) {
    arc = arc * 128 + (octet & 0x7f);
    if (octet < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [first = 0, ...rest] = arcs;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - 40 * root, ...rest].join(".");
}

/** The text of a string, whichever of the many kinds it is. */
export function textOf(value: DerValue): string {
  const octets = octetsOf(value);
  switch (value.tag) {
    case TAG.utf8String:
      return new TextDecoder().decode(octets);
    case TAG.bmpString:
      return new TextDecoder("utf-16be").decode(octets);
    case TAG.universalString:
      return fromUtf32(octets);
    default: // ASCII, or what everybody takes for Latin 1
      return String.fromCharCode(...octets);
  }
}

function fromUtf32(octets: Uint8Array): string {
  let text = "";
  for (let at = 0; at + 4 <= octets.length; at += 4) {
    const [a, b, c, d] = octets.subarray(at, at + 4);
    const point = a! * 2 ** 24 + (b! << 16 | c! << 8 | d!);
    text += point <= 0x10_ffff ? String.fromCodePoint(point) : "\ufffd";
  }
  return text;
}

/** A time as ISO 8601 has it, such as `2026-11-28T07:00:00Z`. */
export function timeOf(value: DerValue): string {
  const text = textOf(value);
  // X.509: years of two digits are from 1950 to 2049
  const century = value.tag === TAG.generalizedTime ? "" : text < "50" ? "20" : "19";
  const [, date, time] = /^(\d{8})(\d{6})Z$/.exec(century + text) ?? [];
  if (date === undefined || time === undefined) throw new DerError("a time is malformed");
  const [year, month, day] = [date.slice(0, 4), date.slice(4, 6), date.slice(6)];
  return `${year}-${month}-${day}T${time.replace(/(..)(..)(..)/, "$1:$2:$3")}Z`;
}
