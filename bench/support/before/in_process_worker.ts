// deno-lint-ignore-file no-console -- a program of its own
/**
 * A load in the process of a broker whose files lie anywhere: one more program for each measurement, since
 * V8 compiles the same code better or worse from process to process.
 *
 * ```text
 * deno run -A in_process_worker.ts DIRECTORY/ LOAD acks|no-ack|new-keys SECS
 * ```
 *
 * Prints messages a second.
 *
 * @module
 */
import { batchRate } from "../batch_rate.ts";
import { ROUTING_LOADS } from "../routing_loads.ts";
import { warrenBatch } from "../warren_batch.ts";

/** For so long it runs before it is measured. */
const WARM_SECS = 1;

const [directory, name, variant, secs] = Deno.args;
const { Broker } = await import(`file://${directory}mod.ts`) as typeof import("@warren/amqp");
const load = ROUTING_LOADS.find((one) => one.name === name)!;
const options = { acks: variant === "acks", newKeys: variant === "new-keys" };

await using broker = new Broker();
await using connection = await broker.connect();
const batch = await warrenBatch(connection, load, options);
await batchRate(batch, WARM_SECS);
console.log(await batchRate(batch, Number(secs)));
