import type { Clock } from "../amqp/clock.ts";
import type { StoreError } from "./error.ts";
import type { WriteResult } from "./log.ts";

/** When what was written is put on disk. */
export type SyncMode = "always" | "never" | { readonly intervalMs: number };

/** Called when all that was appended before is safe, or with why it is not. */
export type SyncedCallback = (error: StoreError | undefined) => void;

/** With so much waiting, it is written even if nobody asks. */
const WRITE_SIZE = 1024 * 1024;
/** While a sync is in flight, so much is written that somebody waits for: then the next sync has less to
 * wait for. Less would cost more calls of the system than it is worth. */
const EARLY_SIZE = 16 * 1024;
/** What nobody waits for is written after so long: it may be settled before, and never be written. */
const LAZY_MS = 20;
const RETRY_MS = 250;
const RETRY_MAX_MS = 5000;

/** What a group commit writes and syncs. */
export interface CommitTarget {
  /** Size of what waits to be written. */
  readonly waiting: number;
  /** How much of it are large bodies, which cost no memory here. */
  readonly outside: number;
  /** True when something is written that may not be on disk. */
  readonly dirty: boolean;
  /**
   * Writes what waits, as much of it as is good for a turn.
   *
   * @throws {StoreError} When it cannot; what waits still waits then.
   */
  write(): WriteResult;
  /** Puts what was written on disk. Only one at a time. */
  sync(done: (error: StoreError | undefined) => void): void;
  /** After a failure: makes ready for the next try. */
  repair(done: (error: StoreError | undefined) => void): void;
  /** A write or sync failed, or works again. */
  onFailure(error: StoreError | undefined): void;
  /** Everything is on disk: time for what has no haste. True when there is something to sync. */
  onQuiet(): boolean;
}

/**
 * Decides when what was appended is written and synced: the records of a turn are one write, one sync
 * is in flight at a time, and what comes meanwhile waits for the next one.
 *
 * Large bodies are written over several turns, a round: it writes what waits when it begins, for
 * those who wait for it then.
 *
 * ```text
 *  asked for        round begins       round ends         sync begins         on disk
 *  ---------> waiters --------> claimed ---------> written ----------> inFlight ----->
 * ```
 */
export class GroupCommit {
  private readonly _target: CommitTarget;
  private readonly _clock: Clock;
  private readonly _mode: SyncMode;
  private readonly _atEndOfTurn: (callback: () => void) => void;
  private _waiters: SyncedCallback[] = [];
  private _claimed: SyncedCallback[] = [];
  private _written: SyncedCallback[] = [];
  private _inFlight: SyncedCallback[] = [];
  private _turnMarked = false;
  private _writeSoon = false;
  private _look = false;
  private _syncing = false;
  /** True while a round of writing is not at its end. */
  private _inRound = false;
  /** Set while it goes on in a later turn. */
  private _cancelNext: (() => void) | undefined = undefined;
  private _cancelTimer: (() => void) | undefined = undefined;
  private _failure: StoreError | undefined = undefined;
  private _retryMs = RETRY_MS;
  private _closed = false;
  private _whenIdle: (() => void) | undefined = undefined;
  private readonly _endTurn = () => {
    this._turnMarked = false;
    this._pump();
  };
  private readonly _nextTurn = () => {
    this._cancelNext = undefined;
    this._pump();
  };

  constructor(
    target: CommitTarget,
    options: {
      mode: SyncMode;
      clock: Clock;
      atEndOfTurn: (callback: () => void) => void;
    },
  ) {
    this._target = target;
    this._mode = options.mode;
    this._clock = options.clock;
    this._atEndOfTurn = options.atEndOfTurn;
  }

  /** Why nothing can be written at present. */
  get failure(): StoreError | undefined {
    return this._failure;
  }

  /** Something was appended that nobody waits for. */
  touch(): void {
    if (this._target.waiting >= WRITE_SIZE && this._failure === undefined) {
      // A large body takes no room in the batch, and writing it takes long.
      if (this._target.outside > 0) this._writeSoon = true;
      else this._tryWrite();
    }
    if (this._turnMarked) return;
    if (this._cancelTimer === undefined || this._writeSoon || this._inRound) this._mark();
  }

  /** Something was appended that should be written at the end of this turn. */
  touchSoon(): void {
    this._writeSoon = true;
    this._mark();
  }

  /** Calls back once when all that was appended so far is safe; never within this call. */
  whenSynced(callback: SyncedCallback): void {
    this._waiters.push(callback);
    this._mark();
  }

  /** There may be something to do that has no haste, although nothing is written. */
  lookSoon(): void {
    this._look = true;
    this._mark();
  }

  /** Writes and syncs all, then calls back. */
  close(done: () => void): void {
    if (this._closed) {
      done();
      return;
    }
    this._closed = true;
    this._whenIdle = done;
    // In this mode nobody else would ever ask.
    this._waiters.push(() => {});
    this._pump();
  }

  private _mark(): void {
    if (this._turnMarked) return;
    this._turnMarked = true;
    this._atEndOfTurn(this._endTurn);
  }

