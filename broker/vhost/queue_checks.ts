import { AmqpError } from "../amqp/error.ts";
import type { Profile } from "../profiles.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import {
  checkConsumerArguments,
  checkQueueArguments,
  checkSameArguments,
  differs,
  queueTypeOf,
} from "../queue/queue_arguments.ts";
import { checkStreamConsumer, type StreamConsumption } from "../queue/stream/consumption.ts";
import type { QueueDeclaration } from "./declarations.ts";
import { queueText } from "./names.ts";

/**
 * What of queues is refused because of what they are, in RabbitMQ's words.
 *
 * @module
 */

/** How somebody wants to consume. */
export interface Consumption extends StreamConsumption {
  /** As the only one. */
  readonly exclusive: boolean;
  /** True when his channel has a limit for all its consumers together. */
  readonly globalPrefetch?: boolean;
}

/** @throws {AmqpError} 405 when a queue is another connection's alone. */
export function checkOwner(queue: MessageQueue, owner: object, vhost: string): void {
  if (queue.owner !== undefined && queue.owner !== owner) throw locked(queue, vhost);
}

/** What somebody is told who may not use a queue, since it is another connection's alone. */
export function locked(queue: MessageQueue, vhost: string): AmqpError {
  return new AmqpError(
    405,
    `cannot obtain exclusive access to locked ${queueText(queue.name, vhost)}. It could be ` +
      "originally declared on another connection or the exclusive property value does not " +
      "match that of the original declaration.",
  );
}

/**
 * Checks what is asked for of a queue that is new.
 *
 * @throws {AmqpError} 406 when an argument is wrong.
 */
export function checkNewQueue(
  name: string,
  declared: QueueDeclaration,
  vhost: string,
  profile: Profile,
): void {
  checkQueueArguments(queueText(name, vhost), declared, profile);
}

/**
 * Checks that a queue is what is asked for.
 *
 * @throws {AmqpError} 406 when it is not, 405 when it is another connection's alone.
 */
export function checkSameQueue(
  current: MessageQueue,
  declared: QueueDeclaration,
  owner: object,
  vhost: string,
): void {
  checkOwner(current, owner, vhost);
  if (declared.exclusive !== current.exclusive) throw locked(current, vhost);
  const text = queueText(current.name, vhost);
  if (declared.durable !== current.durable && !current.exclusive) {
    throw differs("durable", text, declared.durable, current.durable);
  }
  if (declared.autoDelete !== current.autoDelete) {
    throw differs("auto_delete", text, declared.autoDelete, current.autoDelete);
  }
  checkSameArguments(text, declared.arguments, current.arguments);
}

/**
 * Checks that a queue may be deleted.
 *
 * @throws {AmqpError} 406 when it is not empty or not unused and that is asked for, 540 when it is
 * not a classic one and either is asked for.
 */
export function checkDelete(
  queue: MessageQueue,
  { ifUnused, ifEmpty }: { readonly ifUnused: boolean; readonly ifEmpty: boolean },
  vhost: string,
): void {
  const type = queueTypeOf(queue.arguments);
  // RabbitMQ deletes a stream whatever is asked for, and somebody may rely on it
  if (type === "stream") return;
  const text = queueText(queue.name, vhost);
  if (type !== "classic" && (ifUnused || ifEmpty)) {
    throw new AmqpError(
      540,
      `cannot delete ${text}. queue.delete operations with ` +
        `${ifUnused ? "if-unused" : "if-empty"} flag set are not supported by ${type} queues`,
    );
  }
  if (ifEmpty && queue.messageCount + queue.retryingCount > 0) {
    throw new AmqpError(406, `${text} not empty`);
  }
  if (ifUnused && queue.consumerCount > 0) throw new AmqpError(406, `${text} in use`);
}

/**
 * Checks that a consumer may be added to a queue. Only classic queues know exclusive consumers, and
 * only they know a limit for a whole channel.
 *
 * @throws {AmqpError} 403 when there is an exclusive one, or it would be one and is not alone; 540
 * when its channel has such a limit; what `checkStreamConsumer` throws when it is a stream.
 */
export function checkConsume(
  queue: MessageQueue,
  options: Consumption,
  vhost: string,
  profile: Profile,
): void {
  const text = queueText(queue.name, vhost);
  checkConsumerArguments(text, queue.arguments, options.arguments ?? {}, profile);
  if (queueTypeOf(queue.arguments) !== "classic") {
    if (queueTypeOf(queue.arguments) === "stream") checkStreamConsumer(text, options);
    if (!options.globalPrefetch) return;
    throw new AmqpError(540, `${text} does not support global qos`);
  }
  const taken = queue.exclusiveConsumer !== undefined;
  const shared = queue.consumerCount > 0 || queue.singleActiveConsumer;
  if (taken || (options.exclusive && shared)) {
    throw new AmqpError(403, `${text} in exclusive use`);
  }
}

/**
 * Checks that messages may be taken out of a queue.
 *
 * @param method What is asked for.
 * @throws {AmqpError} 540 when it is a stream, 405 when it is a quorum queue that serves one consumer
 * at a time and a single message is asked for.
 */
export function checkTake(
  queue: MessageQueue,
  method: "basic.get" | "queue.purge",
  vhost: string,
): void {
  if (queue.keepsDelivered) {
    const text = queueText(queue.name, vhost);
    throw new AmqpError(540, `${method} not supported by stream queues ${text}`);
  }
  const single = queue.singleActiveConsumer && queueTypeOf(queue.arguments) === "quorum";
  if (single && method === "basic.get") {
    throw new AmqpError(
      405,
      `cannot obtain access to locked ${queueText(queue.name, vhost)}. basic.get operations are ` +
        "not supported by quorum queues with single active consumer",
    );
  }
}
