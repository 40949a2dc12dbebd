import type { BrokerOptions } from "../../mod.ts";
import { MadeUpMachine } from "../support/made_up_machine.ts";
import { ServedBroker } from "./support.ts";

const LIMIT = 1_000_000_000;

/** A served broker whose V8 heap is as full as a test says. */
export async function serveWithHeap(others: BrokerOptions = {}) {
  const machine = new MadeUpMachine();
  machine.heapLimit = LIMIT;
  const options = { machine, heapHighWatermark: 0.8, ...others };
  const served = await ServedBroker.start(options);
  const full = (on: boolean) => {
    machine.heapUsed = on ? LIMIT : 0;
    served.broker.setMemoryHighWatermark(LIMIT);
  };
  return { served, full, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() };
}
