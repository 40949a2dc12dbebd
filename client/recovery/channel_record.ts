import { AmqpError } from "../../broker/amqp/error.ts";
import { type BasicConsume, type BasicQos, basicQos } from "../../broker/amqp/methods/basic.ts";
import { confirmSelect } from "../../broker/amqp/methods/confirm.ts";
import type { QueueDeclare } from "../../broker/amqp/methods/queue.ts";
import { txSelect } from "../../broker/amqp/methods/tx.ts";
import type { ChannelCore } from "../channel_core.ts";
import type { ConnectionCore } from "../connection_core.ts";
import type { ConsumerCore } from "../consumer_core.ts";
import type { Topology } from "./topology.ts";

interface ConsumerRecord {
  readonly method: BasicConsume;
  /** The limit of its own that it was started with. */
  readonly prefetch: BasicQos | undefined;
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
  #resolveClosed!: (reason: Error | undefined) => void;
  readonly #consumers = new Map<ConsumerCore, ConsumerRecord>();
  #shared: BasicQos | undefined;
  #each: BasicQos | undefined;
  #mode: "plain" | "confirm" | "tx" = "plain";
  /** The queue that `""` stands for. */
  #lastQueue = "";

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

  /** The present name of a queue, which may be one that it had before, or `""` for the last one. */
  queueName(queue: string): string {
    return this.topology.nameOf(queue === "" ? this.#lastQueue : queue);
  }

  queueDeclared(method: QueueDeclare, name: string): void {
    this.#lastQueue = name;
    this.topology.queueDeclared(method, name);
  }

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

  consumerStarted(consumer: ConsumerCore, method: BasicConsume): void {
    this.#consumers.set(consumer, { method, prefetch: this.#each });
    this.topology.consumed(method.queue);
  }

  /** A consumer was cancelled: its queue may have been waiting for that. */
  consumerEnded(consumer: ConsumerCore): void {
    const queue = this.#consumers.get(consumer)?.method.queue;
    if (this.#consumers.delete(consumer)) this.topology.unconsumed(queue!);
  }

  #watch(core: ChannelCore): void {
    core.closed.then((reason) => {
      if (core === this.#core && !core.replaced) this.#resolveClosed(reason);
    });
  }

  // ---- the way over to another connection

  /**
   * Opens the channel on another connection and makes it what it was, its consumers apart.
   *
   * Rejects when that connection ends meanwhile; then the next one is tried. A channel whose broker
   * refuses something has ended, as any channel does.
   */
  async reopen(connection: ConnectionCore): Promise<void> {
    const former = this.#core;
    if (!former.replaced) return this.#resolveClosed(former.reason);
    const core = await connection.openChannel();
    core.deliveryTagOffset = former.lastDeliveryTag;
    try {
      if (this.#shared !== undefined) await core.ask(this.#shared, ["basic.qos-ok"]);
      if (this.#each !== undefined) await core.ask(this.#each, ["basic.qos-ok"]);
      if (this.#mode === "confirm") {
        core.publishing.startConfirms();
        await core.ask(confirmSelect(), ["confirm.select-ok"]);
      } else if (this.#mode === "tx") await core.ask(txSelect(), ["tx.select-ok"]);
    } catch (error) {
      if (core.replaced) throw error;
    }
    // its user may have closed it while this was under way
    if (!former.replaced) {
      this.#resolveClosed(former.reason);
      return await core.close();
    }
    core.publishing.onReturn = former.publishing.onReturn;
    this.#core = core;
    this.#watch(core);
    this.onCore?.(core);
    former.consumers.moveTo(core);
  }

  /** Starts its consumers again, with the tags and the prefetch that they had. */
  async resume(): Promise<void> {
    const core = this.#core;
    let prefetch = this.#each;
    try {
      for (const [consumer, record] of [...this.#consumers]) {
        if (consumer.state !== "active") continue;
        if (record.prefetch !== prefetch) {
          prefetch = record.prefetch;
          await core.ask(prefetch ?? basicQos(), ["basic.qos-ok"]);
        }
        const { consumerTag } = consumer;
        const queue = this.topology.nameOf(record.method.queue);
        const table = consumer.position.resume(record.method.arguments);
        const method = { ...record.method, queue, consumerTag, arguments: table };
        this.#consumers.set(consumer, { ...record, method });
        await core.ask(method, ["basic.consume-ok"]);
        if (consumer.state !== "active") await core.cancel(consumerTag);
      }
      if (prefetch !== this.#each) await core.ask(this.#each ?? basicQos(), ["basic.qos-ok"]);
    } catch (error) {
      if (core.replaced || !(error instanceof AmqpError)) throw error;
    }
  }

  /** The connection will not come back. */
  end(reason: Error | undefined): void {
    this.#core.abandon(reason);
    this.#resolveClosed(reason);
  }
}
