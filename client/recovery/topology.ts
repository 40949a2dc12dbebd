import { AmqpError } from "../../broker/amqp/error.ts";
import type { ExchangeBind, ExchangeDeclare } from "../../broker/amqp/methods/exchange.ts";
import type { QueueBind, QueueDeclare } from "../../broker/amqp/methods/queue.ts";
import type { FieldTable } from "../../broker/amqp/field_value.ts";
import type { ClientEvents } from "../client_events.ts";
import type { ConnectionCore } from "../connection_core.ts";
import type { ChannelCore } from "../channel_core.ts";

/** The broker may not have noticed yet that the former owner of an exclusive queue is gone. */
const RESOURCE_LOCKED = 405;
/** So often is an exclusive queue asked for. */
const LOCKED_ATTEMPTS = 6;
/** And so long is the pause in between. */
const LOCKED_PAUSE_MS = 500;

interface QueueRecord {
  readonly method: QueueDeclare;
  /** True when its name was chosen by the broker, which will choose another one. */
  readonly namedByBroker: boolean;
}

/** A binding's two ends, key and arguments, whatever it binds. */
interface BindingFields {
  readonly routingKey: string;
  readonly arguments: FieldTable;
}

/**
 * What was declared over a connection and not deleted over it: it is declared again on the next one.
 * What is there already is not harmed by that.
 */
export class Topology {
  readonly #exchanges = new Map<string, ExchangeDeclare>();
  readonly #queues = new Map<string, QueueRecord>();
  readonly #exchangeBindings = new Map<string, ExchangeBind>();
  readonly #queueBindings = new Map<string, QueueBind>();
  /** Names that queues had before, and what they are called now. */
  readonly #renamed = new Map<string, string>();
  /** How many consumers a queue has over this connection. */
  readonly #consumers = new Map<string, number>();

  /** What a queue is called now that may have had another name on a former connection. */
  nameOf(queue: string): string {
    return this.#renamed.size === 0 ? queue : this.#renamed.get(queue) ?? queue;
  }

  exchangeDeclared(method: ExchangeDeclare): void {
    if (!method.passive) this.#exchanges.set(method.exchange, method);
  }

  exchangeDeleted(exchange: string): void {
    this.#exchanges.delete(exchange);
    for (const [key, { source, destination }] of this.#exchangeBindings) {
      if (source === exchange || destination === exchange) this.#exchangeBindings.delete(key);
    }
    for (const [key, binding] of this.#queueBindings) {
      if (binding.exchange === exchange) this.#queueBindings.delete(key);
    }
  }

  queueDeclared(method: QueueDeclare, name: string): void {
    if (method.passive) return;
    this.#queues.set(name, { method, namedByBroker: method.queue === "" });
  }

  queueDeleted(queue: string): void {
    this.#queues.delete(queue);
    for (const [key, binding] of this.#queueBindings) {
      if (binding.queue === queue) this.#unbind(key, binding.exchange, this.#queueBindings);
    }
  }

  exchangeBound(method: ExchangeBind): void {
    this.#exchangeBindings.set(bindingKey(method.destination, method.source, method), method);
  }

  exchangeUnbound(method: Omit<ExchangeBind, "name" | "noWait">): void {
    const key = bindingKey(method.destination, method.source, method);
    this.#unbind(key, method.source, this.#exchangeBindings);
  }

  queueBound(method: QueueBind): void {
    this.#queueBindings.set(bindingKey(method.queue, method.exchange, method), method);
  }

  queueUnbound(method: Omit<QueueBind, "name" | "noWait">): void {
    const key = bindingKey(method.queue, method.exchange, method);
    this.#unbind(key, method.exchange, this.#queueBindings);
  }

  /** There is one more consumer of a queue. */
  consumed(queue: string): void {
    const name = this.nameOf(queue);
    this.#consumers.set(name, (this.#consumers.get(name) ?? 0) + 1);
  }

