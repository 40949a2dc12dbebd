import { type BasicProperties, normaliseProperties } from "../../broker/amqp/properties.ts";
import { describe } from "../../broker/amqp/field_value.ts";
import { randomId } from "../../broker/amqp/random_id.ts";
import { abortable, type CallOptions, checkCall, endOr } from "../abortable.ts";
import { ClosedError, CodecError, reconnecting } from "../errors.ts";
import { checkShortString } from "../fields.ts";
import { BodyStore } from "./body_store.ts";
import { Codecs, compress, compressionOf, type EncodedBody } from "./codecs.ts";
import { type Home, LastingChannel } from "./lasting_channel.ts";
import { Outbox } from "./outbox.ts";
import { OutgoingMessage } from "./outgoing_message.ts";
import {
  checkMessageOptions,
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
 * The messages of one publisher leave in the order in which they were published, but for those that are
 * published again.
 *
 * When the broker closes the publisher's channel, because an exchange does not exist or may not be
 * written to, another one is opened, and only the message that led to it rejects; with
 * `unconfirmed: "reject"` all that were under way do, as {@linkcode PublisherOptions.unconfirmed} says.
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
  readonly #outbox: Outbox;
  #lasting!: LastingChannel;
  #closing: Promise<void> | undefined;
  readonly #idPrefix = randomId(8);
  #lastId = 0;

  private constructor(codecs: Codecs, outbox: Outbox) {
    this.#options = outbox.options;
    this.#codecs = codecs;
    this.#outbox = outbox;
  }

  /** @ignore */
  static async open(home: Home, options: PublisherOptions): Promise<Publisher> {
    const resolved = resolvePublisher(options);
    const { exchange, routingKey, properties } = resolved;
    checkShortString(exchange, "exchange");
    checkShortString(routingKey, "routingKey");
    normaliseProperties(properties);
    const codecs = new Codecs(options.codecs);
    const outbox = new Outbox(home, resolved);
    const publisher = new Publisher(codecs, outbox);
    try {
      publisher.#lasting = await LastingChannel.open(home, {
        what: `publisher to exchange ${exchange}`,
        setUp: (core) => outbox.setUp(core),
        opened: (core) => outbox.opened(core),
        lost: (reason) => outbox.lost(reason),
        ended: (reason) => outbox.ended(reason),
      }, options.signal);
      return publisher;
    } catch (error) {
      outbox.ended(error as Error);
      throw error;
    }
  }

  /** How many messages wait to be sent. */
  get buffered(): number {
    return this.#outbox.buffered;
  }

  /** How many messages were sent and are not confirmed. */
  get unconfirmedCount(): number {
    return this.#outbox.unconfirmedCount;
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
   * @throws {PoisonMessageError} When the broker closes the connection for it again and again.
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
    checkCall(options, "flush publisher");
    await abortable(Promise.allSettled(this.#outbox.pending()), options.signal);
  }

  /**
   * A stream to write messages to: bodies, or objects with `body` and the options of a message. It makes
   * its writer wait while nothing can be sent, because as many as may be are unconfirmed, the broker
   * takes none, or there is no connection; closing it waits for all confirms. It fails with the first
   * message that does not arrive. The publisher stays open.
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
    return new WritableStream({
      write: async (chunk, controller) => {
        await abortable(this.#outbox.whenRoom(), controller.signal);
        const { signal } = controller;
        let sent: Promise<void>;
        if (typeof chunk === "string" || chunk instanceof Uint8Array) {
          sent = this.publish(chunk, { signal });
        } else {
          if (typeof chunk !== "object" || chunk === null) throw noChunk(chunk);
          const { body, ...options } = chunk;
          sent = this.publish(body, { signal, ...options });
        }
        open.add(sent);
        sent.then(() => open.delete(sent), (error) => {
          failed ??= { error };
          controller.error(error);
        });
      },
      close: async () => {
        await Promise.all(open);
        if (failed !== undefined) throw failed.error;
      },
    });
  }

  /**
   * Waits until all is settled, then closes the publisher. It does not wait for a connection, whether
   * there was none or it is lost meanwhile: what was not confirmed rejects.
   *
   * @param options Signal, which closes it at once: what is not settled rejects.
   */
  async close(options: CallOptions = {}): Promise<void> {
    checkCall(options, "close publisher");
    this.#closing ??= this.#close();
    await endOr(this.#closing, options.signal, () => void this.#lasting.close());
  }

  /** Closes the publisher. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    // a channel alone is there again in a moment
    if (!this.#lasting.isReconnecting) {
      const away = Promise.withResolvers<void>();
      const unlisten = this.#lasting.onLost(away.resolve);
      await Promise.race([this.flush(), away.promise]);
      unlisten();
    }
    await this.#lasting.close();
  }

  // ---- taking messages

  #publish(body: unknown, options: MessageOptions): Promise<void> {
    checkMessageOptions(options);
    options.signal?.throwIfAborted();
    this.#assertOpen();
    const properties = this.#propertiesOf(options);
    return this.#take(this.#codecs.encodePlain(body, properties), properties, options);
  }

  #assertOpen(): void {
    if (this.#closing === undefined && !this.#lasting.isClosed) return;
    throw this.#lasting.reason ??
      new ClosedError("publish", "publisher", "make another with connection.publisher()");
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
    const outbox = this.#outbox;
    if (outbox.core === undefined) {
      this.#assertOpen();
      // a channel alone is there again in a moment
      if (whileAway === "reject" && this.#lasting.isReconnecting) {
        throw reconnecting("publish", undefined);
      }
    }
    const format = compressionOf(properties);
    const sendNow = format === undefined && outbox.hasRoom;
    // what is kept longer than this call must not change when its owner writes to it again
    const keeps = !sendNow || (confirm && unconfirmed === "retry");
    if (keeps) properties = keptProperties(properties);
    let bytes: Uint8Array | string | undefined = body;
    let size = body.length;
    let start = 0;
    if (format !== undefined) {
      if (typeof body === "string") body = encoder.encode(body);
      size = body.length;
      bytes = undefined;
    } else if (!sendNow && typeof body === "string") {
      outbox.checkBounds(body.length); // and then exactly
      size = this.#bodies.keepText(body);
      ({ bytes, start } = this.#bodies);
    } else if (keeps && transfer !== true && body instanceof Uint8Array) {
      this.#bodies.keep(body);
      ({ bytes, start } = this.#bodies);
    }
    const message = new OutgoingMessage(
      outbox,
      checkShortString(options.exchange ?? this.#options.exchange, "exchange"),
      checkShortString(options.routingKey ?? this.#options.routingKey, "routingKey"),
      options.mandatory ?? this.#options.mandatory,
      contentType === properties.contentType || contentType === undefined
        ? properties
        : { ...properties, contentType },
      bytes,
      start,
      size,
    );
    if (sendNow) outbox.send(message);
    else if (format === undefined) outbox.hold(message);
    else outbox.compress(message, () => compress(body as Uint8Array, format));
    return signal === undefined ? message.promise : this.#abortable(message, signal);
  }

  #abortable(message: OutgoingMessage, signal: AbortSignal): Promise<void> {
    const sent = abortable(message.promise, signal);
    sent.catch(() => {
      if (signal.aborted) this.#outbox.abandon(message);
    });
    return sent;
  }
}

const encoder = new TextEncoder();

function noChunk(chunk: unknown): CodecError {
  return new CodecError(
    `Cannot write ${describe(chunk)}: write bytes, a text, or an object with a body`,
  );
}

/** What a message keeps of its properties: tables and times may be changed by who has published it. */
function keptProperties(properties: BasicProperties): BasicProperties {
  const { headers, timestamp } = properties;
  return headers === undefined && timestamp === undefined
    ? properties
    : normaliseProperties(properties);
}
