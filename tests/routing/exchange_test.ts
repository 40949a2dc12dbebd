import {
  assert,
  assertEquals,
  assertExists,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
  fail,
} from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { Exchange, Exchanges, ExchangeTypes } from "../../broker/routing/mod.ts";
import type { ExchangeType, RoutedMessage, RoutingTable } from "../../broker/routing/mod.ts";
import { noHeaders, queue, queues, routed, type TestQueue, TestVhost } from "./support.ts";

// ---- bindings

Deno.test("Exchange.bind() gives the binding, and nothing when it is there already", () => {
  const exchange = new TestVhost().declare("e", "topic");
  const [q] = queues("q");
  const binding = exchange.bind(q, "a.*", { x: 1, y: 2 });
  assertExists(binding);
  assertStrictEquals(binding.source, exchange);
  assertStrictEquals(binding.destination, q);
  assertEquals([binding.routingKey, binding.arguments], ["a.*", { x: 1, y: 2 }]);
  assertEquals(exchange.bind(q, "a.*", { y: 2, x: 1 }), undefined);
  assertEquals(exchange.bindingCount, 1);
});

Deno.test("Exchange keeps several bindings to one queue apart", () => {
  const exchange = new TestVhost().declare("e", "direct");
  const [q] = queues("q");
  const bindings = [
    exchange.bind(q, "a"),
    exchange.bind(q, "b"),
    exchange.bind(q, "a", { note: 1 }),
  ];
  assertEquals([...exchange.bindings()], bindings);
  assertEquals(exchange.unbind(q, "a"), bindings[0]);
  assertEquals(routed(exchange, "a"), ["q"]);
  assertEquals(exchange.unbind(q, "a", { note: 1 }), bindings[2]);
  assertEquals(routed(exchange, "a"), []);
  assertEquals(routed(exchange, "b"), ["q"]);
});

Deno.test("Exchange.unbind() gives nothing when there is no such binding", () => {
  const exchange = new TestVhost().declare("e", "direct");
  const [q, other] = queues("q", "other");
  exchange.bind(q, "a");
  assertEquals(exchange.unbind(q, "b"), undefined);
  assertEquals(exchange.unbind(q, "a", { note: 1 }), undefined);
  assertEquals(exchange.unbind(other, "a"), undefined);
  assert(exchange.hasBindings);
  exchange.unbind(q, "a");
  assert(!exchange.hasBindings);
});

Deno.test("Exchange.remove() takes a binding once", () => {
  const exchange = new TestVhost().declare("e", "direct");
  const [q] = queues("q");
  const binding = exchange.bind(q, "a")!;
  assertEquals(exchange.remove(binding), true);
  assertEquals(exchange.remove(binding), false);
  exchange.bind(q, "a");
  assertEquals(exchange.remove(binding), false);
  assertEquals(routed(exchange, "a"), ["q"]);
});

Deno.test("Exchange.bindings() may be removed while going through", () => {
  const exchange = new TestVhost().declare("e", "fanout");
  for (const name of ["a", "b", "c"]) exchange.bind(queue(name), "");
  for (const binding of exchange.bindings()) exchange.remove(binding);
  assertEquals(exchange.bindingCount, 0);
});

Deno.test("Exchange.bind() changes nothing when the type refuses the arguments", () => {
  const exchange = new TestVhost().declare("e", "headers");
  const error = assertThrows(() => exchange.bind(queue("q"), "", { "x-match": "zz" }), AmqpError);
  assertEquals(error.replyCode, 406);
  assert(!exchange.hasBindings);
});

Deno.test("Exchange has what it was declared with", () => {
  const vhost = new TestVhost();
  const plain = vhost.declare("plain", "fanout");
  assertEquals([plain.durable, plain.autoDelete, plain.internal], [false, false, false]);
  assertEquals([plain.arguments, plain.alternate], [{}, undefined]);
  const all = vhost.declare("all", "fanout", {
    durable: true,
    autoDelete: true,
    internal: true,
    arguments: { "alternate-exchange": "plain" },
  });
  assertEquals([all.durable, all.autoDelete, all.internal], [true, true, true]);
  assertEquals([all.kind, all.name, all.type, all.alternate], [
    "exchange",
    "all",
    "fanout",
    "plain",
  ]);
});

Deno.test("Exchanges refuses a second exchange of one name", () => {
  const vhost = new TestVhost();
  const first = vhost.declare("e", "direct");
  assertThrows(() => vhost.declare("e", "fanout"), TypeError, "the name is taken");
  assertStrictEquals(vhost.exchanges.get("e"), first);
  assertEquals(vhost.exchanges.delete("e"), true);
  assertEquals(vhost.exchanges.delete("e"), false);
  vhost.declare("e", "fanout");
  assertEquals([...vhost.exchanges].map(({ type }) => type), ["fanout"]);
});

