import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../amqp/clock.ts";
import { SLOWEST } from "./limits.ts";

/** An answer that is not there yet. */
interface Watched {
  readonly socket: Pick<IncomingMessage["socket"], "bytesWritten">;
  readonly giveUp: (waiting: number) => void;
  /** What the client had taken when it was looked at last. */
  taken: number;
  /** When it took something last, or there was nothing to take. */
  since: number;
}

/**
 * Gives up clients that do not read what they asked for: what is made for them, and all that it is made
 * of, would stay in memory.
 *
 * What `connection/slow_readers.ts` is to links: those count what was taken octet by octet, a socket of
 * `node:http` only when a whole write is done, so a client has longer here for a longer one.
 */
export class UnreadAnswers implements Disposable {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #watched = new Map<ServerResponse, Watched>();
  /** One timer for all answers, which goes on until there were none for a while. */
  #stopTimer: (() => void) | undefined;

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
   * @param giveUp Is called, once, when its client takes nothing, with how much waits for it.
   */
  watch(
    { socket }: { readonly socket: Watched["socket"] },
    response: ServerResponse,
    giveUp: Watched["giveUp"],
  ): void {
    const since = this.#clock.now();
    this.#watched.set(response, { socket, giveUp, taken: socket.bytesWritten, since });
    response.once("close", () => this.#watched.delete(response));
    const everyMs = Math.max(1, Math.ceil(this.#timeoutMs / 4));
    this.#stopTimer ??= this.#clock.every(everyMs, () => this.#look());
  }

  #look(): void {
    if (this.#watched.size === 0) this[Symbol.dispose]();
    const now = this.#clock.now();
    for (const [response, watched] of this.#watched) {
      const waiting = response.writableLength;
      const { bytesWritten: taken } = watched.socket;
      if (waiting === 0 || taken !== watched.taken) {
        watched.taken = taken;
        watched.since = now;
        continue;
      }
      // it is counted when a whole write is done, and a write may be long
      const patience = this.#timeoutMs + waiting / SLOWEST * 1000;
      if (now - watched.since < patience) continue;
      this.#watched.delete(response);
      watched.giveUp(waiting);
    }
  }

  /** Looks after nothing any more. */
  [Symbol.dispose](): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }
}
