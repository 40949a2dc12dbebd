import type { Delivery } from "../delivery.ts";
import { Fifo } from "../../broker/amqp/fifo.ts";
import type { HeldUp } from "../held_up.ts";
import type { Intake } from "../intake.ts";

/**
 * What a consumer was delivered and has not handed out, on one channel after the other. The connection's
 * intake counts it, so that the broker is held up when there is too much of it, with whatever prefetch
 * or none, and nobody waits for anything else.
 */
export class HeldDeliveries {
  #waiting = new Fifo<Delivery>();
  /** Undefined while there is no channel. */
  #intake: Intake | undefined;
  /** What holds up its deliveries alone, where that can be. */
  #heldUp: HeldUp | undefined;
  /** How many are of former channels: the first ones. */
  #former = 0;
  #expecting = false;

  /** Adds one. */
  push(delivery: Delivery): void {
    if (this.#intake === undefined) this.#former++;
    else {
      this.#intake.hold(delivery.bodySize);
      this.#heldUp?.hold(delivery.bodySize);
    }
    this.#waiting.push(delivery);
  }

  /** Takes the first one; undefined when there is none. */
  shift(): Delivery | undefined {
    const delivery = this.#waiting.shift();
    if (delivery === undefined) return undefined;
    if (this.#former > 0) this.#former--;
    else {
      this.#intake?.release(delivery.bodySize);
      this.#heldUp?.release(delivery.bodySize);
    }
    return delivery;
  }

  /** Tells whether the next delivery is waited for: then nothing is held up. */
  expect(on: boolean): void {
    if (on === this.#expecting || this.#intake === undefined) return;
    this.#expecting = on;
    if (on) this.#intake.expectMore();
    else this.#intake.expectLess();
  }

  /** There is another channel; this is its connection's intake. */
  moveTo(intake: Intake): void {
    this.#intake = intake;
  }

  /** The consumer is there, and its deliveries can be held up without those of others. */
  holdUpWith(heldUp: HeldUp | undefined): void {
    this.#heldUp = heldUp;
  }

  /** The channel has ended. */
  interrupt(): void {
    const intake = this.#intake;
    if (intake === undefined) return;
    this.expect(false);
    this.#intake = undefined;
    this.#heldUp?.end();
    this.#heldUp = undefined;
    for (let index = this.#former; index < this.#waiting.length; index++) {
      intake.release(this.#waiting.at(index)!.bodySize);
    }
    this.#former = this.#waiting.length;
  }

  /** Forgets them, which are of former channels. */
  clear(): void {
    this.#waiting = new Fifo();
    this.#former = 0;
  }
}
