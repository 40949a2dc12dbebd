// deno-lint-ignore-file no-console -- the terminal is what this file is for
/**
 * Kills a broker under the load of several clients again and again and looks for what was confirmed:
 * `deno run -A tests/durability/main.ts [kills]`.
 *
 * @module
 */
import { runKills } from "./kill.ts";
import { otherPublishers } from "./publishers.ts";

const kills = Number(Deno.args[0] ?? 50);
const others = await otherPublishers((name, reason) => console.log(`without ${name}: ${reason}`));
const report = await runKills({ kills, random: Math.random, others });
console.log(JSON.stringify(report));
console.log("nothing that was confirmed is missing, and the order is kept");
