import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../amqp/clock.ts";
import { SLOWEST } from "./limits.ts";

/** Gives up clients that do not read what they asked for: what is made for them, and all that it is made
 * of, would stay in memory. */
export class SlowReaders {
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  /**
   * @param clock Time.
   * @param timeoutMs So long a client may take nothing.
   */
  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Looks after an answer until it is there.
   *
   * @param giveUp Is called, once, when its client takes nothing.
   */
  watch(
    { socket }: Pick<IncomingMessage, "socket">,
    response: ServerResponse,
    giveUp: (waiting: number) => void,
  ): void {
    let taken = socket.bytesWritten;
    /** When something was taken last, or there was nothing to take. */
    let since = this.#clock.now();
    const look = () => {
      const waiting = response.writableLength;
      const now = this.#clock.now();
      // it is counted when a whole write is done, and a write may be long
      const patience = this.#timeoutMs + waiting / SLOWEST * 1000;
      if (waiting === 0 || socket.bytesWritten !== taken) since = now;
      else if (now - since >= patience) {
        stop();
        giveUp(waiting);
      }
      taken = socket.bytesWritten;
    };
    const stop = this.#clock.every(Math.max(1, Math.ceil(this.#timeoutMs / 4)), look);
    response.once("close", stop);
  }
}
