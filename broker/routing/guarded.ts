import type { Logger } from "../amqp/logger.ts";
import type { BindingFields } from "./binding.ts";
import type { ExchangeType, Matches, RoutedMessage, RoutingTable } from "./exchange_type.ts";

/**
 * Stands around an exchange type that came from outside.
 *
 * Most of what it throws ends the connection that asked for it, and no other. But bindings are taken
 * away in the middle of things, such as the end of somebody else's connection, that must go on.
 *
 * @param type The type.
 * @param logger Where it is told what it threw then.
 * @returns A type that never throws where it must not.
 */
export function guarded(type: ExchangeType, logger: Logger): ExchangeType {
  return {
    name: type.name,
    createTable: (arguments_) => new GuardedTable(type.name, type.createTable(arguments_), logger),
  };
}

class GuardedTable implements RoutingTable {
  readonly cacheable: boolean;
  readonly oneKey: boolean;
  readonly delay: RoutingTable["delay"];
  readonly history: RoutingTable["history"];
  readonly lookup: NonNullable<RoutingTable["lookup"]>;
  readonly #name: string;
  readonly #table: RoutingTable;
  readonly #logger: Logger;

  constructor(name: string, table: RoutingTable, logger: Logger) {
    this.#name = name;
    this.#table = table;
    this.#logger = logger;
    this.cacheable = table.cacheable;
    this.oneKey = table.oneKey ?? false;
    this.delay = table.delay;
    this.history = table.history;
    this.lookup = (routingKey) => table.lookup?.(routingKey);
  }

  check(binding: BindingFields): void {
    this.#table.check?.(binding);
  }

  add(binding: BindingFields): void {
    this.#table.add(binding);
  }

  route(routingKey: string, message: RoutedMessage, into: Matches): void {
    this.#table.route(routingKey, message, into);
  }

  remove(binding: BindingFields): void {
    try {
      this.#table.remove(binding);
    } catch (bug) {
      this.#log("remove", bug);
    }
  }

  /** Asked after the binding has come or gone, so it is as late to throw. */
  onlyKey(binding: BindingFields): string | undefined {
    try {
      return this.#table.onlyKey?.(binding);
    } catch (bug) {
      this.#log("onlyKey", bug);
      return undefined;
    }
  }

  #log(what: string, bug: unknown): void {
    const text = bug instanceof Error ? bug.stack ?? bug.message : String(bug);
    this.#logger.log("error", `exchange type ${this.#name}: ${what} threw: ${text}`);
  }
}
