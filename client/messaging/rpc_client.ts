import { basicConsume } from "../../broker/amqp/methods/basic.ts";
import { normaliseProperties } from "../../broker/amqp/properties.ts";
import { abortable } from "../abortable.ts";
import type { ChannelCore } from "../channel_core.ts";
import { CallbackConsumer } from "../consumer_core.ts";
import type { Delivery } from "../delivery.ts";
import { ClosedError, ConnectionLostError, RpcError, UnroutableError } from "../errors.ts";
import { checkInteger, checkShortString } from "../fields.ts";
import { Codecs } from "./codecs.ts";
import { type Home, LastingChannel } from "./lasting_channel.ts";
import { checkAtLeastOne } from "./publisher_options.ts";
import { ERROR_HEADER, type RpcCallOptions, type RpcOptions } from "./rpc_options.ts";

/** Where replies come without a queue of one's own. */
const DIRECT_REPLY_TO = "amq.rabbitmq.reply-to";
const TIMEOUT_MS = 30_000;

interface Call {
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Calls the servers of a queue; `Connection.rpc` makes it. See {@linkcode RpcServer} for the other side.
 *
 * Replies come over RabbitMQ's direct reply-to, so no queue is made for them. A call is made at most
 * once by this client: when the connection is lost while it is under way it rejects, since nobody knows
 * whether it was made; call again if it may be made twice.
 *
 * @example A call
 * ```ts
 * import { Broker, RpcError } from "@warren/amqp";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using connection = await broker.connect();
 * await using _server = await connection.serve<number>("square", (n) => {
 *   if (!Number.isFinite(n)) throw new RangeError("give me a number");
 *   return n * n;
 * });
 *
 * await using square = await connection.rpc<number, number>("square", { timeout: 5000 });
 * assertEquals(await square.call(12), 144);
 * await assertRejects(() => square.call(NaN), RpcError, "give me a number");
 * ```
 *
 * @typeParam Request What requests are.
 * @typeParam Reply What the program expects replies to be; nothing checks it.
 */
export class RpcClient<Request = unknown, Reply = unknown> implements AsyncDisposable {
  readonly #queue: string;
  readonly #options: RpcOptions;
  readonly #timeout: number;
  readonly #maxCalls: number;
  readonly #codecs: Codecs;
  readonly #calls = new Map<string, Call>();
  #lasting!: LastingChannel;
  #lastId = 0;

  private constructor(queue: string, options: RpcOptions) {
    this.#queue = checkShortString(queue, "queue");
    this.#options = options;
    this.#timeout = checkTimeout(options.timeout ?? TIMEOUT_MS);
    this.#maxCalls = checkAtLeastOne(options.maxCalls ?? 10_000, "maxCalls");
    this.#codecs = new Codecs(options.codecs);
    normaliseProperties(options.properties ?? {});
  }

