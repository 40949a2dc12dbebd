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

  /** Resolves when none is on its way; undefined when that is so now. */
  whenNone(): Promise<void> | undefined {
    if (this.#count === 0) return undefined;
    return (this.#none ??= Promise.withResolvers()).promise;
  }
}
