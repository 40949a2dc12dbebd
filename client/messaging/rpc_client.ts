import { copyOf } from "../../broker/amqp/byte_ranges.ts";
import type { Clock } from "../../broker/amqp/clock.ts";
import { basicConsume } from "../../broker/amqp/methods/basic.ts";
import { type BasicProperties, normaliseProperties } from "../../broker/amqp/properties.ts";
import { randomId } from "../../broker/amqp/random_id.ts";
import { abortable, type CallOptions, checkCall, onAbort } from "../abortable.ts";
import { CallbackConsumer } from "../callback_consumer.ts";
import type { ChannelCore } from "../channel_core.ts";
import type { Delivery } from "../delivery.ts";
import { ClosedError, RpcError, UnroutableError } from "../errors.ts";
import { checkInteger, checkOptions, checkProperties, checkShortString } from "../fields.ts";
import { Call, type RequestProperties } from "./call.ts";
import { Codecs, compressionOf, type EncodedBody } from "./codecs.ts";
import { Deadlines } from "./deadlines.ts";
import { ReturnedCalls } from "./returned_calls.ts";
import { type Home, LastingChannel } from "./lasting_channel.ts";
import { SuspectCalls } from "./suspect_calls.ts";
import type { Trials } from "./trials.ts";
import { checkAtLeastOne, checkOneOf } from "./publisher_options.ts";
import {
  CALL_NAMES,
  ERROR_HEADER,
  RPC_NAMES,
  type RpcCallOptions,
  type RpcOptions,
} from "./rpc_options.ts";

/** Where replies come without a queue of one's own. */
const DIRECT_REPLY_TO = "amq.rabbitmq.reply-to";
const TIMEOUT_MS = 30_000;

