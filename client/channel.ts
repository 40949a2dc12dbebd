import { normaliseTable } from "../broker/amqp/field_table.ts";
import type { FieldTable } from "../broker/amqp/field_value.ts";
import type { Content } from "../broker/amqp/content.ts";
import {
  basicConsume,
  type BasicConsumeOk,
  basicGet,
  type BasicGetEmpty,
  type BasicGetOk,
  basicQos,
  basicRecover,
} from "../broker/amqp/methods/basic.ts";
import { channelFlow } from "../broker/amqp/methods/channel.ts";
import { confirmSelect } from "../broker/amqp/methods/confirm.ts";
import {
  exchangeBind,
  exchangeDeclare,
  exchangeDelete,
  exchangeUnbind,
} from "../broker/amqp/methods/exchange.ts";
import {
  queueBind,
  queueDeclare,
  queueDelete,
  queuePurge,
  queueUnbind,
} from "../broker/amqp/methods/queue.ts";
import type { Method } from "../broker/amqp/methods/mod.ts";
import { txCommit, txRollback, txSelect } from "../broker/amqp/methods/tx.ts";
import { abortable, type CallOptions, checkCall } from "./abortable.ts";
import { CallbackConsumer, type DeliveryCallback } from "./callback_consumer.ts";
import type { ChannelCore } from "./channel_core.ts";
import {
  ACK_NAMES,
  type AckOptions,
  checkPublishOptions,
  CONSUME_NAMES,
  type ConsumeOptions,
  type DeclaredQueue,
  type DiscardedMessages,
  EXCHANGE_BIND_NAMES,
  EXCHANGE_DECLARE_NAMES,
  EXCHANGE_DELETE_NAMES,
  type ExchangeBindOptions,
  type ExchangeDeclareOptions,
  type ExchangeDeleteOptions,
  FLOW_NAMES,
  type FlowOptions,
  GET_NAMES,
  type GetOptions,
  NACK_NAMES,
  type NackOptions,
  type PublishOptions,
  QOS_NAMES,
  type QosOptions,
  QUEUE_BIND_NAMES,
  QUEUE_DECLARE_NAMES,
  QUEUE_DELETE_NAMES,
  type QueueBindOptions,
  type QueueDeclareOptions,
  type QueueDeleteOptions,
  RECOVER_NAMES,
  REJECT_NAMES,
  type RejectOptions,
} from "./channel_options.ts";
import type { ReturnCallback } from "./channel_publishing.ts";
import { Consumer, IterableConsumer } from "./consumer.ts";
import type { ConsumerCore } from "./consumer_core.ts";
import { Delivery } from "./delivery.ts";
import { checkFunction, checkInteger, checkOptions, checkShortString } from "./fields.ts";
import { IteratorConsumer } from "./iterator_consumer.ts";
import type { MethodName, MethodNamed } from "./pending_replies.ts";
import type { ChannelRecord } from "./recovery/channel_record.ts";

/**
 * A channel: one conversation with the broker. `Connection.openChannel` makes it.
 *
 * It speaks the specification's words, one method here for each method there. Those with a reply
 * return a promise of it; calls may be made without waiting for one another, the broker handles them
 * in order.
 *
 * A call that the broker refuses closes the channel: the call rejects with an {@linkcode AmqpError}
 * that has the reply code, class and method, and so does everything else that was pending. Every
 * later call throws one that says what to do, with that error as its `cause`. The connection and its
 * other channels go on.
 *
 * When the connection is lost and made anew, the channel goes on with it: its prefetch, confirm mode,
 * consumers and what was declared over it are as they were. What was under way is not: calls that
 * waited for an answer, and messages that waited for their confirm, reject with a
 * {@linkcode ConnectionLostError}, as do calls that are made meanwhile, and a transaction that was not
 * committed is forgotten. `Connection.publisher` and `Connection.consumer` see to that too.
 *
 * A callback of yours that throws, or whose promise rejects, ends in the connection's `onError`. When
 * that is not set, the channel is closed with the error as its reason, which puts the message back
 * in its queue.
 *
 * @example Publish and get
 * ```ts
 * import { AmqpError, Broker } from "@warren/amqp";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using connection = await broker.connect();
 * const channel = await connection.openChannel();
 *
 * await channel.exchangeDeclare("logs", "topic");
 * const { queue } = await channel.queueDeclare("errors", { exclusive: true });
 * await channel.queueBind({ queue, exchange: "logs", routingKey: "*.error" });
 * await channel.basicPublish({ exchange: "logs", routingKey: "disk.error" }, "disk is full");
 * assertEquals((await channel.basicGet("errors"))?.text(), "disk is full");
 *
 * await assertRejects(() => channel.queueDeclare("nowhere", { passive: true }), AmqpError);
 * const reason = await channel.closed;
 * assertEquals(reason?.message, "NOT_FOUND - no queue 'nowhere' in vhost '/'");
 * ```
 */
