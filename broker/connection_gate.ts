import type { Clock } from "./amqp/clock.ts";
import type { Logger } from "./amqp/logger.ts";
import { sourceOf } from "./amqp/source.ts";
import { type Endpoint, endpointName } from "./amqp/transport.ts";

/** So many sources are known by their rate. The one that came least recently is forgotten. */
const SOURCES_MAX = 10_000;
/** Of what is refused there is a line each so many milliseconds at most. */
const LOG_EVERY_MS = 1000;

/** How many connections may come, before anything is known of them but where from. */
export interface ConnectionGateLimits {
  /** How many a second, in all. */
  readonly connectionRate: number;
  /** How many a second from one address. */
  readonly connectionRatePerAddress: number;
  /** How many may come at once before a rate counts. */
  readonly connectionBurst: number;
  /** How many of one address may be there at once. */
  readonly connectionMaxPerAddress: number;
  /** How many may be there at once, in all. Default: any number; connections of AMQP are counted when
   * they have logged in. */
  readonly socketMax?: number;
}

/** What a gate is surrounded by. */
export interface ConnectionGateOptions extends ConnectionGateLimits {
  /** Time. */
  readonly clock: Clock;
  /** Where it logs. */
  readonly logger: Logger;
  /** What it lets in, in the log. Default: `connection`. */
  readonly what?: string;
  /** True when there is no memory for one more beside so many sockets. Default: there is. */
  readonly isCrowded?: (sockets: number) => boolean;
}

/**
 * Lets sockets in, or drops them before anything is spent on them. All addresses of a network of IPv6
 * (64 bits) count as one; socket files have none, and so no limit of their own.
 */
export class ConnectionGate {
  readonly #options: ConnectionGateOptions;
  readonly #all: TokenBucket | undefined;
  readonly #rates = new Map<string, TokenBucket>();
  readonly #counts = new Map<string, number>();
  #size = 0;
  #loggedAt = -Infinity;
  #unlogged = 0;

  constructor(options: ConnectionGateOptions) {
    this.#options = options;
    const { connectionRate: rate, connectionBurst: burst, clock } = options;
    if (rate !== Infinity) this.#all = new TokenBucket(rate, burst, clock.now());
  }

  /**
   * Somebody has connected.
   *
   * @returns To be called when he has gone; undefined when he may not come in.
   */
  enter(peer: Endpoint): (() => void) | undefined {
    const { clock, connectionMaxPerAddress, socketMax = Infinity, isCrowded } = this.#options;
    const now = clock.now();
    if (isCrowded?.(this.#size)) {
      return this.#refuse(peer, "the broker's memory is nearly used up", now);
    }
    if (this.#size >= socketMax) {
      return this.#refuse(peer, `there are ${this.#size} connections already`, now);
    }
    if (peer.path === undefined) {
      const source = sourceOf(peer.hostname);
      const count = this.#counts.get(source) ?? 0;
      if (count >= connectionMaxPerAddress) {
        return this.#refuse(peer, `its address has ${count} connections already`, now);
      }
      if (!this.#takeRate(source, now)) {
        return this.#refuse(peer, "too many connections of its address in a short time", now);
      }
      if (!this.#takeAll(now)) return this.#refuse(peer, TOO_MANY, now);
      return this.#count(source, count);
    }
    return this.#takeAll(now) ? this.#count(undefined, 0) : this.#refuse(peer, TOO_MANY, now);
  }

  #takeAll(now: number): boolean {
    return this.#all?.take(now) ?? true;
  }

  #takeRate(source: string, now: number): boolean {
    const { connectionRatePerAddress: rate, connectionBurst: burst } = this.#options;
    if (rate === Infinity) return true;
    const bucket = this.#rates.get(source) ?? new TokenBucket(rate, burst, now);
    this.#rates.delete(source);
    this.#rates.set(source, bucket);
    if (this.#rates.size > SOURCES_MAX) this.#rates.delete(this.#rates.keys().next().value!);
    return bucket.take(now);
  }

  #count(source: string | undefined, count: number): () => void {
    this.#size++;
    if (source === undefined || this.#options.connectionMaxPerAddress === Infinity) {
      return () => void this.#size--;
    }
    this.#counts.set(source, count + 1);
    return () => {
      this.#size--;
      const left = this.#counts.get(source)! - 1;
      if (left === 0) this.#counts.delete(source);
      else this.#counts.set(source, left);
    };
  }

  #refuse(peer: Endpoint, why: string, now: number): undefined {
    if (now - this.#loggedAt < LOG_EVERY_MS) {
      this.#unlogged++;
      return;
    }
    const others = this.#unlogged === 0 ? "" : `, and so were ${this.#unlogged} before it`;
    const { what = "connection" } = this.#options;
    const text = `${what} ${endpointName(peer)}: refused, since ${why}${others}`;
    this.#options.logger.log("warning", text);
    this.#loggedAt = now;
    this.#unlogged = 0;
  }
}

const TOO_MANY = "too many connections in a short time";

/** So many a second, and some more at once after a while without any. */
class TokenBucket {
  readonly #rate: number;
  readonly #burst: number;
  #tokens: number;
  #time: number;

  constructor(rate: number, burst: number, now: number) {
    this.#rate = rate;
    this.#burst = burst;
    this.#tokens = burst;
    this.#time = now;
  }

  take(now: number): boolean {
    const passed = Math.max(0, now - this.#time) / 1000;
    this.#tokens = Math.min(this.#burst, this.#tokens + passed * this.#rate);
    this.#time = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
