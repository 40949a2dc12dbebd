const DOT = 0x2e;
const NOWHERE = -1;
/** FNV-1a, of UTF-16 units in place of octets. */
const HASH_START = 0x811c9dc5 | 0;
const HASH_FACTOR = 0x01000193;

/** So many words have room at first: a power of two. */
const SIZE_MIN = 16;
/** So many numbers are kept of each word, next to each other: with many words each look at another place of
 * memory takes as long as all the rest. A power of two. */
const FACTS = 4;
const HASH = 0;
/** The next place with the same low bits of the hash, or `NOWHERE`. */
const NEXT = 1;
const USES = 2;
/** The words at so many places of a key are remembered, a power of two. */
const REMEMBERED = 16;

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
  /** By place; a place without uses is free for another word. */
  readonly #words: string[] = [];
  #facts = new Int32Array(SIZE_MIN * FACTS);
  /** No number is ever given twice: a `Map` slows down when one key comes and goes all the time. */
  readonly #numbers: number[] = [];
  readonly #free: number[] = [];
  /** By the low bits of the hash. Its length is a power of two, and the number of places. */
  #first = new Int32Array(SIZE_MIN).fill(NOWHERE);
  #lastNumber = UNKNOWN_WORD;
  /** By its place in a key: the word that was found there last. Many keys differ in an id alone, and comparing
   * a word costs half of what hashing it and then comparing it does. */
  readonly #found = new Int32Array(REMEMBERED).fill(NOWHERE);

  /** How many different words there are. */
  get size(): number {
    return this.#words.length - this.#free.length;
  }

  /** Gives the number of a word, which stays the same until each use has been released. */
  use(word: string): number {
    const hash = hashOf(word);
    const known = this.#find(hash, word, 0, word.length);
    if (known !== NOWHERE) {
      this.#facts[known * FACTS + USES]!++;
      return this.#numbers[known]!;
    }
    if (this.size === this.#first.length) this.#grow();
    const place = this.#free.pop() ?? this.#words.length;
    const at = place * FACTS;
    this.#words[place] = word;
    this.#facts[at + HASH] = hash;
    this.#numbers[place] = ++this.#lastNumber;
    this.#facts[at + USES] = 1;
    this.#link(place);
    return this.#lastNumber;
  }

  /** Ends one use of a word. */
  release(word: string): void {
    const hash = hashOf(word);
    const place = this.#find(hash, word, 0, word.length);
    if (place === NOWHERE || --this.#facts[place * FACTS + USES]! > 0) return;
    this.#unlink(place);
    this.#found.fill(NOWHERE);
    this.#words[place] = "";
    this.#free.push(place);
  }

  /** Gives the number of a word. */
  get(word: string): number {
    return this.#numberAt(this.#find(hashOf(word), word, 0, word.length));
  }

  /**
   * Turns the words of a routing key into numbers.
   *
   * @param routingKey The key; an empty one has no words.
   * @param into Gets the numbers from its start on; what is behind them stays.
   * @returns How many words the key has.
   */
  split(routingKey: string, into: number[]): number {
    const { length } = routingKey;
    if (length === 0) return 0;
    let count = 0;
    let start = 0;
    while (start <= length) {
      const at = count & REMEMBERED - 1;
      let place = this.#found[at]!;
      let end = place === NOWHERE ? NOWHERE : endOf(this.#words[place]!, routingKey, start);
      if (end === NOWHERE) {
        let hash = HASH_START;
        for (end = start; end < length; end++) {
          const unit = routingKey.charCodeAt(end);
          if (unit === DOT) break;
          hash = Math.imul(hash ^ unit, HASH_FACTOR);
        }
        place = this.#find(hash, routingKey, start, end);
        if (place !== NOWHERE) this.#found[at] = place;
      }
      into[count++] = this.#numberAt(place);
      start = end + 1;
    }
    return count;
  }

  /** As `split`, for a key of ASCII octets. */
  splitOctets(octets: Uint8Array, start: number, end: number, into: number[]): number {
    if (start === end) return 0;
    let count = 0;
    let hash = HASH_START;
    for (let at = start; at < end; at++) {
      const unit = octets[at]!;
      if (unit !== DOT) {
        hash = Math.imul(hash ^ unit, HASH_FACTOR);
        continue;
      }
      into[count++] = this.#numberAt(this.#findOctets(hash, octets, start, at));
      start = at + 1;
      hash = HASH_START;
    }
    into[count++] = this.#numberAt(this.#findOctets(hash, octets, start, end));
    return count;
  }

  /** The word that ASCII octets are; undefined when there is none. */
  ofOctets(octets: Uint8Array, start: number, end: number): string | undefined {
    let hash = HASH_START;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ octets[at]!, HASH_FACTOR);
    const place = this.#findOctets(hash, octets, start, end);
    return place === NOWHERE ? undefined : this.#words[place];
  }

  #numberAt(place: number): number {
    return place === NOWHERE ? UNKNOWN_WORD : this.#numbers[place]!;
  }

  #find(hash: number, text: string, start: number, end: number): number {
    const facts = this.#facts;
    let place = this.#first[hash & (this.#first.length - 1)]!;
    while (place !== NOWHERE) {
      const at = place * FACTS;
      if (facts[at + HASH] === hash && isAt(this.#words[place]!, text, start, end)) break;
      place = facts[at + NEXT]!;
    }
    return place;
  }

  #findOctets(hash: number, octets: Uint8Array, start: number, end: number): number {
    const facts = this.#facts;
    let place = this.#first[hash & (this.#first.length - 1)]!;
    while (place !== NOWHERE) {
      const at = place * FACTS;
      if (facts[at + HASH] === hash && isOctets(this.#words[place]!, octets, start, end)) break;
      place = facts[at + NEXT]!;
    }
    return place;
  }

  #link(place: number): void {
    const at = place * FACTS;
    const first = this.#facts[at + HASH]! & (this.#first.length - 1);
    this.#facts[at + NEXT] = this.#first[first]!;
    this.#first[first] = place;
  }

  #unlink(place: number): void {
    const facts = this.#facts;
    const first = facts[place * FACTS + HASH]! & (this.#first.length - 1);
    const next = facts[place * FACTS + NEXT]!;
    if (this.#first[first] === place) {
      this.#first[first] = next;
      return;
    }
    let before = this.#first[first]! * FACTS;
    while (facts[before + NEXT] !== place) before = facts[before + NEXT]! * FACTS;
    facts[before + NEXT] = next;
  }

  /** To be called when there are as many words as there is room for: then no place is free. */
  #grow(): void {
    const size = this.#first.length * 2;
    this.#first = new Int32Array(size).fill(NOWHERE);
    const facts = new Int32Array(size * FACTS);
    facts.set(this.#facts);
    this.#facts = facts;
    for (let place = 0; place < this.#words.length; place++) this.#link(place);
  }
}

function hashOf(word: string): number {
  let hash = HASH_START;
  for (let at = 0; at < word.length; at++) {
    hash = Math.imul(hash ^ word.charCodeAt(at), HASH_FACTOR);
  }
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

/** Where a word ends that begins at a place of a key; `NOWHERE` when another word is there. */
function endOf(word: string, key: string, start: number): number {
  const end = start + word.length;
  if (end > key.length) return NOWHERE;
  for (let index = 0; index < word.length; index++) {
    if (word.charCodeAt(index) !== key.charCodeAt(start + index)) return NOWHERE;
  }
  return end === key.length || key.charCodeAt(end) === DOT ? end : NOWHERE;
}

/** Tells whether octets from `start` to `end` are `word`. */
function isOctets(word: string, octets: Uint8Array, start: number, end: number): boolean {
  if (word.length !== end - start) return false;
  for (let index = 0; index < word.length; index++) {
    if (word.charCodeAt(index) !== octets[start + index]) return false;
  }
  return true;
}
