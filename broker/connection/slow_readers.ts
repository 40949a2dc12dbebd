import type { Clock } from "../amqp/clock.ts";

/** It is looked so many times in the time that a peer has. */
const LOOKS = 4;

/** Somebody who is sent something. */
export interface Reader {
  /** Bytes that wait to be taken. */
  readonly bytesWaiting: number;
  /** Bytes that were taken so far. */
  readonly bytesTaken: number;
}

/** What is known of one. */
interface Watched {
  readonly drop: () => void;
  taken: number;
  /** When it was last seen to take something, or to have nothing to take. */
  since: number;
}

/**
 * Drops peers that have not taken a single byte for a long time though something waits for them: they
 * hold on to messages, and what waits for them takes memory. One timer looks at all.
 */
export class SlowReaders {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #watched = new Map<Reader, Watched>();
  #stop: (() => void) | undefined;

  /**
   * @param clock Time.
   * @param timeoutMs How long a peer has; Infinity for ever.
   */
  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Watches one. It is dropped after the time, or up to a quarter of it later. */
  watch(reader: Reader, drop: () => void): void {
    if (this.#timeoutMs === Infinity) return;
    this.#watched.set(reader, { drop, taken: reader.bytesTaken, since: this.#clock.now() });
    this.#stop ??= this.#clock.every(Math.max(1, this.#timeoutMs / LOOKS), () => this.#look());
  }

  /** It has gone. */
  forget(reader: Reader): void {
    this.#watched.delete(reader);
    if (this.#watched.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  #look(): void {
    const now = this.#clock.now();
    for (const [reader, watched] of [...this.#watched]) {
      const { bytesTaken, bytesWaiting } = reader;
      if (bytesWaiting === 0 || bytesTaken !== watched.taken) {
        watched.taken = bytesTaken;
        watched.since = now;
      } else if (now - watched.since >= this.#timeoutMs) {
        this.forget(reader);
        watched.drop();
      }
    }
  }
}
