import { Lane } from "./lane.ts";
import { AmqpError } from "../amqp/error.ts";
import type { Clock } from "../amqp/clock.ts";
import type { BasicPublish } from "../amqp/methods/basic.ts";
import type { FieldTable } from "../amqp/field_table.ts";
import type { Steps } from "../amqp/long_work.ts";
import type { Logger } from "../amqp/logger.ts";
import type { MessageTracer } from "../amqp/tracer.ts";
import type { Message } from "../message.ts";
import type { PagePool } from "../pages.ts";
import { DROP_IN, type Profile } from "../profiles.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import { Queue, type QueueOptions } from "../queue/queue.ts";
import {
  checkConsumerArguments,
  checkExchangeArgument,
  checkQueueArguments,
  checkSameArgument,
  checkSameArguments,
  differs,
  type QueueType,
  queueTypeOf,
} from "../queue/queue_arguments.ts";
import { checkStreamConsumer, type StreamConsumption } from "../queue/stream/consumption.ts";
import { StreamQueue } from "../queue/stream/stream_queue.ts";
import { type Binding, bindingIdentity } from "../routing/binding.ts";
import { Exchange } from "../routing/exchange.ts";
import type { ExchangeType } from "../routing/exchange_type.ts";
import type { ExchangeTypes } from "../routing/exchange_types.ts";
import { Exchanges } from "../routing/exchanges.ts";
import { missingType } from "../routing/missing.ts";
import { ChannelCounts, DeathCounts, MessageSizes } from "../stats.ts";
import type { Store } from "../store/store.ts";
import type { BindingEvent, BrokerEvents, VhostEvent } from "../events.ts";
import { DurableSettings } from "./durable_settings.ts";
import { Firehose } from "./firehose.ts";
import type { DelayedMessages } from "./delayed_messages.ts";
import { withDefaultQueueType } from "./metadata.ts";
import { VirtualHostSettings } from "./settings.ts";
import {
  type BindingDefinition,
  type Definition,
  DurableTopology,
  type ExchangeDefinition,
  type QueueDefinition,
} from "./topology.ts";
import { cleanName, generatedName, refuseReserved } from "./names.ts";
import { Pacing } from "./pacing.ts";
import { Publishing, type PublishResult } from "./publishing.ts";

/** The exchanges that every vhost has. */
const SYSTEM_EXCHANGES: readonly (readonly [name: string, type: string])[] = [
  ["", "direct"],
  ["amq.direct", "direct"],
  ["amq.fanout", "fanout"],
  ["amq.headers", "headers"],
  ["amq.match", "headers"],
  ["amq.rabbitmq.trace", "topic"],
  ["amq.topic", "topic"],
];
/** The one of them that clients cannot publish to; the firehose does. */
export const TRACE_EXCHANGE = "amq.rabbitmq.trace";

/** RabbitMQ's text, in which it speaks of its configuration; what a client gets of it ends early. */
/** To drop so many messages takes as long as to end a channel. */
const DROPPED_IN_A_STEP = 32;

const NO_TRANSIENT_QUEUES = "Feature `transient_nonexcl_queues` is deprecated.\n" +
  "By default, this feature is not permitted anymore.\n" +
  "The feature will be removed from a future major RabbitMQ version, regardless of the " +
  "configuration; actual version to be determined.\n" +
  "To continue using this feature when it is not permitted by default, set the following parameter " +
  "in your configuration:\n" +
  '    "deprecated_features.permit.transient_nonexcl_queues = true"';

/** What vhosts of one broker share. */
export interface VirtualHostSurroundings {
  /** Where messages are kept. */
  readonly pages: PagePool;
  /** The exchange types that can be declared. */
  readonly exchangeTypes: ExchangeTypes;
  /** Where warnings go. */
  readonly logger: Logger;
  /** Time. */
  readonly clock: Clock;
  /** Who is told what happens. */
  readonly events: BrokerEvents;
  /** Where messages wait that exchanges hold back. */
  readonly delayed: DelayedMessages;
  /** Where durable things and persistent messages survive a restart; undefined when nothing does. */
  readonly store?: Store | undefined;
  /** What differs between versions of RabbitMQ. Default: drop-in. */
  readonly profile?: Profile | undefined;
  /** Counts what clients publish. Default: of each vhost by itself. */
  readonly messageSizes?: MessageSizes | undefined;
  /** Counts the messages that die. Default: of each vhost by itself. */
  readonly deaths?: DeathCounts | undefined;
  /** Is told of messages as they come and go. Default: nobody is. */
  readonly tracer?: MessageTracer | undefined;
  /** The type of queues in a vhost that has no default type of its own. Default: classic. */
  readonly defaultQueueType?: QueueType | undefined;
  /** Checks that there is room in the broker for one more of them. Default: there is. */
  readonly limits?: TopologyLimits | undefined;
}

