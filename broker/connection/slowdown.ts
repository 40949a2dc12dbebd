import type { Clock } from "../amqp/clock.ts";
import type { PacedPublisher, Pacing } from "../vhost/pacing.ts";

/** A pause that consumers do not end lasts so long: it is bounded, never "until there is room", since
 * the same socket may carry the acks that make it. */
const PAUSE_MS = 5;
/** It is begun anew while consumers take at least so many messages in that time, ... */
const PROGRESS_MIN = 100;
/** ... so many times at most. */
const PAUSES_MAX = 10;
/** After so many messages too much there is a pause, while consumers take what there is. */
const KEEPING_UP = 100;
/** The same while they do not, for reasons of their own: making it wait does not help them. */
const BEHIND = 2000;
/** A read of a publisher that is slowed brings no more than this many bytes, so that consumers have
 * their turn between two of them. Fewer small messages than consumers mostly ack at once: else a read would
 * have to be left out now and then, and there would be nothing to do until the next acks come. */
const READ_MAX = 12 * 1024;

/** What a slowdown works on. */
export interface SlowdownOptions {
  /** Of the vhost. */
  readonly pacing: Pacing;
  /** Time. */
  readonly clock: Clock;
  /** Limits how many bytes one read of the client brings. */
  readonly limitReads: (bytes: number) => void;
  /** The client must not be read, or may be again: `active` tells which. */
  readonly onChange: () => void;
}

/**
 * Slows down one client that publishes more than consumers take, by not reading it for a moment. As
 * long as consumers take what waits, it goes on when they have taken as much as it had published; when
 * they do not, it is made to wait now and then, and otherwise left alone.
 */
export class Slowdown implements PacedPublisher {
  /** True while the client is not read. */
  active = false;
  readonly #options: SlowdownOptions;
  #pressure = 0;
  #quantum = KEEPING_UP;
  /** It runs on after a pause that ended early, since most are followed by another one. */
  #stopTimer: (() => void) | undefined = undefined;
  /** When the pause, or the last part of it, began. */
  #since = 0;
  #limited = false;
  /** How often the pause was begun anew. */
  #pauses = 0;
  /** What consumers had taken when it was. */
  #takenBefore = 0;
  readonly #onTime = () => {
    this.#stopTimer = undefined;
    if (!this.active) return;
    const { clock, pacing } = this.#options;
    const left = this.#since + PAUSE_MS - clock.now();
    if (left > 0) return this.#setTimer(left);
    const progress = pacing.taken - this.#takenBefore >= PROGRESS_MIN;
    if (progress && ++this.#pauses < PAUSES_MAX) return this.#beginPart();
    this.#quantum = progress ? KEEPING_UP : BEHIND;
    // little reads do not help those who take nothing, either, and they may never take anything again
    if (!progress) this.#readFreely();
    this.#endPause();
  };

  constructor(options: SlowdownOptions) {
    this.#options = options;
  }

  /** The client has published to a queue whose consumers are behind. */
  feel(): void {
    const { pacing, limitReads, onChange } = this.#options;
    this.#pressure += pacing.pressure;
    pacing.pressure = 0;
    if (this.#pressure < this.#quantum || this.active) return;
    this.active = true;
    pacing.wait(this, this.#pressure);
    this.#pressure = 0;
    this.#pauses = 0;
    if (!this.#limited) {
      this.#limited = true;
      limitReads(READ_MAX);
    }
    this.#beginPart();
    onChange();
  }

  #beginPart(): void {
    const { clock, pacing } = this.#options;
    this.#takenBefore = pacing.taken;
    this.#since = clock.now();
    if (this.#stopTimer === undefined) this.#setTimer(PAUSE_MS);
  }

  #setTimer(delayMs: number): void {
    this.#stopTimer = this.#options.clock.after(delayMs, this.#onTime);
  }

  goOn(): void {
    this.#quantum = KEEPING_UP;
    this.#endPause();
  }

  relieved(): void {
    this.#readFreely();
    this.goOn();
  }

  #readFreely(): void {
    this.#limited = false;
    this.#options.limitReads(Infinity);
  }

  #endPause(): void {
    if (!this.active) return;
    this.active = false;
    this.#options.pacing.endWait(this);
    this.#options.onChange();
  }

  /** The connection has ended. */
  end(): void {
    this.#stopTimer?.();
    this.#endPause();
    this.#options.pacing.leave(this);
  }
}
