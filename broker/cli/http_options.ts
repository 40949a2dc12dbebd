import type { HttpLimits } from "../http/limits.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import { endless, type Read, SIZE, size, TIME, time, whole } from "./quantities.ts";
import { usageOf } from "./usage.ts";

/**
 * The options of `serve` by which nobody fills up the ports of HTTP.
 *
 * @module
 */

/** An option of the command. */
interface HttpFlag {
  readonly flag: string;
  readonly name: keyof HttpLimits;
  readonly value: string;
  readonly help: readonly string[];
  /** What it takes, as an error says it. */
  readonly takes: string;
  readonly read: Read<number>;
}

const MOST = 0x7fff_ffff;

const FLAGS: readonly HttpFlag[] = [
  count("http-max-connections", "connectionMax", [
    "how many connections each port of HTTP may have (default: 1024)",
  ]),
  count("http-max-connections-per-address", "connectionMaxPerAddress", [
    "how many of one address (default: 256)",
  ]),
  count("http-connection-rate", "connectionRate", [
    "how many may come in a second (default: 1000)",
  ]),
  count("http-connection-rate-per-address", "connectionRatePerAddress", [
    "how many from one address (default: 200)",
  ]),
  {
    flag: "http-connection-burst",
    name: "connectionBurst",
    value: "N",
    help: ["how many at once before a rate counts (default: 1000)"],
    takes: "a whole number from 1",
    read: whole(MOST, 1),
  },
  period("http-head-timeout", "headTimeoutMs", [
    "how long the head of a request may take, TLS included (default: 10s)",
  ]),
  period("http-request-timeout", "requestTimeoutMs", [
    "how long a whole request may take to come in (default: 2m)",
  ]),
  period("http-idle-timeout", "idleTimeoutMs", [
    "how long a connection may wait for its next request (default: 60s)",
  ]),
  period("http-write-timeout", "writeTimeoutMs", [
    "a client that takes nothing of an answer for so long is dropped, each",
    "16KiB that wait for it being a second more (default: 30s)",
  ]),
  {
    flag: "http-head-max",
    name: "headSizeMax",
    value: "SIZE",
    help: ["how long the head of a request may be (default: 16KiB)"],
    takes: `${SIZE}, from 1024 to 1MiB`,
    read: size(1024 ** 2, 1024),
  },
];

/** Their names. */
export const HTTP_FLAGS: readonly string[] = FLAGS.map(({ flag }) => flag);

/** How they are used. */
export const HTTP_USAGE: string = FLAGS.map(usageOf).join("\n");

/**
 * Reads them.
 *
 * @throws {UsageError} When a value makes no sense.
 */
export function readHttpLimits(given: Arguments): HttpLimits {
  let limits: HttpLimits = {};
  for (const { flag, name, takes, read } of FLAGS) {
    const text = given.value(flag);
    if (text === undefined) continue;
    const value = read(text);
    if (value === undefined) throw new UsageError(`--${flag} takes ${takes}, not '${text}'`);
    limits = { ...limits, [name]: value };
  }
  return limits;
}

function count(flag: string, name: keyof HttpLimits, help: readonly string[]): HttpFlag {
  return {
    flag,
    name,
    value: "N",
    help,
    takes: "a whole number from 1, or infinity",
    read: endless(whole(MOST, 1)),
  };
}

function period(flag: string, name: keyof HttpLimits, help: readonly string[]): HttpFlag {
  const takes = `${TIME}, from 1 to ${MOST} ms`;
  return { flag, name, value: "TIME", help, takes, read: time(MOST, 1) };
}
