const DOT = 0x2e;
const EMPTY = -1;
/** FNV-1a, of UTF-16 units in place of octets. */
const HASH_START = 0x811c9dc5 | 0;
const HASH_FACTOR = 0x01000193;

/** What a word is for a key that holds it when no binding does. */
export const UNKNOWN_WORD = -1;

/**
 * Numbers for the words of binding keys, so that a routing key is turned into numbers in one pass.
 *
 * A `Map` of strings would do, but each word would first have to be cut out of the key, and the
 * engine hashes and registers every string that a map is asked for: with words that come only once,
 * such as ids, that takes several times as long as all the rest of routing.
 */
export class Words {
  /** By number; what has no uses is free to become another word. */
  readonly #words: string[] = [];
  readonly #hashes: number[] = [];
  readonly #uses: number[] = [];
  /** The next word with the same place in `#first`, or `EMPTY`. */
  readonly #next: number[] = [];
  readonly #free: number[] = [];
  /** By the low bits of the hash. Its length is a power of two. */
  #first = new Int32Array(16).fill(EMPTY);

  /** How many different words there are. */
  get size(): number {
    return this.#words.length - this.#free.length;
  }

  /** Gives the number of a word, which stays the same until each use has been released. */
  use(word: string): number {
    const hash = hashOf(word, 0, word.length);
    const known = this.#find(hash, word, 0, word.length);
    if (known !== UNKNOWN_WORD) {
      this.#uses[known]!++;
      return known;
    }
    if (this.size === this.#first.length) this.#grow();
    const number = this.#free.pop() ?? this.#words.length;
    this.#words[number] = word;
    this.#hashes[number] = hash;
    this.#uses[number] = 1;
    this.#link(number);
    return number;
  }

  /** Ends one use of a word. */
  release(number: number): void {
    if (--this.#uses[number]! > 0) return;
    const place = this.#hashes[number]! & (this.#first.length - 1);
    let before = this.#first[place]!;
    if (before === number) {
      this.#first[place] = this.#next[number]!;
    } else {
      while (this.#next[before] !== number) before = this.#next[before]!;
      this.#next[before] = this.#next[number]!;
    }
    this.#words[number] = "";
    this.#free.push(number);
  }

  /** Gives the number of a word in use. */
  get(word: string): number {
    return this.#find(hashOf(word, 0, word.length), word, 0, word.length);
  }

  /**
   * Turns the words of a routing key into numbers.
   *
   * @param routingKey The key; an empty one has no words.
   * @param into Gets the numbers from its start on; what is behind them stays.
   * @returns How many words the key has.
   */
  split(routingKey: string, into: number[]): number {
    const length = routingKey.length;
    if (length === 0) return 0;
    let count = 0;
    let start = 0;
    let hash = HASH_START;
    for (let at = 0; at < length; at++) {
      const unit = routingKey.charCodeAt(at);
      if (unit !== DOT) {
        hash = Math.imul(hash ^ unit, HASH_FACTOR);
        continue;
      }
      into[count++] = this.#find(hash, routingKey, start, at);
      start = at + 1;
      hash = HASH_START;
    }
    into[count++] = this.#find(hash, routingKey, start, length);
    return count;
  }

  #find(hash: number, text: string, start: number, end: number): number {
    let number = this.#first[hash & (this.#first.length - 1)]!;
    while (number !== EMPTY) {
      if (this.#hashes[number] === hash && isAt(this.#words[number]!, text, start, end)) {
        return number;
      }
      number = this.#next[number]!;
    }
    return UNKNOWN_WORD;
  }

  #link(number: number): void {
    const place = this.#hashes[number]! & (this.#first.length - 1);
    this.#next[number] = this.#first[place]!;
    this.#first[place] = number;
  }

  #grow(): void {
    this.#first = new Int32Array(this.#first.length * 2).fill(EMPTY);
    for (let number = 0; number < this.#words.length; number++) this.#link(number);
  }
}

function hashOf(text: string, start: number, end: number): number {
  let hash = HASH_START;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), HASH_FACTOR);
  return hash;
}

/** Tells whether `text` from `start` to `end` is `word`. */
function isAt(word: string, text: string, start: number, end: number): boolean {
  if (word.length !== end - start) return false;
  for (let index = 0; index < word.length; index++) {
    if (word.charCodeAt(index) !== text.charCodeAt(start + index)) return false;
  }
  return true;
}
