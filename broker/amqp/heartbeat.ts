import type { Clock } from "./clock.ts";

/** What a {@linkcode Heartbeat} watches and whom it tells. */
export interface HeartbeatOptions {
  /** Where time comes from. */
  readonly clock: Clock;
  /** The interval that was agreed on; 0 for no heartbeats, in both directions. */
  readonly intervalSeconds: number;
  /** How many bytes were written so far. Any number will do that grows whenever some are. */
  readonly wroteBytes: () => number;
  /** How many bytes were read so far, likewise. */
  readonly readBytes: () => number;
  /** False while we do not read at all, by our own will: then silence says nothing. */
  readonly reading?: () => boolean;
  /** Nothing was written for a while: write a heartbeat. */
  readonly beat: () => void;
  /** Nothing came for two intervals: the peer is gone. Called once; the timers have stopped. */
  readonly dead: () => void;
}

/**
 * Keeps a quiet connection alive and notices a dead one (specification, section 4.2.7).
 *
 * Sending looks every half interval whether anything was written since the last look. Receiving
 * looks every interval, and two looks in a row without a single byte, of whatever kind, are death:
 * so it comes after two to three intervals of silence.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #stops: (() => void)[] = [];
  #wroteBefore = 0;
  #readBefore = 0;
  #silentLooks = 0;

  /** Starts the timers; none for an interval of 0. */
  constructor(options: HeartbeatOptions) {
    this.#options = options;
    const { clock, intervalSeconds, wroteBytes, readBytes } = options;
    if (intervalSeconds === 0) return;
    this.#wroteBefore = wroteBytes();
    this.#readBefore = readBytes();
    this.#stops.push(
      clock.every(intervalSeconds * 500, () => this.#lookAtSending()),
      clock.every(intervalSeconds * 1000, () => this.#lookAtReceiving()),
    );
  }

  /** Stops the timers. Stopping twice is harmless. */
  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #lookAtSending(): void {
    const { wroteBytes, beat } = this.#options;
    const wrote = wroteBytes();
    if (wrote === this.#wroteBefore) beat();
    // the heartbeat counts as written at the next look, so a quiet peer gets one each interval
    this.#wroteBefore = wrote;
  }

  #lookAtReceiving(): void {
    const { readBytes, reading, dead } = this.#options;
    const read = readBytes();
    const silent = read === this.#readBefore && (reading?.() ?? true);
    this.#readBefore = read;
    this.#silentLooks = silent ? this.#silentLooks + 1 : 0;
    if (this.#silentLooks < 2) return;
    this.stop();
    dead();
  }
}
