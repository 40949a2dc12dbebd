import { AmqpError } from "../amqp/error.ts";
import { Double, type FieldTable, type FieldValue } from "../amqp/field_table.ts";
import type { BasicProperties } from "../amqp/properties.ts";
import type { BindingFields } from "./binding.ts";
import type {
  ExchangeType,
  Matches,
  RoutedMessage,
  RoutingDelay,
  RoutingHistory,
  RoutingTable,
} from "./exchange_type.ts";

/** The longest delay that is one, in milliseconds: 49 days. Above it a message is routed at once. */
const DELAY_MAX = 4_294_967_295;

const NAME = "x-delayed-message";

/**
 * `x-delayed-message`: messages with a header `x-delay`, in milliseconds, are routed when that time
 * is over, against the bindings of then; their header is negative from then on, so that no other
 * exchange on their way delays them again. What routes is another type, which the argument
 * `x-delayed-type` names. RabbitMQ's plugin `rabbitmq_delayed_message_exchange`.
 *
 * To its publisher a delayed message has reached no queue: a mandatory one is returned, and still
 * routed later, as by the plugin. Other than there, an alternate exchange does not get it meanwhile.
 *
 * @param types Where the type that routes is looked up.
 */
export function delayedMessageType(
  types: { get(name: string): ExchangeType | undefined },
): ExchangeType {
  return {
    name: NAME,
    createTable(arguments_) {
      const name = arguments_["x-delayed-type"];
      if (typeof name !== "string") {
        throw new AmqpError(
          406,
          "Invalid argument, 'x-delayed-type' must be an existing exchange type",
        );
      }
      if (name === NAME) {
        throw new AmqpError(406, `Invalid argument, '${NAME}' can't be used for 'x-delayed-type'`);
      }
      const type = types.get(name);
      if (type === undefined) throw new AmqpError(406, `unknown exchange type '${name}'`);
      return new DelayedMessageTable(type.createTable(arguments_));
    },
  };
}

/** Routes as another table does. */
class DelayedMessageTable implements RoutingTable {
  readonly cacheable: boolean;
  readonly oneKey: boolean;
  readonly delay: RoutingDelay = { of: delayOf, propertiesAfter: withNegativeDelay };
  readonly history: RoutingHistory | undefined;
  readonly #table: RoutingTable;

  constructor(table: RoutingTable) {
    this.#table = table;
    this.cacheable = table.cacheable;
    this.oneKey = table.oneKey ?? false;
    this.history = table.history;
  }

  add(binding: BindingFields): void {
    this.#table.add(binding);
  }

  remove(binding: BindingFields): void {
    this.#table.remove(binding);
  }

  route(routingKey: string, message: RoutedMessage, into: Matches): void {
    this.#table.route(routingKey, message, into);
  }
}

function delayOf(message: RoutedMessage): number {
  const delay = parseDelay(headerOf(message.headers()));
  return delay > 0 && delay <= DELAY_MAX ? delay : 0;
}

function withNegativeDelay(properties: BasicProperties): BasicProperties {
  const { headers } = properties;
  const delay = parseDelay(headerOf(headers));
  return { ...properties, headers: { ...headers, "x-delay": -delay } };
}

function headerOf(headers: FieldTable | undefined): FieldValue | undefined {
  return headers?.["x-delay"];
}

/** Any number, or a string of digits; 0 for what is none. */
function parseDelay(value: FieldValue | undefined): number {
  if (typeof value === "string") return /^[+-]?[0-9]+$/.test(value) ? Number(value) : 0;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Double) return parseDelay(value.value);
  return typeof value === "number" && Number.isFinite(value) ? Math.trunc(value) : 0;
}
