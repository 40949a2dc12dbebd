import type { Content } from "../amqp/content.ts";
import { contentProperties } from "../amqp/content_codec.ts";
import type { BasicProperties } from "../amqp/properties.ts";
import { Message } from "../message.ts";
import type { PagePool } from "../pages.ts";
import { READS_AT_ONCE } from "../reading_turns.ts";
import { StoreError } from "../store/error.ts";
import type { QueueStorage } from "./storage.ts";
import { storedMessage } from "./stored_message.ts";
import type { WaitingMessage } from "./waiting.ts";

/** Which messages of a queue are looked at. */
export interface BrowseOptions {
  /** Those that come after the message with this id. Default: from the first one on. */
  readonly after?: number;
  /** How many at most. Default: 100. */
  readonly limit?: number;
  /** How many bytes of each body at most. Default: 65536. */
  readonly bodyBytes?: number;
}

/** A message that waits in a queue. */
export interface QueuedMessage {
  /** Names it as long as it is in the queue, and grows from each message that comes in to the next. In
   * a stream it is the offset. */
  readonly id: number;
  /** `retrying`: it came back, and waits before it goes out again. */
  readonly state: "ready" | "retrying";
  /** The exchange that it was published to. */
  readonly exchange: string;
  /** The routing key that it was published with. */
  readonly routingKey: string;
  /** Its properties. */
  readonly properties: BasicProperties;
  /** Size of its body in bytes. */
  readonly size: number;
  /** Its body, or the beginning of it. */
  readonly body: Uint8Array;
  /** True once it has been delivered to anybody. */
  readonly redelivered: boolean;
  /** How often it came back from a consumer. */
  readonly deliveryCount: number;
  /** When it is too old; undefined: never. */
  readonly expireTime: Date | undefined;
  /** When it goes out again; undefined: it is ready. */
  readonly retryTime: Date | undefined;
}

/** A page ends early when what it tells has this weight. */
export const PAGE_BYTES = 4 * 1024 * 1024;
/** As objects, properties are so many times what they are on the wire, and take long to make. */
const PROPERTIES_WEIGHT = 8;
/** A field of headers that are objects already. */
const FIELD_WEIGHT = 64;

/** Options of which all are said. */
export type CompleteBrowseOptions = Required<BrowseOptions>;

/**
 * Tells what some messages are, those of the store read together and damaged ones left out. It ends early
 * once it has many bytes, or had to read many pages.
 *
 * @returns What there is to be told, and of how many of them; of one at least, if there is any.
 * @throws {StoreError} When the disk does not give one at present.
 */
export function describeMessages(
  waiting: readonly WaitingMessage[],
  { durability, pages }: Pick<QueueStorage, "pages" | "durability">,
  { bodyBytes }: Pick<CompleteBrowseOptions, "bodyBytes">,
): { told: QueuedMessage[]; done: number } {
  const told = new Map<number, QueuedMessage>();
  const inStore = new Map<number, WaitingMessage>();
  const { reads } = pages;
  let bytes = 0;
  let done = 0;
  while (done < waiting.length && bytes < PAGE_BYTES && pages.reads - reads < READS_AT_ONCE) {
    const each = waiting[done++]!;
    const { position } = each;
    if (each.message === undefined && each.place === 0) {
      inStore.set(position, each);
      const { stored } = durability!;
      const bodySize = stored.bodySize(position);
      // of one that is about to be written only the body's is known
      const besides = Math.max(0, stored.diskSize(position) - bodySize);
      bytes += Math.min(bodySize, bodyBytes) + PROPERTIES_WEIGHT * besides;
      continue;
    }
    const message = each.message ?? lookAt(pages, each.place);
    // a damaged one is told of when its turn comes
    if (message === undefined) continue;
    bytes += weightOf(message, bodyBytes);
    told.set(position, describe(each, message, bodyBytes));
  }
  if (inStore.size > 0) {
    const { store, stored } = durability!;
    store.readMany(stored, [...inStore.keys()], (position, found) => {
      if (found instanceof Error) {
        if (found.code === "corrupt") return;
        throw found;
      }
      const each = inStore.get(position)!;
      told.set(position, {
        ...describe(each, storedMessage(found), bodyBytes),
        redelivered: each.entry?.redelivered || stored.redelivered(position),
        deliveryCount: stored.deliveryCount(position),
        expireTime: timeOrNever(stored.deadline(position)),
      });
    });
  }
  const inOrder = waiting.slice(0, done).map(({ position }) => told.get(position));
  return { told: inOrder.filter((each) => each !== undefined), done };
}

/** What it takes to tell of a message, in bytes. */
export function weightOf(
  { head, properties, propertiesStart, propertiesEnd, bodyStart, bodyEnd }: Content,
  bodyBytes: number,
): number {
  const ofProperties = head === undefined
    ? weightOfValue(properties?.headers)
    : PROPERTIES_WEIGHT * (propertiesEnd - propertiesStart);
  return Math.min(bodyEnd - bodyStart, bodyBytes) + ofProperties;
}

function weightOfValue(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return 0;
  let weight = 0;
  for (const inner of Object.values(value)) weight += FIELD_WEIGHT + weightOfValue(inner);
  return weight;
}

/** Undefined when it is damaged. */
function lookAt(pages: PagePool, place: number): Message | undefined {
  try {
    return Message.look(pages, place);
  } catch (error) {
    if (error instanceof StoreError && error.code === "corrupt") return undefined;
    throw error;
  }
}

function describe(
  { position, entry, deadline, retryTime }: WaitingMessage,
  message: Content,
  bodyBytes: number,
): QueuedMessage {
  return {
    id: position,
    state: retryTime === 0 ? "ready" : "retrying",
    ...describeContent(message, bodyBytes),
    redelivered: entry?.redelivered ?? false,
    deliveryCount: entry?.deliveryCount ?? 0,
    expireTime: timeOrNever(deadline),
    retryTime: timeOrNever(retryTime),
  };
}

/** What a message itself tells. Nothing of it changes when the queue goes on. */
export function describeContent(
  message: Content,
  bodyBytes: number,
): Pick<QueuedMessage, "exchange" | "routingKey" | "properties" | "size" | "body"> {
  const { exchange, routingKey, body, bodyStart, bodyEnd } = message;
  return {
    exchange,
    routingKey,
    properties: contentProperties(message),
    size: bodyEnd - bodyStart,
    body: body.slice(bodyStart, Math.min(bodyEnd, bodyStart + bodyBytes)),
  };
}

function timeOrNever(time: number): Date | undefined {
  return time === 0 ? undefined : new Date(time);
}
