import { pollAllSockets } from "../amqp/turn.ts";

/** Somebody whose turn has not come. */
interface Waiting {
  readonly isThere: () => boolean;
  readonly begin: (there: boolean) => void;
}

/**
 * Lets so many of a crowd begin at once, in the order in which they came, and the next ones when all
 * sockets have been looked at. What each begins with takes half a millisecond or more; a thousand who
 * come together would otherwise be one long turn, in which nobody else is served.
 */
export class Paced {
  readonly #atOnce: number;
  readonly #waiting: Waiting[] = [];
  #begun = 0;
  #pausing = false;

  /** @param atOnce How many begin before the others get their turn. */
  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /**
   * Waits for one's turn.
   *
   * @param isThere False when nobody waits any more: then it takes nobody's turn.
   * @returns Whether one is still there; undefined when the turn has come already.
   */
  turn(isThere: () => boolean): Promise<boolean> | undefined {
    if (!this.#pausing) void this.#pause();
    if (this.#begun < this.#atOnce && this.#waiting.length === 0) {
      this.#begun++;
      return undefined;
    }
    return new Promise((begin) => this.#waiting.push({ isThere, begin }));
  }

  async #pause(): Promise<void> {
    this.#pausing = true;
    do {
      await pollAllSockets();
      this.#begin();
    } while (this.#begun > 0);
    this.#pausing = false;
  }

  #begin(): void {
    this.#begun = 0;
    let passed = 0;
    for (const { isThere, begin } of this.#waiting) {
      if (this.#begun === this.#atOnce) break;
      passed++;
      const there = isThere();
      if (there) this.#begun++;
      begin(there);
    }
    this.#waiting.splice(0, passed);
  }
}
