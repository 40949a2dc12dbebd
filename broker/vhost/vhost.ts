import type { Clock } from "../amqp/clock.ts";
import { AmqpError } from "../amqp/error.ts";
import { finish, type Steps } from "../amqp/long_work.ts";
import type { Logger } from "../amqp/logger.ts";
import type { BasicPublish } from "../amqp/methods/basic.ts";
import type { MessageTracer } from "../amqp/tracer.ts";
import type { BrokerEvents, VhostEvent } from "../events.ts";
import type { Message } from "../message.ts";
import type { PagePool } from "../pages.ts";
import { DROP_IN, type Profile } from "../profiles.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import type { QueueType } from "../queue/queue_arguments.ts";
import type { Binding } from "../routing/binding.ts";
import type { Exchange } from "../routing/exchange.ts";
import type { ExchangeTypes } from "../routing/exchange_types.ts";
import { Exchanges } from "../routing/exchanges.ts";
import { DeathCounts, MessageSizes } from "../stats.ts";
import type { Store } from "../store/store.ts";
import { NODE_NAME } from "../version.ts";
import { Background } from "./background.ts";
import { BindingRegistry } from "./binding_registry.ts";
import type {
  BindingDeclaration,
  DeclarePermit,
  ExchangeDeclaration,
  QueueDeclaration,
  TopologyLimits,
} from "./declarations.ts";
import type { DeadLetterLimits } from "./dead_letters.ts";
import type { DelayedMessages } from "./delayed_messages.ts";
import { DurableSettings } from "./durable_settings.ts";
import { ExchangeRegistry, isSystemExchange } from "./exchange_registry.ts";
import { Firehose } from "./firehose.ts";
import { Lane } from "./lane.ts";
import { exchangeText, queueText, refuseDefault } from "./names.ts";
import { Pacing } from "./pacing.ts";
import { Publishing, type PublishResult } from "./publishing.ts";
import { checkConsume, checkTake, type Consumption, locked } from "./queue_checks.ts";
import { QueueFactory } from "./queue_factory.ts";
import { type LongDelete, QueueRegistry } from "./queue_registry.ts";
import { VirtualHostSettings } from "./settings.ts";
import { type BindingDefinition, type Definition, DurableTopology, hasLosses } from "./topology.ts";
import { VhostCounts } from "./vhost_counts.ts";

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

/** What it costs to close a connection. */
const CLOSE_COST = 32;

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
  /** How many dead messages may wait. */
  readonly deadLetters?: DeadLetterLimits | undefined;
  /** What the node is called. Default: `warren@localhost`. */
  readonly nodeName?: string | undefined;
}

