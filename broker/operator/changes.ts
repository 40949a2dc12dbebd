import type { JsonObject } from "../policy/json.ts";
import type { Store } from "../store/store.ts";

/** Makes the changes that operators ask for. */
export class Changes {
  readonly #store: Store | undefined;
  #ended = false;

  /** @param store Where they survive a restart; undefined when they do not. */
  constructor(store: Store | undefined) {
    this.#store = store;
  }

  /** The broker closes: nothing can be changed any more. */
  end(): void {
    this.#ended = true;
  }

  /** @throws {TypeError} When nothing can be changed any more. */
  check(): void {
    if (this.#ended) throw new TypeError("Cannot change anything: broker is closed");
  }

  /** Changes something. Resolves with what came of it once that is on disk. */
  async make<T>(action: () => T | Promise<T>): Promise<T> {
    this.check();
    const doing = action();
    const result = doing instanceof Promise ? await doing : doing;
    const store = this.#store;
    if (store === undefined) return result;
    await new Promise<void>((resolve, reject) =>
      store.whenSynced((error) => error === undefined ? resolve() : reject(error))
    );
    return result;
  }
}

/** An object without the fields that are undefined. */
export function defined(fields: Readonly<Record<string, unknown>>): JsonObject {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as JsonObject;
}
