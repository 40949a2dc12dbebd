import type { Message } from "../message.ts";
import type { QueueEntry } from "./entry.ts";
import type { StoredReturn } from "./returned_stored.ts";
import type { Taken, WaitingMessage } from "./waiting.ts";

/** The messages of a queue that wait, in the order in which they go out. */
export interface ReadyList {
  /** How many there are. */
  readonly length: number;
  /** The sizes of their bodies together. */
  readonly bytes: number;
  /** How many of them, and bytes of bodies, are nowhere but on disk. */
  readonly onDisk: { readonly count: number; readonly bytes: number };
  /** How many of them are objects. */
  readonly objects: number;
  /** True when the next new message would wait where it takes no memory, if the store had it. */
  readonly long: boolean;
  /**
   * Adds a new one.
   *
   * @param stored True when the store has it too.
   * @param deadline When it is too old, in milliseconds since 1970; 0: never.
   * @param priority Its priority, as published; 0 when it has none.
   */
  push(
    message: Message,
    position: number,
    stored: boolean,
    deadline?: number,
    priority?: number,
  ): void;
  /** Adds one that the store has; it was there when the broker started. */
  pushStored(position: number): void;
  /** The same as `peek` if it is in memory: nothing is read for it. */
  readonly head: QueueEntry | undefined;
  /** The next one to go out, without taking it. */
  peek(): QueueEntry | undefined;
  /** Takes the next one. Undefined when there is none, or the disk does not give it at present. */
  shift(): QueueEntry | undefined;
  /** Takes one whose deadline has come, from a place where it would go out next. */
  shiftExpired(now: number): QueueEntry | undefined;
  /** The earliest deadline of those that `shiftExpired` looks at; 0: none has one. */
  nextDeadline(): number;
  /** Puts entries back where they were; they are in the order of their positions. */
  putBack(entries: readonly QueueEntry[]): void;
  /** True when what goes out next has come back. */
  readonly hasReturned: boolean;
  /**
   * Puts entries back that were the next ones to go out, in the order in which they would have.
   *
   * @param returned So many of them had come back, where those go out first. Default: all.
   */
  putFirst(entries: readonly QueueEntry[], returned?: number): void;
  /** Puts entries back behind all that wait. */
  putLast(entries: readonly QueueEntry[]): void;
  /**
   * Puts some back of which memory has nothing but that: they are read when it is their turn.
   *
   * @param last Behind all that wait. Else where they were.
   */
  putBackStored(returns: readonly StoredReturn[], last: boolean): void;
  /**
   * Looks at those behind a position, without taking them.
   *
   * @returns The first ones by position, as many as are wanted at most.
   */
  browse(after: number, count: number): WaitingMessage[];
  /** Those that are objects, in no order, some maybe twice. Some may come and go meanwhile, and be missed. */
  heldEntries(): Iterable<QueueEntry>;
  /** Takes those at some positions out, wherever they are. */
  take(positions: ReadonlySet<number>): Taken;
  /**
   * Drops up to so many of a list that nothing is taken from or added to any more. Those that the store
   * has are told of, for their queue to settle.
   *
   * @returns How many were dropped.
   */
  drop(max: number, onStored: (position: number) => void): number;
}
