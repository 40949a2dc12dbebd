import { ByteReader } from "../amqp/byte_reader.ts";
import { ByteWriter } from "../amqp/byte_writer.ts";
import { decodeTable, encodeTable, type FieldTable } from "../amqp/field_table.ts";
import type { Binding } from "../routing/binding.ts";
import type { Exchange } from "../routing/exchange.ts";
import type { Queue } from "../queue/queue.ts";
import type { Store } from "../store/store.ts";

/**
 * Durable exchanges, queues and bindings as definitions of the store: a key that names the thing, and
 * a field table, since that is what arguments are made of. Each holds the version of its form.
 *
 * @module
 */

/** Version of the form of all definitions here. */
const FORM = 1;
const LAST_QUEUE_ID = JSON.stringify(["last-queue-id"]);

/** A durable exchange. */
export interface ExchangeDefinition {
  readonly kind: "exchange";
  readonly vhost: string;
  readonly name: string;
  readonly type: string;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  readonly arguments: FieldTable;
}

/** A durable queue. */
export interface QueueDefinition {
  readonly kind: "queue";
  readonly vhost: string;
  readonly name: string;
  /** What the store knows it by. */
  readonly id: number;
  readonly autoDelete: boolean;
  readonly arguments: FieldTable;
}

/** A binding between durable things. */
export interface BindingDefinition {
  readonly kind: "binding";
  readonly vhost: string;
  readonly source: string;
  readonly destination: string;
  readonly destinationKind: "queue" | "exchange";
  readonly routingKey: string;
  readonly arguments: FieldTable;
}

/** Anything of a vhost that survives a restart, messages apart. */
export type Definition = ExchangeDefinition | QueueDefinition | BindingDefinition;

/** What of one vhost survives a restart: writes it down and crosses it out. */
export class DurableTopology {
  readonly #store: Store;
  readonly #vhost: string;

  constructor(store: Store, vhost: string) {
    this.#store = store;
    this.#vhost = vhost;
  }

  /** An id for a new durable queue; none is ever given twice. */
  nextQueueId(): number {
    const last = this.#store.definitions.get(LAST_QUEUE_ID);
    const id = last === undefined ? 1 : Number(decode(last).id) + 1;
    this.#store.define(LAST_QUEUE_ID, encode({ id }));
    return id;
  }

  addExchange({ name, type, autoDelete, internal, arguments: arguments_ }: Exchange<Queue>): void {
    this.#store.define(
      this.#key("exchange", name),
      encode({ type, autoDelete, internal, arguments: arguments_ }),
    );
  }

  removeExchange(name: string): void {
    this.#store.undefine(this.#key("exchange", name));
  }

  addQueue(queue: Queue, id: number): void {
    const { name, autoDelete, arguments: arguments_ } = queue;
    this.#store.define(
      this.#key("queue", name),
      encode({ id, autoDelete, arguments: arguments_ }),
    );
  }

  removeQueue(name: string): void {
    this.#store.undefine(this.#key("queue", name));
  }

  /** Writes a binding down if both of its ends are durable. */
  addBinding(binding: Binding<Queue>): void {
    if (!isDurable(binding)) return;
    const { source, destination, routingKey } = binding;
    this.#store.define(
      this.#bindingKey(binding),
      encode({
        source: source.name,
        destination: destination.name,
        destinationKind: destination.kind,
        routingKey,
        arguments: binding.arguments,
      }),
    );
  }

  removeBinding(binding: Binding<Queue>): void {
    if (isDurable(binding)) this.#store.undefine(this.#bindingKey(binding));
  }

  #key(kind: string, ...names: readonly string[]): string {
    return JSON.stringify([kind, this.#vhost, ...names]);
  }

  #bindingKey({ source, identity }: Binding<Queue>): string {
    return this.#key("binding", source.name, identity);
  }
}

/**
 * All that a store defines, exchanges first, then queues, then bindings.
 *
 * @throws {TypeError} When a newer version wrote some of it.
 */
export function readDefinitions(store: Store): Definition[] {
  const order = ["exchange", "queue", "binding"];
  const found: Definition[] = [];
  for (const [key, value] of store.definitions) {
    const [kind, vhost, name] = JSON.parse(key) as string[];
    if (!order.includes(kind!)) continue;
    const fields = decode(value);
    const definition = kind === "binding"
      ? { kind, vhost, ...fields }
      : { kind, vhost, name, ...fields };
    found.push(definition as unknown as Definition);
  }
  return found.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

function isDurable({ source, destination }: Binding<Queue>): boolean {
  return source.durable && destination.durable &&
    (destination.kind === "exchange" || !destination.exclusive);
}

function encode(fields: FieldTable): Uint8Array {
  const writer = new ByteWriter(256);
  encodeTable(writer, { form: FORM, ...fields });
  return writer.written().slice();
}

function decode(bytes: Uint8Array): FieldTable {
  const fields = decodeTable(new ByteReader(bytes, 0, bytes.length));
  if (typeof fields.form !== "number" || fields.form > FORM) {
    throw new TypeError(
      `Cannot read definition: its form ${fields.form} is newer than ${FORM}, the newest known here`,
    );
  }
  return fields;
}
