import { builtIn } from "./amqp/built_in.ts";
import type { Clock } from "./amqp/clock.ts";
import type { FieldTable, FieldValue } from "./amqp/field_table.ts";
import { atEndOfTurn } from "./amqp/turn.ts";

/** A thing in a vhost. */
export interface NamedEvent {
  /** Its name. */
  readonly name: string;
  /** Its vhost. */
  readonly vhost: string;
}

/** A queue was made. */
export interface QueueCreatedEvent extends NamedEvent {
  /** Survives a restart. */
  readonly durable: boolean;
  /** Goes when its last consumer goes. */
  readonly autoDelete: boolean;
  /** Belongs to one connection. */
  readonly exclusive: boolean;
  /** What it was declared with. */
  readonly arguments: FieldTable;
}

/** An exchange was made. */
export interface ExchangeCreatedEvent extends NamedEvent {
  /** Its type. */
  readonly type: string;
  /** Survives a restart. */
  readonly durable: boolean;
  /** Goes when its last binding goes. */
  readonly autoDelete: boolean;
  /** Clients cannot publish to it. */
  readonly internal: boolean;
  /** What it was declared with. */
  readonly arguments: FieldTable;
}

/** A binding was made or deleted. */
export interface BindingEvent {
  /** Its vhost. */
  readonly vhost: string;
  /** Name of the exchange that messages come from. */
  readonly sourceName: string;
  /** Name of the queue or exchange that they go to. */
  readonly destinationName: string;
  /** What that is. */
  readonly destinationKind: "queue" | "exchange";
  /** The binding key. */
  readonly routingKey: string;
  /** What it was made with. */
  readonly arguments: FieldTable;
}

/** A client logged in, or its connection ended. */
export interface ConnectionEvent extends NamedEvent {
  /** Who it logged in as. */
  readonly user: string;
  /** What the client told about itself. */
  readonly clientProperties: FieldTable;
}

/** A client logged in. */
export interface ConnectionCreatedEvent extends ConnectionEvent {
  /** Whether it came over a network, or from this process. */
  readonly type: "network" | "direct";
  /** When, in milliseconds since 1970. */
  readonly connectedAt: number;
  /** How many channels it may have; 0: any number. */
  readonly channelMax: number;
  /** The client's end, if it came over a network, as all that follows. */
  readonly peerHost?: string;
  /** The port at that end. */
  readonly peerPort?: number;
  /** Our end. */
  readonly host?: string;
  /** The port at our end. */
  readonly port?: number;
  /** The largest frame in bytes; 0: any. */
  readonly frameMax?: number;
  /** Interval of heartbeats in seconds; 0: none. */
  readonly timeout?: number;
  /** The SASL mechanism that its client logged in by. */
  readonly authMechanism?: string;
  /** True when it is encrypted. */
  readonly ssl?: boolean;
  /** The version of TLS. */
  readonly sslProtocol?: string;
  /** The cipher suite. */
  readonly sslCipher?: string;
}

/** A channel was opened or closed. */
export interface ChannelEvent {
  /** Its vhost. */
  readonly vhost: string;
  /** Name of its connection. */
  readonly connection: string;
  /** Its number. */
  readonly number: number;
  /** Who its client logged in as. */
  readonly user: string;
}

/** A consumer came or went. */
export interface ConsumerEvent {
  /** Its vhost. */
  readonly vhost: string;
  /** Name of its connection. */
  readonly connection: string;
  /** Number of its channel. */
  readonly channel: number;
  /** Its name on the channel. */
  readonly consumerTag: string;
  /** Where it takes messages from. */
  readonly queue: string;
  /** True when it asked to be the only one. */
  readonly exclusive: boolean;
  /** True when what it gets waits for an ack. */
  readonly ackRequired: boolean;
  /** How many unacked messages it takes; 0: any number. */
  readonly prefetchCount: number;
  /** What it was made with. */
  readonly arguments: FieldTable;
}

/** A vhost was made, or what is said of it changed. */
export interface VhostEvent {
  /** Its name. */
  readonly name: string;
  /** What it is for. */
  readonly description: string;
  /** Words by which it can be found. */
  readonly tags: readonly string[];
  /** The type of queues that are declared without one; undefined: classic. */
  readonly defaultQueueType: string | undefined;
  /** True when it cannot be deleted. */
  readonly protectedFromDeletion: boolean;
  /** True while its firehose is on. */
  readonly tracing: boolean;
}

