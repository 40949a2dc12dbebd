import type { Clock } from "../amqp/clock.ts";
import type { StoreError } from "./error.ts";
import type { Log } from "./log.ts";
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
  readonly #segments: Segments;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #onChanged: StateCallback | undefined;
  #state: StoreState = "open";
  /** True while writing fails. */
  #failed = false;
  #closing = false;
  #cancelTimer: (() => void) | undefined = undefined;
  /** How much of the head was dead when there was no room to begin a new segment. */
  #triedAt = 0;

  constructor(
    segments: Segments,
    log: Log,
    options: { clock: Clock; onChanged: StateCallback | undefined },
  ) {
    this.#segments = segments;
    this.#log = log;
    this.#clock = options.clock;
    this.#onChanged = options.onChanged;
  }

  /** What the store can do. */
  get state(): StoreState {
    return this.#state;
  }

  /** Writing fails, or works again. */
  failed(error: StoreError | undefined): void {
    this.#failed = error !== undefined;
    this.#change(error);
  }

  /** Something was written or removed: the disk may be full now, or no longer. */
  notice(): void {
    const { tight } = this.#segments;
    if (tight === (this.#state === "full") || this.#failed) return;
    this.#change(undefined);
  }

  /** When the disk is full: begins a new segment when that lets most of the head go. */
  relieve(): void {
    const segments = this.#segments;
    if (!segments.tight) {
      this.#triedAt = 0;
      return;
    }
    const head = segments.head!;
    const deadBytes = head.end - head.neededBytes;
    // A small gain is not worth a segment of its own, nor is it worth to try again and again.
    const isWorthIt = deadBytes > Math.max(2 * segments.margin, this.#triedAt);
    if (!segments.relieve() && !head.dirty && !head.fresh && isWorthIt) {
      try {
        this.#log.roll();
        this.#triedAt = 0;
      } catch {
        // There is not even room for that. Something else must go first.
        this.#triedAt = deadBytes;
      }
    }
    this.notice();
  }

  /** The store begins to close: nothing is watched any more. */
  closing(): void {
    this.#closing = true;
    this.#cancelTimer?.();
  }

  /** The store is closed, for good. */
  closed(): void {
    this.#state = "closed";
  }

  /** While the disk is full, nothing may happen here that would show when it no longer is. */
  #watch(): void {
    this.#cancelTimer ??= this.#clock.after(FULL_RETRY_MS, () => {
      this.#cancelTimer = undefined;
      if (this.#closing || this.#state !== "full") return;
      this.#triedAt = 0;
      if (this.#segments.relieve()) this.notice();
      else this.#watch();
    });
  }

  #change(error: StoreError | undefined): void {
    if (this.#state === "closed") return;
    const state = error !== undefined ? "failed" : this.#segments.tight ? "full" : "open";
    if (state === this.#state) return;
    this.#state = state;
    // also after a failure, when nothing else may happen any more
    if (state === "full") this.#watch();
    this.#onChanged?.(state, error);
  }
}
