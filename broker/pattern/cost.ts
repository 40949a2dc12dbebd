import { ALL_CHARACTERS, type CharacterSet, NO_LINE_BREAK, type PatternNode } from "./node.ts";

/** The longest name that is matched, in characters. */
const NAME_MAX = 255;

/**
 * How many ways a backtracking matcher may go through an expression before it gives a name up: an
 * upper bound, `Infinity` when it doubles with each character.
 *
 * A repetition multiplies the ways by the places where it may end, unless what comes next shows where
 * that is: in `[a-z]+\.`, only where the dot is. A repetition around something that can be gone
 * through in several ways multiplies them by each other.
 */
export function waysThrough(node: PatternNode): number {
  return ways(node, 0n) * (isAnchored(node) ? 1 : NAME_MAX);
}

/** So many parts it has once its counted repetitions are written out. */
export function writtenOutSize(node: PatternNode): number {
  switch (node.kind) {
    case "sequence":
      return node.items.reduce((sum, item) => sum + writtenOutSize(item), 1);
    case "choice":
      return node.options.reduce((sum, option) => sum + writtenOutSize(option), 1);
    case "repeat":
      return writtenOutSize(node.body) *
        Math.max(1, node.max === Infinity ? node.min + 1 : node.max);
    case "look":
      return writtenOutSize(node.body);
    default:
      return 1;
  }
}

/** True when it matches at the beginning of a name or nowhere. What begins with `.*` may as well. */
export function isAnchored(node: PatternNode): boolean {
  if (node.kind === "start") return true;
  if (node.kind === "repeat") {
    const { body, min, max } = node;
    return min === 0 && max === Infinity && body.kind === "set" && body.set === NO_LINE_BREAK;
  }
  if (node.kind === "choice") return node.options.every(isAnchored);
  return node.kind === "sequence" && node.items.length > 0 && isAnchored(node.items[0]!);
}

/**
 * @param follow The characters that may come after it. None: nothing needs to, or nothing may; either
 * way there is no trying of other ways.
 */
function ways(node: PatternNode, follow: CharacterSet): number {
  switch (node.kind) {
    case "sequence":
      return waysOfSequence(node.items, follow);
    case "choice":
      return waysOfChoice(node.options, follow);
    case "repeat":
      return waysOfRepeat(node, follow);
    case "look":
      return ways(node.body, 0n);
    default:
      return 1;
  }
}

function waysOfSequence(items: readonly PatternNode[], follow: CharacterSet): number {
  let product = 1;
  for (const item of items.toReversed()) {
    product *= ways(item, follow);
    follow = isNullable(item) ? firstOf(item) | follow : firstOf(item);
  }
  return product;
}

/** Where the next character shows which option it is, there is no choice. */
function waysOfChoice(options: readonly PatternNode[], follow: CharacterSet): number {
  let [sum, most, seen, disjoint] = [0, 0, 0n, true];
  for (const option of options) {
    const count = ways(option, follow);
    sum += count;
    most = Math.max(most, count);
    const first = isNullable(option) ? firstOf(option) | follow : firstOf(option);
    if ((first & seen) !== 0n) disjoint = false;
    seen |= first;
  }
  // two that take nothing cannot be told apart either
  if (options.filter(isNullable).length > 1) disjoint = false;
  return disjoint ? most : sum;
}

function waysOfRepeat(
  { body, min, max }: Extract<PatternNode, { kind: "repeat" }>,
  follow: CharacterSet,
): number {
  const first = firstOf(body);
  const inside = ways(body, max > 1 ? first | follow : follow);
  const through = inside === 1 ? 1 : inside ** max;
  const ends = min === max || (first & follow) === 0n
    ? 1
    : Math.min(max, NAME_MAX) - Math.min(min, NAME_MAX) + 1;
  return through * ends;
}

/** The characters that it may begin with. */
function firstOf(node: PatternNode): CharacterSet {
  switch (node.kind) {
    case "set":
      return node.set;
    case "sequence": {
      let first = 0n;
      for (const item of node.items) {
        first |= firstOf(item);
        if (!isNullable(item)) break;
      }
      return first;
    }
    case "choice":
      return node.options.reduce((first, option) => first | firstOf(option), 0n);
    case "repeat":
      return firstOf(node.body);
    case "look":
      return ALL_CHARACTERS;
    default:
      return 0n;
  }
}

/** True when it may take nothing and something may come after it. */
function isNullable(node: PatternNode): boolean {
  switch (node.kind) {
    case "set":
    case "end":
      return false;
    case "sequence":
      return node.items.every(isNullable);
    case "choice":
      return node.options.some(isNullable);
    case "repeat":
      return node.min === 0 || isNullable(node.body);
    default:
      return true;
  }
}
