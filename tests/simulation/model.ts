import type { Store } from "../../broker/store/store.ts";
import { StoreError } from "../../broker/store/error.ts";

/** A message in one queue, as the store should have it. */
export interface ModelEntry {
  readonly queueId: number;
  readonly position: number;
  /** Tells its bytes: address, properties and body are made from it. */
  readonly seed: number;
  readonly bodySize: number;
  readonly deadline: number;
  readonly priority: number;
  /** When it was appended, settled (0: not) and delivered (0: not), counted in operations. */
  readonly appended: number;
  settled: number;
  delivered: number;
  /** Delivery counts and when they were set. */
  readonly returns: { at: number; count: number }[];
  /** When a restart was without its settlement; 0: never. */
  unsettled?: number;
  /** True when a part of its body is lost. */
  unreadable?: boolean;
  /** The entry that this one was moved from, which must not be lost with it. */
  readonly movedFrom: ModelEntry | undefined;
}

interface Definition {
  readonly at: number;
  readonly value: number | undefined;
}

/** What the store was told, and what of it must survive. */
export class Model {
  /** Entries that may be in the store, by queue and position. */
  readonly entries = new Map<string, ModelEntry>();
  /** What each definition was set to; the first item is the oldest that may still be found. */
  readonly definitions = new Map<string, Definition[]>();
  /** Highest position that was delivered, by queue. */
  readonly delivered = new Map<number, number>();
  /** Counts operations. */
  now = 1;
  /** Operations up to this one are on disk. */
  synced = 0;
  /** Operations up to this one were confirmed: they survive the end of the process at least. */
  confirmed = 0;
  /** All entries that there ever were. */
  readonly #history = new Map<string, ModelEntry>();

  /** An entry that the store took. */
  add(entry: ModelEntry): void {
    const key = `${entry.queueId}:${entry.position}`;
    this.entries.set(key, entry);
    this.#history.set(key, entry);
  }

  /** The store said that all up to `at` is safe: without a sync, as long as the power stays. */
  confirm(at: number, onDisk: boolean): void {
    this.confirmed = Math.max(this.confirmed, at);
    if (!onDisk) return;
    this.synced = Math.max(this.synced, at);
    for (const [key, entry] of this.entries) {
      if (entry.settled > 0 && entry.settled <= this.synced) this.entries.delete(key);
    }
    for (const values of this.definitions.values()) {
      while (values.length > 1 && values[1]!.at <= this.synced) values.shift();
    }
  }

  /** What is alive as far as the program knows. */
  living(): ModelEntry[] {
    return [...this.entries.values()].filter((entry) => entry.settled === 0);
  }

  /** Compares with a store that was just opened, and takes over what it found. Throws on the first difference. */
  check(store: Store, crash: "kill" | "power" | "close"): void {
    const safe = crash === "power" ? this.synced : Math.max(this.synced, this.confirmed);
    this.#checkDefinitions(store, crash, safe);
    const found = new Set<string>();
    for (const queue of store.queues.values()) {
      let count = 0;
      let last = -1;
      const positions: number[] = [];
      for (
        let position = queue.next(0);
        position !== undefined;
        position = queue.next(position + 1)
      ) {
        if (position <= last) throw new Error(`queue ${queue.id}: ${position} after ${last}`);
        last = position;
        count++;
        positions.push(position);
      }
      if (count !== queue.count) {
        throw new Error(`queue ${queue.id}: counts ${queue.count}, has ${count}`);
      }
      for (const position of positions) {
        const key = `${queue.id}:${position}`;
        const entry = this.entries.get(key);
        if (entry === undefined || entry.settled > 0 && entry.settled <= safe) {
          throw new Error(`${key} is there, but settled and safe, or never was`);
        }
        found.add(key);
        if (queue.deadline(position) !== entry.deadline) throw new Error(`${key}: deadline`);
        if (queue.priority(position) !== entry.priority) throw new Error(`${key}: priority`);
        if (queue.bodySize(position) !== entry.bodySize) throw new Error(`${key}: body size`);
        // With a settlement that was lost, a count may be lost that waited to be written with it.
        const least = entry.settled > 0
          ? 0
          : entry.returns.findLast((each) => each.at <= safe)?.count ?? 0;
        const most = entry.returns.at(-1)?.count ?? 0;
        const deliveryCount = queue.deliveryCount(position);
        if (deliveryCount < least || deliveryCount > most) {
          throw new Error(`${key}: delivery count ${deliveryCount}, not ${least} to ${most}`);
        }
        const redelivered = queue.redelivered(position);
        if (!redelivered && entry.delivered > 0 && entry.delivered <= safe) {
          throw new Error(`${key} was delivered and is not marked`);
        }
        if (!redelivered) entry.delivered = 0;
        else if (crash === "power") entry.delivered = 1;
        while ((entry.returns.at(-1)?.count ?? 0) > deliveryCount) entry.returns.pop();
        if (redelivered && position > (this.delivered.get(queue.id) ?? 0)) {
          throw new Error(`${key} is marked and was never delivered`);
        }
      }
    }
    for (const [key, entry] of this.entries) {
      if (found.has(key)) {
        // If a settlement was lost, the message is there again.
        if (entry.settled > 0) entry.unsettled = this.now;
        entry.settled = 0;
        continue;
      }
      // A tail that was given up counts again when what tells so is lost, as long as nothing is safe.
      const isSettled = (entry.unsettled ?? 0) > safe;
      if (entry.settled === 0 && entry.appended <= safe && !isSettled) {
        throw new Error(`${key} is missing: appended ${entry.appended}, safe ${safe}`);
      }
      // A settlement in the page cache alone may yet be lost with the power.
      if (entry.settled === 0 || crash === "power") this.entries.delete(key);
    }
    this.#checkMoves(found);
  }