  /** @ignore */
  static async open<Request, Reply>(
    home: Home,
    queue: string,
    options: RpcOptions,
  ): Promise<RpcClient<Request, Reply>> {
    const client = new RpcClient<Request, Reply>(queue, options);
    client.#lasting = await LastingChannel.open(home, {
      what: `RPC to queue ${queue}`,
      setUp: (core) => client.#setUp(core),
      opened() {},
      lost: (reason) => client.#lost(reason),
      ended: (reason) =>
        client.#rejectAll(reason ?? new TypeError("Cannot finish call: the RPC client was closed")),
    }, options.signal);
    return client;
  }

  /** How many calls are under way. */
  get calls(): number {
    return this.#calls.size;
  }

  /**
   * Calls: publishes a request and waits for its reply. While there is no connection, waits for that.
   *
   * @param request Its body, as `Publisher.publish` takes it.
   * @param options Time-out, properties, signal.
   * @returns The reply's body, decoded by its content type.
   * @throws {UnroutableError} At once, when there is no such queue: no server is running.
   * @throws {DOMException} `TimeoutError` when no reply came in time; the signal's reason when it
   * aborted.
   * @throws {RpcError} When the server failed.
   * @throws {ConnectionLostError} When the connection was lost meanwhile.
   * @throws {RangeError} When too many calls are under way.
   * @throws {TypeError} When something cannot be encoded, or the client is closed.
   */
  async call(request: Request, options: RpcCallOptions = {}): Promise<Reply> {
    const timeout = options.timeout === undefined ? this.#timeout : checkTimeout(options.timeout);
    options.signal?.throwIfAborted();
    if (this.#lasting.isClosed) {
      throw this.#lasting.reason ??
        new ClosedError("call", "RPC client", "make another with connection.rpc()");
    }
    if (this.#calls.size >= this.#maxCalls) {
      throw new RangeError(
        `Cannot call: ${this.#maxCalls} calls are under way; await some, or raise maxCalls`,
      );
    }
    const correlationId = `${++this.#lastId}`;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#calls.set(correlationId, { resolve, reject });
    const cancelTimer = this.#lasting.clock.after(timeout, () => {
      const text =
        `Cannot finish call: no server of queue ${this.#queue} replied within ${timeout} ms`;
      reject(new DOMException(text, "TimeoutError"));
    });
    try {
      this.#send(request, correlationId, timeout, options).catch(reject);
      return await abortable(promise, options.signal) as Reply;
    } finally {
      cancelTimer();
      this.#calls.delete(correlationId);
    }
  }

  /** Closes the client; calls that are under way reject. */
  async close(): Promise<void> {
    await this.#lasting.close();
  }

  /** Closes the client. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #send(
    request: Request,
    correlationId: string,
    timeout: number,
    options: RpcCallOptions,
  ): Promise<void> {
    const properties = {
      ...this.#options.properties,
      ...options.properties,
      correlationId,
      replyTo: DIRECT_REPLY_TO,
      expiration: `${timeout}`,
    };
    const encoding = this.#codecs.encode(request, properties);
    const { body, contentType } = encoding instanceof Promise ? await encoding : encoding;
    const core = this.#lasting.core ?? await this.#lasting.whenOpen();
    if (!this.#calls.has(correlationId)) return; // it was given up meanwhile
    const { outgoing } = core.connection;
    core.assertOpen("call");
    outgoing.setBody(body, false);
    const whole = contentType === undefined ? properties : { ...properties, contentType };
    core.publishing.publish("", this.#queue, true, false, whole, outgoing);
  }

  async #setUp(core: ChannelCore): Promise<void> {
    core.publishing.onReturn = ({ properties: { correlationId = "" } }) => {
      const error = new UnroutableError({ exchange: "", routingKey: this.#queue });
      error.message =
        `Cannot call: no server of queue ${this.#queue} is running, there is no such queue`;
      this.#calls.get(correlationId)?.reject(error);
    };
    const method = basicConsume({ queue: DIRECT_REPLY_TO, noAck: true });
    await core.ask(method, ["basic.consume-ok"], ({ consumerTag }) => {
      const parts = { channel: core, consumerTag, noAck: true, onCancel: undefined };
      core.consumers.add(new CallbackConsumer(parts, (delivery) => void this.#take(delivery)));
    });
  }

  async #take(delivery: Delivery): Promise<void> {
    const { correlationId = "", headers } = delivery.properties;
    const call = this.#calls.get(correlationId);
    if (call === undefined) return; // it came too late
    try {
      const body = await this.#codecs.decode(delivery.body, delivery.properties);
      const error = headers?.[ERROR_HEADER];
      if (typeof error === "string") call.reject(new RpcError(error, String(body)));
      else call.resolve(body);
    } catch (error) {
      call.reject(error);
    }
  }

  #lost(reason: Error): void {
    const text = "Cannot tell whether the call was made: the connection was lost before its reply";
    this.#rejectAll(new ConnectionLostError(text, { cause: reason }));
  }

  #rejectAll(error: Error): void {
    for (const { reject } of this.#calls.values()) reject(error);
  }
}

function checkTimeout(timeout: number): number {
  return checkInteger(timeout, 0x7fff_ffff, "timeout");
}
