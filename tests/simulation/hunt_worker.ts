import { type BrokerTally, simulateBroker } from "./broker_simulation.ts";
import { simulateDelayed } from "./delayed_simulation.ts";
import { simulate } from "./simulation.ts";
import { simulateStreams } from "./stream_simulation.ts";
import { simulateVhosts } from "./vhost_simulation.ts";
import { simulateWork } from "./work_simulation.ts";

/** Which seeds are to be run. */
export interface HuntOrder {
  readonly kind: "store" | "broker" | "delayed" | "streams" | "work" | "vhosts";
  readonly from: number;
  readonly to: number;
}

/** What became of a seed: it begins, or it failed. Without a seed: all are done. */
export interface HuntReport {
  readonly seed: number | undefined;
  readonly error?: string;
}

const SIMULATIONS = {
  store: simulate,
  broker: simulateBroker,
  delayed: simulateDelayed,
  streams: simulateStreams,
  work: simulateWork,
  vhosts: simulateVhosts,
};

const port = globalThis as unknown as {
  onmessage: (event: MessageEvent<HuntOrder>) => void;
  postMessage(report: HuntReport): void;
};

port.onmessage = async ({ data: { kind, from, to } }) => {
  const tally: BrokerTally = { operations: 0, crashes: 0, confirms: 0, failures: 0, blocked: 0 };
  for (let seed = from; seed < to; seed++) {
    port.postMessage({ seed });
    try {
      await SIMULATIONS[kind](seed, tally);
    } catch (error) {
      port.postMessage({ seed, error: String(error) });
    }
  }
  port.postMessage({ seed: undefined });
};
