/**
 * All behaviour cases by area.
 *
 * @module
 */
import type { Area, BehaviourCase } from "../support/harness.ts";
import { autoDelete } from "./auto_delete.ts";
import { exchanges } from "./exchanges.ts";
import { exclusive } from "./exclusive.ts";
import { queues } from "./queues.ts";

/** What can be seen through a client, in one process or over a network. */
export const BEHAVIOUR: Area<BehaviourCase> = {
  exchanges,
  queues,
  "auto-delete": autoDelete,
  exclusive,
};
