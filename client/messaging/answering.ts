import { describe } from "../../broker/amqp/field_value.ts";
import { type BasicProperties, normaliseProperties } from "../../broker/amqp/properties.ts";
import type { ChannelCore } from "../channel_core.ts";
import type { Delivery } from "../delivery.ts";
import { checkInteger } from "../fields.ts";
import { Codecs, type EncodedBody } from "./codecs.ts";
import { isThenable } from "./handling.ts";
import { Message } from "./message.ts";
import { ERROR_HEADER, type RpcHandler, type ServeOptions } from "./rpc_options.ts";

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

/** From a request to its reply. */
export class Answering<Request> {
  /** The channel that requests come on and replies go out on. */
  core: ChannelCore | undefined;
  readonly #handler: RpcHandler<Request>;
  readonly #options: ServeOptions<Request>;
  readonly #codecs: Codecs;
  readonly #maxRequestBytes: number;

  constructor(handler: RpcHandler<Request>, options: ServeOptions<Request>) {
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

  async answer({ delivery }: Message<unknown>): Promise<void> {
    const { core } = this;
    const { replyTo, correlationId } = delivery.properties;
    const properties: ReplyProperties = { ...this.#options.properties };
    if (correlationId !== undefined) properties.correlationId = correlationId;
    let reply: EncodedBody;
    let whole: BasicProperties = properties;
    try {
      // each promise that is not there need not be awaited
      const decoded = this.#decode(delivery);
      const request = this.#validate(decoded instanceof Promise ? await decoded : decoded);
      const handled = this.#handler(request, new Message(request, delivery));
      const value = isThenable(handled) ? await handled : handled;
      const encoding = this.#codecs.encode(value === undefined ? "" : value, properties);
      reply = encoding instanceof Promise ? await encoding : encoding;
      if (reply.contentType !== undefined) properties.contentType = reply.contentType;
    } catch (error) {
      const { name, message } = toldAs(error);
      const { headers, contentEncoding: _, ...others } = properties;
      reply = { body: message, contentType: "text/plain" };
      whole = {
        ...others,
        headers: { ...headers, [ERROR_HEADER]: name },
        contentType: "text/plain",
      };
    }
    if (replyTo === undefined || core === undefined || !core.isOpen) return;
    const { outgoing, tracing } = core.connection;
    const traced = tracing?.send("", replyTo, whole, reply.body);
    outgoing.setBody(reply.body, false);
    const { publishing } = core;
    const room = traced === undefined
      ? publishing.publish("", replyTo, false, false, whole, outgoing)
      : traced.whole(() =>
        publishing.publish("", replyTo, false, false, traced.properties, outgoing)
      );
    if (room !== undefined) await room;
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
