const SECOND_MS = 1000;
const DAY_MS = 24 * 3600 * SECOND_MS;

const UNIT_MS: Readonly<Record<string, number>> = {
  Y: 365 * DAY_MS,
  M: 30 * DAY_MS,
  D: DAY_MS,
  h: 3600 * SECOND_MS,
  m: 60 * SECOND_MS,
  s: SECOND_MS,
};

/**
 * Reads a length of time as streams have it: a number and one of Y, M, D, h, m, s, such as `7D`.
 *
 * @returns Milliseconds; undefined when it is none, or no time at all.
 */
export function parseAge(text: string): number | undefined {
  const [, digits, unit] = /^(\d+)([YMDhms])$/.exec(text) ?? [];
  const count = Number(digits);
  return unit === undefined || count === 0 ? undefined : count * UNIT_MS[unit]!;
}
