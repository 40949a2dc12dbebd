import { AmqpError } from "../amqp/error.ts";
import type { FieldTable, FieldValue } from "../amqp/field_table.ts";
import type { Steps } from "../amqp/long_work.ts";
import type { Logger } from "../amqp/logger.ts";
import type { BrokerEvents } from "../events.ts";
import type { Profile } from "../profiles.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import { type QueueType, queueTypeOf } from "../queue/queue_arguments.ts";
import type { Store } from "../store/store.ts";
import type { Background } from "./background.ts";
import type { BindingRegistry } from "./binding_registry.ts";
import type { DeclarePermit, QueueDeclaration, TopologyLimits } from "./declarations.ts";
import { withDefaultQueueType } from "./metadata.ts";
import { cleanName, generatedName, queueText, refuseReserved } from "./names.ts";
import { checkDelete, checkNewQueue, checkOwner, checkSameQueue } from "./queue_checks.ts";
import type { Publishing } from "./publishing.ts";
import type { NewQueue, QueueFactory } from "./queue_factory.ts";
import type { VirtualHostSettings } from "./settings.ts";
import type { DurableTopology, QueueDefinition } from "./topology.ts";

/** A deletion that takes more than one turn should. */
export interface LongDelete {
  /** What is to be done. */
  readonly steps: Steps;
  /** How many waiting messages went with it, once all is done. */
  readonly dropped: number;
}

/** To drop so many messages takes as long as to end a channel. */
const DROPPED_IN_A_STEP = 32;

/** What the queues of a vhost are made of. */
export interface QueueRegistryOptions {
  /** The vhost's name. */
  readonly vhost: string;
  /** Where they are, by name. */
  readonly queues: Map<string, MessageQueue>;
  /** Makes them. */
  readonly factory: QueueFactory;
  /** What publishes to them. */
  readonly publishing: Pick<Publishing, "queueAdded">;
  /** What leads to them. */
  readonly bindings: BindingRegistry;
  /** What operators say of them. */
  readonly settings: VirtualHostSettings;
  /** The type of those that are declared without one, where operators do not say; undefined: classic. */
  readonly defaultType: QueueType | undefined;
  /** Where messages of durable ones survive a restart; undefined when none do. */
  readonly store: Store | undefined;
  /** Where they do themselves. */
  readonly topology: DurableTopology | undefined;
  /** How many there may be. Default: any number. */
  readonly limits: TopologyLimits | undefined;
  /** What differs between versions of RabbitMQ. */
  readonly profile: Profile;
  /** Who is told what happens. */
  readonly events: BrokerEvents;
  /** Where long work is done. */
  readonly background: Background;
  /** Where warnings go. */
  readonly logger: Logger;
}

/** The queues of a vhost: how they come and go, and whose they are. */
export class QueueRegistry {
  readonly #options: QueueRegistryOptions;
  /** The exclusive queues of each connection. */
  readonly #owned = new Map<object, Set<MessageQueue>>();

  constructor(options: QueueRegistryOptions) {
    this.#options = options;
  }

  /**
   * Finds a queue for a connection.
   *
   * @throws {AmqpError} 404 when there is none, 405 when it is another connection's alone.
   */
  get(name: string, owner: object): MessageQueue {
    const { queues, vhost } = this.#options;
    const queue = queues.get(name);
    if (queue === undefined) throw new AmqpError(404, `no ${queueText(name, vhost)}`);
    checkOwner(queue, owner, vhost);
    return queue;
  }

  /** The type of queues that are declared without one; undefined: classic. */
  get defaultType(): QueueType | undefined {
    return this.#options.settings.metadata.defaultQueueType ?? this.#options.defaultType;
  }

