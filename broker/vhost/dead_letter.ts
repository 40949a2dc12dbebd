import { Content } from "../amqp/content.ts";
import { contentProperties } from "../amqp/content_codec.ts";
import type { FieldTable, FieldValue } from "../amqp/field_table.ts";
import { Message } from "../message.ts";
import type { DeathReason } from "../queue/queue.ts";

/** How a message died, and where it goes. */
export interface Death {
  /** The queue that it died in. */
  readonly queue: string;
  /** Why. */
  readonly reason: DeathReason;
  /** The exchange that it is published to now. */
  readonly exchange: string;
  /** The routing key that it is published with; undefined: its own, and those of its header CC. */
  readonly routingKey: string | undefined;
  /** When, in milliseconds since 1970. */
  readonly now: number;
}

/**
 * The message that a dead one becomes: with the story of its deaths in the header `x-death`, newest
 * first, one entry for each queue and reason. RabbitMQ, "Dead Letter Exchanges".
 */
export function deadLetter(message: Message, death: Death): Message {
  const { headers = {}, expiration, ...properties } = contentProperties(message);
  const content = new Content();
  content.exchange = death.exchange;
  content.routingKey = death.routingKey ?? message.routingKey;
  content.properties = {
    ...properties,
    headers: deathHeaders(message, headers, expiration, death),
  };
  content.body = message.body;
  content.bodyStart = message.bodyStart;
  content.bodyEnd = message.bodyEnd;
  content.transferred = message.transferred;
  return new Message(content);
}

function deathHeaders(
  message: Message,
  headers: FieldTable,
  expiration: string | undefined,
  { queue, reason, routingKey, now }: Death,
): FieldTable {
  const deaths = deathsOf(headers);
  const isSame = (entry: FieldTable) => entry["queue"] === queue && entry["reason"] === reason;
  const former = deaths.find(isSame);
  const entry: FieldTable = former !== undefined ? { ...former, count: countOf(former) + 1n } : {
    ...(expiration === undefined ? {} : { "original-expiration": expiration }),
    count: 1n,
    reason,
    queue,
    time: new Date(now),
    exchange: message.exchange,
    "routing-keys": [message.routingKey, ...textsOf(headers["CC"])],
  };
  const first = {
    "x-first-death-exchange": message.exchange,
    "x-first-death-queue": queue,
    "x-first-death-reason": reason,
  };
  const result: Record<string, FieldValue> = {
    ...("x-first-death-reason" in headers ? {} : first),
    ...headers,
    "x-death": [entry, ...deaths.filter((other) => !isSame(other))],
    "x-last-death-exchange": message.exchange,
    "x-last-death-queue": queue,
    "x-last-death-reason": reason,
  };
  // its keys were replaced, and the header's are keys too
  if (routingKey !== undefined) delete result["CC"];
  return result;
}

/**
 * True when a dead message would go round in a circle with no client in it: the queue has seen it die,
 * and since then nobody has rejected it.
 *
 * @param headers Those of the message that is about to be published.
 */
export function isDeadLetterCycle(headers: FieldTable, queue: string): boolean {
  const deaths = deathsOf(headers);
  const last = deaths.findIndex((entry) => entry["queue"] === queue);
  if (last < 0) return false;
  return !deaths.slice(0, last + 1).some((entry) => entry["reason"] === "rejected");
}

/** The deaths that a message tells of. A client may have written anything there. */
function deathsOf(headers: FieldTable): readonly FieldTable[] {
  const deaths = headers["x-death"];
  return Array.isArray(deaths) ? deaths.filter(isTable) : [];
}

function isTable(value: FieldValue): value is FieldTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.getPrototypeOf(value) === Object.prototype;
}

function countOf({ count }: FieldTable): bigint {
  const known = typeof count === "bigint" || (typeof count === "number" && Number.isInteger(count));
  return known ? BigInt(count) : 1n;
}

/** The texts of a header that is an array of them. */
export function textsOf(value: FieldValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
