import { basicConsume, basicQos } from "../../broker/amqp/methods/basic.ts";
import { normaliseTable } from "../../broker/amqp/field_table.ts";
import { CallbackConsumer } from "../callback_consumer.ts";
import type { ChannelCore } from "../channel_core.ts";
import type { Delivery } from "../delivery.ts";
import { type CallOptions, checkCall, endOr, onAbort } from "../abortable.ts";
import { checkFunction, checkShortString } from "../fields.ts";
import { StreamPosition } from "../stream_position.ts";
import { Codecs } from "./codecs.ts";
import {
  type ConsumerOptions,
  type MessageHandler,
  resolveConsumer,
  type ResolvedConsumer,
} from "./consumer_options.ts";
import { HeldDeliveries } from "./held_deliveries.ts";
import { Handling } from "./handling.ts";
import { Iteration } from "./iteration.ts";
import { type Home, LastingChannel } from "./lasting_channel.ts";
import type { ClientTracing } from "../tracing.ts";
import { HeldUp } from "../held_up.ts";
import { Message } from "./message.ts";
import { Settlement } from "./settlement.ts";

/** What a consumer does on its channel before it consumes, such as declaring its queue, by its present
 * name. */
export type Prepare = (core: ChannelCore, queue: string) => Promise<void>;

/**
 * Consumes a queue for as long as the program wants; `Connection.consumer` makes it.
 *
 * With a handler, messages are handled as they come, a bounded number at once, and acked when they are
 * done. Without one the consumer is iterated over, or read as a stream, and each message is settled by
 * the program.
 *
 * When the connection is lost, or the broker closes the channel or cancels the consumer, it goes on as
 * soon as it can. What was not settled by then is delivered again, also when its handler is still at
 * work: the same message may be handled twice, and what is acked too late is forgotten, not sent.
 *
 * @typeParam Body What the program expects bodies to be; nothing checks it.
 *
 * @example A worker that handles four at once
 * ```ts
 * import { Broker } from "@warren/amqp";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using connection = await broker.connect();
 * await (await connection.openChannel()).queueDeclare("orders");
 * await using publisher = await connection.publisher({ routingKey: "orders" });
 * for (const id of [1, 2, 3]) await publisher.publish({ id });
 *
 * const ids: number[] = [];
 * const done = Promise.withResolvers<void>();
 * await using _consumer = await connection.consumer<{ id: number }>(
 *   { queue: "orders", concurrency: 4, onFailure: "reject" },
 *   ({ body }) => {
 *     ids.push(body.id);
 *     if (ids.length === 3) done.resolve();
 *   },
 * );
 * await done.promise;
 * assertEquals(ids, [1, 2, 3]);
 * ```
 *
 * @example Iteration
 * ```ts
 * import { Broker } from "@warren/amqp";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using connection = await broker.connect();
 * await (await connection.openChannel()).queueDeclare("lines");
 * await using publisher = await connection.publisher({ routingKey: "lines" });
 * await publisher.publish("one");
 *
 * for await (const message of await connection.consumer({ queue: "lines", prefetch: 10 })) {
 *   assertEquals(message.body, "one");
 *   message.ack();
 *   break;
 * }
 * ```
 */
