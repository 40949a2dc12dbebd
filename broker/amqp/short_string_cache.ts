/**
 * Strings known by their bytes: exchange names, routing keys and consumer tags come again and again,
 * and finding the string that was made the last time costs a fraction of making it.
 *
 * One table for the whole process, each place in it holding one string; a newcomer takes the place
 * of whoever was there. Nothing grows, whatever peers send.
 *
 * @module
 */

const PLACES = 2048;
/** Longer strings are made each time. */
const LENGTH_MAX = 64;

const kept = new Uint8Array(PLACES * LENGTH_MAX);
const strings: string[] = new Array(PLACES).fill("");
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * The short string whose length octet is at `at`. The caller has checked that all of it is there.
 *
 * @throws {TypeError} When it is not UTF-8.
 */
export function cachedShortString(bytes: Uint8Array, at: number): string {
  const length = bytes[at]!;
  if (length === 0) return "";
  const start = at + 1;
  const end = start + length;
  if (length > LENGTH_MAX) return decoder.decode(bytes.subarray(start, end));
  let hash = length;
  for (let index = start; index < end; index++) hash = Math.imul(hash, 31) + bytes[index]! | 0;
  const place = (hash ^ hash >>> 15) & (PLACES - 1);
  const base = place * LENGTH_MAX;
  const string = strings[place]!;
  // A string of other than ASCII characters is shorter than its bytes; it is made anew each time.
  if (string.length === length) {
    let same = 0;
    while (same < length && kept[base + same] === bytes[start + same]) same++;
    if (same === length) return string;
  }
  const made = decode(bytes, start, end);
  if (made.length === length) {
    for (let index = 0; index < length; index++) kept[base + index] = bytes[start + index]!;
    strings[place] = made;
  }
  return made;
}

function decode(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > 24) return decoder.decode(bytes.subarray(start, end));
  let string = "";
  for (let index = start; index < end; index++) {
    const octet = bytes[index]!;
    if (octet > 0x7f) return decoder.decode(bytes.subarray(start, end));
    string += String.fromCharCode(octet);
  }
  return string;
}
