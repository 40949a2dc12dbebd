import type { Transport } from "./transport.ts";

/** A client that has not been let in has no more to say than this, in bytes. */
const SIZE = 1024;

/**
 * Reads a transport while nobody asks for what it brings, in order to notice its end. What comes is kept
 * for those who ask later. Who sends more than a client has to say then is taken for one that has gone.
 */
export class ReadAhead {
  readonly #transport: Pick<Transport, "read">;
  readonly #onEnd: () => void;
  readonly #bytes = new Uint8Array(SIZE);
  #size = 0;
  #taken = 0;
  #isWatching = true;
  /** Resolved with each read; undefined when there is none under way. */
  #reading: PromiseWithResolvers<void> | undefined;
  /** Why nothing more could be read, when it was no orderly end. */
  error: unknown;

  /**
   * Begins.
   *
   * @param transport What is read; nobody else may, before this is `done`.
   * @param onEnd Called when it ends, unless that was stopped.
   */
  constructor(transport: Pick<Transport, "read">, onEnd: () => void) {
    this.#transport = transport;
    this.#onEnd = onEnd;
    void this.#read();
  }

  /** Begins no read any more. The one that is under way is not lost. */
  stop(): void {
    this.#isWatching = false;
  }

  /** True when no read is under way, and nothing is left to be taken. */
  get done(): boolean {
    return this.#reading === undefined && this.#taken === this.#size;
  }

  /** What has come, at least one byte; null at the end. */
  async take(): Promise<Uint8Array | null> {
    if (this.#taken === this.#size) await this.#reading?.promise;
    const bytes = this.#bytes.subarray(this.#taken, this.#size);
    this.#taken = this.#size;
    return bytes.length === 0 ? null : bytes;
  }

  async #read(): Promise<void> {
    while (this.#isWatching && this.#size < SIZE) {
      const reading = this.#reading = Promise.withResolvers();
      let count: number | null = null;
      try {
        count = await this.#transport.read(this.#bytes.subarray(this.#size));
      } catch (cause) {
        this.error = cause;
      }
      this.#size += count ?? 0;
      this.#reading = undefined;
      reading.resolve();
      if (count === null) break;
    }
    if (this.#isWatching) this.#onEnd();
  }
}
