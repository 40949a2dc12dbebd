import { Broker } from "@warren/amqp";
import { batchRate } from "../batch_rate.ts";
import { ROUTING_LOADS } from "../routing_loads.ts";
import { smqpBatch } from "../smqp_batch.ts";
import { warrenBatch } from "../warren_batch.ts";
import { atLeast, type GoalOfLoad } from "./goals.ts";
import type { Results } from "./results.ts";
import type { RunOptions } from "./run_options.ts";

const VARIANTS = [
  { name: "no-ack", acks: false, newKeys: false },
  { name: "acks", acks: true, newKeys: false },
  { name: "no-ack, new keys", acks: false, newKeys: true },
] as const;

const UNIT = "messages/s";

/** Twenty times smqp wherever what is published is consumed: new keys on a direct exchange go nowhere. */
export const IN_PROCESS_GOALS: readonly GoalOfLoad[] = ROUTING_LOADS.flatMap((load) =>
  VARIANTS.filter(({ newKeys }) => !newKeys || load.newKeyCopies > 0)
    .map(({ name }) => ({ load: title(load.name, name), unit: UNIT, ...atLeast(20, "smqp") }))
);

/** Compares Warren with smqp, both in this process, by the loads of `in_process_bench.ts`. */
export async function compareInProcess(
  results: Results,
  { rounds, secs, wanted }: RunOptions,
): Promise<void> {
  await using broker = new Broker();
  await using connection = await broker.connect();
  for (const load of ROUTING_LOADS) {
    for (const { name, ...options } of VARIANTS) {
      if (!wanted(title(load.name, name))) continue;
      const warren = await warrenBatch(connection, load, options);
      const smqp = smqpBatch(load, options);
      await batchRate(warren, secs); // both get compiled before they are measured
      await batchRate(smqp, secs);
      for (let round = 0; round < rounds; round++) {
        results.add(title(load.name, name), UNIT, "Warren", await batchRate(warren, secs));
        results.add(title(load.name, name), UNIT, "smqp", await batchRate(smqp, secs));
      }
    }
  }
}

function title(load: string, variant: string): string {
  return `in process: ${load}, ${variant}`;
}
