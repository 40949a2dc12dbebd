import { assertGreater } from "@std/assert";
import { type BrokerTally, simulateBroker } from "./broker_simulation.ts";

const SEEDS = 60;

Deno.test(`The whole broker survives ${SEEDS} simulated lives full of crashes and failures`, async () => {
  const tally: BrokerTally = { operations: 0, crashes: 0, confirms: 0, failures: 0, blocked: 0 };
  const from = Date.now() % 1e9;
  for (let seed = from; seed < from + SEEDS; seed++) {
    try {
      await simulateBroker(seed, tally);
    } catch (cause) {
      throw new Error(
        `Seed ${seed} fails. Again: deno task simulate --only broker --seed ${seed}`,
        { cause },
      );
    }
  }
  // A simulation in which nothing happens proves nothing.
  assertGreater(tally.operations, 50 * SEEDS);
  assertGreater(tally.confirms, 20 * SEEDS);
  assertGreater(tally.crashes, SEEDS / 2);
  assertGreater(tally.failures, 0);
  assertGreater(tally.blocked, 0);
});
