import { AmqpError } from "../amqp/error.ts";
import type { Logger } from "../amqp/logger.ts";
import type { Steps } from "../amqp/long_work.ts";
import type { BrokerEvents } from "../events.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import { checkExchangeArgument, checkSameArgument, differs } from "../queue/queue_arguments.ts";
import { Exchange } from "../routing/exchange.ts";
import type { ExchangeType } from "../routing/exchange_type.ts";
import type { ExchangeTypes } from "../routing/exchange_types.ts";
import type { Exchanges } from "../routing/exchanges.ts";
import { missingType } from "../routing/missing.ts";
import type { Background } from "./background.ts";
import type { BindingRegistry } from "./binding_registry.ts";
import type { DeclarePermit, ExchangeDeclaration, TopologyLimits } from "./declarations.ts";
import { cleanName, exchangeText, refuseDefault, refuseReserved } from "./names.ts";
import type { Publishing } from "./publishing.ts";
import type { VirtualHostSettings } from "./settings.ts";
import type { DurableTopology, ExchangeDefinition } from "./topology.ts";

/** What the exchanges of a vhost are made of. */
export interface ExchangeRegistryOptions {
  /** The vhost's name. */
  readonly vhost: string;
  /** Where they are, by name. */
  readonly exchanges: Exchanges<MessageQueue>;
  /** The types that can be declared. */
  readonly types: ExchangeTypes;
  /** What leads to them and away from them. */
  readonly bindings: BindingRegistry;
  /** What operators say of them. */
  readonly settings: VirtualHostSettings;
  /** What they keep of messages. */
  readonly publishing: Publishing;
  /** Where durable ones survive a restart; undefined when none do. */
  readonly topology: DurableTopology | undefined;
  /** How many there may be. Default: any number. */
  readonly limits: TopologyLimits | undefined;
  /** Who is told what happens. */
  readonly events: BrokerEvents;
  /** Where long work is done. */
  readonly background: Background;
  /** Where warnings go. */
  readonly logger: Logger;
}

/** The exchanges of a vhost: how they come and go. */
export class ExchangeRegistry {
  readonly #options: ExchangeRegistryOptions;

  constructor(options: ExchangeRegistryOptions) {
    this.#options = options;
  }

  /** @throws {AmqpError} 404 when there is no such exchange. */
  get(name: string): Exchange<MessageQueue> {
    const exchange = this.#options.exchanges.get(name);
    if (exchange === undefined) throw new AmqpError(404, `no ${this.#text(name)}`);
    return exchange;
  }

