// deno-lint-ignore-file no-console -- the terminal is what this file is for
/**
 * Compares the routing of random topologies with a plain model: `--seeds N` of them (default 1000),
 * `--from N` on, or the one of `--seed N`; in process, or with `--uri` at a broker that listens, of
 * whichever make.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { Broker, connect } from "../../mod.ts";
import { runRandomTopology, type TopologyTally } from "./random_topology.ts";

const flags = parseArgs(Deno.args, { string: ["seeds", "from", "seed", "uri"] });
const from = Number(flags.seed ?? flags.from ?? Date.now() % 1e9);
const count = flags.seed === undefined ? Number(flags.seeds ?? 1000) : 1;
const tally: TopologyTally = { messages: 0, deliveries: 0, unroutable: 0, returned: 0 };

await using broker = flags.uri === undefined ? new Broker() : undefined;
await using connection = await (broker?.connect() ?? connect(flags.uri!));
for (let seed = from; seed < from + count; seed++) {
  try {
    await runRandomTopology(connection, seed, tally);
  } catch (error) {
    console.error(error);
    console.error(`Seed ${seed} fails`);
    Deno.exit(1);
  }
}
console.log(`${count} topologies from seed ${from}: ${JSON.stringify(tally)}`);
