import { systemClock } from "../broker/amqp/clock.ts";
import type { FieldTable } from "../broker/amqp/field_value.ts";
import type { Link, LinkReceiver } from "../broker/amqp/link.ts";
import type { MessageTracer } from "../broker/amqp/tracer.ts";
import { abortable, type CallOptions, checkCall, endOr } from "./abortable.ts";
import { Channel } from "./channel.ts";
import type { ChannelCore } from "./channel_core.ts";
import type { ClientEventMap, ClientEventName } from "./client_events.ts";
import { type CloseReason, ConnectionCore, type ConnectionSettings } from "./connection_core.ts";
import type { Delivery } from "./delivery.ts";
import {
  checkFunction,
  checkInteger,
  checkOptions,
  checkShortString,
  type OptionNames,
} from "./fields.ts";
import type { ConsumerOptions, MessageHandler } from "./messaging/consumer_options.ts";
import type { Home } from "./messaging/lasting_channel.ts";
import { MessageConsumer } from "./messaging/message_consumer.ts";
import { Publisher } from "./messaging/publisher.ts";
import type { PublisherOptions } from "./messaging/publisher_options.ts";
import { RpcClient } from "./messaging/rpc_client.ts";
import { Trials } from "./messaging/trials.ts";
import type { RpcHandler, RpcOptions, ServeOptions } from "./messaging/rpc_options.ts";
import { RpcServer } from "./messaging/rpc_server.ts";
import { CLOSE_TIMEOUT_MS } from "./options.ts";
import { ClientTracing } from "./tracing.ts";
import type { ChannelRecord } from "./recovery/channel_record.ts";
import type { Recovery } from "./recovery/recovery.ts";
import { updateSecret } from "./update_secret.ts";

/** What an end of a connection keeps to. */
export interface AgreedLimits {
  /** How many channels may be open at once; 0 for as many as there are numbers. */
  readonly channelMax: number;
  /** Largest frame in bytes; 0 for no limit, or none in process, where there are no frames. */
  readonly frameMax: number;
  /** Seconds between heartbeats; 0 for none. */
  readonly heartbeatSeconds: number;
}

const CLOSE_NAMES: OptionNames<CloseReason & CallOptions> = {
  replyCode: true,
  replyText: true,
  signal: true,
};

/** Whether a connection can be used: it cannot while it is being made anew, or has ended for good. */
export type ConnectionState = "open" | "reconnecting" | "closed";

/** Settings of a connection; what is missing has its default. */
export interface LinkSettings extends Partial<Omit<ConnectionSettings, "tracing">> {
  /** Is told of its messages. */
  readonly tracer?: MessageTracer | undefined;
  /** Gives the link its receiver: what comes may come at once. */
  readonly attach: (receiver: LinkReceiver) => void;
}

/**
 * A connection to a broker, in this process or behind a socket: `connect` and `Broker.connect` make
 * it, and nobody can tell which of them did.
 *
 * Over a network, a connection that is lost is made anew, with growing pauses, together with all that
 * was declared, its channels and their consumers; see `ConnectOptions.recovery`, and
 * {@linkcode Connection.on} for what it tells meanwhile.
 *
 * @example One connection, several channels
 * ```ts
 * import { Broker } from "@warren/amqp";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using connection = await broker.connect();
 * await using publisher = await connection.openChannel();
 * await using worker = await connection.openChannel();
 *
 * const { queue } = await worker.queueDeclare();
 * await publisher.basicPublish({ routingKey: queue }, "hello");
 * assertEquals((await worker.basicGet(queue))?.text(), "hello");
 * ```
 */
export class Connection implements AsyncDisposable {
  #core: ConnectionCore;
  /** What makes the next connection; undefined when none will be made. */
  readonly #recovery: Recovery | undefined;
  readonly #trials = new Trials();

  /** @ignore */
  constructor(core: ConnectionCore, recovery?: Recovery) {
    this.#core = core;
    if (recovery === undefined) {
      core.whenClosed.then((reason) => core.events.emit("closed", { reason }));
    } else {
      this.#recovery = recovery;
      recovery.onCore = (next) => this.#core = next;
    }
  }

