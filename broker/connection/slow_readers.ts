import type { Clock } from "../amqp/clock.ts";

/** It is looked so many times in the time that a peer has. */
const LOOKS = 4;
/** Whoever takes as many bytes a second is not slow, however much waits for him. It is a quarter of what
 * is asked of those who send: a client may read only when its program is done with the message before, and
 * a small one every five seconds is still more than this. */
export const BYTES_A_SECOND = 16;

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
  /** When it was last seen to have taken enough, or to have nothing to take. */
  since: number;
  /** With so many bytes taken it has taken enough since then. */
  goal: number;
}

/**
 * Drops peers that take next to nothing for a long time though something waits for them: they hold on to
 * messages, and what waits for them takes memory. A byte now and then is not enough: it has to be all that
 * waited when the time began, or {@linkcode BYTES_A_SECOND} on average. So nobody who keeps up is slow, not
 * even one to whom something has just gone out whenever it is looked. One timer looks at all.
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

  /** Watches one. It is dropped after the time, or up to half of it later. */
  watch(reader: Reader, drop: () => void): void {
    if (this.#timeoutMs === Infinity) return;
    this.#watched.set(reader, { drop, since: this.#clock.now(), goal: this.#goalOf(reader) });
    this.#stop ??= this.#clock.every(Math.max(1, this.#timeoutMs / LOOKS), () => this.#look());
  }

  /** It has gone. */
  forget(reader: Reader): void {
    this.#watched.delete(reader);
    if (this.#watched.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  #goalOf({ bytesTaken, bytesWaiting }: Reader): number {
    return bytesTaken + Math.min(bytesWaiting, this.#timeoutMs / 1000 * BYTES_A_SECOND);
  }

  #look(): void {
    const now = this.#clock.now();
    for (const [reader, watched] of [...this.#watched]) {
      if (reader.bytesWaiting === 0 || reader.bytesTaken >= watched.goal) {
        watched.since = now;
        watched.goal = this.#goalOf(reader);
      } else if (now - watched.since >= this.#timeoutMs) {
        this.forget(reader);
        watched.drop();
      }
    }
  }
}
