/** The functions of `@std/cli` that Warren uses, from the same code on npm, with types. */
// @ts-types="./types.d.ts"
export { parseArgs } from "deno-std/cli/parse_args.js";
