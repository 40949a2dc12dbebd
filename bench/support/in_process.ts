import { fileURLToPath } from "node:url";
import type { BatchOptions, RoutingLoad } from "./routing_loads.ts";
import { runProgram } from "./run_program.ts";

/** In place of a directory of Warren's files: measures smqp. */
export const SMQP = "smqp";

const WORKER = fileURLToPath(new URL("in_process_worker.ts", import.meta.url));

/** A way of consuming, or of choosing keys. */
export interface InProcessVariant extends BatchOptions {
  /** For people. */
  readonly name: string;
}

/** How each load is run in process. */
export const IN_PROCESS_VARIANTS: readonly InProcessVariant[] = [
  { name: "no-ack", acks: false, newKeys: false },
  { name: "acks", acks: true, newKeys: false },
  { name: "no-ack, new keys", acks: false, newKeys: true },
];

/** The name of a load's variant among all others. */
export function inProcessTitle(load: RoutingLoad, variant: InProcessVariant): string {
  return `in process: ${load.name}, ${variant.name}`;
}

/**
 * Measures a load in a process that is started for it, which has a second to have its code compiled.
 *
 * @param side A directory of Warren's files, with a slash at the end, or {@linkcode SMQP}.
 * @returns Messages a second.
 */
export async function inProcessRate(
  side: string,
  load: RoutingLoad,
  variant: InProcessVariant,
  secs: number,
): Promise<number> {
  const args = ["run", "-A", "--no-check", WORKER, side, load.name, variant.name, `${secs}`];
  return Number(await runProgram(Deno.execPath(), args));
}