  /**
   * Makes a connection of a link on which login is over, or needs none.
   *
   * @ignore
   * @param link The client's end.
   * @param settings What was agreed on, and how the link gets its receiver.
   */
  static over(link: Link, { tracer, ...settings }: LinkSettings): Connection {
    const core = new ConnectionCore(link, {
      channelMax: 0,
      serverProperties: {},
      clock: systemClock,
      closeTimeoutMs: CLOSE_TIMEOUT_MS,
      tracing: tracer === undefined ? undefined : new ClientTracing(tracer, undefined),
      ...settings,
    });
    settings.attach(core);
    return new Connection(core);
  }

  /** What the broker tells about itself: product, version, capabilities and so on. */
  get serverProperties(): FieldTable {
    return this.#core.settings.serverProperties;
  }

  /** What client and broker agreed on when they connected last. */
  get limits(): AgreedLimits {
    const { channelMax, frameMax = 0, heartbeatSeconds = 0 } = this.#core.settings;
    return { channelMax, frameMax, heartbeatSeconds };
  }

  /**
   * Resolves when the connection is closed for good and nothing of it is left open: with the reason,
   * or with undefined when this program closed it. Never rejects.
   */
  get closed(): Promise<Error | undefined> {
    return this.#recovery?.closed ?? this.#core.whenClosed;
  }

  /** `"open"`, `"reconnecting"` while a connection that was lost is being made anew, or `"closed"`. */
  get state(): ConnectionState {
    return this.#recovery?.state ?? (this.#core.isOpen ? "open" : "closed");
  }

