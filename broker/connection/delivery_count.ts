import type { Content } from "../amqp/content.ts";
import { editedContent } from "../amqp/content_edit.ts";
import type { FieldTable } from "../amqp/field_table.ts";
import type { MessageQueue } from "../queue/message_queue.ts";

/** How often a message came back; what is 0 is not told. */
export interface DeliveryCounts {
  /** So far as it counts towards the delivery limit. */
  readonly deliveryCount: number;
  /** At all. */
  readonly acquiredCount: number;
}

/**
 * A message as its consumer gets it after it came back some times: a quorum queue tells how often, in
 * the headers `x-delivery-count` and `x-acquired-count`, and so does a classic one with a delivery
 * limit, with retries, or with the argument `x-delivery-count`. RabbitMQ, "Quorum Queues", section
 * "Poison Message Handling".
 */
export function counted(message: Content, queue: MessageQueue, counts: DeliveryCounts): Content {
  if (!queue.tellsDeliveryCount) return message;
  const { deliveryCount, acquiredCount } = counts;
  const headers: Record<string, FieldTable[string]> = {};
  if (acquiredCount > 0) headers["x-acquired-count"] = BigInt(acquiredCount);
  if (deliveryCount > 0) headers["x-delivery-count"] = BigInt(deliveryCount);
  return editedContent(message, { headers });
}
