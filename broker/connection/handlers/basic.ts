import { BODY_SIZE_MAX } from "../../amqp/constants.ts";
import type { Content } from "../../amqp/content.ts";
import { contentProperties } from "../../amqp/content_codec.ts";
import { AmqpError } from "../../amqp/error.ts";
import type { FieldTable } from "../../amqp/field_table.ts";
import type { Steps } from "../../amqp/long_work.ts";
import {
  type BasicAck,
  type BasicCancel,
  basicCancelOk,
  type BasicConsume,
  basicConsumeOk,
  type BasicGet,
  basicGetEmpty,
  basicGetOk,
  type BasicNack,
  type BasicPublish,
  type BasicQos,
  basicQosOk,
  basicRecoverOk,
  type BasicReject,
  basicReturn,
} from "../../amqp/methods/basic.ts";
import type { Method } from "../../amqp/methods/mod.ts";
import { PROPERTY_FLAGS } from "../../amqp/properties.ts";
import { Message } from "../../message.ts";
import { typeName } from "../../queue/queue_arguments.ts";
import { withoutStory } from "../../vhost/dead_letter.ts";
import { generatedName, isDirectReplyTo } from "../../vhost/names.ts";
import { withoutBcc } from "../../vhost/sender_selected.ts";
import type { BrokerChannel } from "../channel.ts";
import { ChannelConsumer } from "../consumer.ts";
import { counted } from "../delivery_count.ts";
import { DirectReply } from "../direct_reply.ts";
import { observeDelivery, ObservedPublish } from "../observed.ts";
import type { Settlement } from "../transaction.ts";
import { checkTopics } from "./permitted.ts";

/** Properties that the broker looks at when a message comes in. */
const LOOKED_AT = PROPERTY_FLAGS.expiration | PROPERTY_FLAGS.userId | PROPERTY_FLAGS.replyTo;
/** Ten years, the longest expiration that RabbitMQ takes. */
const EXPIRATION_MS_MAX = 315_360_000_000;
/** What it costs to meet as many messages that are too old as go at once. */
const TOO_OLD_COST = 128;

/** Carries out the methods of the class `basic` that have no content. */
export function handleBasic(channel: BrokerChannel, method: Method): void {
  switch (method.name) {
    case "basic.ack":
    case "basic.nack":
    case "basic.reject":
      return settle(channel, method);
    case "basic.get":
      return get(channel, method);
    case "basic.consume":
      return consume(channel, method);
    case "basic.cancel":
      return cancel(channel, method);
    case "basic.cancel-ok":
      // its consumer went as the cancel was sent, and another one may have the tag by now
      if (channel.connection.profile.takesCancelOk) return;
      throw new AmqpError(503, "unimplemented method");
    case "basic.qos":
      return qos(channel, method);
    case "basic.recover":
    case "basic.recover-async":
      if (!method.requeue) throw new AmqpError(540, "requeue=false");
      if (method.name === "basic.recover") channel.send(basicRecoverOk());
      return channel.settleUpTo(0, "requeue", method);
    default:
      throw new AmqpError(503, "unimplemented method");
  }
}

// ---- publish

/** Carries out `basic.publish`; the checks stand in RabbitMQ's order. */
export function publish(channel: BrokerChannel, method: BasicPublish, content: Content): void {
  const connection = channel.connection;
  const restrictions = connection.restrictions;
  const vhost = connection.vhost;
  if (method.immediate) throw isImmediate();
  const size = content.bodyEnd - content.bodyStart;
  if (size > connection.limits.messageSizeMax) {
    throw tooLarge(size, connection.limits.messageSizeMax);
  }
  vhost.messageSizes.note(size);
  restrictions?.requirePublish(content.exchange);
  vhost.checkPublish(method);
  const message = connection.profile.continuesDeaths
    ? Message.begin(content)
    : withoutStory(new Message(content));
  const userId = hasPropertiesToLookAt(content) ? takeProperties(channel, message) : undefined;
  if (restrictions?.looksAtTopics) checkTopics(channel, message);
  if (userId !== undefined) checkUserId(channel, userId);

  if (vhost.observed) return publishObserved(channel, method, message);
  if (channel.transaction !== undefined) holdForCommit(channel, method, message);
  else publishNow(channel, method, message);
}

