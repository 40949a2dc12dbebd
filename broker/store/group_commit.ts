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
  readonly #target: CommitTarget;
  readonly #clock: Clock;
  readonly #mode: SyncMode;
  readonly #atEndOfTurn: (callback: () => void) => void;
  #waiters: SyncedCallback[] = [];
  #claimed: SyncedCallback[] = [];
  #written: SyncedCallback[] = [];
  #inFlight: SyncedCallback[] = [];
  #turnMarked = false;
  #writeSoon = false;
  #look = false;
  #syncing = false;
  /** True while a round of writing is not at its end. */
  #inRound = false;
  /** Set while it goes on in a later turn. */
  #cancelNext: (() => void) | undefined = undefined;
  #cancelTimer: (() => void) | undefined = undefined;
  #failure: StoreError | undefined = undefined;
  #retryMs = RETRY_MS;
  #closed = false;
  #whenIdle: (() => void) | undefined = undefined;
  readonly #endTurn = () => {
    this.#turnMarked = false;
    this.#pump();
  };
  readonly #nextTurn = () => {
    this.#cancelNext = undefined;
    this.#pump();
  };

  constructor(
    target: CommitTarget,
    options: {
      mode: SyncMode;
      clock: Clock;
      atEndOfTurn: (callback: () => void) => void;
    },
  ) {
    this.#target = target;
    this.#mode = options.mode;
    this.#clock = options.clock;
    this.#atEndOfTurn = options.atEndOfTurn;
  }

  /** Why nothing can be written at present. */
  get failure(): StoreError | undefined {
    return this.#failure;
  }

  /** Something was appended that nobody waits for. */
  touch(): void {
    if (this.#target.waiting >= WRITE_SIZE && this.#failure === undefined) {
      // A large body takes no room in the batch, and writing it takes long.
      if (this.#target.outside > 0) this.#writeSoon = true;
      else this.#tryWrite();
    }
    if (this.#turnMarked) return;
    if (this.#cancelTimer === undefined || this.#writeSoon || this.#inRound) this.#mark();
  }

  /** Something was appended that should be written at the end of this turn. */
  touchSoon(): void {
    this.#writeSoon = true;
    this.#mark();
  }

  /** Calls back once when all that was appended so far is safe; never within this call. */
  whenSynced(callback: SyncedCallback): void {
    this.#waiters.push(callback);
    this.#mark();
  }

  /** There may be something to do that has no haste, although nothing is written. */
  lookSoon(): void {
    this.#look = true;
    this.#mark();
  }

  /** Writes and syncs all, then calls back. */
  close(done: () => void): void {
    if (this.#closed) {
      done();
      return;
    }
    this.#closed = true;
    this.#whenIdle = done;
    // In this mode nobody else would ever ask.
    this.#waiters.push(() => {});
    this.#pump();
  }

  #mark(): void {
    if (this.#turnMarked) return;
    this.#turnMarked = true;
    this.#atEndOfTurn(this.#endTurn);
  }

  /** Does what can be done now. */
  #pump(): void {
    if (this.#failure !== undefined) {
      this.#failWaiters(this.#failure);
      this.#finishClose();
      return;
    }
    if (this.#syncing) {
      const isMuch = this.#waiters.length > 0 && this.#target.waiting >= EARLY_SIZE;
      if (this.#writeSoon || this.#inRound || isMuch) this.#tryWrite();
      return;
    }
    if (this.#waiters.length > 0 || this.#writeSoon || this.#closed || this.#inRound) {
      this.#tryWrite();
      if (this.#failure !== undefined) return;
    }
    if (this.#written.length > 0) {
      const callbacks = this.#written;
      this.#written = [];
      if (this.#mustSync() && this.#target.dirty) {
        this.#inFlight = callbacks;
        this.#sync();
        return;
      }
      for (let index = 0; index < callbacks.length; index++) callbacks[index]!(undefined);
    }
    if (this.#inRound) {
      // It waits for a sync, or for its next turn: then the disk can be busy meanwhile.
      const waitsForSync = this.#cancelNext === undefined;
      if (this.#target.dirty && (waitsForSync || this.#mustSync())) this.#sync();
      return;
    }
    if (this.#waiters.length > 0) {
      this.#mark();
      return;
    }
    const look = this.#look;
    this.#look = false;
    if (this.#closed && this.#target.dirty || look && this.#target.onQuiet()) this.#sync();
    else if (!this.#finishClose()) this.#wait();
  }

  /** Syncs what nobody asks for after a while. One timer, and only while there is something. */
  #wait(): void {
    if (this.#cancelTimer !== undefined || this.#closed) return;
    if (this.#target.waiting === 0 && !this.#target.dirty) return;
    const delay = typeof this.#mode === "object" ? this.#mode.intervalMs : LAZY_MS;
    this.#cancelTimer = this.#clock.after(delay, () => {
      this.#cancelTimer = undefined;
      if (this.#failure !== undefined || this.#syncing) return;
      this.#tryWrite();
      if (this.#failure === undefined && this.#target.dirty) this.#sync();
      else this.#wait();
    });
  }

  #mustSync(): boolean {
    return this.#mode === "always" || this.#closed;
  }

  /** Begins a round or goes on with it, unless it goes on by itself. */
  #tryWrite(): void {
    if (this.#cancelNext !== undefined) return;
    this.#writeSoon = false;
    if (!this.#inRound) {
      this.#inRound = true;
      this.#claimed = this.#waiters;
      this.#waiters = [];
    }
    let result: WriteResult;
    try {
      result = this.#target.write();
    } catch (error) {
      this.#fail(error as StoreError);
      return;
    }
    if (result === "more") this.#cancelNext = this.#clock.after(0, this.#nextTurn);
    if (result !== "written") return;
    this.#inRound = false;
    this.#written = this.#written.length === 0
      ? this.#claimed
      : this.#written.concat(this.#claimed);
    this.#claimed = [];
  }

  #sync(): void {
    this.#syncing = true;
    let within = true;
    this.#target.sync((error) => {
      this.#syncing = false;
      const callbacks = this.#inFlight;
      this.#inFlight = [];
      if (error !== undefined) {
        this.#written = callbacks.concat(this.#written);
        this.#fail(error);
        return;
      }
      for (let index = 0; index < callbacks.length; index++) callbacks[index]!(undefined);
      if (this.#failure !== undefined) {
        this.#retry();
        return;
      }
      // Where nothing is ever synced, one thing would lead to the next within one call.
      if (within) this.lookSoon();
      else this.#afterSync();
    });
    within = false;
  }

  #afterSync(): void {
    if (this.#target.onQuiet() && !this.#syncing && !this.#isWanted()) this.#sync();
    else this.#pump();
  }

  /** True when somebody waits for what is not on its way to the disk yet. */
  #isWanted(): boolean {
    return this.#waiters.length > 0 || this.#claimed.length > 0 || this.#written.length > 0;
  }

  #fail(error: StoreError): void {
    const first = this.#failure === undefined;
    this.#failure = error;
    this.#endRound();
    if (first) this.#target.onFailure(error);
    // Not here: this may be within an append.
    if (this.#isWanted()) this.#mark();
    if (!this.#finishClose() && !this.#syncing) this.#retry();
  }

  #failWaiters(error: StoreError): void {
    if (!this.#isWanted()) return;
    const callbacks = [...this.#written, ...this.#claimed, ...this.#waiters];
    this.#written = [];
    this.#claimed = [];
    this.#waiters = [];
    for (const callback of callbacks) callback(error);
  }

  #endRound(): void {
    this.#inRound = false;
    this.#cancelNext?.();
    this.#cancelNext = undefined;
  }

  #retry(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(this.#retryMs, () => {
      this.#cancelTimer = undefined;
      this.#syncing = true;
      this.#target.repair((error) => {
        this.#syncing = false;
        if (error !== undefined) {
          this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
          this.#failure = error;
          this.#failWaiters(error);
          if (!this.#finishClose()) this.#retry();
          return;
        }
        this.#retryMs = RETRY_MS;
        this.#failure = undefined;
        this.#target.onFailure(undefined);
        this.#afterSync();
      });
    });
  }

  #finishClose(): boolean {
    if (!this.#closed) return false;
    if (this.#syncing) return true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#endRound();
    const done = this.#whenIdle;
    this.#whenIdle = undefined;
    done?.();
    return true;
  }
}
