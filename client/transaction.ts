/**
 * What a transactional channel has settled since the last commit or rollback. The broker forgets that with
 * a rollback, so it must not count as settled here either, or nobody could settle it any more.
 */
export class Transaction {
  /** The highest delivery tag up to which all were settled together, at the last commit. */
  #settledUpTo: number;
  #undos: (() => void)[] = [];

  /** @param settledUpTo What was settled together before it. */
  constructor(settledUpTo: number) {
    this.#settledUpTo = settledUpTo;
  }

  /** One was settled; a rollback undoes that. */
  settled(undo: () => void): void {
    this.#undos.push(undo);
  }

  /** It stays so. */
  commit(settledUpTo: number): void {
    this.#settledUpTo = settledUpTo;
    this.#undos = [];
  }

  /** It is not so any more. Gives what was settled together before. */
  rollBack(): number {
    for (const undo of this.#undos.splice(0)) undo();
    return this.#settledUpTo;
  }
}
