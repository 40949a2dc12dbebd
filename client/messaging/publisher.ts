import { AmqpError } from "../../broker/amqp/error.ts";
import { confirmSelect } from "../../broker/amqp/methods/confirm.ts";
import { type BasicProperties, normaliseProperties } from "../../broker/amqp/properties.ts";
import { atEndOfTurn } from "../../broker/amqp/turn.ts";
import { abortable, type CallOptions } from "../abortable.ts";
import type { ChannelCore } from "../channel_core.ts";
import {
  BufferFullError,
  ClosedError,
  ConnectionLostError,
  PublishNackedError,
  reconnecting,
  UnroutableError,
} from "../errors.ts";
import { Fifo } from "../fifo.ts";
import type { ReturnedMessage } from "../received_message.ts";
import { checkShortString } from "../fields.ts";
import { BodyStore } from "./body_store.ts";
import { Codecs, type EncodedBody } from "./codecs.ts";
import { type Home, LastingChannel } from "./lasting_channel.ts";
import { type Keeper, OutgoingMessage } from "./outgoing_message.ts";
import {
  type MessageOptions,
  type PublisherOptions,
  type ResolvedPublisher,
  resolvePublisher,
} from "./publisher_options.ts";

/** A chunk of {@linkcode Publisher.writable}: a body, and where it goes. */
export interface OutgoingChunk extends MessageOptions {
  /** What `publish` takes as its body. */
  readonly body: unknown;
}

/**
 * Publishes messages and sees to it that they arrive; `Connection.publisher` makes it.
 *
 * `publish` resolves when the broker has confirmed the message. Messages that were sent when the
 * connection was lost are published again on the next one, and those that are published meanwhile wait
 * for it, within bounds, so each arrives at least once; {@linkcode PublisherOptions} chooses otherwise.
 * The order of the messages of one publisher is kept, but for those that are published again.
 *
 * When the broker closes the publisher's channel, because an exchange does not exist or may not be
 * written to, another one is opened, and only the message that led to it rejects.
 *
 * @example Publish with confirms
 * ```ts
 * import { Broker } from "@warren/amqp";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using connection = await broker.connect();
 * const channel = await connection.openChannel();
 * await channel.queueDeclare("orders", { durable: true });
 *
 * await using publisher = await connection.publisher({
 *   routingKey: "orders",
 *   mandatory: true,
 *   properties: { deliveryMode: 2 },
 * });
 * await publisher.publish({ id: 1, items: ["carrot"] });
 * const delivery = await channel.basicGet("orders");
 * assertEquals(delivery?.json(), { id: 1, items: ["carrot"] });
 * assertEquals(delivery?.properties.contentType, "application/json");
 *
 * await assertRejects(
 *   () => publisher.publish("lost", { routingKey: "nowhere" }),
 *   Error,
 *   'there is no queue "nowhere"',
 * );
 * ```
 */
