import { assertEquals } from "@std/assert";
import type { Channel, Connection, FieldTable } from "../../mod.ts";
import { type Random, seededRandom } from "../../broker/testing/simulated_file_system.ts";
import { type ModelBinding, type ModelMessage, TopologyModel } from "./topology_model.ts";

const TYPES = ["direct", "fanout", "topic", "headers"];
const KEYS = ["", "a", "b", "a.b", "b.a", "a.b.c", "a..b", "c"];
const PATTERNS = [
  ...KEYS,
  "#",
  "*",
  "a.*",
  "*.b",
  "a.#",
  "#.b",
  "a.#.b",
  "*.*",
  "#.#",
  "*.#.*",
  "#.a.#",
];
const HEADER_NAMES = ["colour", "size", "x-tenant"];
const HEADER_VALUES = ["red", "blue", 1, 2, true];

/** What happened in some runs, to see that they did something. */
export interface TopologyTally {
  messages: number;
  deliveries: number;
  unroutable: number;
  returned: number;
}

/**
 * Declares exchanges, queues and bindings at random, publishes at random, changes some of it and
 * publishes again, and compares what is in the queues with a model. Decided by its seed alone; the
 * broker at the other end may be any. Leaves nothing behind.
 */
export async function runRandomTopology(
  connection: Connection,
  seed: number,
  tally: TopologyTally,
): Promise<void> {
  await new RandomTopology(await connection.openChannel(), seed, tally).run();
}

class RandomTopology {
  readonly #channel: Channel;
  readonly #random: Random;
  readonly #tally: TopologyTally;
  readonly #model = new TopologyModel();
  readonly #prefix: string;
  #names = 0;

  constructor(channel: Channel, seed: number, tally: TopologyTally) {
    this.#channel = channel;
    this.#random = seededRandom(seed);
    this.#tally = tally;
    this.#prefix = `t${seed}-`;
  }

  async run(): Promise<void> {
    await this.#channel.confirmSelect();
    try {
      for (let count = 2 + this.#below(4); count > 0; count--) await this.#declareQueue();
      for (let count = 2 + this.#below(6); count > 0; count--) await this.#declareExchange();
      for (let count = 4 + this.#below(20); count > 0; count--) await this.#bind();
      await this.#publishAndCompare();
      for (let count = this.#below(8); count > 0; count--) await this.#change();
      await this.#publishAndCompare();
    } finally {
      await this.#clear();
      await this.#channel.close();
    }
  }

  async #declareQueue(): Promise<void> {
    const name = this.#newName("q");
    await this.#channel.queueDeclare(name);
    this.#model.queues.push(name);
  }

  async #declareExchange(): Promise<void> {
    const name = this.#newName("x");
    const type = this.#pick(TYPES);
    const internal = this.#random() < 0.2;
    // one that does not exist may be named as well
    const others = [...this.#model.exchanges.map((exchange) => exchange.name), "no-such-exchange"];
    const alternate = this.#random() < 0.4 ? this.#pick(others) : undefined;
    const arguments_ = alternate === undefined ? {} : { "alternate-exchange": alternate };
    await this.#channel.exchangeDeclare(name, type, { internal, arguments: arguments_ });
    this.#model.exchanges.push({ name, type, alternate, internal });
  }

  async #bind(): Promise<void> {
    const { exchanges, queues, bindings } = this.#model;
    if (exchanges.length === 0) return;
    const { name: source, type } = this.#pick(exchanges);
    const toQueue = queues.length > 0 && this.#random() < 0.7;
    const destination = toQueue ? this.#pick(queues) : this.#pick(exchanges).name;
    const routingKey = this.#pick(type === "topic" ? PATTERNS : KEYS);
    const binding = {
      source,
      destination,
      routingKey,
      arguments: type === "headers" ? this.#conditions() : {},
    };
    if (toQueue) {
      await this.#channel.queueBind(ofQueue(binding));
    } else await this.#channel.exchangeBind(binding);
    bindings.push(binding);
  }

  #conditions(): FieldTable {
    const match = this.#pick(["all", "any", "all-with-x", "any-with-x", undefined]);
    const conditions: { [name: string]: FieldTable[string] } = {};
    if (match !== undefined) conditions["x-match"] = match;
    for (const name of HEADER_NAMES) {
      if (this.#random() < 0.4) conditions[name] = this.#pick([...HEADER_VALUES, null]);
    }
    return conditions;
  }

  async #change(): Promise<void> {
    const model = this.#model;
    const dice = this.#random();
    if (dice < 0.3) await this.#bind();
    else if (dice < 0.7 && model.bindings.length > 0) await this.#unbind();
    else if (dice < 0.85 && model.exchanges.length > 0) {
      const { name } = this.#pick(model.exchanges);
      await this.#channel.exchangeDelete(name);
      model.remove(name);
    } else if (model.queues.length > 0) {
      const name = this.#pick(model.queues);
      await this.#channel.queueDelete(name);
      model.remove(name);
    }
  }

  async #unbind(): Promise<void> {
    const binding = this.#pick(this.#model.bindings);
    const { destination } = binding;
    if (this.#model.queues.includes(destination)) {
      await this.#channel.queueUnbind(ofQueue(binding));
    } else await this.#channel.exchangeUnbind(binding);
    // the same one may have been made twice, and is one
    const same = JSON.stringify(binding);
    this.#model.bindings = this.#model.bindings.filter((each) => JSON.stringify(each) !== same);
  }

