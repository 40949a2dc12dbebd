import { contentProperties } from "../amqp/content_codec.ts";
import type { FieldTable, FieldValue } from "../amqp/field_table.ts";
import type { BasicProperties } from "../amqp/properties.ts";
import type { Message } from "../message.ts";
import { textsOf } from "./dead_letter.ts";
import { InternalPublisher } from "./internal_publisher.ts";
import { TRACE_EXCHANGE, type VirtualHost } from "./vhost.ts";

/** Who published a message, or got it. */
export interface TracedChannel {
  /** The connection's name. */
  readonly connection: string;
  /** The channel's number. */
  readonly channel: number;
  /** Who is logged in. */
  readonly user: string;
}

/**
 * The firehose: a copy of each message that is published in a vhost or delivered goes to the exchange
 * `amq.rabbitmq.trace`, with the routing key `publish.<exchange>` or `deliver.<queue>`. RabbitMQ,
 * "Firehose Tracer".
 */
export class Firehose {
  readonly #vhost: VirtualHost;
  readonly #publisher: InternalPublisher;

  constructor(vhost: VirtualHost) {
    this.#vhost = vhost;
    this.#publisher = new InternalPublisher(vhost, TRACE_EXCHANGE);
  }

  /** A client published a message, for these queues. */
  published(message: Message, queues: readonly string[], by: TracedChannel): void {
    if (this.#ignores(message)) return;
    this.#publish(`publish.${message.exchange}`, message, {
      ...this.#headers(message, by),
      routed_queues: queues,
    });
  }

  /** A client got a message of a queue. */
  delivered(message: Message, queue: string, redelivered: boolean, to: TracedChannel): void {
    if (this.#ignores(message)) return;
    this.#publish(`deliver.${queue}`, message, {
      ...this.#headers(message, to),
      redelivered: redelivered ? 1 : 0,
    });
  }

  #ignores({ exchange }: Message): boolean {
    return exchange === TRACE_EXCHANGE || !this.#publisher.heard;
  }

  #headers(message: Message, { connection, channel, user }: TracedChannel): FieldTable {
    const properties = contentProperties(message);
    return {
      exchange_name: message.exchange,
      routing_keys: [
        message.routingKey,
        ...textsOf(properties.headers?.["CC"]),
        ...textsOf(properties.headers?.["BCC"]),
      ],
      properties: propertyTable(properties),
      node: this.#vhost.nodeName,
      vhost: this.#vhost.name,
      connection,
      channel,
      user,
    };
  }

  #publish(routingKey: string, { body, bodyStart, bodyEnd }: Message, headers: FieldTable): void {
    this.#publisher.publish(routingKey, { headers }, body.slice(bodyStart, bodyEnd));
  }
}

/** A message's properties under the names that RabbitMQ gives them in tables. What is left of the
 * header BCC are keys. */
function propertyTable(properties: BasicProperties): FieldTable {
  const table: Record<string, FieldValue> = {};
  for (const [name, value] of Object.entries(properties)) {
    if (value !== undefined) table[snakeCase(name)] = value;
  }
  const { headers, timestamp } = properties;
  if (headers?.["BCC"] !== undefined) {
    const { BCC: _, ...others } = headers;
    table["headers"] = others;
  }
  if (timestamp !== undefined) table["timestamp"] = Math.floor(timestamp.getTime() / 1000);
  return table;
}

/** `contentType` as `content_type`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
