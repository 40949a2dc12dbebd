// deno-lint-ignore-file no-console -- a program of its own
/**
 * A load in the process of a broker: one more program for each measurement, since V8 compiles the same code
 * better or worse from process to process, and worse after other loads.
 *
 * ```text
 * deno run -A in_process_worker.ts smqp|DIRECTORY/ LOAD VARIANT SECS
 * ```
 *
 * Prints messages a second: of smqp, or of Warren's files in a directory.
 *
 * @module
 */
import { batchRate } from "./batch_rate.ts";
import { IN_PROCESS_VARIANTS, SMQP } from "./in_process.ts";
import { type BatchOptions, ROUTING_LOADS, type RoutingLoad } from "./routing_loads.ts";

/** For so long it runs before it is measured. */
const WARM_SECS = 1;

const [side, loadName, variantName, secs] = Deno.args;
const load = ROUTING_LOADS.find(({ name }) => name === loadName)!;
const options = IN_PROCESS_VARIANTS.find(({ name }) => name === variantName)!;

await using stack = new AsyncDisposableStack();
const batch = side === SMQP
  ? await batchOfSmqp(load, options)
  : await batchOfWarren(side!, load, options);
await batchRate(batch, WARM_SECS);
console.log(await batchRate(batch, Number(secs)));

// neither is loaded beside the other

async function batchOfSmqp(load: RoutingLoad, options: BatchOptions): Promise<() => void> {
  const { smqpBatch } = await import("./smqp_batch.ts");
  return smqpBatch(load, options);
}

async function batchOfWarren(
  directory: string,
  load: RoutingLoad,
  options: BatchOptions,
): Promise<() => Promise<void>> {
  const { Broker } = await import(`file://${directory}mod.ts`) as typeof import("@warren/amqp");
  const { warrenBatch } = await import("./warren_batch.ts");
  const broker = stack.use(new Broker());
  return await warrenBatch(stack.use(await broker.connect()), load, options);
}
