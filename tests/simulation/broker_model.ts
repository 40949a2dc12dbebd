/** A message as it was published. */
export interface Sent {
  readonly id: number;
  readonly publisher: number;
  /** When, counted in steps. */
  readonly at: number;
  readonly persistent: boolean;
}

/** How a life of the broker ended. */
export type Ending = "kill" | "power" | "close";

/** A message in one queue. */
export class Entry {
  /** Published by a blocked connection: the broker may not have taken it yet. */
  held = false;
  /** The broker need not have taken it at all. */
  maybe = false;
  /** Its publisher was told that it is safe. */
  confirmed = false;
  /** When the broker had certainly taken it. */
  at: number;
  unacked = false;
  redelivered = false;
  /** When it was acked, purged and so on, and when it was first delivered; 0: not. */
  settled = 0;
  delivered = 0;
  /** When a restart was without its settlement; 0: never. */
  unsettled = 0;
  readonly message: Sent;
  readonly queue: QueueLife;

  constructor(message: Sent, queue: QueueLife) {
    this.message = message;
    this.queue = queue;
    this.at = message.at;
  }

  /** True when it survives once it is synced. */
  get kept(): boolean {
    return this.message.persistent && this.queue.durable;
  }

  /** True when a consumer must get it before later ones of its publisher. */
  get ready(): boolean {
    return this.settled === 0 && !this.unacked && !this.maybe && !this.held;
  }
}

/** A queue from a declaration to a deletion. */
export class QueueLife {
  readonly entries = new Map<number, Entry>();
  readonly name: string;
  readonly durable: boolean;
  /** The latest message of it that was delivered, by when it had been taken. */
  mark = 0;

  constructor(name: string, durable: boolean) {
    this.name = name;
    this.durable = durable;
  }
}

/** How a life of the broker ended, and when it was seen what is left. */
export interface Crash {
  readonly ending: Ending;
  /** True when a sync had failed in that life. */
  readonly syncFailed: boolean;
  /** The step. */
  readonly at: number;
}

/** What a durable thing was, and since when: the first is the oldest that may be found after a crash. */
export class History<T> {
  #values: { readonly at: number; readonly value: T }[];

  constructor(value: T) {
    this.#values = [{ at: 0, value }];
  }

  /** What it is as long as the broker lives. */
  get current(): T {
    return this.#values.at(-1)!.value;
  }

  /** All that it may be after a crash. */
  get possible(): readonly T[] {
    return this.#values.map(({ value }) => value);
  }

  set(at: number, value: T): void {
    if (value !== this.current) this.#values.push({ at, value });
  }

  /** What was done up to a step is on disk. */
  confirm(synced: number): void {
    while (this.#values.length > 1 && this.#values[1]!.at <= synced) this.#values.shift();
  }

  /**
   * This was found after a crash. What the page cache alone has may yet be lost with the power. That
   * something failed may be known to the page cache alone, too: then it may come back.
   */
  found(value: T, { ending, syncFailed, at }: Crash): void {
    const index = this.#values.findLastIndex((each) => each.value === value);
    if (ending !== "power" && syncFailed) this.set(at, value);
    else this.#values = this.#values.slice(ending === "power" ? index : 0, index + 1);
  }
}

/** A binding: exchange, key and queue. */
export interface ModelBinding {
  readonly exchange: string;
  readonly key: string;
  readonly queue: string;
  readonly bound: History<boolean>;
}

/** What the clients of a broker did, and so what must be in it. */
export class BrokerModel {
  readonly queues = new Map<string, History<QueueLife | undefined>>();
  readonly exchanges = new Map<string, History<boolean>>();
  readonly bindings: ModelBinding[] = [];
  /** Counts steps. */
  now = 1;
  /** What was done up to this step is on disk. */
  synced = 0;

  /** The broker confirmed something durable that was done at this step. */
  confirm(at: number): void {
    if (at <= this.synced) return;
    this.synced = at;
    for (const { bound } of this.bindings) bound.confirm(at);
    for (const exists of this.exchanges.values()) exists.confirm(at);
    for (const life of this.queues.values()) life.confirm(at);
  }

  /** The queues that there are. */
  living(): QueueLife[] {
    return [...this.queues.values()].map(({ current }) => current)
      .filter((life) => life !== undefined);
  }

  /** Where a message goes. */
  route(exchange: string, key: string): QueueLife[] {
    if (exchange === "") return this.living().filter(({ name }) => name === key);
    const fanout = exchange.includes("fanout");
    const names = new Set(
      this.bindings.filter((binding) =>
        binding.bound.current && binding.exchange === exchange && (fanout || binding.key === key)
      ).map(({ queue }) => queue),
    );
    return this.living().filter(({ name }) => names.has(name));
  }

  /** A queue is deleted, or an exchange: what hangs on it goes. Tells whether something durable went. */
  unbindAll(gone: (binding: ModelBinding) => boolean): void {
    for (const binding of this.bindings) if (gone(binding)) binding.bound.set(this.now, false);
  }