export class Publisher implements AsyncDisposable {
  readonly #options: ResolvedPublisher;
  readonly #codecs: Codecs;
  readonly #bodies = new BodyStore();
  readonly #keeper: Keeper = {
    confirmed: (message) => this.#confirmed(message),
    unconfirmed: (message, error) => this.#unconfirmed(message, error),
  };
  #lasting!: LastingChannel;
  /** Sent and not confirmed, in order. */
  readonly #sent = new Set<OutgoingMessage>();
  /** Not sent yet. */
  #waiting = new Fifo<OutgoingMessage>();
  #waitingBytes = 0;
  /** Sent on a channel that is ending, in order. */
  #failing: OutgoingMessage[] = [];
  /** Sent on channels that have ended; to be sent again, one at a time while `#suspects` is above 0. */
  #again: OutgoingMessage[] = [];
  /** How many of the next messages may be what the broker closes channels for. */
  #suspects = 0;
  /** A wait for room is under way. */
  #held = false;
  #pumpScheduled = false;
  /** Bodies that are being compressed. */
  #encoding = 0;
  #flushed: PromiseWithResolvers<void> | undefined;
  #closing: Promise<void> | undefined;
  readonly #idPrefix = crypto.randomUUID().slice(0, 18);
  #lastId = 0;

  private constructor(options: PublisherOptions) {
    this.#options = resolvePublisher(options);
    this.#codecs = new Codecs(options.codecs);
  }

  /** @ignore */
  static async open(home: Home, options: PublisherOptions): Promise<Publisher> {
    const publisher = new Publisher(options);
    const { exchange, routingKey, properties } = publisher.#options;
    checkShortString(exchange, "exchange");
    checkShortString(routingKey, "routingKey");
    normaliseProperties(properties);
    publisher.#lasting = await LastingChannel.open(home, {
      what: `publisher to exchange ${exchange}`,
      setUp: (core) => publisher.#setUp(core),
      opened: () => publisher.#pump(),
      lost: (reason) => publisher.#lost(reason),
      ended: (reason) => publisher.#ended(reason),
    }, options.signal);
    return publisher;
  }

  /** How many messages wait to be sent. */
  get buffered(): number {
    return this.#waiting.length + this.#again.length;
  }

  /** How many messages were sent and are not confirmed. */
  get unconfirmedCount(): number {
    return this.#sent.size;
  }

  /**
   * Publishes a message.
   *
   * @param body Bytes or a text, which are sent as they are; or anything that a codec encodes by the
   * message's `contentType`, JSON without one. A `contentEncoding` of `gzip` or `deflate` compresses it.
   * @param options Where and how.
   * @returns Resolves when the broker has confirmed it. Who ignores the promise loses nothing but the
   * news: it never becomes an unhandled rejection.
   * @throws {TypeError} When something cannot be encoded, or the publisher is closed.
   * @throws {UnroutableError} When it is mandatory and no queue takes it.
   * @throws {PublishNackedError} When the broker nacks it.
   * @throws {BufferFullError} When too many wait already.
   * @throws {ConnectionLostError} When the connection is gone, as far as the publisher's options say.
   * @throws {AmqpError} When the broker refuses it by closing the channel: 404 for a missing exchange.
   */
  publish(body: unknown, options: MessageOptions = {}): Promise<void> {
    try {
      return this.#publish(body, options);
    } catch (error) {
      const refused = Promise.reject(error);
      refused.catch(() => {});
      return refused;
    }
  }

  /** Waits until all that was published so far is settled, whichever way. */
  async flush(options: CallOptions = {}): Promise<void> {
    if (this.#isIdle) return;
    this.#flushed ??= Promise.withResolvers();
    await abortable(this.#flushed.promise, options.signal);
  }

  /**
   * A stream to write messages to: bodies, or objects with `body` and the options of a message. It takes
   * as many as the publisher may have unconfirmed, then makes its writer wait; closing it waits for
   * their confirms. It fails with the first message that does not arrive. The publisher stays open.
   *
   * @example Pipe lines into a queue
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * const channel = await connection.openChannel();
   * await channel.queueDeclare("lines");
   * await using publisher = await connection.publisher({ routingKey: "lines" });
   *
   * await ReadableStream.from(["one", "two"]).pipeTo(publisher.writable());
   * assertEquals((await channel.queueDeclare("lines", { passive: true })).messageCount, 2);
   * ```
   */
  writable(): WritableStream<Uint8Array | string | OutgoingChunk> {
    const open = new Set<Promise<void>>();
    let failed: { readonly error: unknown } | undefined;
    const { maxUnconfirmed } = this.#options;
    return new WritableStream({
      write: async (chunk, controller) => {
        const sent = typeof chunk === "string" || chunk instanceof Uint8Array
          ? this.publish(chunk, { signal: controller.signal })
          : this.publish(chunk.body, { signal: controller.signal, ...chunk });
        open.add(sent);
        sent.then(() => open.delete(sent), (error) => {
          failed ??= { error };
          controller.error(error);
        });
        if (open.size >= maxUnconfirmed || !this.#canSend(this.#lasting.core)) {
          await Promise.race(open);
        }
      },
      close: async () => {
        await Promise.all(open);
        if (failed !== undefined) throw failed.error;
      },
    });
  }

  /**
   * Waits until all is settled, then closes the publisher. While there is no connection it does not wait
   * for one: what was not confirmed rejects.
   */
  async close(): Promise<void> {
    await (this.#closing ??= this.#close());
  }

  /** Closes the publisher. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    if (this.#lasting.core !== undefined) await this.flush();
    await this.#lasting.close();
  }

  // ---- taking messages

  #publish(body: unknown, options: MessageOptions): Promise<void> {
    const { signal } = options;
    signal?.throwIfAborted();
    this.#assertOpen();
    const properties = this.#propertiesOf(options);
    const encoded = this.#codecs.encode(body, properties);
    if (encoded instanceof Promise) {
      this.#encoding++;
      const sent = encoded.finally(() => this.#encoding--)
        .then((whole) => this.#take(whole, properties, options));
      sent.catch(() => {});
      return sent;
    }
    return this.#take(encoded, properties, options);
  }

  #assertOpen(): void {
    if (this.#closing === undefined && !this.#lasting.isClosed) return;
    throw this.#lasting.reason ??
      new TypeError(
        "Cannot publish: publisher is closed; make another with connection.publisher()",
      );
  }

  #propertiesOf({ properties }: MessageOptions): BasicProperties {
    const { properties: common, confirm } = this.#options;
    const whole = properties === undefined ? common : { ...common, ...properties };
    if (whole.messageId !== undefined || !confirm) return whole;
    return { ...whole, messageId: `${this.#idPrefix}-${++this.#lastId}` };
  }

  #take(
    encoded: EncodedBody,
    properties: BasicProperties,
    options: MessageOptions,
  ): Promise<void> {
    const { tracing } = this.#lasting;
    if (tracing === undefined) return this.#accept(encoded, properties, options);
    const { exchange = this.#options.exchange, routingKey = this.#options.routingKey } = options;
    const traced = tracing.send(exchange, routingKey, properties, encoded.body);
    if (traced === undefined) return this.#accept(encoded, properties, options);
    return traced.whole(() => this.#accept(encoded, traced.properties, options));
  }

  #accept(
    { body, contentType }: EncodedBody,
    properties: BasicProperties,
    options: MessageOptions,
  ): Promise<void> {
    const { signal, transfer } = options;
    const { confirm, unconfirmed, whileAway } = this.#options;
    const core = this.#lasting.core;
    if (core === undefined) {
      this.#assertOpen();
      if (whileAway === "reject") throw reconnecting("publish", undefined);
    }
    const sendNow = this.#waiting.length === 0 && this.#canSend(core);
    // what is kept longer than this call must not change when its owner writes to it again
    const keeps = !sendNow || (confirm && unconfirmed === "retry");
    let bytes = body;
    let start = 0;
    if (keeps && transfer !== true && body instanceof Uint8Array) {
      this.#bodies.keep(body);
      ({ bytes, start } = this.#bodies);
    }
    const message = new OutgoingMessage(
      this.#keeper,
      checkShortString(options.exchange ?? this.#options.exchange, "exchange"),
      checkShortString(options.routingKey ?? this.#options.routingKey, "routingKey"),
      options.mandatory ?? this.#options.mandatory,
      contentType === properties.contentType || contentType === undefined
        ? properties
        : { ...properties, contentType },
      bytes,
      start,
      body.length,
    );
    if (sendNow) this.#send(core!, message);
    else this.#hold(message);
    return signal === undefined ? message.promise : this.#abortable(message, signal);
  }

  #hold(message: OutgoingMessage): void {
    const { maxBuffered, maxBufferedBytes } = this.#options;
    if (this.#waiting.length >= maxBuffered) throw new BufferFullError(`${maxBuffered} messages`);
    if (this.#waitingBytes + message.size > maxBufferedBytes) {
      throw new BufferFullError(`${this.#waitingBytes} bytes`);
    }
    normaliseProperties(message.properties); // what cannot be encoded is refused at once
    this.#waiting.push(message);
    this.#waitingBytes += message.size;
    this.#pump();
  }

  #abortable(message: OutgoingMessage, signal: AbortSignal): Promise<void> {
    const sent = abortable(message.promise, signal);
    sent.catch(() => {
      if (signal.aborted) message.abandoned = true;
    });
    return sent;
  }

  // ---- sending them

  #canSend(core: ChannelCore | undefined): core is ChannelCore {
    if (core === undefined || !core.isOpen || !core.hasRoom || this.#again.length > 0) return false;
    return this.#sent.size < (this.#suspects > 0 ? 1 : this.#options.maxUnconfirmed);
  }

  #send(core: ChannelCore, message: OutgoingMessage): void {
    const { outgoing } = core.connection;
    const { exchange, routingKey, mandatory, properties, body, start, size } = message;
    const { confirm } = this.#options;
    if (typeof body === "string") outgoing.setBody(body, false);
    else outgoing.setKeptBody(body, start, start + size);
    if (confirm) {
      message.settled = message.returned = false; // it may have been sent before
      this.#sent.add(message);
      try {
        core.publish(exchange, routingKey, mandatory, false, properties, outgoing, message);
      } catch (error) {
        this.#sent.delete(message);
        throw error;
      }
    } else {
      const room = core.publish(exchange, routingKey, mandatory, false, properties, outgoing);
      if (room === undefined) message.resolve();
      else room.then(() => message.resolve(), (error) => message.reject(error));
    }
  }

  /** Sends what can be sent of what waits. */
  #pump(): void {
    const core = this.#lasting?.core;
    if (core === undefined) return;
    for (;;) {
      if (this.#again.length > 0) {
        if (!core.isOpen || !core.hasRoom) break;
        if (this.#suspects > 0 && this.#sent.size > 0) return;
        const message = this.#again.shift()!;
        if (!message.abandoned) this.#send(core, message);
        else if (this.#suspects > 0) this.#suspects--;
      } else {
        if (this.#waiting.length === 0 || !this.#canSend(core)) break;
        const message = this.#waiting.shift()!;
        this.#waitingBytes -= message.size;
        if (!message.abandoned) this.#send(core, message);
      }
    }
    this.#signalIdle();
    if (this.buffered > 0 && core.isOpen && !core.hasRoom) this.#pumpLater(core);
  }

  async #pumpLater(core: ChannelCore): Promise<void> {
    if (this.#held) return;
    this.#held = true;
    await core.whenRoom();
    this.#held = false;
    this.#pump();
  }

  get #isIdle(): boolean {
    return this.#sent.size + this.buffered + this.#failing.length + this.#encoding === 0;
  }

  #signalIdle(): void {
    if (this.#flushed === undefined || !this.#isIdle) return;
    this.#flushed.resolve();
    this.#flushed = undefined;
  }

  // ---- what becomes of them

  #confirmed(message: OutgoingMessage): void {
    this.#sent.delete(message);
    if (message.returned) message.reject(new UnroutableError(message));
    else message.resolve();
    if (this.#suspects > 0) this.#suspects--;
    this.#more();
  }

  #unconfirmed(message: OutgoingMessage, error: Error): void {
    this.#sent.delete(message);
    if (error instanceof PublishNackedError) {
      message.reject(error);
      if (this.#suspects > 0) this.#suspects--;
      return this.#more();
    }
    this.#failing.push(message);
  }

  /** Room has come; but this is inside a call of the link, from where nothing is sent. */
  #more(): void {
    if (this.buffered === 0) return this.#signalIdle();
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    atEndOfTurn(() => {
      this.#pumpScheduled = false;
      this.#pump();
    });
  }

  #returned({ exchange, routingKey, properties: { messageId } }: ReturnedMessage): void {
    for (const message of this.#sent) {
      if (
        !message.returned && message.mandatory && message.properties.messageId === messageId &&
        message.routingKey === routingKey && message.exchange === exchange
      ) {
        message.returned = true;
        return;
      }
    }
  }

  // ---- one channel after the other

  async #setUp(core: ChannelCore): Promise<void> {
    if (!this.#options.confirm) return;
    core.startConfirms();
    core.onReturn = (message) => this.#returned(message);
    await core.ask(confirmSelect(), ["confirm.select-ok"]);
  }

  #lost(reason: Error): void {
    const failing = this.#failing;
    this.#failing = [];
    const refused = reason instanceof AmqpError && !reason.hard;
    if (this.#options.unconfirmed === "reject") {
      const text =
        "Cannot tell whether the message arrived: the connection was lost before its confirm";
      const error = refused ? reason : new ConnectionLostError(text, { cause: reason });
      for (const message of [...failing, ...this.#again]) message.reject(error);
      this.#again = [];
      this.#suspects = 0;
    } else if (refused && failing.length === 1) {
      // the only one that was under way is to blame
      failing[0]!.reject(reason);
      if (this.#suspects > 0) this.#suspects--;
    } else {
      // each of them may be to blame, and is tried alone
      if (refused) this.#suspects = failing.length;
      this.#again = [...failing, ...this.#again];
    }
    this.#signalIdle();
  }

  #ended(reason: Error | undefined): void {
    const error = reason ??
      new ClosedError("publish", "publisher", "close it when its messages are confirmed");
    for (const message of [...this.#failing, ...this.#again, ...this.#sent]) message.reject(error);
    for (let message = this.#waiting.shift(); message; message = this.#waiting.shift()) {
      message.reject(error);
    }
    this.#failing = [];
    this.#again = [];
    this.#sent.clear();
    this.#waitingBytes = 0;
    this.#signalIdle();
  }
}
