import { basicConsume, basicQos } from "../../broker/amqp/methods/basic.ts";
import { normaliseTable } from "../../broker/amqp/field_table.ts";
import type { ChannelCore } from "../channel_core.ts";
import { CallbackConsumer } from "../consumer_core.ts";
import type { Delivery } from "../delivery.ts";
import { checkShortString } from "../fields.ts";
import { Fifo } from "../fifo.ts";
import { Codecs } from "./codecs.ts";
import {
  type ConsumerOptions,
  type MessageHandler,
  resolveConsumer,
  type ResolvedConsumer,
} from "./consumer_options.ts";
import { type Home, LastingChannel } from "./lasting_channel.ts";
import type { ClientTracing } from "../tracing.ts";
import { Message } from "./message.ts";

/** A consumer that ends on its own tells why, by rejecting whoever waits for the next message. */
interface Waiter<Body> {
  readonly resolve: (result: IteratorResult<Message<Body>, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** What a consumer does on its channel before it consumes, such as declaring its queue. */
export type Prepare = (core: ChannelCore) => Promise<void>;

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
  readonly #tracing: ClientTracing | undefined;
  readonly #handler: MessageHandler<Body> | undefined;
  #lasting!: LastingChannel;
  #consumer: CallbackConsumer | undefined;
  /** Delivered and not handed out. */
  #waiting = new Fifo<Delivery>();
  readonly #waiters = new Fifo<Waiter<Body>>();
  #running = 0;
  #idle: PromiseWithResolvers<void> | undefined;
  #closing: Promise<void> | undefined;
  #ended: { readonly reason: Error | undefined } | undefined;
  readonly #cancelPauses = new Set<() => void>();

  private constructor(
    options: ConsumerOptions<Body>,
    handler: MessageHandler<Body> | undefined,
    codecs: Codecs,
    tracing: ClientTracing | undefined,
  ) {
    this.#tracing = tracing;
    this.#options = resolveConsumer(options);
    this.#codecs = codecs;
    this.#handler = handler;
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
  }

  /** @ignore */
  static async open<Body>(
    home: Home,
    options: ConsumerOptions<Body>,
    handler: MessageHandler<Body> | undefined,
    prepare?: Prepare,
    codecs: Codecs = new Codecs(options.codecs),
  ): Promise<MessageConsumer<Body>> {
    const consumer = new MessageConsumer(options, handler, codecs, home.tracing);
    const { queue, signal } = options;
    consumer.#lasting = await LastingChannel.open(home, {
      what: `consumer of queue ${queue}`,
      setUp: (core) => consumer.#setUp(core, prepare),
      opened() {},
      lost: () => consumer.#lost(),
      ended: (reason) => consumer.#end(reason),
    }, signal);
    if (signal !== undefined) {
      const close = () => void consumer.close();
      signal.addEventListener("abort", close, { once: true });
      consumer.closed.then(() => signal.removeEventListener("abort", close));
    }
    return consumer;
  }

  /** Names the consumer at the broker; undefined while it is not consuming. */
  get consumerTag(): string | undefined {
    return this.#consumer?.consumerTag;
  }

  /** How many messages are being handled. */
  get running(): number {
    return this.#running;
  }

  /** Waits for the next message; for consumers without a handler. */
  async next(): Promise<IteratorResult<Message<Body>, undefined>> {
    if (this.#handler !== undefined) {
      throw new TypeError("Cannot iterate: the consumer has a handler; make one without");
    }
    for (let delivery = this.#waiting.shift(); delivery; delivery = this.#waiting.shift()) {
      const message = await this.#decode(delivery);
      if (message !== undefined) {
        this.#handedOut(delivery);
        return { done: false, value: message };
      }
    }
    if (this.#ended !== undefined) {
      const { reason } = this.#ended;
      this.#ended = { reason: undefined };
      if (reason !== undefined) throw reason;
      return { done: true, value: undefined };
    }
    return await new Promise((resolve, reject) => {
      this.#lasting.core?.connection.intake.expectMore();
      this.#waiters.push({ resolve, reject });
    });
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
   */
  async close(): Promise<void> {
    await (this.#closing ??= this.#close());
  }

  /** Closes the consumer. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    for (const cancel of [...this.#cancelPauses]) cancel();
    try {
      await this.#consumer?.cancel();
    } catch {
      // the channel has ended meanwhile: the consumer is gone all the same
    }
    for (let delivery = this.#waiting.shift(); delivery; delivery = this.#waiting.shift()) {
      this.#settle(delivery, "requeue");
    }
    if (this.#running > 0) {
      this.#idle = Promise.withResolvers();
      await this.#idle.promise;
    }
    await this.#lasting.close();
  }

  // ---- one channel after the other

  async #setUp(core: ChannelCore, prepare: Prepare | undefined): Promise<void> {
    const { queue, consumerTag = "", noAck, exclusive = false, prefetch } = this.#options;
    await prepare?.(core);
    await core.ask(basicQos({ prefetchCount: prefetch }), ["basic.qos-ok"]);
    const method = basicConsume({
      queue,
      consumerTag: checkShortString(consumerTag, "consumerTag"),
      noAck,
      exclusive,
      arguments: normaliseTable(this.#options.arguments ?? {}),
    });
    const onCancel = () => this.#cancelledByBroker(core);
    await core.ask(method, ["basic.consume-ok"], (reply) => {
      const parts = { channel: core, consumerTag: reply.consumerTag, noAck, onCancel };
      this.#consumer = new CallbackConsumer(parts, (delivery) => this.#take(delivery));
      core.addConsumer(this.#consumer);
    });
    for (let left = this.#waiters.length; left > 0; left--) core.connection.intake.expectMore();
  }

  /** Its queue is gone; it may come again. A channel that ends brings the next try. */
  #cancelledByBroker(core: ChannelCore): void {
    const error = new Error(
      `Cannot consume: the broker cancelled the consumer of queue ${this.#options.queue}`,
    );
    core.close(error, "the consumer was cancelled");
  }

  #lost(): void {
    this.#consumer = undefined;
    // what was not handed out will be delivered again
    if (!this.#options.noAck) this.#waiting = new Fifo();
  }

  #end(reason: Error | undefined): void {
    this.#ended = { reason };
    for (let waiter = this.#waiters.shift(); waiter; waiter = this.#waiters.shift()) {
      if (reason === undefined) waiter.resolve({ done: true, value: undefined });
      else waiter.reject(reason);
    }
    this.#resolveClosed(reason);
  }

  // ---- messages

  #take(delivery: Delivery): void {
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      this.#lasting.core?.connection.intake.expectLess();
      this.#give(delivery, waiter);
    } else {
      this.#waiting.push(delivery);
      this.#work();
    }
  }

  async #give(delivery: Delivery, waiter: Waiter<Body>): Promise<void> {
    const value = await this.#decode(delivery);
    if (value !== undefined) {
      this.#handedOut(delivery);
      return waiter.resolve({ done: false, value });
    }
    this.next().then(waiter.resolve, waiter.reject);
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
      await this.#fail(error, new Message(delivery.body as Body, delivery));
      return undefined;
    }
  }

  /** Hands out what may be handled now. */
  #work(): void {
    if (this.#handler === undefined || this.#closing !== undefined) return;
    while (this.#running < this.#options.concurrency && this.#waiting.length > 0) {
      this.#running++;
      this.#handle(this.#waiting.shift()!);
    }
  }

  async #handle(delivery: Delivery): Promise<void> {
    let message = new Message(delivery.body as Body, delivery);
    try {
      const decoded = this.#codecs.decode(delivery.body, delivery.properties);
      const body = decoded instanceof Promise ? await decoded : decoded;
      message = new Message(body as Body, delivery);
      const handled = this.#tracing === undefined
        ? this.#handler!(message)
        : this.#tracing.process(delivery, this.#options.queue, () => this.#handler!(message));
      if (isThenable(handled)) await handled;
      this.#settle(delivery, "ack");
    } catch (error) {
      await this.#fail(error, message);
    }
    this.#running--;
    this.#work();
    if (this.#running === 0) this.#idle?.resolve();
  }

  async #fail(error: unknown, message: Message<Body>): Promise<void> {
    const { onFailure, requeueDelayMs } = this.#options;
    let failure = onFailure;
    try {
      if (typeof failure === "function") failure = failure(error, message);
    } catch {
      failure = "requeue";
    }
    if (failure !== "reject" && failure !== "ack") {
      if (message.redelivered && !message.settled && requeueDelayMs > 0) {
        await this.#pause(requeueDelayMs);
      }
      failure = "requeue";
    }
    this.#settle(message.delivery, failure as "requeue" | "reject" | "ack");
  }

  /** A channel that has ended has settled everything itself. */
  #settle(delivery: Delivery, how: "requeue" | "reject" | "ack"): void {
    if (delivery.settled) return;
    try {
      if (how === "ack") delivery.ack();
      else delivery.reject({ requeue: how === "requeue" });
    } catch {
      // the message is in its queue again
    }
  }

  async #pause(ms: number): Promise<void> {
    if (this.#closing !== undefined) return;
    const over = Promise.withResolvers<void>();
    const cancelTimer = this.#lasting.clock.after(ms, over.resolve);
    this.#cancelPauses.add(over.resolve);
    await over.promise;
    this.#cancelPauses.delete(over.resolve);
    cancelTimer();
  }
}

function isThenable(value: unknown): boolean {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === "function";
}
