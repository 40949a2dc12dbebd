import type { BindingFields, Destination } from "./binding.ts";
import { Bucket, NO_DESTINATIONS } from "./bucket.ts";
import {
  HASH as WORD_HASH,
  type KeyWords,
  LENGTH as WORD_LENGTH,
  START as WORD_START,
  TEXT as WORD_TEXT,
  TEXT_FACTS,
  TEXT_MAX,
  WORD_FACTS,
} from "./key_words.ts";

/** The node that all others are below. */
export const ROOT = 0;
/** In place of a node below another one, which the root never is. */
export const NO_NODE = 0;

/** There is room for so many nodes at first: a power of two. */
const SIZE_MIN = 4;
/** Room that is larger than this is made smaller when not even one in so many of its places is taken. */
const SMALL_SIZE = 1024;
const SPARSE = 8;

/** So many numbers are kept of each node, next to each other: with many nodes each look at another place
 * of memory takes as long as all the rest. */
const FACTS = 12;
/** Its word, if it has one, as `KeyWords` has it. */
const TEXT = 0;
const LENGTH = 4;
const HASH = 5;
/** The node above. */
const ABOVE = 6;
/** The next node with the same low bits of the hash, or the next one that is free. */
const NEXT = 7;
/** The nodes right below for a `*` and a `#`, and how many there are for words. That for a `*` is negative while
 * nothing is below it, so that it need not be looked at: mostly a key ends there. */
const STAR = 8;
const POUND = 9;
const WORDS = 10;
/** For a `#`: the last walk that came here. */
const WALK = 11;
const WALK_MAX = 0x7fff_ffff;

/** What is seldom needed stands apart. Of the nodes below one for words: the first, and the neighbours of each. */
const KIN = 3;
const FIRST = 0;
const AFTER = 1;
const BEFORE = 2;

const HASH_FACTOR = 0x9e3779b1 | 0;
const STAR_WORD = 0x2a;
const POUND_WORD = 0x23;

/**
 * Binding keys as a tree of their words. A node is a number, and what is known of all of them stands in one
 * array: on the way to one of ten thousand bindings each object would be another line of memory that is not at
 * hand.
 */
export class TopicTree {
  private _facts = new Int32Array(SIZE_MIN * FACTS);
  private _kin = new Int32Array(SIZE_MIN * KIN);
  /** By the low bits of a hash: the first node with them. Its length is a power of two, and the number of nodes
   * that there is room for. */
  private _first = new Int32Array(SIZE_MIN);
  /** By node: where the bindings lead whose key ends there. Undefined: it has to be asked. */
  private _destinations: (readonly Destination[] | undefined)[] = [undefined];
  private _buckets: (Bucket | undefined)[] = [undefined];
  /** By node: its word, if that is longer than what the facts tell. */
  private _longWords: (Uint8Array | undefined)[] = [undefined];
  /** How many numbers have been given; of those that are free again the first one, and how many there are. */
  private _count = 1;
  private _free = NO_NODE;
  private _freeCount = 0;
  private _walk = 0;

  /** True when there is nothing but the root. */
  get empty(): boolean {
    return this._count - this._freeCount === 1 && this._buckets[ROOT] === undefined;
  }

  /** Adds a binding whose key has these words. */
  add(key: KeyWords, binding: BindingFields): void {
    let node = ROOT;
    for (let word = 0; word < key.count; word++) node = this._next(node, key, word);
    (this._buckets[node] ??= new Bucket()).add(binding);
    this._destinations[node] = undefined;
  }

  /** Removes a binding that was added, with all nodes that nothing needs any more. */
  remove(key: KeyWords, binding: BindingFields): void {
    let node = ROOT;
    for (let word = 0; word < key.count; word++) node = this._existing(node, key, word);
    const bucket = this._buckets[node]!;
    bucket.remove(binding);
    this._destinations[node] = undefined;
    if (!bucket.empty) return;
    this._buckets[node] = undefined;
    this._prune(node);
  }

  // ---- on the way of a routing key

