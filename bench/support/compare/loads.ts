/**
 * The loads that brokers are compared by: arguments of `blast`, which of its figures count, and what
 * Warren is to reach.
 *
 * @module
 */
import { atLeast, atMost, type Goal, type GoalOfLoad } from "./goals.ts";

/** What `blast` prints. */
export interface BlastReport {
  readonly sent_per_s: number;
  readonly received_per_s: number;
  readonly confirmed_per_s: number;
  readonly mb_per_s: number;
  readonly churned_per_s: number;
  readonly sent: number;
  readonly received: number;
  readonly confirmed: number;
  readonly drain_s: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly p999_ms: number;
}

/** One of the figures that a load gives. */
export interface LoadFigure {
  readonly of: keyof BlastReport;
  readonly unit: string;
  readonly goals?: readonly Goal[];
}

/** A load, and the figures that are taken from it. */
export interface BrokerLoad {
  /** For people. */
  readonly name: string;
  /** Arguments of `blast`, apart from port and time. */
  readonly args: readonly string[];
  readonly figures: readonly LoadFigure[];
  /** How many consumers get each message; 0 when there are none. */
  readonly copies: number;
  /** Which ceiling can do it, if one can: they know no exchanges and keep no messages. */
  readonly ceiling?: "in memory" | "synced";
}

/** The loads, for runs of so many seconds. */
export function brokerLoads(secs: number): readonly BrokerLoad[] {
  return [
    ...transientLoads(secs),
    ...persistentLoads(),
    ...exchangeLoads(),
    ...bodyLoads(),
    latencyLoad(),
  ];
}

/** The goals of all loads. */
export function goalsOf(loads: readonly BrokerLoad[]): GoalOfLoad[] {
  return loads.flatMap(({ name: load, figures }) =>
    figures.flatMap(({ unit, goals = [] }) => goals.map((goal) => ({ load, unit, ...goal })))
  );
}

const PUBLISH_ONLY = "publish only, no queue, 16 B";

function transientLoads(secs: number): readonly BrokerLoad[] {
  // what nobody consumes stays in memory, so that one is short
  const shortly = Math.min(secs, 2);
  return [
    {
      name: "auto-ack, 16 B",
      args: [],
      figures: [received(atLeast(1 / 3, "ceiling"))],
      copies: 1,
      ceiling: "in memory",
    },
    {
      name: "ack each, prefetch 200, 16 B",
      // a producer's kernel would hide seconds of waiting from a clock that starts at its write
      args: ["ack=1", "prefetch=200", "sndbuf=65536"],
      figures: [
        received(atLeast(20, "RabbitMQ")),
        { of: "p99_ms", unit: "ms (p99)", goals: [{ atMost: 50 }] },
      ],
      copies: 1,
      ceiling: "in memory",
    },
    {
      name: PUBLISH_ONLY,
      args: ["consumers=0", "routed=0"],
      figures: [sent(atLeast(1 / 3, "ceiling"))],
      copies: 0,
      ceiling: "in memory",
    },
    {
      name: "publish only, into a queue, 16 B",
      args: ["consumers=0", "warm=1", `secs=${shortly}`],
      figures: [sent(atLeast(1 / 3, "ceiling", PUBLISH_ONLY))],
      copies: 0,
    },
    {
      name: "publisher confirms, window 1000, 16 B",
      args: ["confirm=1000"],
      figures: [confirmed(atLeast(1 / 3, "ceiling"))],
      copies: 1,
      ceiling: "in memory",
    },
  ];
}

/** Nobody consumes, so each confirm waits for the disk. They go by time: a count that takes one broker
 * seconds is over in an instant on another. */
