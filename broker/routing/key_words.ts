import { NO_BYTES } from "../amqp/no_bytes.ts";

/** So many numbers are kept of each word, next to each other; a power of two. */
export const WORD_FACTS = 8;
/** Its first octets, four to a number, and zeros behind them. */
export const TEXT = 0;
export const TEXT_FACTS = 4;
/** How many octets it has. */
export const LENGTH = 4;
export const HASH = 5;
/** Where it begins in the octets of its key. */
export const START = 6;
/** The longest word that `TEXT` tells by itself. */
export const TEXT_MAX = 4 * TEXT_FACTS;

/** A key of so many octets has room at first: longer ones come from programs alone. */
const ROOM_MIN = 256;
const ASCII_MAX = 0x7f;
const HASH_FACTOR = 0x01000193;
const DOT = 0x2e;

/**
 * The words of a key, between its dots, as numbers that are compared and looked up as they are: no text is made
 * for any of them.
 */
export class KeyWords {
  /** How many there are. An empty key has none, though any other has one more than it has dots. */
  count = 0;
  /** What is known of each, `WORD_FACTS` numbers. */
  facts = new Int32Array(ROOM_MIN * WORD_FACTS);
  /** Those of the key. */
  octets: Uint8Array = NO_BYTES;
  /** A key that was a text. */
  private _own = new Uint8Array(0);

  /** Takes the words of a key. */
  split(key: string): void {
    if (this._own.length < key.length * 3) {
      this._own = new Uint8Array(Math.max(key.length, ROOM_MIN) * 3);
    }
    const own = this._own;
    let end = 0;
    for (let at = 0; at < key.length; at++) {
      const unit = key.charCodeAt(at);
      if (unit <= ASCII_MAX) own[end++] = unit;
      else {
        // unit by unit, so that what is no text tells itself apart, too
        own[end++] = 0xe0 | unit >> 12;
        own[end++] = 0x80 | unit >> 6 & 0x3f;
        own[end++] = 0x80 | unit & 0x3f;
      }
    }
    this.splitOctets(own, 0, end);
  }

  /** As `split`, for a key of ASCII octets. */
  splitOctets(octets: Uint8Array, start: number, end: number): void {
    this.octets = octets;
    this.count = 0;
    if (start === end) return;
    if (end - start >= this.facts.length / WORD_FACTS) {
      this.facts = new Int32Array(2 * (end - start) * WORD_FACTS);
    }
    const { facts } = this;
    let row = 0;
    let from = start;
    /** What came of the word since four octets were last put down. */
    let packed = 0;
    let hash = 0;
    facts[1] = facts[2] = facts[3] = 0;
    for (let at = start;; at++) {
      const octet = at < end ? octets[at]! : DOT;
      const length = at - from;
      if (octet !== DOT) {
        packed = packed << 8 | octet;
        if ((length & 3) !== 3) continue;
        if (length < TEXT_MAX) facts[row + (length >> 2)] = packed;
        hash = mixed(hash, packed);
        packed = 0;
        continue;
      }
      if (length < TEXT_MAX) facts[row + (length >> 2)] = packed;
      facts[row + HASH] = mixed(hash, packed);
      facts[row + LENGTH] = length;
      facts[row + START] = from;
      row += WORD_FACTS;
      if (at === end) break;
      from = at + 1;
      packed = hash = 0;
      facts[row + 1] = facts[row + 2] = facts[row + 3] = 0;
    }
    this.count = row / WORD_FACTS;
  }

  /** Lets go of the octets of a key. */
  end(): void {
    this.octets = NO_BYTES;
  }
}

function mixed(hash: number, packed: number): number {
  hash = Math.imul(hash ^ packed, HASH_FACTOR);
  return hash ^ hash >>> 15;
}
