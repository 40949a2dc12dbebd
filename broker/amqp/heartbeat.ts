import type { Clock } from "./clock.ts";
import { SharedTimer, type Ticking } from "./shared_timer.ts";

/** What of an interval has to pass between two looks for silence: a shared timer is not exact. */
const LOOK_PART = 15 / 16;
/** How much a heartbeat is on the wire; nothing else is as short. */
const HEARTBEAT_BYTES = 8;

/** What a {@linkcode Heartbeat} watches and whom it tells. */
export interface HeartbeatOptions {
  /** Where time comes from. */
  readonly clock: Clock;
  /** The interval that was agreed on; 0 for no heartbeats, in both directions. */
  readonly intervalSeconds: number;
  /** What is kept alive. */
  readonly link: BeatingLink;
  /** False while we do not read at all, by our own will: then silence says nothing. */
  readonly reading?: () => boolean;
  /** Grows whenever the peer shows that it lives. Default: bytes read. */
  readonly heard?: () => number;
  /** Nothing came for two intervals: the peer is gone. Called once; the timers have stopped. */
  readonly dead: () => void;
}

/** The part of a link that a heartbeat needs. */
export interface BeatingLink {
  /** How many bytes were written so far, heartbeats included. */
  readonly bytesWritten: number;
  /** How many bytes were read so far. Any number will do that grows whenever some are. */
  readonly bytesRead: number;
  /** Nothing else was written for a while: writes a heartbeat. */
  beat(): void;
}

/**
 * Keeps a quiet connection alive and notices a dead one (specification, section 4.2.7).
 *
 * Sending looks every half interval whether anything but a heartbeat was written since the last look: some
 * clients take a peer for dead after one interval already, such as RabbitMQ's for Java on Netty. Receiving
 * looks every interval, and two looks in a row without a single byte, of whatever kind, are death:
 * so it comes after two to three intervals of silence.
 */
export class Heartbeat implements Ticking {
  readonly #options: HeartbeatOptions;
  #timer: SharedTimer | undefined = undefined;
  #wroteBefore = 0;
  /** So much of what is written until the next look is a heartbeat. */
  #beat = 0;
  #readBefore = 0;
  #lookedAt = 0;
  #silentLooks = 0;

  /** Starts the timer; none for an interval of 0. */
  constructor(options: HeartbeatOptions) {
    this.#options = options;
    const { clock, intervalSeconds, link } = options;
    if (intervalSeconds === 0) return;
    this.#wroteBefore = link.bytesWritten;
    this.#readBefore = link.bytesRead;
    this.#lookedAt = clock.now();
    this.#timer = SharedTimer.join(clock, intervalSeconds * 500, this);
  }

  /** Stops the timer. Stopping twice is harmless. */
  stop(): void {
    this.#timer?.leave(this);
    this.#timer = undefined;
  }

  /** Half an interval has passed. */
  tick(): void {
    this.#lookAtSending();
    const { clock, intervalSeconds } = this.#options;
    const passed = clock.now() - this.#lookedAt;
    // below 0 when the machine's time was set back
    if (passed >= 0 && passed < intervalSeconds * 1000 * LOOK_PART) return;
    this.#lookedAt += passed;
    this.#lookAtReceiving();
  }

  #lookAtSending(): void {
    const { link } = this.#options;
    const wrote = link.bytesWritten;
    const quiet = wrote - this.#wroteBefore <= this.#beat;
    this.#wroteBefore = wrote;
    this.#beat = quiet ? HEARTBEAT_BYTES : 0;
    if (quiet) link.beat();
  }

  #lookAtReceiving(): void {
    const { link, reading, heard, dead } = this.#options;
    const read = heard?.() ?? link.bytesRead;
    const silent = read === this.#readBefore && (reading?.() ?? true);
    this.#readBefore = read;
    this.#silentLooks = silent ? this.#silentLooks + 1 : 0;
    if (this.#silentLooks < 2) return;
    this.stop();
    dead();
  }
}
