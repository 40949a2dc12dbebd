/**
 * Routing: from a routing key to queues, by exchange type and number of bindings.
 *
 * The baseline is smqp, a message broker for the same process. Only its matching is measured, which
 * is a walk through all bindings of the exchange; what it does to queues is left out.
 *
 * - `repeated keys`: the same few keys again and again.
 * - `unseen keys`: keys that never come twice. Making the key is part of what is measured, on both sides.
 */
import { Broker as Smqp } from "smqp";
import type { FieldTable } from "../broker/amqp/field_table.ts";
import { Exchange, Exchanges, ExchangeTypes } from "../broker/routing/mod.ts";
import type { Destination, RoutedMessage } from "../broker/routing/mod.ts";
import { check } from "./support/check.ts";

const BINDING_COUNTS = [1, 100, 10_000];
/** How many messages are routed in one measured run. */
const MESSAGES = 100;
/** How many different keys there are where they repeat. */
const REPEATED_KEYS = 50;

const types = new ExchangeTypes();
let keysMade = 0;

interface TopicLoad {
  readonly name: string;
  bindingKey(index: number): string;
  /** Matches the binding of this index and no other. */
  routingKey(index: number, unique: number): string;
}

const direct: TopicLoad = {
  name: "direct",
  bindingKey: (index) => `orders.${index}.created`,
  routingKey: (index) => `orders.${index}.created`,
};

const topics: readonly TopicLoad[] = [
  { ...direct, name: "topic without wildcards" },
  {
    name: "topic with *",
    bindingKey: (index) => `orders.${index}.*`,
    routingKey: (index, unique) => `orders.${index}.u${unique}`,
  },
  {
    name: "topic with #",
    bindingKey: (index) => `#.o${index}.#`,
    routingKey: (index, unique) => `orders.o${index}.u${unique}`,
  },
];

for (const count of BINDING_COUNTS) {
  benchKeys("direct", direct, count);
  for (const load of topics) benchKeys("topic", load, count);
  benchFanout(count);
  benchHeaders(count);
}
benchHeaders(1000);
benchLevels();
for (const count of [10, 100, 1000]) benchOneOfMany(count);
benchBinding();

/** Direct and topic. Each message matches one binding. */
function benchKeys(type: "direct" | "topic", load: TopicLoad, count: number): void {
  const bindings = count.toLocaleString("en");
  const exchange = declare(type);
  for (let index = 0; index < count; index++) exchange.bind(queue(index), load.bindingKey(index));
  const find = smqpFinder(type, load, count);

  const repeated = Array.from(
    { length: REPEATED_KEYS },
    (_, index) => load.routingKey(Math.floor(index * count / REPEATED_KEYS), index),
  );
  const repeatedKey = (message: number) => repeated[message % REPEATED_KEYS]!;
  const group = `${load.name}, repeated keys, bindings: ${bindings}`;
  benchBoth(
    group,
    (route) => {
      let found = 0;
      for (let message = 0; message < MESSAGES; message++) found += route(repeatedKey(message));
      check(found, MESSAGES);
    },
    find,
    (key) => exchange.route(key, noHeaders).length,
  );

  // without wildcards a key that was never seen matches nothing
  const matched = load.routingKey(0, 1) === load.routingKey(0, 2) ? 0 : 1;
  const unseenKey = () => {
    const unique = ++keysMade;
    return load.routingKey(unique % count, unique) + (matched ? "" : `.${unique}`);
  };
  benchBoth(
    `${load.name}, unseen keys, bindings: ${bindings}`,
    (route) => {
      let found = 0;
      for (let message = 0; message < MESSAGES; message++) found += route(unseenKey());
      check(found, MESSAGES * matched);
    },
    find,
    (key) => exchange.route(key, noHeaders).length,
  );
}

/** Every message goes to every queue. */
function benchFanout(count: number): void {
  const exchange = declare("fanout");
  for (let index = 0; index < count; index++) exchange.bind(queue(index), "");
  Deno.bench({
    name: `fanout: route ${MESSAGES} messages`,
    group: `fanout, bindings: ${count.toLocaleString("en")}`,
    fn() {
      let found = 0;
      for (let message = 0; message < MESSAGES; message++) {
        found += exchange.route("any", noHeaders).length;
      }
      check(found, MESSAGES * count);
    },
  });
}

/** From exchange to exchange to queue: a topic that leads to a hundred direct exchanges. */
function benchLevels(): void {
  const [exchangeCount, queueCount] = [100, 10];
  const one = declare("direct");
  const exchanges = new Exchanges<Destination>();
  const front = new Exchange(exchanges, { name: "front", type: types.get("topic")! });
  exchanges.add(front);
  for (let index = 0; index < exchangeCount; index++) {
    const behind = new Exchange(exchanges, { name: `x${index}`, type: types.get("direct")! });
    exchanges.add(behind);
    front.bind(behind, `orders.${index}.#`);
    for (let number = 0; number < queueCount; number++) {
      const key = `orders.${index}.${number}`;
      behind.bind(queue(index * queueCount + number), key);
      one.bind(queue(index * queueCount + number), key);
    }
  }
  const key = (message: number) => `orders.${message % exchangeCount}.${message % queueCount}`;
  const keys = Array.from({ length: REPEATED_KEYS }, (_, message) => key(message));
  const repeated = (message: number) => keys[message % REPEATED_KEYS]!;
  // the first level knows them by their first words; the second finds no queue
  const unseen = (message: number) => `${repeated(message)}.${++keysMade}`;
  const loads = [
    { name: "one level", exchange: one, nextKey: repeated, found: MESSAGES },
    { name: "two levels", exchange: front, nextKey: repeated, found: MESSAGES },
    { name: "two levels, unseen keys", exchange: front, nextKey: unseen, found: 0 },
  ];
  for (const { name, exchange, nextKey, found } of loads) {
    Deno.bench({
      name: `${name}: route ${MESSAGES} messages`,
      group: "exchange to exchange, bindings: 1,100",
      baseline: exchange === one,
      fn() {
        let count = 0;
        for (let message = 0; message < MESSAGES; message++) {
          count += exchange.route(nextKey(message), noHeaders).length;
        }
        check(count, found);
      },
    });
  }
}

