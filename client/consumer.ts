import { type CallOptions, checkCall } from "./abortable.ts";
import type { ConsumerCore, ConsumerState } from "./consumer_core.ts";
import type { IteratorConsumer } from "./iterator_consumer.ts";
import type { Delivery } from "./delivery.ts";

/**
 * A consumer that calls back for each delivery; `basicConsume` with a callback makes it.
 *
 * @example Consuming by callback
 * ```ts
 * import { Broker, type Delivery } from "@warren/amqp";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using connection = await broker.connect();
 * const channel = await connection.openChannel();
 * const { queue } = await channel.queueDeclare();
 *
 * const delivered = Promise.withResolvers<Delivery>();
 * const consumer = await channel.basicConsume(queue, {}, (delivery) => {
 *   delivery.ack();
 *   delivered.resolve(delivery);
 * });
 * await channel.basicPublish({ routingKey: queue }, "hello");
 * assertEquals((await delivered.promise).text(), "hello");
 *
 * await consumer.cancel();
 * assertEquals(consumer.state, "cancelled");
 * ```
 */
export class Consumer implements AsyncDisposable {
  readonly #core: ConsumerCore;

  /** @ignore */
  constructor(core: ConsumerCore) {
    this.#core = core;
  }

  /** Names the consumer on its channel. */
  get consumerTag(): string {
    return this.#core.consumerTag;
  }

  /** `"active"` while messages may come; then which way it ended: `"cancelled"` by us,
   * `"cancelledByBroker"` because its queue is gone, `"closed"` with its channel. */
  get state(): ConsumerState {
    return this.#core.state;
  }

  /**
   * Cancels the consumer: nothing more is delivered to it once this has resolved. What was delivered
   * before is still handed out, and stays unacked until it is settled.
   *
   * Cancelling a consumer that has ended does nothing.
   *
   * @param options Signal, which gives up waiting for the broker's answer.
   */
  async cancel(options: CallOptions = {}): Promise<void> {
    checkCall(options, "cancel consumer");
    await this.#core.cancel(options.signal);
  }

  /** Cancels the consumer. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.cancel();
  }
}

/**
 * A consumer to iterate over; `basicConsume` without a callback makes it.
 *
 * Iteration ends when the consumer is cancelled, by either side (`state` tells), and when the channel
 * is closed by this program. It throws the reason when the channel or connection is closed by the
 * broker or lost. Leaving the loop by `break`, `return` or an exception cancels the consumer and
 * requeues what was delivered but not looked at; with `noAck` there is nothing to requeue and those
 * messages are lost, so choose `cancel()` there and let the loop come to its end.
 *
 * What the broker sends ahead is bounded by the channel's prefetch (`basicQos`); without one, by what
 * this client holds before it stops reading, as far as nothing else is awaited on the connection. So
 * do not abandon a consumer: iterate over it, or cancel it.
 *
 * @example Consuming by iteration
 * ```ts
 * import { Broker } from "@warren/amqp";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using connection = await broker.connect();
 * const channel = await connection.openChannel();
 * const { queue } = await channel.queueDeclare();
 * for (const body of ["a", "b", "c"]) await channel.basicPublish({ routingKey: queue }, body);
 *
 * const seen: string[] = [];
 * for await (const delivery of await channel.basicConsume(queue)) {
 *   seen.push(delivery.text());
 *   delivery.ack();
 *   if (seen.length === 2) break;
 * }
 * assertEquals(seen, ["a", "b"]);
 * assertEquals((await channel.basicGet(queue))?.text(), "c");
 * ```
 */
export class IterableConsumer extends Consumer
  implements AsyncIterableIterator<Delivery, undefined> {
  readonly #core: IteratorConsumer;

  /** @ignore */
  constructor(core: IteratorConsumer) {
    super(core);
    this.#core = core;
  }

  /**
   * Waits for the next delivery.
   *
   * @param options Signal, which gives up waiting: the delivery is the next call's then.
   */
  next(options?: CallOptions): Promise<IteratorResult<Delivery, undefined>> {
    try {
      if (options !== undefined) checkCall(options, "get next delivery");
      return this.#core.next(options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Cancels the consumer and requeues what was not looked at; leaving a loop calls it. */
  async return(): Promise<IteratorResult<Delivery, undefined>> {
    await this.#core.leave();
    return { done: true, value: undefined };
  }

  /** A consumer is its own iterator: two loops over it share its deliveries. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Cancels the consumer and requeues what was not looked at. */
  override async [Symbol.asyncDispose](): Promise<void> {
    await this.#core.leave();
  }
}
