import type { AmqpError } from "../../broker/amqp/error.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";

const PRECONDITION_FAILED = 406;
/** What brokers call the exchange that has no name. */
const DEFAULT_EXCHANGE = "amq.default";

/**
 * Those of several messages, of which the broker refused one, that it would refuse as well.
 *
 * The broker does not say which it was, and what came before it may have arrived, even
 * if it fits as well. But its words, which are
 * those of RabbitMQ and Warren, quote what they do not like: the exchange that is not there or must not
 * be written to (`amq.default` for the one without a name), and the routing key when that is what must not be used; another's `userId`; an
 * `expiration` that is none; how large a body is that is too large.
 *
 * @param reason What it closed the channel with.
 * @param messages Those that were under way, in order.
 * @returns None when its words quote none of them.
 */
export function blamedFor(
  reason: AmqpError,
  messages: readonly OutgoingMessage[],
): readonly OutgoingMessage[] {
  if (messages.length === 1) return messages;
  const { message: text, replyCode } = reason;
  const isQuoted = replyCode === PRECONDITION_FAILED ? quotesContent : quotesTarget;
  return messages.filter((message) => isQuoted(text, message));
}

function quotesTarget(text: string, { exchange, routingKey }: OutgoingMessage): boolean {
  if (!text.includes(`xchange '${exchange === "" ? DEFAULT_EXCHANGE : exchange}'`)) return false;
  return !text.includes(" to topic ") || text.includes(` to topic '${routingKey}' `);
}

function quotesContent(text: string, message: OutgoingMessage): boolean {
  const { userId, expiration } = message.properties;
  if (text.includes("user_id property set to ")) {
    return userId !== undefined && text.includes(` set to '${userId}' but `);
  }
  if (text.includes("invalid expiration ")) {
    return expiration !== undefined && text.includes(` expiration '${expiration}': `);
  }
  const [, size] = /message size (\d+) is larger than /.exec(text) ?? [];
  return size !== undefined && message.bodySize === Number(size);
}
