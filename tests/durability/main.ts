// deno-lint-ignore-file no-console -- the terminal is what this file is for
/**
 * Kills a broker under load again and again and looks for what was confirmed:
 * `deno run -A tests/durability/main.ts [kills]`.
 *
 * @module
 */
import { runKills } from "./kill.ts";

const kills = Number(Deno.args[0] ?? 50);
const report = await runKills({ kills, random: Math.random });
console.log(JSON.stringify(report));
console.log("nothing that was confirmed is missing, and the order is kept");
