import type { Logger } from "../amqp/logger.ts";
import { finish, type Steps } from "../amqp/long_work.ts";
import type { BindingEvent, BrokerEvents } from "../events.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import { type Binding, bindingIdentity } from "../routing/binding.ts";
import type { Exchange } from "../routing/exchange.ts";
import type { BindingDeclaration, TopologyLimits } from "./declarations.ts";
import type { KeptMessages } from "./kept_messages.ts";
import { exchangeText, queueText } from "./names.ts";
import type { BindingDefinition, DurableTopology } from "./topology.ts";

/** Where a binding leads. */
type Destination = MessageQueue | Exchange<MessageQueue>;

/** More bindings than that are not taken away at once. */
const REMOVED_AT_ONCE = 1024;
/** In slices so many are one step. */
const CHUNK = 16;
/** What that costs. */
const CHUNK_COST = 16;

/** What the bindings of a vhost are made of. */
export interface BindingRegistryOptions {
  /** The vhost's name. */
  readonly vhost: string;
  /** Where durable ones survive a restart; undefined when none do. */
  readonly topology: DurableTopology | undefined;
  /** What exchanges remember for who is bound later. */
  readonly kept: KeptMessages;
  /** How many there may be. Default: any number. */
  readonly limits: TopologyLimits | undefined;
  /** Who is told what happens. */
  readonly events: BrokerEvents;
  /** Where warnings go. */
  readonly logger: Logger;
  /** True while a queue or an exchange has not been deleted. */
  readonly isThere: (end: Destination) => boolean;
  /** Called when an auto-delete exchange has lost its last binding. */
  readonly onUnused: (exchange: Exchange<MessageQueue>) => void;
}

/**
 * The bindings of a vhost: how they come and go. Each exchange has those that lead away from it; those
 * that lead to something are here.
 */
export class BindingRegistry {
  readonly #options: BindingRegistryOptions;
  readonly #to = new Map<Destination, Set<Binding<MessageQueue>>>();
  /** Those that will be there when what their source remembers is, by what tells them from others of it. */
  readonly #comingFrom = new Map<Destination, Map<string, Coming>>();

  constructor(options: BindingRegistryOptions) {
    this.#options = options;
  }

  /** Those that lead to a queue or an exchange. */
  to(destination: Destination): ReadonlySet<Binding<MessageQueue>> | undefined {
    return this.#to.get(destination);
  }

  /** True when so many lead to something, or away from it, that they are not taken away at once. */
  hasMany(destination: Destination): boolean {
    if ((this.#to.get(destination)?.size ?? 0) > REMOVED_AT_ONCE) return true;
    return destination.kind === "exchange" && destination.bindingCount > REMOVED_AT_ONCE;
  }

  /**
   * Binds something to an exchange; a binding that is there stays.
   *
   * @returns What is to be done before it is there; undefined when it is.
   * @throws {AmqpError} 406 when the exchange's type does not take the key or the arguments, or there
   * are as many as there may be.
   */
  bind(
    source: Exchange<MessageQueue>,
    destination: Destination,
    fields: BindingDeclaration,
  ): Steps | undefined {
    const { routingKey, arguments: arguments_ } = fields;
    source.check(destination, routingKey, arguments_);
    this.#checkRoom(source, destination, fields);
    const isLong = source.keeps && this.#options.kept.remembersMany(source) &&
      !source.has(destination, routingKey, arguments_);
    if (isLong) return this.#beginSlowly(source, destination, fields);
    this.#add(source, destination, fields);
    return undefined;
  }

  #beginSlowly(
    source: Exchange<MessageQueue>,
    destination: Destination,
    fields: BindingDeclaration,
  ): Steps {
    const { routingKey, arguments: arguments_ } = fields;
    const identity = bindingIdentity({ destination, routingKey, arguments: arguments_ });
    const coming = this.#comingFrom.get(source) ?? new Map<string, Coming>();
    this.#comingFrom.set(source, coming);
    const one = coming.get(identity);
    // another queue may have had the name before
    if (one?.destination === destination) return one.goOn();
    const next = new Coming(destination, this.#bindSlowly(source, destination, fields), () => {
      if (coming.get(identity) !== next) return;
      coming.delete(identity);
      if (coming.size === 0) this.#comingFrom.delete(source);
    });
    coming.set(identity, next);
    return next.goOn();
  }

