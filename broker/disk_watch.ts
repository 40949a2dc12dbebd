import type { Alarms } from "./alarms.ts";
import type { Clock } from "./amqp/clock.ts";
import { atEndOfTurn } from "./amqp/turn.ts";
import type { Machine } from "./machine.ts";

/** While there is too little free, it is looked at so often. */
const RECHECK_MS = 1000;

/** What a {@linkcode DiskWatch} is made of. */
export interface DiskWatchOptions {
  /** What it asks. */
  readonly machine: Pick<Machine, "diskFree">;
  /** Of which disk: a directory on it. */
  readonly directory: string;
  /** So many bytes must be free. */
  readonly limit: number;
  /** What it raises. */
  readonly alarms: Alarms;
  /** Time. */
  readonly clock: Clock;
}

/** Raises the alarm about the disk when too little of it is free. It looks when the store's files have
 * grown, and by a timer only while the alarm is raised. */
export class DiskWatch {
  readonly #options: DiskWatchOptions;
  #limit: number;
  #marked = false;
  #stopTimer: (() => void) | undefined = undefined;
  #stopped = false;

  constructor(options: DiskWatchOptions) {
    this.#options = options;
    this.#limit = options.limit;
  }

  /** How much must be free, in bytes; when it is changed, it looks at once. */
  set limit(bytes: number) {
    this.#limit = bytes;
    this.look();
  }
  get limit(): number {
    return this.#limit;
  }

  /** The store has taken more: looks at the end of the turn, when it is not in the middle of a write. */
  check(): void {
    if (this.#marked) return;
    this.#marked = true;
    atEndOfTurn(() => {
      this.#marked = false;
      this.look();
    });
  }

  /** Looks now. */
  look(): void {
    if (this.#stopped) return;
    const { alarms, clock, directory, machine } = this.#options;
    const free = this.#limit === 0 ? undefined : machine.diskFree(directory);
    if (free === undefined || free >= this.#limit) {
      this.#unwatch();
      alarms.clear("disk");
      return;
    }
    if (!alarms.has("disk")) {
      const reason = `${free} bytes of the disk are free, ${this.#limit} must be`;
      alarms.raise("disk", { reason });
    }
    this.#stopTimer ??= clock.every(RECHECK_MS, () => this.look());
  }

  /** Looks no more. */
  stop(): void {
    this.#stopped = true;
    this.#unwatch();
  }

  #unwatch(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }
}
