/**
 * Hashes for spreading keys over queues. They must stay as they are: another hash would send the
 * messages of a key to another queue after an update.
 *
 * @module
 */

/** Hashes a text to 32 bits: FNV-1a over its UTF-16 units, mixed at the end. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return mix(hash);
}

/** Spreads each bit over all 32: the end of MurmurHash3. */
export function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