  /**
   * Declares a queue.
   *
   * @param name Its name; empty for one that the broker makes up.
   * @throws {AmqpError} 404 when it is missing and only asked for, 405 when it is another
   * connection's, 406 when it exists with other properties or an argument is wrong, 403 for names
   * that are the broker's.
   */
  declare(
    name: string,
    asked: QueueDeclaration,
    owner: object,
    permit?: DeclarePermit,
  ): MessageQueue {
    const { queues, vhost } = this.#options;
    name = cleanName(name);
    if (asked.passive) {
      const queue = this.get(name, owner);
      queue.touch();
      return queue;
    }
    refuseReserved("queue", name);
    const { prefix, rest } = withoutNamePrefix(asked.arguments);
    const kept = { ...asked, arguments: rest };
    const declared = { ...kept, arguments: withDefaultQueueType(kept, this.defaultType) };
    if (name === "") name = generatedQueueName(queueTypeOf(declared.arguments), prefix);
    permit?.declare(name);
    this.#options.events.queueDeclarations++;
    const current = queues.get(name);
    if (current !== undefined) {
      checkSameQueue(current, declared, owner, vhost);
      current.touch();
      return current;
    }
    this.#checkNew(name, declared, permit);
    return this.#create(name, declared, owner);
  }

  #checkNew(name: string, declared: QueueDeclaration, permit: DeclarePermit | undefined): void {
    const { vhost, profile, settings, limits } = this.#options;
    const deadLetter = declared.arguments["x-dead-letter-exchange"];
    if (typeof deadLetter === "string") permit?.forward(name, deadLetter);
    checkNewQueue(name, declared, vhost, profile);
    settings.checkRoomForQueue(name);
    limits?.checkRoomForQueue(name);
  }

  #create(name: string, declared: QueueDeclaration, owner: object): MessageQueue {
    const { vhost, topology, events } = this.#options;
    const { autoDelete, exclusive, arguments: arguments_ } = declared;
    // what is gone with its connection does not survive a restart, whatever was asked for
    const durable = declared.durable && !exclusive;
    const id = durable ? topology?.nextQueueId() : undefined;
    const queue = this.#add({
      name,
      durable,
      autoDelete,
      owner: exclusive ? owner : undefined,
      arguments: arguments_,
      id,
    });
    if (id !== undefined) topology!.addQueue(queue, id);
    events.emit("queue.created", {
      name,
      vhost,
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

  #add(fields: NewQueue): MessageQueue {
    const queue = this.#options.factory.make(fields);
    this.#options.queues.set(fields.name, queue);
    this.#options.publishing.queueAdded();
    return queue;
  }

  /** Makes one again after a restart, with the messages that the store has for it. */
  restore(definition: Omit<QueueDefinition, "kind" | "vhost">): MessageQueue {
    const { name, id, autoDelete, arguments: arguments_, recovered } = definition;
    const queue = this.#add({
      name,
      durable: true,
      autoDelete,
      owner: undefined,
      arguments: arguments_,
      id,
    });
    // it may have been a stream, or what an exchange held back: then they were no ends
    if (recovered) this.#options.store!.queue(id).forgetDeadlines();
    queue.restore();
    return queue;
  }

  /** Gives messages a queue of their own whose own one is lost with its definition. */
  recover(id: number): void {
    const { queues, topology, logger, vhost } = this.#options;
    let name = `recovered.${id}`;
    while (queues.has(name)) name += ".again";
    const queue = this.restore({ name, id, autoDelete: false, arguments: {}, recovered: true });
    topology!.addQueue(queue, id, true);
    logger.log(
      "warning",
      `store: ${queue.messageCount} messages, whose queue is lost with its definition, are in ` +
        `${queueText(name, vhost)} now`,
    );
  }

  /**
   * Deletes a queue; one that does not exist is as good as deleted.
   *
   * @returns How many waiting messages went with it; or what is to be done for that, when it is much.
   * @throws {AmqpError} 405 when it is another connection's alone, 406 when it is not empty or not
   * unused and that is asked for, 540 when it is not a classic one and either is asked for.
   */
  delete(
    name: string,
    options: { readonly ifUnused: boolean; readonly ifEmpty: boolean },
    owner: object,
  ): number | LongDelete {
    const { queues, vhost } = this.#options;
    const queue = queues.get(name);
    if (queue === undefined) return 0;
    checkOwner(queue, owner, vhost);
    checkDelete(queue, options, vhost);
    return this.#options.bindings.hasMany(queue) ? this.#longDelete(queue) : this.remove(queue);
  }

  #longDelete(queue: MessageQueue): LongDelete {
    let dropped = 0;
    const onDropped = (count: number) => dropped = count;
    return {
      steps: this.removeSlowly(queue, onDropped),
      get dropped() {
        return dropped;
      },
    };
  }

  /** Deletes the queues that belong to a connection which has ended. */
  *deleteOwned(owner: object): Steps {
    for (const queue of this.#owned.get(owner) ?? []) yield* this.removing(queue);
    this.#owned.delete(owner);
  }

  /**
   * Takes a queue away to which very many bindings lead. It is there, with those that are left, until they
   * are gone: what is published meanwhile goes with it.
   */
  *removeSlowly(queue: MessageQueue, onDropped?: (count: number) => void): Steps {
    const { queues, bindings, topology } = this.#options;
    if (queues.get(queue.name) !== queue) return;
    // first, or a crash would leave it with some of its bindings
    if (queue.durable) topology?.removeQueue(queue.name);
    do yield* bindings.unbindSlowly(queue); while (bindings.hasMany(queue));
    const dropped = this.remove(queue);
    onDropped?.(dropped);
  }

  /** Takes a queue away in as many steps as it needs. */
  *removing(queue: MessageQueue): Steps {
    if (this.#options.bindings.hasMany(queue)) yield* this.removeSlowly(queue);
    const dropped = this.remove(queue);
    yield 1 + dropped / DROPPED_IN_A_STEP;
  }

  /** Nobody uses a queue any more that goes then. */
  removeUnused(queue: MessageQueue): void {
    const { bindings, background } = this.#options;
    if (bindings.hasMany(queue)) background.begin(this.removeSlowly(queue));
    else this.remove(queue);
  }

  /** Takes a queue away with all that leads to it. Tells how many waiting messages went with it. */
  remove(queue: MessageQueue): number {
    const { queues, bindings, topology, events, vhost } = this.#options;
    const { name } = queue;
    if (queues.get(name) !== queue) return 0;
    queues.delete(name);
    if (queue.owner !== undefined) this.#owned.get(queue.owner)?.delete(queue);
    bindings.unbindAllTo(queue);
    if (queue.durable) topology?.removeQueue(name);
    events.emit("queue.deleted", { name, vhost });
    return queue.delete();
  }
}

/** How a name that the broker gives may begin. Nothing else is to be known of it later. */
const NAME_PREFIX = "x-name-prefix";
/** So many octets it may have. */
const PREFIX_MAX = 64;

function withoutNamePrefix(
  arguments_: FieldTable,
): { readonly prefix: FieldValue | undefined; readonly rest: FieldTable } {
  if (!Object.hasOwn(arguments_, NAME_PREFIX)) return { prefix: undefined, rest: arguments_ };
  const { [NAME_PREFIX]: prefix, ...rest } = arguments_;
  return { prefix, rest };
}

function generatedQueueName(type: QueueType, prefix: FieldValue | undefined): string {
  if (type === "classic") {
    if (typeof prefix !== "string" || prefix === "") return generatedName("amq.gen-");
    const clean = cleanName(prefix);
    if (new TextEncoder().encode(prefix).length > PREFIX_MAX) {
      throw new AmqpError(406, `Queue name prefix '${clean}' exceeds the 64-byte limit`);
    }
    return generatedName(`${clean}-`);
  }
  throw new AmqpError(406, `Cannot declare a server-named queue for type rabbit_${type}_queue`);
}
