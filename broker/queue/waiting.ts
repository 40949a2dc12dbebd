import { Message } from "../message.ts";
import { QueueEntry } from "./entry.ts";

/** A message that waits in a queue, as those see it who only look. */
export interface WaitingMessage {
  /** Where in the queue it is: what names it as long as it is there. */
  readonly position: number;
  /** The message, if it is an object. Valid for the moment. */
  readonly message: Message | undefined;
  /** Where it lies in a page (`Message.look`) if it is none; 0: the store has it, under its position. */
  readonly place: number;
  /** What the queue remembers of it, where it does so outside of the store. */
  readonly entry: Pick<QueueEntry, "redelivered" | "deliveryCount"> | undefined;
  /** When it is too old; 0: never, or the store knows. */
  readonly deadline: number;
  /** When it may go out again; 0: it is ready. */
  readonly retryTime: number;
}

/** A message that was taken out of a queue by its position. */
export interface TakenMessage {
  /** Where it was. */
  readonly position: number;
  /** The message; undefined: the store has it, under this position. */
  readonly entry: QueueEntry | undefined;
  /** How often it came back, of one that the store has and does not know it of; 0: it does. */
  readonly acquiredCount: number;
  /** When it might have gone out again; 0: it was ready. */
  readonly retryTime: number;
}

/** Entries that were taken out by their positions, and the way back. */
export interface TakenEntries {
  /** The entries, in the order in which they go out, if there is one. */
  readonly entries: readonly QueueEntry[];
  /** Puts those that are among some back where they were, ahead of what has come since. */
  readonly putBack: (some: ReadonlySet<QueueEntry>) => void;
}

/** Messages that were taken out of a queue by their positions, and the way back. */
export interface Taken {
  /** The messages. */
  readonly messages: readonly TakenMessage[];
  /** Puts some of those that were ready back where they were, as objects, ahead of what has come since. */
  readonly putBack: (entries: readonly QueueEntry[]) => void;
}

/** Nobody looks at it. */
const NO_MESSAGE = new Message();

/** So many more are kept than are wanted, before they are sorted. */
const SPARE = 64;

/** The first of some messages by position, as many as are wanted. */
export function firstOf(messages: WaitingMessage[], count: number): WaitingMessage[] {
  return messages.sort((one, other) => one.position - other.position).slice(0, count);
}

/** The first of very many by position, of which it keeps not many more than are wanted. */
export class FirstOnes<One extends { readonly position: number }> {
  readonly #after: number;
  readonly #count: number;
  readonly #kept: One[] = [];
  /** From here on none is wanted any more. */
  #end = Infinity;

  /**
   * @param after Those behind this position are wanted.
   * @param count So many at most.
   */
  constructor(after: number, count: number) {
    this.#after = after;
    this.#count = count;
    if (count === 0) this.#end = -Infinity;
  }

  /** True when one at this position may be among the first ones. */
  wants(position: number): boolean {
    return position > this.#after && position < this.#end;
  }

  /** True when some from one position to another may be. */
  reaches(lowest: number, highest: number): boolean {
    return highest > this.#after && lowest < this.#end;
  }

  /** Adds one that it wants. */
  add(one: One): void {
    this.#kept.push(one);
    if (this.#kept.length === 2 * this.#count + SPARE) this.#end = this.found().at(-1)!.position;
  }

  /** The first of those that were added, in order. */
  found(): readonly One[] {
    const kept = this.#kept;
    kept.sort((one, other) => one.position - other.position);
    if (kept.length > this.#count) kept.length = this.#count;
    return kept;
  }
}

/** An entry as those see it who only look. */
export function waitingEntry(entry: QueueEntry, retryTime = 0): WaitingMessage {
  const { position, message, deadline } = entry;
  return { position, message, place: 0, entry, deadline, retryTime };
}

/**
 * A message that is no object, as those see it who only look.
 *
 * @param number What else there is to say of it (`QueueEntry.toNumber`); 0: nothing.
 */
export function waitingNumber(
  position: number,
  place: number,
  deadline: number,
  number = 0,
): WaitingMessage {
  const entry = number === 0
    ? undefined
    : QueueEntry.ofNumber(NO_MESSAGE, position, number, deadline);
  return { position, message: undefined, place, entry, deadline, retryTime: 0 };
}

/** True when one of some sorted numbers lies between two others, or is one of them. */
export function hasBetween(sorted: Float64Array, lowest: number, highest: number): boolean {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < lowest) low = middle + 1;
    else high = middle;
  }
  return low < sorted.length && sorted[low]! <= highest;
}