/** A connection as the vhost that it entered sees it. */
export interface Visitor {
  /** Closes it. */
  close(error: AmqpError): void;
}

/** How many queues and exchanges all vhosts may have together. */
export interface TopologyLimits {
  /** How many bindings there may be; Infinity: it need not be asked. */
  readonly bindingMax: number;
  /**
   * @param name The queue.
   * @throws {AmqpError} 406 when there are as many as there may be.
   */
  checkRoomForQueue(name: string): void;
  /**
   * @param exchange How texts call it: `exchange 'e' in vhost '/'`.
   * @throws {AmqpError} 406 when there are as many as there may be.
   */
  checkRoomForExchange(exchange: string): void;
  /**
   * @param binding What it leads to and from where, as texts call them.
   * @throws {AmqpError} 406 when there are as many as there may be.
   */
  checkRoomForBinding(binding: string): void;
}

/** What a declaration asks for, as soon as the name is known. Each throws an `AmqpError` of 403. */
export interface DeclarePermit {
  /** Something of this name is declared. */
  declare(name: string): void;
  /** It is new, and what it does not keep is to go on to an exchange. */
  forward(name: string, exchange: string): void;
}

/** The fields of `exchange.declare` apart from its name. */
export interface ExchangeDeclaration {
  readonly type: string;
  readonly passive: boolean;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  readonly arguments: FieldTable;
}

/** The fields of `queue.declare` apart from its name. */
export interface QueueDeclaration {
  readonly passive: boolean;
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  readonly arguments: FieldTable;
}

/** The fields of a binding as methods name it. */
export interface BindingDeclaration {
  readonly source: string;
  readonly destination: string;
  readonly routingKey: string;
  readonly arguments: FieldTable;
}

type QueueCallbacks = Pick<
  QueueOptions,
  "onBacklog" | "onDeath" | "onRelief" | "onTaken" | "onUnreadable" | "onUnused" | "spill"
>;

/**
 * A virtual host: exchanges, queues and bindings by name, and every operation on them.
 *
 * Who may do what is decided above; whose an exclusive queue is, here. `owner` is always the
 * connection that asks.
 */
export class VirtualHost {
  /** Its name, such as `/`. */
  readonly name: string;
  /** The exchanges. */
  readonly exchanges: Exchanges<MessageQueue> = new Exchanges();
  /** The queues by name. */
  readonly queues: Map<string, MessageQueue> = new Map();
  /** What operators say of it: policies, limits, parameters. */
  readonly settings: VirtualHostSettings;
  /** The way of messages into queues. */
  readonly publishing: Publishing;
  /** What went through channels that are closed. */
  readonly counts: ChannelCounts = new ChannelCounts();
  /** The connections that have entered it. */
  readonly connections: Set<Visitor> = new Set();
  /** Keeps publishers from outrunning consumers: queues and consumers tell it, connections ask it. */
  readonly pacing: Pacing = new Pacing();
  /** Gets a copy of each message that comes and goes, when that was asked for. */
  firehose: Firehose | undefined = undefined;
  /** Is told of each message that comes and goes, when the broker was given one. */
  readonly tracer: MessageTracer | undefined;
  /** True when one of both is there. */
  observed: boolean;
  /** The sizes of what clients publish, here and in the broker's other vhosts. */
  readonly messageSizes: MessageSizes;

  /** What differs between versions of RabbitMQ. */
  readonly profile: Profile;

  readonly #surroundings: VirtualHostSurroundings;
  /** The bindings that lead to each queue or exchange. */
  readonly #bindingsTo = new Map<
    MessageQueue | Exchange<MessageQueue>,
    Set<Binding<MessageQueue>>
  >();
  /** The exclusive queues of each connection. */
  readonly #owned = new Map<object, Set<MessageQueue>>();
  readonly #topology: DurableTopology | undefined;
  /** What all its queues call: one closure of each, and not one for each queue. */
  readonly #deaths: DeathCounts;
  readonly #forQueues: QueueCallbacks;

