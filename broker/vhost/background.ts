import { type Steps, workInSlices } from "../amqp/long_work.ts";
import type { BrokerEvents } from "../events.ts";

/** Long work that nobody waits for: what goes because nobody uses it any more. */
export class Background {
  readonly #events: BrokerEvents;
  readonly #onError: (error: unknown) => void;
  readonly #underWay = new Set<Steps>();

  /**
   * @param events What is done is the doing of whoever began it.
   * @param onError Called with what goes wrong.
   */
  constructor(events: BrokerEvents, onError: (error: unknown) => void) {
    this.#events = events;
    this.#onError = onError;
  }

  /**
   * Begins something, and goes on with it in slices if it is much.
   *
   * @param onDone Called when it is done; with what went wrong, if that ended it.
   */
  begin(steps: Steps, onDone?: (error?: unknown) => void): void {
    const { user } = this.#events;
    let failure: unknown;
    const work = this.#guarded(steps, (error) => failure = error);
    this.#underWay.add(work);
    workInSlices(
      work,
      (slice) => user === undefined ? slice() : this.#events.by(user, slice),
      () => {
        this.#underWay.delete(work);
        onDone?.(failure);
      },
    );
  }

  *#guarded(steps: Steps, onFailure: (error: unknown) => void): Steps {
    try {
      yield* steps;
    } catch (error) {
      onFailure(error);
      this.#onError(error);
    }
  }

  /** Does at once what is left: there will be no later. */
  finish(): void {
    for (const work of this.#underWay) {
      try {
        while (work.next().done !== true);
      } catch (error) {
        // it is in the middle of a step, from which the broker is being closed
        this.#onError(error);
      }
    }
  }
}
