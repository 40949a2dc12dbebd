import type { Logger } from "../amqp/logger.ts";
import { silentLogger } from "../amqp/logger.ts";
import { ConsistentHashTable } from "./consistent_hash.ts";
import { delayedMessageType } from "./delayed_message.ts";
import { DirectTable } from "./direct.ts";
import type { ExchangeType } from "./exchange_type.ts";
import { FanoutTable } from "./fanout.ts";
import { FederationUpstreamTable } from "./federation_upstream.ts";
import { guarded } from "./guarded.ts";
import { HeadersTable } from "./headers.ts";
import { LocalRandomTable } from "./local_random.ts";
import { ModulusHashTable } from "./modulus_hash.ts";
import { RandomTable } from "./random.ts";
import { RecentHistoryTable } from "./recent_history.ts";
import { TopicTable } from "./topic.ts";

/** What all brokers have, in the order in which they are listed. */
const TYPES: readonly ExchangeType[] = [
  { name: "direct", createTable: () => new DirectTable() },
  { name: "fanout", createTable: () => new FanoutTable() },
  { name: "headers", createTable: () => new HeadersTable() },
  { name: "topic", createTable: () => new TopicTable() },
  {
    name: "x-consistent-hash",
    createTable: (arguments_) => new ConsistentHashTable(arguments_),
  },
  // it looks up another type, so it is replaced by the broker's own
  delayedMessageType({ get: () => undefined }),
  { name: "x-local-random", createTable: () => new LocalRandomTable() },
  // what makes it more than a fanout happens before routing
  { name: "x-message-deduplication", createTable: () => new FanoutTable() },
  { name: "x-modulus-hash", createTable: () => new ModulusHashTable() },
  { name: "x-random", createTable: () => new RandomTable() },
  {
    name: "x-recent-history",
    createTable: (arguments_) => new RecentHistoryTable(arguments_),
  },
];
/** What other brokers declare here, and nobody else. */
const INTERNAL_TYPES: readonly ExchangeType[] = [
  {
    name: "x-federation-upstream",
    createTable: (arguments_) => new FederationUpstreamTable(arguments_),
  },
];
const INTERNAL: ReadonlySet<string> = new Set(INTERNAL_TYPES.map(({ name }) => name));
const BY_NAME: ReadonlyMap<string, ExchangeType> = new Map(
  [...TYPES, ...INTERNAL_TYPES].map((type) => [type.name, type]),
);

/**
 * The exchange types of one broker: those of AMQP, those of RabbitMQ's plugins, and those that its
 * program adds. Brokers of one process share none.
 */
export class ExchangeTypes {
  readonly #byName = new Map(BY_NAME);
  readonly #logger: Logger;

  /**
   * Starts with the types that every broker has.
   *
   * @param logger Where it is told what added types do wrong.
   * @param options `topicHashMax`: how many `#` clients may have in the binding key of a topic exchange.
   */
  constructor(logger: Logger = silentLogger, options: { readonly topicHashMax?: number } = {}) {
    this.#logger = logger;
    this.#byName.set("x-delayed-message", delayedMessageType(this));
    const { topicHashMax = Infinity } = options;
    if (topicHashMax === Infinity) return;
    this.#byName.set("topic", { name: "topic", createTable: () => new TopicTable(topicHashMax) });
  }

  /**
   * Adds a type. Exchanges can be declared with it from then on.
   *
   * @param type The type. What it throws where it must not is logged.
   * @throws {TypeError} When a type of this name is there already.
   *
   * @example A type that takes everything
   * ```ts
   * import { Exchange, Exchanges, ExchangeTypes } from "./mod.ts";
   * import { FanoutTable } from "./fanout.ts";
import { FederationUpstreamTable } from "./federation_upstream.ts";
   * import { assertEquals } from "@std/assert";
   *
   * const types = new ExchangeTypes();
   * types.register({ name: "x-all", createTable: () => new FanoutTable() });
   *
   * const type = types.get("x-all")!;
   * const exchange = new Exchange(new Exchanges(), { name: "news", type });
   * exchange.bind({ kind: "queue", name: "reader" }, "");
   * const message = { headers: () => undefined, basicProperties: () => ({}) };
   * assertEquals(exchange.route("any", message).map(({ name }) => name), ["reader"]);
   * ```
   */
  register(type: ExchangeType): void {
    this.#add(guarded(type, this.#logger));
  }

  #add(type: ExchangeType): void {
    if (this.#byName.has(type.name)) {
      throw new TypeError(`Cannot register exchange type "${type.name}": the name is taken`);
    }
    this.#byName.set(type.name, type);
  }

  /**
   * Finds a type.
   *
   * @param name Its name.
   * @returns The type, or undefined when there is none of this name.
   */
  get(name: string): ExchangeType | undefined {
    return this.#byName.get(name);
  }

  /** The names of all types that are for users, in the order of their registration. */
  names(): string[] {
    return [...this.#byName.keys()].filter((name) => !INTERNAL.has(name));
  }
}
