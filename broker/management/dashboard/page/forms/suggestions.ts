/** What things can be declared with, and policies can say, with values to begin with. */

/** Arguments of queues. */
export const QUEUE_ARGUMENTS = [
  ["x-message-ttl", 60_000],
  ["x-expires", 1_800_000],
  ["x-max-length", 10_000],
  ["x-max-length-bytes", 104_857_600],
  ["x-overflow", "reject-publish"],
  ["x-dead-letter-exchange", ""],
  ["x-dead-letter-routing-key", ""],
  ["x-delivery-limit", 20],
  ["x-single-active-consumer", true],
  ["x-max-priority", 10],
  ["x-max-age", "7D"],
  ["x-stream-max-segment-size-bytes", 500_000_000],
] as const;

/** Arguments of exchanges. */
export const EXCHANGE_ARGUMENTS = [
  ["alternate-exchange", ""],
  ["x-delayed-type", "direct"],
  ["hash-header", ""],
  ["x-recent-history-length", 20],
] as const;

/** What policies can say. */
export const POLICY_KEYS = [
  ["message-ttl", 60_000],
  ["expires", 1_800_000],
  ["max-length", 10_000],
  ["max-length-bytes", 104_857_600],
  ["overflow", "reject-publish"],
  ["dead-letter-exchange", ""],
  ["dead-letter-routing-key", ""],
  ["delivery-limit", 20],
  ["consumer-timeout", 1_800_000],
  ["max-age", "7D"],
  ["alternate-exchange", ""],
] as const;

/** What operators' policies can say: how much there may be, and for how long. */
export const OPERATOR_KEYS = [
  ["message-ttl", 60_000],
  ["expires", 1_800_000],
  ["max-length", 10_000],
  ["max-length-bytes", 104_857_600],
  ["delivery-limit", 20],
] as const;
