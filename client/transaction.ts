/**
 * What a transactional channel has settled since the last commit or rollback. The broker forgets that with
 * a rollback, so it must not count as settled here either, or nobody could settle it any more.
 */
export class Transaction {
  #settledUpTo: number;
  #isUndone = false;
  readonly #undos: (() => void)[] = [];

  /** @param settledUpTo What was settled together before it. */
  constructor(settledUpTo: number) {
    this.#settledUpTo = settledUpTo;
  }

  /** The highest delivery tag up to which all were settled together before it. */
  get settledUpTo(): number {
    return this.#settledUpTo;
  }

  /** True when it was rolled back. */
  get isUndone(): boolean {
    return this.#isUndone;
  }

  /** More was settled before it than was known then. */
  settledBefore(deliveryTag: number): void {
    if (deliveryTag > this.#settledUpTo) this.#settledUpTo = deliveryTag;
  }

  /** One was settled; a rollback undoes that. */
  settled(undo: () => void): void {
    this.#undos.push(undo);
  }

  /** It is rolled back, and another one has begun. */
  undo(): void {
    this.#isUndone = true;
    for (const undo of this.#undos.splice(0)) undo();
  }
}
