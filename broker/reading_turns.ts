import { loopRound, pollSockets } from "./amqp/turn.ts";

/** So many pages are read from disk before others get a chance to do something: a few milliseconds. */
export const READS_AT_ONCE = 16;
/** Each so many rounds of it all sockets are looked at, for which the loop has to go round many times. */
const POLL_ROUNDS = 3;

/**
 * Turns of those who read pages from disk. A page is read whole and at once, so only some are read each
 * time that the event loop goes round, whoever reads them. Who needs more waits in a row.
 */
export class ReadingTurns {
  private _left = READS_AT_ONCE;
  private _goesRound = false;
  /** How many times some had to wait. */
  private _rounds = 0;
  private readonly _row: (() => void)[] = [];

  /** True while another page may be read. */
  get open(): boolean {
    return this._left > 0;
  }

  /** Another page is read, whether it may be or not. */
  count(): void {
    this._left--;
    this._goOn();
  }

  /** Calls back when it is the caller's turn, not within this call: at least one page may be read then. */
  wait(callback: () => void): void {
    this._row.push(callback);
    this._goOn();
  }

  private _goOn(): void {
    if (this._goesRound) return;
    this._goesRound = true;
    void this._goRound();
  }

  private async _goRound(): Promise<void> {
    await loopRound();
    const isPolling = this._row.length > 0 && ++this._rounds % POLL_ROUNDS === 0;
    if (isPolling) await pollSockets();
    this._left = READS_AT_ONCE;
    this._goesRound = false;
    // who waits again comes after all that wait now
    for (let { length } = this._row; length > 0 && this.open; length--) serve(this._row.shift()!);
    if (this._row.length > 0) this._goOn();
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
