import { isAnchored, stepsOf, writtenOutSize } from "./cost.ts";
import { parsePattern } from "./parse.ts";

/** The longest expression in bytes, as in RabbitMQ. */
export const PATTERN_MAX = 1024;

/**
 * So many steps are few enough: matching the longest name takes some ten milliseconds at worst, since
 * the bound is far above what really happens. That allows for three repetitions that may end anywhere,
 * or two when the expression may also begin anywhere.
 */
const STEPS_MAX = 5 * 256 ** 3;
const SIZE_MAX = 10_000;

/**
 * Makes the expression by which names are chosen. It is looked for anywhere in a name.
 *
 * `RegExp` cannot be stopped once it runs, and some expressions run for centuries: `^(a+)+$` on forty
 * letters. RabbitMQ counts steps and gives up. Here the expression is looked at before it is ever
 * used, and one that could take too long is refused.
 *
 * @param text Perl's syntax as far as `RegExp` knows the same, `(?i)` in front included; no references
 * back.
 * @throws {SyntaxError} When it is malformed, or could take too long.
 * @throws {RangeError} When it is longer than 1024 bytes.
 */
export function compilePattern(text: string): RegExp {
  if (text.length > PATTERN_MAX || new TextEncoder().encode(text).length > PATTERN_MAX) {
    throw new RangeError(`Cannot compile pattern: it has more than ${PATTERN_MAX} bytes`);
  }
  const { node, source, flags } = parsePattern(text);
  if (writtenOutSize(node) > SIZE_MAX) throw new SyntaxError("it is too large");
  if (stepsOf(node) > STEPS_MAX) {
    throw new SyntaxError("it could take too long: what it repeats can be divided in many ways");
  }
  const expression = new RegExp(isAnchored(node) ? `^(?:${source})` : source, flags);
  // it is compiled when it is first used, and may turn out to be too large only then
  expression.test("");
  return expression;
}
