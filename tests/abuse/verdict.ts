import { type Fares, percentile } from "./healthy_client.ts";
import { ALLOWED, type Attack } from "./terms.ts";

/** The healthy client's p99 must be within this, in milliseconds. */
export const LATENCY_MS_MAX = 100;
/** And the slowest of all messages: when ten thousand sockets go at once, each takes the broker some fifty
 * microseconds, most of them the system's, and whoever comes meanwhile is behind them. */
export const STALL_MS_MAX = 5000;
/** And each login, which hashes or finds a password, and with TLS shakes hands. */
export const LOGIN_MS_MAX = 2000;

/** What came of an attack on a broker in a process of its own. */
export interface Outcome {
  /** What the attacker saw. */
  readonly saw: string;
  /** How much of it there was. */
  readonly count: number;
  /** The broker's RSS before it, in bytes. */
  readonly before: number;
  /** And the most that it was meanwhile. */
  readonly most: number;
  /** How those fared that behaved. */
  readonly fares: Fares;
  /** What went wrong that nobody had foreseen. */
  readonly errors: readonly string[];
}

/** What is wrong with it; nothing when all is well. */
export function complaintsOf(
  attack: Pick<Attack, "accept" | "growthMax">,
  { saw, count, before, most, fares, errors }: Outcome,
): string[] {
  const growth = (most - before) / 2 ** 20;
  const { latencies, logins } = fares;
  const wrong: readonly (readonly [boolean, string])[] = [
    [!attack.accept(saw, count, ALLOWED), `the attacker saw "${saw}"`],
    [growth > attack.growthMax, `it grew by ${growth.toFixed(0)} of ${attack.growthMax} MiB`],
    [percentile(latencies, 0.99) > LATENCY_MS_MAX, "the p99 of a message"],
    [percentile(latencies, 1) > STALL_MS_MAX, "the slowest message"],
    [percentile(logins, 1) > LOGIN_MS_MAX, "the slowest login"],
  ];
  return [...wrong.filter(([is]) => is).map(([, what]) => what), ...errors];
}
