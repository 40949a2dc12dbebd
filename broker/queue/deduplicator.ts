import type { Clock } from "../amqp/clock.ts";
import { Double, type FieldTable, type FieldValue } from "../amqp/field_table.ts";
import type { Message } from "../message.ts";

/** The header that tells messages apart, unless the arguments name another one. */
const HEADER = "x-deduplication-header";
/** So many values are remembered, unless the arguments say otherwise. */
const CACHE_SIZE = 128;
/** With each value that is remembered so many go that count no longer: a cache that may become large keeps none
 * of them for that. */
const EXPIRED_FOR_ONE = 2;
/** Once so many more values have gone than there are, the way to the oldest one begins anew. */
const GONE_MAX = 1024;

/**
 * Tells messages that were there before by a header of theirs: with the argument
 * `x-message-deduplication` of an exchange or a queue. Names and defaults are those of LavinMQ and of
 * RabbitMQ's plugin:
 *
 * | argument | meaning |
 * |---|---|
 * | `x-message-deduplication` | true: on |
 * | `x-deduplication-header` | the header to look at (`x-deduplication-header`) |
 * | `x-cache-size` | how many values are remembered; the oldest goes first (128) |
 * | `x-cache-ttl` | for how long, in milliseconds (for ever); a header of this name goes before |
 *
 * An exchange of the type `x-message-deduplication`, which is a fanout otherwise, does so without
 * being asked. To the publisher a duplicate is a message that no queue took; a queue's is confirmed. What
 * is nacked, or given up with its transaction, is no duplicate when it comes again.
 *
 * A queue without `x-cache-size` and `x-cache-ttl` remembers a value as long as a message with it is in
 * the queue, waiting or unacked. A message without the header is never a duplicate. What is remembered
 * is gone after a restart.
 */
export class Deduplicator {
  readonly #header: string;
  readonly #size: number;
  readonly #ttlMs: number;
  readonly #clock: Clock;
  /** Values, oldest first, and until when each counts. */
  readonly #seen = new Map<string, number>();

  /** The oldest value, once it was looked for, and the way to the next one: each time from the front would pass
   * all places of those that have gone. */
  #oldest: string | undefined = undefined;
  #older: Iterator<string> | undefined = undefined;
  /** How many have gone since that way began: an iterator that stands still holds all that the map has outgrown. */
  #gone = 0;
  /** True once a value was remembered that does not count for ever. */
  #expires = false;

  /** Where the message is that has a value, when the value is forgotten with it: others with the same value may be
   * there since before a restart or a purge. Undefined: values are remembered whatever becomes of messages. */
  readonly #positions: Map<string, number> | undefined;
  #last: string | undefined = undefined;

  /** The one that an exchange's arguments ask for; undefined when they ask for none. */
  static ofExchange(
    { type, arguments: arguments_ }: { readonly type: string; readonly arguments: FieldTable },
    clock: Clock,
  ): Deduplicator | undefined {
    const routesAs = type === "x-delayed-message" ? arguments_["x-delayed-type"] : type;
    return routesAs === "x-message-deduplication" || isWanted(arguments_)
      ? new Deduplicator(arguments_, clock, false)
      : undefined;
  }

  /** The one that a queue's arguments ask for; undefined when they ask for none. */
  static ofQueue(arguments_: FieldTable, clock: Clock): Deduplicator | undefined {
    if (!isWanted(arguments_)) return undefined;
    const follows = arguments_["x-cache-size"] === undefined &&
      arguments_["x-cache-ttl"] === undefined;
    return new Deduplicator(arguments_, clock, follows);
  }

  private constructor(arguments_: FieldTable, clock: Clock, follows: boolean) {
    this.#positions = follows ? new Map() : undefined;
    const header = arguments_["x-deduplication-header"];
    this.#header = typeof header === "string" ? header : HEADER;
    this.#size = follows ? Infinity : wholeNumber(arguments_["x-cache-size"]) ?? CACHE_SIZE;
    this.#ttlMs = wholeNumber(arguments_["x-cache-ttl"]) ?? Infinity;
    this.#clock = clock;
  }