  /**
   * Waits until the connection is there, while it is being made anew.
   *
   * @param options Signal.
   * @throws {Error} Why there will be none, when it is closed for good.
   */
  async whenConnected(options: CallOptions = {}): Promise<void> {
    checkCall(options, "wait for connection");
    await abortable(this.#recovery?.whenConnected() ?? this.#core.whenOpen(), options.signal);
  }

  /**
   * Calls a listener whenever something happens to the connection: it is lost and made anew, the
   * broker blocks its publishers, it has ended. What a listener throws goes where the errors of your
   * callbacks go, {@linkcode Connection.onError}.
   *
   * @param name Which event.
   * @param listener Called at the end of the turn in which it happened, in order.
   * @returns Ends it.
   * @throws {TypeError} When there is no such event, or the listener is no function.
   *
   * @example Tell when the broker is gone and when it is back
   * ```ts
   * import { Broker, connect } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using server = await broker.listen({ port: 0 });
   * await using connection = await connect(`amqp://127.0.0.1:${server.port}`, {
   *   recovery: { initialDelayMs: 5 },
   * });
   * const back = Promise.withResolvers<number>();
   * connection.on("lost", ({ reason }) => console.warn(`broker is gone: ${reason.message}`));
   * connection.on("recovered", ({ attempts }) => back.resolve(attempts));
   *
   * for (const { name } of broker.connections()) await broker.closeConnection(name, "maintenance");
   * assertEquals(await back.promise, 1);
   * ```
   */
  on<Name extends ClientEventName>(
    name: Name,
    listener: (fields: ClientEventMap[Name]) => void,
  ): () => void {
    return this.#core.events.on(name, listener);
  }

  /** Why the broker accepts no messages at the moment, such as `low on memory`; undefined while it
   * does. Publishing goes on by itself when that is over: `basicPublish` waits. */
  get blocked(): string | undefined {
    return this.#core.blocked;
  }

  /** Is called when the broker stops accepting messages. */
  get onBlocked(): ((reason: string) => void) | undefined {
    return this.#core.onBlocked;
  }
  set onBlocked(callback: ((reason: string) => void) | undefined) {
    if (callback !== undefined) checkFunction(callback, "onBlocked", "listen");
    this.#core.onBlocked = callback;
  }

  /** Is called when the broker accepts messages again. */
  get onUnblocked(): (() => void) | undefined {
    return this.#core.onUnblocked;
  }
  set onUnblocked(callback: (() => void) | undefined) {
    if (callback !== undefined) checkFunction(callback, "onUnblocked", "listen");
    this.#core.onUnblocked = callback;
  }

  /**
   * Takes what a callback of yours throws or rejects with, together with the delivery that it was
   * handling. The delivery stays unacked, so settle it here if it should not wait for the end of its
   * channel. Of a `Connection.consumer` it takes the errors for which `onFailure` is no function, and
   * those of one that is: without a delivery, which is settled as that consumer says.
   *
   * While this is undefined, as at first, such an error closes the channel that the callback belongs
   * to (or the connection, for `onBlocked` and `onUnblocked`) and becomes its reason: the program
   * lives on, the message goes back to its queue, and `closed` and every later call tell why.
   *
   * @example Reject what cannot be handled
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * const channel = await connection.openChannel();
   * const { queue } = await channel.queueDeclare();
   *
   * const failed = Promise.withResolvers<string>();
   * connection.onError = (error, delivery) => {
   *   delivery?.reject({ requeue: false });
   *   failed.resolve(String(error));
   * };
   * await channel.basicConsume(queue, {}, (delivery) => {
   *   JSON.parse(delivery.text());
   *   delivery.ack();
   * });
   * await channel.basicPublish({ routingKey: queue }, "{");
   * assertEquals((await failed.promise).startsWith("SyntaxError"), true);
   * ```
   */
  get onError(): ((error: unknown, delivery?: Delivery) => void) | undefined {
    return this.#core.onError;
  }
  set onError(callback: ((error: unknown, delivery?: Delivery) => void) | undefined) {
    if (callback !== undefined) checkFunction(callback, "onError", "listen");
    this.#core.onError = callback;
  }

  /**
   * Opens a channel; while the connection is being made anew, waits for that.
   *
   * @param options Signal.
   * @returns The channel.
   * @throws {RangeError} When as many are open as were agreed on.
   * @throws {AmqpError} When the broker refuses, which closes the connection; or its reason, when it
   * has closed the connection before.
   */
  async openChannel(options: CallOptions = {}): Promise<Channel> {
    checkCall(options, "open channel");
    const { signal } = options;
    signal?.throwIfAborted();
    const recovery = this.#recovery;
    if (recovery === undefined) {
      const late = (core: ChannelCore) => void core.close();
      return new Channel(await abortable(this.#core.openChannel(), signal, late));
    }
    if (!this.#core.isOpen) await abortable(recovery.whenConnected(), signal);
    let record: ChannelRecord | undefined;
    // not after the answer, which may come when the connection was lost and is there again
    const opened = this.#core.openChannel((core) => record = recovery.record(core));
    await abortable(opened, signal, () => void record!.core.close());
    return new Channel(record!.core, record);
  }

  /**
   * Makes a publisher, which sees to it that its messages arrive: with confirms, over lost connections,
   * within bounds.
   *
   * @param options Where it publishes, and what it does when the broker is away; also a signal.
   * @returns The publisher; close it, or let `await using` do that.
   * @throws {Error} As {@linkcode Connection.openChannel}.
   * @throws {TypeError} When an option makes no sense.
   *
   * @example One message
   * ```ts
   * import { Broker } from "@warren/amqp";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * await (await connection.openChannel()).queueDeclare("orders");
   * await using publisher = await connection.publisher({ routingKey: "orders" });
   * await publisher.publish({ id: 1 });
   * ```
   */
  publisher(options: PublisherOptions = {}): Promise<Publisher> {
    return Publisher.open(this.#home, options);
  }

  /**
   * Starts a consumer that goes on over lost connections and closed channels. With a handler it handles
   * messages as they come; without one it is iterated over, or read as a stream.
   *
   * @typeParam Body What the program expects bodies to be; nothing checks it.
   * @param options The queue, which must exist, how many messages at once, and so on.
   * @param handler Handles a message, which is acked when that is done.
   * @returns The consumer; close it, or let `await using` do that.
   * @throws {AmqpError} When the broker refuses it: 404 when there is no such queue. Later on it tries
   * again instead.
   * @throws {TypeError} When an option makes no sense.
   *
   * @example Handle messages
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * await (await connection.openChannel()).queueDeclare("orders");
   * await using publisher = await connection.publisher({ routingKey: "orders" });
   * await publisher.publish({ id: 1 });
   *
   * const seen = Promise.withResolvers<unknown>();
   * await using _consumer = await connection.consumer({ queue: "orders" }, (message) => {
   *   seen.resolve(message.body);
   * });
   * assertEquals(await seen.promise, { id: 1 });
   * ```
   */
  consumer<Body = unknown>(
    options: ConsumerOptions<Body>,
    handler?: MessageHandler<Body>,
  ): Promise<MessageConsumer<Body>> {
    return MessageConsumer.open(this.#home, options, handler);
  }

  /**
   * Makes a client that calls the servers of a queue.
   *
   * @typeParam Request What requests are.
   * @typeParam Reply What the program expects replies to be; nothing checks it.
   * @param queue The servers' queue.
   * @param options Time-out and so on; also a signal.
   * @returns The client, for as many calls as there are; close it, or let `await using` do that.
   * @throws {Error} As {@linkcode Connection.openChannel}.
   *
   * @example Call a server that may not be running
   * ```ts
   * import { Broker, UnroutableError } from "@warren/amqp";
   * import { assertEquals, assertRejects } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * await using client = await connection.rpc("upper", { timeout: 1000 });
   * await assertRejects(() => client.call("hello"), UnroutableError, "no server");
   *
   * await using _server = await connection.serve<string>("upper", (text) => text.toUpperCase());
   * assertEquals(await client.call("hello"), "HELLO");
   * ```
   */
  rpc<Request = unknown, Reply = unknown>(
    queue: string,
    options: RpcOptions = {},
  ): Promise<RpcClient<Request, Reply>> {
    return RpcClient.open(this.#home, queue, options);
  }

  /**
   * Starts a server that answers the calls that come to a queue.
   *
   * @typeParam Request What the handler takes; `validate` can check it.
   * @param queue The queue, which is declared.
   * @param handler Makes a reply of a request.
   * @param options How many at once, what is let through, and so on.
   * @returns The server; close it, or let `await using` do that.
   * @throws {AmqpError} When the broker refuses it: 406 when the queue is there and was declared another
   * way.
   *
   * @example A server
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * await using _server = await connection.serve<number[]>("sum", (numbers) => {
   *   return numbers.reduce((sum, n) => sum + n, 0);
   * }, { concurrency: 10 });
   * await using client = await connection.rpc<number[], number>("sum");
   * assertEquals(await Promise.all([client.call([1, 2]), client.call([3, 4])]), [3, 7]);
   * ```
   */
  serve<Request = unknown>(
    queue: string,
    handler: RpcHandler<Request>,
    options: ServeOptions<Request> = {},
  ): Promise<RpcServer> {
    return RpcServer.open(this.#home, queue, handler, options);
  }

  /** For what outlives channels and connections. */
  get #home(): Home {
    return {
      openCore: () => this.#core.openChannel(),
      whenConnected: () => this.whenConnected(),
      queueName: (queue) => this.#recovery?.topology.nameOf(queue) ?? queue,
      consuming: (queue) => this.#consuming(queue),
      whenFree: (queue) => this.#recovery?.topology.whenFree(queue),
      returning: () => this.#recovery?.returning() ?? (() => {}),
      isClosed: () => this.state === "closed",
      isReconnecting: () => this.state === "reconnecting",
      lossWatch: () => {
        const core = this.#core;
        return () => core.replaced;
      },
      events: this.#core.events,
      report: (error) => void this.#core.reportError(error),
      clock: this.#core.settings.clock,
      trials: this.#trials,
      tracing: this.#core.tracing,
    };
  }

  #consuming(queue: string): () => void {
    const topology = this.#recovery?.topology;
    topology?.consumed(queue);
    return () => topology?.unconsumed(queue);
  }

  /**
   * Replaces credentials that expire, such as a token, without a new connection. When the connection is
   * made anew it logs in by `ConnectOptions.password`, as before: make that a function that gives the
   * latest.
   *
   * @param secret The new secret.
   * @param reason Why, for the broker's log.
   * @param options Signal.
   * @throws {AmqpError} 530 when the broker refuses it, which closes the connection.
   */
  async updateSecret(
    secret: string | Uint8Array,
    reason = "",
    options: CallOptions = {},
  ): Promise<void> {
    await updateSecret(this.#core, secret, reason, options);
  }

  /**
   * Closes the connection and its channels, and waits until that is done, for a bounded time. What is
   * unacked goes back to its queues. Closing a connection that is closed does nothing, however it
   * came to that.
   *
   * @param options Reply code and text that the broker may log; also a signal, which drops the
   * connection at once.
   */
  async close(options: CloseReason & CallOptions = {}): Promise<void> {
    checkOptions(options, CLOSE_NAMES, "close connection");
    const { replyCode = 200, replyText = "Normal shutdown", signal } = options;
    const close = {
      replyCode: checkInteger(replyCode, 0xffff, "replyCode"),
      replyText: checkShortString(replyText, "replyText"),
    };
    this.#recovery?.stop();
    const closing = this.#core.close(close).then(async () => void await this.closed);
    await endOr(closing, signal, () => this.#core.drop(signal!.reason));
  }

  /** Closes the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
