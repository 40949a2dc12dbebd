/**
 * All behaviour cases by area.
 *
 * @module
 */
import type { Area, BehaviourCase } from "../support/harness.ts";
import { acks } from "./acks.ts";
import { alternateExchange } from "./alternate_exchange.ts";
import { autoDelete } from "./auto_delete.ts";
import { bindings, exchangeBindings } from "./bindings.ts";
import { cancelNotification } from "./cancel_notification.ts";
import { connections } from "./connections.ts";
import { consume, get } from "./consume.ts";
import { deadLetter } from "./dead_letter.ts";
import { deliveryLimit } from "./delivery_limit.ts";
import { directReply } from "./direct_reply.ts";
import { errors } from "./errors.ts";
import { consistentHash, oneOfMany, recentHistory } from "./exchange_types.ts";
import { exchanges } from "./exchanges.ts";
import { exclusive } from "./exclusive.ts";
import { lengthLimits } from "./length_limits.ts";
import { consumerPriority, prefetch } from "./prefetch.ts";
import { priority } from "./priority.ts";
import { properties } from "./properties.ts";
import { confirms, publish } from "./publish.ts";
import { queueArguments } from "./queue_arguments.ts";
import { queueExpiry } from "./queue_expiry.ts";
import { queues } from "./queues.ts";
import { quorum } from "./quorum.ts";
import { recover } from "./recover.ts";
import { routing } from "./routing.ts";
import { senderSelected } from "./sender_selected.ts";
import { singleActiveConsumer } from "./single_active_consumer.ts";
import { streams } from "./streams.ts";
import { ttl } from "./ttl.ts";
import { tx } from "./tx.ts";

/** What can be seen through a client, in one process or over a network. */
export const BEHAVIOUR: Area<BehaviourCase> = {
  connections,
  exchanges,
  queues,
  bindings,
  "exchange bindings": exchangeBindings,
  routing,
  "consistent hash": consistentHash,
  "one of many": oneOfMany,
  "recent history": recentHistory,
  "alternate exchange": alternateExchange,
  publish,
  properties,
  confirms,
  consume,
  get,
  acks,
  prefetch,
  "consumer priority": consumerPriority,
  "auto-delete": autoDelete,
  exclusive,
  "cancel notification": cancelNotification,
  tx,
  recover,
  "direct reply-to": directReply,
  quorum,
  streams,
  "sender-selected distribution": senderSelected,
  "time to live": ttl,
  "queue expiry": queueExpiry,
  "length limits": lengthLimits,
  "dead letters": deadLetter,
  priority,
  "single active consumer": singleActiveConsumer,
  "delivery limit": deliveryLimit,
  "queue arguments": queueArguments,
  errors,
};

/** What bytes could go wrong in; the rest is above all transports. */
export const ON_BYTES = { connections, properties, confirms, publish, consume, acks, tx } as const;
