import type { FieldTable } from "../amqp/field_table.ts";
import type { Message } from "../message.ts";
import type { Placement } from "../store/placement.ts";
import type { CompleteBrowseOptions, QueuedMessage } from "./browsing.ts";
import type { QueueConsumer } from "./consumer.ts";
import type { QueueEntry } from "./entry.ts";
import type { DeliveryCounts } from "../stats.ts";
import type { QueueType } from "./queue_arguments.ts";

/** How a consumer is added. */
export interface ConsumeOptions {
  /** It wants to be the only one. */
  readonly exclusive: boolean;
  /** The arguments of `basic.consume`. */
  readonly arguments?: FieldTable;
}

/** What a queue takes of the memory by itself, in bytes; `bench/tools/idle.ts` measures it. */
export const MEMORY_OF_QUEUE = 6 * 1024;
/** What a message takes that is at hand, its contents apart. */
export const MEMORY_OF_OBJECT = 256;
/** And one of which only is known where it is; less for most, and half as much again with a deadline. */
export const MEMORY_OF_NUMBER = 16;

/** What a queue holds, and where. It is found out when it is asked for. */
export interface QueueHoldings {
  /** How many messages survive a restart. */
  readonly persistent: number;
  /** Size of their bodies in bytes. */
  readonly persistentBytes: number;
  /** How many of those that wait are in memory. */
  readonly readyInMemory: number;
  /** Size of the bodies in memory, of those that are delivered and not settled as well, in bytes. */
  readonly bytesInMemory: number;
  /** When its next message was made, as its publisher says in the property `timestamp`, in seconds since
   * 1970; undefined when that says nothing, or is on disk alone. */
  readonly headTimestamp: number | undefined;
  /** How much memory it takes in bytes, about. */
  readonly memory: number;
  /** For which part of the last seconds some consumer had room, from 0 to 1; 0 without consumers. */
  readonly consumerCapacity: number;
  /** Of how many segments a stream is; undefined for what is none. */
  readonly segments?: number;
}

/** What somebody remembers of a queue. As `Finding` of routing, of which queues know nothing. */
export interface QueueFinding {
  /** The queue is deleted: nothing of it must be kept in memory. */
  forget(): void;
}

/** Why a message comes back to its queue: who had it gave it back, rejected it, which is a failure to deal with it,
 * or went away, which is one as well. */
export type ReturnCause = "givenBack" | "rejected" | "left";

/**
 * What a vhost, its publishing and its connections use of a queue: one that gives each message away
 * (`Queue`), or one that keeps them all to be read again (`StreamQueue`).
 */
export interface MessageQueue {
  /** Tells it from an exchange. */
  readonly kind: "queue";
  /** Its name. */
  readonly name: string;
  /** Its type. */
  readonly queueType: QueueType;
  /** Survives a restart of the broker. */
  readonly durable: boolean;
  /** Goes when its last consumer goes. */
  readonly autoDelete: boolean;
  /** The connection that it belongs to alone; undefined when it is everybody's. */
  readonly owner: object | undefined;
  /** True for a queue that belongs to one connection. */
  readonly exclusive: boolean;
  /** What is remembered of where its name leads to; told when it is deleted. */
  finding: QueueFinding | undefined;
  /** The `x-` arguments that it was declared with. */
  readonly arguments: FieldTable;
  /** The one consumer that asked to be the only one. */
  readonly exclusiveConsumer: QueueConsumer | undefined;
  /** True when persistent messages survive a restart. */
  readonly keepsMessages: boolean;
  /** True when all messages count as persistent, whatever they say themselves. */
  readonly keepsAll: boolean;
  /** True when a message stays after it was delivered and acked: a slow consumer holds up nothing. */
  readonly keepsDelivered: boolean;
  /** True when only one consumer at a time is served. */
  readonly singleActiveConsumer: boolean;
  /** The one that is served, where only one is. */
  readonly activeConsumer: QueueConsumer | undefined;
  /** True when consumers are told how often a message came back. */
  readonly tellsDeliveryCount: boolean;
  /** How long a delivery may wait for its ack, in milliseconds; Infinity: for ever, undefined: as long
   * as its connection says. */
  readonly consumerTimeoutMs: number | undefined;
  /** How many messages are delivered and not yet settled. */
  readonly unackedCount: number;
  /** Size of their bodies in bytes; not counted in a stream, which keeps what is delivered. */
  readonly unackedBytes: number;
  /** What it holds, and where. */
  readonly holdings: QueueHoldings;
  /** How many messages it has to give. */
  readonly messageCount: number;
  /** Size of that in bytes: the bodies, and in a stream what it keeps besides. */
  readonly messageBytes: number;
  /** How many came back and wait before they are given again. */
  readonly retryingCount: number;
  /** How many are dead and wait until somebody has taken them, where none of them may be lost. */
  readonly dyingCount: number;
  /** How many came in since the broker started. */
  readonly publishCount: number;
  /** What became of them. */
  readonly counts: DeliveryCounts;
  /** How many consumers there are. */
  readonly consumerCount: number;
  /** The consumers, oldest first. */
  readonly consumers: Iterable<QueueConsumer>;