  /** Brings what the exchange remembers before the binding is there: what is published from then on comes after
   * it, and what is published until then is remembered as well. */
  *#bindSlowly(
    source: Exchange<MessageQueue>,
    destination: Destination,
    fields: BindingDeclaration,
  ): Steps {
    const { kept, isThere } = this.#options;
    yield* kept.bring(source, destination, () => isThere(destination));
    if (!isThere(source) || !isThere(destination)) return;
    this.#add(source, destination, fields, undefined, true);
  }

  #checkRoom(
    source: Exchange<MessageQueue>,
    destination: Destination,
    { routingKey, arguments: arguments_ }: BindingDeclaration,
  ): void {
    const { limits, vhost } = this.#options;
    if (limits === undefined || source.has(destination, routingKey, arguments_)) return;
    limits.checkRoomForBinding(() => {
      const textOf = destination.kind === "exchange" ? exchangeText : queueText;
      return `${textOf(destination.name, vhost)} to ${exchangeText(source.name, vhost)}`;
    });
  }

  /**
   * @param knownAs What the store knows it by already.
   * @param isBrought True when it has what its source remembers.
   */
  #add(
    source: Exchange<MessageQueue>,
    destination: Destination,
    { routingKey, arguments: arguments_ }: BindingDeclaration,
    knownAs?: string,
    isBrought = false,
  ): void {
    const { topology, events, kept } = this.#options;
    const binding = source.bind(destination, routingKey, arguments_);
    if (binding === undefined) return;
    topology?.addBinding(binding, knownAs);
    events.emit("binding.created", this.#eventOf(binding));
    const bindings = this.#to.get(destination);
    if (bindings !== undefined) bindings.add(binding);
    else this.#to.set(destination, new Set([binding]));
    if (source.keeps && !isBrought) finish(kept.bring(source, destination));
  }

  /** Makes one again after a restart; one that the exchange does not take any more is told of. */
  restore(
    source: Exchange<MessageQueue>,
    destination: Destination,
    definition: BindingDefinition,
  ): void {
    try {
      this.#add(source, destination, definition, definition.key);
    } catch (error) {
      const { logger, vhost } = this.#options;
      logger.log(
        "error",
        `${exchangeText(source.name, vhost)} is not bound to ${destination.kind} ` +
          `'${destination.name}' any more: ${error instanceof Error ? error.message : error}`,
      );
    }
  }

  /** Takes one away; one that is not there is as good as gone. */
  unbind(
    source: Exchange<MessageQueue>,
    destination: Destination,
    { routingKey, arguments: arguments_ }: BindingDeclaration,
  ): void {
    const binding = source.unbind(destination, routingKey, arguments_);
    if (binding === undefined) return;
    this.#isGone(binding);
    this.#to.get(destination)?.delete(binding);
    this.#sourceLost(source);
  }

  /** Takes those away that lead from an exchange which is deleted. */
  unbindAllFrom(source: Exchange<MessageQueue>): void {
    for (const binding of source.bindings()) this.#removeFrom(source, binding);
  }

  #removeFrom(source: Exchange<MessageQueue>, binding: Binding<MessageQueue>): void {
    source.remove(binding);
    this.#isGone(binding);
    this.#to.get(binding.destination)?.delete(binding);
  }

  /**
   * Takes those away, step by step, that lead to something which will be deleted then, or away from it.
   * What is bound meanwhile goes, too, but for what comes at the very end.
   */
  *unbindSlowly(destination: Destination): Steps {
    let count = 0;
    if (destination.kind === "exchange") {
      for (const binding of destination.bindings()) {
        this.#removeFrom(destination, binding);
        if (++count % CHUNK === 0) yield CHUNK_COST;
      }
    }
    const bindings = this.#to.get(destination);
    for (const binding of bindings ?? []) {
      bindings!.delete(binding);
      this.#removeTo(binding);
      if (++count % CHUNK === 0) yield CHUNK_COST;
    }
  }

  /** Takes those away that lead to something which is deleted. */
  unbindAllTo(destination: Destination): void {
    const bindings = this.#to.get(destination);
    if (bindings === undefined) return;
    this.#to.delete(destination);
    for (const binding of bindings) this.#removeTo(binding);
  }

  #removeTo(binding: Binding<MessageQueue>): void {
    if (!binding.source.remove(binding)) return;
    this.#isGone(binding);
    this.#sourceLost(binding.source);
  }

  #isGone(binding: Binding<MessageQueue>): void {
    this.#options.topology?.removeBinding(binding);
    this.#options.events.emit("binding.deleted", this.#eventOf(binding));
  }

  /** An auto-delete exchange goes with its last binding. */
  #sourceLost(source: Exchange<MessageQueue>): void {
    if (source.autoDelete && !source.hasBindings) this.#options.onUnused(source);
  }

  #eventOf(
    { source, destination, routingKey, arguments: arguments_ }: Binding<MessageQueue>,
  ): BindingEvent {
    return {
      vhost: this.#options.vhost,
      sourceName: source.name,
      destinationName: destination.name,
      destinationKind: destination.kind,
      routingKey,
      arguments: arguments_,
    };
  }
}

/** A binding that is on its way. */
class Coming {
  readonly destination: Destination;
  readonly #steps: Steps;
  readonly #onEnd: () => void;
  /** What ended it, if that was an error. */
  #failure: { readonly error: unknown } | undefined;

  constructor(destination: Destination, steps: Steps, onEnd: () => void) {
    this.destination = destination;
    this.#steps = steps;
    this.#onEnd = onEnd;
  }

  /** For one of those who wait for it: each goes on with the same work, and hears the same of it. */
  *goOn(): Steps {
    for (;;) {
      const { done, value } = this.#next();
      if (this.#failure !== undefined) throw this.#failure.error;
      if (done === true) return;
      yield value;
    }
  }

  #next(): IteratorResult<number, void> {
    try {
      const next = this.#steps.next();
      if (next.done === true) this.#onEnd();
      return next;
    } catch (error) {
      this.#failure = { error };
      this.#onEnd();
      return { done: true, value: undefined };
    }
  }
}
