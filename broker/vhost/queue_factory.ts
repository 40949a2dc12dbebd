import type { Clock } from "../amqp/clock.ts";
import type { FieldTable } from "../amqp/field_table.ts";
import type { PagePool } from "../pages.ts";
import type { Profile } from "../profiles.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import { Queue, type QueueOptions } from "../queue/queue.ts";
import { queueTypeOf } from "../queue/queue_arguments.ts";
import { queueSettings } from "../queue/queue_settings.ts";
import { StreamQueue } from "../queue/stream/stream_queue.ts";
import type { DeathCounts } from "../stats.ts";
import type { StoreError } from "../store/error.ts";
import type { Store } from "../store/store.ts";
import type { Pacing } from "./pacing.ts";
import type { Publishing } from "./publishing.ts";
import type { VirtualHostSettings } from "./settings.ts";

/** What queues of a vhost are made with. */
export interface QueueFactoryOptions {
  /** Where messages are kept. */
  readonly pages: PagePool;
  /** Where those of durable queues survive a restart; undefined when none do. */
  readonly store: Store | undefined;
  /** Gives a queue an id of the store that needs a place there for what memory has no room for. */
  readonly nextQueueId: () => number;
  /** Time. */
  readonly clock: Clock;
  /** What differs between versions of RabbitMQ. */
  readonly profile: Profile;
  /** What operators say of queues. */
  readonly settings: VirtualHostSettings;
  /** What publishers wait for. */
  readonly pacing: Pacing;
  /** Where the dead go. */
  readonly publishing: Publishing;
  /** Counts them. */
  readonly deaths: DeathCounts;
  /** Called for a stored message that cannot be read any more. */
  readonly onUnreadable: (error: StoreError, queue: string) => void;
  /** Called when a queue is to go: its last consumer has gone, or nobody has used it for too long. */
  readonly onUnused: (queue: MessageQueue) => void;
}

/** What a queue is to be. */
export interface NewQueue {
  readonly name: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly owner: object | undefined;
  readonly arguments: FieldTable;
  /** What the store knows it by; undefined when the store does not. */
  readonly id: number | undefined;
}

/** Makes queues of any type, and puts them where their vhost's messages come and go. */
export class QueueFactory {
  readonly #options: QueueFactoryOptions;
  /** What all of them call: one closure of each, and not one for each queue. */
  readonly #callbacks: Pick<
    QueueOptions,
    | "mustKeepDead"
    | "onBacklog"
    | "onDeath"
    | "onBehind"
    | "onTaken"
    | "onUnreadable"
    | "onUnused"
    | "spill"
  >;

  constructor(options: QueueFactoryOptions) {
    this.#options = options;
    const { store, nextQueueId, pacing, publishing, onUnreadable, onUnused } = options;
    this.#callbacks = {
      spill: store === undefined
        ? undefined
        : () => ({ store, stored: store.queue(nextQueueId()) }),
      onUnreadable,
      onBacklog: (queue, length) => pacing.joined(queue, length),
      onTaken: (count) => pacing.took(count),
      onBehind: (queue) => pacing.rowChanged(queue),
      onUnused,
      onDeath: (from, entry, reason) => publishing.deadLetter(from, entry, reason),
      mustKeepDead: (queue, patiently) => publishing.mustKeepDead(queue, patiently),
    };
  }

  /** Makes a queue or a stream, as its arguments say. */
  make({ id, ...declared }: NewQueue): MessageQueue {
    const { pages, store, clock, profile, settings, deaths } = this.#options;
    const { name, arguments: arguments_ } = declared;
    const durability = store === undefined || id === undefined
      ? undefined
      : { store, stored: store.queue(id) };
    const type = queueTypeOf(arguments_);
    const policy = settings.policyFor(name, arguments_);
    if (type === "stream") {
      const { onUnreadable } = this.#callbacks;
      const stream = new StreamQueue({
        name,
        arguments: arguments_,
        pages,
        durability,
        clock,
        onUnreadable,
        profile,
      });
      stream.applyPolicy(policy.definition);
      settings.noteApplied(stream, policy);
      return stream;
    }
    const queue = new Queue({
      ...declared,
      pages,
      durability,
      clock,
      ...this.#callbacks,
      deaths: deaths[type === "quorum" ? "quorum" : "classic"],
      settings: queueSettings(arguments_, policy.definition, profile),
      profile,
    });
    settings.noteApplied(queue, policy);
    return queue;
  }
}