  constructor(name: string, surroundings: VirtualHostSurroundings) {
    this.name = name;
    this.#surroundings = surroundings;
    const { pages, store, delayed, profile = DROP_IN } = surroundings;
    this.profile = profile;
    this.messageSizes = surroundings.messageSizes ?? new MessageSizes();
    this.#deaths = surroundings.deaths ?? new DeathCounts();
    this.tracer = surroundings.tracer;
    this.observed = this.tracer !== undefined;
    this.publishing = new Publishing({
      pages,
      store,
      exchanges: this.exchanges,
      queues: this.queues,
      clock: surroundings.clock,
      logger: surroundings.logger,
      delayed,
      nextQueueId: () => this.#topology!.nextQueueId(),
      profile,
    });
    if (store !== undefined) this.#topology = new DurableTopology(store, name);
    this.#forQueues = {
      spill: store === undefined
        ? undefined
        : () => ({ store, stored: store.queue(this.#topology!.nextQueueId()) }),
      onUnreadable: (error, queue) =>
        this.reportError(`${this.#queueText(queue)}: ${error.message}`),
      onBacklog: () => this.pacing.pressure++,
      onTaken: (count) => this.pacing.took(count),
      onRelief: () => this.pacing.relieve(),
      onUnused: (unused) => this.#removeQueue(unused),
      onDeath: (from, entry, reason) => this.publishing.deadLetter(from, entry, reason),
    };
    this.settings = new VirtualHostSettings({
      vhost: name,
      durable: store === undefined ? undefined : new DurableSettings(store),
      queues: this.queues,
      exchanges: this.exchanges,
      logger: surroundings.logger,
      events: surroundings.events,
      profile,
    });
    for (const [exchange, type] of SYSTEM_EXCHANGES) {
      this.#addExchange(exchange, {
        type,
        passive: false,
        durable: true,
        autoDelete: false,
        internal: exchange === TRACE_EXCHANGE,
        arguments: {},
      });
    }
  }

  /** The type of queues that are declared without one; undefined: classic. */
  get defaultQueueType(): QueueType | undefined {
    return this.settings.metadata.defaultQueueType ?? this.#surroundings.defaultQueueType;
  }

  /** Where durable things survive a restart; undefined when nothing does. */
  get store(): Store | undefined {
    return this.#surroundings.store;
  }

  /** Logs what went wrong where nobody waits to be told. */
  reportError(message: string): void {
    this.#surroundings.logger.log("error", message);
  }

  /** Who is told what happens. */
  get events(): BrokerEvents {
    return this.#surroundings.events;
  }

  /** Switches the firehose on or off. */
  setTracing(on: boolean): void {
    this.firehose = on ? this.firehose ?? new Firehose(this) : undefined;
    this.observed = on || this.tracer !== undefined;
  }

