import type { Clock } from "../amqp/clock.ts";
import type { StoreError } from "./error.ts";

/** When what was written is put on disk. */
export type SyncMode = "always" | "never" | { readonly intervalMs: number };

/** Called when all that was appended before is safe, or with why it is not. */
export type SyncedCallback = (error: StoreError | undefined) => void;

/** With so much waiting, it is written even if nobody asks. */
const WRITE_SIZE = 1024 * 1024;
/** What nobody waits for is written after so long: it may be settled before, and never be written. */
const LAZY_MS = 20;
const RETRY_MS = 250;
const RETRY_MAX_MS = 5000;

/** What a group commit writes and syncs. */
export interface CommitTarget {
  /** Size of what waits to be written. */
  readonly waiting: number;
  /** True when something is written that may not be on disk. */
  readonly dirty: boolean;
  /**
   * Writes what waits. False: only after a sync.
   *
   * @throws {StoreError} When it cannot; what waits still waits then.
   */
  write(): boolean;
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
 */
export class GroupCommit {
  readonly #target: CommitTarget;
  readonly #clock: Clock;
  readonly #mode: SyncMode;
  readonly #atEndOfTurn: (callback: () => void) => void;
  #waiters: SyncedCallback[] = [];
  #inFlight: SyncedCallback[] = [];
  #turnMarked = false;
  #writeSoon = false;
  #look = false;
  #syncing = false;
  #cancelTimer: (() => void) | undefined = undefined;
  #failure: StoreError | undefined = undefined;
  #retryMs = RETRY_MS;
  #closed = false;
  #whenIdle: (() => void) | undefined = undefined;
  readonly #endTurn = () => {
    this.#turnMarked = false;
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

  /** True while nothing waits and nothing is on its way. */
  get idle(): boolean {
    return !this.#syncing && this.#waiters.length === 0 && this.#target.waiting === 0 &&
      !this.#target.dirty;
  }

  /** Something was appended that nobody waits for. */
  touch(): void {
    if (this.#target.waiting >= WRITE_SIZE && this.#failure === undefined) this.#tryWrite();
    if (!this.#turnMarked && this.#cancelTimer === undefined) this.#mark();
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
    const wanted = this.#waiters.length > 0;
    if (this.#syncing) {
      if (this.#writeSoon) this.#tryWrite();
      return;
    }
    if (wanted || this.#writeSoon || this.#closed) {
      const written = this.#tryWrite();
      if (this.#failure !== undefined) return;
      if (!written) {
        this.#sync();
        return;
      }
    }
    if (wanted) {
      if (this.#mustSync() && this.#target.dirty) {
        this.#inFlight = this.#waiters;
        this.#waiters = [];
        this.#sync();
        return;
      }
      const callbacks = this.#waiters;
      this.#waiters = [];
      for (let index = 0; index < callbacks.length; index++) callbacks[index]!(undefined);
      if (this.#waiters.length > 0) this.#mark();
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

  #tryWrite(): boolean {
    this.#writeSoon = false;
    try {
      return this.#target.write();
    } catch (error) {
      this.#fail(error as StoreError);
      return false;
    }
  }

  #sync(): void {
    this.#syncing = true;
    this.#target.sync((error) => {
      this.#syncing = false;
      const callbacks = this.#inFlight;
      this.#inFlight = [];
      if (error !== undefined) {
        this.#waiters = [...callbacks, ...this.#waiters];
        this.#fail(error);
        return;
      }
      for (let index = 0; index < callbacks.length; index++) callbacks[index]!(undefined);
      if (this.#failure !== undefined) {
        this.#retry();
        return;
      }
      this.#afterSync();
    });
  }

  #afterSync(): void {
    if (this.#target.onQuiet() && !this.#syncing && this.#waiters.length === 0) this.#sync();
    else this.#pump();
  }

  #fail(error: StoreError): void {
    const first = this.#failure === undefined;
    this.#failure = error;
    if (first) this.#target.onFailure(error);
    // Not here: this may be within an append.
    if (this.#waiters.length > 0) this.#mark();
    if (!this.#finishClose() && !this.#syncing) this.#retry();
  }

  #failWaiters(error: StoreError): void {
    if (this.#waiters.length === 0) return;
    const callbacks = this.#waiters;
    this.#waiters = [];
    for (const callback of callbacks) callback(error);
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
    const done = this.#whenIdle;
    this.#whenIdle = undefined;
    done?.();
    return true;
  }
}
