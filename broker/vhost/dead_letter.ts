import { contentProperties } from "../amqp/content_codec.ts";
import { editedContent } from "../amqp/content_edit.ts";
import type { FieldTable, FieldValue } from "../amqp/field_table.ts";
import { Message } from "../message.ts";
import { DROP_IN, type Profile } from "../profiles.ts";
import type { DeathReason } from "../queue/queue.ts";
import { headersHold } from "../queue/stream/head.ts";

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

/** A dead message on its way. */
export interface DeadLetter {
  /** As it is published now. */
  readonly message: Message;
  /** Routing keys that it has besides its own; undefined: none. */
  readonly moreKeys: readonly string[] | undefined;
  /** What its header `x-death` says. */
  readonly deaths: readonly FieldTable[];
}

/**
 * A message that a client publishes, where what it tells of deaths is no story of this broker's
 * (RabbitMQ 4): the header stays as it is, and the next death begins anew.
 *
 * Nothing needs to be remembered beside the message: the fields of a table have no order for a client,
 * and so the order in which the broker writes an entry tells its own from all others.
 */
export function withoutStory(message: Message): Message {
  if (message.head !== undefined && !headersHold(message.head, message.propertiesStart, X_DEATH)) {
    return message;
  }
  const deaths = contentProperties(message).headers?.["x-death"];
  if (!Array.isArray(deaths) || !isOwnStory(deaths)) return message;
  const [first, ...rest] = deaths;
  const turned = Object.fromEntries(Object.entries(first as FieldTable).reverse());
  return new Message(editedContent(message, { headers: { "x-death": [turned, ...rest] } }));
}

const X_DEATH = new TextEncoder().encode("x-death");

/** The fields of an entry in the order in which the broker writes them. */
const FIELDS = ["count", "reason", "queue", "time", "exchange", "routing-keys"];

/** True when the broker itself wrote it, or a client made it up in the very same order. */
function isOwnStory([newest]: readonly FieldValue[]): boolean {
  if (newest === undefined || !isTable(newest)) return false;
  const names = Object.keys(newest);
  if (names[0] === "original-expiration") names.shift();
  return names.join() === FIELDS.join();
}

/**
 * The message that a dead one becomes: with the story of its deaths in the header `x-death`, newest
 * first, one entry for each queue and reason. RabbitMQ, "Dead Letter Exchanges".
 *
 * @param profile `continuesDeaths`: what any client wrote into that header counts, too.
 */
export function deadLetter(
  message: Message,
  death: Death,
  { continuesDeaths }: Pick<Profile, "continuesDeaths"> = DROP_IN,
): DeadLetter {
  const { headers = {}, expiration } = contentProperties(message);
  const told = headers["x-death"];
  const story = Array.isArray(told) && (continuesDeaths || isOwnStory(told)) ? told : undefined;
  const { exchange, queue, reason, routingKey } = death;
  const copies = textsOf(headers["CC"]);
  const deaths = addDeath(deathsOf(story ?? []), {
    ...(expiration === undefined ? {} : { "original-expiration": expiration }),
    count: 1n,
    reason,
    queue,
    time: new Date(death.now),
    exchange: message.exchange,
    "routing-keys": [message.routingKey, ...copies],
  });
  const first = {
    "x-first-death-exchange": message.exchange,
    "x-first-death-queue": queue,
    "x-first-death-reason": reason,
  };
  const content = editedContent(message, {
    exchange,
    ...(routingKey === undefined ? {} : { routingKey }),
    headers: {
      ...("x-first-death-reason" in headers && (continuesDeaths || story !== undefined)
        ? {}
        : first),
      "x-death": deaths,
      "x-last-death-exchange": message.exchange,
      "x-last-death-queue": queue,
      "x-last-death-reason": reason,
    },
    // its keys were replaced, and the header's are keys too
    without: routingKey === undefined ? [] : ["CC"],
    withoutExpiration: true,
  });
  const moreKeys = routingKey === undefined && copies.length > 0 ? copies : undefined;
  return { message: new Message(content), moreKeys, deaths };
}

/** A queue and a reason that are known are counted, and come to the front. */
function addDeath(deaths: readonly CountedDeath[], death: FieldTable): readonly FieldTable[] {
  const isSame = (entry: FieldTable) =>
    entry["queue"] === death["queue"] && entry["reason"] === death["reason"];
  const former = deaths.find(isSame);
  const entry = former === undefined ? death : { ...former, count: oneMore(former.count) };
  return [entry, ...deaths.filter((other) => !isSame(other))];
}

/**
 * True when a dead message would go round in a circle with no client in it: the queue has seen it die,
 * and since then nobody has rejected it.
 *
 * @param deaths Those of the message that is about to be published.
 */
export function isDeadLetterCycle(deaths: readonly FieldTable[], queue: string): boolean {
  const last = deaths.findIndex((entry) => entry["queue"] === queue);
  if (last < 0) return false;
  return !deaths.slice(0, last + 1).some((entry) => entry["reason"] === "rejected");
}

/** In how many queues a message has died with no client in between: all of those since somebody rejected
 * it. */
export function deathsByItself(deaths: readonly FieldTable[]): number {
  const rejected = deaths.findIndex((entry) => entry["reason"] === "rejected");
  return rejected < 0 ? deaths.length : rejected;
}

/** The deaths that a message tells of. A client may have written anything there; as in RabbitMQ since 3.13, what
 * has no count is none. Counts are long, however small: some clients read them by their type. */
function deathsOf(deaths: readonly FieldValue[]): readonly CountedDeath[] {
  return deaths.filter(isDeath).map((entry) => ({ ...entry, count: BigInt(entry.count) }));
}

type CountedDeath = FieldTable & { readonly count: bigint };

function isDeath(value: FieldValue): value is FieldTable & { readonly count: number | bigint } {
  return isTable(value) && isInteger(value["count"]);
}

function isInteger(value: FieldValue | undefined): value is number | bigint {
  return typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));
}

function isTable(value: FieldValue): value is FieldTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.getPrototypeOf(value) === Object.prototype;
}

/** A client may have written the largest count that there is. */
function oneMore(count: bigint): bigint {
  return count === COUNT_MAX ? count : count + 1n;
}

const COUNT_MAX = 2n ** 63n - 1n;

/** The texts of a header that is an array of them. */
export function textsOf(value: FieldValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