/** A vhost may have more or less from now on. A limit that is undefined is none. */
export interface VhostLimitsEvent extends NamedEvent {
  /** How many connections it may have. */
  readonly maxConnections?: number;
  /** How many queues it may have. */
  readonly maxQueues?: number;
}

/** A policy or an operator policy was set. */
export interface PolicySetEvent extends NamedEvent {
  /** What is looked for in names. */
  readonly pattern: string;
  /** What it applies to. */
  readonly applyTo: string;
  /** The highest applies. */
  readonly priority: number;
  /** Its settings. */
  readonly definition: FieldTable;
  /** True for an operator policy. RabbitMQ's event exchange does not tell the two apart. */
  readonly operator: boolean;
}

/** A parameter is gone. */
export interface ParameterEvent {
  /** Its vhost; undefined for one that belongs to none. */
  readonly vhost: string | undefined;
  /** The part of the broker that it is for; `global` for one that belongs to no vhost. */
  readonly component: string;
  /** Its name. */
  readonly name: string;
}

/** A parameter was set. */
export interface ParameterSetEvent extends ParameterEvent {
  /** What it says. */
  readonly value: FieldValue;
}

/** An alarm was raised, or is over. */
export interface AlarmEvent {
  /** What is short. */
  readonly source: "memory" | "disk";
}

/** Something about a user. */
export interface UserEvent {
  /** Its name. */
  readonly name: string;
}

/** A user has other tags. */
export interface UserTagsEvent extends UserEvent {
  /** All that it has now. */
  readonly tags: readonly string[];
}

/** A user has other limits. */
export interface UserLimitsEvent extends UserEvent {
  /** All that it has now, as definitions have them. */
  readonly limits: FieldTable;
}

/** What a user may do in a vhost has changed. */
export interface PermissionEvent {
  /** The user. */
  readonly user: string;
  /** The vhost. */
  readonly vhost: string;
}

/** A user may do something in a vhost. */
export interface PermissionCreatedEvent extends PermissionEvent {
  /** What it may declare and delete. */
  readonly configure: string;
  /** What it may write to. */
  readonly write: string;
  /** What it may read from. */
  readonly read: string;
}

/** What a user may do with a topic exchange is limited. */
export interface TopicPermissionCreatedEvent extends PermissionEvent {
  /** The exchange. */
  readonly exchange: string;
  /** The routing keys that it may publish with. */
  readonly write: string;
  /** The routing keys that it may bind with. */
  readonly read: string;
}

/** It is limited no more. */
export interface TopicPermissionDeletedEvent extends PermissionEvent {
  /** The exchange; missing: all of them. */
  readonly exchange?: string;
}

/** Somebody logged in over a network, or was refused. */
export interface AuthenticationEvent {
  /** Whom the client said that it is; missing when it said nothing that could be read. */
  readonly name?: string;
  /** Always `network`. */
  readonly connectionType: "network";
  /** The connection's name. */
  readonly connectionName: string;
  /** Where it comes from. */
  readonly peerHost: string;
  /** The SASL mechanism. */
  readonly authMechanism: string;
  /** Why it was refused. */
  readonly error?: string;
}

