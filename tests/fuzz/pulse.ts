import { connect } from "../../client/connect.ts";
import type { Connection } from "../../client/connection.ts";

/** How long it does nothing between two questions. */
const PAUSE_MS = 5;
/** While nobody gets an answer, so many looks on time are given: then the broker is stuck. */
const SILENT_TICKS = 300;

/** How patient one is. */
export interface Patience {
  /** So often it is looked whether there is an answer, in milliseconds. */
  readonly tickMs: number;
  /** Whoever has none after so long, in milliseconds, ... */
  readonly answerMs: number;
  /** ... in which another one got so many of them, one after the other, gets none. */
  readonly answerBeats: number;
}

const USUAL: Patience = { tickMs: 1000, answerMs: 60_000, answerBeats: 1000 };

/** How a wait looks to somebody who waits. */
export interface WaitOptions {
  /** What an error says when the broker does not answer. */
  readonly complaint: () => string;
  /** Told now and then how many answers another one has got meanwhile. */
  readonly onTick?: (beats: number) => void;
}

/**
 * A client that asks the broker one thing after the other, beside the attackers and from their process.
 * Its answers are the measure of how long one may wait for others: a machine that has no time for the
 * broker, or for those who attack it, is slow for all of them, and no clock tells that from a broker that
 * has lost a question.
 */
export class Pulse implements AsyncDisposable {
  /** How many answers it has got. */
  beats = 0;
  readonly #connection: Connection;
  readonly #patience: Patience;
  readonly #asking: Promise<void>;
  readonly #stopWatching: () => void;
  /** Those who wait, each with what ends that. */
  readonly #waiting = new Set<(error: unknown) => void>();
  #failure: { readonly error: unknown } | undefined;
  #stopped = false;

  private constructor(connection: Connection, patience: Patience) {
    this.#connection = connection;
    this.#patience = patience;
    this.#asking = this.#ask().catch((error) => this.#fail(error));
    this.#stopWatching = this.#watch();
  }

  /** Connects, and begins to ask. */
  static async start(port: number, patience: Partial<Patience> = {}): Promise<Pulse> {
    const url = `amqp://guest:guest@127.0.0.1:${port}?heartbeat=0`;
    return new Pulse(await connect(url, { recovery: false }), { ...USUAL, ...patience });
  }

  /**
   * Waits for what the broker is to do for somebody.
   *
   * @throws {Error} The complaint, when it has done things for others long enough, or what became of a
   * broker that answers nobody.
   */
  async wait<Value>(awaited: Promise<Value>, { complaint, onTick }: WaitOptions): Promise<Value> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const { tickMs, answerMs, answerBeats } = this.#patience;
    const [since, before] = [performance.now(), this.beats];
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    awaited.then(resolve, reject);
    this.#waiting.add(reject);
    const timer = setInterval(() => {
      const beats = this.beats - before;
      onTick?.(beats);
      if (beats < answerBeats || performance.now() - since < answerMs) return;
      reject(new Error(`${complaint()}; another one has got ${beats} answers meanwhile`));
    }, tickMs);
    try {
      return await promise;
    } finally {
      clearInterval(timer);
      this.#waiting.delete(reject);
    }
  }

  /** Asks no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#stopWatching();
    // one that is stuck answers neither this nor that it is closed
    if (this.#failure === undefined) await this.#asking;
    await this.#connection.close().catch(() => {});
  }

  async #ask(): Promise<void> {
    const channel = await this.#connection.openChannel();
    while (!this.#stopped) {
      await channel.basicQos({ prefetchCount: 1 });
      this.beats++;
      await new Promise<void>((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    for (const reject of this.#waiting) reject(error);
  }

  /** A look that comes late says that this process had no time, so it does not count. */
  #watch(): () => void {
    const { tickMs } = this.#patience;
    let [silent, beats, lookedAt] = [0, this.beats, performance.now()];
    const timer = setInterval(() => {
      const now = performance.now();
      if (this.beats > beats) silent = 0;
      else if (now - lookedAt < 1.5 * tickMs) silent++;
      [beats, lookedAt] = [this.beats, now];
      if (silent < SILENT_TICKS) return;
      clearInterval(timer);
      this.#fail(new Error("Cannot go on: the broker answers nobody"));
    }, tickMs);
    return () => clearInterval(timer);
  }
}
