import type { Content } from "../amqp/content.ts";
import { contentProperties } from "../amqp/content_codec.ts";
import type { BasicProperties } from "../amqp/properties.ts";
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

/** A page ends early when it has so many bytes of bodies. */
const PAGE_BYTES = 4 * 1024 * 1024;

/** Options of which all are said. */
export type CompleteBrowseOptions = Required<BrowseOptions>;

/** What is told of messages: those of the store are read together, and damaged ones left out. */
export function describeMessages(
  waiting: readonly WaitingMessage[],
  { durability }: QueueStorage,
  { bodyBytes }: CompleteBrowseOptions,
): QueuedMessage[] {
  const told = new Map<number, QueuedMessage>();
  const inStore = new Map<number, WaitingMessage>();
  let bytes = 0;
  for (const each of waiting) {
    if (bytes >= PAGE_BYTES) break;
    const { position, message } = each;
    const size = message?.size ?? durability!.stored.bodySize(position);
    bytes += Math.min(size, bodyBytes);
    if (message === undefined) inStore.set(position, each);
    else told.set(position, describe(each, message, bodyBytes));
  }
  if (inStore.size > 0) {
    const { store, stored } = durability!;
    store.readMany(stored, [...inStore.keys()], (position, found) => {
      if (found instanceof Error) {
        // a damaged one is told of when its turn comes
        if (found.code === "corrupt") return;
        throw found;
      }
      told.set(position, {
        ...describe(inStore.get(position)!, storedMessage(found), bodyBytes),
        redelivered: stored.redelivered(position),
        deliveryCount: stored.deliveryCount(position),
        expireTime: timeOrNever(stored.deadline(position)),
      });
    });
  }
  return waiting.map(({ position }) => told.get(position)).filter((each) => each !== undefined);
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
