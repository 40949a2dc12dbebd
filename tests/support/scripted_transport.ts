import type { Transport } from "../../broker/amqp/transport.ts";

/**
 * A transport whose reads bring what a test has written down, cut as the test has cut it. After that
 * the stream ends, or stays open until somebody closes it.
 */
export class ScriptedTransport implements Transport {
  /** What was written to it, one entry a write. */
  readonly written: Uint8Array[] = [];
  /** How many reads were asked for. */
  reads = 0;
  /** True once it was closed from our side. */
  closed = false;
  readonly peer = { hostname: "127.0.0.1", port: 1 };
  readonly local = { hostname: "127.0.0.1", port: 2 };
  readonly #chunks: Uint8Array[];
  readonly #staysOpen: boolean;
  readonly #closing = Promise.withResolvers<void>();
  #gate: PromiseWithResolvers<void> | undefined;

  constructor(chunks: readonly Uint8Array[], options: { readonly staysOpen?: boolean } = {}) {
    this.#chunks = [...chunks];
    this.#staysOpen = options.staysOpen ?? false;
  }

  /** Makes writes wait until `letWrite`. */
  holdWrites(): void {
    this.#gate ??= Promise.withResolvers();
  }

  /** Lets writes go on. */
  letWrite(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  async read(into: Uint8Array): Promise<number | null> {
    this.reads++;
    const chunk = this.#chunks.shift();
    if (chunk === undefined || this.closed) {
      if (this.#staysOpen) await this.#closing.promise;
      return null;
    }
    const count = Math.min(chunk.length, into.length);
    into.set(chunk.subarray(0, count));
    if (count < chunk.length) this.#chunks.unshift(chunk.subarray(count));
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const gate = this.#gate;
    if (gate !== undefined) await Promise.race([gate.promise, this.#closing.promise]);
    if (this.closed) throw new Deno.errors.BrokenPipe("closed");
    this.written.push(bytes.slice());
    return bytes.length;
  }

  close(): void {
    this.closed = true;
    this.#closing.resolve();
  }
}
