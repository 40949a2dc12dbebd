import type { Alarms } from "./alarms.ts";
import { AmqpError } from "./amqp/error.ts";
import type { MemoryWatch } from "./memory_watch.ts";

/** What one more of each takes in V8's heap, in bytes: rather too much than too little. */
const SIZES = {
  queue: 4096,
  exchange: 2048,
  binding: 1024,
  consumer: 2048,
  channel: 4096,
  connection: 16_384,
  socket: 8192,
} as const;

/** What a client may have made as often as it likes, and what stays in V8's heap. */
export type HeapObject = keyof typeof SIZES;

/**
 * Keeps clients from filling V8's heap with queues, exchanges, bindings, consumers, channels and
 * connections: when it is full, V8 ends the process, whoever is to blame. While there is an alarm about the
 * heap, nobody may publish, and no more of them are made; what is there goes on.
 */
export class HeapGuard {
  readonly #memory: Pick<MemoryWatch, "noteObject">;
  readonly #alarms: Pick<Alarms, "has" | "whenOver">;

  /**
   * @param memory Looks how full it is.
   * @param alarms Tell when it is too full.
   */
  constructor(memory: Pick<MemoryWatch, "noteObject">, alarms: Pick<Alarms, "has" | "whenOver">) {
    this.#memory = memory;
    this.#alarms = alarms;
  }

  /**
   * One more is about to be made.
   *
   * @param action What cannot be done when there is no room, such as `declare queue 'jobs'`.
   * @throws {AmqpError} 406 when there is no room for it.
   */
  check(object: HeapObject, action: () => string): void {
    if (this.hasRoom(object)) return;
    throw new AmqpError(406, `cannot ${action()}: the broker's memory is nearly used up`);
  }

  /** False when one more is about to be made, and there is no room for it. */
  hasRoom(object: HeapObject): boolean {
    this.#memory.noteObject(SIZES[object]);
    return !this.#alarms.has("heap");
  }

  /** Calls back once when there is room again. What it returns takes the wish back. */
  whenRoom(callback: () => void): () => void {
    return this.#alarms.whenOver("heap", callback);
  }
}
