import { assertGreater } from "@std/assert";
import { simulate, type Tally } from "./simulation.ts";

const SEEDS = 400;

Deno.test(`The store survives ${SEEDS} simulated lives full of crashes and failures`, () => {
  const tally: Tally = { operations: 0, crashes: 0, confirms: 0, failures: 0 };
  const from = Date.now() % 1e9;
  for (let seed = from; seed < from + SEEDS; seed++) {
    try {
      simulate(seed, tally);
    } catch (cause) {
      throw new Error(`Seed ${seed} fails. Again: deno task simulate --only store --seed ${seed}`, {
        cause,
      });
    }
  }
  // A simulation in which nothing happens proves nothing.
  assertGreater(tally.operations, 50 * SEEDS);
  assertGreater(tally.confirms, SEEDS);
  assertGreater(tally.crashes, SEEDS);
  assertGreater(tally.failures, SEEDS / 20);
});
