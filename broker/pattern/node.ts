/**
 * A regular expression as a tree, as far as the question goes how long it may take.
 *
 * Which character something begins with is a set of 129 bits: one for each ASCII character, both
 * cases of a letter being one, and one for all the others.
 *
 * @module
 */

/** A set of characters. */
export type CharacterSet = bigint;

/** A part of an expression. */
export type PatternNode =
  /** One character out of a set. */
  | { readonly kind: "set"; readonly set: CharacterSet }
  /** One after another. */
  | { readonly kind: "sequence"; readonly items: readonly PatternNode[] }
  /** One of them. */
  | { readonly kind: "choice"; readonly options: readonly PatternNode[] }
  /** The same again and again. */
  | {
    readonly kind: "repeat";
    readonly body: PatternNode;
    readonly min: number;
    readonly max: number;
  }
  /** Looks ahead or back and takes nothing. */
  | { readonly kind: "look"; readonly body: PatternNode }
  /** The beginning, the end, or a border of words. */
  | { readonly kind: "start" | "end" | "border" };

/** What is beyond ASCII. */
const OTHERS = 128;

/** Every character. */
export const ALL_CHARACTERS: CharacterSet = (1n << BigInt(OTHERS + 1)) - 1n;

/** The set of one character. */
export function setOf(character: string): CharacterSet {
  return range(character.charCodeAt(0), character.charCodeAt(0));
}

/** All from one character code to another. */
export function range(from: number, to: number): CharacterSet {
  let set = 0n;
  for (let code = from; code <= Math.min(to, OTHERS); code++) {
    set |= 1n << BigInt(Math.min(code, OTHERS));
    const character = String.fromCharCode(code);
    for (const other of [character.toLowerCase(), character.toUpperCase()]) {
      set |= 1n << BigInt(Math.min(other.charCodeAt(0), OTHERS));
    }
  }
  return to > OTHERS ? set | 1n << BigInt(OTHERS) : set;
}

/** What a dot stands for. */
export const NO_LINE_BREAK: CharacterSet = ALL_CHARACTERS ^ (setOf("\n") | setOf("\r"));
