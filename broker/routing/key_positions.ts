import {
  HASH,
  type KeyWords,
  LENGTH,
  START,
  TEXT_FACTS,
  TEXT_MAX,
  WORD_FACTS,
} from "./key_words.ts";
import type { TopicTree } from "./topic_tree.ts";

/** In place of the mask of a word that the key has not. */
export const NO_MASK = -1;
/** The mask of all positions that have a word. */
export const ANY_WORD = 0;
const SIZE_MIN = 64;

/**
 * Sets of positions in a key, a bit for each of them and one for its end, and which of its words stand where. All
 * positions at which something may match are followed at once: a step of a binding key costs as many operations as
 * there are 32 positions, whatever a `#` before it stands for.
 */
export class KeyPositions {
  /** How many different words the key has. */
  distinct = 0;
  private _key: KeyWords | undefined = undefined;
  /** So many numbers are a set. */
  private _width = 1;
  /** Where the key ends. */
  private _end = 0;
  /** A mask of positions for each word, behind that of all words. */
  private _masks = new Int32Array(SIZE_MIN);
  /** By word: where it stands first. */
  private _firsts = new Int32Array(SIZE_MIN);
  /** By the low bits of a hash, or behind: the mask of a word. Its length is a power of two. */
  private _table = new Int32Array(2 * SIZE_MIN);
  /** The sets of a way down, one behind another. */
  private _sets = new Int32Array(SIZE_MIN);

  /** Takes the words of a key. */
  take(key: KeyWords): void {
    const { count } = key;
    this._key = key;
    this._end = count;
    const width = this._width = (count >> 5) + 1;
    if (this._firsts.length <= count) {
      this._firsts = new Int32Array(2 * count);
      this._table = new Int32Array(4 << 32 - Math.clz32(count));
    } else this._table.fill(0);
    if (this._masks.length < (count + 1) * width) {
      this._masks = new Int32Array(2 * (count + 1) * width);
    } else this._masks.fill(0, 0, (count + 1) * width);
    this.distinct = 0;
    for (let position = 0; position < count; position++) {
      this._mark(ANY_WORD, position);
      this._mark(this._maskOf(position), position);
    }
  }

  private _mark(mask: number, position: number): void {
    this._masks[mask * this._width + (position >> 5)]! |= 1 << (position & 31);
  }

  /** That of the word at a position; it may be a new one. */
  private _maskOf(position: number): number {
    const key = this._key!;
    const table = this._table;
    let place = key.facts[position * WORD_FACTS + HASH]! & table.length - 1;
    for (let mask = table[place]!; mask !== 0; mask = table[place]!) {
      if (isSame(key, this._firsts[mask]!, position)) return mask;
      place = place + 1 & table.length - 1;
    }
    const made = ++this.distinct;
    this._firsts[made] = position;
    return table[place] = made;
  }

  /** The mask of a node's word; `NO_MASK` when the key has no such word. */
  maskOfNode(tree: TopicTree, node: number): number {
    const table = this._table;
    let place = tree.hash(node) & table.length - 1;
    for (let mask = table[place]!; mask !== 0; mask = table[place]!) {
      if (tree.isWord(node, this._key!, this._firsts[mask]!)) return mask;
      place = place + 1 & table.length - 1;
    }
    return NO_MASK;
  }

  /** Where the word of a mask stands first. */
  first(mask: number): number {
    return this._firsts[mask]!;
  }

  /** Begins a way down with a position and all behind it. */
  begin(position: number): void {
    this._room(0);
    this._sets.fill(0, 0, this._width);
    this._sets[position >> 5] = 1 << (position & 31);
    this._spread(0, 0);
  }

  private _room(level: number): void {
    const needed = (level + 1) * this._width;
    if (this._sets.length >= needed) return;
    const sets = new Int32Array(2 * needed);
    sets.set(this._sets);
    this._sets = sets;
  }

  /** Makes the set of the next level: what comes behind those whose words are in a mask. False when that is none. */
  step(level: number, mask: number): boolean {
    this._room(level + 1);
    const width = this._width;
    const sets = this._sets;
    const masks = this._masks;
    const from = level * width;
    const to = from + width;
    const at = mask * width;
    let carry = 0;
    let any = 0;
    for (let index = 0; index < width; index++) {
      const bits = sets[from + index]! & masks[at + index]!;
      any |= sets[to + index] = bits << 1 | carry;
      carry = bits >>> 31;
    }
    return any !== 0;
  }

  /** Makes the set of the next level: the first one and all behind it. */
  spread(level: number): void {
    this._room(level + 1);
    this._spread(level * this._width, (level + 1) * this._width);
  }

  private _spread(from: number, to: number): void {
    const width = this._width;
    const sets = this._sets;
    let index = 0;
    for (; sets[from + index] === 0; index++) sets[to + index] = 0;
    const bits = sets[from + index]!;
    sets[to + index] = -(bits & -bits);
    while (++index < width) sets[to + index] = -1;
    // nothing is behind the end
    sets[to + width - 1]! &= -1 >>> 31 - (this._end & 31);
  }

  /** True when the key may end here. */
  ends(level: number): boolean {
    return (this._sets[level * this._width + (this._end >> 5)]! >>> (this._end & 31) & 1) === 1;
  }

  /** True when it may do so after one more word. */
  endsNext(level: number): boolean {
    const last = this._end - 1;
    return (this._sets[level * this._width + (last >> 5)]! >>> (last & 31) & 1) === 1;
  }
}

function isSame({ facts, octets }: KeyWords, one: number, other: number): boolean {
  const a = one * WORD_FACTS;
  const b = other * WORD_FACTS;
  if (facts[a + HASH] !== facts[b + HASH] || facts[a + LENGTH] !== facts[b + LENGTH]) return false;
  for (let text = 0; text < TEXT_FACTS; text++) {
    if (facts[a + text] !== facts[b + text]) return false;
  }
  const length = facts[a + LENGTH]!;
  const [startA, startB] = [facts[a + START]!, facts[b + START]!];
  for (let at = TEXT_MAX; at < length; at++) {
    if (octets[startA + at] !== octets[startB + at]) return false;
  }
  return true;
}
