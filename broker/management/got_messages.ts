import { Slices } from "../amqp/slices.ts";
import type { Channel } from "../../client/channel.ts";
import type { Delivery } from "../../client/delivery.ts";
import { payloadParts } from "./payload.ts";
import { describeProperties } from "./properties.ts";

/** What becomes of messages that were looked at. */
export const ACK_MODES = [
  "ack_requeue_true",
  "ack_requeue_false",
  "reject_requeue_true",
  "reject_requeue_false",
] as const;

/** The messages of one answer come to no more, in bytes. */
const BYTES_MAX = 32 * 1024 * 1024;
/** So much each of them counts besides its body and its properties. */
const MESSAGE_BYTES = 128;

/** What somebody wants of a queue. */
export interface Get {
  /** How many messages at most. */
  readonly count: number;
  /** What becomes of them. */
  readonly ackMode: typeof ACK_MODES[number];
  /** How their bodies are told. */
  readonly encoding: "auto" | "base64";
  /** So much is told of each, in bytes. */
  readonly truncate: number;
}

/** Messages that were got. */
export interface GotMessages {
  /** The messages, in their order. */
  readonly messages: readonly GotMessage[];
  /** What they come to. */
  readonly bytes: number;
}

interface GotMessage {
  /** Where its body is. */
  readonly delivery: Delivery;
  /** Its properties as JSON: to be counted they had to be made. */
  readonly properties: string;
}

/**
 * Gets messages, and does with them what is to be done.
 *
 * @param gone Aborted when nobody waits for them any more: those that are not got yet stay.
 */
export async function getMessages(
  channel: Channel,
  queue: string,
  { count, ackMode }: Get,
  gone?: AbortSignal,
): Promise<GotMessages> {
  const noAck = ackMode === "ack_requeue_false";
  const messages: GotMessage[] = [];
  let bytes = 0;
  const slices = new Slices();
  while (messages.length < count && bytes < BYTES_MAX && gone?.aborted !== true) {
    const delivery = await channel.basicGet(queue, { noAck });
    if (delivery === undefined) break;
    const properties = JSON.stringify(describeProperties(delivery.properties));
    messages.push({ delivery, properties });
    bytes += delivery.bodySize + properties.length + MESSAGE_BYTES;
    if (slices.over) await slices.rest();
  }
  if (ackMode === "ack_requeue_true") {
    messages.at(-1)?.delivery.nack({ requeue: true, multiple: true });
  } else if (!noAck) {
    for (const { delivery } of messages) {
      delivery.reject({ requeue: ackMode === "reject_requeue_true" });
      if (slices.over) await slices.rest();
    }
  }
  return { messages, bytes };
}

/** A list of them as JSON, in parts. */
export function* gotParts(
  { messages }: GotMessages,
  { encoding, truncate }: Get,
): Generator<string, void, undefined> {
  let separator = "[";
  for (const { delivery, properties } of messages) {
    const { bodySize, redelivered, exchange, routingKey, messageCount = 0, body } = delivery;
    const head = JSON.stringify({
      payload_bytes: bodySize,
      redelivered,
      exchange,
      routing_key: routingKey,
      message_count: messageCount,
    });
    yield `${separator}${head.slice(0, -1)},"properties":${properties},"payload":"`;
    const told = yield* payloadParts(body.subarray(0, truncate), encoding);
    yield `","payload_encoding":"${told}"}`;
    separator = ",";
  }
  yield separator === "[" ? "[]" : "]";
}
