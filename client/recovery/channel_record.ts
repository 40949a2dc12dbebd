import { type BasicConsume, type BasicQos, basicQos } from "../../broker/amqp/methods/basic.ts";
import { confirmSelect } from "../../broker/amqp/methods/confirm.ts";
import {
  type QueueBind,
  type QueueDeclare,
  queueDeclare,
  type QueueUnbind,
} from "../../broker/amqp/methods/queue.ts";
import { txSelect } from "../../broker/amqp/methods/tx.ts";
import type { ChannelCore } from "../channel_core.ts";
import type { ConnectionCore } from "../connection_core.ts";
import type { ConsumerCore } from "../consumer_core.ts";
import type { Restoring } from "./restoring.ts";
import type { Topology } from "./topology.ts";

/** A queue that was declared: its name is there once the broker has answered. */
export interface DeclaredLast {
  name: string;
}

interface ConsumerRecord {
  readonly method: BasicConsume;
  /** The limit of its own that it was started with. */
  readonly prefetch: BasicQos | undefined;
  /** The channel that it was started on last: a broker takes its tag once. */
  readonly on: ChannelCore;
}

/**
 * One channel across connections: what was said on it that another one must be told again, and which
 * one it is now.
 *
 * A channel that its user or the broker closes has ended; only one whose connection was lost gets a
 * successor.
 */
export class ChannelRecord {
  /** What was declared over all channels of the connection. */
  readonly topology: Topology;
  /** Resolves when the channel has ended for good. */
  readonly closed: Promise<Error | undefined>;
  /** Is told of the successor. */
  onCore: ((core: ChannelCore) => void) | undefined;
  #core: ChannelCore;
  /** Its successor, until that takes its place. */
  #next: ChannelCore | undefined;
  #resolveClosed!: (reason: Error | undefined) => void;
  readonly #consumers = new Map<ConsumerCore, ConsumerRecord>();
  /** Those of them that wait until the broker lets go of the former connection's. */
  readonly #kept = new Set<ConsumerCore>();
  #shared: BasicQos | undefined;
  #each: BasicQos | undefined;
  #mode: "plain" | "confirm" | "tx" = "plain";
  /** The queue that was declared last, as far as the broker has answered. */
  #lastQueue = "";
  /** The one whose declaration was sent last. */
  #last: DeclaredLast = { name: "" };
  /** The channel on which one was: there the broker knows what `""` stands for, also before it has answered. */
  #declaredOn: ChannelCore | undefined;

