import { SIZES } from "./sizes.ts";

/**
 * Values of options that are a number of something.
 *
 * @module
 */

/** What a value comes to; undefined when it is none. */
export type Read<Value> = (text: string) => Value | undefined;

/** What a size is, as an error says it. */
export const SIZE = "a size such as 256MiB";
/** The same of a time. */
export const TIME = "a time in ms, or such as 30m";

const TIMES: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
]);
const ONES: ReadonlyMap<string, number> = new Map([["", 1]]);

/** A size, in bytes. */
export function size(most: number, least = 0): Read<number> {
  return scaled(SIZES, least, most);
}

/** A time, in milliseconds. */
export function time(most: number, least = 0): Read<number> {
  return scaled(TIMES, least, most);
}

/** A whole number. */
export function whole(most: number, least = 0): Read<number> {
  return scaled(ONES, least, most);
}

/** The same, or no limit at all. */
export function endless(read: Read<number>): Read<number> {
  return (text) => text === "infinity" || text === "none" ? Infinity : read(text);
}

/** A whole number with a unit. */
function scaled(units: ReadonlyMap<string, number>, least: number, most: number): Read<number> {
  return (text) => {
    const [, digits, unit] = /^(\d+)([A-Za-z]*)$/.exec(text) ?? [];
    const value = Number(digits) * (units.get(unit ?? "") ?? NaN);
    return value >= least && value <= most ? value : undefined;
  };
}
