import { ByteReader } from "../amqp/byte_reader.ts";
import { ByteWriter } from "../amqp/byte_writer.ts";
import { decodeTable, encodeTable, type FieldTable } from "../amqp/field_table.ts";
import type { Binding } from "../routing/binding.ts";
import type { Exchange } from "../routing/exchange.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import { StoreError } from "../store/error.ts";
import type { Store } from "../store/store.ts";

/**
 * Durable exchanges, queues and bindings as definitions of the store: a key that names the thing, and
 * a field table, since that is what arguments are made of. Each holds the version of its form.
 *
 * @module
 */

/** Version of the form of all definitions, those of `durable_settings.ts` included. */
const FORM = 1;
/** Which ids have been given. */
export const LAST_QUEUE_ID: string = JSON.stringify(["last-queue-id"]);
/** There as long as definitions may be lost that a broker has not looked for the messages of yet. */
const LOSSES = JSON.stringify(["losses"]);

/** A durable exchange. */
export interface ExchangeDefinition {
  readonly kind: "exchange";
  readonly vhost: string;
  readonly name: string;
  readonly type: string;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  /** What the store knows the messages by that it holds back; undefined when it holds none back. */
  readonly id?: number;
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
  /** True when it has what is left of another one: nobody knows what the deadlines in it meant. */
  readonly recovered?: boolean;
  readonly arguments: FieldTable;
}

/** A binding between durable things. */
export interface BindingDefinition {
  readonly kind: "binding";
  /** What the store knows it by. */
  readonly key: string;
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
  /** Keys of bindings: numbers, since what makes a binding the same as another may be long. */
  readonly #bindingKeys = new Map<Binding<MessageQueue>, string>();
  #lastBinding = 0;
  #changed = false;

  constructor(store: Store, vhost: string) {
    this.#store = store;
    this.#vhost = vhost;
  }

  /** True when something was written down or crossed out since this was last asked. */
  takeChange(): boolean {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  #define(key: string, fields: FieldTable): void {
    this.#store.define(key, encodeDefinition(fields));
    this.#changed = true;
  }

  #undefine(key: string): void {
    this.#store.undefine(key);
    this.#changed = true;
  }

  /** An id for a new durable queue, or for what an exchange holds back; none is ever given twice. */
  nextQueueId(): number {
    const last = this.#store.definitions.get(LAST_QUEUE_ID);
    let id = last === undefined ? 1 : Number(decodeDefinition(last)["id"]) + 1;
    // of a damaged store, an older definition may be all that is left
    while (this.#store.queues.has(id)) id++;
    this.#define(LAST_QUEUE_ID, { id });
    return id;
  }

  /**
   * @param id What the store knows the messages by that it holds back.
   */
  addExchange(
    { name, type, autoDelete, internal, arguments: arguments_ }: Exchange<MessageQueue>,
    id?: number,
  ): void {
    const fields = { type, autoDelete, internal, arguments: encodeArguments(arguments_) };
    this.#define(this.#key("exchange", name), id === undefined ? fields : { ...fields, id });
  }

  removeExchange(name: string): void {
    this.#undefine(this.#key("exchange", name));
  }

  addQueue(queue: MessageQueue, id: number, recovered = false): void {
    const { name, autoDelete, arguments: arguments_ } = queue;
    const fields = { id, autoDelete, arguments: encodeArguments(arguments_) };
    this.#define(this.#key("queue", name), recovered ? { ...fields, recovered } : fields);
  }

  removeQueue(name: string): void {
    this.#undefine(this.#key("queue", name));
  }

  /**
   * Writes a binding down if both of its ends are durable.
   *
   * @param knownAs What the store knows it by already, after a restart.
   */
  addBinding(binding: Binding<MessageQueue>, knownAs?: string): void {
    if (knownAs !== undefined) {
      this.#bindingKeys.set(binding, knownAs);
      this.#lastBinding = Math.max(this.#lastBinding, Number(JSON.parse(knownAs)[2]));
      return;
    }
    if (!isDurable(binding)) return;
    const key = this.#key("binding", `${++this.#lastBinding}`);
    this.#bindingKeys.set(binding, key);
    const { source, destination, routingKey } = binding;
    this.#define(key, {
      source: source.name,
      destination: destination.name,
      destinationKind: destination.kind,
      routingKey,
      arguments: encodeArguments(binding.arguments),
    });
  }

  removeBinding(binding: Binding<MessageQueue>): void {
    const key = this.#bindingKeys.get(binding);
    if (key === undefined) return;
    this.#bindingKeys.delete(binding);
    this.#undefine(key);
  }

  #key(kind: string, ...names: readonly string[]): string {
    return JSON.stringify([kind, this.#vhost, ...names]);
  }
}

/**
 * All that a store defines, exchanges first, then queues, then bindings.
 *
 * @throws {StoreError} When some of it cannot be read, as when a newer version wrote it.
 */
export function readDefinitions(store: Pick<Store, "definitions">): Definition[] {
  const order = ["exchange", "queue", "binding"];
  const found: Definition[] = [];
  for (const [key, value] of store.definitions) {
    const [kind, vhost, name] = JSON.parse(key) as string[];
    if (!order.includes(kind!)) continue;
    const { arguments: encoded, ...fields } = decodeDefinition(value);
    const arguments_ = decodeArguments(encoded as Uint8Array);
    const definition = kind === "binding"
      ? { kind, vhost, key, ...fields, arguments: arguments_ }
      : { kind, vhost, name, ...fields, arguments: arguments_ };
    found.push(definition as unknown as Definition);
  }
  return found.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

/** Notes that a damaged store was repaired: the next broker looks for what is left of lost queues. */
export function noteLosses(store: Pick<Store, "define">): void {
  store.define(LOSSES, encodeDefinition({}));
}

/** True when queues may be lost with their definitions, and not yet looked for. */
export function hasLosses(store: Store): boolean {
  return store.report.damages.length > 0 || store.definitions.has(LOSSES);
}

/** What is left of lost queues has been found. */
export function forgetLosses(store: Store): void {
  store.undefine(LOSSES);
}

function isDurable({ source, destination }: Binding<MessageQueue>): boolean {
  return source.durable && destination.durable &&
    (destination.kind === "exchange" || !destination.exclusive);
}

/** Writes a definition, with the version of its form. */
export function encodeDefinition(fields: FieldTable): Uint8Array {
  const writer = new ByteWriter(256);
  encodeTable(writer, { form: FORM, ...fields });
  return writer.written().slice();
}

/**
 * Reads a definition.
 *
 * @throws {StoreError} When a newer version wrote it.
 */
export function decodeDefinition(bytes: Uint8Array): FieldTable {
  const fields = decodeTable(new ByteReader(bytes, 0, bytes.length));
  if (typeof fields["form"] !== "number" || fields["form"] > FORM) {
    throw new StoreError(
      "newer-format",
      `Cannot read definition: its form ${
        fields["form"]
      } is newer than ${FORM}, the newest known here`,
    );
  }
  return fields;
}

/** In bytes of their own, since they may be nested as deep as a table can be. */
function encodeArguments(arguments_: FieldTable): Uint8Array {
  const writer = new ByteWriter(64);
  encodeTable(writer, arguments_);
  return writer.written().slice();
}

function decodeArguments(bytes: Uint8Array): FieldTable {
  const reader = new ByteReader(bytes, 0, bytes.length);
  reader.keepsDoubles = true;
  return decodeTable(reader);
}