  /** Adds one of the broker's own. */
  addSystemExchange(name: string, type: string, internal: boolean): void {
    this.#add(name, {
      type,
      passive: false,
      durable: true,
      autoDelete: false,
      internal,
      arguments: {},
    });
  }

  /**
   * Declares an exchange.
   *
   * @throws {AmqpError} 404 when it is missing and only asked for, 406 when it exists with other
   * properties or its type or arguments are none, 403 for names that are the broker's.
   */
  declare(name: string, declared: ExchangeDeclaration, permit?: DeclarePermit): void {
    const { exchanges, types, limits } = this.#options;
    name = cleanName(name);
    if (declared.passive) {
      refuseDefault(name);
      this.get(name);
      return;
    }
    if (types.get(declared.type) === undefined) throw unknownType(declared.type);
    refuseDefault(name);
    permit?.declare(name);
    const current = exchanges.get(name);
    if (current !== undefined) return this.#checkSame(current, declared);
    refuseReserved("exchange", name);
    const alternate = declared.arguments["alternate-exchange"];
    if (typeof alternate === "string") permit?.forward(name, alternate);
    limits?.checkRoomForExchange(this.#text(name));
    const exchange = this.#add(name, declared);
    if (exchange.durable) this.#define(exchange);
    this.#tellCreated(exchange);
  }

  #tellCreated(exchange: Exchange<MessageQueue>): void {
    const { vhost, events } = this.#options;
    const { name, type, durable, autoDelete, internal, arguments: arguments_ } = exchange;
    events.emit("exchange.created", {
      name,
      vhost,
      type,
      durable,
      autoDelete,
      internal,
      arguments: arguments_,
    });
  }

  #checkSame(current: Exchange<MessageQueue>, declared: ExchangeDeclaration): void {
    const thing = this.#text(current.name);
    const pairs: readonly (readonly [string, string | boolean, string | boolean])[] = [
      ["type", declared.type, current.type],
      ["durable", declared.durable, current.durable],
      ["auto_delete", declared.autoDelete, current.autoDelete],
      ["internal", declared.internal, current.internal],
    ];
    for (const [name, received, is] of pairs) {
      if (received !== is) throw differs(name, thing, received, is);
    }
    checkSameArgument("alternate-exchange", thing, declared.arguments, current.arguments);
  }

  #add(
    name: string,
    declared: ExchangeDeclaration,
    type: ExchangeType = this.#options.types.get(declared.type)!,
  ): Exchange<MessageQueue> {
    const { exchanges, publishing, settings } = this.#options;
    if (declared.arguments["alternate-exchange"] !== undefined) {
      checkExchangeArgument("alternate-exchange", this.#text(name), declared.arguments);
    }
    const { durable, autoDelete, internal } = declared;
    const exchange = new Exchange(exchanges, {
      name,
      type,
      durable,
      autoDelete,
      internal,
      arguments: declared.arguments,
    });
    exchanges.add(exchange);
    publishing.exchangeAdded(exchange);
    settings.applyToExchange(exchange);
    return exchange;
  }

  /** Writes an exchange down, with a place in the store for what it holds back. */
  #define(exchange: Exchange<MessageQueue>): void {
    const { topology, publishing } = this.#options;
    if (topology === undefined) return;
    const id = exchange.table.delay === undefined ? undefined : topology.nextQueueId();
    topology.addExchange(exchange, id);
    if (id !== undefined) publishing.kept.storeDelays(exchange, id);
  }

  /** Makes one again after a restart. One whose type is not there any more, or does not take its
   * arguments, lets nothing pass until it is there again. */
  restore(definition: ExchangeDefinition): void {
    const { types, logger, publishing } = this.#options;
    const { name, type, id } = definition;
    const declared = { ...definition, passive: false, durable: true };
    let exchange: Exchange<MessageQueue>;
    try {
      if (types.get(type) === undefined) throw unknownType(type);
      exchange = this.#add(name, declared);
    } catch (error) {
      const text = this.#text(name);
      const why = error instanceof Error ? error.message : error;
      logger.log("error", `${text} cannot be used: ${why}`);
      exchange = this.#add(name, declared, missingType(type, text));
    }
    if (id !== undefined) publishing.kept.storeDelays(exchange, id);
    // written down when delays were in memory alone
    else if (exchange.table.delay !== undefined) this.#define(exchange);
  }

  /**
   * Deletes an exchange; one that does not exist is as good as deleted.
   *
   * @returns Undefined when that is done; what is to be done for it when it is much.
   * @throws {AmqpError} 403 when it is one of the broker's own, 406 when it is in use and that is asked
   * for.
   */
  delete(name: string, options: { readonly ifUnused: boolean }): Steps | undefined {
    refuseDefault(name);
    if (isSystemExchange(name)) {
      throw new AmqpError(403, `deletion of system ${this.#text(name)} not allowed`);
    }
    const exchange = this.#options.exchanges.get(name);
    if (exchange === undefined) return undefined;
    if (options.ifUnused && exchange.hasBindings) {
      throw new AmqpError(406, `${this.#text(name)} in use`);
    }
    if (this.#options.bindings.hasMany(exchange)) return this.removeSlowly(exchange);
    this.remove(exchange);
    return undefined;
  }

  /**
   * Takes an exchange away that has very many bindings. It is there, with those that are left, until they
   * are gone.
   */
  *removeSlowly(exchange: Exchange<MessageQueue>): Steps {
    const { bindings, topology, exchanges } = this.#options;
    const { name, durable } = exchange;
    if (exchanges.get(name) !== exchange) return;
    // first, or a crash would leave it with some of its bindings
    if (durable) topology?.removeExchange(name);
    do yield* bindings.unbindSlowly(exchange); while (bindings.hasMany(exchange));
    this.remove(exchange);
  }

  /** Takes an exchange away in as many steps as it needs. */
  *removing(exchange: Exchange<MessageQueue>): Steps {
    const { bindings } = this.#options;
    if (bindings.hasMany(exchange)) yield* this.removeSlowly(exchange);
    const cost = 1 + exchange.bindingCount;
    this.remove(exchange);
    yield cost;
  }

  /** Nothing is bound to an auto-delete exchange any more. */
  removeUnused(exchange: Exchange<MessageQueue>): void {
    const { bindings, background } = this.#options;
    if (bindings.hasMany(exchange)) background.begin(this.removeSlowly(exchange));
    else this.remove(exchange);
  }

  /** Takes an exchange away with all that leads to it and away from it. */
  remove(exchange: Exchange<MessageQueue>): void {
    const { vhost, exchanges, bindings, topology, events, publishing } = this.#options;
    const { name, durable } = exchange;
    if (exchanges.get(name) !== exchange) return;
    exchanges.delete(name);
    bindings.unbindAllFrom(exchange);
    if (durable) topology?.removeExchange(name);
    events.emit("exchange.deleted", { name, vhost });
    bindings.unbindAllTo(exchange);
    publishing.exchangeRemoved(exchange);
  }

  #text(name: string): string {
    return exchangeText(name, this.#options.vhost);
  }
}

/** True for an exchange that is the broker's own by its name: nobody may delete it. */
export function isSystemExchange(name: string): boolean {
  return name === "" || name.startsWith("amq.");
}

function unknownType(type: string): AmqpError {
  return new AmqpError(406, `unknown exchange type '${type}'`);
}