// ---- routing

for (const type of ["direct", "fanout", "topic"]) {
  Deno.test(`Exchange.route() of type ${type} makes no array for a key that it knows`, () => {
    const exchange = new TestVhost().declare("e", type);
    const [a, b] = queues("a", "b");
    exchange.bind(a, "k");
    exchange.bind(b, "k");
    const before = exchange.route("k", noHeaders);
    assertEquals(before, [a, b]);
    assertStrictEquals(exchange.route("k", noHeaders), before);
    exchange.unbind(b, "k");
    assertEquals(exchange.route("k", noHeaders), [a]);
    assertEquals(before, [a, b], "a route that was given out does not change");
  });
}

Deno.test("Exchange.route() gives each queue once, however many bindings match", () => {
  const exchange = new TestVhost().declare("e", "topic");
  const many = Array.from({ length: 40 }, (_, index) => queue(`q${index + 10}`));
  for (const q of many) {
    exchange.bind(q, "a.b");
    exchange.bind(q, "a.*");
    exchange.bind(q, "#");
  }
  for (const key of ["a.b", "a.c", "a.d"]) {
    assertEquals(routed(exchange, key), many.map(({ name }) => name));
  }
  assertEquals(routed(exchange, "b"), many.map(({ name }) => name));
});

Deno.test("Exchange.route() puts together what many bindings lead to, each time", () => {
  const exchange = new TestVhost().declare("e", "topic");
  const many = Array.from({ length: 40 }, (_, index) => queue(`q${index + 10}`));
  many.forEach((q, index) => exchange.bind(q, index % 2 === 0 ? "a.#" : "#.b"));
  for (const key of ["a.b", "a.c.b", "a.b.b"]) {
    assertEquals(routed(exchange, key), many.map(({ name }) => name));
  }
});

Deno.test("Exchange.route() follows bindings to other exchanges", () => {
  const vhost = new TestVhost();
  const [first, second, third] = [
    vhost.declare("first", "direct"),
    vhost.declare("second", "topic"),
    vhost.declare("third", "fanout"),
  ];
  first.bind(second, "a.b");
  first.bind(queue("direct"), "a.b");
  second.bind(third, "a.#");
  second.bind(queue("topic"), "*.b");
  third.bind(queue("fanout"), "");
  assertEquals(routed(first, "a.b"), ["direct", "fanout", "topic"]);
  assertEquals(routed(first, "a.c"), []);
  assertEquals(routed(second, "a.c"), ["fanout"]);
});

Deno.test("Exchange.route() ends where bindings go in a circle", () => {
  const vhost = new TestVhost();
  const [a, b] = [vhost.declare("a", "fanout"), vhost.declare("b", "fanout")];
  const [q, r] = queues("q", "r");
  a.bind(a, "self");
  a.bind(b, "");
  b.bind(a, "");
  a.bind(q, "");
  b.bind(q, "");
  b.bind(r, "");
  assertEquals(routed(a, "k"), ["q", "r"]);
  assertEquals(routed(b, "k"), ["q", "r"]);
});

Deno.test("Exchange.route() takes the alternate exchange when no binding matches", () => {
  const vhost = new TestVhost();
  const main = vhost.declare("main", "direct", { arguments: { "alternate-exchange": "rest" } });
  main.bind(queue("known"), "k");
  assertEquals(routed(main, "other"), [], "an alternate exchange may be missing");
  const rest = vhost.declare("rest", "fanout");
  rest.bind(queue("unknown"), "");
  assertEquals(routed(main, "other"), ["unknown"]);
  assertEquals(routed(main, "k"), ["known"]);
  vhost.exchanges.delete("rest");
  assertEquals(routed(main, "other"), []);
});

Deno.test("Exchange.route() goes from alternate to alternate, and not in a circle", () => {
  const vhost = new TestVhost();
  const alternate = (name: string) => ({ arguments: { "alternate-exchange": name } });
  const first = vhost.declare("first", "direct", alternate("second"));
  vhost.declare("second", "topic", alternate("third"));
  const third = vhost.declare("third", "direct", alternate("first"));
  assertEquals(routed(first, "k"), []);
  third.bind(queue("q"), "k");
  assertEquals(routed(first, "k"), ["q"]);
  assertEquals(routed(first, "other"), []);
});

Deno.test("Exchange.route() takes the alternate of each exchange on the way, where that has nothing", () => {
  const vhost = new TestVhost();
  const main = vhost.declare("main", "fanout", { arguments: { "alternate-exchange": "mainRest" } });
  const next = vhost.declare("next", "direct", { arguments: { "alternate-exchange": "nextRest" } });
  vhost.declare("mainRest", "fanout").bind(queue("mainRest"), "");
  vhost.declare("nextRest", "fanout").bind(queue("nextRest"), "");
  main.bind(next, "");
  // main matched something, an exchange, even if no queue
  assertEquals(routed(main, "k"), ["nextRest"]);
  next.bind(queue("q"), "k");
  assertEquals(routed(main, "k"), ["q"]);
});

