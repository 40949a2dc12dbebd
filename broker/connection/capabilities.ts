import type { FieldTable } from "../amqp/field_table.ts";

/** What a client says it understands, as far as the broker acts on it. */
export interface Capabilities {
  /** It wants `connection.close` with 403 when its login is refused. */
  readonly authenticationFailureClose: boolean;
  /** It wants `basic.cancel` when a consumer's queue goes. */
  readonly consumerCancelNotify: boolean;
  /** It wants `connection.blocked` and `connection.unblocked`. */
  readonly connectionBlocked: boolean;
}

/** Those of a client in this process: all. */
export const ALL_CAPABILITIES: Capabilities = {
  authenticationFailureClose: true,
  consumerCancelNotify: true,
  connectionBlocked: true,
};

/** Reads them from the client properties of `connection.start-ok`. */
export function readCapabilities(clientProperties: FieldTable): Capabilities {
  const table = clientProperties["capabilities"];
  const has = (name: string) =>
    typeof table === "object" && table !== null && (table as FieldTable)[name] === true;
  return {
    authenticationFailureClose: has("authentication_failure_close"),
    consumerCancelNotify: has("consumer_cancel_notify"),
    connectionBlocked: has("connection.blocked"),
  };
}

/** What the broker says it understands: the list that RabbitMQ sends. */
export const SERVER_CAPABILITIES: FieldTable = {
  publisher_confirms: true,
  exchange_exchange_bindings: true,
  "basic.nack": true,
  consumer_cancel_notify: true,
  "connection.blocked": true,
  consumer_priorities: true,
  authentication_failure_close: true,
  per_consumer_qos: true,
  direct_reply_to: true,
};