  /** The waiting messages of a queue are dropped. Tells how many the disk must hear of. */
  purge(life: QueueLife, options: { readonly unacked: boolean }): number {
    let kept = 0;
    for (const entry of life.entries.values()) {
      if (entry.settled > 0 || (entry.unacked && !options.unacked)) continue;
      entry.settled = this.now;
      if (entry.kept && !entry.maybe) kept++;
    }
    return kept;
  }

  /** A consumer got a message. Throws when it must not have. */
  delivered(life: QueueLife, id: number, redelivered: boolean): Entry {
    const entry = life.entries.get(id);
    const what = `message ${id} of ${life.name}`;
    if (entry === undefined) throw new Error(`${what} was never published there`);
    if (entry.settled > 0) throw new Error(`${what} is delivered after it was settled`);
    if (entry.unacked) throw new Error(`${what} is delivered while it is unacked`);
    if (entry.redelivered !== redelivered) {
      throw new Error(`${what} says redelivered: ${redelivered}, not ${entry.redelivered}`);
    }
    if (entry.held) entry.at = this.now;
    entry.held = entry.maybe = false;
    this.#checkOrder(entry);
    entry.unacked = true;
    entry.delivered ||= this.now;
    life.mark = Math.max(life.mark, entry.at);
    return entry;
  }

  #checkOrder({ message, queue }: Entry): void {
    for (const other of queue.entries.values()) {
      if (
        other.ready && other.message.publisher === message.publisher &&
        other.message.id < message.id
      ) throw new Error(`${queue.name}: ${message.id} comes before ${other.message.id}`);
    }
  }

  /** All that waits, in the order in which it was found in a queue; nothing is unacked. */
  checkAll(life: QueueLife, found: readonly { id: number; redelivered: boolean }[]): void {
    const ids = new Set(found.map(({ id }) => id));
    for (const { id, redelivered } of found) this.delivered(life, id, redelivered);
    for (const entry of life.entries.values()) {
      if (entry.settled > 0 || ids.has(entry.message.id)) continue;
      if (!entry.maybe) throw new Error(`message ${entry.message.id} of ${life.name} is missing`);
      life.entries.delete(entry.message.id);
    }
  }

  /** Compares a queue after a crash, before anything else was done, and takes over what was found. */
  recovered(
    life: QueueLife,
    found: readonly { id: number; redelivered: boolean }[],
    { ending, syncFailed }: Crash,
  ): void {
    const seen = new Map<number, number>();
    const ids = new Set<number>();
    for (const { id, redelivered } of found) {
      const what = `message ${id} of ${life.name}`;
      const entry = life.entries.get(id);
      if (entry === undefined) throw new Error(`${what} was never published there`);
      if (ids.has(id)) throw new Error(`${what} is there twice`);
      ids.add(id);
      if (!entry.kept) throw new Error(`${what} is transient and survived`);
      if (entry.settled > 0 && entry.settled <= this.synced) {
        throw new Error(
          `${what} was settled at ${entry.settled}, synced ${this.synced}, and is back`,
        );
      }
      const { publisher } = entry.message;
      if (id < (seen.get(publisher) ?? 0)) throw new Error(`${what} lost its place`);
      seen.set(publisher, id);
      if (redelivered && life.mark < entry.message.at) {
        throw new Error(`${what} counts as redelivered and was never delivered`);
      }
      if (!redelivered && entry.delivered > 0 && entry.delivered <= this.synced) {
        throw new Error(`${what} was delivered and does not count as redelivered`);
      }
      if (entry.settled > 0) entry.unsettled = this.now;
      entry.settled = 0;
      // It may have been taken long after it was published, and need not be on disk yet.
      if (entry.held) entry.at = this.now;
      entry.held = entry.maybe = entry.unacked = false;
      entry.redelivered = redelivered;
    }
    for (const [id, entry] of life.entries) {
      if (ids.has(id)) continue;
      // A tail that was given up counts again when what tells so is lost, as long as nothing is safe.
      if (
        entry.settled === 0 && entry.kept && entry.unsettled <= this.synced &&
        (entry.confirmed || (!entry.maybe && !entry.held && entry.at <= this.synced))
      ) {
        const why = entry.confirmed ? "confirmed" : `taken ${entry.at}, synced ${this.synced}`;
        throw new Error(`message ${id} of ${life.name} is missing: ${why}`);
      }
      if (entry.settled === 0 && entry.kept && syncFailed && ending !== "power") {
        // that it was given up is in the page cache alone, as a settlement may be
        entry.settled = this.now;
        continue;
      }
      // a settlement in the page cache alone may yet be lost with the power
      if (entry.settled === 0 || ending === "power" || entry.settled <= this.synced) {
        life.entries.delete(id);
      }
    }
  }
}