/** Each message matches one binding; all bindings have one of their two conditions in common. */
function benchHeaders(count: number): void {
  const messages = Array.from({ length: MESSAGES }, (_, message) =>
    withHeaders({
      type: "order",
      tenant: `t${message % count}`,
      trace: `trace-${message}`,
    }));
  for (const match of ["all", "any"]) {
    const exchange = declare("headers");
    for (let index = 0; index < count; index++) {
      const shared = match === "all" ? { type: "order" } : { type: `type-${index}` };
      exchange.bind(queue(index), "", { "x-match": match, ...shared, tenant: `t${index}` });
    }
    Deno.bench({
      name: `headers with ${match}: route ${MESSAGES} messages`,
      group: `headers, bindings: ${count.toLocaleString("en")}`,
      baseline: match === "all",
      fn() {
        let found = 0;
        for (const headers of messages) found += exchange.route("", headers).length;
        check(found, MESSAGES);
      },
    });
  }
}

/** One queue of many by a hash or by chance, for keys that were never seen. */
function benchOneOfMany(count: number): void {
  const sameWeight = () => "1";
  const loads = [
    { name: "consistent hash of one weight", type: "x-consistent-hash", weight: sameWeight },
    {
      name: "consistent hash of ten weights",
      type: "x-consistent-hash",
      weight: (index: number) => `${1 + index % 10}`,
    },
    { name: "modulus hash", type: "x-modulus-hash", weight: sameWeight },
    { name: "random", type: "x-random", weight: sameWeight },
  ];
  for (const { name, type, weight } of loads) {
    const exchange = declare(type);
    for (let index = 0; index < count; index++) exchange.bind(queue(index), weight(index));
    Deno.bench({
      name: `${name}: route ${MESSAGES} messages`,
      group: `one of many, unseen keys, bindings: ${count.toLocaleString("en")}`,
      baseline: type === "x-random",
      fn() {
        let found = 0;
        for (let message = 0; message < MESSAGES; message++) {
          found += exchange.route(`orders.${++keysMade}`, noHeaders).length;
        }
        check(found, MESSAGES);
      },
    });
  }
}

/** What an RPC client does: a binding that comes and goes among those of others. */
function benchBinding(): void {
  for (const type of ["direct", "topic", "headers"]) {
    const exchange = declare(type);
    for (let index = 0; index < 10_000; index++) {
      exchange.bind(queue(index), `reply.${index}`, { index });
    }
    let clients = 0;
    Deno.bench({
      name: `${type}: bind, route, unbind`,
      group: "binding beside 10,000 others",
      baseline: type === "direct",
      fn() {
        const index = -(++clients);
        const client = queue(index);
        const key = `reply.${index}`;
        exchange.bind(client, key, { index });
        const found = exchange.route(key, withHeaders({ index })).length;
        exchange.unbind(client, key, { index });
        check(found, 1);
      },
    });
  }
}

function benchBoth(
  group: string,
  routeAll: (route: (routingKey: string) => number) => void,
  smqp: (routingKey: string) => number,
  warren: (routingKey: string) => number,
): void {
  Deno.bench({ name: `smqp: ${group}`, group, baseline: true, fn: () => routeAll(smqp) });
  Deno.bench({ name: `warren: ${group}`, group, fn: () => routeAll(warren) });
}

function declare(type: string): Exchange<Destination> {
  return new Exchange(new Exchanges<Destination>(), { name: type, type: types.get(type)! });
}

function queue(index: number): Destination {
  return { kind: "queue", name: `q${index}` };
}

function withHeaders(headers: FieldTable | undefined): RoutedMessage {
  return { headers: () => headers, basicProperties: () => ({}) };
}

const noHeaders = withHeaders(undefined);

/** smqp's way of finding the queues of a key. */
function smqpFinder(
  type: "direct" | "topic",
  load: TopicLoad,
  count: number,
): (routingKey: string) => number {
  const broker = new Smqp();
  const exchange = broker.assertExchange(type, type);
  for (let index = 0; index < count; index++) {
    exchange.bindQueue(broker.assertQueue(`q${index}`), load.bindingKey(index));
  }
  if (type === "direct") {
    return (routingKey) => {
      let found = 0;
      for (const binding of exchange.bindings) if (binding.pattern === routingKey) found++;
      return found;
    };
  }
  return (routingKey) => {
    let found = 0;
    for (const binding of exchange.bindings) if (binding.testPattern(routingKey)) found++;
    return found;
  };
}
