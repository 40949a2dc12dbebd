// deno-lint-ignore-file no-console
/**
 * Runs many seeds of the simulations and goes on when one fails or does not end: `--seeds N` of each
 * `--from N` on, `--only` one of `store`, `broker`, `delayed`, `streams`, `work` and `vhosts`, `--limit N`
 * seconds for each at most (default 15).
 * Needs `--allow-read`. Ends with status 1 when any failed.
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import type { HuntOrder, HuntReport } from "./hunt_worker.ts";

const flags = parseArgs(Deno.args, { string: ["seeds", "from", "only", "limit"] });
const from = Number(flags.from ?? Date.now() % 1e9);
const to = from + Number(flags.seeds ?? 10_000);
const limitMs = Number(flags.limit ?? 15) * 1000;
let bad = 0;

for (const kind of ["store", "broker", "delayed", "streams", "work", "vhosts"] as const) {
  if (flags.only !== undefined && flags.only !== kind) continue;
  const started = performance.now();
  let next = from;
  while (next < to) next = await hunt({ kind, from: next, to });
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${kind}: ${to - from} seeds from ${from} in ${seconds} s, ${bad} bad so far`);
}
Deno.exit(bad === 0 ? 0 : 1);

/** Runs seeds in a worker until all are done or one does not end; tells which is next. */
function hunt(order: HuntOrder): Promise<number> {
  const worker = new Worker(new URL("./hunt_worker.ts", import.meta.url), { type: "module" });
  let current = order.from;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new Promise<number>((resolve) => {
    const end = (next: number) => {
      clearTimeout(timer);
      worker.terminate();
      resolve(next);
    };
    const skip = (why: string) => {
      tell(order.kind, current, why);
      end(current + 1);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      skip(event.message);
    };
    worker.onmessage = ({ data: { seed, error } }: MessageEvent<HuntReport>) => {
      if (seed === undefined) end(order.to);
      else if (error !== undefined) tell(order.kind, seed, error);
      else {
        current = seed;
        clearTimeout(timer);
        timer = setTimeout(skip, limitMs, "it does not end");
      }
    };
    worker.postMessage(order);
  });
}

function tell(kind: string, seed: number, why: string): void {
  bad++;
  console.log(`${kind} ${seed}: ${why}`);
}
