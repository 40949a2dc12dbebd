import { encodeContentHead, isPersistent } from "../amqp/content_codec.ts";
import type { Message } from "../message.ts";
import type { PagePool } from "../pages.ts";
import type { Queue } from "../queue/queue.ts";
import type { Exchanges } from "../routing/exchanges.ts";
import { Placement } from "../store/placement.ts";
import type { Store } from "../store/store.ts";
import { DIRECT_REPLY_TO, generatedName } from "./names.ts";

const NO_QUEUES: readonly Queue[] = [];

/** What became of a publish. */
export interface PublishResult {
  /** How many queues took it. */
  queues: number;
  /** True when the store took it: it is safe once the store has synced. */
  stored: boolean;
  /** True when the store could not take it, and so no queue did. */
  refused: boolean;
}

/** Takes what is published to its private name: a direct reply-to consumer. */
export interface ReplyReceiver {
  /** Takes one reply. Must not throw or await. */
  deliverReply(message: Message): void;
}

/** What a vhost's messages pass through. */
export interface PublishingOptions {
  /** Where messages are kept. */
  readonly pages: PagePool;
  /** Where persistent messages survive a restart; undefined when nothing does. */
  readonly store: Store | undefined;
  /** The vhost's exchanges. */
  readonly exchanges: Exchanges<Queue>;
  /** The vhost's queues by name. */
  readonly queues: ReadonlyMap<string, Queue>;
}

/**
 * The way of messages into the queues of one vhost: routed by their exchange, written to the store
 * once for all queues that must not lose them, and pushed into each.
 */
export class Publishing {
  readonly #options: PublishingOptions;
  readonly #placement = new Placement();
  readonly #replyReceivers = new Map<string, ReplyReceiver>();
  /** Used again for each publish. */
  readonly #result: PublishResult = { queues: 0, stored: false, refused: false };
  /** The one queue of a message for the default exchange; used again for each. */
  readonly #one: Queue[] = [];

  constructor(options: PublishingOptions) {
    this.#options = options;
  }

  /** Routes a message into its queues. The result is valid until the next publish. */
  publish(message: Message): PublishResult {
    const queues = message.exchange === ""
      ? this.#byName(message, message.routingKey)
      : this.#route(message);
    return this.#deliver(message, queues);
  }

  /** The names of the queues that a message is for. A transaction routes when its client publishes,
   * and looks for queues of these names when it is committed. */
  destinations(message: Message): readonly string[] {
    if (message.exchange === "") return [message.routingKey];
    return this.#route(message).map(({ name }) => name);
  }

  /** True when the store would take a message for the queues of these names, or need not. */
  accepts(message: Message, destinations: readonly string[]): boolean {
    const { store, queues } = this.#options;
    if (store === undefined || store.state === "open" || !isPersistent(message)) return true;
    return !destinations.some((name) => queues.get(name)?.keepsMessages);
  }

  /** Puts a message that was held into the queues of these names. */
  publishHeld(message: Message, destinations: readonly string[]): PublishResult {
    const queues: Queue[] = [];
    for (const name of destinations) queues.push(...this.#byName(message, name));
    return this.#deliver(message, queues);
  }

  /** Keeps a message past this turn; `release` or `discard` is its end. */
  hold(message: Message): void {
    message.hold(this.#options.pages);
  }

  /** Gives up what `hold` kept and was published since. */
  release(message: Message): void {
    message.release(this.#options.pages);
  }

  /** Gives up what `hold` kept and was never published. */
  discard(message: Message): void {
    message.routed(this.#options.pages);
    message.release(this.#options.pages);
  }

  /** True when the name is that of direct reply-to, or of a consumer of it that is there. */
  isReplyName(name: string): boolean {
    return name === DIRECT_REPLY_TO || this.#replyReceivers.has(name);
  }

  /** Makes a private name under which replies reach a channel. */
  addReplyReceiver(receiver: ReplyReceiver): string {
    const name = generatedName(`${DIRECT_REPLY_TO}.`);
    this.#replyReceivers.set(name, receiver);
    return name;
  }

  /** Forgets such a name. */
  removeReplyReceiver(name: string): void {
    this.#replyReceivers.delete(name);
  }

  #route(message: Message): readonly Queue[] {
    return this.#options.exchanges.get(message.exchange)
      ?.route(message.routingKey, () => message.headers()) ?? NO_QUEUES;
  }

  /** The queue of a name. A direct reply goes through none, so to RabbitMQ and its documentation it
   * counts as not routed even where it is received. */
  #byName(message: Message, name: string): readonly Queue[] {
    const queue = this.#options.queues.get(name);
    if (queue !== undefined) {
      this.#one[0] = queue;
      return this.#one;
    }
    if (name.startsWith(DIRECT_REPLY_TO)) this.#replyReceivers.get(name)?.deliverReply(message);
    return NO_QUEUES;
  }

  #deliver(message: Message, queues: readonly Queue[]): PublishResult {
    const result = this.#result;
    result.queues = queues.length;
    result.stored = result.refused = false;
    const { store, pages } = this.#options;
    let placed = false;
    if (store !== undefined) {
      const persistent = isPersistent(message);
      if (persistent || pages.short) placed = this.#keep(store, message, queues, persistent);
    }
    if (!result.refused) {
      for (let index = 0; index < queues.length; index++) queues[index]!.push(message, placed);
    }
    message.routed(pages);
    return result;
  }

  /** A persistent message for durable queues goes to the store, once for all of them; so does any
   * message that is to wait while memory is short. */
  #keep(store: Store, message: Message, queues: readonly Queue[], persistent: boolean): boolean {
    const placement = this.#placement;
    placement.clear();
    placement.transient = true;
    for (let index = 0; index < queues.length; index++) {
      queues[index]!.place(placement, persistent);
    }
    if (placement.count === 0) return false;
    encodeContentHead(message);
    const placed = store.append(message, placement);
    // what need not survive waits in memory when it is not taken, short as that may be
    if (!placement.transient) {
      this.#result.stored = placed;
      this.#result.refused = !placed;
    }
    return placed;
  }
}
