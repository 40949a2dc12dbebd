import { doBatch } from "../amqp/batches.ts";
import { atEndOfTurn } from "../amqp/turn.ts";

/** So much is dropped before others get a chance to do something. */
const BATCH = 1000;

/** Drops up to so many messages; true when none is left. */
export type DropSome = (max: number) => boolean;

/**
 * What a queue had when it was purged or deleted: it is not in the queue any more, but letting go of
 * millions of messages takes a while, so it happens a bounded number at a time.
 */
export class Discard {
  readonly #drops: DropSome[] = [];
  #callbacks: (() => void)[] = [];
  #goesOn = false;

  /** True while something is left to drop. */
  get busy(): boolean {
    return this.#drops.length > 0;
  }

  /** Drops what this drops, at once if it is little. In the order in which they were added. */
  add(drop: DropSome): void {
    if (this.#drops.length === 0 && drop(BATCH)) return;
    this.#drops.push(drop);
    this.#goOn();
  }

  /** Calls back once all is dropped that was added before; never within this call. */
  whenDone(callback: () => void): void {
    this.#callbacks.push(callback);
    this.#goOn();
  }

  #goOn(): void {
    if (this.#goesOn) return;
    this.#goesOn = true;
    atEndOfTurn(() => doBatch(() => this.#dropSome()));
  }

  #dropSome(): void {
    this.#goesOn = false;
    if (this.#drops[0]?.(BATCH)) this.#drops.shift();
    if (this.#drops.length > 0) return this.#goOn();
    const callbacks = this.#callbacks;
    this.#callbacks = [];
    for (const callback of callbacks) callback();
  }
}
