import { ALL_CHARACTERS, type CharacterSet, NO_LINE_BREAK, type PatternNode } from "./node.ts";

/** The longest name that is matched, in characters. */
const NAME_MAX = 255;

/** What going through a part of an expression costs a backtracking matcher at worst. */
interface Cost {
  /** In how many ways it can be gone through, all of which are tried before the name is given up. */
  readonly ways: number;
  /** How many steps going through it takes, in all of these ways. */
  readonly steps: number;
}

/**
 * How many steps a backtracking matcher takes before it gives the worst name up: an upper bound,
 * `Infinity` when it doubles with each character.
 *
 * A repetition multiplies the ways by the places where it may end, unless what comes next shows where
 * that is: in `[a-z]+\.`, only where the dot is. A repetition around something that can be gone
 * through in several ways multiplies them by each other.
 */
export function stepsOf(node: PatternNode): number {
  return cost(node, 0n).steps * (isAnchored(node) ? 1 : NAME_MAX);
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
function cost(node: PatternNode, follow: CharacterSet): Cost {
  switch (node.kind) {
    case "sequence":
      return costOfSequence(node.items, follow);
    case "choice":
      return costOfChoice(node.options, follow);
    case "repeat":
      return costOfRepeat(node, follow);
    case "look":
      // once it has been gone through, no other way is tried
      return { ways: 1, steps: cost(node.body, 0n).steps };
    default:
      return { ways: 1, steps: 1 };
  }
}

/** In each way through what comes first, what comes next is gone through. */
function costOfSequence(items: readonly PatternNode[], follow: CharacterSet): Cost {
  let [ways, steps] = [1, 1];
  for (const item of items.toReversed()) {
    const first = cost(item, follow);
    steps = first.steps + first.ways * steps;
    ways *= first.ways;
    follow = isNullable(item) ? firstOf(item) | follow : firstOf(item);
  }
  return { ways, steps };
}

/** Where the next character shows which option it is, there is no choice. */
function costOfChoice(options: readonly PatternNode[], follow: CharacterSet): Cost {
  const costs = options.map((option) => cost(option, follow));
  const steps = costs.reduce((sum, one) => sum + one.steps, 0);
  let seen = 0n;
  for (const option of options) {
    const first = isNullable(option) ? firstOf(option) | follow : firstOf(option);
    if ((first & seen) !== 0n) return { ways: sumOfWays(costs), steps };
    seen |= first;
  }
  // two that take nothing cannot be told apart either
  if (options.filter(isNullable).length > 1) return { ways: sumOfWays(costs), steps };
  return { ways: Math.max(...costs.map(({ ways }) => ways)), steps };
}

function sumOfWays(costs: readonly Cost[]): number {
  return costs.reduce((sum, { ways }) => sum + ways, 0);
}

function costOfRepeat(
  { body, min, max }: Extract<PatternNode, { kind: "repeat" }>,
  follow: CharacterSet,
): Cost {
  const first = firstOf(body);
  const inside = cost(body, max > 1 ? first | follow : follow);
  const through = inside.ways === 1 ? 1 : inside.ways ** max;
  const times = Math.min(max, NAME_MAX);
  const ends = min === max || (first & follow) === 0n ? 1 : times - Math.min(min, NAME_MAX) + 1;
  return { ways: through * ends, steps: inside.steps * Math.max(1, times) * through };
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
