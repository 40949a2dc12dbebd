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

/** Lives in which a store once failed: it tried for ever to make room on a full disk, gave up parts of
 * bodies whose settlement was not written, took what it had found for synced after a sync that failed,
 * found again what a failed write had left behind, took old bytes for the end of a segment, and wrote
 * over what a torn write had left, which came back behind it. */
const LIVED_THROUGH = [
  394200444,
  395502685,
  397584472,
  394202946,
  845670063,
  394203557,
  510000508,
  950010751,
];

for (const seed of LIVED_THROUGH) {
  Deno.test(`The store survives the simulated life ${seed}, in which it failed once`, () => {
    const tally: Tally = { operations: 0, crashes: 0, confirms: 0, failures: 0 };
    simulate(seed, tally);
    assertGreater(tally.failures, 0);
  });
}