  /** Adds a topic exchange on which only the broker publishes. */
  addSystemExchange(name: string): void {
    this.#addExchange(name, {
      type: "topic",
      passive: false,
      durable: true,
      autoDelete: false,
      internal: true,
      arguments: {},
    });
  }

  /** All of it is restored: what is too old may go now. */
  start(): void {
    for (const queue of this.queues.values()) queue.start();
  }

  /** Sets no timer any more: the broker closes. */
  stop(): void {
    this.publishing.stop();
    for (const queue of this.queues.values()) queue.stop();
  }

  /** What connections to it are closed with when it goes. */
  deletedError(): AmqpError {
    return new AmqpError(320, `vhost '${this.name}' is deleted`);
  }

  /** What events tell of it. */
  get event(): VhostEvent {
    return { name: this.name, ...this.settings.metadata, tracing: this.firehose !== undefined };
  }

  /** Ends the vhost: its connections are closed with 320, and all that is in it goes. */
  delete(): void {
    for (const connection of [...this.connections]) connection.close(this.deletedError());
    for (const queue of [...this.queues.values()]) this.#removeQueue(queue);
    for (const exchange of [...this.exchanges]) this.#removeExchange(exchange);
    this.publishing.stop();
    this.settings.clear();
    this.events.emit("vhost.deleted", { name: this.name });
  }

  /** True when something durable was made or deleted since this was last asked. */
  takeChange(): boolean {
    return this.#topology?.takeChange() ?? false;
  }

  // ---- messages

  /**
   * Checks that clients may publish to an exchange.
   *
   * @throws {AmqpError} 404 when there is none, 403 when it is internal.
   */
  checkPublish(method: BasicPublish): void {
    const { exchange } = method;
    if (exchange === "" || Lane.of(method, this.exchanges) !== undefined) return;
    if (this.exchange(exchange).internal) {
      throw new AmqpError(403, `cannot publish to internal ${this.#exchangeText(exchange)}`);
    }
  }

  /** Routes a message into its queues. The result is valid until the next publish.
   *
   * @param method What it is published with.
   */
  publish(message: Message, method?: BasicPublish): PublishResult {
    return this.publishing.publish(message, method);
  }

  // ---- exchanges

  /** @throws {AmqpError} 404 when there is no such exchange. */
  exchange(name: string): Exchange<MessageQueue> {
    const exchange = this.exchanges.get(name);
    if (exchange === undefined) throw new AmqpError(404, `no ${this.#exchangeText(name)}`);
    return exchange;
  }

  /**
   * Declares an exchange.
   *
   * @throws {AmqpError} 404 when it is missing and only asked for, 406 when it exists with other
   * properties or its type or arguments are none, 403 for names that are the broker's.
   */
  declareExchange(name: string, declared: ExchangeDeclaration, permit?: DeclarePermit): void {
    name = cleanName(name);
    if (declared.passive) {
      refuseDefault(name);
      this.exchange(name);
      return;
    }
    const type = this.#surroundings.exchangeTypes.get(declared.type);
    if (type === undefined) {
      throw new AmqpError(406, `unknown exchange type '${declared.type}'`);
    }
    refuseDefault(name);
    permit?.declare(name);
    const current = this.exchanges.get(name);
    if (current !== undefined) this.#checkSameExchange(current, declared);
    else {
      refuseReserved("exchange", name);
      const alternate = declared.arguments["alternate-exchange"];
      if (typeof alternate === "string") permit?.forward(name, alternate);
      this.#surroundings.limits?.checkRoomForExchange(this.#exchangeText(name));
      const exchange = this.#addExchange(name, declared);
      if (exchange.durable) this.#define(exchange);
      const { type, durable, autoDelete, internal, arguments: arguments_ } = exchange;
      this.events.emit("exchange.created", {
        name,
        vhost: this.name,
        type,
        durable,
        autoDelete,
        internal,
        arguments: arguments_,
      });
    }
  }

  /** Writes an exchange down, with a place in the store for what it holds back. */
  #define(exchange: Exchange<MessageQueue>): void {
    const topology = this.#topology;
    if (topology === undefined) return;
    const id = exchange.table.delay === undefined ? undefined : topology.nextQueueId();
    topology.addExchange(exchange, id);
    if (id !== undefined) this.publishing.kept.storeDelays(exchange, id);
  }

  /** False for exchanges that nobody may delete. */
  mayBeDeleted(name: string): boolean {
    return name !== "" && !name.startsWith("amq.");
  }

  /** Deletes an exchange; one that does not exist is as good as deleted. */
  deleteExchange(name: string, options: { readonly ifUnused: boolean }): void {
    refuseDefault(name);
    if (name.startsWith("amq.")) {
      throw new AmqpError(403, `deletion of system ${this.#exchangeText(name)} not allowed`);
    }
    const exchange = this.exchanges.get(name);
    if (exchange === undefined) return;
    if (options.ifUnused && exchange.hasBindings) {
      throw new AmqpError(406, `${this.#exchangeText(name)} in use`);
    }
    this.#removeExchange(exchange);
  }

  #addExchange(
    name: string,
    declared: ExchangeDeclaration,
    type: ExchangeType = this.#surroundings.exchangeTypes.get(declared.type)!,
  ): Exchange<MessageQueue> {
    checkExchangeArgument("alternate-exchange", this.#exchangeText(name), declared.arguments);
    const { durable, autoDelete, internal } = declared;
    const exchange = new Exchange(this.exchanges, {
      name,
      type,
      durable,
      autoDelete,
      internal,
      arguments: declared.arguments,
    });
    this.exchanges.add(exchange);
    this.publishing.exchangeAdded(exchange);
    this.settings.applyToExchange(exchange);
    return exchange;
  }

  #checkSameExchange(current: Exchange<MessageQueue>, declared: ExchangeDeclaration): void {
    const thing = this.#exchangeText(current.name);
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

  #removeExchange(exchange: Exchange<MessageQueue>): void {
    if (!this.exchanges.delete(exchange.name)) return;
    for (const binding of [...exchange.bindings()]) {
      exchange.remove(binding);
      this.#bindingIsGone(binding);
      this.#bindingsTo.get(binding.destination)?.delete(binding);
    }
    if (exchange.durable) this.#topology?.removeExchange(exchange.name);
    this.events.emit("exchange.deleted", { name: exchange.name, vhost: this.name });
    this.#unbindAllTo(exchange);
    this.publishing.exchangeRemoved(exchange);
  }

  // ---- bindings

  /** Binds an exchange to another one: what the source gets goes on to the destination. */
  bindExchange(fields: BindingDeclaration): void {
    refuseDefault(fields.source);
    refuseDefault(fields.destination);
    const source = this.exchange(fields.source);
    this.#bind(source, this.exchange(fields.destination), fields);
  }

  /** Takes such a binding away; one that is not there is as good as gone. */
  unbindExchange(fields: BindingDeclaration): void {
    refuseDefault(fields.source);
    refuseDefault(fields.destination);
    this.#unbind(fields.source, this.exchanges.get(fields.destination), fields);
  }

  /** Binds a queue to an exchange. */
  bindQueue(fields: BindingDeclaration, owner: object): void {
    refuseDefault(fields.source);
    const source = this.exchange(fields.source);
    this.#bind(source, this.queue(fields.destination, owner), fields);
  }

  /** Takes a queue's binding away; one that is not there is as good as gone. */
  unbindQueue(fields: BindingDeclaration, owner: object): void {
    refuseDefault(fields.source);
    const queue = this.queues.get(fields.destination);
    const foreign = queue !== undefined && queue.exclusive && queue.owner !== owner;
    if (foreign && this.#isBound(queue, fields)) throw this.#locked(queue);
    this.#unbind(fields.source, queue, fields);
  }

  /** The bindings that lead to a queue or an exchange. */
  bindingsTo(
    destination: MessageQueue | Exchange<MessageQueue>,
  ): ReadonlySet<Binding<MessageQueue>> | undefined {
    return this.#bindingsTo.get(destination);
  }

  #checkRoomForBinding(
    source: Exchange<MessageQueue>,
    destination: MessageQueue | Exchange<MessageQueue>,
    { routingKey, arguments: arguments_ }: BindingDeclaration,
  ): void {
    const { limits } = this.#surroundings;
    if (limits?.bindingMax === undefined || limits.bindingMax === Infinity) return;
    if (source.has(destination, routingKey, arguments_)) return;
    const to = destination.kind === "exchange"
      ? this.#exchangeText(destination.name)
      : this.#queueText(destination.name);
    const from = this.#exchangeText(source.name);
    limits.checkRoomForBinding(`${to} to ${from}`);
  }

  #isBound(
    queue: MessageQueue,
    { source, routingKey, arguments: arguments_ }: BindingDeclaration,
  ): boolean {
    const identity = bindingIdentity({ destination: queue, routingKey, arguments: arguments_ });
    for (const binding of this.#bindingsTo.get(queue) ?? []) {
      if (binding.source.name === source && binding.identity === identity) return true;
    }
    return false;
  }

  #bind(
    source: Exchange<MessageQueue>,
    destination: MessageQueue | Exchange<MessageQueue>,
    fields: BindingDeclaration,
    knownAs?: string,
  ): void {
    if (knownAs === undefined) {
      source.check(destination, fields.routingKey, fields.arguments);
      this.#checkRoomForBinding(source, destination, fields);
    }
    const binding = source.bind(destination, fields.routingKey, fields.arguments);
    if (binding === undefined) return;
    this.#topology?.addBinding(binding, knownAs);
    this.events.emit("binding.created", this.#bindingEvent(binding));
    const bindings = this.#bindingsTo.get(destination);
    if (bindings !== undefined) bindings.add(binding);
    else this.#bindingsTo.set(destination, new Set([binding]));
    if (source.keeps) this.publishing.kept.bound(binding);
  }

  #unbind(
    sourceName: string,
    destination: MessageQueue | Exchange<MessageQueue> | undefined,
    fields: BindingDeclaration,
  ): void {
    const source = this.exchanges.get(sourceName);
    if (source === undefined || destination === undefined) return;
    const binding = source.unbind(destination, fields.routingKey, fields.arguments);
    if (binding === undefined) return;
    this.#bindingIsGone(binding);
    this.#bindingsTo.get(destination)?.delete(binding);
    this.#sourceLostBinding(source);
  }

  #bindingIsGone(binding: Binding<MessageQueue>): void {
    this.#topology?.removeBinding(binding);
    this.events.emit("binding.deleted", this.#bindingEvent(binding));
  }

  #bindingEvent(
    { source, destination, routingKey, arguments: arguments_ }: Binding<MessageQueue>,
  ): BindingEvent {
    return {
      vhost: this.name,
      sourceName: source.name,
      destinationName: destination.name,
      destinationKind: destination.kind,
      routingKey,
      arguments: arguments_,
    };
  }

  /** An auto-delete exchange goes with its last binding. */
  #sourceLostBinding(source: Exchange<MessageQueue>): void {
    if (source.autoDelete && !source.hasBindings) this.#removeExchange(source);
  }

  #unbindAllTo(destination: MessageQueue | Exchange<MessageQueue>): void {
    const bindings = this.#bindingsTo.get(destination);
    if (bindings === undefined) return;
    this.#bindingsTo.delete(destination);
    for (const binding of bindings) {
      if (!binding.source.remove(binding)) continue;
      this.#bindingIsGone(binding);
      this.#sourceLostBinding(binding.source);
    }
  }

  // ---- queues

  /**
   * Finds a queue for a connection.
   *
   * @throws {AmqpError} 404 when there is none, 405 when it is another connection's alone.
   */
  queue(name: string, owner: object): MessageQueue {
    const queue = this.queues.get(name);
    if (queue === undefined) throw new AmqpError(404, `no ${this.#queueText(name)}`);
    this.#checkOwner(queue, owner);
    return queue;
  }

  /**
   * Declares a queue.
   *
   * @param name Its name; empty for one that the broker makes up.
   * @throws {AmqpError} 404 when it is missing and only asked for, 405 when it is another
   * connection's, 406 when it exists with other properties or an argument is wrong, 403 for names
   * that are the broker's.
   */
  declareQueue(
    name: string,
    declared: QueueDeclaration,
    owner: object,
    permit?: DeclarePermit,
  ): MessageQueue {
    name = cleanName(name);
    if (declared.passive) {
      const queue = this.queue(name, owner);
      queue.touch();
      return queue;
    }
    refuseReserved("queue", name);
    declared = { ...declared, arguments: withDefaultQueueType(declared, this.defaultQueueType) };
    if (name === "") {
      const type = queueTypeOf(declared.arguments);
      if (type !== "classic") {
        const text = `Cannot declare a server-named queue for type rabbit_${type}_queue`;
        throw new AmqpError(406, text);
      }
      name = generatedName("amq.gen-");
    }
    permit?.declare(name);
    const current = this.queues.get(name);
    if (current !== undefined) {
      this.#checkSameQueue(current, declared, owner);
      current.touch();
      return current;
    }
    const deadLetter = declared.arguments["x-dead-letter-exchange"];
    if (typeof deadLetter === "string") permit?.forward(name, deadLetter);
    checkQueueArguments(this.#queueText(name), declared, this.profile);
    if (!declared.durable && !declared.exclusive && !this.profile.transientQueues) {
      throw new AmqpError(541, NO_TRANSIENT_QUEUES);
    }
    this.settings.checkRoomForQueue(name);
    this.#surroundings.limits?.checkRoomForQueue(name);
    // what is gone with its connection does not survive a restart, whatever was asked for
    const durable = declared.durable && !declared.exclusive;
    const id = durable ? this.#topology?.nextQueueId() : undefined;
    const queue = this.#addQueue(name, {
      durable,
      autoDelete: declared.autoDelete,
      owner: declared.exclusive ? owner : undefined,
      arguments: declared.arguments,
      id,
    });
    if (id !== undefined) this.#topology!.addQueue(queue, id);
    this.events.emit("queue.created", {
      name,
      vhost: this.name,
      durable,
      autoDelete: queue.autoDelete,
      exclusive: queue.exclusive,
      arguments: queue.arguments,
    });
    if (queue.owner !== undefined) {
      const owned = this.#owned.get(queue.owner);
      if (owned !== undefined) owned.add(queue);
      else this.#owned.set(queue.owner, new Set([queue]));
    }
    return queue;
  }

  #addQueue(
    name: string,
    options: Pick<QueueOptions, "durable" | "autoDelete" | "owner" | "arguments"> & {
      /** What the store knows it by; undefined when the store does not. */
      readonly id: number | undefined;
    },
  ): MessageQueue {
    const { clock, pages, store } = this.#surroundings;
    const { onUnreadable } = this.#forQueues;
    const { id, ...declared } = options;
    const { arguments: arguments_ } = declared;
    const durability = store === undefined || id === undefined
      ? undefined
      : { store, stored: store.queue(id) };
    if (queueTypeOf(arguments_) === "stream") {
      const stream = new StreamQueue({
        name,
        arguments: arguments_,
        pages,
        durability,
        clock,
        onUnreadable,
        profile: this.profile,
      });
      stream.applyPolicy(this.settings.appliedTo(stream).definition);
      this.queues.set(name, stream);
      return stream;
    }
    const queue = new Queue({
      ...declared,
      name,
      pages,
      durability,
      clock,
      ...this.#forQueues,
      deaths: this.#deaths[queueTypeOf(options.arguments) === "quorum" ? "quorum" : "classic"],
      settings: this.settings.queueSettings(name, options.arguments),
      profile: this.profile,
    });
    this.queues.set(name, queue);
    return queue;
  }

  // ---- after a restart

  /**
   * Makes again what the store remembers: exchanges must come before queues, and both before their
   * bindings.
   */
  restore(definition: Definition): void {
    switch (definition.kind) {
      case "exchange":
        return this.#restoreExchange(definition);
      case "queue":
        this.#restoreQueue(definition);
        return;
      case "binding":
        return this.#restoreBinding(definition);
    }
  }

  /** An exchange whose type is not there any more, or does not take its arguments, lets nothing pass
   * until it is there again. */
  #restoreExchange(definition: ExchangeDefinition): void {
    const { name, type, id } = definition;
    const declared = { ...definition, passive: false, durable: true };
    let exchange: Exchange<MessageQueue>;
    try {
      if (this.#surroundings.exchangeTypes.get(type) === undefined) {
        throw new AmqpError(406, `unknown exchange type '${type}'`);
      }
      exchange = this.#addExchange(name, declared);
    } catch (error) {
      const text = this.#exchangeText(name);
      this.#surroundings.logger.log("error", `${text} cannot be used: ${messageOf(error)}`);
      exchange = this.#addExchange(name, declared, missingType(type, text));
    }
    if (id !== undefined) this.publishing.kept.storeDelays(exchange, id);
    // written down when delays were in memory alone
    else if (exchange.table.delay !== undefined) this.#define(exchange);
  }

  #restoreBinding(definition: BindingDefinition): void {
    const source = this.exchanges.get(definition.source);
    const destination = definition.destinationKind === "queue"
      ? this.queues.get(definition.destination)
      : this.exchanges.get(definition.destination);
    if (source === undefined || destination === undefined) return;
    try {
      this.#bind(source, destination, definition, definition.key);
    } catch (error) {
      this.#surroundings.logger.log(
        "error",
        `${this.#exchangeText(source.name)} is not bound to ${destination.kind} ` +
          `'${destination.name}' any more: ${messageOf(error)}`,
      );
    }
  }

  #restoreQueue(definition: Omit<QueueDefinition, "kind" | "vhost">): MessageQueue {
    const { name, id, autoDelete, arguments: arguments_, recovered } = definition;
    const queue = this.#addQueue(name, {
      durable: true,
      autoDelete,
      owner: undefined,
      arguments: arguments_,
      id,
    });
    // it may have been a stream, or what an exchange held back: then they were no ends
    if (recovered) this.#surroundings.store!.queue(id).forgetDeadlines();
    queue.restore();
    return queue;
  }

  /** Gives messages a queue of their own whose own one is lost with its definition. */
  recoverQueue(id: number): void {
    let name = `recovered.${id}`;
    while (this.queues.has(name)) name += ".again";
    const queue = this.#restoreQueue({
      name,
      id,
      autoDelete: false,
      arguments: {},
      recovered: true,
    });
    this.#topology!.addQueue(queue, id, true);
    this.#surroundings.logger.log(
      "warning",
      `store: ${queue.messageCount} messages, whose queue is lost with its definition, are in ` +
        `${this.#queueText(name)} now`,
    );
  }

  /**
   * Deletes a queue; one that does not exist is as good as deleted.
   *
   * @returns How many waiting messages went with it.
   * @throws {AmqpError} 406 when it is not empty or not unused and that is asked for, 540 when it is
   * not a classic one and either is asked for.
   */
  deleteQueue(
    name: string,
    options: { readonly ifUnused: boolean; readonly ifEmpty: boolean },
    owner: object,
  ): number {
    const queue = this.queues.get(name);
    if (queue === undefined) return 0;
    this.#checkOwner(queue, owner);
    // RabbitMQ deletes a stream whatever is asked for, and somebody may rely on it
    if (queueTypeOf(queue.arguments) === "stream") return this.#removeQueue(queue);
    this.#checkConditionalDelete(queue, options);
    if (options.ifEmpty && queue.messageCount + queue.retryingCount > 0) {
      throw new AmqpError(406, `${this.#queueText(name)} not empty`);
    }
    if (options.ifUnused && queue.consumerCount > 0) {
      throw new AmqpError(406, `${this.#queueText(name)} in use`);
    }
    return this.#removeQueue(queue);
  }

  #checkConditionalDelete(
    queue: MessageQueue,
    { ifUnused, ifEmpty }: { readonly ifUnused: boolean; readonly ifEmpty: boolean },
  ): void {
    const type = queueTypeOf(queue.arguments);
    if (type === "classic" || !(ifUnused || ifEmpty)) return;
    throw new AmqpError(
      540,
      `cannot delete ${this.#queueText(queue.name)}. queue.delete operations with ` +
        `${ifUnused ? "if-unused" : "if-empty"} flag set are not supported by ${type} queues`,
    );
  }

  /** Deletes the queues that belong to a connection which has ended. */
  *deleteExclusiveQueues(owner: object): Steps {
    for (const queue of this.#owned.get(owner) ?? []) {
      const dropped = this.#removeQueue(queue);
      yield 1 + dropped / DROPPED_IN_A_STEP;
    }
    this.#owned.delete(owner);
  }

  /**
   * Checks that a consumer may be added to a queue. Only classic queues know exclusive consumers, and
   * only they know a limit for a whole channel.
   *
   * @throws {AmqpError} 403 when there is an exclusive one, or it would be one and is not alone; 540
   * when its channel has such a limit; what `checkStreamConsumer` throws when it is a stream.
   */
  checkConsume(
    queue: MessageQueue,
    options: StreamConsumption & {
      readonly exclusive: boolean;
      readonly globalPrefetch?: boolean;
    },
  ): void {
    const text = this.#queueText(queue.name);
    checkConsumerArguments(text, queue.arguments, options.arguments ?? {}, this.profile);
    if (queueTypeOf(queue.arguments) !== "classic") {
      if (queueTypeOf(queue.arguments) === "stream") checkStreamConsumer(text, options);
      if (!options.globalPrefetch) return;
      throw new AmqpError(540, `${text} does not support global qos`);
    }
    const taken = queue.exclusiveConsumer !== undefined;
    const shared = queue.consumerCount > 0 || queue.singleActiveConsumer;
    if (taken || (options.exclusive && shared)) {
      throw new AmqpError(403, `${text} in exclusive use`);
    }
  }

  /**
   * Checks that messages may be taken out of a queue.
   *
   * @param method What is asked for.
   * @throws {AmqpError} 540 when it is a stream, 405 when it is a quorum queue that serves one consumer
   * at a time and a single message is asked for.
   */
  checkTake(queue: MessageQueue, method: "basic.get" | "queue.purge"): void {
    const text = this.#queueText(queue.name);
    if (queue.keepsDelivered) {
      throw new AmqpError(540, `${method} not supported by stream queues ${text}`);
    }
    const single = queue.singleActiveConsumer && queueTypeOf(queue.arguments) === "quorum";
    if (single && method === "basic.get") {
      throw new AmqpError(
        405,
        `cannot obtain access to locked ${text}. basic.get operations are not supported by quorum ` +
          "queues with single active consumer",
      );
    }
  }

  #removeQueue(queue: MessageQueue): number {
    if (this.queues.get(queue.name) !== queue) return 0;
    this.queues.delete(queue.name);
    if (queue.owner !== undefined) this.#owned.get(queue.owner)?.delete(queue);
    this.#unbindAllTo(queue);
    if (queue.durable) this.#topology?.removeQueue(queue.name);
    this.events.emit("queue.deleted", { name: queue.name, vhost: this.name });
    return queue.delete();
  }

  #checkOwner(queue: MessageQueue, owner: object): void {
    if (queue.owner !== undefined && queue.owner !== owner) throw this.#locked(queue);
  }

  #checkSameQueue(current: MessageQueue, declared: QueueDeclaration, owner: object): void {
    this.#checkOwner(current, owner);
    if (declared.exclusive !== current.exclusive) throw this.#locked(current);
    const text = this.#queueText(current.name);
    if (declared.durable !== current.durable && !current.exclusive) {
      throw differs("durable", text, declared.durable, current.durable);
    }
    if (declared.autoDelete !== current.autoDelete) {
      throw differs("auto_delete", text, declared.autoDelete, current.autoDelete);
    }
    checkSameArguments(text, declared.arguments, current.arguments);
  }

  #locked(queue: MessageQueue): AmqpError {
    return new AmqpError(
      405,
      `cannot obtain exclusive access to locked ${this.#queueText(queue.name)}. It could be ` +
        "originally declared on another connection or the exclusive property value does not " +
        "match that of the original declaration.",
    );
  }

  #queueText(name: string): string {
    return `queue '${name}' in vhost '${this.name}'`;
  }

  #exchangeText(name: string): string {
    return `exchange '${name}' in vhost '${this.name}'`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function refuseDefault(exchange: string): void {
  if (exchange === "") {
    throw new AmqpError(403, "operation not permitted on the default exchange");
  }
}
