import type { Broker } from "../mod.ts";

/** How often somebody tried to log in one way, and how it went. */
interface Attempts {
  succeeded: number;
  failed: number;
}

/** Counts logins: over AMQP as the broker tells of them, and those of the API itself. */
export class LoginAttempts implements Disposable {
  readonly #all: Attempts = { succeeded: 0, failed: 0 };
  readonly #http: Attempts = { succeeded: 0, failed: 0 };
  readonly #stops: readonly (() => void)[];

  constructor(broker: Broker) {
    this.#stops = [
      broker.on("user.authentication.success", () => void this.#all.succeeded++),
      broker.on("user.authentication.failure", () => void this.#all.failed++),
    ];
  }

  /** Somebody asked the API, with a name and a password. */
  asked(succeeded: boolean): void {
    if (succeeded) this.#http.succeeded++;
    else {
      this.#http.failed++;
      this.#all.failed--; // the broker tells of these too
    }
  }

  /** What was counted, by RabbitMQ's names of protocols. */
  get byProtocol(): readonly (readonly [protocol: string, attempts: Readonly<Attempts>])[] {
    return [["http", this.#http], ["amqp091", this.#all]];
  }

  /** Begins anew. */
  reset(): void {
    for (const attempts of [this.#all, this.#http]) attempts.succeeded = attempts.failed = 0;
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops) stop();
  }
}
