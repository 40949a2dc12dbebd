/**
 * The loads that brokers are compared by: arguments of `blast`, and which of its figures counts.
 *
 * @module
 */

/** What `blast` prints. */
export interface BlastReport {
  readonly sent_per_s: number;
  readonly received_per_s: number;
  readonly confirmed_per_s: number;
  readonly mb_per_s: number;
  readonly sent: number;
  readonly received: number;
  readonly confirmed: number;
  readonly drain_s: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly p999_ms: number;
}

/** A load, and the figures that are taken from it. */
export interface BrokerLoad {
  /** For people. */
  readonly name: string;
  /** Arguments of `blast`, apart from port and time. */
  readonly args: readonly string[];
  /** The figures: what it is, and in which unit. */
  readonly figures: readonly (readonly [figure: keyof BlastReport, unit: string])[];
  /** How many consumers get each message; 0 when there are none. */
  readonly copies: number;
  /** True when the ceiling can do it: it knows no exchanges and keeps no messages. */
  readonly ceiling: boolean;
}

const RECEIVED = [["received_per_s", "messages/s"]] as const;
const SENT = [["sent_per_s", "messages/s"]] as const;

/** The loads, for runs of so many seconds. */
export function brokerLoads(secs: number): readonly BrokerLoad[] {
  // what nobody consumes stays in memory, so this one goes by count
  const kept = Math.ceil(secs * 200_000);
  return [
    { name: "auto-ack, 16 B", args: [], figures: RECEIVED, copies: 1, ceiling: true },
    {
      name: "publish only, no queue, 16 B",
      args: ["consumers=0", "routed=0"],
      figures: SENT,
      copies: 0,
      ceiling: true,
    },
    {
      name: `publish only, ${kept} into a queue, 16 B`,
      args: ["consumers=0", `count=${kept}`],
      figures: SENT,
      copies: 0,
      ceiling: false,
    },
    {
      name: "publisher confirms, window 1000, 16 B",
      args: ["confirm=1000"],
      figures: [["confirmed_per_s", "messages/s"]],
      copies: 1,
      ceiling: true,
    },
    {
      name: "persistent, confirmed, window 1, 16 B",
      args: ["persistent=1", "confirm=1", "batch=1"],
      figures: [["confirmed_per_s", "messages/s"]],
      copies: 1,
      ceiling: false,
    },
    {
      name: "persistent, confirmed, window 100, 16 B",
      args: ["persistent=1", "confirm=100"],
      figures: [["confirmed_per_s", "messages/s"]],
      copies: 1,
      ceiling: false,
    },
    {
      name: "persistent, confirmed, window 1000, 16 B",
      args: ["persistent=1", "confirm=1000"],
      figures: [["confirmed_per_s", "messages/s"]],
      copies: 1,
      ceiling: false,
    },
    {
      name: "ack each, prefetch 200, 16 B",
      args: ["ack=1", "prefetch=200"],
      figures: RECEIVED,
      copies: 1,
      ceiling: true,
    },
    {
      name: "topic exchange, 16 B",
      args: ["exchange=topic"],
      figures: RECEIVED,
      copies: 1,
      ceiling: false,
    },
    {
      name: "topic exchange, new keys, 16 B",
      args: ["exchange=topic", "newkeys=1"],
      figures: RECEIVED,
      copies: 1,
      ceiling: false,
    },
    {
      name: "fanout to 4, 16 B",
      args: ["exchange=fanout", "queues=4", "consumers=4"],
      figures: RECEIVED,
      copies: 4,
      ceiling: false,
    },
    {
      name: "auto-ack, 4 KiB",
      args: ["size=4096"],
      figures: [...RECEIVED, ["mb_per_s", "MB/s"]],
      copies: 1,
      ceiling: true,
    },
    {
      name: "auto-ack, 64 KiB",
      args: ["size=65536"],
      figures: [...RECEIVED, ["mb_per_s", "MB/s"]],
      copies: 1,
      ceiling: true,
    },
    {
      name: "latency at 10,000 messages/s, 16 B",
      args: ["rate=10000"],
      figures: [["p50_ms", "ms (p50)"], ["p99_ms", "ms (p99)"]],
      copies: 1,
      ceiling: true,
    },
  ];
}