  /** Puts the keys of the policy that applies to it into effect, as `max-length`; checked. */
  applyPolicy(policy: FieldTable): void;
  /**
   * True when a message of this size would be too much and the queue refuses such.
   *
   * @param isDead True when it died in a queue and is published once more. Default: false.
   */
  refuses(size: number, isDead?: boolean): boolean;
  /** Takes a message that was refused, to do with it what is to be done with such. */
  refuse(message: Message): void;
  /** Says where the message that is pushed next will be, if the store is to have it. */
  place(placement: Placement, message: Message, persistent: boolean): void;
  /** Takes back what the store had when the broker started. */
  restore(): void;
  /** All is restored, exchanges and bindings too: what is too old or too much can go. */
  start(): void;
  /** Sets no timer any more: the broker closes. */
  stop(): void;
  /** Somebody uses the queue: its time to be unused begins again. */
  touch(): void;
  /**
   * Takes a message in.
   *
   * @param stored True when the store took it for the queues that had it `place`d.
   */
  push(message: Message, stored?: boolean): void;
  /** Takes the message that waits longest: `basic.get`. Undefined: there is none, or `takesLater`. */
  take(): QueueEntry | undefined;
  /** True when the last `take` met so many messages that are too old that the rest is for the next one. */
  readonly takesLater: boolean;
  /** Done with a message that was delivered. */
  settle(entry: QueueEntry): void;
  /** Its consumer does not want a message that was delivered. */
  reject(entry: QueueEntry): void;
  /**
   * Takes back what was delivered; sorted by position.
   *
   * @param cause Default: it was given back.
   */
  requeue(entries: readonly QueueEntry[], cause?: ReturnCause): void;
  /** Some will be taken back, which may take several turns: until `handOut`, consumers get nothing. */
  holdBack(): void;
  /** All of that is back. */
  handOut(): void;
  /** Drops all messages that wait and tells how many. With many, some of the work is left for later. */
  purge(): number;
  /** True while such work is left. */
  readonly purging: boolean;
  /** Calls back when it is done. */
  whenPurged(callback: () => void): void;
  /**
   * Looks at messages that wait, without taking them.
   *
   * @throws {StoreError} When the disk does not give them at present.
   */
  browse(options: CompleteBrowseOptions): QueuedMessage[];
  /** Adds a consumer and gives it what there is for it. */
  addConsumer(consumer: QueueConsumer, options: ConsumeOptions): void;
  /**
   * Removes a consumer; what was delivered to it stays unacked.
   *
   * @param options `quietly`: whoever is served in its place gets nothing before the next `requeue`.
   */
  removeConsumer(consumer: QueueConsumer, options?: { readonly quietly?: boolean }): void;
  /** A consumer that had no room for more has some again. */
  consumerHasRoom(consumer: QueueConsumer): void;
  /** Ends the queue: its consumers are cancelled, its messages dropped. Tells how many those were. */
  delete(): number;
}
