import { AmqpError } from "../amqp/error.ts";
import type { FieldTable } from "../amqp/field_table.ts";
import { printed } from "./erlang_text.ts";
import type { RoutedMessage, RoutingHistory } from "./exchange_type.ts";
import { FanoutTable } from "./fanout.ts";

/** How many messages are remembered when nothing is said. */
const DEFAULT_LENGTH = 20;

/**
 * `x-recent-history`: matches every message, and each new binding brings the last ones with it,
 * oldest first. Messages with a true header `x-recent-history-no-store` are not remembered. RabbitMQ,
 * `rabbit_exchange_type_recent_history.erl`.
 */
export class RecentHistoryTable extends FanoutTable {
  readonly history: RoutingHistory;

  /**
   * @param arguments_ `x-recent-history-length` says how many messages are remembered.
   * @throws {AmqpError} 406 when that is not a positive integer.
   */
  constructor(arguments_: FieldTable = {}) {
    super();
    this.history = { length: parseLength(arguments_), takes: isToBeStored };
  }
}

function parseLength(arguments_: FieldTable): number {
  const length = arguments_["x-recent-history-length"];
  if (length === undefined) return DEFAULT_LENGTH;
  const isInteger = typeof length === "bigint" || Number.isInteger(length);
  if (isInteger && Number(length) > 0) return Number(length);
  throw new AmqpError(
    406,
    `Invalid argument ${printed(length)}, 'x-recent-history-length' must be a positive integer`,
  );
}

function isToBeStored(message: RoutedMessage): boolean {
  return message.headers()?.["x-recent-history-no-store"] !== true;
}
