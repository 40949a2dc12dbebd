import { type Clock, systemClock } from "./amqp/clock.ts";
import { atEndOfTurn } from "./amqp/turn.ts";

/** What a broker may run out of. */
export type AlarmSource = "memory" | "disk";

/** Something of which a broker is short: while there is anything, nobody may publish. */
export interface Alarm {
  /** What is short. */
  readonly source: AlarmSource;
  /** How that was noticed, for people: `210 MiB of memory are in use, 200 MiB may be`. */
  readonly reason: string;
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
}

/** Who noticed it. One source may be short in more than one way at once. */
export type AlarmCause = "memory" | "heap" | "disk" | "store";

/** What each of them is about, in the order in which sources are named. */
const SOURCES: Readonly<Record<AlarmCause, AlarmSource>> = {
  memory: "memory",
  heap: "memory",
  disk: "disk",
  store: "disk",
};

/** A raised alarm, and what clients are told besides its source. */
interface Raised extends Alarm {
  readonly told: string;
}

/** What is said of an alarm when it is raised. */
export interface AlarmDetails {
  /** For operators. */
  readonly reason?: string;
  /** For clients, beside RabbitMQ's words. */
  readonly told?: string;
}

/** Called when the first alarm of a source is raised and when its last one ends. */
export type AlarmCallback = (source: AlarmSource, raised: boolean, reason: string) => void;

/**
 * What the broker is short of at present. While there is anything, nobody may publish: a connection
 * that tries to is blocked, whatever it publishes, until there is nothing any more.
 */
export class Alarms {
  /** True while anything is short. */
  raised = false;
  /** True while memory is. */
  lowOnMemory = false;
  readonly #clock: Pick<Clock, "now">;
  readonly #onChanged: AlarmCallback;
  readonly #causes = new Map<AlarmCause, Raised>();
  readonly #waiting = new Set<() => void>();
  /** Those who wait for the end of one of them alone. */
  readonly #waitingFor = new Map<AlarmCause, Set<() => void>>();
  #marked = false;
  readonly #tell = () => {
    this.#marked = false;
    // one that is told may publish, which may raise the next alarm: the others wait on
    for (const callback of this.#waiting) {
      if (this.raised) return;
      this.#waiting.delete(callback);
      callback();
    }
  };

  constructor(clock: Pick<Clock, "now"> = systemClock, onChanged: AlarmCallback = () => {}) {
    this.#clock = clock;
    this.#onChanged = onChanged;
  }

  /** All that are raised. */
  get list(): Alarm[] {
    return this.#ordered().map(({ source, reason, since }) => ({ source, reason, since }));
  }

  /** What clients are told, in RabbitMQ's words, such as `low on memory & disk`. */
  get reason(): string {
    const texts = new Map<AlarmSource, string>();
    for (const { source, told } of this.#ordered()) {
      if (told !== "" || !texts.has(source)) {
        texts.set(source, told === "" ? source : `${source} (${told})`);
      }
    }
    return `low on ${[...texts.values()].join(" & ")}`;
  }

  /** True while this one has noticed something. */
  has(cause: AlarmCause): boolean {
    return this.#causes.has(cause);
  }

  /** Something is short. */
  raise(cause: AlarmCause, { reason = "", told = "" }: AlarmDetails = {}): void {
    const source = SOURCES[cause];
    const isNew = !this.#isShort(source);
    const since = this.#causes.get(cause)?.since ?? this.#clock.now();
    this.#causes.set(cause, { source, reason, since, told });
    this.raised = true;
    if (source === "memory") this.lowOnMemory = true;
    if (isNew) this.#onChanged(source, true, reason);
  }

  /** It no longer is. Who waits for that is told at the end of the turn. */
  clear(cause: AlarmCause): void {
    if (!this.#causes.delete(cause)) return;
    if (this.#waitingFor.has(cause)) atEndOfTurn(() => this.#tellOf(cause));
    const source = SOURCES[cause];
    this.raised = this.#causes.size > 0;
    if (this.#isShort(source)) return;
    if (source === "memory") this.lowOnMemory = false;
    this.#onChanged(source, false, "");
    if (this.raised || this.#marked) return;
    this.#marked = true;
    atEndOfTurn(this.#tell);
  }

  /** Calls back once when nothing is short any more, never within this call or that of `clear`. What
   * it returns takes the wish back. */
  whenClear(callback: () => void): () => void {
    this.#waiting.add(callback);
    return () => this.#waiting.delete(callback);
  }

  /** Calls back once when this one has noticed nothing any more, never within `clear`. What it returns
   * takes the wish back. */
  whenOver(cause: AlarmCause, callback: () => void): () => void {
    const waiting = this.#waitingFor.get(cause) ?? new Set();
    this.#waitingFor.set(cause, waiting);
    waiting.add(callback);
    return () => waiting.delete(callback);
  }

  #tellOf(cause: AlarmCause): void {
    const waiting = this.#waitingFor.get(cause) ?? new Set<() => void>();
    for (const callback of waiting) {
      if (this.has(cause)) return;
      waiting.delete(callback);
      callback();
    }
  }

  #isShort(source: AlarmSource): boolean {
    return this.#ordered().some((alarm) => alarm.source === source);
  }

  #ordered(): Raised[] {
    const causes = Object.keys(SOURCES) as AlarmCause[];
    return causes.flatMap((cause) => this.#causes.get(cause) ?? []);
  }
}