  async #publishAndCompare(): Promise<void> {
    const returned: string[] = [];
    this.#channel.onReturn = (message) => void returned.push(message.text());
    const expected = new Map<string, string[]>(this.#model.queues.map((name) => [name, []]));
    const unroutable: string[] = [];
    const confirms: unknown[] = [];
    for (let number = 0; number < 25; number++) {
      const message = this.#message();
      const body = `${number} ${JSON.stringify(message)}`;
      confirms.push(this.#channel.basicPublish({
        exchange: message.exchange,
        routingKey: message.routingKey,
        mandatory: true,
        properties: { headers: message.headers },
      }, body));
      const queues = this.#model.route(message);
      for (const queue of queues) expected.get(queue)!.push(body);
      if (queues.size === 0) unroutable.push(body);
      this.#tally.messages++;
      this.#tally.deliveries += queues.size;
    }
    await Promise.all(confirms);
    this.#tally.unroutable += unroutable.length;
    this.#tally.returned += returned.length;
    assertEquals(returned, unroutable, "returned");
    for (const [queue, bodies] of expected) assertEquals(await this.#drain(queue), bodies, queue);
  }

  #message(): ModelMessage {
    const exchanges = this.#model.exchanges.filter(({ internal }) => !internal);
    const names = ["", ...exchanges.map(({ name }) => name), ...exchanges.map(({ name }) => name)];
    const exchange = this.#pick(names);
    const keys = exchange === "" ? [...this.#model.queues, "no-such-queue"] : KEYS;
    const headers: { [name: string]: FieldTable[string] } = {};
    for (const name of HEADER_NAMES) {
      if (this.#random() < 0.6) headers[name] = this.#pick(HEADER_VALUES);
    }
    if (this.#random() < 0.15) headers["CC"] = [this.#pick(keys), this.#pick(keys)];
    if (this.#random() < 0.1) headers["BCC"] = [this.#pick(keys)];
    return { exchange, routingKey: this.#pick(keys), headers };
  }

  async #drain(queue: string): Promise<string[]> {
    const bodies: string[] = [];
    for (;;) {
      const delivery = await this.#channel.basicGet(queue, { noAck: true });
      if (delivery === undefined) return bodies;
      bodies.push(delivery.text());
    }
  }

  async #clear(): Promise<void> {
    for (const name of this.#model.queues) await this.#channel.queueDelete(name);
    for (const { name } of this.#model.exchanges) await this.#channel.exchangeDelete(name);
  }

  #newName(kind: string): string {
    return `${this.#prefix}${kind}${this.#names++}`;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!;
  }
}

/** A binding to a queue, as the channel wants it. */
function ofQueue({ source, destination, routingKey, arguments: table }: ModelBinding) {
  return { exchange: source, queue: destination, routingKey, arguments: table };
}
