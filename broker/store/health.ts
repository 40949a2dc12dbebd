import type { Clock } from "../amqp/clock.ts";
import type { StoreError } from "./error.ts";
import type { Log } from "./log.ts";
import { END_SIZE } from "./records.ts";
import type { Segment } from "./segment.ts";
import type { Segments } from "./segments.ts";

/** While the disk is full, it is looked at again after so long. */
const FULL_RETRY_MS = 1000;

/**
 * What a store can do at present. `full`: no new messages, all else. `failed`: nothing that is
 * appended is safe, but all is remembered and written when the disk works again.
 */
export type StoreState = "open" | "full" | "failed" | "closed";

/** Called when a store can do less, or more again. */
export type StateCallback = (state: StoreState, error: StoreError | undefined) => void;

/** Knows what the store can do, and watches a full disk until there is room again. */
export class Health {
  private readonly _segments: Segments;
  private readonly _log: Log;
  private readonly _clock: Clock;
  private readonly _onChanged: StateCallback | undefined;
  private _state: StoreState = "open";
  /** True while writing fails. */
  private _failed = false;
  private _closing = false;
  private _cancelTimer: (() => void) | undefined = undefined;
  /** How much of the head was dead when there was no room to begin a new segment. */
  private _triedAt = 0;

  constructor(
    segments: Segments,
    log: Log,
    options: { clock: Clock; onChanged: StateCallback | undefined },
  ) {
    this._segments = segments;
    this._log = log;
    this._clock = options.clock;
    this._onChanged = options.onChanged;
  }

  /** What the store can do. */
  get state(): StoreState {
    return this._state;
  }

  /** Writing fails, or works again. */
  failed(error: StoreError | undefined): void {
    this._failed = error !== undefined;
    this._change(error);
  }

  /** Something was written or removed: the disk may be full now, or no longer. */
  notice(): void {
    const { tight } = this._segments;
    if (tight === (this._state === "full") || this._failed) return;
    this._change(undefined);
  }

  /** When the disk is full: begins a new segment when that lets most of the head go. */
  relieve(): void {
    const segments = this._segments;
    if (!segments.tight) {
      this._triedAt = 0;
      return;
    }
    const head = segments.head!;
    // The next one begins with a checkpoint too.
    const deadBytes = head.end - head.checkpointEnd - head.neededBytes;
    // A small gain is not worth a segment of its own, nor is it worth to try again and again.
    const isWorthIt = deadBytes > Math.max(2 * segments.margin, this._triedAt);
    if (!segments.relieve() && !head.dirty && !head.fresh && isWorthIt && this._canRoll(head)) {
      try {
        this._log.roll();
        this._triedAt = 0;
      } catch {
        // There is not even room for that. Something else must go first.
        this._triedAt = deadBytes;
      }
    }
    this.notice();
  }

  /**
   * False when there is no room for the checkpoint that another segment begins with: after an attempt
   * the head would not even take settlements.
   */
  private _canRoll(head: Segment): boolean {
    return this._segments.spares.length > 0 ||
      head.allocated - head.end >= head.checkpointEnd + END_SIZE;
  }

  /** The store begins to close: nothing is watched any more. */
  closing(): void {
    this._closing = true;
    this._cancelTimer?.();
  }

  /** The store is closed, for good. */
  closed(): void {
    this._state = "closed";
  }

  /** While the disk is full, nothing may happen here that would show when it no longer is. */
  private _watch(): void {
    this._cancelTimer ??= this._clock.after(FULL_RETRY_MS, () => {
      this._cancelTimer = undefined;
      if (this._closing || this._state !== "full") return;
      this._triedAt = 0;
      if (this._segments.relieve()) this.notice();
      else this._watch();
    });
  }

  private _change(error: StoreError | undefined): void {
    if (this._state === "closed") return;
    const state = error !== undefined ? "failed" : this._segments.tight ? "full" : "open";
    if (state === this._state) return;
    this._state = state;
    if (state === "full" && !this._closing) this._watch();
    this._onChanged?.(state, error);
  }
}
