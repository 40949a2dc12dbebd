import type { Content } from "../amqp/content.ts";
import { editedContent } from "../amqp/content_edit.ts";
import { contentProperties } from "../amqp/content_codec.ts";
import type { MessageSpan, TracedOperation, TracedOutcome } from "../amqp/tracer.ts";
import { Message } from "../message.ts";
import type { PublishResult } from "../vhost/publishing.ts";
import type { BrokerChannel } from "./channel.ts";

/**
 * Messages that somebody else is told of: the firehose, or a tracer. What comes through here only does
 * while `vhost.observed`, so that it costs nothing otherwise.
 *
 * @module
 */

/** A publish of which somebody is told. */
export class ObservedPublish {
  /** The message that goes on: with the trace that it belongs to in its headers. */
  readonly message: Message;
  readonly #channel: BrokerChannel;
  readonly #span: MessageSpan | undefined;
  /** True when its end is told, or will be. */
  #over = false;

  constructor(channel: BrokerChannel, message: Message) {
    this.#channel = channel;
    this.#span = begin(channel, { ...describe(message), name: "publish" });
    this.message = withHeaders(message, this.#span);
  }

  /** The message is in these queues. */
  routed(result: PublishResult): void {
    const { vhost } = this.#channel.connection;
    const { routed, queues, stored } = result;
    vhost.firehose?.published(this.message, routed.map(({ name }) => name), this.#channel.traced);
    if (stored) vhost.store!.whenSynced((error) => this.#end({ error, queues }));
    else this.#end({ queues });
    this.#over = true;
  }

  /** It went no further than this. */
  done(error?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#end({ error });
  }

  #end(outcome: TracedOutcome): void {
    this.#span?.end(outcome);
  }
}

/** How a message is given to a client. */
export interface ObservedDelivery {
  /** Whether the client asked for this one. */
  readonly name: "deliver" | "get";
  /** Where it comes from. */
  readonly queue: string;
  /** Who gets it. */
  readonly consumerTag?: string;
  /** The number of the delivery. */
  readonly deliveryTag: number;
  /** True when it may have been delivered before. */
  readonly redelivered: boolean;
}

/**
 * Tells of a delivery.
 *
 * @param message The message as it is in the queue.
 * @param outgoing The same as the client is to get it.
 * @returns What the client gets: with the trace that it belongs to in its headers.
 */
export function observeDelivery(
  channel: BrokerChannel,
  message: Message,
  outgoing: Content,
  delivery: ObservedDelivery,
): Content {
  const { firehose } = channel.connection.vhost;
  firehose?.delivered(message, delivery.queue, delivery.redelivered, channel.traced);
  return traceDelivery(channel, outgoing, delivery);
}

/** As `observeDelivery`, for what the firehose is not told of. */
export function traceDelivery(
  channel: BrokerChannel,
  outgoing: Content,
  delivery: ObservedDelivery,
): Content {
  const span = begin(channel, { ...describe(outgoing), ...delivery });
  if (span === undefined) return outgoing;
  const { headers } = span;
  span.end();
  return headers === undefined ? outgoing : editedContent(outgoing, { headers });
}

function begin({ connection }: BrokerChannel, operation: TracedOperation): MessageSpan | undefined {
  const { tracer, name } = connection.vhost;
  return tracer?.begin({ ...operation, vhost: name, connection: connection.name });
}

function describe(message: Content) {
  return {
    exchange: message.exchange,
    routingKey: message.routingKey,
    properties: contentProperties(message),
    bodySize: message.bodyEnd - message.bodyStart,
  };
}

function withHeaders(message: Message, span: MessageSpan | undefined): Message {
  if (span?.headers === undefined) return message;
  const edited = new Message(editedContent(message, { headers: span.headers }));
  edited.expirationMs = message.expirationMs;
  message.done();
  return edited;
}
