import { atEndOfTurn } from "./amqp/turn.ts";

/** What a broker may run out of. */
export type AlarmResource = "memory" | "disk";

/** In the order in which they are named. */
const RESOURCES: readonly AlarmResource[] = ["memory", "disk"];

/**
 * What the broker is short of at present. While there is anything, nobody may publish: a connection
 * that tries to is blocked, whatever it publishes, until there is nothing any more.
 */
export class Alarms {
  /** What is short, each with more about it, or with an empty text. */
  readonly #raised = new Map<AlarmResource, string>();
  readonly #waiting = new Set<() => void>();
  #marked = false;
  readonly #tell = () => {
    this.#marked = false;
    // one that is told may publish, which may raise the next alarm: the others wait on
    for (const callback of this.#waiting) {
      if (this.raised) return;
      this.#waiting.delete(callback);
      callback();
    }
  };

  /** True while anything is short. */
  get raised(): boolean {
    return this.#raised.size > 0;
  }

  /** What clients are told, in RabbitMQ's words, such as `low on memory & disk`. */
  get reason(): string {
    const texts = RESOURCES.filter((resource) => this.#raised.has(resource)).map((resource) => {
      const more = this.#raised.get(resource)!;
      return more === "" ? resource : `${resource} (${more})`;
    });
    return `low on ${texts.join(" & ")}`;
  }

  /** Something is short. */
  raise(resource: AlarmResource, more = ""): void {
    this.#raised.set(resource, more);
  }

  /** It no longer is. Who waits for that is told at the end of the turn. */
  clear(resource: AlarmResource): void {
    if (!this.#raised.delete(resource) || this.raised || this.#marked) return;
    this.#marked = true;
    atEndOfTurn(this.#tell);
  }

  /** Calls back once when nothing is short any more, never within this call or that of `clear`. What
   * it returns takes the wish back. */
  whenClear(callback: () => void): () => void {
    this.#waiting.add(callback);
    return () => this.#waiting.delete(callback);
  }
}
