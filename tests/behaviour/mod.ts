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
import { consume, get } from "./consume.ts";
import { exchanges } from "./exchanges.ts";
import { exclusive } from "./exclusive.ts";
import { consumerPriority, prefetch } from "./prefetch.ts";
import { confirms, publish } from "./publish.ts";
import { queues } from "./queues.ts";
import { routing } from "./routing.ts";

/** What can be seen through a client, in one process or over a network. */
export const BEHAVIOUR: Area<BehaviourCase> = {
  exchanges,
  queues,
  bindings,
  "exchange bindings": exchangeBindings,
  routing,
  "alternate exchange": alternateExchange,
  publish,
  confirms,
  consume,
  get,
  acks,
  prefetch,
  "consumer priority": consumerPriority,
  "auto-delete": autoDelete,
  exclusive,
};
