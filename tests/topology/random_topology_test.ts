import { assertGreater } from "@std/assert";
import { Broker } from "../../mod.ts";
import { runRandomTopology, type TopologyTally } from "./random_topology.ts";

const SEEDS = 150;

Deno.test(`${SEEDS} random topologies route as a plain model does`, async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const tally: TopologyTally = { messages: 0, deliveries: 0, unroutable: 0, returned: 0 };
  const from = Date.now() % 1e9;
  for (let seed = from; seed < from + SEEDS; seed++) {
    try {
      await runRandomTopology(connection, seed, tally);
    } catch (cause) {
      throw new Error(
        `Seed ${seed} fails. Again: deno run -A tests/topology/main.ts --seed ${seed}`,
        { cause },
      );
    }
  }
  // Topologies that lead nowhere, or always somewhere, prove nothing.
  assertGreater(tally.deliveries, 10 * SEEDS);
  assertGreater(tally.returned, SEEDS);
});