function persistentLoads(): readonly BrokerLoad[] {
  const kept = ([window, ratio]: readonly [number, number]): BrokerLoad => ({
    name: `persistent, confirmed, window ${window}, kept, 16 B`,
    args: ["persistent=1", "consumers=0", `confirm=${window}`, `batch=${Math.min(window, 64)}`],
    figures: [confirmed(atLeast(ratio, "RabbitMQ"), atLeast(0.8, "ceiling"))],
    copies: 0,
    ceiling: "synced",
  });
  const windows = [[1, 1], [100, 6], [1000, 12]] as const;
  return [
    ...windows.map(kept),
    {
      name: "persistent, confirmed, window 1000, consumed at once, 16 B",
      args: ["persistent=1", "confirm=1000"],
      figures: [confirmed()],
      copies: 1,
    },
  ];
}

function exchangeLoads(): readonly BrokerLoad[] {
  const oneBinding = "topic, 1 binding, 16 B";
  const oneBindingNewKeys = "topic, 1 binding, new keys, 16 B";
  const many = ["exchange=topic", "queues=1000", "bindings=10000"];
  const manyBindings = "topic, 10,000 bindings";
  const asFast = received(atLeast(0.85, "Warren", oneBinding));
  return [
    { name: oneBinding, args: ["exchange=topic"], figures: [received()], copies: 1 },
    {
      name: oneBindingNewKeys,
      args: ["exchange=topic", "newkeys=1"],
      figures: [received()],
      copies: 1,
    },
    {
      name: `${manyBindings}, 100 keys, 16 B`,
      args: [...many, "keys=100"],
      figures: [asFast],
      copies: 1,
    },
    {
      name: `${manyBindings}, new keys, 16 B`,
      args: [...many, "newkeys=1"],
      figures: [
        received(
          atLeast(0.85, "Warren", oneBinding),
          atLeast(0.85, "Warren", oneBindingNewKeys),
        ),
      ],
      copies: 1,
    },
    {
      name: `${manyBindings}, 100 keys, one comes and goes, 16 B`,
      args: [...many, "keys=100", "churn=100"],
      figures: [asFast, { of: "churned_per_s", unit: "binds/s", goals: [{ atLeast: 90 }] }],
      copies: 1,
    },
    {
      name: "fanout to 4, 16 B",
      args: ["exchange=fanout", "queues=4", "consumers=4"],
      figures: [received(atLeast(15, "RabbitMQ"))],
      copies: 4,
    },
  ];
}

function bodyLoads(): readonly BrokerLoad[] {
  const sizes = [
    { name: "4 KiB", size: 4096, goals: [atLeast(3, "RabbitMQ"), atLeast(0.8, "ceiling")] },
    { name: "64 KiB", size: 65_536, goals: [atLeast(1, "RabbitMQ"), atLeast(0.8, "ceiling")] },
    { name: "1 MiB", size: 1_048_576, goals: [atLeast(0.8, "RabbitMQ")] },
  ];
  return sizes.map(({ name, size, goals }) => ({
    name: `auto-ack, ${name}`,
    args: [`size=${size}`],
    figures: [{ of: "mb_per_s", unit: "MB/s", goals }],
    copies: 1,
    ceiling: "in memory",
  }));
}

function latencyLoad(): BrokerLoad {
  return {
    name: "latency at 10,000 messages/s, 16 B",
    // one p99.9 of two seconds is whether anything took 2 ms once: a compiler's thread, after other loads
    args: ["rate=10000", "warm=3", "secs=10"],
    figures: [
      { of: "p50_ms", unit: "ms (p50)", goals: [atMost(1, "RabbitMQ"), atMost(2, "ceiling")] },
      { of: "p99_ms", unit: "ms (p99)", goals: [atMost(1, "RabbitMQ")] },
      { of: "p999_ms", unit: "ms (p99.9)", goals: [atMost(1, "RabbitMQ")] },
    ],
    copies: 1,
    ceiling: "in memory",
  };
}

function received(...goals: readonly Goal[]): LoadFigure {
  return { of: "received_per_s", unit: "messages/s", goals };
}

function sent(...goals: readonly Goal[]): LoadFigure {
  return { of: "sent_per_s", unit: "messages/s", goals };
}

function confirmed(...goals: readonly Goal[]): LoadFigure {
  return { of: "confirmed_per_s", unit: "messages/s", goals };
}
