import { assertGreater } from "@std/assert";
import type { BrokerTally } from "./broker_simulation.ts";
import { simulateVhosts } from "./vhost_simulation.ts";

const SEEDS = 40;

Deno.test(`Vhosts come and go through ${SEEDS} simulated lives full of crashes and failures`, async () => {
  const tally: BrokerTally = { operations: 0, crashes: 0, confirms: 0, failures: 0, blocked: 0 };
  const from = Date.now() % 1e9;
  for (let seed = from; seed < from + SEEDS; seed++) {
    try {
      await simulateVhosts(seed, tally);
    } catch (cause) {
      throw new Error(
        `Seed ${seed} fails. Again: deno task simulate --only vhosts --seed ${seed}`,
        {
          cause,
        },
      );
    }
  }
  // A simulation in which nothing happens proves nothing.
  assertGreater(tally.operations, 50 * SEEDS);
  assertGreater(tally.confirms, 10 * SEEDS);
  assertGreater(tally.crashes, 2 * SEEDS);
  assertGreater(tally.failures, 0);
});
