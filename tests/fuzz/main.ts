// deno-lint-ignore-file no-console -- a program for the terminal
/**
 * Fuzzing for as long as one likes:
 * `deno run -A tests/fuzz/main.ts --seconds 600`, and to replay what failed, `--seed 123`.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { fuzzBroker, fuzzCodec, fuzzFrameReader } from "./fuzz.ts";

const args = parseArgs(Deno.args, { string: ["seconds", "seed"] });
const only = args["seed"] === undefined ? undefined : Number(args["seed"]);
const endsAt = Date.now() + Number(args["seconds"] ?? 60) * 1000;

let seed = only ?? Math.floor(Math.random() * 2 ** 31);
let count = 0;
do {
  try {
    fuzzFrameReader(seed);
    fuzzCodec(seed);
    await fuzzBroker(seed);
  } catch (error) {
    console.error(`Failed for --seed ${seed}:`, error);
    Deno.exit(1);
  }
  seed = (seed + 1) % 2 ** 31;
  count++;
  if (count % 500 === 0) console.log(`${count} seeds so far, ${seed} is next`);
} while (only === undefined && Date.now() < endsAt);
console.log(`${count} seeds, nothing found`);
