import { loopRound, pollSockets } from "./amqp/turn.ts";

/** So many pages are read from disk before others get a chance to do something: a few milliseconds. */
export const READS_AT_ONCE = 16;
/** Each so many rounds of it all sockets are looked at, for which the loop has to go round many times. */
const POLL_ROUNDS = 3;
/** Others who work meanwhile get so long at most, in milliseconds. */
const POLL_MS = 10;

/**
 * Turns of those who read pages from disk. A page is read whole and at once, so only some are read each
 * time that the event loop goes round, whoever reads them. Who needs more waits in a row.
 */
export class ReadingTurns {
  #left = READS_AT_ONCE;
  #goesRound = false;
  /** How many times some had to wait. */
  #rounds = 0;
  readonly #row: (() => void)[] = [];

  /** True while another page may be read. */
  get open(): boolean {
    return this.#left > 0;
  }

  /** Another page is read, whether it may be or not. */
  count(): void {
    this.#left--;
    this.#goOn();
  }

  /** Calls back when it is the caller's turn, not within this call: at least one page may be read then. */
  wait(callback: () => void): void {
    this.#row.push(callback);
    this.#goOn();
  }

  #goOn(): void {
    if (this.#goesRound) return;
    this.#goesRound = true;
    void this.#goRound();
  }

  async #goRound(): Promise<void> {
    await loopRound();
    const isPolling = this.#row.length > 0 && ++this.#rounds % POLL_ROUNDS === 0;
    if (isPolling) await pollSockets(POLL_MS);
    this.#left = READS_AT_ONCE;
    this.#goesRound = false;
    // who waits again comes after all that wait now
    for (let { length } = this.#row; length > 0 && this.open; length--) serve(this.#row.shift()!);
    if (this.#row.length > 0) this.#goOn();
  }
}

function serve(callback: () => void): void {
  try {
    callback();
  } catch (bug) {
    // the others go on all the same, and the program hears of it
    queueMicrotask(() => {
      throw bug;
    });
  }
}
