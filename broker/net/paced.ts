import { pollSockets } from "../amqp/turn.ts";

/**
 * Lets so many of a crowd begin at once, in the order in which they came, and the next ones when all
 * sockets have been looked at. What each begins with takes half a millisecond or more; a thousand who
 * come together would otherwise be one long turn, in which nobody else is served.
 */
export class Paced {
  readonly #atOnce: number;
  readonly #waiting: (() => void)[] = [];
  #begun = 0;
  #pausing = false;

  /** @param atOnce How many begin before the others get their turn. */
  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** Waits for one's turn; undefined when it has come already. */
  turn(): Promise<void> | undefined {
    if (!this.#pausing) void this.#pause();
    if (this.#begun < this.#atOnce && this.#waiting.length === 0) {
      this.#begun++;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #pause(): Promise<void> {
    this.#pausing = true;
    do {
      await pollSockets();
      const next = this.#waiting.splice(0, this.#atOnce);
      this.#begun = next.length;
      for (const begin of next) begin();
    } while (this.#begun > 0);
    this.#pausing = false;
  }
}
