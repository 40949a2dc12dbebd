import { type Attributes, SpanKind } from "@opentelemetry/api";
import type { TracedOperation, TracedOperationName } from "../amqp/tracer.ts";

/** What OpenTelemetry calls an operation. */
interface OperationFacts {
  /** The kind of its span. */
  readonly kind: SpanKind;
  /** The type of the operation. */
  readonly type: "send" | "receive" | "process";
}

/**
 * The kinds go in pairs, since that is what tools make edges of a map from: what a program sends, the
 * broker receives; what the broker sends, a program receives.
 */
export const OPERATIONS: Readonly<Record<TracedOperationName, OperationFacts>> = {
  send: { kind: SpanKind.PRODUCER, type: "send" },
  publish: { kind: SpanKind.CONSUMER, type: "receive" },
  deliver: { kind: SpanKind.PRODUCER, type: "send" },
  get: { kind: SpanKind.PRODUCER, type: "send" },
  receive: { kind: SpanKind.CONSUMER, type: "receive" },
  process: { kind: SpanKind.CONSUMER, type: "process" },
};

/** Names that a broker makes up. */
const GENERATED = /^amq\.(gen-|rabbitmq\.reply-to)/;

/**
 * Where a message goes to or comes from, as the conventions for RabbitMQ put it: exchange, routing key
 * and queue, as far as they are there and not the same.
 */
export function destinationOf({ exchange, routingKey, queue }: TracedOperation): string {
  const parts = [exchange, routingKey];
  if (queue !== undefined && queue !== routingKey) parts.push(queue);
  const name = parts.filter((part) => part !== "").join(":");
  return name === "" ? "amq.default" : name;
}

/** The name of a span: without a destination that nobody else has. */
export function spanName(operation: TracedOperation): string {
  return isTemporary(operation) ? operation.name : `${operation.name} ${destinationOf(operation)}`;
}

function isTemporary({ exchange, routingKey, queue }: TracedOperation): boolean {
  return GENERATED.test(queue ?? "") || (exchange === "" && GENERATED.test(routingKey));
}

/** What a span says of its message, by OpenTelemetry's names. */
export function attributesOf(operation: TracedOperation): Attributes {
  const { name, routingKey, properties, bodySize, deliveryTag, server } = operation;
  const { messageId, correlationId } = properties;
  const attributes: Attributes = {
    "messaging.system": "rabbitmq",
    "messaging.operation.name": name,
    "messaging.operation.type": OPERATIONS[name].type,
    "messaging.destination.name": destinationOf(operation),
    "messaging.message.body.size": bodySize,
  };
  if (isTemporary(operation)) attributes["messaging.destination.temporary"] = true;
  if (routingKey !== "") attributes["messaging.rabbitmq.destination.routing_key"] = routingKey;
  if (deliveryTag !== undefined) {
    attributes["messaging.rabbitmq.message.delivery_tag"] = deliveryTag;
  }
  if (messageId !== undefined) attributes["messaging.message.id"] = messageId;
  if (correlationId !== undefined) attributes["messaging.message.conversation_id"] = correlationId;
  if (server !== undefined) {
    attributes["server.address"] = server.address;
    if (server.port !== undefined) attributes["server.port"] = server.port;
  }
  // what the conventions have no word for
  const { connection, consumerTag, redelivered, vhost } = operation;
  if (vhost !== undefined) attributes["warren.vhost"] = vhost;
  if (connection !== undefined) attributes["warren.connection"] = connection;
  if (consumerTag !== undefined) attributes["warren.consumer_tag"] = consumerTag;
  if (redelivered === true) attributes["warren.redelivered"] = true;
  return attributes;
}
