/**
 * Whose turn it is, of all that send again by themselves over one connection, to send what may be what the
 * broker closes connections for. Meanwhile the others send nothing, so that nothing of theirs is to blame,
 * or is blamed.
 */
export class Trials {
  /** Those who wait for their turn. */
  readonly #queue: object[] = [];
  #holder: object | undefined;
  #over: PromiseWithResolvers<void> | undefined;
  readonly #goOn = new Set<() => void>();

  /** True while somebody else tries. */
  keepsOut(who: object): boolean {
    return this.#holder !== undefined && this.#holder !== who;
  }

  /** True when it is this one's turn. */
  isHeldBy(who: object): boolean {
    return this.#holder === who;
  }

  /** It is this one's turn, now or after those before it. */
  join(who: object): void {
    if (this.#holder === undefined) this.#holder = who;
    else if (this.#holder !== who && !this.#queue.includes(who)) this.#queue.push(who);
  }

  /** This one has done with it. */
  leave(who: object): void {
    if (this.#holder !== who) {
      const at = this.#queue.indexOf(who);
      if (at >= 0) this.#queue.splice(at, 1);
      return;
    }
    this.#holder = this.#queue.shift();
    if (this.#holder === undefined) {
      this.#over?.resolve();
      this.#over = undefined;
    }
    for (const goOn of [...this.#goOn]) goOn();
  }

  /** Calls back whenever a turn is over, until the result is called. */
  watch(goOn: () => void): () => void {
    this.#goOn.add(goOn);
    return () => this.#goOn.delete(goOn);
  }

  /** Resolves when nobody else tries. */
  async whenFree(who: object): Promise<void> {
    while (this.keepsOut(who)) {
      await new Promise<void>((resolve) => {
        const end = this.watch(() => {
          end();
          resolve();
        });
      });
    }
  }

  /** True while anybody tries. */
  get underWay(): boolean {
    return this.#holder !== undefined;
  }

  /** Resolves when nobody tries, for those who never do. */
  async whenOver(): Promise<void> {
    while (this.#holder !== undefined) await (this.#over ??= Promise.withResolvers()).promise;
  }
}
