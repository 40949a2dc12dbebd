import type { Clock } from "../amqp/clock.ts";

/** It is looked so many times in the time that a peer has. */
const LOOKS = 4;
/** Whoever sends as many bytes a second is not slow, whatever he is in the middle of: less than the
 * slowest line that anybody would have AMQP on. */
export const BYTES_A_SECOND = 64;

/** Somebody who sends something. */
export interface Sender {
  /** True while we wait for the rest of a frame, or of a message, that has begun to come. */
  readonly awaitsRest: boolean;
  /** Bytes that have come so far. */
  readonly bytesRead: number;
}

/** What is known of one who is in the middle of something. */
interface Unfinished {
  /** When he was first seen so, or had sent enough since. */
  since: number;
  /** What had come by then. */
  readBefore: number;
}

/**
 * Drops peers that begin a frame or a message and do not get on with it: what has come of it takes
 * memory, and a byte now and then would keep heartbeats content for ever. A peer must send
 * {@linkcode BYTES_A_SECOND} on average while it is in the middle of something, so a large frame over a
 * slow line has the time that it needs. Who is between two frames may be silent as long as he likes.
 *
 * One timer looks at all, and only those that are seen in the middle of something are remembered: an
 * idle peer costs nothing here.
 */
export class SlowSenders<Peer extends Sender> {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #drop: (peer: Peer) => void;
  readonly #watched = new Set<Peer>();
  readonly #unfinished = new Map<Peer, Unfinished>();
  #stop: (() => void) | undefined;

  /**
   * @param clock Time.
   * @param timeoutMs How long a peer has; Infinity for ever.
   * @param drop Ends the connection of one.
   */
  constructor(clock: Clock, timeoutMs: number, drop: (peer: Peer) => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#drop = drop;
  }

  /** Watches one. It is dropped after the time, or up to half of it later. */
  watch(peer: Peer): void {
    if (this.#timeoutMs === Infinity) return;
    this.#watched.add(peer);
    this.#stop ??= this.#clock.every(Math.max(1, this.#timeoutMs / LOOKS), () => this.#look());
  }

  /** It has gone. */
  forget(peer: Peer): void {
    this.#unfinished.delete(peer);
    if (!this.#watched.delete(peer) || this.#watched.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  #look(): void {
    const now = this.#clock.now();
    const enough = this.#timeoutMs / 1000 * BYTES_A_SECOND;
    for (const peer of [...this.#watched]) {
      const unfinished = this.#unfinished.get(peer);
      if (!peer.awaitsRest) {
        if (unfinished !== undefined) this.#unfinished.delete(peer);
      } else if (unfinished === undefined) {
        this.#unfinished.set(peer, { since: now, readBefore: peer.bytesRead });
      } else if (peer.bytesRead - unfinished.readBefore >= enough) {
        unfinished.since = now;
        unfinished.readBefore = peer.bytesRead;
      } else if (now - unfinished.since >= this.#timeoutMs) {
        this.forget(peer);
        this.#drop(peer);
      }
    }
  }
}