  /** The node below another one for a word of a key. */
  below(node: number, key: KeyWords, word: number): number {
    const facts = this._facts;
    const words = key.facts;
    const at = word * WORD_FACTS;
    if (facts[node * FACTS + WORDS] === 0) return NO_NODE;
    const hash = words[at + WORD_HASH]!;
    let found = this._first[this._placeOf(node, hash)]!;
    while (found !== NO_NODE) {
      const row = found * FACTS;
      if (
        facts[row + HASH] === hash && facts[row + ABOVE] === node &&
        facts[row + LENGTH] === words[at + WORD_LENGTH] &&
        facts[row] === words[at] && facts[row + 1] === words[at + 1] &&
        facts[row + 2] === words[at + 2] && facts[row + 3] === words[at + 3] &&
        (facts[row + LENGTH]! <= TEXT_MAX || this._isLong(found, key, word))
      ) break;
      found = facts[row + NEXT]!;
    }
    return found;
  }

  /** True when a node's long word is this one: their lengths are known to be the same. */
  private _isLong(node: number, { facts, octets }: KeyWords, word: number): boolean {
    const long = this._longWords[node]!;
    const start = facts[word * WORD_FACTS + WORD_START]!;
    for (let at = TEXT_MAX; at < long.length; at++) {
      if (long[at] !== octets[start + at]) return false;
    }
    return true;
  }

  /** True when a node's word is one of a key. */
  isWord(node: number, key: KeyWords, word: number): boolean {
    const facts = this._facts;
    const words = key.facts;
    const row = node * FACTS;
    const at = word * WORD_FACTS;
    return facts[row + HASH] === words[at + WORD_HASH] &&
      facts[row + LENGTH] === words[at + WORD_LENGTH] &&
      facts[row] === words[at] && facts[row + 1] === words[at + 1] &&
      facts[row + 2] === words[at + 2] && facts[row + 3] === words[at + 3] &&
      (facts[row + LENGTH]! <= TEXT_MAX || this._isLong(node, key, word));
  }

  /** The hash of a node's word. */
  hash(node: number): number {
    return this._facts[node * FACTS + HASH]!;
  }

  /** How many nodes are right below another one for words. */
  wordCount(node: number): number {
    return this._facts[node * FACTS + WORDS]!;
  }

  /** The first of those. */
  firstBelow(node: number): number {
    return this._kin[node * KIN + FIRST]!;
  }

  /** The one after one of them. */
  after(node: number): number {
    return this._kin[node * KIN + AFTER]!;
  }

  /** The node below another one for a `*`, with a minus while nothing is below that. */
  star(node: number): number {
    return this._facts[node * FACTS + STAR]!;
  }

  /** The node below another one for a `#`. */
  pound(node: number): number {
    return this._facts[node * FACTS + POUND]!;
  }

  /** True when nothing is below a node. */
  isLeaf(node: number): boolean {
    const row = node * FACTS;
    const facts = this._facts;
    return facts[row + STAR] === NO_NODE && facts[row + POUND] === NO_NODE &&
      facts[row + WORDS] === 0;
  }

  /** Where the bindings lead whose key ends at a node. This array will never change. */
  destinations(node: number): readonly Destination[] {
    return this._destinations[node] ??
      (this._destinations[node] = this._buckets[node]?.destinations ?? NO_DESTINATIONS);
  }

  /** Begins to look for a routing key. */
  begin(): void {
    if (this._walk++ < WALK_MAX) return;
    this._walk = 1;
    for (let node = 0; node < this._count; node++) this._facts[node * FACTS + WALK] = 0;
  }

  /** True when this is asked for the first time since then. */
  comesFirst(node: number): boolean {
    const at = node * FACTS + WALK;
    if (this._facts[at] === this._walk) return false;
    this._facts[at] = this._walk;
    return true;
  }

  // ---- coming and going

  /** The node that a word of a binding key leads to; `NO_NODE` when there is none. */
  private _existing(node: number, key: KeyWords, word: number): number {
    const branch = branchOf(key, word);
    if (branch === undefined) return this.below(node, key, word);
    return Math.abs(this._facts[node * FACTS + branch]!);
  }

