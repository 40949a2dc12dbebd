import { describe } from "../../broker/amqp/field_value.ts";
import { type BasicProperties, normaliseProperties } from "../../broker/amqp/properties.ts";
import type { ChannelCore } from "../channel_core.ts";
import type { Delivery } from "../delivery.ts";
import { checkInteger } from "../fields.ts";
import { Codecs, type EncodedBody } from "./codecs.ts";
import { isThenable } from "./handling.ts";
import { Message } from "./message.ts";
import type { ReplyChannel } from "./reply_channel.ts";
import { ERROR_HEADER, type RpcHandler, type ServeOptions } from "./rpc_options.ts";
import { Reply } from "./sent_replies.ts";
import type { Trials } from "./trials.ts";

type ReplyProperties = { -readonly [Name in keyof BasicProperties]: BasicProperties[Name] };

const REQUEST_MAX = 16 * 1024 * 1024;

/** What a caller is told of an error, of which a handler can make anything. */
function toldAs(error: unknown): { readonly name: string; readonly message: string } {
  try {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { name: String(name), message: String(message) };
  } catch {
    return { name: "Error", message: `the handler threw ${describe(error)}` };
  }
}

function replyOf(
  { properties: { replyTo = "" } }: Delivery,
  { body, contentType }: EncodedBody,
  properties: ReplyProperties,
): Reply {
  if (contentType !== undefined) properties.contentType = contentType;
  return new Reply(body, properties, replyTo);
}

/** From a request to its reply. */
export class Answering<Request> {
  /** The channel that requests come on. */
  core: ChannelCore | undefined;
  /** The channel that replies go out on. */
  replies: ReplyChannel | undefined;
  readonly #handler: RpcHandler<Request>;
  readonly #options: ServeOptions<Request>;
  readonly #codecs: Codecs;
  readonly #maxRequestBytes: number;
  readonly #trials: Trials;

  /** @param trials Who sends on the connection what may end it. */
  constructor(handler: RpcHandler<Request>, options: ServeOptions<Request>, trials: Trials) {
    this.#trials = trials;
    const { maxRequestBytes = REQUEST_MAX } = options;
    this.#handler = handler;
    this.#options = options;
    this.#maxRequestBytes = checkInteger(
      maxRequestBytes,
      Number.MAX_SAFE_INTEGER,
      "maxRequestBytes",
    );
    // one that is compressed must not become larger either
    this.#codecs = new Codecs(options.codecs, maxRequestBytes);
    normaliseProperties(options.properties ?? {});
  }

  /** A promise only when there is something to wait for: with one call after the other, each step is on
   * the way from a request to its reply. */
  answer({ delivery }: Message<unknown>): Promise<void> | undefined {
    let reply: Reply | Promise<Reply>;
    try {
      reply = this.#make(delivery);
    } catch (error) {
      reply = this.#refusal(delivery, error);
    }
    return reply instanceof Promise ? this.#sendLater(delivery, reply) : this.#send(reply);
  }

  #make(delivery: Delivery): Reply | Promise<Reply> {
    const decoded = this.#decode(delivery);
    if (!(decoded instanceof Promise)) return this.#handle(delivery, decoded);
    return decoded.then((request) => this.#handle(delivery, request));
  }

  #handle(delivery: Delivery, decoded: unknown): Reply | Promise<Reply> {
    const request = this.#validate(decoded);
    const value = this.#handler(request, new Message(request, delivery));
    if (!isThenable(value)) return this.#encode(delivery, value);
    return Promise.resolve(value).then((value) => this.#encode(delivery, value));
  }

  #encode(delivery: Delivery, value: unknown): Reply | Promise<Reply> {
    const properties = this.#propertiesFor(delivery);
    const encoding = this.#codecs.encode(value === undefined ? "" : value, properties);
    if (!(encoding instanceof Promise)) return replyOf(delivery, encoding, properties);
    return encoding.then((encoded) => replyOf(delivery, encoded, properties));
  }

  /** What the caller gets instead of a reply. */
  #refusal(delivery: Delivery, error: unknown): Reply {
    const { name, message } = toldAs(error);
    const { headers, contentEncoding: _, ...others } = this.#propertiesFor(delivery);
    const properties = {
      ...others,
      headers: { ...headers, [ERROR_HEADER]: name },
      contentType: "text/plain",
    };
    return new Reply(message, properties, delivery.properties.replyTo ?? "");
  }

  /** Of the reply, nobody else's. */
  #propertiesFor({ properties: { correlationId } }: Delivery): ReplyProperties {
    const { properties: common } = this.#options;
    if (common === undefined && correlationId !== undefined) return { correlationId };
    const properties: ReplyProperties = { ...common };
    if (correlationId !== undefined) properties.correlationId = correlationId;
    return properties;
  }

  async #sendLater(delivery: Delivery, making: Promise<Reply>): Promise<void> {
    let reply: Reply;
    try {
      reply = await making;
    } catch (error) {
      reply = this.#refusal(delivery, error);
    }
    await this.#send(reply);
  }

  /** What says nowhere to reply to is done. A reply may be what ends connections, so it waits while
   * somebody finds out whether a message of theirs is: its request is acked after it. */
  #send(reply: Reply): Promise<void> | undefined {
    if (!this.#trials.underWay) return this.#sendNow(reply);
    reply.wait();
    return this.#trials.whenOver().then(() => this.#sendNow(reply));
  }

  #sendNow(reply: Reply): Promise<void> | undefined {
    const { core } = this;
    if (reply.replyTo === "" || core === undefined) return undefined;
    return this.replies?.send(reply, core);
  }

  #decode({ bodySize, body, properties }: Delivery): unknown {
    if (bodySize > this.#maxRequestBytes) {
      throw new RangeError(`the request is larger than ${this.#maxRequestBytes} bytes`);
    }
    return this.#codecs.decode(body, properties);
  }

  #validate(request: unknown): Request {
    const { validate } = this.#options;
    return validate === undefined ? request as Request : validate(request);
  }
}
