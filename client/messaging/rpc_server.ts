import { normaliseTable } from "../../broker/amqp/field_table.ts";
import { queueDeclare } from "../../broker/amqp/methods/queue.ts";
import { abortable, type CallOptions } from "../abortable.ts";
import { QUEUE_DECLARE_NAMES, type QueueDeclareOptions } from "../channel_options.ts";
import { checkFunction, checkOptions, checkProperties, checkShortString } from "../fields.ts";
import { Answering } from "./answering.ts";
import { Codecs } from "./codecs.ts";
import type { Home } from "./lasting_channel.ts";
import { MessageConsumer } from "./message_consumer.ts";
import { ReplyChannel } from "./reply_channel.ts";
import { type RpcHandler, SERVE_NAMES, type ServeOptions } from "./rpc_options.ts";

/**
 * Answers the calls that come to a queue; `Connection.serve` makes it.
 *
 * Several servers of one queue share its calls. A request is acked when its reply was sent; when a
 * server goes away before, another server of the queue gets it, so a handler may run twice for one call.
 * The queue goes with its last server, unless `queueOptions` say otherwise, and then the requests in it go
 * too: their callers wait for their time-out. With `queueOptions: { autoDelete: false }` they wait for the
 * next server instead, and so does a call that finds none, which is otherwise told at once. A request that
 * says nowhere to reply to is handled all the same.
 *
 * A reply that the broker does not take, such as one that is larger than it allows, is told to its caller as
 * an error, and so is one that cannot be encoded; nobody else notices.
 *
 * Callers in any language reach it: a request has `reply_to` and `correlation_id`, the reply has the
 * same `correlation_id`. A reply that is an error has the header `x-rpc-error` with the error's name, and
 * its message as text.
 *
 * @example Bounds are checked, and the caller is told
 * ```ts
 * import { Broker, RpcError } from "@warren/amqp";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using connection = await broker.connect();
 * await using _server = await connection.serve("fibonacci", fibonacci, {
 *   validate(request) {
 *     const n = Number(request);
 *     if (!Number.isInteger(n) || n < 0 || n > 1000) throw new RangeError("0 to 1000, please");
 *     return n;
 *   },
 * });
 * function fibonacci(n: number): number {
 *   let [one, other] = [0, 1];
 *   for (; n > 0; n--) [one, other] = [other, one + other];
 *   return one;
 * }
 *
 * await using client = await connection.rpc("fibonacci");
 * assertEquals(await client.call(10), 55);
 * const error = await assertRejects(() => client.call(1e9), RpcError, "0 to 1000");
 * assertEquals(error.remoteName, "RangeError");
 * ```
 */
export class RpcServer implements AsyncDisposable {
  /** Resolves when the server has ended: with the reason, or with undefined when this program closed it
   * or its connection. Never rejects. */
  readonly closed: Promise<Error | undefined>;
  readonly #consumer: MessageConsumer<never>;
  readonly #replies: ReplyChannel;

  private constructor(consumer: MessageConsumer<never>, replies: ReplyChannel) {
    this.#consumer = consumer;
    this.#replies = replies;
    this.closed = consumer.closed;
  }

  /** @ignore */
  static async open<Request>(
    home: Home,
    queue: string,
    handler: RpcHandler<Request>,
    options: ServeOptions<Request>,
  ): Promise<RpcServer> {
    checkOptions(options as ServeOptions, SERVE_NAMES, "serve");
    checkProperties(options.properties, "serve");
    checkFunction(handler, "handler", "serve");
    if (options.validate !== undefined) checkFunction(options.validate, "validate", "serve");
    const { concurrency = 1, prefetch, signal } = options;
    const declare = declaration(queue, options.queueOptions);
    const answering = new Answering(handler, options, home.trials);
    const replies = await ReplyChannel.open(home, queue, signal);
    answering.replies = replies;
    try {
      const consumer = await MessageConsumer.open<never>(
        home,
        {
          queue,
          concurrency,
          ...(prefetch === undefined ? {} : { prefetch }),
          ...(signal === undefined ? {} : { signal }),
        },
        (message) => answering.answer(message),
        async (core, queue) => {
          answering.core = core;
          await core.ask({ ...declare, queue }, ["queue.declare-ok"]);
        },
        // bodies are decoded where what goes wrong is told to the caller
        Codecs.none,
      );
      // one that is closed by its signal too
      consumer.closed.then(() => replies.close());
      return new RpcServer(consumer, replies);
    } catch (error) {
      await replies.close();
      throw error;
    }
  }

  /** How many requests are being handled. */
  get running(): number {
    return this.#consumer.running;
  }

  /**
   * Takes no more requests, and waits until those at work are answered.
   *
   * @param options Signal, which closes it at once: what is not answered by then goes back to its queue.
   */
  async close(options: CallOptions = {}): Promise<void> {
    await this.#consumer.close(options);
    await abortable(this.#replies.close(), options.signal);
  }

  /** Closes the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function declaration(queue: string, queueOptions: QueueDeclareOptions = {}) {
  checkOptions(queueOptions, QUEUE_DECLARE_NAMES, "declare queue");
  const {
    passive = false,
    durable = true,
    autoDelete = true,
    exclusive = false,
    arguments: table = {},
  } = queueOptions;
  return queueDeclare({
    queue: checkShortString(queue, "queue"),
    passive,
    durable,
    autoDelete,
    exclusive,
    arguments: normaliseTable(table),
  });
}
