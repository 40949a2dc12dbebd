import type { Clock } from "../../broker/amqp/clock.ts";

/** So long those are waited for that are neither back nor refused. */
const RETURN_MS = 10_000;

/** Counts those who open a channel of their own when the connection is there again. */
export class Returning {
  #count = 0;
  #none: PromiseWithResolvers<void> | undefined;

  /** One more is on its way, until the result is called: it is back, or has failed, or waits for something
   * that may take long. */
  begin(): () => void {
    this.#count++;
    let over = false;
    return () => {
      if (over) return;
      over = true;
      if (--this.#count > 0) return;
      this.#none?.resolve();
      this.#none = undefined;
    };
  }

  /**
   * Resolves when none is on its way, or all of that takes too long, or the connection ends.
   *
   * @param clock Time.
   * @param ended Resolves when it ends.
   */
  async whenNone(clock: Clock, ended: Promise<unknown>): Promise<void> {
    if (this.#count === 0) return;
    this.#none ??= Promise.withResolvers();
    const late = Promise.withResolvers<void>();
    const cancel = clock.after(RETURN_MS, late.resolve);
    await Promise.race([this.#none.promise, late.promise, ended]);
    cancel();
  }
}
