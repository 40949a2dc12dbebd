import { describe } from "../../broker/amqp/field_value.ts";
import type { Clock } from "../../broker/amqp/clock.ts";
import type { Delivery } from "../delivery.ts";
import type { Failure, ResolvedConsumer } from "./consumer_options.ts";
import type { Message } from "./message.ts";

const FAILURES: readonly unknown[] = ["requeue", "reject", "ack"];

/** Settles the messages of a consumer: those that are done, and by its options those that failed. */
export class Settlement<Body> {
  readonly #options: ResolvedConsumer<Body>;
  readonly #clock: Clock;
  readonly #report: (error: unknown) => void;
  #hurried = false;
  readonly #endPauses = new Set<() => void>();

  /**
   * @param options Of the consumer.
   * @param clock Time.
   * @param report Takes what nobody else hears of.
   */
  constructor(options: ResolvedConsumer<Body>, clock: Clock, report: (error: unknown) => void) {
    this.#options = options;
    this.#clock = clock;
    this.#report = report;
  }

  /** Settles a delivery, unless it is settled. A channel that has ended has settled everything itself. */
  settle(delivery: Delivery, how: Failure): void {
    if (delivery.settled) return;
    try {
      if (how === "ack") delivery.ack();
      else delivery.reject({ requeue: how === "requeue" });
    } catch {
      // the message is in its queue again
    }
  }

  /** Settles a message that failed; resolves when that is done. */
  async fail(error: unknown, message: Message<Body>): Promise<void> {
    const { onFailure, requeueDelayMs } = this.#options;
    let failure = onFailure;
    if (typeof failure !== "function") this.#report(error);
    else {
      try {
        failure = failure(error, message);
        if (!FAILURES.includes(failure)) {
          this.#report(
            new TypeError(
              `Cannot settle by onFailure: it gave ${shown(failure)}, not requeue, reject or ack`,
              { cause: error },
            ),
          );
        }
      } catch (another) {
        this.#report(another);
        failure = "requeue";
      }
    }
    if (failure !== "reject" && failure !== "ack") {
      if (message.redelivered && !message.settled && requeueDelayMs > 0) {
        await this.#pause(requeueDelayMs);
      }
      failure = "requeue";
    }
    this.settle(message.delivery, failure);
  }

  /** Ends all pauses, and makes no more of them. */
  hurry(): void {
    this.#hurried = true;
    for (const end of [...this.#endPauses]) end();
  }

  async #pause(ms: number): Promise<void> {
    if (this.#hurried) return;
    const over = Promise.withResolvers<void>();
    const cancelTimer = this.#clock.after(ms, over.resolve);
    this.#endPauses.add(over.resolve);
    await over.promise;
    this.#endPauses.delete(over.resolve);
    cancelTimer();
  }
}

/** What a function gave, in few words. */
function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : describe(value);
}
