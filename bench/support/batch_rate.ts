import { MESSAGES } from "./routing_loads.ts";

/** Messages a second when a batch is run again and again for so long. */
export async function batchRate(
  batch: () => Promise<void> | void,
  secs: number,
): Promise<number> {
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
