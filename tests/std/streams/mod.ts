/** The functions of `@std/streams` that Warren uses, from the same code on npm, with types. */
// @ts-types="./types.d.ts"
export { TextLineStream, toText } from "deno-std/streams/mod.js";