  /** Does what can be done now. */
  private _pump(): void {
    if (this._failure !== undefined) {
      this._failWaiters(this._failure);
      this._finishClose();
      return;
    }
    if (this._syncing) {
      const isMuch = this._waiters.length > 0 && this._target.waiting >= EARLY_SIZE;
      if (this._writeSoon || this._inRound || isMuch) this._tryWrite();
      return;
    }
    if (this._waiters.length > 0 || this._writeSoon || this._closed || this._inRound) {
      this._tryWrite();
      if (this._failure !== undefined) return;
    }
    if (this._written.length > 0) {
      const callbacks = this._written;
      this._written = [];
      if (this._mustSync() && this._target.dirty) {
        this._inFlight = callbacks;
        this._sync();
        return;
      }
      for (let index = 0; index < callbacks.length; index++) callbacks[index]!(undefined);
    }
    if (this._inRound) {
      // It waits for a sync, or for its next turn: then the disk can be busy meanwhile.
      const waitsForSync = this._cancelNext === undefined;
      if (this._target.dirty && (waitsForSync || this._mustSync())) this._sync();
      return;
    }
    if (this._waiters.length > 0) {
      this._mark();
      return;
    }
    const look = this._look;
    this._look = false;
    if (this._closed && this._target.dirty || look && this._target.onQuiet()) this._sync();
    else if (!this._finishClose()) this._wait();
  }

  /** Syncs what nobody asks for after a while. One timer, and only while there is something. */
  private _wait(): void {
    if (this._cancelTimer !== undefined || this._closed) return;
    if (this._target.waiting === 0 && !this._target.dirty) return;
    const delay = typeof this._mode === "object" ? this._mode.intervalMs : LAZY_MS;
    this._cancelTimer = this._clock.after(delay, () => {
      this._cancelTimer = undefined;
      if (this._failure !== undefined || this._syncing) return;
      this._tryWrite();
      if (this._failure === undefined && this._target.dirty) this._sync();
      else this._wait();
    });
  }

  private _mustSync(): boolean {
    return this._mode === "always" || this._closed;
  }

  /** Begins a round or goes on with it, unless it goes on by itself. */
  private _tryWrite(): void {
    if (this._cancelNext !== undefined) return;
    this._writeSoon = false;
    if (!this._inRound) {
      this._inRound = true;
      this._claimed = this._waiters;
      this._waiters = [];
    }
    let result: WriteResult;
    try {
      result = this._target.write();
    } catch (error) {
      this._fail(error as StoreError);
      return;
    }
    if (result === "more") this._cancelNext = this._clock.after(0, this._nextTurn);
    if (result !== "written") return;
    this._inRound = false;
    this._written = this._written.length === 0
      ? this._claimed
      : this._written.concat(this._claimed);
    this._claimed = [];
  }

  private _sync(): void {
    this._syncing = true;
    let within = true;
    this._target.sync((error) => {
      this._syncing = false;
      const callbacks = this._inFlight;
      this._inFlight = [];
      if (error !== undefined) {
        this._written = callbacks.concat(this._written);
        this._fail(error);
        return;
      }
      for (let index = 0; index < callbacks.length; index++) callbacks[index]!(undefined);
      if (this._failure !== undefined) {
        this._retry();
        return;
      }
      // Where nothing is ever synced, one thing would lead to the next within one call.
      if (within) this.lookSoon();
      else this._afterSync();
    });
    within = false;
  }

  private _afterSync(): void {
    if (this._target.onQuiet() && !this._syncing && !this._isWanted()) this._sync();
    else this._pump();
  }

  /** True when somebody waits for what is not on its way to the disk yet. */
  private _isWanted(): boolean {
    return this._waiters.length > 0 || this._claimed.length > 0 || this._written.length > 0;
  }

  private _fail(error: StoreError): void {
    const first = this._failure === undefined;
    this._failure = error;
    this._endRound();
    if (first) this._target.onFailure(error);
    // Not here: this may be within an append.
    if (this._isWanted()) this._mark();
    if (!this._finishClose() && !this._syncing) this._retry();
  }

  private _failWaiters(error: StoreError): void {
    if (!this._isWanted()) return;
    const callbacks = [...this._written, ...this._claimed, ...this._waiters];
    this._written = [];
    this._claimed = [];
    this._waiters = [];
    for (const callback of callbacks) callback(error);
  }

  private _endRound(): void {
    this._inRound = false;
    this._cancelNext?.();
    this._cancelNext = undefined;
  }

  private _retry(): void {
    this._cancelTimer?.();
    this._cancelTimer = this._clock.after(this._retryMs, () => {
      this._cancelTimer = undefined;
      this._syncing = true;
      this._target.repair((error) => {
        this._syncing = false;
        if (error !== undefined) {
          this._retryMs = Math.min(this._retryMs * 2, RETRY_MAX_MS);
          this._failure = error;
          this._failWaiters(error);
          if (!this._finishClose()) this._retry();
          return;
        }
        this._retryMs = RETRY_MS;
        this._failure = undefined;
        this._target.onFailure(undefined);
        this._afterSync();
      });
    });
  }

  private _finishClose(): boolean {
    if (!this._closed) return false;
    if (this._syncing) return true;
    this._cancelTimer?.();
    this._cancelTimer = undefined;
    this._endRound();
    const done = this._whenIdle;
    this._whenIdle = undefined;
    done?.();
    return true;
  }
}
