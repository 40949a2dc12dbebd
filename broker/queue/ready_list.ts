import type { Message } from "../message.ts";
import { Backlog, type LoadLimit } from "./backlog.ts";
import { QueueEntry } from "./entry.ts";
import { EntryRing } from "./entry_ring.ts";
import { ReturnedHeap } from "./returned_heap.ts";
import type { QueueStorage } from "./storage.ts";

/** The messages of a queue that wait, in the order in which they go out. */
export interface ReadyList {
  /** How many there are. */
  readonly length: number;
  /** True when the next new message would wait where it takes no memory, if the store had it. */
  readonly long: boolean;
  /** Adds a new one. `stored`: the store has it too. */
  push(message: Message, position: number, stored: boolean): void;
  /** Adds one that the store has; it was there when the broker started. */
  pushStored(position: number): void;
  /** The next one to go out, without taking it. */
  peek(): QueueEntry | undefined;
  /** Takes the next one. Undefined when there is none, or the disk does not give it at present. */
  shift(): QueueEntry | undefined;
  /** Puts entries back where they were; they are in the order of their positions. */
  putBack(entries: readonly QueueEntry[]): void;
  /** Drops all. Those that the store has are told of, for their queue to settle. */
  clear(onStored: (position: number) => void): void;
}

/** So many messages at the head of a queue are objects, ready to go out. */
const WINDOW = 4096;
/** Of those that the store has too, so many bytes. */
const WINDOW_BYTES = 4 * 1024 * 1024;
/** The window is filled again by so much when it is empty. */
const REFILL: LoadLimit = { count: 1024, bytes: 1024 * 1024 };
/** The same while memory is short. */
const SMALL_REFILL: LoadLimit = { count: 64, bytes: 128 * 1024 };

/**
 * First in, first out.
 *
 * ```text
 *  out <-- returned, by position <-- window: entries <-- backlog: numbers, bodies elsewhere <-- in
 * ```
 *
 * What comes back after a delivery was ahead of all that has never gone out, so it waits in a heap of
 * its own, by position, which is emptied first. Messages beyond the window wait in the backlog; when
 * there is none, new ones go straight into the window.
 */
export class FifoReadyList implements ReadyList {
  readonly #storage: QueueStorage;
  readonly #windowMax: number;
  readonly #returned = new ReturnedHeap();
  readonly #window = new EntryRing();
  /** Size of the bodies in the window. */
  #windowBytes = 0;
  readonly #backlog: Backlog;
  readonly #enter = (entry: QueueEntry): void => {
    this.#windowBytes += entry.message.size;
    this.#window.push(entry);
  };

  /** @param windowMax How many messages at the head are objects. */
  constructor(storage: QueueStorage, windowMax: number = WINDOW) {
    this.#storage = storage;
    this.#windowMax = windowMax;
    this.#backlog = new Backlog(storage);
  }

  get length(): number {
    return this.#returned.length + this.#window.length + this.#backlog.length;
  }

  get long(): boolean {
    return this.#backlog.length > 0 || !this.#hasRoom(true);
  }

  push(message: Message, position: number, stored: boolean): void {
    if (this.#backlog.length === 0 && this.#hasRoom(stored)) {
      message.hold(this.#storage.pages);
      this.#enter(new QueueEntry(message, position, stored));
    } else if (stored) this.#backlog.pushStored(position);
    else this.#backlog.push(message, position);
  }

  #hasRoom(stored: boolean): boolean {
    const { length } = this.#window;
    if (length >= this.#windowMax) return false;
    if (!stored || length === 0) return true;
    return this.#windowBytes < WINDOW_BYTES && !this.#storage.pages.short;
  }

  pushStored(position: number): void {
    this.#backlog.pushStored(position);
  }

  peek(): QueueEntry | undefined {
    return this.#returned.peek() ?? this.#filledWindow().peek();
  }

  shift(): QueueEntry | undefined {
    if (this.#returned.length > 0) return this.#returned.shift();
    const entry = this.#filledWindow().shift();
    if (entry !== undefined) this.#windowBytes -= entry.message.size;
    return entry;
  }

  /** The window, with something in it if there is anything that can be read. */
  #filledWindow(): EntryRing {
    if (this.#window.length === 0 && this.#backlog.length > 0) {
      this.#backlog.load(this.#storage.pages.short ? SMALL_REFILL : REFILL, this.#enter);
    }
    return this.#window;
  }

  putBack(entries: readonly QueueEntry[]): void {
    for (let index = 0; index < entries.length; index++) this.#returned.push(entries[index]!);
  }

  clear(onStored: (position: number) => void): void {
    const { pages } = this.#storage;
    for (
      let entry = this.#returned.shift() ?? this.#window.shift();
      entry !== undefined;
      entry = this.#returned.shift() ?? this.#window.shift()
    ) {
      if (entry.stored) onStored(entry.position);
      entry.message.release(pages);
    }
    this.#windowBytes = 0;
    this.#backlog.clear(onStored);
  }
}