  /** There is one less. With its last one an auto-delete queue goes, and is not declared again. */
  unconsumed(queue: string): void {
    const name = this.nameOf(queue);
    const left = (this.#consumers.get(name) ?? 0) - 1;
    if (left > 0) return void this.#consumers.set(name, left);
    this.#consumers.delete(name);
    if (this.#queues.get(name)?.method.autoDelete) this.queueDeleted(name);
  }

  /** An exchange that is deleted with its last binding is not declared again after that. */
  #unbind(key: string, source: string, bindings: Map<string, unknown>): void {
    if (!bindings.delete(key) || !this.#exchanges.get(source)?.autoDelete) return;
    const bound = [...this.#exchangeBindings.values()].some((other) => other.source === source) ||
      [...this.#queueBindings.values()].some((other) => other.exchange === source);
    if (!bound) this.exchangeDeleted(source);
  }

  /**
   * Declares everything again, in the order in which one thing needs the other.
   *
   * What the broker refuses is left out and told of. Rejects when the connection ends meanwhile.
   */
  async restore(connection: ConnectionCore, events: ClientEvents): Promise<void> {
    if (this.#exchanges.size + this.#queues.size === 0) {
      if (this.#exchangeBindings.size + this.#queueBindings.size === 0) return;
    }
    const restoring = new Restoring(connection, events);
    await restoring.begin();
    for (const method of [...this.#exchanges.values()]) {
      await restoring.step(`exchange ${method.exchange}`, async (channel) => {
        await channel.ask(method, ["exchange.declare-ok"]);
      });
    }
    for (const [name, record] of [...this.#queues]) {
      await restoring.step(`queue ${name}`, async (channel) => {
        const { queue } = await channel.ask(record.method, ["queue.declare-ok"]);
        if (queue === name) return;
        this.#rename(name, queue, record);
        events.emit("queue.renamed", { from: name, to: queue });
      });
    }
    for (const method of [...this.#exchangeBindings.values()]) {
      await restoring.step(
        `binding of ${method.destination} to ${method.source}`,
        async (channel) => {
          await channel.ask(method, ["exchange.bind-ok"]);
        },
      );
    }
    for (const method of [...this.#queueBindings.values()]) {
      await restoring.step(`binding of ${method.queue} to ${method.exchange}`, async (channel) => {
        await channel.ask(method, ["queue.bind-ok"]);
      });
    }
    await restoring.end();
  }

  #rename(from: string, to: string, record: QueueRecord): void {
    this.#queues.delete(from);
    this.#queues.set(to, record);
    for (const [former, name] of this.#renamed) {
      if (name === from) this.#renamed.set(former, to);
    }
    this.#renamed.set(from, to);
    const consumers = this.#consumers.get(from);
    this.#consumers.delete(from);
    if (consumers !== undefined) this.#consumers.set(to, consumers);
    for (const [key, binding] of [...this.#queueBindings]) {
      if (binding.queue !== from) continue;
      this.#queueBindings.delete(key);
      this.queueBound({ ...binding, queue: to });
    }
  }
}

/** One run of declarations over a channel of its own, which the broker closes when it refuses one. */
class Restoring {
  readonly #connection: ConnectionCore;
  readonly #events: ClientEvents;
  #channel!: ChannelCore;

  constructor(connection: ConnectionCore, events: ClientEvents) {
    this.#connection = connection;
    this.#events = events;
  }

  async begin(): Promise<void> {
    this.#channel = await this.#connection.openChannel();
  }

  async step(what: string, run: (channel: ChannelCore) => Promise<void>): Promise<void> {
    for (let attempt = 1;; attempt++) {
      try {
        return await run(this.#channel);
      } catch (error) {
        // what ends the connection ends the whole attempt
        if (!this.#connection.isOpen) throw error;
        await this.begin();
        if (!isLocked(error) || attempt === LOCKED_ATTEMPTS) {
          return this.#events.emit("topology.failed", { what, error: error as Error });
        }
        await this.#connection.pause(LOCKED_PAUSE_MS);
      }
    }
  }

  async end(): Promise<void> {
    await this.#channel.close();
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof AmqpError && error.replyCode === RESOURCE_LOCKED;
}

function bindingKey(destination: string, source: string, fields: BindingFields): string {
  const text = (value: unknown) => typeof value === "bigint" ? `${value}n` : value;
  return JSON.stringify(
    [destination, source, fields.routingKey, fields.arguments],
    (_, value) => text(value),
  );
}
