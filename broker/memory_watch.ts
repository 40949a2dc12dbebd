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
  readonly #options: MemoryWatchOptions;
  #rssLimit: number;
  /** Memory of which V8 knows nothing: code, for the most part. Infinity until somebody cares. */
  #base = Infinity;
  /** So many bytes may come until the next look. */
  #left: number;
  #stopTimer: (() => void) | undefined = undefined;
  #looks = 0;
  #held = 0;
  #stopped = false;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.#rssLimit = options.rssLimit;
    // as many as when there is no room: a program with only some messages need not load what tells of
    // the heap
    this.#left = options.rssLimit === Infinity ? STEP_MIN : 0;
  }

  /** The most that the process may take in memory; when it is changed, it looks at once. */
  set rssLimit(bytes: number) {
    this.#rssLimit = bytes;
    this.#look();
  }
  get rssLimit(): number {
    return this.#rssLimit;
  }

  /** So many bytes came in. */
  note(bytes: number): void {
    if ((this.#left -= bytes) < 0) this.#look();
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
    this.#stopped = true;
    this.#unwatch();
  }

  #look(): void {
    if (this.#stopped) return;
    const { alarms, heapShare, machine } = this.#options;
    const heap = machine.heap();
    const heapLimit = heap.limit * heapShare;
    const rss = this.#rssLimit === Infinity ? 0 : this.#inUse();
    this.#judge("memory", rss, this.#rssLimit, "of memory");
    this.#judge("heap", heap.used, heapLimit, "of V8's heap");
    if (alarms.lowOnMemory) {
      // who publishes is blocked: that there is room again is for the timer to find out
      this.#left = Infinity;
      this.#watch();
      return;
    }
    this.#unwatch();
    // while a limit is not known, there may be no room
    const room = heap.limit === Infinity
      ? 0
      : Math.min(this.#rssLimit - rss, heapLimit - heap.used);
    this.#left = Math.max(STEP_MIN, Math.min(room / GROWTH, STEP_MAX));
  }

  #inUse(): number {
    const { machine } = this.#options;
    const rss = machine.rss();
    const allocated = machine.allocated();
    if (this.#base === Infinity) this.#base = Math.max(0, rss - allocated);
    const limit = this.#rssLimit;
    if (rss > limit + Math.max(limit / 2, UNEXPLAINED_MAX)) return rss;
    return Math.min(rss, this.#base + allocated);
  }

  #judge(cause: AlarmCause, used: number, limit: number, what: string): void {
    const { alarms } = this.#options;
    if (alarms.has(cause)) {
      if (used <= limit * CLEARED_BELOW) alarms.clear(cause);
    } else if (used > limit) {
      const reason = `${inMib(used)} ${what} are in use, ${inMib(limit)} may be`;
      alarms.raise(cause, { reason });
    }
  }

  #watch(): void {
    if (this.#stopTimer !== undefined) return;
    this.#looks = 0;
    this.#held = this.#options.held();
    this.#stopTimer = this.#options.clock.every(RECHECK_MS, () => {
      this.#look();
      if (this.#options.alarms.lowOnMemory) this.#collect();
    });
  }

  #unwatch(): void {
    if (this.#stopTimer === undefined) return;
    this.#stopTimer();
    this.#stopTimer = undefined;
    this.#options.machine.stopCollecting();
  }

  #collect(): void {
    const held = this.#options.held();
    if (held < this.#held) this.#looks = 0;
    this.#held = held;
    if (this.#looks++ < EAGER_LOOKS || this.#looks % LAZY_LOOKS === 0) {
      this.#options.machine.collect();
    }
  }
}

function inMib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}
