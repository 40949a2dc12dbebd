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
   * @param onDone Called when it is done.
   */
  begin(steps: Steps, onDone?: () => void): void {
    const { user } = this.#events;
    this.#underWay.add(steps);
    workInSlices(
      this.#guarded(steps),
      (slice) => user === undefined ? slice() : this.#events.by(user, slice),
      () => {
        this.#underWay.delete(steps);
        onDone?.();
      },
    );
  }

  *#guarded(steps: Steps): Steps {
    try {
      yield* steps;
    } catch (error) {
      this.#onError(error);
    }
  }

  /** Does at once what is left: there will be no later. */
  finish(): void {
    for (const steps of this.#underWay) {
      try {
        while (steps.next().done !== true);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