/** What happens in a broker, by the names of RabbitMQ's event exchange. */
export interface BrokerEventMap {
  /** A queue was made. */
  "queue.created": QueueCreatedEvent;
  /** A queue was deleted, or went by itself. */
  "queue.deleted": NamedEvent;
  /** An exchange was made. */
  "exchange.created": ExchangeCreatedEvent;
  /** An exchange was deleted, or went by itself. */
  "exchange.deleted": NamedEvent;
  /** Something was bound. */
  "binding.created": BindingEvent;
  /** A binding went. */
  "binding.deleted": BindingEvent;
  /** A client has entered a vhost. */
  "connection.created": ConnectionCreatedEvent;
  /** Its connection ended. */
  "connection.closed": ConnectionEvent;
  /** A channel was opened. */
  "channel.created": ChannelEvent;
  /** A channel was closed. */
  "channel.closed": ChannelEvent;
  /** A consumer was added. */
  "consumer.created": ConsumerEvent;
  /** A consumer went. */
  "consumer.deleted": ConsumerEvent;
  /** A vhost was made. */
  "vhost.created": VhostEvent;
  /** Something else is said of it. */
  "vhost.updated": VhostEvent;
  /** A vhost was deleted, with all that was in it. */
  "vhost.deleted": Pick<VhostEvent, "name">;
  /** The limits of a vhost were set. */
  "vhost.limits.set": VhostLimitsEvent;
  /** It has none any more. */
  "vhost.limits.cleared": NamedEvent;
  /** A policy was set, a user's or an operator's, that was not the same before. */
  "policy.set": PolicySetEvent;
  /** A user's policy was deleted. */
  "policy.cleared": NamedEvent;
  /** An operator's policy was deleted. */
  "operator.policy.cleared": NamedEvent;
  /** A parameter was set that was not the same before: also for limits and operator policies, and for
   * those that belong to no vhost. */
  "parameter.set": ParameterSetEvent;
  /** A parameter was deleted. */
  "parameter.cleared": ParameterEvent;
  /** Memory or disk became short: nobody may publish. */
  "alarm.set": AlarmEvent;
  /** It no longer is. */
  "alarm.cleared": AlarmEvent;
  /** A user was added. */
  "user.created": UserEvent;
  /** A user was deleted. */
  "user.deleted": UserEvent;
  /** A user has another password. */
  "user.password.changed": UserEvent;
  /** A user cannot log in with a password any more. */
  "user.password.cleared": UserEvent;
  /** A user has other tags. */
  "user.tags.set": UserTagsEvent;
  /** A user has other limits. */
  "user.limits.set": UserLimitsEvent;
  /** Somebody logged in. */
  "user.authentication.success": AuthenticationEvent;
  /** Somebody was refused. */
  "user.authentication.failure": AuthenticationEvent;
  /** What a user may do in a vhost was set. */
  "permission.created": PermissionCreatedEvent;
  /** It may do nothing there any more. */
  "permission.deleted": PermissionEvent;
  /** What a user may do with a topic exchange was set. */
  "topic.permission.created": TopicPermissionCreatedEvent;
  /** It may do anything there again. */
  "topic.permission.deleted": TopicPermissionDeletedEvent;
}

/** The name of an event. */
export type BrokerEventName = keyof BrokerEventMap;

/** Something that happened. */
export interface BrokerEvent<Name extends BrokerEventName = BrokerEventName> {
  /** What kind of thing. */
  readonly name: Name;
  /** When, in milliseconds since 1970. */
  readonly time: number;
  /** What it was about. */
  readonly fields: BrokerEventMap[Name];
  /** Who did it; undefined when nobody did, or a program that said no name. */
  readonly user: string | undefined;
}

type Listener = (event: BrokerEvent) => void;

/** The runtime's `AsyncLocalStorage`: what is set for an action holds for whatever that waits for. */
interface Attribution {
  getStore(): string | undefined;
  run<Result>(user: string, action: () => Result): Result;
}

/**
 * Tells what happens in a broker. Listeners are called at the end of the turn in which it happened, in
 * order, so that none of them finds the broker in the middle of something; what they throw is logged.
 */
export class BrokerEvents {
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #listeners = new Set<Listener>();
  #waiting: BrokerEvent[] = [];
  #user: string | undefined;
  /** The same of what goes on over several turns; there once somebody asks for that. */
  #users: Attribution | undefined;

  /** @param onError Called with what a listener throws. */
  constructor(clock: Clock, onError: (error: unknown) => void) {
    this.#clock = clock;
    this.#onError = onError;
  }

  /** How often queues were declared, also those that there were already: no event tells that. */
  queueDeclarations = 0;

  /** True when somebody listens. */
  get heard(): boolean {
    return this.#listeners.size > 0;
  }

  /** Calls a listener for every event. The result ends that. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Something happened. */
  emit<Name extends BrokerEventName>(name: Name, fields: BrokerEventMap[Name]): void {
    if (this.#listeners.size === 0) return;
    const { user } = this;
    this.#waiting.push({ name, time: this.#clock.now(), fields, user });
    if (this.#waiting.length === 1) atEndOfTurn(() => this.#tell());
  }

  /** Whose doing it is what happens now; undefined: nobody's. */
  get user(): string | undefined {
    return this.#user ?? this.#users?.getStore();
  }

  /** Does something at once: what happens by that was done by this user. */
  by(user: string, action: () => void): void {
    if (this.#listeners.size === 0) return action();
    const before = this.#user;
    this.#user = user;
    try {
      action();
    } finally {
      this.#user = before;
    }
  }

  /** The same with something that takes its time, and whatever it waits for. */
  attributeTo<Result>(user: string, action: () => Result): Result {
    this.#users ??= new (builtIn("async_hooks").AsyncLocalStorage<string>)();
    return this.#users.run(user, action);
  }

  #tell(): void {
    const events = this.#waiting;
    this.#waiting = [];
    for (const event of events) {
      for (const listener of [...this.#listeners]) {
        try {
          listener(event);
        } catch (error) {
          this.#onError(error);
        }
      }
    }
  }
}