/** A connection as the vhost that it entered sees it. */
export interface Visitor {
  /** Closes it. */
  close(error: AmqpError): void;
}

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
  /** What went through it. */
  readonly counts: VhostCounts = new VhostCounts();
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

  private readonly _surroundings: VirtualHostSurroundings;
  private readonly _topology: DurableTopology | undefined;
  private readonly _bindings: BindingRegistry;
  private readonly _exchanges: ExchangeRegistry;
  private readonly _queues: QueueRegistry;
  private readonly _background: Background;

  constructor(name: string, surroundings: VirtualHostSurroundings) {
    this.name = name;
    this._surroundings = surroundings;
    const { pages, clock, store, events, logger, limits, profile = DROP_IN } = surroundings;
    const { exchanges, queues } = this;
    this.profile = profile;
    this.messageSizes = surroundings.messageSizes ?? new MessageSizes();
    this.tracer = surroundings.tracer;
    this.observed = this.tracer !== undefined;
    const topology = store === undefined ? undefined : new DurableTopology(store, name);
    this._topology = topology;
    const nextQueueId = () => topology!.nextQueueId();
    const publishing = this.publishing = new Publishing({
      pages,
      store,
      exchanges,
      queues,
      clock,
      logger,
      delayed: surroundings.delayed,
      nextQueueId,
      profile,
      deadLetters: surroundings.deadLetters,
    });
    const settings = this.settings = new VirtualHostSettings({
      vhost: name,
      durable: store === undefined ? undefined : new DurableSettings(store),
      queues,
      exchanges,
      logger,
      events,
    });
    const background = this._background = new Background(
      events,
      (error) => this.reportError(`internal error: ${(error as Error)?.stack ?? error}`),
    );
    const bindings = this._bindings = new BindingRegistry({
      vhost: name,
      topology,
      kept: publishing.kept,
      limits,
      events,
      logger,
      isThere: (end) => (end.kind === "queue" ? this.queues : this.exchanges).get(end.name) === end,
      onUnused: (exchange) => this._exchanges.removeUnused(exchange),
    });
    this._exchanges = new ExchangeRegistry({
      vhost: name,
      exchanges,
      types: surroundings.exchangeTypes,
      bindings,
      settings,
      publishing,
      topology,
      limits,
      events,
      background,
      logger,
    });
    const factory = new QueueFactory({
      pages,
      store,
      nextQueueId,
      clock,
      profile,
      settings,
      pacing: this.pacing,
      publishing,
      deaths: surroundings.deaths ?? new DeathCounts(),
      onUnreadable: (error, queue) =>
        this.reportError(`${queueText(queue, name)}: ${error.message}`),
      onUnused: (queue) => this._queues.removeUnused(queue),
    });
    this._queues = new QueueRegistry({
      vhost: name,
      queues,
      publishing,
      factory,
      bindings,
      settings,
      defaultType: surroundings.defaultQueueType,
      store,
      topology,
      limits,
      profile,
      events,
      background,
      logger,
    });
    for (const [exchange, type] of SYSTEM_EXCHANGES) {
      this._exchanges.addSystemExchange(exchange, type, exchange === TRACE_EXCHANGE);
    }
  }

  /** The type of queues that are declared without one; undefined: classic. */
  get defaultQueueType(): QueueType | undefined {
    return this._queues.defaultType;
  }

  /** Where durable things survive a restart; undefined when nothing does. */
  get store(): Store | undefined {
    return this._surroundings.store;
  }

  /** What the node is called that it is on. */
  get nodeName(): string {
    return this._surroundings.nodeName ?? NODE_NAME;
  }

  /** Logs what went wrong where nobody waits to be told. */
  reportError(message: string): void {
    this._surroundings.logger.log("error", message);
  }

  /** Who is told what happens. */
  get events(): BrokerEvents {
    return this._surroundings.events;
  }

  /** Switches the firehose on or off. */
  setTracing(on: boolean): void {
    this.firehose = on ? this.firehose ?? new Firehose(this) : undefined;
    this.observed = on || this.tracer !== undefined;
  }

  /** Adds a topic exchange on which only the broker publishes. */
  addSystemExchange(name: string): void {
    this._exchanges.addSystemExchange(name, "topic", true);
  }

  /** All of it is restored: what is too old may go now. */
  start(): void {
    for (const queue of this.queues.values()) queue.start();
  }

  /** Sets no timer any more, and leaves nothing half done: the broker closes. */
  stop(): void {
    this._background.finish();
    this.publishing.stop();
    for (const queue of this.queues.values()) queue.stop();
  }

  /**
   * Does something long for somebody who is no client. When the broker closes it is done to its end.
   *
   * @param onDone Called when it is done; with what went wrong, if that ended it.
   */
  inBackground(steps: Steps, onDone: (error?: unknown) => void): void {
    this._background.begin(steps, onDone);
  }

  /** What connections to it are closed with when it goes. */
  deletedError(): AmqpError {
    return new AmqpError(320, `vhost '${this.name}' is deleted`);
  }

  /** What events tell of it. */
  get event(): VhostEvent {
    return { name: this.name, ...this.settings.metadata, tracing: this.firehose !== undefined };
  }

  /**
   * Ends the vhost, step by step: its connections are closed with 320, then all that is in it goes. What
   * the store knows of the vhost itself goes last: a crash leaves it with what was still there, as in
   * RabbitMQ.
   */
  *deleting(): Steps {
    for (const connection of [...this.connections]) {
      connection.close(this.deletedError());
      yield CLOSE_COST;
    }
    // those that were not closed yet may have made some more
    while (this.queues.size > 0) {
      for (const queue of this.queues.values()) yield* this._queues.removing(queue);
    }
    while (this.exchanges.size > 0) {
      for (const exchange of [...this.exchanges]) yield* this._exchanges.removing(exchange);
    }
    yield* this.publishing.ending();
    this.settings.clear();
    this.events.emit("vhost.deleted", { name: this.name });
  }

  /** True when something durable was made or deleted since this was last asked. */
  takeChange(): boolean {
    return this._topology?.takeChange() ?? false;
  }

  // ---- messages

  /**
   * Checks that clients may publish to an exchange.
   *
   * @throws {AmqpError} 404 when there is none, 403 when it is internal.
   */
  checkPublish(method: BasicPublish): void {
    const exchange = method.exchange;
    if (exchange !== "" && Lane.of(method, this.exchanges) === undefined) {
      this._checkExchange(exchange);
    }
  }

  private _checkExchange(exchange: string): void {
    if (this.exchange(exchange).internal) {
      throw new AmqpError(403, `cannot publish to internal ${exchangeText(exchange, this.name)}`);
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
    return this.exchanges.get(name) ?? this._exchanges.get(name);
  }

  /**
   * Declares an exchange.
   *
   * @throws {AmqpError} 404 when it is missing and only asked for, 406 when it exists with other
   * properties or its type or arguments are none, 403 for names that are the broker's.
   */
  declareExchange(name: string, declared: ExchangeDeclaration, permit?: DeclarePermit): void {
    this._exchanges.declare(name, declared, permit);
  }

  /** False for exchanges that nobody may delete. */
  mayBeDeleted(name: string): boolean {
    return !isSystemExchange(name);
  }

  /**
   * Deletes an exchange; one that does not exist is as good as deleted.
   *
   * @throws {AmqpError} 403 when it is one of the broker's own, 406 when it is in use and that is asked
   * for.
   */
  deleteExchange(name: string, options: { readonly ifUnused: boolean }): void {
    const steps = this.beginDeletingExchange(name, options);
    if (steps !== undefined) finish(steps);
  }

  /**
   * The same, but of an exchange with very many bindings it is only begun.
   *
   * @returns What is to be done; undefined when it is done.
   */
  beginDeletingExchange(
    name: string,
    options: { readonly ifUnused: boolean },
  ): Steps | undefined {
    return this._exchanges.delete(name, options);
  }

  // ---- bindings

  /** Binds an exchange to another one: what the source gets goes on to the destination. */
  bindExchange(fields: BindingDeclaration): void {
    const steps = this.beginBindingExchange(fields);
    if (steps !== undefined) finish(steps);
  }

  /**
   * The same, but what very much comes with is only begun.
   *
   * @returns What is to be done; undefined when it is done.
   */
  beginBindingExchange(fields: BindingDeclaration): Steps | undefined {
    refuseDefault(fields.source);
    refuseDefault(fields.destination);
    const source = this.exchange(fields.source);
    return this._bindings.bind(source, this.exchange(fields.destination), fields);
  }

  /** Takes such a binding away; one that is not there is as good as gone. */
  unbindExchange(fields: BindingDeclaration): void {
    refuseDefault(fields.source);
    refuseDefault(fields.destination);
    this._unbind(this.exchanges.get(fields.destination), fields);
  }

  /** Binds a queue to an exchange. */
  bindQueue(fields: BindingDeclaration, owner: object): void {
    const steps = this.beginBindingQueue(fields, owner);
    if (steps !== undefined) finish(steps);
  }

  /** The same as `beginBindingExchange`. */
  beginBindingQueue(fields: BindingDeclaration, owner: object): Steps | undefined {
    refuseDefault(fields.source);
    const source = this.exchange(fields.source);
    return this._bindings.bind(source, this.queue(fields.destination, owner), fields);
  }

  /** Takes a queue's binding away; one that is not there is as good as gone. */
  unbindQueue(fields: BindingDeclaration, owner: object): void {
    refuseDefault(fields.source);
    const queue = this.queues.get(fields.destination);
    const foreign = queue !== undefined && queue.exclusive && queue.owner !== owner;
    if (foreign) {
      const { source, routingKey, arguments: arguments_ } = fields;
      const isThere = this.exchanges.get(source)?.has(queue, routingKey, arguments_) ?? false;
      if (isThere) throw locked(queue, this.name);
    }
    this._unbind(queue, fields);
  }

  private _unbind(
    destination: MessageQueue | Exchange<MessageQueue> | undefined,
    fields: BindingDeclaration,
  ): void {
    const source = this.exchanges.get(fields.source);
    if (source === undefined || destination === undefined) return;
    this._bindings.unbind(source, destination, fields);
  }

  /** The bindings that lead to a queue or an exchange. */
  bindingsTo(
    destination: MessageQueue | Exchange<MessageQueue>,
  ): ReadonlySet<Binding<MessageQueue>> | undefined {
    return this._bindings.to(destination);
  }

  // ---- queues

  /**
   * Finds a queue for a connection.
   *
   * @throws {AmqpError} 404 when there is none, 405 when it is another connection's alone.
   */
  queue(name: string, owner: object): MessageQueue {
    return this._queues.get(name, owner);
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
    return this._queues.declare(name, declared, owner, permit);
  }

  /**
   * Deletes a queue; one that does not exist is as good as deleted.
   *
   * @returns How many waiting messages went with it.
   * @throws {AmqpError} 405 when it is another connection's alone, 406 when it is not empty or not
   * unused and that is asked for, 540 when it is not a classic one and either is asked for.
   */
  deleteQueue(
    name: string,
    options: { readonly ifUnused: boolean; readonly ifEmpty: boolean },
    owner: object,
  ): number {
    const deleting = this.beginDeletingQueue(name, options, owner);
    if (typeof deleting === "number") return deleting;
    finish(deleting.steps);
    return deleting.dropped;
  }

  /**
   * The same, but of a queue to which very many bindings lead it is only begun.
   *
   * @returns What is to be done; or how many messages went, when it is done.
   */
  beginDeletingQueue(
    name: string,
    options: { readonly ifUnused: boolean; readonly ifEmpty: boolean },
    owner: object,
  ): number | LongDelete {
    return this._queues.delete(name, options, owner);
  }

  /** Deletes the queues that belong to a connection which has ended. */
  deleteExclusiveQueues(owner: object): Steps {
    return this._queues.deleteOwned(owner);
  }

  /**
   * Checks that a consumer may be added to a queue.
   *
   * @throws {AmqpError} What `checkConsume` in `queue_checks.ts` says, or 406 when there is no room for one
   * more consumer.
   */
  checkConsume(queue: MessageQueue, options: Consumption): void {
    checkConsume(queue, options, this.name, this.profile);
    const { limits } = this._surroundings;
    limits?.checkRoomForConsumer(() => queueText(queue.name, this.name));
  }

  /**
   * Checks that messages may be taken out of a queue.
   *
   * @param method What is asked for.
   * @throws {AmqpError} What `checkTake` in `queue_checks.ts` says.
   */
  checkTake(queue: MessageQueue, method: "basic.get" | "queue.purge"): void {
    checkTake(queue, method, this.name);
  }

  // ---- after a restart

  /**
   * Makes again what the store remembers: exchanges must come before queues, and both before their
   * bindings.
   */
  restore(definition: Definition): void {
    switch (definition.kind) {
      case "exchange":
        return this._exchanges.restore(definition);
      case "queue":
        this._queues.restore(definition);
        return;
      case "binding":
        return this._restoreBinding(definition);
    }
  }

  private _restoreBinding(definition: BindingDefinition): void {
    const source = this.exchanges.get(definition.source);
    const destination = definition.destinationKind === "queue"
      ? this.queues.get(definition.destination)
      : this.exchanges.get(definition.destination);
    if (source === undefined || destination === undefined) return this._forgetBinding(definition);
    this._bindings.restore(source, destination, definition);
  }

  /** What it led to, or away from, was deleted: it must not come back with one of the same name. */
  private _forgetBinding({ key }: BindingDefinition): void {
    const { store } = this._surroundings;
    // what a damaged store has lost may be declared again, though
    if (store !== undefined && !hasLosses(store)) store.undefine(key);
  }

  /** Gives messages a queue of their own whose own one is lost with its definition. */
  recoverQueue(id: number): void {
    this._queues.recover(id);
  }
}