/** As the end of `publish`, for a message that somebody else is told of. */
function publishObserved(channel: BrokerChannel, method: BasicPublish, published: Message): void {
  const observed = new ObservedPublish(channel, published);
  const { message } = observed;
  const { publishing, firehose } = channel.connection.vhost;
  try {
    if (channel.transaction !== undefined) holdForCommit(channel, method, message);
    else if (firehose === undefined) publishNow(channel, method, message, observed);
    else {
      // its queues may be done with it before it is told of
      publishing.hold(message);
      try {
        publishNow(channel, method, message, observed);
      } finally {
        publishing.discard(message);
      }
    }
  } catch (error) {
    observed.done(error);
    throw error;
  }
  observed.done();
}

function holdForCommit(
  { connection, transaction }: BrokerChannel,
  { mandatory }: BasicPublish,
  message: Message,
): void {
  const { publishes } = transaction!;
  const { txMessageMax } = connection.limits;
  if (publishes.length >= txMessageMax) {
    throw new AmqpError(
      406,
      `transaction has reached the maximum of ${txMessageMax} uncommitted publishes`,
    );
  }
  const held = connection.vhost.publishing.holdRouted(message);
  publishes.push({ ...held, mandatory });
}

function isImmediate(): AmqpError {
  return new AmqpError(540, "immediate=true");
}

function tooLarge(size: number, max: number): AmqpError {
  const configured = max === BODY_SIZE_MAX ? "" : "configured ";
  return new AmqpError(406, `message size ${size} is larger than ${configured}max size ${max}`);
}

function publishNow(
  channel: BrokerChannel,
  method: BasicPublish,
  message: Message,
  observed?: ObservedPublish,
): void {
  const vhost = channel.connection.vhost;
  // an exchange that holds it back has it alone afterwards, and it may have to be given back as well
  const asItCame = method.mandatory ? new Message(message) : message;
  const result = vhost.publish(message, method);
  if (observed !== undefined) observed.routed(result);
  channel.counts.publish++;
  const confirms = channel.confirms;
  const refused = result.refused;
  let cameBack = false;
  if (result.queues === 0 && !refused) {
    cameBack = method.mandatory && !isTakenReply(channel, asItCame);
    if (cameBack) confirms?.confirmTaken();
    unroutable(channel, asItCame, method.mandatory, vhost.publishing.kept.heldBack > 0);
  }
  if (confirms !== undefined) {
    if (refused) confirms.refuseNext();
    else if (cameBack && !result.stored) confirms.confirmReturned();
    else confirms.confirmNext(result.stored);
  }
  message.done();
  if (vhost.pacing.pressure > 0) channel.connection.feelPressure();
}

/** True for what no queue took because it is a direct reply that somebody got. */
function isTakenReply({ connection }: BrokerChannel, message: Message): boolean {
  return connection.profile.repliesAreRouted &&
    connection.vhost.publishing.isReceivedReply(message);
}

/**
 * A message that reached no queue goes back to its publisher when it is mandatory.
 *
 * @param heldBack True when an exchange holds it back: then it is not lost.
 */
export function unroutable(
  channel: BrokerChannel,
  message: Message,
  mandatory: boolean,
  heldBack: boolean,
): void {
  if (isTakenReply(channel, message)) return;
  const { counts } = channel;
  if (mandatory) {
    counts.returnUnroutable++;
    giveBack(channel, message);
  } else if (!heldBack) counts.dropUnroutable++;
}

function giveBack(channel: BrokerChannel, published: Message): void {
  const message = withoutBcc(published);
  const { exchange, routingKey } = message;
  channel.connection.link.sendContent(
    channel.number,
    basicReturn({ replyCode: 312, replyText: "NO_ROUTE", exchange, routingKey }),
    message,
  );
}

function hasPropertiesToLookAt(content: Content): boolean {
  const head = content.head;
  if (head !== undefined) {
    const at = content.propertiesStart;
    return ((head[at]! << 8 | head[at + 1]!) & LOOKED_AT) !== 0;
  }
  const properties = content.properties;
  return properties !== undefined && (properties.expiration !== undefined ||
    properties.userId !== undefined || properties.replyTo !== undefined);
}

/** Does what some properties ask for. Returns who the message says that it is from. */
function takeProperties(channel: BrokerChannel, message: Message): string | undefined {
  const properties = contentProperties(message);
  const { expiration, replyTo, userId } = properties;
  if (isDirectReplyTo(replyTo)) {
    if (channel.directReply === undefined) {
      throw new AmqpError(406, "fast reply consumer does not exist");
    }
    message.loseHead();
    message.properties = { ...properties, replyTo: channel.directReply.address };
  }
  if (expiration !== undefined) message.expirationMs = milliseconds(expiration);
  return userId;
}

