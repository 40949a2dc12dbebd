import type { Clock } from "../amqp/clock.ts";
import type { FieldTable, FieldValue } from "../amqp/field_table.ts";
import type { Logger, LogLevel } from "../amqp/logger.ts";
import type { BrokerEvent, BrokerEvents, ChannelEvent } from "../events.ts";
import { snakeCase } from "./firehose.ts";
import { InternalPublisher } from "./internal_publisher.ts";
import type { VirtualHost } from "./vhost.ts";

/**
 * The exchanges on which the broker tells of itself: `amq.rabbitmq.log` and `amq.rabbitmq.event`, both
 * in the default vhost. Nothing is made for them while nothing is bound.
 *
 * @module
 */

const LOG_EXCHANGE = "amq.rabbitmq.log";
const EVENT_EXCHANGE = "amq.rabbitmq.event";
const NO_BODY = new Uint8Array(0);
const encoder = new TextEncoder();

/**
 * Publishes each event with its name as routing key and its fields as headers. RabbitMQ, "Event Exchange
 * Plugin".
 *
 * @returns Ends it.
 */
export function publishEvents(vhost: VirtualHost, events: BrokerEvents): () => void {
  vhost.addSystemExchange(EVENT_EXCHANGE);
  const publisher = new InternalPublisher(vhost, EVENT_EXCHANGE);
  return events.listen((event: BrokerEvent) => {
    if (!publisher.heard) return;
    const { name, time, fields } = event;
    publisher.publish(name, {
      deliveryMode: 2,
      timestamp: wholeSecond(time),
      headers: {
        ...headersOf(fields),
        ...known(event),
        ...actingUser(event),
        timestamp_in_ms: BigInt(time),
        node: vhost.nodeName,
      },
    }, NO_BODY);
  });
}

/** What follows from the fields, and RabbitMQ says all the same. */
function known({ name, fields }: BrokerEvent): FieldTable {
  if (name.startsWith("binding.")) return { source_kind: "exchange" };
  if (!name.startsWith("channel.")) return {};
  const { connection, number } = fields as ChannelEvent;
  return { name: `${connection} (${number})` };
}

/** Who did it, as RabbitMQ calls that. What goes with its last consumer is the doing of who took that
 * away, where RabbitMQ says `rmq-internal`. Alarms are nobody's, and who logs in is not yet somebody. */
function actingUser({ name, fields, user }: BrokerEvent): FieldTable {
  if (/^(alarm\.|user\.authentication\.|connection\.closed$)/.test(name)) return {};
  const own = /^(connection|channel)\./.test(name) ? (fields as { user?: string }).user : undefined;
  return { user_who_performed_action: user ?? own ?? "rmq-internal" };
}

/** The logger of a broker that also publishes each line, with its level as routing key. RabbitMQ,
 * "Logging to Exchange". */
export class ExchangeLogger implements Logger {
  readonly #logger: Logger;
  readonly #clock: Clock;
  #publisher: InternalPublisher | undefined = undefined;
  #nodeName = "";

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** Begins to publish. */
  publishTo(vhost: VirtualHost): void {
    vhost.addSystemExchange(LOG_EXCHANGE);
    this.#publisher = new InternalPublisher(vhost, LOG_EXCHANGE);
    this.#nodeName = vhost.nodeName;
  }

  log(level: LogLevel, message: string, fields?: Readonly<Record<string, string>>): void {
    this.#logger.log(level, message, fields);
    if (!this.#publisher?.heard) return;
    this.#publisher.publish(
      level,
      {
        contentType: "text/plain",
        timestamp: wholeSecond(this.#clock.now()),
        headers: { node: this.#nodeName },
      },
      encoder.encode(message),
    );
  }
}

function wholeSecond(time: number): Date {
  return new Date(Math.floor(time / 1000) * 1000);
}

/** Names that RabbitMQ writes as parameters have them. */
const HYPHENATED: Readonly<Record<string, string>> = {
  applyTo: "apply-to",
  maxConnections: "max-connections",
  maxQueues: "max-queues",
};

/** What only programs are told, since RabbitMQ has no such header. */
const UNTOLD: readonly string[] = ["operator"];

function headersOf(fields: object): FieldTable {
  const headers: Record<string, FieldValue> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || UNTOLD.includes(name)) continue;
    headers[HYPHENATED[name] ?? snakeCase(name)] = value;
  }
  return headers;
}
