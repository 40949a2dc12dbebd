import { isTable } from "../broker/amqp/field_value.ts";
import type { BasicProperties } from "../broker/amqp/properties.ts";
import type { MessageSpan, MessageTracer, TracedOperation } from "../broker/amqp/tracer.ts";
import type { Delivery } from "./delivery.ts";

/** Where the broker is. */
type ServerAddress = NonNullable<TracedOperation["server"]>;

/** A message that is about to be sent, and traced. */
export interface TracedSend {
  /** What it is sent with: with the trace in its headers. */
  readonly properties: BasicProperties;
  /** Sends it, and tells when that is done: when the promise resolves, if it gives one. What it throws
   * goes through. */
  whole<Result>(send: () => Result): Result;
}

/** Tells a tracer what a client does with messages. A connection without a tracer has none. */
export class ClientTracing {
  readonly #tracer: MessageTracer;
  readonly #server: ServerAddress | undefined;

  constructor(tracer: MessageTracer, server: ServerAddress | undefined) {
    this.#tracer = tracer;
    this.#server = server;
  }

  /** A message is sent; undefined when this one is not traced. */
  send(
    exchange: string,
    routingKey: string,
    properties: BasicProperties = {},
    body: Uint8Array | string,
  ): TracedSend | undefined {
    // what cannot be sent at all is refused by who sends it, and begins nothing that would not end
    if (typeof body !== "string" && !(body instanceof Uint8Array)) return undefined;
    if (typeof properties !== "object" || properties === null) return undefined;
    if (properties.headers !== undefined && !isTable(properties.headers)) return undefined;
    const span = this.#tracer.begin({
      name: "send",
      exchange,
      routingKey,
      properties,
      bodySize: typeof body === "string" ? encoder.encode(body).length : body.length,
      server: this.#server,
    });
    if (span === undefined) return undefined;
    const { headers } = span;
    return {
      properties: headers === undefined
        ? properties
        : { ...properties, headers: { ...properties.headers, ...headers } },
      whole: (send) => tellEnd(span, send),
    };
  }

  /** Somebody asked for a message and has it now. */
  received(delivery: Delivery, queue: string): void {
    this.#begin("receive", delivery, queue)?.end();
  }

  /** Hands a message to a callback, and tells when it has done with it. What it throws goes through. */
  process<Result>(delivery: Delivery, queue: string, handle: () => Result): Result {
    const span = this.#begin("process", delivery, queue);
    return span === undefined ? handle() : tellEnd(span, () => span.run(handle));
  }

  #begin(name: "receive" | "process", delivery: Delivery, queue: string): MessageSpan | undefined {
    const { exchange, routingKey, properties, bodySize, deliveryTag, redelivered } = delivery;
    const { consumerTag } = delivery;
    return this.#tracer.begin({
      name,
      exchange,
      routingKey,
      queue,
      properties,
      bodySize,
      deliveryTag,
      consumerTag: consumerTag === "" ? undefined : consumerTag,
      redelivered,
      server: this.#server,
    });
  }
}

const encoder = new TextEncoder();

function tellEnd<Result>(span: MessageSpan, work: () => Result): Result {
  let result: Result;
  try {
    result = work();
  } catch (error) {
    span.end({ error });
    throw error;
  }
  const thenable = result as PromiseLike<unknown> | undefined | null;
  if (typeof thenable?.then !== "function") span.end();
  else thenable.then(() => span.end(), (error) => span.end({ error }));
  return result;
}