  /** The same, made if there is none. */
  private _next(node: number, key: KeyWords, word: number): number {
    const existing = this._existing(node, key, word);
    if (existing !== NO_NODE) return existing;
    const made = this._take();
    const facts = this._facts;
    const row = made * FACTS;
    facts[row + ABOVE] = node;
    const above = facts[node * FACTS + ABOVE]! * FACTS;
    if (facts[above + STAR] === -node) facts[above + STAR] = node;
    const branch = branchOf(key, word);
    if (branch === STAR) facts[node * FACTS + STAR] = -made;
    else if (branch === POUND) facts[node * FACTS + POUND] = made;
    else {
      const at = word * WORD_FACTS;
      for (let text = 0; text < TEXT_FACTS; text++) {
        facts[row + TEXT + text] = key.facts[at + WORD_TEXT + text]!;
      }
      const length = facts[row + LENGTH] = key.facts[at + WORD_LENGTH]!;
      if (length > TEXT_MAX) this._longWords[made] = octetsOf(key, word);
      facts[row + HASH] = key.facts[at + WORD_HASH]!;
      facts[node * FACTS + WORDS]!++;
      this._link(made);
      this._join(made, node);
    }
    return made;
  }

  /** A place for a node, with nothing in it. */
  private _take(): number {
    const free = this._free;
    if (free !== NO_NODE) {
      this._free = this._facts[free * FACTS + NEXT]!;
      this._freeCount--;
      this._facts.fill(0, free * FACTS, (free + 1) * FACTS);
      this._kin.fill(0, free * KIN, (free + 1) * KIN);
      return free;
    }
    if (this._count === this._first.length) this._grow();
    this._destinations.push(undefined);
    this._buckets.push(undefined);
    this._longWords.push(undefined);
    return this._count++;
  }

  /** Removes a node if nothing needs it, and those above it that only it needed. */
  private _prune(node: number): void {
    const facts = this._facts;
    while (node !== ROOT && this.isLeaf(node) && this._buckets[node] === undefined) {
      const row = node * FACTS;
      const above = facts[row + ABOVE]!;
      const aboveRow = above * FACTS;
      if (facts[aboveRow + STAR] === -node) facts[aboveRow + STAR] = NO_NODE;
      else if (facts[aboveRow + POUND] === node) facts[aboveRow + POUND] = NO_NODE;
      else {
        facts[aboveRow + WORDS]!--;
        this._unlink(node);
        this._leave(node, above);
      }
      this._longWords[node] = this._destinations[node] = undefined;
      facts[row + NEXT] = this._free;
      facts[row + ABOVE] = node;
      this._free = node;
      this._freeCount++;
      const over = facts[aboveRow + ABOVE]! * FACTS;
      if (facts[over + STAR] === above && this.isLeaf(above)) facts[over + STAR] = -above;
      node = above;
    }
    const size = this._first.length;
    if (size > SMALL_SIZE && (this._count - this._freeCount) * SPARSE < size) this._shrink();
  }

  /** Makes twice the room. Nothing is free: all nodes keep their numbers. */
  private _grow(): void {
    const size = this._first.length * 2;
    const facts = new Int32Array(size * FACTS);
    facts.set(this._facts);
    this._facts = facts;
    const kin = new Int32Array(size * KIN);
    kin.set(this._kin);
    this._kin = kin;
    this._linkAll(size);
  }

