import { AmqpError } from "../../broker/amqp/error.ts";
import type { ExchangeBind, ExchangeDeclare } from "../../broker/amqp/methods/exchange.ts";
import {
  type QueueBind,
  type QueueDeclare,
  queueDeclare,
} from "../../broker/amqp/methods/queue.ts";
import type { FieldTable } from "../../broker/amqp/field_value.ts";
import type { Ask, Restoring } from "./restoring.ts";

/** The broker may not have noticed yet that the former owner of an exclusive queue is gone. */
const RESOURCE_LOCKED = 405;
/** It has noticed, and the queue is just going. */
const NOT_FOUND = 404;

interface QueueRecord {
  readonly method: QueueDeclare;
  /** True when its name was chosen by the broker, which will choose another one when it is gone. */
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
  /** Queues that the broker still holds for the former connection, and what resolves when that is over. */
  readonly #held = new Map<string, PromiseWithResolvers<void>>();

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
    this.#free(queue);
    for (const [former, name] of this.#renamed) {
      if (name === queue) this.#renamed.delete(former);
    }
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
   * What the broker refuses is left out and told of; a queue that it still holds for the former connection
   * is left for {@linkcode restoreHeld}. Rejects when the connection ends meanwhile.
   */
  async restore(restoring: Restoring): Promise<void> {
    for (const method of [...this.#exchanges.values()]) {
      await restoring.step(`exchange ${method.exchange}`, async (channel) => {
        await channel.ask(method, ["exchange.declare-ok"]);
      });
    }
    for (const [name, record] of [...this.#queues]) {
      if (await isThere(name, record, restoring)) continue;
      const what = `queue ${name}`;
      const error = await restoring.attempt(this.#declare(name, record, restoring));
      if (error === undefined) continue;
      if (isRefusal(error, RESOURCE_LOCKED)) {
        if (!this.#queues.has(name)) continue; // given up meanwhile
        this.#held.set(name, Promise.withResolvers());
        restoring.events.emit("topology.delayed", { what, error });
      } else restoring.events.emit("topology.failed", { what, error });
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
      if (!this.#held.has(method.queue)) await bind(restoring, method);
    }
  }

  // ---- what the broker still holds for the former connection

  /** True while there is some of that. */
  get holds(): boolean {
    return this.#held.size > 0;
  }

  /** Resolves when a queue is there again, or given up; undefined when there is nothing to wait for. */
  whenFree(queue: string): Promise<void> | undefined {
    return this.#held.size === 0 ? undefined : this.#held.get(this.nameOf(queue))?.promise;
  }

  /** Nobody needs to wait any more: the connection has ended. */
  release(): void {
    for (const queue of [...this.#held.keys()]) this.#free(queue);
  }

  #free(queue: string): void {
    this.#held.get(queue)?.resolve();
    this.#held.delete(queue);
  }

  /**
   * Tries again to declare what was held, with its bindings.
   *
   * @param restoring Over which connection.
   * @param last True to give up what cannot be declared now.
   * @returns What is there again, as it was told.
   */
  async restoreHeld(restoring: Restoring, last: boolean): Promise<string[]> {
    const free: string[] = [];
    for (const name of [...this.#held.keys()]) {
      const record = this.#queues.get(name);
      if (record === undefined) {
        this.#free(name); // given up meanwhile
        continue;
      }
      const what = `queue ${name}`;
      const error = await restoring.attempt(this.#declare(name, record, restoring));
      if (!this.#held.has(name)) continue;
      const goes = isRefusal(error, RESOURCE_LOCKED) || isRefusal(error, NOT_FOUND);
      if (goes && !last) continue;
      if (error !== undefined) restoring.events.emit("topology.failed", { what, error });
      for (const method of [...this.#queueBindings.values()]) {
        if (method.queue === name) await bind(restoring, method);
      }
      this.#free(name);
      if (error === undefined) free.push(what);
    }
    return free;
  }

  #declare(name: string, record: QueueRecord, { events }: Restoring): Ask {
    return async (channel) => {
      // its last consumer may have been cancelled meanwhile
      if (!this.#queues.has(name)) return;
      const { queue } = await channel.ask(record.method, ["queue.declare-ok"]);
      if (queue === name || !this.#queues.has(name)) return;
      this.#rename(name, queue, record);
      events.emit("queue.renamed", { from: name, to: queue });
    };
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

/** Tells of a queue that the broker named whether it is there still, with what is in it: it may outlive its
 * connection, and nobody may declare it by its name. */
async function isThere(
  name: string,
  { method, namedByBroker }: QueueRecord,
  restoring: Restoring,
): Promise<boolean> {
  if (!namedByBroker || method.exclusive) return false;
  const error = await restoring.attempt(async (channel) => {
    await channel.ask(queueDeclare({ queue: name, passive: true }), ["queue.declare-ok"]);
  });
  return error === undefined;
}

async function bind(restoring: Restoring, method: QueueBind): Promise<void> {
  await restoring.step(`binding of ${method.queue} to ${method.exchange}`, async (channel) => {
    await channel.ask(method, ["queue.bind-ok"]);
  });
}

function isRefusal(error: unknown, replyCode: number): boolean {
  return error instanceof AmqpError && error.replyCode === replyCode;
}

function bindingKey(destination: string, source: string, fields: BindingFields): string {
  const text = (value: unknown) => typeof value === "bigint" ? `${value}n` : value;
  return JSON.stringify(
    [destination, source, fields.routingKey, fields.arguments],
    (_, value) => text(value),
  );
}