Deno.test("Exchange.route() routes by further keys at once", () => {
  const vhost = new TestVhost();
  const main = vhost.declare("main", "direct", { arguments: { "alternate-exchange": "rest" } });
  const next = vhost.declare("next", "topic");
  vhost.declare("rest", "fanout").bind(queue("rest"), "");
  const [a, b] = queues("a", "b");
  main.bind(a, "a");
  main.bind(b, "b");
  main.bind(next, "b");
  next.bind(queue("c"), "c");
  const route = (key: string, ...more: string[]) =>
    main.route(key, noHeaders, more).map(({ name }) => name).sort();
  assertEquals(route("a"), ["a"]);
  assertEquals(route("a", "a"), ["a"]);
  assertEquals(route("none", "a"), ["a"], "one key that matches is enough to need no alternate");
  assertEquals(route("none", "nothing"), ["rest"]);
  assertEquals(route("a", "b", "c"), ["a", "b", "c"], "each exchange looks for all keys");
  assertEquals(route("a"), ["a"], "what several keys found is not remembered for one");
});

Deno.test("Exchange.route() by headers looks at each message", () => {
  const vhost = new TestVhost();
  const exchange = vhost.declare("h", "headers");
  exchange.bind(queue("one"), "", { n: 1 });
  exchange.bind(queue("two"), "", { n: 2 });
  assertEquals(routed(exchange, { headers: { n: 1 } }), ["one"]);
  assertEquals(routed(exchange, { headers: { n: 2 } }), ["two"]);
});

Deno.test("Exchange.route() remembers nothing that a headers exchange on the way decided", () => {
  const vhost = new TestVhost();
  const topic = vhost.declare("t", "topic");
  const alternate = vhost.declare("d", "direct", { arguments: { "alternate-exchange": "h" } });
  const headers = vhost.declare("h", "headers");
  topic.bind(headers, "#");
  topic.bind(queue("always"), "#");
  headers.bind(queue("one"), "", { n: 1 });
  for (const n of [1, 2, 1]) {
    const found = n === 1 ? ["one"] : [];
    assertEquals(routed(topic, { routingKey: "k", headers: { n } }), ["always", ...found]);
    assertEquals(routed(alternate, { routingKey: "k", headers: { n } }), found);
  }
});

Deno.test("Exchange.route() asks for headers only where a headers exchange is reached", () => {
  const vhost = new TestVhost();
  const topic = vhost.declare("t", "topic");
  const headers = vhost.declare("h", "headers");
  topic.bind(headers, "to.headers");
  topic.bind(queue("q"), "#");
  headers.bind(queue("one"), "", { n: 1 });
  let asked = 0;
  const ask: RoutedMessage = {
    headers() {
      asked++;
      return undefined;
    },
    basicProperties: () => fail("Properties were asked for"),
  };
  topic.route("elsewhere", ask);
  assertEquals(asked, 0);
  topic.route("to.headers", ask);
  assertEquals(asked, 1);
});

// ---- what is remembered

Deno.test("Exchange.route() sees bindings that come and go", () => {
  const exchange = new TestVhost().declare("e", "topic");
  const [a, b, c] = queues("a", "b", "c");
  exchange.bind(a, "a.*");
  assertEquals(routed(exchange, "a.b"), ["a"]);
  exchange.bind(b, "a.b");
  assertEquals(routed(exchange, "a.b"), ["a", "b"]);
  exchange.bind(c, "#.b");
  assertEquals(routed(exchange, "a.b"), ["a", "b", "c"]);
  exchange.unbind(a, "a.*");
  exchange.unbind(b, "a.b");
  assertEquals(routed(exchange, "a.b"), ["c"]);
});

Deno.test("Exchange.route() forgets only the key that a binding without wildcards matches", () => {
  const { exchange, lookedFor } = watchedTopic();
  exchange.bind(queue("all"), "#");
  exchange.route("a", noHeaders);
  exchange.route("b", noHeaders);
  exchange.bind(queue("q"), "b");
  lookedFor.length = 0;
  assertEquals(routed(exchange, "a"), ["all"]);
  assertEquals(routed(exchange, "b"), ["all", "q"]);
  assertEquals(lookedFor, ["b"]);
});

