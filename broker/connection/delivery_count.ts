import type { Content } from "../amqp/content.ts";
import { editedContent } from "../amqp/content_edit.ts";
import type { MessageQueue } from "../queue/message_queue.ts";

/**
 * A message as its consumer gets it after it came back some times: a quorum queue tells how often, in
 * the header `x-delivery-count`, and so does a classic one with a delivery limit, with retries, or
 * with the argument of that name. RabbitMQ, "Quorum Queues", section "Poison Message Handling".
 */
export function counted(message: Content, queue: MessageQueue, deliveryCount: number): Content {
  if (!queue.tellsDeliveryCount) return message;
  return editedContent(message, { headers: { "x-delivery-count": BigInt(deliveryCount) } });
}