export class Channel implements AsyncDisposable {
  #core: ChannelCore;
  /** What another connection must be told again; undefined when there will be none. */
  readonly #record: ChannelRecord | undefined;

  /** @ignore */
  constructor(core: ChannelCore, record?: ChannelRecord) {
    this.#core = core;
    this.#record = record;
    if (record !== undefined) record.onCore = (next) => this.#core = next;
  }

  /** The channel's number on its connection. */
  get number(): number {
    return this.#core.number;
  }

  /**
   * Resolves when the channel is closed: with the reason, or with undefined when this program closed
   * it or its connection. Never rejects.
   */
  get closed(): Promise<Error | undefined> {
    return this.#record?.closed ?? this.#core.closed;
  }

  /** Takes messages that were published as mandatory and reached no queue. It is called before the
   * publisher confirm of such a message. Undefined, as at first, discards them. */
  get onReturn(): ReturnCallback | undefined {
    return this.#core.publishing.onReturn;
  }
  set onReturn(callback: ReturnCallback | undefined) {
    if (callback !== undefined) checkFunction(callback, "onReturn", "take returns");
    this.#core.publishing.onReturn = callback;
  }

  // ---- exchanges

  /**
   * Declares an exchange, or checks that it exists as described.
   *
   * Declaring twice with the same type and options is harmless. With others the channel is closed:
   * an existing exchange is never changed by a declaration.
   *
   * @param exchange Name of the exchange.
   * @param type `direct`, `fanout`, `topic`, `headers`, or another that the broker knows.
   * @param options Flags and arguments; all default to off.
   * @throws {AmqpError} 406 when it exists with another type or options, 404 when `passive` and it
   * does not exist, 403 when the name is reserved or the user may not configure it.
   *
   * @example A durable topic exchange
   * ```ts
   * import { Broker } from "@warren/amqp";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * const channel = await connection.openChannel();
   * await channel.exchangeDeclare("events", "topic", { durable: true });
   * await channel.exchangeDeclare("events", "topic", { passive: true });
   * ```
   */
  async exchangeDeclare(
    exchange: string,
    type: string,
    options: ExchangeDeclareOptions = {},
  ): Promise<void> {
    checkOptions(options, EXCHANGE_DECLARE_NAMES, "declare exchange");
    const { passive = false, durable = false, autoDelete = false, internal = false } = options;
    const method = exchangeDeclare({
      exchange: checkShortString(exchange, "exchange"),
      type: checkShortString(type, "type"),
      passive,
      durable,
      autoDelete,
      internal,
      arguments: checkTable(options.arguments),
    });
    await this.#ask(method, ["exchange.declare-ok"], options, () => {
      this.#record?.topology.exchangeDeclared(method);
    });
  }

  /**
   * Deletes an exchange and its bindings. Deleting one that does not exist is harmless.
   *
   * @param exchange Name of the exchange.
   * @param options `ifUnused` refuses with 406 when something is bound to it.
   * @throws {AmqpError} 406 as above, 403 when the user may not.
   */
  async exchangeDelete(exchange: string, options: ExchangeDeleteOptions = {}): Promise<void> {
    checkOptions(options, EXCHANGE_DELETE_NAMES, "delete exchange");
    const method = exchangeDelete({
      exchange: checkShortString(exchange, "exchange"),
      ifUnused: options.ifUnused ?? false,
    });
    await this.#ask(method, ["exchange.delete-ok"], options, () => {
      this.#record?.topology.exchangeDeleted(method.exchange);
    });
  }

  /**
   * Binds an exchange to another one: what the source routes by this key goes to the destination.
   *
   * @param options Both exchanges, the binding key (default `""`) and arguments.
   * @throws {AmqpError} 404 when one of them does not exist, 403 when the user may not.
   */
  async exchangeBind(options: ExchangeBindOptions): Promise<void> {
    const method = exchangeBind(exchangeBinding(options, "bind exchange"));
    await this.#ask(method, ["exchange.bind-ok"], options, () => {
      this.#record?.topology.exchangeBound(method);
    });
  }

  /**
   * Takes a binding between exchanges away. Taking away what is not there is harmless.
   *
   * @param options What it was bound with, arguments included.
   * @throws {AmqpError} 403 when the user may not.
   */
  async exchangeUnbind(options: ExchangeBindOptions): Promise<void> {
    const method = exchangeUnbind(exchangeBinding(options, "unbind exchange"));
    await this.#ask(method, ["exchange.unbind-ok"], options, () => {
      this.#record?.topology.exchangeUnbound(method);
    });
  }

  // ---- queues

  /**
   * Declares a queue, or checks that it exists as described.
   *
   * Declaring twice with the same options is harmless. With other options the channel is closed: an
   * existing queue is never changed by a declaration.
   *
   * A queue that is `durable` survives a restart of the broker; its messages survive only if they
   * were published as persistent.
   *
   * @param queue Queue name, or `""` to let the broker choose one.
   * @param options Flags and arguments; all default to off.
   * @returns The queue's name and how many messages and consumers it has.
   * @throws {AmqpError} 406 when the queue exists with other options, 405 when it is exclusive to
   * another connection, 404 when `passive` and it does not exist, 403 when the user may not configure
   * it.
   *
   * @example A work queue
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * const channel = await connection.openChannel();
   *
   * const { messageCount } = await channel.queueDeclare("jobs", { durable: true });
   * assertEquals(messageCount, 0);
   * ```
   */
  async queueDeclare(queue = "", options: QueueDeclareOptions = {}): Promise<DeclaredQueue> {
    checkOptions(options, QUEUE_DECLARE_NAMES, "declare queue");
    const { passive = false, durable = false, exclusive = false, autoDelete = false } = options;
    const method = queueDeclare({
      queue: queue === "" ? "" : this.#queue(queue),
      passive,
      durable,
      exclusive,
      autoDelete,
      arguments: checkTable(options.arguments),
    });
    const held = this.#whenFree(method.queue, options);
    if (held !== undefined) await held;
    const last = { name: "" };
    const asked = this.#ask(method, ["queue.declare-ok"], options, (reply) => {
      last.name = reply.queue;
      this.#record?.queueDeclared(method, reply.queue);
    });
    // not after the answer: "" stands for it in what is asked for next
    if (this.#core.isOpen && !options.signal?.aborted) this.#record?.declaring(last);
    const { queue: name, messageCount, consumerCount } = await asked;
    return { queue: name, messageCount, consumerCount };
  }

  /**
   * Binds a queue to an exchange. Binding twice is harmless.
   *
   * @param options Queue, exchange, binding key (default `""`) and arguments.
   * @throws {AmqpError} 404 when queue or exchange does not exist, 405 when the queue is exclusive to
   * another connection, 403 when the user may not.
   *
   * @example Each subscriber has a queue of its own
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * const channel = await connection.openChannel();
   *
   * const { queue } = await channel.queueDeclare("", { exclusive: true });
   * await channel.queueBind({ queue, exchange: "amq.fanout" });
   * await channel.basicPublish({ exchange: "amq.fanout" }, "to all");
   * assertEquals((await channel.basicGet(queue))?.text(), "to all");
   * ```
   */
  async queueBind(options: QueueBindOptions): Promise<void> {
    const method = queueBind(this.#queueBinding(options, "bind queue"));
    const held = this.#whenFree(method.queue, options);
    if (held !== undefined) await held;
    await this.#ask(method, ["queue.bind-ok"], options, () => this.#record?.queueBound(method));
  }

  /**
   * Takes a queue's binding away. Taking away what is not there is harmless.
   *
   * @param options What it was bound with, arguments included.
   * @throws {AmqpError} 405 when the queue is exclusive to another connection, 403 when the user may
   * not.
   */
  async queueUnbind(options: QueueBindOptions): Promise<void> {
    const method = queueUnbind(this.#queueBinding(options, "unbind queue"));
    const held = this.#whenFree(method.queue, options);
    if (held !== undefined) await held;
    await this.#ask(method, ["queue.unbind-ok"], options, () => this.#record?.queueUnbound(method));
  }

  /**
   * Discards the messages that are ready in a queue; those that are unacked stay.
   *
   * @param queue Name of the queue; `""` for the one that this channel declared last.
   * @param options Signal.
   * @returns How many messages were discarded.
   * @throws {AmqpError} 404 when it does not exist, 405 when it is exclusive to another connection,
   * 403 when the user may not.
   */
  async queuePurge(queue: string, options: CallOptions = {}): Promise<DiscardedMessages> {
    checkCall(options, "purge queue");
    const method = queuePurge({ queue: this.#queue(queue) });
    const held = this.#whenFree(method.queue, options);
    if (held !== undefined) await held;
    const { messageCount } = await this.#ask(method, ["queue.purge-ok"], options);
    return { messageCount };
  }

  /**
   * Deletes a queue with its messages and bindings, and cancels its consumers. Deleting one that does
   * not exist is harmless.
   *
   * @param queue Name of the queue; `""` for the one that this channel declared last.
   * @param options `ifUnused` and `ifEmpty` refuse with 406.
   * @returns How many ready messages went with it.
   * @throws {AmqpError} 406 as above, 405 when it is exclusive to another connection, 403 when the
   * user may not.
   */
  async queueDelete(queue: string, options: QueueDeleteOptions = {}): Promise<DiscardedMessages> {
    checkOptions(options, QUEUE_DELETE_NAMES, "delete queue");
    const { ifUnused = false, ifEmpty = false } = options;
    const method = queueDelete({ queue: this.#queue(queue), ifUnused, ifEmpty });
    const held = this.#whenFree(method.queue, options);
    if (held !== undefined) await held;
    const { messageCount } = await this.#ask(method, ["queue.delete-ok"], options, () => {
      this.#record?.queueDeleted(method.queue);
    });
    return { messageCount };
  }

  // ---- publishing

  /**
   * Publishes a message.
   *
   * The message has been taken when this returns, and nothing waits for the broker, so it returns
   * undefined. It returns a promise only
   *
   * - when the publisher should wait before the next message, because the way to the broker is full,
   *   or the broker has blocked its publishers or asked for a pause: it resolves when it may go on; in
   *   one process also once in a while, so that timers and sockets have their turn;
   * - after {@linkcode Channel.confirmSelect}: it resolves when the broker confirms the message, and
   *   rejects when it nacks it, or when the channel closes before.
   *
   * `await` is right in all cases. Whoever ignores the promise loses nothing but the news: it never
   * becomes an unhandled rejection.
   *
   * A message that no queue takes is dropped, unless it is `mandatory`: then it comes back to
   * {@linkcode Channel.onReturn}. Publishing to an exchange that does not exist closes the channel a
   * little later.
   *
   * @param options Exchange, routing key, flags and properties.
   * @param body Bytes, or a text that is sent as UTF-8.
   * @returns A promise when there is something to wait for.
   * @throws {AmqpError} At once, when the channel was closed by the broker: its reason.
   * @throws {TypeError} At once, when the channel was closed by this program, or something cannot be
   * encoded; nothing is sent then.
   * @throws {PublishNackedError} As a rejection, when the broker nacks the message.
   *
   * @example A persistent message, confirmed
   * ```ts
   * import { Broker } from "@warren/amqp";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * const channel = await connection.openChannel();
   * await channel.queueDeclare("jobs", { durable: true });
   *
   * await channel.confirmSelect();
   * await channel.basicPublish(
   *   { routingKey: "jobs", properties: { deliveryMode: 2, contentType: "application/json" } },
   *   JSON.stringify({ job: 1 }),
   * );
   * ```
   */
  basicPublish(options: PublishOptions, body: Uint8Array | string): Promise<void> | undefined {
    if (typeof options !== "object" || options === null) checkPublishOptions(options);
    const { mandatory = false, immediate = false, properties, transfer = false, signal } = options;
    const { exchange = "" } = options;
    let { routingKey = "" } = options;
    const core = this.#core;
    const looksAt = core.publishing.looksAt(exchange, routingKey);
    if (looksAt) checkPublishOptions(options);
    core.assertOpen("publish");
    if (signal?.aborted) throw signal.reason;
    const { outgoing, tracing } = core.connection;
    const traced = tracing?.send(exchange, routingKey, properties, body);
    const content = outgoing.take(body, transfer);
    if (exchange === "" && this.#record !== undefined) {
      routingKey = this.#record.topology.nameOf(routingKey);
    }
    const { publishing } = core;
    const wait = traced === undefined
      ? publishing.publish(exchange, routingKey, mandatory, immediate, properties, content)
      : traced.whole(() =>
        publishing.publish(exchange, routingKey, mandatory, immediate, traced.properties, content)
      );
    if (wait === undefined) return looksAt ? publishing.pause() : undefined;
    if (signal === undefined) return wait;
    const bounded = abortable(wait, signal);
    bounded.catch(() => {}); // who ignores it loses nothing but the news
    return bounded;
  }

  /**
   * Asks the broker to confirm each message that is published on this channel from now on. See
   * {@linkcode Channel.basicPublish}.
   *
   * @param options Signal.
   * @throws {AmqpError} 406 when the channel is transactional.
   */
  async confirmSelect(options: CallOptions = {}): Promise<void> {
    checkCall(options, "select confirms");
    this.#core.assertOpen("select confirms");
    options.signal?.throwIfAborted();
    // the broker counts from here on, not from its answer
    this.#core.publishing.startConfirms();
    await this.#ask(
      confirmSelect(),
      ["confirm.select-ok"],
      options,
      () => this.#record?.confirms(),
    );
  }

  /**
   * Waits until all that was published on this channel so far is confirmed.
   *
   * @param options Signal.
   * @throws {PublishNackedError} When the broker nacked one of these messages, or one that was
   * published since this was called before.
   * @throws {AmqpError} When the broker closes the channel first.
   * @throws {TypeError} When the channel is not in confirm mode.
   *
   * @example Many messages, one wait
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * const channel = await connection.openChannel();
   * const { queue } = await channel.queueDeclare();
   *
   * await channel.confirmSelect();
   * for (let count = 0; count < 100; count++) channel.basicPublish({ routingKey: queue }, "work");
   * await channel.waitForConfirms();
   * assertEquals((await channel.queueDeclare(queue, { passive: true })).messageCount, 100);
   * ```
   */
  async waitForConfirms(options: CallOptions = {}): Promise<void> {
    checkCall(options, "wait for confirms");
    this.#core.assertOpen("wait for confirms");
    const { confirms } = this.#core.publishing;
    if (confirms === undefined) {
      throw new TypeError("Cannot wait for confirms: call confirmSelect before publishing");
    }
    await abortable(confirms.whenSettled(), options.signal);
  }

  // ---- consuming

  /**
   * Limits how many deliveries may be unacked at once.
   *
   * @param options `prefetchCount`, and `global` to count all consumers of the channel together.
   * @throws {AmqpError} 540 for a `prefetchSize`.
   * @throws {RangeError} When the count does not fit 16 bits.
   */
  async basicQos(options: QosOptions): Promise<void> {
    checkOptions(options, QOS_NAMES, "limit deliveries");
    const method = basicQos({
      prefetchSize: checkInteger(options.prefetchSize ?? 0, 0xffff_ffff, "prefetchSize"),
      prefetchCount: checkInteger(options.prefetchCount, 0xffff, "prefetchCount"),
      global: options.global ?? false,
    });
    const asked = this.#ask(method, ["basic.qos-ok"], options);
    // not after the answer: what is asked for next is sent after this
    if (this.#core.isOpen && !options.signal?.aborted) this.#record?.qos(method);
    await asked;
  }

  /**
   * Starts a consumer. With a callback, it is called for each delivery; without one, the consumer is
   * iterated over.
   *
   * The callback is not awaited: to handle one message after the other, set a prefetch of 1, or
   * iterate.
   *
   * @param queue Name of the queue; `""` for the one that this channel declared last.
   * @param options Tag, flags and arguments.
   * @param onDelivery Takes each delivery.
   * @returns The consumer.
   * @throws {AmqpError} 404 when the queue does not exist, 405 when it is exclusive to another
   * connection, 403 when it has an exclusive consumer or the user may not read it, 530 (which closes
   * the connection) when the tag is in use on this channel.
   *
   * @example A worker
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * const channel = await connection.openChannel();
   * const { queue } = await channel.queueDeclare();
   * await channel.basicPublish({ routingKey: queue }, "1");
   * await channel.basicPublish({ routingKey: queue }, "2");
   *
   * await channel.basicQos({ prefetchCount: 1 });
   * let sum = 0;
   * for await (const delivery of await channel.basicConsume(queue)) {
   *   sum += Number(delivery.text());
   *   delivery.ack();
   *   if (delivery.text() === "2") break;
   * }
   * assertEquals(sum, 3);
   * ```
   */
  basicConsume(
    queue: string,
    options: ConsumeOptions | undefined,
    onDelivery: DeliveryCallback,
  ): Promise<Consumer>;
  /** Starts a consumer to iterate over. */
  basicConsume(queue: string, options?: ConsumeOptions): Promise<IterableConsumer>;
  async basicConsume(
    queue: string,
    options: ConsumeOptions = {},
    onDelivery?: DeliveryCallback,
  ): Promise<Consumer> {
    checkOptions(options, CONSUME_NAMES, "consume");
    const { noAck = false, exclusive = false, noLocal = false, onCancel } = options;
    if (onDelivery !== undefined) checkFunction(onDelivery, "callback", "consume");
    if (onCancel !== undefined) checkFunction(onCancel, "onCancel", "consume");
    const record = this.#record;
    const method = basicConsume({
      queue: this.#queue(queue),
      consumerTag: checkShortString(options.consumerTag ?? "", "consumerTag"),
      noLocal,
      noAck,
      exclusive,
      arguments: checkTable(options.arguments),
    });
    const held = this.#whenFree(method.queue, options);
    if (held !== undefined) await held;
    const channel = this.#core;
    const prefetch = record?.prefetch;
    // a broker may answer after what was asked later, such as for another declaration
    const last = record?.last;
    const named = () =>
      this.#named(method.queue === "" && last !== undefined ? last.name : method.queue);
    const add = (consumer: ConsumerCore) => {
      channel.consumers.add(consumer);
      if (record === undefined) return;
      record.consumerStarted(consumer, { ...method, queue: named() }, prefetch);
      consumer.onEnd = () => record.consumerEnded(consumer);
    };
    const take = ({ consumerTag }: BasicConsumeOk) => {
      // here, not after the await: the first delivery may follow in the same turn
      const parts = { channel, consumerTag, noAck, onCancel, queue: named() };
      if (onDelivery === undefined) {
        const iterator = new IteratorConsumer(parts);
        add(iterator);
        return new IterableConsumer(iterator);
      }
      const callback = new CallbackConsumer(parts, onDelivery);
      add(callback);
      return new Consumer(callback);
    };
    const late = (consumer: Consumer) => void consumer[Symbol.asyncDispose]().catch(() => {});
    return await channel.ask(method, ["basic.consume-ok"], take, options.signal, late);
  }

  /**
   * Cancels a consumer: nothing more is delivered to it once this has resolved. What was delivered
   * before stays unacked until it is settled. Cancelling an unknown one is harmless.
   *
   * @param consumerTag Tag of the consumer.
   * @param options Signal.
   */
  async basicCancel(consumerTag: string, options: CallOptions = {}): Promise<void> {
    checkCall(options, "cancel consumer");
    await this.#core.cancel(checkShortString(consumerTag, "consumerTag"), options.signal);
  }

  /**
   * Takes one message from a queue.
   *
   * @param queue Name of the queue; `""` for the one that this channel declared last.
   * @param options `noAck` when the message is settled by being sent.
   * @returns The message, or undefined when none is ready.
   * @throws {AmqpError} 404 when the queue does not exist, 405 when it is exclusive to another
   * connection, 403 when the user may not read it.
   */
  async basicGet(queue: string, options: GetOptions = {}): Promise<Delivery | undefined> {
    checkOptions(options, GET_NAMES, "get");
    const { noAck = false } = options;
    const method = basicGet({ queue: this.#queue(queue), noAck });
    const held = this.#whenFree(method.queue, options);
    if (held !== undefined) await held;
    const core = this.#core;
    const take = (reply: BasicGetOk | BasicGetEmpty, content: Content | undefined) => {
      if (reply.name === "basic.get-empty") return undefined;
      const { redelivered, messageCount } = reply;
      const { page, tracing } = core.connection;
      page.keep(content!);
      const delivery = new Delivery(
        noAck ? undefined : core,
        "",
        core.userTag(reply.deliveryTag),
        redelivered,
        messageCount,
        content!,
        page,
      );
      tracing?.received(delivery, this.#named(method.queue));
      return delivery;
    };
    const late = (delivery: Delivery | undefined) => {
      if (delivery?.settled === false && core.isOpen) delivery.nack();
    };
    return await core.ask(
      method,
      ["basic.get-ok", "basic.get-empty"],
      take,
      options.signal,
      late,
    );
  }

  /**
   * Acks a delivery by its tag; {@linkcode Delivery.ack} is the same for whoever has the delivery.
   *
   * @param deliveryTag Tag of the delivery; 0 with `multiple` for all that the broker has sent, those
   * included that are on their way to you: the latest one that you have seen leaves those out.
   * @param options `multiple` to ack all earlier ones as well.
   * @throws {Error} When the channel is closed. An unknown tag closes it a little later, with 406.
   */
  basicAck(deliveryTag: number, options?: AckOptions): void {
    if (options !== undefined) checkOptions(options, ACK_NAMES, "ack");
    this.#core.assertOpen("ack");
    this.#core.ack(checkDeliveryTag(deliveryTag), options?.multiple ?? false);
  }

  /**
   * Nacks a delivery by its tag; {@linkcode Delivery.nack} is the same for whoever has the delivery.
   *
   * @param deliveryTag Tag of the delivery; 0 with `multiple` for all that the broker has sent, those
   * included that are on their way to you.
   * @param options `requeue` (default true), and `multiple` to nack all earlier ones as well.
   * @throws {Error} When the channel is closed. An unknown tag closes it a little later, with 406.
   */
  basicNack(deliveryTag: number, options: NackOptions = {}): void {
    checkOptions(options, NACK_NAMES, "nack");
    const { multiple = false, requeue = true } = options;
    this.#core.assertOpen("nack");
    this.#core.nack(checkDeliveryTag(deliveryTag), multiple, requeue);
  }

  /**
   * Rejects a delivery by its tag; {@linkcode Delivery.reject} is the same for whoever has the
   * delivery.
   *
   * @param deliveryTag Tag of the delivery.
   * @param options `requeue` (default true).
   * @throws {Error} When the channel is closed. An unknown tag closes it a little later, with 406.
   */
  basicReject(deliveryTag: number, options: RejectOptions = {}): void {
    checkOptions(options, REJECT_NAMES, "reject");
    this.#core.assertOpen("reject");
    this.#core.reject(checkDeliveryTag(deliveryTag), options.requeue ?? true);
  }

  /**
   * Requeues all that is unacked on this channel. What loops have not looked at by then comes again.
   *
   * @param options `requeue` false, redelivery to the same consumers, is refused by RabbitMQ.
   * @throws {AmqpError} 540 as above, which closes the connection.
   */
  async basicRecover(options: RejectOptions & CallOptions = {}): Promise<void> {
    checkOptions(options, RECOVER_NAMES, "recover");
    const { requeue = true } = options;
    await this.#ask(basicRecover({ requeue }), ["basic.recover-ok"], options, () => {
      this.#core.consumers.requeued();
    });
  }

  // ---- transactions and flow

  /**
   * Makes the channel transactional: publishes and acks are held until `txCommit`.
   *
   * @param options Signal.
   * @throws {AmqpError} 406 when the channel is in confirm mode.
   */
  async txSelect(options: CallOptions = {}): Promise<void> {
    checkCall(options, "select transactions");
    const asked = this.#ask(
      txSelect(),
      ["tx.select-ok"],
      options,
      () => this.#record?.transactional(),
    );
    if (this.#core.isOpen && !options.signal?.aborted) this.#core.beginTransactions();
    await asked;
  }

  /**
   * Applies what was published and acked since the last commit or rollback.
   *
   * @param options Signal.
   * @throws {AmqpError} 406 when the channel is not transactional.
   */
  async txCommit(options: CallOptions = {}): Promise<void> {
    checkCall(options, "commit");
    const asked = this.#ask(txCommit(), ["tx.commit-ok"], options);
    if (this.#core.isOpen && !options.signal?.aborted) this.#core.committed();
    await asked;
  }

  /**
   * Forgets what was published and acked since the last commit or rollback. Deliveries that were settled in
   * between are unsettled again, and nobody gets them anew: settle them once more, here or after
   * `basicRecover`.
   *
   * @param options Signal.
   * @throws {AmqpError} 406 when the channel is not transactional.
   */
  async txRollback(options: CallOptions = {}): Promise<void> {
    checkCall(options, "roll back");
    const asked = this.#ask(txRollback(), ["tx.rollback-ok"], options);
    if (this.#core.isOpen && !options.signal?.aborted) this.#core.rolledBack();
    await asked;
  }

  /**
   * Asks the broker to pause or go on delivering.
   *
   * @param options `active` false to pause, which RabbitMQ refuses.
   * @throws {AmqpError} 540 as above, which closes the connection.
   */
  async channelFlow(options: FlowOptions): Promise<void> {
    checkOptions(options, FLOW_NAMES, "control flow");
    await this.#ask(channelFlow({ active: options.active }), ["channel.flow-ok"], options);
  }

  // ---- ending

  /**
   * Closes the channel. Its consumers get nothing more, and what is unacked goes back to its queues.
   * Closing a channel that is closed does nothing, however it came to that.
   *
   * @param options Signal, which gives up waiting for the broker's answer.
   */
  async close(options: CallOptions = {}): Promise<void> {
    checkCall(options, "close channel");
    await abortable(this.#core.close(), options.signal);
  }

  /** Closes the channel. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @param done Remembers what the broker has done, mostly for the next connection: in the order in which it
   * did that, and also when nobody waits for the answer any more. */
  #ask<Name extends MethodName>(
    method: Method,
    expected: readonly Name[],
    options: CallOptions,
    done?: (reply: MethodNamed<Name>) => void,
  ): Promise<MethodNamed<Name>> {
    const take = done === undefined ? undefined : (reply: MethodNamed<Name>) => {
      done(reply);
      return reply;
    };
    return this.#core.ask(method, expected, take, options.signal);
  }

  /** Waits for a queue that the broker still holds for the former connection: what is asked about it before
   * closes the channel. Undefined, as mostly, when there is nothing to wait for. */
  #whenFree(queue: string, { signal }: CallOptions): Promise<void> | undefined {
    const held = this.#record?.topology.whenFree(queue);
    return held === undefined ? undefined : abortable(held, signal);
  }

  /** A queue's name as the broker knows it. */
  #queue(queue: string): string {
    const name = checkShortString(queue, "queue");
    return this.#record === undefined ? name : this.#record.queueName(name);
  }

  /** What a queue is called that the broker was asked about and has answered for just now. */
  #named(queue: string): string {
    return this.#record === undefined ? queue : this.#record.named(queue);
  }

  #queueBinding(options: QueueBindOptions, verb: string) {
    checkOptions(options, QUEUE_BIND_NAMES, verb);
    const queue = this.#queue(options.queue);
    const routingKey = checkShortString(options.routingKey ?? "", "routingKey");
    return {
      queue,
      exchange: checkShortString(options.exchange, "exchange"),
      // without either, the last queue's name is the key too
      routingKey: options.queue === "" && routingKey === "" ? queue : routingKey,
      arguments: checkTable(options.arguments),
    };
  }
}

function exchangeBinding(options: ExchangeBindOptions, verb: string) {
  checkOptions(options, EXCHANGE_BIND_NAMES, verb);
  return {
    destination: checkShortString(options.destination, "destination"),
    source: checkShortString(options.source, "source"),
    routingKey: checkShortString(options.routingKey ?? "", "routingKey"),
    arguments: checkTable(options.arguments),
  };
}

/** In process the broker keeps the table, so it must be a copy, and what the wire would give. */
function checkTable(table: FieldTable | undefined): FieldTable {
  return table === undefined ? {} : normaliseTable(table);
}

function checkDeliveryTag(deliveryTag: number): number {
  return checkInteger(deliveryTag, Number.MAX_SAFE_INTEGER, "deliveryTag");
}
