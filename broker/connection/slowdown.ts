import type { Clock } from "../amqp/clock.ts";
import type { PacedPublisher, Pacing } from "../vhost/pacing.ts";
import { RecentRows } from "../vhost/recent_rows.ts";

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
export const BEHIND = 4000;
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
  readonly rows: RecentRows = new RecentRows();
  private readonly _options: SlowdownOptions;
  private _pressure = 0;
  private _quantum = KEEPING_UP;
  /** It runs on after a pause, since most are followed by another one. */
  private _stopTimer: (() => void) | undefined = undefined;
  /** When the pause, or the last part of it, began. */
  private _since = 0;
  private _limited = false;
  /** False when it has not felt pressure since this was asked for last. */
  private _felt = false;
  /** How often the pause was begun anew. */
  private _pauses = 0;
  /** What consumers had taken when it was. */
  private _takenBefore = 0;
  private readonly _onTime = () => {
    this._stopTimer = undefined;
    if (!this.active) return this._afterPause();
    const { clock, pacing } = this._options;
    const left = this._since + PAUSE_MS - clock.now();
    if (left > 0) return this._setTimer(left);
    const progress = pacing.taken - this._takenBefore >= PROGRESS_MIN;
    if (progress && ++this._pauses < PAUSES_MAX) return this._beginPart();
    this._quantum = progress ? KEEPING_UP : BEHIND;
    // little reads do not help those who take nothing, either, and they may never take anything again
    if (!progress) this._readFreely();
    else this._setTimer(PAUSE_MS);
    this._endPause();
  };

  constructor(options: SlowdownOptions) {
    this._options = options;
  }

  /** The client has published to a queue whose consumers are behind. */
  feel(): void {
    const { pacing, limitReads, onChange } = this._options;
    this._pressure += pacing.feltBy(this.rows);
    this._felt = true;
    if (this._pressure < this._quantum || this.active) return;
    this.active = true;
    pacing.wait(this, this._pressure);
    this._pressure = 0;
    this._pauses = 0;
    if (!this._limited) {
      this._limited = true;
      limitReads(READ_MAX);
    }
    this._beginPart();
    onChange();
  }

  /** Rows may be long that it does not add to: for those it needs not be read in little pieces. */
  private _afterPause(): void {
    if (!this._limited) return;
    if (!this._felt) return this._readFreely();
    this._felt = false;
    this._setTimer(PAUSE_MS);
  }

  private _beginPart(): void {
    const { clock, pacing } = this._options;
    this._takenBefore = pacing.taken;
    this._since = clock.now();
    if (this._stopTimer === undefined) this._setTimer(PAUSE_MS);
  }

  private _setTimer(delayMs: number): void {
    this._stopTimer = this._options.clock.after(delayMs, this._onTime);
  }

  goOn(): void {
    this._quantum = KEEPING_UP;
    this._endPause();
  }

  relieved(): void {
    this.rows.clear();
    this._readFreely();
    this.goOn();
  }

  private _readFreely(): void {
    this._limited = false;
    this._options.limitReads(Infinity);
  }

  private _endPause(): void {
    if (!this.active) return;
    this.active = false;
    this._options.pacing.endWait(this);
    this._options.onChange();
  }

  /** The connection has ended. */
  end(): void {
    this._stopTimer?.();
    this._endPause();
    this._options.pacing.leave(this);
  }
}
