/** So many answers are remembered of each kind. */
const ANSWERS_MAX = 1000;
/** So much all of them may take, in bytes. */
const BYTES_MAX = 32 * 1024 * 1024;
/** What one takes besides its name, when a map has just grown. */
const ANSWER_BYTES = 80;
/** What a map takes before anything is in it. */
const MAP_BYTES = 300;

/** What is remembered of one kind, by name. */
type Remembered = Map<string, unknown>;

/**
 * What is remembered of what users may do, so that names are looked at once; with its bound. Names are the
 * clients' to choose, also of things that do not exist, and there may be very many clients. What has
 * been remembered longest is forgotten first.
 *
 * It holds answers alone, and nothing of those who gave them, who may be gone.
 */
export class AnswerMemory {
  readonly #bytesMax: number;
  /** With the size of each, the oldest first. */
  readonly #sizes = new Map<Remembered, number>();
  #bytes = 0;

  /** @param bytesMax How much it may be. */
  constructor(bytesMax: number = BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** How much it is, in bytes, by a careful estimate. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Remembers an answer. What answers of its kind are found in is `kind`; it may be emptied any time. */
  remember<Answer>(kind: Map<string, Answer>, name: string, answer: Answer): void {
    if (kind.size >= ANSWERS_MAX) this.forget(kind);
    const bytes = ANSWER_BYTES + 2 * name.length;
    while (this.#bytes + bytes + MAP_BYTES > this.#bytesMax && this.#sizes.size > 0) {
      this.forget(this.#sizes.keys().next().value!);
    }
    const before = this.#sizes.get(kind);
    this.#sizes.set(kind, (before ?? MAP_BYTES) + bytes);
    this.#bytes += before === undefined ? MAP_BYTES + bytes : bytes;
    kind.set(name, answer);
  }

  /** Forgets all answers of a kind. */
  forget(kind: Remembered): void {
    kind.clear();
    this.#bytes -= this.#sizes.get(kind) ?? 0;
    this.#sizes.delete(kind);
  }
}
