import type { Store } from "../store/store.ts";
import { encodeDefinition, LAST_QUEUE_ID } from "./topology.ts";

/** There from when a broker begins to forget what it had, until it has begun anew. */
const RESETTING = JSON.stringify(["resetting"]);

/**
 * Forgets all that a store has, as one thing: once that is written down, a broker that finds it so when it
 * starts does the rest. So what is there after a crash is all of it or nothing.
 */
export class DurableReset {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Writes down that all is to be forgotten. It counts once that is on disk. */
  begin(): void {
    this.#store.define(RESETTING, encodeDefinition({}));
  }

  /** True from then until its end. */
  get begun(): boolean {
    return this.#store.definitions.has(RESETTING);
  }

  /** Forgets all definitions and messages. Ids of queues are not given again: what was settled of the old
   * ones may still have to be written. */
  forget(): void {
    const { definitions, queues } = this.#store;
    for (const queue of [...queues.values()]) this.#store.removeQueue(queue);
    for (const key of [...definitions.keys()]) {
      if (key !== RESETTING && key !== LAST_QUEUE_ID) this.#store.undefine(key);
    }
  }

  /** All is forgotten, and what a new broker has is written down. */
  end(): void {
    this.#store.undefine(RESETTING);
  }
}