  /**
   * @param core The channel as it is now.
   * @param topology Of the connection.
   * @param records Those of all open channels of the connection; this one is among them while it is.
   */
  constructor(core: ChannelCore, topology: Topology, records: Set<ChannelRecord>) {
    this.#core = core;
    this.topology = topology;
    records.add(this);
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
    this.closed.then(() => {
      records.delete(this);
      for (const consumer of [...this.#consumers.keys()]) this.consumerEnded(consumer);
    });
    this.#watch(core);
  }

  /** The channel as it is now. */
  get core(): ChannelCore {
    return this.#core;
  }

  /** What to call a queue, for which there may be a name that it had before, or `""` for the last one. */
  queueName(queue: string): string {
    return queue === "" && this.#declaredOn === this.#core ? "" : this.named(queue);
  }

  /** The present name of a queue. `""` is the last one that the broker has answered for: mind that it answers
   * in order. */
  named(queue: string): string {
    return this.topology.nameOf(queue === "" ? this.#lastQueue : queue);
  }

  /** What `""` stands for in what is sent now. */
  get last(): DeclaredLast {
    return this.#last;
  }

  /** A declaration was sent. */
  declaring(last: DeclaredLast): void {
    this.#declaredOn = this.#core;
    this.#last = last;
  }

  queueDeclared(method: QueueDeclare, name: string): void {
    this.#lastQueue = name;
    this.topology.queueDeclared(method, name);
  }

  queueBound(method: QueueBind): void {
    this.topology.queueBound(this.#namedBinding(method));
  }

  queueUnbound(method: QueueUnbind): void {
    this.topology.queueUnbound(this.#namedBinding(method));
  }

  queueDeleted(queue: string): void {
    this.topology.queueDeleted(this.named(queue));
  }

  /** Without queue and key, the last queue's name is both. */
  #namedBinding<Binding extends QueueBind | QueueUnbind>(method: Binding): Binding {
    if (method.queue !== "") return method;
    const queue = this.named("");
    return { ...method, queue, routingKey: method.routingKey === "" ? queue : method.routingKey };
  }

  /** What a consumer is given that is started now. */
  get prefetch(): BasicQos | undefined {
    return this.#each;
  }

  /** A limit was asked for: it counts from when that was sent, as the broker takes it. */
  qos(method: BasicQos): void {
    if (method.global) this.#shared = method;
    else this.#each = method;
  }

  confirms(): void {
    this.#mode = "confirm";
  }

  transactional(): void {
    this.#mode = "tx";
  }

  /** A consumer was started, with this limit. */
  consumerStarted(
    consumer: ConsumerCore,
    method: BasicConsume,
    prefetch: BasicQos | undefined,
  ): void {
    this.#consumers.set(consumer, { method, prefetch, on: consumer.channel });
    this.topology.consumed(method.queue);
  }

  /** A consumer was cancelled: its queue may have been waiting for that. */
  consumerEnded(consumer: ConsumerCore): void {
    const queue = this.#consumers.get(consumer)?.method.queue;
    this.#kept.delete(consumer);
    if (this.#consumers.delete(consumer)) this.topology.unconsumed(queue!);
  }

  #watch(core: ChannelCore): void {
    // a callback that fails closes it too, while there is no connection
    core.onAbandoned = (reason) => this.#resolveClosed(reason);
    core.closed.then((reason) => {
      if (core === this.#core && !core.replaced) this.#resolveClosed(reason);
    });
  }

  // ---- the way over to another connection

  /** True when it must be opened on a connection yet. */
  awaits(connection: ConnectionCore): boolean {
    return this.#core.replaced && this.#next?.connection !== connection;
  }

  /**
   * Opens the channel on another connection and makes it what it was, its consumers apart. Its user knows
   * nothing of it until {@linkcode adopt}.
   *
   * Rejects when that connection ends meanwhile; then the next one is tried. A channel whose broker
   * refuses something has ended, as any channel does.
   */
  async prepare(connection: ConnectionCore): Promise<void> {
    try {
      const core = await connection.openChannel();
      this.#next = core;
      if (this.#shared !== undefined) await core.ask(this.#shared, ["basic.qos-ok"]);
      if (this.#each !== undefined) await core.ask(this.#each, ["basic.qos-ok"]);
      if (this.#mode === "confirm") {
        core.publishing.startConfirms();
        await core.ask(confirmSelect(), ["confirm.select-ok"]);
      } else if (this.#mode === "tx") {
        core.beginTransactions();
        await core.ask(txSelect(), ["tx.select-ok"]);
      }
    } catch (error) {
      if (!connection.isOpen) throw error;
      // this broker may allow fewer channels
      if (this.#next?.connection !== connection) this.end(error as Error);
    }
  }

  /** The successor takes its place. Nothing of the program runs between this and {@linkcode resume}. */
  adopt(): Promise<void> | undefined {
    const former = this.#core;
    const core = this.#next;
    this.#next = undefined;
    if (!former.replaced) {
      // its user may have closed it while this was under way
      this.#resolveClosed(former.reason);
      return core?.close();
    }
    if (core === undefined) return undefined;
    core.deliveryTagOffset = former.lastDeliveryTag;
    core.publishing.onReturn = former.publishing.onReturn;
    this.#core = former.successor = core;
    this.#declaredOn = undefined;
    this.#last = { name: this.#lastQueue };
    this.#watch(core);
    this.onCore?.(core);
    former.consumers.moveTo(core);
    if (core.isClosed) core.consumers.endAll(core.reason);
    return undefined;
  }

  /**
   * Starts its consumers again, with the tags and the prefetch that they had: those that this channel does
   * not have yet, and that need not wait.
   *
   * All is sent at once, so that nothing that the program asks for comes in between: a consumer of its own
   * would get another one's prefetch.
   */
  async resume(): Promise<void> {
    const core = this.#core;
    if (!core.isOpen) return;
    const asked: Promise<unknown>[] = [];
    let prefetch = this.#each;
    const limit = (next: BasicQos | undefined) => {
      if (next === prefetch) return;
      prefetch = next;
      asked.push(core.ask(next ?? basicQos(), ["basic.qos-ok"]));
    };
    for (const [consumer, record] of this.#consumers) {
      if (record.on === core || consumer.leaving === core || consumer.state !== "active") continue;
      const queue = this.topology.nameOf(record.method.queue);
      if (this.#kept.has(consumer) || this.topology.whenFree(queue) !== undefined) continue;
      limit(record.prefetch);
      const { consumerTag } = consumer;
      const table = consumer.position.resume(record.method.arguments);
      const method = { ...record.method, queue, consumerTag, arguments: table };
      this.#consumers.set(consumer, { ...record, method, on: core });
      asked.push(core.ask(method, ["basic.consume-ok"]));
    }
    limit(this.#each);
    try {
      await Promise.all(asked);
    } catch (error) {
      // a channel that has ended has told its user why
      if (!core.connection.isOpen) throw error;
    }
  }

  // ---- exclusive consumers: one is refused, at the price of the channel, while its queue has another

  /** True while some wait. */
  get keeps(): boolean {
    return this.#kept.size > 0;
  }

  /** Finds those that the broker would refuse, since the former connection's is there still. */
  async look(restoring: Restoring): Promise<void> {
    this.#kept.clear();
    for (const [consumer, { method }] of [...this.#consumers]) {
      if (!method.exclusive) continue;
      const queue = this.topology.nameOf(method.queue);
      if (!await isConsumed(queue, restoring) || !this.#consumers.has(consumer)) continue;
      this.#kept.add(consumer);
      const error = new Error(`Cannot consume: the queue ${queue} has another consumer still`);
      restoring.events.emit("topology.delayed", { what: consumerOf(queue), error });
    }
  }

  /**
   * Looks again. Those that need not wait any more are for {@linkcode resume}.
   *
   * @param restoring Over which connection.
   * @param last True to let them go anyway.
   * @returns Those, and their present queues.
   */
  async lookAgain(restoring: Restoring, last: boolean): Promise<Map<ConsumerCore, string>> {
    const free = new Map<ConsumerCore, string>();
    for (const consumer of [...this.#kept]) {
      const record = this.#consumers.get(consumer);
      if (record === undefined) continue; // it has ended meanwhile
      const queue = this.topology.nameOf(record.method.queue);
      if (!last && await isConsumed(queue, restoring)) continue;
      // its user may have cancelled it
      if (this.#kept.delete(consumer)) free.set(consumer, queue);
    }
    return free;
  }

  /** The connection will not come back. */
  end(reason: Error | undefined): void {
    this.#core.abandon(reason);
    this.#resolveClosed(reason);
  }
}

/** What it is in events. */
export function consumerOf(queue: string): string {
  return `consumer of queue ${queue}`;
}

/** Tells whether a queue has consumers. Of one that is not there starting one will tell. */
async function isConsumed(queue: string, restoring: Restoring): Promise<boolean> {
  let count = 0;
  await restoring.attempt(async (channel) => {
    const method = queueDeclare({ queue, passive: true });
    count = (await channel.ask(method, ["queue.declare-ok"])).consumerCount;
  });
  return count > 0;
}
