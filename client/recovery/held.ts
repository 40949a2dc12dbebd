import type { Clock } from "../../broker/amqp/clock.ts";
import type { ClientEvents } from "../client_events.ts";
import type { ConnectionCore } from "../connection_core.ts";
import type { ConsumerCore } from "../consumer_core.ts";
import { type ChannelRecord, consumerOf } from "./channel_record.ts";
import { Restoring } from "./restoring.ts";
import type { Topology } from "./topology.ts";

/** What the broker holds is asked for again after so long. */
const PAUSE_MS = 500;
/** Brokers notice that a peer is gone after two to three heartbeats without a sign of it. */
const HEARTBEATS_UNNOTICED = 3;
/** So much longer it is asked for. */
const MARGIN_MS = 10_000;

/** What is brought back, and where. */
export interface HeldParts {
  readonly core: ConnectionCore;
  readonly topology: Topology;
  /** Those of all open channels of the connection, as they come and go. */
  readonly records: ReadonlySet<ChannelRecord>;
  readonly clock: Clock;
  readonly events: ClientEvents;
}

/** For how long a broker may hold what was that connection's, in milliseconds. */
export function heldMs({ settings: { heartbeatSeconds = 0 } }: ConnectionCore): number {
  return HEARTBEATS_UNNOTICED * heartbeatSeconds * 1000 + MARGIN_MS;
}

/**
 * Asks for what the broker still holds for the former connection, whose end it has not noticed, until it
 * gives that, or time is up, or the connection ends. Never rejects.
 *
 * @param parts What is brought back.
 * @param maxMs How long it asks, in milliseconds.
 */
export async function askForHeld(parts: HeldParts, maxMs: number): Promise<void> {
  const { core, topology, records, clock, events } = parts;
  const until = clock.elapsed() + maxMs;
  try {
    while (topology.holds || [...records].some((record) => record.keeps)) {
      await core.pause(PAUSE_MS);
      if (!core.isOpen) return;
      const last = clock.elapsed() >= until;
      const restoring = new Restoring(core, events);
      const free = await topology.restoreHeld(restoring, last);
      const consumers: [ConsumerCore, string][] = [];
      for (const record of [...records]) consumers.push(...await record.lookAgain(restoring, last));
      await Promise.all([...records].map((record) => record.resume()));
      for (const what of free) events.emit("topology.recovered", { what });
      for (const [consumer, queue] of consumers) tellOf(consumer, consumerOf(queue), events);
      await restoring.end();
    }
  } catch (error) {
    // when the connection has ended the next one sees to it
    if (core.isOpen) core.reportError(error);
  } finally {
    topology.release();
  }
}

function tellOf({ state, channel }: ConsumerCore, what: string, events: ClientEvents): void {
  if (state === "active") events.emit("topology.recovered", { what });
  else if (channel.reason !== undefined) {
    events.emit("topology.failed", { what, error: channel.reason });
  }
}