  /**
   * True when a message with this header was there before; remembers it otherwise.
   *
   * @param position Where it is in its queue.
   */
  isDuplicate(message: Message, position = 0): boolean {
    this.#last = undefined;
    const headers = message.headers();
    const key = this.#keyOf(headers);
    if (headers === undefined || key === undefined) return false;
    const until = this.#seen.get(key);
    const now = this.#clock.now();
    if (until !== undefined) {
      if (until > now) return true;
      this.#delete(key);
    }
    if (this.#expires) this.#forgetExpired(now);
    while (this.#seen.size >= Math.max(1, this.#size)) this.#delete(this.#first()!);
    const end = now + (wholeNumber(headers["x-cache-ttl"]) ?? this.#ttlMs);
    this.#seen.set(key, end);
    this.#positions?.set(key, position);
    this.#expires ||= end !== Infinity;
    this.#last = key;
    return false;
  }

  /** How many values it remembers. */
  get size(): number {
    return this.#seen.size;
  }

  #forgetExpired(now: number): void {
    for (let count = 0; count < EXPIRED_FOR_ONE; count++) {
      const oldest = this.#first();
      if (oldest === undefined || this.#seen.get(oldest)! > now) return;
      this.#delete(oldest);
    }
  }

  /** The oldest value. */
  #first(): string | undefined {
    if (this.#oldest !== undefined) return this.#oldest;
    let next = this.#older?.next();
    if (next === undefined || next.done) next = (this.#older = this.#seen.keys()).next();
    return this.#oldest = next.done ? undefined : next.value;
  }

  #delete(key: string): void {
    if (key === this.#oldest) this.#oldest = undefined;
    this.#seen.delete(key);
    this.#positions?.delete(key);
    if (this.#older === undefined || ++this.#gone <= this.#seen.size + GONE_MAX) return;
    this.#older = undefined;
    this.#gone = 0;
  }

  /** What `isDuplicate` has just remembered; undefined when it was nothing. */
  get last(): string | undefined {
    return this.#last;
  }

  /** What had this value was not taken after all: its publisher may send it again. */
  forgetValue(value: string | undefined): void {
    if (value !== undefined) this.#delete(value);
  }

  /** A message has left the queue in which it was at this position. */
  forget(message: Message, position: number): void {
    if (this.#positions === undefined) return;
    const key = this.#keyOf(message.headers());
    if (key !== undefined && this.#positions.get(key) === position) this.#delete(key);
  }

  /** All messages have left the queue. */
  clear(): void {
    if (this.#positions === undefined) return;
    this.#seen.clear();
    this.#positions.clear();
    this.#oldest = this.#older = undefined;
    this.#gone = 0;
  }

  #keyOf(headers: FieldTable | undefined): string | undefined {
    // the header may be named as something that each object has
    if (headers === undefined || !Object.hasOwn(headers, this.#header)) return undefined;
    const value = headers[this.#header];
    return value === undefined || value === null ? undefined : keyOf(value);
  }
}

function isWanted(arguments_: FieldTable): boolean {
  return arguments_["x-message-deduplication"] === true;
}

/** A number or a text that stands for one, as some clients send. */
function wholeNumber(value: FieldValue | undefined): number | undefined {
  if (value instanceof Double) return wholeNumber(value.value);
  const number = typeof value === "string" || typeof value === "bigint" ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number >= 0 ? number : undefined;
}

/** 1 and "1" are two values; integers count by value, whatever width they were sent in. */
function keyOf(value: FieldValue): string {
  const type = typeof value === "bigint" ? "number" : typeof value;
  if (value instanceof Uint8Array) return `bytes ${value.toHex?.() ?? [...value]}`;
  if (type !== "object") return `${type} ${value}`;
  return JSON.stringify(
    value,
    (_, inner) => typeof inner === "bigint" ? `${inner}n` : inner,
  );
}
