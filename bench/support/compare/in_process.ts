import { Broker } from "@warren/amqp";
import { MESSAGES, ROUTING_LOADS } from "../routing_loads.ts";
import { smqpBatch } from "../smqp_batch.ts";
import { warrenBatch } from "../warren_batch.ts";
import type { Results } from "./results.ts";

const VARIANTS = [
  { name: "no-ack", acks: false, newKeys: false },
  { name: "acks", acks: true, newKeys: false },
  { name: "no-ack, new keys", acks: false, newKeys: true },
] as const;

/** Compares Warren with smqp, both in this process, by the loads of `in_process_bench.ts`. */
export async function compareInProcess(
  results: Results,
  { rounds, secs }: { readonly rounds: number; readonly secs: number },
): Promise<void> {
  await using broker = new Broker();
  await using connection = await broker.connect();
  for (const load of ROUTING_LOADS) {
    for (const { name, ...options } of VARIANTS) {
      const warren = await warrenBatch(connection, load, options);
      const smqp = smqpBatch(load, options);
      await rate(warren, secs); // both get compiled before they are measured
      await rate(smqp, secs);
      for (let round = 0; round < rounds; round++) {
        const title = `in process: ${load.name}, ${name}`;
        results.add(title, "messages/s", "Warren", await rate(warren, secs));
        results.add(title, "messages/s", "smqp", await rate(smqp, secs));
      }
    }
  }
}

/** Messages a second when a batch is run again and again. */
async function rate(batch: () => Promise<void> | void, secs: number): Promise<number> {
  const began = performance.now();
  let batches = 0;
  let elapsed = 0;
  while (elapsed < secs * 1000) {
    await batch();
    batches++;
    elapsed = performance.now() - began;
  }
  return batches * MESSAGES / elapsed * 1000;
}