  /** Moves all nodes together into less room. */
  private _shrink(): void {
    const size = this._first.length / SPARSE * 2;
    const from = this._facts;
    const count = this._count;
    const moved = new Int32Array(count);
    let next = 0;
    for (let node = 0; node < count; node++) if (!this._isFree(node)) moved[node] = next++;
    const facts = new Int32Array(size * FACTS);
    const kin = new Int32Array(size * KIN);
    const isHere = (_: unknown, node: number) => !this._isFree(node);
    for (let node = 0; node < count; node++) {
      if (this._isFree(node)) continue;
      const row = moved[node]! * FACTS;
      facts.set(from.subarray(node * FACTS, (node + 1) * FACTS), row);
      const star = facts[row + STAR]!;
      facts[row + STAR] = star < 0 ? -moved[-star]! : moved[star]!;
      facts[row + POUND] = moved[facts[row + POUND]!]!;
      facts[row + ABOVE] = moved[facts[row + ABOVE]!]!;
      const to = moved[node]! * KIN;
      for (let one = 0; one < KIN; one++) kin[to + one] = moved[this._kin[node * KIN + one]!]!;
    }
    this._destinations = this._destinations.filter(isHere);
    this._buckets = this._buckets.filter(isHere);
    this._longWords = this._longWords.filter(isHere);
    this._facts = facts;
    this._kin = kin;
    this._count = next;
    this._free = NO_NODE;
    this._freeCount = 0;
    this._linkAll(size);
  }

  private _linkAll(size: number): void {
    this._first = new Int32Array(size);
    for (let node = 1; node < this._count; node++) if (this._hasWord(node)) this._link(node);
  }

  /** A free node is the one above itself. */
  private _isFree(node: number): boolean {
    return node !== ROOT && this._facts[node * FACTS + ABOVE] === node;
  }

  private _hasWord(node: number): boolean {
    const above = this._facts[node * FACTS + ABOVE]!;
    return Math.abs(this.star(above)) !== node && this.pound(above) !== node;
  }

  /** Where nodes begin that may be the one below another for a word of this hash. */
  private _placeOf(above: number, hash: number): number {
    const mixed = Math.imul(hash ^ Math.imul(above, HASH_FACTOR), HASH_FACTOR);
    return (mixed ^ mixed >>> 15) & this._first.length - 1;
  }

  private _placeOfNode(node: number): number {
    const row = node * FACTS;
    return this._placeOf(this._facts[row + ABOVE]!, this._facts[row + HASH]!);
  }

  private _link(node: number): void {
    const place = this._placeOfNode(node);
    this._facts[node * FACTS + NEXT] = this._first[place]!;
    this._first[place] = node;
  }

  /** Puts one first among those below another one for words. */
  private _join(node: number, above: number): void {
    const kin = this._kin;
    const next = kin[above * KIN + FIRST]!;
    kin[node * KIN + AFTER] = next;
    if (next !== NO_NODE) kin[next * KIN + BEFORE] = node;
    kin[above * KIN + FIRST] = node;
  }

  private _leave(node: number, above: number): void {
    const kin = this._kin;
    const before = kin[node * KIN + BEFORE]!;
    const after = kin[node * KIN + AFTER]!;
    if (before === NO_NODE) kin[above * KIN + FIRST] = after;
    else kin[before * KIN + AFTER] = after;
    if (after !== NO_NODE) kin[after * KIN + BEFORE] = before;
  }

  private _unlink(node: number): void {
    const facts = this._facts;
    const place = this._placeOfNode(node);
    const next = facts[node * FACTS + NEXT]!;
    if (this._first[place] === node) {
      this._first[place] = next;
      return;
    }
    let before = this._first[place]! * FACTS;
    while (facts[before + NEXT] !== node) before = facts[before + NEXT]! * FACTS;
    facts[before + NEXT] = next;
  }
}

function octetsOf({ facts, octets }: KeyWords, word: number): Uint8Array {
  const start = facts[word * WORD_FACTS + WORD_START]!;
  return octets.slice(start, start + facts[word * WORD_FACTS + WORD_LENGTH]!);
}

/** Where a word of a binding key is a wildcard: which. */
function branchOf({ facts }: KeyWords, word: number): typeof STAR | typeof POUND | undefined {
  const at = word * WORD_FACTS;
  if (facts[at + WORD_LENGTH] !== 1) return undefined;
  const octet = facts[at + WORD_TEXT];
  return octet === STAR_WORD ? STAR : octet === POUND_WORD ? POUND : undefined;
}