/**
 * Calls the servers of a queue; `Connection.rpc` makes it. See {@linkcode RpcServer} for the other side.
 *
 * Replies come over RabbitMQ's direct reply-to, so no queue is made for them. A call is made at most
 * once by this client: when the connection is lost while it is under way it rejects, since nobody knows
 * whether it was made. {@linkcode RpcOptions} chooses otherwise for calls that may be made twice.
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
 * await using square = await connection.rpc<unknown, number>("square", { timeout: 5000 });
 * assertEquals(await square.call(12), 144);
 * await assertRejects(() => square.call("twelve"), RpcError, "give me a number");
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
  readonly #retries: boolean;
  readonly #codecs: Codecs;
  /** By number: as a key of a map, V8 puts each text that is new into its table of all strings. */
  readonly #calls = new Map<number, Call>();
  readonly #deadlines: Deadlines;
  readonly #returned: ReturnedCalls;
  #lasting!: LastingChannel;
  #trials!: Trials;
  #queueName!: () => string;
  #suspects!: SuspectCalls;
  #lastId = 0;
  /** How many requests were sent. */
  #sends = 0;
  /** The last request on the present channel whose call was given up before anything told that the broker
   * had taken it; 0 for none. */
  #givenUp = 0;
  readonly #idPrefix = randomId(8);

  private constructor(queue: string, options: RpcOptions, clock: Clock) {
    checkOptions(options, RPC_NAMES, "make RPC client");
    this.#queue = checkShortString(queue, "queue");
    this.#options = options;
    this.#timeout = checkTimeout(options.timeout ?? TIMEOUT_MS);
    this.#maxCalls = checkAtLeastOne(options.maxCalls ?? 10_000, "maxCalls");
    const { unanswered = "reject" } = options;
    checkOneOf(unanswered, ["reject", "retry"], "unanswered");
    this.#retries = unanswered === "retry";
    this.#codecs = new Codecs(options.codecs);
    this.#deadlines = new Deadlines(clock, (now) => this.#expire(now));
    this.#returned = new ReturnedCalls(clock, (call) => {
      this.#sendLater(call).catch((error) => call.reject(error));
    });
    checkProperties(options.properties, "make RPC client");
    normaliseProperties(options.properties ?? {});
  }

  /** @ignore */
  static async open<Request, Reply>(
    home: Home,
    queue: string,
    options: RpcOptions,
  ): Promise<RpcClient<Request, Reply>> {
    const client = new RpcClient<Request, Reply>(queue, options, home.clock);
    client.#trials = home.trials;
    client.#suspects = new SuspectCalls(home, {
      retries: client.#retries,
      hasReturned: (call) => client.#returned.has(call),
      send(call) {
        client.#expireSooner(call);
        client.#send(call);
      },
    });
    client.#queueName = () => home.queueName(queue);
    try {
      client.#lasting = await LastingChannel.open(home, {
        what: `RPC to queue ${queue}`,
        setUp: (core) => client.#setUp(core),
        opened: (core) => client.#makeAgain(core),
        lost: (reason) => client.#lost(reason),
        ended: (reason) => client.#ended(reason),
      }, options.signal);
    } catch (error) {
      client.#ended(error as Error);
      throw error;
    }
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
   * @throws {UnroutableError} At once, when there is no such queue: no server is running. With
   * `unanswered: "retry"` the call is made again until one is, and this comes at its time-out, or a
   * `TimeoutError` when it was under way once more just then.
   * @throws {DOMException} `TimeoutError` when no reply came in time; the signal's reason when it
   * aborted.
   * @throws {RpcError} When the server failed.
   * @throws {ConnectionLostError} When the connection was lost meanwhile.
   * @throws {PoisonMessageError} With `unanswered: "retry"`, when the broker closes the connection for it
   * again and again.
   * @throws {AmqpError} When the broker refuses it by closing the channel: 406 for another's `userId`.
   * @throws {Error} When it refuses one of several that were under way: which, nobody knows.
   * @throws {RangeError} When too many calls are under way.
   * @throws {TypeError} When something cannot be encoded, or the client is closed.
   */
  call(request: Request, options: RpcCallOptions = {}): Promise<Reply> {
    try {
      return this.#call(request, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Closes the client; calls that are under way reject.
   *
   * @param options Signal, which gives up waiting for the broker's answer.
   */
  async close(options: CallOptions = {}): Promise<void> {
    checkCall(options, "close RPC client");
    await abortable(this.#lasting.close(), options.signal);
  }

  /** Closes the client. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** As a promise of its own, without an async function: with one call after the other, each step is on
   * the way from a reply to the next request. */
  #call(request: Request, options: RpcCallOptions): Promise<Reply> {
    checkOptions(options, CALL_NAMES, "call");
    checkProperties(options.properties, "call");
    const timeout = options.timeout === undefined ? this.#timeout : checkTimeout(options.timeout);
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#lasting.isClosed) {
      throw this.#lasting.reason ??
        new ClosedError("call", "RPC client", "make another with connection.rpc()");
    }
    if (this.#calls.size >= this.#maxCalls) {
      throw new RangeError(
        `Cannot call: ${this.#maxCalls} calls are under way; await some, or raise maxCalls`,
      );
    }
    const now = this.#lasting.clock.elapsed();
    const call = new Call(this.#calls, ++this.#lastId, timeout, now + timeout);
    call.properties = this.#propertiesOf(call, options);
    const promise = new Promise<unknown>((resolve, reject) => call.begin(resolve, reject));
    this.#deadlines.add(call.deadline, now);
    try {
      this.#start(call, request)?.catch((error) => call.reject(error));
    } catch (error) {
      call.reject(error);
    }
    if (signal !== undefined) onAbort(signal, promise, () => this.#giveUp(call, signal.reason));
    return promise as Promise<Reply>;
  }

  #propertiesOf({ correlationId, timeout }: Call, options: RpcCallOptions): RequestProperties {
    const own = { correlationId, replyTo: DIRECT_REPLY_TO, expiration: `${timeout}` };
    const { properties: common } = this.#options;
    const properties: RequestProperties = common === undefined && options.properties === undefined
      ? own
      : { ...common, ...options.properties, ...own };
    if (this.#retries) properties.messageId ??= `${this.#idPrefix}-${correlationId}`;
    return properties;
  }

  /** Gives up the calls that are too late; tells when the next one will be. */
  #expire(now: number): number {
    let next = Infinity;
    for (const call of this.#calls.values()) {
      if (call.deadline > now) {
        next = Math.min(next, call.deadline);
        continue;
      }
      this.#giveUp(call, this.#returned.has(call) ? this.#unroutable() : this.#late(call));
    }
    return next;
  }

  /** The broker may still close the channel for it. */
  #giveUp(call: Call, error: unknown): void {
    this.#givenUp = Math.max(this.#givenUp, call.sent);
    this.#returned.leave(call);
    call.reject(error);
  }

  #late({ timeout }: Call): DOMException {
    const text =
      `Cannot finish call: no server of queue ${this.#queue} replied within ${timeout} ms`;
    return new DOMException(text, "TimeoutError");
  }

  #unroutable(): UnroutableError {
    const error = new UnroutableError({ exchange: "", routingKey: this.#queue });
    error.message =
      `Cannot call: no server of queue ${this.#queue} is running, there is no such queue`;
    return error;
  }

  /** A promise only when it cannot be sent at once. */
  #start(call: Call, request: Request): Promise<void> | undefined {
    // until a body is compressed its headers are the caller's again
    if (compressionOf(call.properties) !== undefined) {
      call.properties = { ...normaliseProperties(call.properties) };
    }
    const encoding = this.#codecs.encode(request, call.properties);
    if (!(encoding instanceof Promise)) return this.#encoded(call, request, encoding);
    return encoding.then((encoded) => {
      if (!call.isUnderWay) return; // it was given up meanwhile
      this.#expireSooner(call);
      return this.#encoded(call, request, encoded);
    });
  }

  /** The request was not sent at once, and it still expires with its time-out. */
  #expireSooner({ deadline, properties }: Call): void {
    const left = Math.max(0, Math.ceil(deadline - this.#lasting.clock.elapsed()));
    properties.expiration = `${left}`;
  }

  #encoded(
    call: Call,
    request: Request,
    { body, contentType }: EncodedBody,
  ): Promise<void> | undefined {
    // it may be sent later, when its owner has written to it again
    const isKept = body === request && typeof body !== "string";
    const isSentLater = this.#retries || !this.#canSend;
    call.body = isKept && isSentLater ? copyOf(body) : body;
    if (isSentLater && call.properties.headers !== undefined) {
      call.properties = { ...normaliseProperties(call.properties) };
    }
    if (contentType !== undefined) call.properties.contentType = contentType;
    if (!this.#canSend) return this.#sendLater(call);
    this.#send(call);
    return undefined;
  }

  get #canSend(): boolean {
    const { core } = this.#lasting;
    return core !== undefined && core.isOpen && core.publishing.hasRoom &&
      !this.#suspects.underWay && !this.#trials.underWay;
  }

  /** Sends a request as soon as there is a channel with room for it. */
  async #sendLater(call: Call): Promise<void> {
    while (!this.#canSend) {
      normaliseProperties(call.properties); // what cannot be encoded is refused at once
      const core = await this.#lasting.whenOpen();
      if (core.isOpen) await core.publishing.whenRoom();
      else await core.closed; // it is ending: what comes next tells
      await this.#suspects.whenOver();
      await this.#trials.whenOver();
      if (!call.isUnderWay || call.sent > 0) return; // it was given up meanwhile, or tried alone
    }
    this.#expireSooner(call);
    this.#send(call);
  }

  /** Sends a request; there must be room. */
  #send(call: Call): void {
    const core = this.#lasting.core!;
    core.assertOpen("call");
    const { body, properties } = call;
    const queue = this.#queueName();
    const traced = core.connection.tracing?.send("", queue, properties, body);
    call.sent = ++this.#sends;
    if (traced === undefined) publish(core, queue, properties, body);
    else traced.whole(() => publish(core, queue, traced.properties, body));
  }

  async #setUp(core: ChannelCore): Promise<void> {
    core.publishing.onReturn = ({ properties: { correlationId } }) => {
      const call = this.#callOf(correlationId);
      if (call === undefined) return;
      this.#wasTaken(call);
      if (this.#retries) this.#returned.add(call);
      else call.reject(this.#unroutable());
    };
    const method = basicConsume({ queue: DIRECT_REPLY_TO, noAck: true });
    await core.ask(method, ["basic.consume-ok"], ({ consumerTag }) => {
      const parts = { channel: core, consumerTag, noAck: true, onCancel: undefined };
      core.consumers.add(new CallbackConsumer(parts, (delivery) => this.#take(delivery)));
    });
  }

  #callOf(correlationId: string | undefined): Call | undefined {
    const call = this.#calls.get(Number(correlationId));
    return call?.correlationId === correlationId ? call : undefined;
  }

  /** The broker takes requests in order. */
  #wasTaken({ sent }: Call): void {
    if (sent > this.#givenUp) this.#givenUp = 0;
  }

  #take(delivery: Delivery): void {
    const call = this.#callOf(delivery.properties.correlationId);
    this.#returned.answered();
    if (call === undefined) return; // it came too late
    this.#wasTaken(call);
    this.#suspects.answered(call);
    try {
      const body = this.#codecs.decode(delivery.body, delivery.properties);
      if (!(body instanceof Promise)) this.#answered(call, delivery, body);
      else {
        body.then((body) => this.#answered(call, delivery, body))
          .catch((error) => call.reject(error));
      }
    } catch (error) {
      call.reject(error);
    }
  }

  #answered(call: Call, { properties: { headers } }: Delivery, body: unknown): void {
    const error = headers?.[ERROR_HEADER];
    if (typeof error === "string") call.reject(new RpcError(error, String(body)));
    else call.resolve(body);
  }

  #lost(reason: Error): boolean {
    const sent = [...this.#calls.values()].filter((call) => call.sent > 0);
    const hasOthers = this.#givenUp > 0;
    this.#givenUp = 0;
    return this.#suspects.lost(reason, sent, hasOthers);
  }

  /** Makes calls again that were under way on the channel before. */
  #makeAgain(core: ChannelCore): void {
    for (const call of this.#calls.values()) {
      if (call.sent === 0) continue;
      call.sent = 0;
      if (this.#suspects.has(call)) continue;
      this.#sendLater(call).catch((error) => call.reject(error));
    }
    this.#suspects.opened(core);
  }

  #ended(reason: Error | undefined): void {
    this.#deadlines.stop();
    this.#returned.stop();
    this.#suspects.end();
    const error = reason ??
      new ClosedError("finish call", "RPC client", "close it when its calls are answered");
    for (const call of this.#calls.values()) call.reject(error);
  }
}

function publish(
  core: ChannelCore,
  queue: string,
  properties: BasicProperties,
  body: Uint8Array | string,
): void {
  const { outgoing } = core.connection;
  const content = outgoing.take(body, false);
  // room is looked at before the next one
  core.publishing.publish("", queue, true, false, properties, content);
}

function checkTimeout(timeout: number): number {
  return checkInteger(timeout, 0x7fff_ffff, "timeout");
}