Deno.test("Exchange.route() sees changes at exchanges further on", () => {
  const vhost = new TestVhost();
  const [first, second, third] = ["first", "second", "third"].map((name) =>
    vhost.declare(name, "topic")
  ) as [Exchange<TestQueue>, Exchange<TestQueue>, Exchange<TestQueue>];
  first.bind(second, "#");
  second.bind(third, "#");
  const [q, r] = queues("q", "r");
  assertEquals(routed(first, "k"), []);
  third.bind(q, "k");
  assertEquals(routed(first, "k"), ["q"]);
  second.bind(r, "k");
  assertEquals(routed(first, "k"), ["q", "r"]);
  third.unbind(q, "k");
  assertEquals(routed(first, "k"), ["r"]);
  assert(!first.leadsToQueuesOnly);
  first.unbind(second, "#");
  assert(first.leadsToQueuesOnly);
  assertEquals(routed(first, "k"), []);
  second.unbind(r, "k");
  first.bind(second, "#");
  assertEquals(routed(first, "k"), []);
});

Deno.test("Exchange.route() sees another alternate", () => {
  const vhost = new TestVhost();
  const topic = vhost.declare("t", "topic");
  vhost.declare("one", "fanout").bind(queue("one"), "");
  vhost.declare("two", "fanout").bind(queue("two"), "");
  const before = vhost.declare("before", "topic");
  before.bind(topic, "#");
  for (const alternate of [undefined, "one", "two", undefined, "two"]) {
    topic.alternate = alternate;
    const expected = alternate === undefined ? [] : [alternate];
    assertEquals(routed(topic, "k"), expected);
    assertEquals(routed(before, "k"), expected);
  }
});

Deno.test("Exchange.route() does not forget what bindings of unrelated exchanges cannot change", () => {
  const { exchange, vhost, lookedFor } = watchedTopic();
  exchange.bind(queue("q"), "*");
  const before = exchange.route("k", noHeaders);
  vhost.declare("other", "topic").bind(queue("r"), "k");
  assertStrictEquals(exchange.route("k", noHeaders), before);
  assertEquals(lookedFor, ["k"]);
});

Deno.test("Exchange.route() through another exchange makes no array for a key that it knows", () => {
  const vhost = new TestVhost();
  const [first, second] = [vhost.declare("first", "direct"), vhost.declare("second", "fanout")];
  first.bind(second, "k");
  const binding = second.bind(queue("q"), "")!;
  const before = first.route("k", noHeaders);
  assertStrictEquals(first.route("k", noHeaders), before);
  second.remove(binding);
  assertNotStrictEquals(first.route("k", noHeaders), before);
});

Deno.test("Exchange.route() works while a table routes through another exchange", () => {
  const vhost = new TestVhost();
  const inner = vhost.declare("inner", "topic");
  const [a, b] = queues("a", "b");
  inner.bind(a, "*");
  inner.bind(b, "#");
  const type: ExchangeType = {
    name: "x-behind",
    createTable: (): RoutingTable => ({
      cacheable: false,
      add() {},
      remove() {},
      route(routingKey, message, into) {
        into.add(queue("own"));
        into.addAll(inner.route(routingKey, message));
      },
    }),
  };
  const outer = new Exchange<TestQueue>(vhost.exchanges, { name: "outer", type });
  for (const key of ["k", "l", "k"]) assertEquals(routed(outer, key), ["a", "b", "own"]);
});

/** A topic exchange that tells which keys its table was asked for. */
function watchedTopic(): {
  exchange: Exchange<TestQueue>;
  vhost: TestVhost;
  lookedFor: string[];
} {
  const vhost = new TestVhost();
  const lookedFor: string[] = [];
  const topic = new ExchangeTypes().get("topic")!;
  const type = {
    name: "x-watched",
    createTable(): RoutingTable {
      const table = topic.createTable({});
      return {
        cacheable: table.cacheable,
        add: (binding) => table.add(binding),
        remove: (binding) => table.remove(binding),
        onlyKey: (binding) => table.onlyKey?.(binding),
        route(routingKey, message, into) {
          lookedFor.push(routingKey);
          table.route(routingKey, message, into);
        },
      };
    },
  };
  return { exchange: new Exchange(vhost.exchanges, { name: "watched", type }), vhost, lookedFor };
}

Deno.test("Exchanges has a new version after each change", () => {
  const exchanges = new Exchanges<TestQueue>();
  const versions = [exchanges.version];
  const type = new ExchangeTypes().get("fanout")!;
  const exchange = new Exchange(exchanges, { name: "e", type });
  const changes = [
    () => exchanges.add(exchange),
    () => exchange.bind(queue("q"), ""),
    () => exchange.unbind(queue("q"), ""),
    () => exchange.alternate = "other",
    () => exchanges.delete("e"),
  ];
  for (const change of changes) {
    change();
    versions.push(exchanges.version);
  }
  assertEquals(new Set(versions).size, versions.length);
});
