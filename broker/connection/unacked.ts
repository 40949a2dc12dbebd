import { AmqpError } from "../amqp/error.ts";
import type { QueueEntry } from "../queue/entry.ts";
import type { Queue } from "../queue/queue.ts";
import type { ChannelConsumer } from "./consumer.ts";

/** A delivery that its channel has not settled yet. */
export interface UnackedDelivery {
  /** Its number on the channel. */
  readonly deliveryTag: number;
  /** The message and its place in the queue. */
  readonly entry: QueueEntry;
  /** Where it came from. */
  readonly queue: Queue;
  /** Who got it; undefined for `basic.get`. */
  readonly consumer: ChannelConsumer | undefined;
}

/** The deliveries of one channel that are not settled, in the order of their tags. */
export class Unacked {
  #byTag = new Map<number, UnackedDelivery>();

  /** How many there are. */
  get size(): number {
    return this.#byTag.size;
  }

  /** Remembers one; tags only grow. */
  add(delivery: UnackedDelivery): void {
    this.#byTag.set(delivery.deliveryTag, delivery);
  }

  /**
   * Takes one out.
   *
   * @throws {AmqpError} 406 when no such delivery is outstanding.
   */
  takeOne(deliveryTag: number): UnackedDelivery {
    const delivery = this.#byTag.get(deliveryTag);
    if (delivery === undefined) throw unknown(deliveryTag);
    this.#byTag.delete(deliveryTag);
    return delivery;
  }

  /**
   * Takes out all up to a tag; 0 stands for all there are.
   *
   * @throws {AmqpError} 406 when the tag itself is not outstanding.
   */
  takeUpTo(deliveryTag: number): UnackedDelivery[] {
    if (deliveryTag === 0) return this.takeAll();
    if (!this.#byTag.has(deliveryTag)) throw unknown(deliveryTag);
    const taken: UnackedDelivery[] = [];
    for (const delivery of this.#byTag.values()) {
      if (delivery.deliveryTag > deliveryTag) break;
      taken.push(delivery);
    }
    for (const delivery of taken) this.#byTag.delete(delivery.deliveryTag);
    return taken;
  }

  /** Takes out all. */
  takeAll(): UnackedDelivery[] {
    const all = [...this.#byTag.values()];
    this.#byTag = new Map();
    return all;
  }

  /** Puts back what a transaction had taken and rolls back. */
  putBack(deliveries: readonly UnackedDelivery[]): void {
    const all = [...this.#byTag.values(), ...deliveries]
      .sort((a, b) => a.deliveryTag - b.deliveryTag);
    this.#byTag = new Map(all.map((delivery) => [delivery.deliveryTag, delivery]));
  }
}

function unknown(deliveryTag: number): AmqpError {
  return new AmqpError(406, `unknown delivery tag ${deliveryTag}`);
}
