/** The functions of `@std/bytes` that Warren uses, from the same code on npm, with types. */
// @ts-types="./types.d.ts"
export { concat, copy, endsWith, equals, indexOfNeedle } from "deno-std/bytes/mod.js";