  /** A message that was moved is in its old place or in its new one. */
  #checkMoves(found: ReadonlySet<string>): void {
    for (const [copy, original] of this.#lost) {
      const originalFound = found.has(`${original.queueId}:${original.position}`);
      const copyFound = found.has(`${copy.queueId}:${copy.position}`);
      if (!originalFound && !copyFound) {
        throw new Error(
          `${original.queueId}:${original.position} was moved to ${copy.queueId}:${copy.position}` +
            " and is in neither",
        );
      }
    }
    this.#lost.clear();
  }

  readonly #lost = new Map<ModelEntry, ModelEntry>();

  /** Notes that `copy` took the place of `original`, which had been safe. */
  moved(copy: ModelEntry, original: ModelEntry): void {
    this.#lost.set(copy, original);
  }

  /** A copy is settled: nothing has to be found of it. */
  forgetMove(copy: ModelEntry): void {
    this.#lost.delete(copy);
  }

  /**
   * The power went while nothing is ever synced: anything may be lost and anything may come back, but
   * what is there is what once was. Takes over what was found.
   */
  checkUnsynced(store: Store): void {
    const before = new Map(this.definitions);
    this.definitions.clear();
    for (const [key, bytes] of store.definitions) {
      if (!before.has(key)) throw new Error(`definition ${key} was never made`);
      const value = Number(new TextDecoder().decode(bytes));
      this.definitions.set(key, [{ at: 0, value }]);
    }
    for (const key of before.keys()) {
      if (!this.definitions.has(key)) this.definitions.set(key, [{ at: 0, value: undefined }]);
    }
    this.entries.clear();
    this.#lost.clear();
    for (const queue of store.queues.values()) {
      const { count } = queue;
      let found = 0;
      for (let at = queue.next(0); at !== undefined; at = queue.next(at + 1)) {
        const key = `${queue.id}:${at}`;
        const entry = this.#history.get(key);
        if (entry === undefined) throw new Error(`${key} never was`);
        found++;
        entry.unreadable = store.read(queue, at) instanceof StoreError;
        entry.settled = entry.delivered = 0;
        entry.returns.length = 0;
        const deliveryCount = queue.deliveryCount(at);
        if (deliveryCount > 0) entry.returns.push({ at: 0, count: deliveryCount });
        this.entries.set(key, entry);
      }
      if (found !== count) throw new Error(`queue ${queue.id}: counts ${count}, has ${found}`);
    }
  }

  #checkDefinitions(store: Store, crash: string, safe: number): void {
    for (const [key, values] of this.definitions) {
      const bytes = store.definitions.get(key);
      const value = bytes === undefined ? undefined : Number(new TextDecoder().decode(bytes));
      const from = values.findIndex((each, index) =>
        each.value === value && (values[index + 1]?.at ?? Infinity) > safe
      );
      if (from < 0) {
        throw new Error(
          `definition ${key} is ${value}, not one of ${
            values.map((each) => `${each.value} (${each.at})`)
          }, safe ${safe}`,
        );
      }
      // Of what is in the page cache alone, any part may yet be lost with the power, and a checkpoint
      // may know of what was not written after it.
      const kept = crash === "power" ? [] : values;
      this.definitions.set(key, [...kept, { at: this.now, value }]);
    }
    for (const key of store.definitions.keys()) {
      if (!this.definitions.has(key)) throw new Error(`definition ${key} was never made`);
    }
  }
}

const ENCODER = new TextEncoder();

/** The bytes of a message: its head (address and properties) and its body. */
export function messageBytes(seed: number, bodySize: number): {
  head: Uint8Array;
  addressSize: number;
  body: Uint8Array;
} {
  const address = ENCODER.encode(`exchange-${seed % 7}/key-${seed}`);
  const head = new Uint8Array(address.length + 2 + seed % 13);
  head.set(address);
  head.fill(seed & 255, address.length);
  const body = new Uint8Array(bodySize);
  for (let at = 0; at < bodySize; at++) body[at] = seed * 31 + at * 7 + (at >> 8);
  return { head, addressSize: address.length, body };
}

/** Reads a message back and compares its bytes. */
export function checkContents(store: Store, entry: ModelEntry): void {
  const queue = store.queue(entry.queueId);
  const read = store.read(queue, entry.position);
  const key = `${entry.queueId}:${entry.position}`;
  if (read === undefined) throw new Error(`${key} cannot be found for reading`);
  if (read instanceof StoreError && entry.unreadable) return;
  if (read instanceof StoreError) throw read;
  const expected = messageBytes(entry.seed, entry.bodySize);
  const same = equal(
    read.head.subarray(read.addressStart, read.addressEnd),
    expected.head.subarray(0, expected.addressSize),
  ) && equal(
    read.head.subarray(read.propertiesStart, read.propertiesEnd),
    expected.head.subarray(expected.addressSize),
  ) && equal(read.body.subarray(read.bodyStart, read.bodyEnd), expected.body);
  if (!same) throw new Error(`${key} has other bytes`);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
