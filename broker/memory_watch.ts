import type { AlarmCause, Alarms } from "./alarms.ts";
import type { Clock } from "./amqp/clock.ts";
import type { Machine } from "./machine.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** A small message takes up to so many times the bytes that came for it: objects, while it is unacked. */
const GROWTH = 16;
/** So many bytes come at least between two looks. */
const STEP_MIN = 512 * KIB;
/** And at most. */
const STEP_MAX = 16 * MIB;
/** What a method or a delivery counts for beside its content. */
const OVERHEAD = 64;

/** While there is too much in memory, it is looked at so often. */
const RECHECK_MS = 250;
/** However much of it is explained as free, so much more than may be in use is too much. */
const UNEXPLAINED_MAX = 256 * MIB;

/** An alarm ends with so much less than what raised it, so that it is not raised again at once. */
const CLEARED_BELOW = 0.95;
/** After something was let go, the collector is asked for its work by so many looks in a row. */
const EAGER_LOOKS = 40;
/** And then, in case of what nobody counts, by one in so many. */
const LAZY_LOOKS = 20;

/** What a {@linkcode MemoryWatch} is made of. */
export interface MemoryWatchOptions {
  /** What it watches. */
  readonly machine: Pick<Machine, "rss" | "allocated" | "heap" | "collect" | "stopCollecting">;
  /** What it raises. */
  readonly alarms: Alarms;
  /** Time. */
  readonly clock: Clock;
  /** The most that the process may take in memory, in bytes; Infinity: nobody cares. */
  readonly rssLimit: number;
  /** The part of V8's limit that its heap may take. */
  readonly heapShare: number;
  /** How many bytes the messages in memory take. When that shrinks, there is garbage. */
  readonly held: () => number;
}

/**
 * Raises the alarm about memory: when the process takes more of it than it may, or when V8's heap
 * comes near the limit at which V8 ends the process.
 *
 * What a process has given back may stay with it: the C library keeps freed buffers of a megabyte for
 * the next ones. That is not in use, or an alarm might never end; what V8 knows of tells it apart.
 *
 * It looks when something comes in: after so many bytes, the fewer the less room there is, so that it
 * is never late by much and costs nothing when nothing happens. A timer runs only while the alarm is
 * raised. Then it also has the garbage collector work, which sees no need by itself: most of what a
 * broker holds lies outside of V8's heap, and where nothing is published nothing is allocated.
 */
export class MemoryWatch {
  private readonly _options: MemoryWatchOptions;
  private _rssLimit: number;
  /** Memory of which V8 knows nothing: code, for the most part. Infinity until somebody cares. */
  private _base = Infinity;
  /** So many bytes may come until the next look. */
  private _left: number;
  private _stopTimer: (() => void) | undefined = undefined;
  private _looks = 0;
  private _held = 0;
  private _stopped = false;

  constructor(options: MemoryWatchOptions) {
    this._options = options;
    this._rssLimit = options.rssLimit;
    // as many as when there is no room: a program with only some messages need not load what tells of
    // the heap
    this._left = options.rssLimit === Infinity ? STEP_MIN : 0;
  }

  /** The most that the process may take in memory; when it is changed, it looks at once. */
  set rssLimit(bytes: number) {
    this._rssLimit = bytes;
    this._look();
  }
  get rssLimit(): number {
    return this._rssLimit;
  }

  /** So many bytes came in. */
  note(bytes: number): void {
    if ((this._left -= bytes) < 0) this._look();
  }

  /** A content of that size came in; or so many deliveries wait for their acks from now on. */
  noteContents(bytes: number, count = 1): void {
    this.note(bytes + count * OVERHEAD);
  }

  /** An object of so many bytes was made in V8's heap: it is looked at before a quarter of the room is taken
   * by such. */
  noteObject(bytes: number): void {
    this.note(4 * bytes / GROWTH);
  }

  /** Looks no more. */
  stop(): void {
    this._stopped = true;
    this._unwatch();
  }

  private _look(): void {
    if (this._stopped) return;
    const { alarms, heapShare, machine } = this._options;
    const heap = machine.heap();
    const heapLimit = heap.limit * heapShare;
    const rss = this._rssLimit === Infinity ? 0 : this._inUse();
    this._judge("memory", rss, this._rssLimit, "of memory");
    this._judge("heap", heap.used, heapLimit, "of V8's heap");
    if (alarms.lowOnMemory) {
      // who publishes is blocked: that there is room again is for the timer to find out
      this._left = Infinity;
      this._watch();
      return;
    }
    this._unwatch();
    // while a limit is not known, there may be no room
    const room = heap.limit === Infinity
      ? 0
      : Math.min(this._rssLimit - rss, heapLimit - heap.used);
    this._left = Math.max(STEP_MIN, Math.min(room / GROWTH, STEP_MAX));
  }

  private _inUse(): number {
    const { machine } = this._options;
    const rss = machine.rss();
    const allocated = machine.allocated();
    if (this._base === Infinity) this._base = Math.max(0, rss - allocated);
    const limit = this._rssLimit;
    if (rss > limit + Math.max(limit / 2, UNEXPLAINED_MAX)) return rss;
    return Math.min(rss, this._base + allocated);
  }

  private _judge(cause: AlarmCause, used: number, limit: number, what: string): void {
    const { alarms } = this._options;
    if (alarms.has(cause)) {
      if (used <= limit * CLEARED_BELOW) alarms.clear(cause);
    } else if (used > limit) {
      const reason = `${inMib(used)} ${what} are in use, ${inMib(limit)} may be`;
      alarms.raise(cause, { reason });
    }
  }

  private _watch(): void {
    if (this._stopTimer !== undefined) return;
    this._looks = 0;
    this._held = this._options.held();
    this._stopTimer = this._options.clock.every(RECHECK_MS, () => {
      this._look();
      if (this._options.alarms.lowOnMemory) this._collect();
    });
  }

  private _unwatch(): void {
    if (this._stopTimer === undefined) return;
    this._stopTimer();
    this._stopTimer = undefined;
    this._options.machine.stopCollecting();
  }

  private _collect(): void {
    const held = this._options.held();
    if (held < this._held) this._looks = 0;
    this._held = held;
    if (this._looks++ < EAGER_LOOKS || this._looks % LAZY_LOOKS === 0) {
      this._options.machine.collect();
    }
  }
}

function inMib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}