function checkUserId({ connection: { impersonates, user } }: BrokerChannel, userId: string): void {
  if (userId === user.name || impersonates) return;
  throw new AmqpError(
    406,
    `user_id property set to '${userId}' but authenticated user was '${user.name}'`,
  );
}

/** Reads the property `expiration`. */
function milliseconds(expiration: string): number {
  const plain = plainNumber(expiration);
  if (plain >= 0 && plain <= EXPIRATION_MS_MAX) return plain;
  const refuse = (reason: string) => {
    throw new AmqpError(406, `invalid expiration '${expiration}': ${reason}`);
  };
  const [, digits, rest] = /^([+-]?\d*)(.*)$/s.exec(expiration)!;
  if (!/\d/.test(digits!)) refuse("no_integer");
  else if (rest !== "") refuse(`{leftover_string,"${rest}"}`);
  else if (Number(digits) < 0) refuse(`{value_negative,${Number(digits)}}`);
  else if (Number(digits) > EXPIRATION_MS_MAX) refuse(`{value_too_large,${BigInt(digits!)}}`);
  return Number(digits);
}

/** The number that a text of a few digits is; -1 when it is anything else. */
function plainNumber(text: string): number {
  const { length } = text;
  if (length === 0 || length > 12) return -1;
  let number = 0;
  for (let index = 0; index < length; index++) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

// ---- get, consume, cancel

function get(channel: BrokerChannel, method: BasicGet): void {
  if (!gets(channel, method)) channel.doInSteps(getting(channel, method), method, () => {});
}

/** Very many are too old, and go a bounded number at a time before there is one to give. */
function* getting(channel: BrokerChannel, method: BasicGet): Steps {
  do yield TOO_OLD_COST; while (!channel.ended && !gets(channel, method));
}

/** Gives the next message, or tells that there is none; false when that is not known yet. */
function gets(channel: BrokerChannel, { queue: name, noAck }: BasicGet): boolean {
  const { connection } = channel;
  const { vhost, link } = connection;
  const queueName = channel.queueName(name);
  connection.restrictions?.require("read", "queue", queueName);
  const queue = vhost.queue(queueName, connection);
  vhost.checkTake(queue, "basic.get");
  if (!noAck && channel.unacked.full) {
    throw new AmqpError(
      406,
      `unacknowledged deliveries on channel ${channel.number} have reached the configured max of ` +
        `${connection.limits.unackedBytesMax} bytes`,
    );
  }
  const entry = queue.take();
  if (entry === undefined && queue.takesLater) return false;
  const { counts } = channel;
  if (entry === undefined) {
    counts.getEmpty++;
    queue.counts.getEmpty++;
    channel.send(basicGetEmpty());
    return true;
  }
  const { message, redelivered, deliveryCount } = entry;
  const kind = noAck ? "getNoAck" : "get";
  counts[kind]++;
  queue.counts[kind]++;
  if (redelivered) {
    counts.redeliver++;
    queue.counts.redeliver++;
  }
  const acquiredCount = connection.profile.tellsAcquiredCount ? entry.acquiredCount : 0;
  const { exchange, routingKey } = message;
  const deliveryTag = channel.nextDeliveryTag();
  const { messageCount, name: from } = queue;
  const outgoing = entry.acquiredCount > 0
    ? counted(message, queue, { deliveryCount, acquiredCount })
    : message;
  const delivery = { name: "get", queue: from, deliveryTag, redelivered } as const;
  link.sendContent(
    channel.number,
    basicGetOk({ deliveryTag, redelivered, exchange, routingKey, messageCount }),
    vhost.observed ? observeDelivery(channel, message, outgoing, delivery) : outgoing,
  );
  if (noAck) queue.settle(entry);
  else {
    connection.watchAcks(queue.consumerTimeoutMs);
    const deliveredAt = connection.now;
    channel.unacked.add({ deliveryTag, entry, queue, consumer: undefined, deliveredAt });
  }
  return true;
}

function consume(channel: BrokerChannel, method: BasicConsume): void {
  const { connection } = channel;
  const { vhost } = connection;
  let { consumerTag } = method;
  if (channel.consumers.has(consumerTag) || channel.directReply?.consumerTag === consumerTag) {
    throw new AmqpError(530, `attempt to reuse consumer tag '${consumerTag}'`);
  }
  const { consumerMax } = connection.limits;
  if (channel.consumers.size >= consumerMax) {
    throw new AmqpError(530, `reached maximum (${consumerMax}) of consumers per channel`);
  }
  if (consumerTag === "") consumerTag = generatedName("amq.ctag-");
  if (isDirectReplyTo(method.queue)) return consumeReplies(channel, method, consumerTag);

  const queueName = channel.queueName(method.queue);
  connection.restrictions?.require("read", "queue", queueName);
  const queue = vhost.queue(queueName, connection);
  const priority = priorityOf(method.arguments, `queue '${queue.name}' in vhost '${vhost.name}'`);
  const { consumerPrefetchCount: prefetchCount } = channel;
  const { arguments: arguments_, exclusive, noAck } = method;
  vhost.checkConsume(queue, {
    exclusive,
    globalPrefetch: channel.prefetch.limit > 0,
    noAck,
    prefetchCount,
    arguments: arguments_,
  });
  const consumer = new ChannelConsumer(channel, {
    consumerTag,
    queue,
    exclusive,
    noAck,
    prefetchCount,
    priority,
    timeoutMs: timeoutOf(channel, arguments_),
    arguments: arguments_,
  });
  channel.consumers.set(consumerTag, consumer);
  if (!method.noWait) channel.send(basicConsumeOk({ consumerTag }));
  queue.addConsumer(consumer, method);
  vhost.events.emit("consumer.created", consumer.event);
}

/** What the argument `x-consumer-timeout` says, which was checked. */
function timeoutOf({ connection }: BrokerChannel, arguments_: FieldTable): number | undefined {
  const timeoutMs = arguments_["x-consumer-timeout"];
  if (timeoutMs === undefined || !connection.profile.consumerTimeoutArgument) return undefined;
  return Number(timeoutMs);
}

function priorityOf(arguments_: FieldTable, queue: string): number {
  const priority = arguments_["x-priority"];
  if (priority === undefined) return 0;
  if (
    typeof priority === "bigint" || (typeof priority === "number" && Number.isInteger(priority))
  ) {
    return Number(priority);
  }
  throw new AmqpError(
    406,
    `invalid arg 'x-priority' for ${queue}: "expected integer, got ${typeName(priority)}"`,
  );
}

function consumeReplies(channel: BrokerChannel, method: BasicConsume, consumerTag: string): void {
  if (channel.directReply !== undefined) throw new AmqpError(406, "reply consumer already set");
  if (!method.noAck) throw new AmqpError(406, "reply consumer cannot acknowledge");
  channel.directReply = new DirectReply(channel, consumerTag);
  if (!method.noWait) channel.send(basicConsumeOk({ consumerTag }));
}

function cancel(channel: BrokerChannel, { consumerTag, noWait }: BasicCancel): void {
  const consumer = channel.consumers.get(consumerTag);
  if (consumer !== undefined) {
    channel.forgetConsumer(consumer);
    consumer.queue.removeConsumer(consumer);
    channel.connection.vhost.events.emit("consumer.deleted", consumer.event);
  } else if (channel.directReply?.consumerTag === consumerTag) {
    channel.directReply.end();
  }
  if (!noWait) channel.send(basicCancelOk({ consumerTag }));
}

// ---- qos, settling

function qos(channel: BrokerChannel, { prefetchSize, prefetchCount, global }: BasicQos): void {
  if (prefetchSize !== 0) throw new AmqpError(540, `prefetch_size!=0 (${prefetchSize})`);
  channel.send(basicQosOk());
  global &&= channel.connection.profile.globalPrefetch;
  if (!global) channel.consumerPrefetchCount = prefetchCount;
  // RabbitMQ takes a limit for each consumer as the end of one for the whole channel
  channel.prefetch.limit = global ? prefetchCount : 0;
  channel.offers.offer();
}

function settle(channel: BrokerChannel, method: BasicAck | BasicNack | BasicReject): void {
  const settlement: Settlement = method.name === "basic.ack"
    ? "ack"
    : !method.requeue
    ? "reject"
    : method.name === "basic.reject"
    ? "fail"
    : "requeue";
  const multiple = method.name !== "basic.reject" && method.multiple;
  const { transaction, unacked } = channel;
  if (transaction === undefined) {
    if (multiple) return channel.settleUpTo(method.deliveryTag, settlement, method);
    return channel.settleOne(unacked.takeOne(method.deliveryTag), settlement);
  }
  if (multiple) return channel.settleUpToWithCommit(method.deliveryTag, settlement, method);
  transaction.settleOne(unacked.takeOne(method.deliveryTag), settlement);
}