export class MessageConsumer<Body = unknown>
  implements AsyncIterableIterator<Message<Body>, undefined>, AsyncDisposable {
  /** Resolves when the consumer has ended: with the reason, or with undefined when this program closed
   * it or its connection. Never rejects. */
  readonly closed: Promise<Error | undefined>;
  #resolveClosed!: (reason: Error | undefined) => void;
  readonly #options: ResolvedConsumer<Body>;
  readonly #codecs: Codecs;
  readonly #settlement: Settlement<Body>;
  /** Undefined when it is iterated over. */
  readonly #handling: Handling<Body> | undefined;
  readonly #iteration: Iteration<Body>;
  readonly #tracing: ClientTracing | undefined;
  #lasting!: LastingChannel;
  #consumer: CallbackConsumer | undefined;
  readonly #position = new StreamPosition();
  /** Delivered and not handed out. */
  readonly #held = new HeldDeliveries();
  #closing: Promise<void> | undefined;

  private constructor(
    options: ConsumerOptions<Body>,
    handler: MessageHandler<Body> | undefined,
    codecs: Codecs,
    home: Home,
  ) {
    this.#tracing = home.tracing;
    this.#options = resolveConsumer(options);
    this.#codecs = codecs;
    this.#settlement = new Settlement(this.#options, home.clock, home.report);
    if (handler !== undefined) {
      this.#handling = new Handling({
        handler: (message) => this.#handle(handler, message),
        concurrency: this.#options.concurrency,
        codecs,
        settlement: this.#settlement,
        next: () => this.#nextToHandle(),
      });
    }
    this.#iteration = new Iteration(this.#held, {
      decode: (delivery) => this.#decode(delivery),
      handedOut: (delivery) => this.#handedOut(delivery),
    });
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
  }

  /** @ignore */
  static async open<Body>(
    home: Home,
    options: ConsumerOptions<Body>,
    handler: MessageHandler<Body> | undefined,
    prepare?: Prepare,
    codecs: Codecs = new Codecs(options?.codecs),
  ): Promise<MessageConsumer<Body>> {
    if (handler !== undefined) checkFunction(handler, "handler", "make consumer");
    const consumer = new MessageConsumer(options, handler, codecs, home);
    const { queue, signal } = options;
    consumer.#lasting = await LastingChannel.open(home, {
      what: `consumer of queue ${queue}`,
      needs: () => home.whenFree(queue),
      setUp: (core) => consumer.#setUp(core, home.queueName(queue), prepare),
      opened() {},
      lost: (reason) => consumer.#lost(reason),
      ended: (reason) => consumer.#end(reason),
    }, signal);
    consumer.closed.then(home.consuming(queue));
    // it may have aborted since the consumer was started
    if (signal !== undefined) onAbort(signal, consumer.closed, () => void consumer.close());
    return consumer;
  }

  /** Names the consumer at the broker; undefined while it is not consuming. */
  get consumerTag(): string | undefined {
    return this.#consumer?.consumerTag;
  }

  /** How many messages are being handled. */
  get running(): number {
    return this.#handling?.running ?? 0;
  }

  /**
   * Waits for the next message; for consumers without a handler.
   *
   * @param options Signal, which gives up waiting: the message is the next call's then.
   * @throws {Error} Once, why the consumer has ended, unless this program closed it.
   */
  async next(options?: CallOptions): Promise<IteratorResult<Message<Body>, undefined>> {
    if (options !== undefined) checkCall(options, "get next message");
    if (this.#handling !== undefined) {
      throw new TypeError("Cannot iterate: the consumer has a handler; make one without");
    }
    return await this.#iteration.next(options?.signal);
  }

  /** Closes the consumer; leaving a loop calls it. */
  async return(): Promise<IteratorResult<Message<Body>, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /** A consumer is its own iterator: two loops over it share its messages. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * A stream of its messages, each of which its reader settles. Nothing is read ahead of the prefetch;
   * cancelling the stream closes the consumer.
   *
   * @example Read two
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * await (await connection.openChannel()).queueDeclare("lines");
   * await using publisher = await connection.publisher({ routingKey: "lines" });
   * for (const line of ["one", "two"]) await publisher.publish(line);
   *
   * const consumer = await connection.consumer<string>({ queue: "lines" });
   * const lines: string[] = [];
   * for await (const message of consumer.readable()) {
   *   lines.push(message.body);
   *   message.ack();
   *   if (lines.length === 2) break;
   * }
   * assertEquals(lines, ["one", "two"]);
   * ```
   */
  readable(): ReadableStream<Message<Body>> {
    return new ReadableStream({
      pull: async (controller) => {
        const { done, value } = await this.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => this.close(),
    }, { highWaterMark: 0 });
  }

  /**
   * Cancels the consumer, waits for the handlers that are at work, and puts back what was not handed
   * out. What a loop has been given and not settled goes back too. A handler that closes its own
   * consumer must not await that.
   *
   * @param options Signal, which closes it at once: handlers that are at work by then find that their
   * message is in its queue again.
   */
  async close(options: CallOptions = {}): Promise<void> {
    checkCall(options, "close consumer");
    this.#closing ??= this.#close();
    await endOr(this.#closing, options.signal, () => void this.#lasting.close());
  }

  /** Closes the consumer. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#settlement.hurry();
    try {
      await this.#consumer?.cancel();
    } catch {
      // the channel has ended meanwhile: the consumer is gone all the same
    }
    for (let delivery = this.#held.shift(); delivery; delivery = this.#held.shift()) {
      this.#settlement.settle(delivery, "requeue");
    }
    await this.#handling?.whenIdle();
    await this.#lasting.close();
  }

  // ---- one channel after the other

  async #setUp(core: ChannelCore, queue: string, prepare: Prepare | undefined): Promise<void> {
    const { consumerTag = "", noAck, exclusive = false, prefetch } = this.#options;
    await prepare?.(core, queue);
    await core.ask(basicQos({ prefetchCount: prefetch }), ["basic.qos-ok"]);
    const method = basicConsume({
      queue,
      consumerTag: checkShortString(consumerTag, "consumerTag"),
      noAck,
      exclusive,
      arguments: normaliseTable(this.#position.resume(this.#options.arguments ?? {})),
    });
    const onCancel = () => this.#cancelledByBroker(core);
    this.#held.moveTo(core.connection.intake);
    this.#held.expect(this.#handling?.hasRoom ?? this.#iteration.isWaiting);
    try {
      await core.ask(method, ["basic.consume-ok"], (reply) => {
        const { consumerTag } = reply;
        const position = this.#position;
        const parts = { channel: core, consumerTag, noAck, onCancel, expects: false, position };
        const consumer = new CallbackConsumer(parts, (delivery) => this.#take(delivery));
        // from when the channel is closing: what is handed out then cannot be settled any more
        consumer.onEnd = () => {
          if (consumer.state === "closed") this.#dropUnseen(core.reason);
        };
        this.#consumer = consumer;
        core.consumers.add(consumer);
        this.#held.holdUpWith(HeldUp.of(core.connection.link, core.number, consumerTag));
      });
    } catch (error) {
      this.#held.interrupt(); // nothing is delivered, so nobody waits for it
      throw error;
    }
  }

  /** Its queue is gone; it may come again. A channel that ends brings the next try. */
  #cancelledByBroker(core: ChannelCore): void {
    const error = new Error(
      `Cannot consume: the broker cancelled the consumer of queue ${this.#options.queue}`,
    );
    core.close(error, "the consumer was cancelled");
  }

  #lost(reason: Error): boolean {
    this.#consumer = undefined;
    this.#dropUnseen(reason);
    return false;
  }

  #end(reason: Error | undefined): void {
    this.#dropUnseen(reason);
    this.#iteration.end(reason);
    this.#resolveClosed(reason);
  }

  /** Its channel has ended, or is ending. What was not handed out is in its queue again, or its program has closed
   * the connection; with `noAck` it would be lost. */
  #dropUnseen(reason: Error | undefined): void {
    this.#held.interrupt();
    if (this.#options.noAck && reason !== undefined) return;
    this.#held.clear();
    this.#iteration.forget();
  }

  // ---- messages

  #take(delivery: Delivery): void {
    const handling = this.#handling;
    if (handling === undefined) return this.#iteration.take(delivery);
    if (this.#closing === undefined && handling.hasRoom) handling.handle(delivery);
    else this.#held.push(delivery);
    this.#held.expect(handling.hasRoom);
  }

  #nextToHandle(): Delivery | undefined {
    if (this.#closing !== undefined) return undefined;
    const delivery = this.#held.shift();
    if (delivery === undefined) this.#held.expect(true);
    return delivery;
  }

  #handle(handler: MessageHandler<Body>, message: Message<Body>): ReturnType<MessageHandler<Body>> {
    if (this.#tracing === undefined) return handler(message);
    return this.#tracing.process(message.delivery, this.#options.queue, () => handler(message));
  }

  #handedOut(delivery: Delivery): void {
    this.#tracing?.received(delivery, this.#options.queue);
  }

  /** Undefined when the body could not be decoded: then the message is settled as one that failed. */
  async #decode(delivery: Delivery): Promise<Message<Body> | undefined> {
    try {
      const body = await this.#codecs.decode(delivery.body, delivery.properties);
      return new Message(body as Body, delivery);
    } catch (error) {
      await this.#settlement.fail(error, new Message(delivery.body as Body, delivery));
      return undefined;
    }
  }
}
