import type { FieldTable, FieldValue } from "../amqp/field_table.ts";
import { fitsShortString } from "../amqp/field_value.ts";
import { DROP_IN, type Profile } from "../profiles.ts";
import { queueTypeOf } from "./queue_arguments.ts";
import type { RetrySettings } from "./retries.ts";

/** What happens to a message that finds its queue full. */
export type Overflow = "drop-head" | "reject-publish" | "reject-publish-dlx";

/** What governs the messages of a queue. Comes from its arguments and from policies, and so it may
 * change while the queue lives. */
export interface QueueSettings {
  /** How long a message may wait, in milliseconds; Infinity: for ever. */
  readonly messageTtlMs: number;
  /** How long the queue may be unused, in milliseconds; Infinity: for ever. */
  readonly expiresMs: number;
  /** How many messages may wait. */
  readonly maxLength: number;
  /** How many bytes the bodies of waiting messages may have. */
  readonly maxLengthBytes: number;
  /** What happens beyond these limits. */
  readonly overflow: Overflow;
  /** Where dead messages go; undefined: nowhere. */
  readonly deadLetterExchange: string | undefined;
  /** The routing key that they go with; undefined: their own. */
  readonly deadLetterRoutingKey: string | undefined;
  /** True when a dead message waits until all of its targets have taken it. */
  readonly deadLetterAtLeastOnce: boolean;
  /** How often a message may come back before it is dead. */
  readonly deliveryLimit: number;
  /** True when consumers are told how often a message came back. */
  readonly tellsDeliveryCount: boolean;
  /** Which messages wait before they are tried again; undefined: none. */
  readonly retry: RetrySettings | undefined;
  /** How long a delivery may wait for its ack, in milliseconds; Infinity: for ever, undefined: as long
   * as its connection says. */
  readonly consumerTimeoutMs: number | undefined;
}

/** What versions of RabbitMQ do not agree about. */
export type QueueProfile = Pick<
  Profile,
  | "consumerTimeoutTypes"
  | "nackCounts"
  | "quorumDeliveryLimit"
  | "quorumPriorities"
  | "returnsGoLast"
>;

/** No limits, no dead lettering. */
export const NO_SETTINGS: QueueSettings = {
  messageTtlMs: Infinity,
  expiresMs: Infinity,
  maxLength: Infinity,
  maxLengthBytes: Infinity,
  overflow: "drop-head",
  deadLetterExchange: undefined,
  deadLetterRoutingKey: undefined,
  deadLetterAtLeastOnce: false,
  deliveryLimit: Infinity,
  tellsDeliveryCount: false,
  retry: undefined,
  consumerTimeoutMs: undefined,
};

/**
 * What a queue's arguments, and the policy that applies to it, come to. Of limits the smaller one
 * counts; of all else the argument, except that a quorum queue's overflow and the kind of retries are
 * the policy's. RabbitMQ, "Parameters and Policies".
 *
 * @param arguments_ The `x-` arguments, checked.
 * @param policy The keys of the policy, without `x-`, as `max-length`; checked.
 * @param profile What the versions of RabbitMQ do not agree about.
 */
export function queueSettings(
  arguments_: FieldTable,
  policy: FieldTable = {},
  profile: QueueProfile = DROP_IN,
): QueueSettings {
  const type = queueTypeOf(arguments_);
  // most queues say nothing, and are one object less
  if (isEmpty(arguments_) && isEmpty(policy) && profile.consumerTimeoutTypes.includes(type)) {
    return NO_SETTINGS;
  }
  const least = (name: string) => Math.min(number(arguments_[`x-${name}`]), number(policy[name]));
  const either = (name: string) => arguments_[`x-${name}`] ?? policy[name];
  const overflow = type === "quorum"
    ? quorumOverflow(policy["overflow"] ?? arguments_["x-overflow"])
    : either("overflow");
  const deadLetterExchange = either("dead-letter-exchange") as string | undefined;
  const limit = deliveryLimit(
    [arguments_["x-delivery-limit"], policy["delivery-limit"]],
    type === "quorum" ? profile.quorumDeliveryLimit : Infinity,
  );
  const retry = retrySettings(
    policy["delayed-retry-type"] ?? arguments_["x-delayed-retry-type"],
    least("delayed-retry-min"),
    least("delayed-retry-max"),
  );
  return {
    messageTtlMs: least("message-ttl"),
    expiresMs: least("expires"),
    maxLength: least("max-length"),
    maxLengthBytes: least("max-length-bytes"),
    overflow: (overflow ?? "drop-head") as Overflow,
    deadLetterExchange,
    deadLetterRoutingKey: fitting(either("dead-letter-routing-key")),
    deadLetterAtLeastOnce: type === "quorum" && deadLetterExchange !== undefined &&
      overflow === "reject-publish" && either("dead-letter-strategy") === "at-least-once",
    deliveryLimit: limit,
    tellsDeliveryCount: type === "quorum" || limit < Infinity || retry !== undefined ||
      either("delivery-count") === true,
    retry,
    consumerTimeoutMs: consumerTimeout(arguments_, policy, profile),
  };
}

function isEmpty(table: FieldTable): boolean {
  for (const _ in table) return false;
  return true;
}

/** RabbitMQ's quorum queues take what they do not know, and do as if nothing had been said. */
function quorumOverflow(overflow: FieldValue | undefined): FieldValue | undefined {
  return overflow === "reject-publish-dlx" ? undefined : overflow;
}

/** How long a queue's deliveries may wait for their acks: the smaller of argument and policy, and for
 * ever in a queue of a type that does not care. */
export function consumerTimeout(
  arguments_: FieldTable,
  policy: FieldTable,
  { consumerTimeoutTypes }: QueueProfile,
): number | undefined {
  if (!consumerTimeoutTypes.includes(queueTypeOf(arguments_))) return Infinity;
  const [own, others] = [arguments_["x-consumer-timeout"], policy["consumer-timeout"]];
  return own === undefined && others === undefined
    ? undefined
    : Math.min(number(own), number(others));
}

/** Without a longest time all wait equally long. */
function retrySettings(
  type: FieldValue | undefined,
  minMs: number,
  maxMs: number,
): RetrySettings | undefined {
  if (type === undefined || type === "disabled" || minMs === Infinity) return undefined;
  return { type: type as RetrySettings["type"], minMs, maxMs: maxMs === Infinity ? minMs : maxMs };
}

/** A negative limit stands for none, so any other is smaller. */
function deliveryLimit(
  limits: readonly (FieldValue | undefined)[],
  otherwise: number,
): number {
  const known = limits.filter((limit) => limit !== undefined).map(Number);
  if (known.length === 0) return otherwise;
  return Math.min(...known.map((limit) => limit < 0 ? Infinity : limit));
}

function number(value: FieldValue | undefined): number {
  return value === undefined ? Infinity : Number(value);
}

/** RabbitMQ takes routing keys that no delivery can tell, and fails when it comes to that. Here such a one is
 * none: messages keep their own. */
function fitting(routingKey: FieldValue | undefined): string | undefined {
  return typeof routingKey === "string" && fitsShortString(routingKey) ? routingKey : undefined;
}
