/**
 * What one client, or all of them, may have of an HTTP server.
 *
 * @module
 */

/** Limits of an HTTP server. Times are in milliseconds, sizes in bytes. */
export interface HttpLimits {
  /** How many connections there may be at once. Default: 1024, as in RabbitMQ. */
  readonly connectionMax?: number;
  /** How many of one address; a network of IPv6 (64 bits) counts as one. Behind a proxy all come from
   * its address. Default: 256. */
  readonly connectionMaxPerAddress?: number;
  /** How many may come in a second, in all. Default: 1000. */
  readonly connectionRate?: number;
  /** How many from one address. Default: 200. */
  readonly connectionRatePerAddress?: number;
  /** How many may come at once before a rate counts. Default: 1000. */
  readonly connectionBurst?: number;
  /** How long the head of a request may take, TLS included. Default: 10 seconds. */
  readonly headTimeoutMs?: number;
  /** How long a whole request may take to come in, head and body. Default: 2 minutes. */
  readonly requestTimeoutMs?: number;
  /** How long a connection may wait for its next request. Default: 60 seconds. */
  readonly idleTimeoutMs?: number;
  /** A client that takes next to nothing of an answer for so long is given up; each
   * {@linkcode SLOWEST} bytes that wait for it are a second more. Default: 30 seconds. */
  readonly writeTimeoutMs?: number;
  /** How long the head of a request may be. Default: 16 KiB. */
  readonly headSizeMax?: number;
}

/** So many bytes a second have to go to a client that is to be taken for one that reads. */
export const SLOWEST = 16 * 1024;

const DEFAULTS: Required<HttpLimits> = {
  connectionMax: 1024,
  connectionMaxPerAddress: 256,
  connectionRate: 1000,
  connectionRatePerAddress: 200,
  connectionBurst: 1000,
  headTimeoutMs: 10_000,
  requestTimeoutMs: 120_000,
  idleTimeoutMs: 60_000,
  writeTimeoutMs: 30_000,
  headSizeMax: 16 * 1024,
};

/** Those that may be infinite: how many. The others are what keeps the many short. */
const COUNTS: readonly string[] = [
  "connectionMax",
  "connectionMaxPerAddress",
  "connectionRate",
  "connectionRatePerAddress",
];
/** What timers can have. */
const TIME_MAX = 0x7fff_ffff;

/**
 * All of them, with the defaults for those that are missing.
 *
 * @throws {TypeError} When one of them is no number that it can be.
 */
export function completeLimits(limits: HttpLimits): Required<HttpLimits> {
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(DEFAULTS, name)) {
      throw new TypeError(`Cannot serve HTTP: no limit '${name}'`);
    }
    const isCount = COUNTS.includes(name);
    if (isCount && value === Infinity) continue;
    if (Number.isInteger(value) && value >= 1 && value <= TIME_MAX) continue;
    const or = isCount ? " or Infinity" : "";
    throw new TypeError(
      `Cannot serve HTTP: ${name} is ${value}, not a whole number from 1 to ${TIME_MAX}${or}`,
    );
  }
  return { ...DEFAULTS, ...limits };
}
