import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Exchange, Exchanges, ExchangeTypes } from "../../broker/routing/mod.ts";
import type { ExchangeType } from "../../broker/routing/mod.ts";
import { FanoutTable } from "../../broker/routing/fanout.ts";
import { queue, routed, type TestQueue } from "./support.ts";

const everything: ExchangeType = { name: "x-everything", createTable: () => new FanoutTable() };

Deno.test("ExchangeTypes has the types that every broker has", () => {
  assertEquals(new ExchangeTypes().names(), [
    "direct",
    "fanout",
    "headers",
    "topic",
    "x-consistent-hash",
    "x-delayed-message",
    "x-local-random",
    "x-message-deduplication",
    "x-modulus-hash",
    "x-random",
    "x-recent-history",
  ]);
});

Deno.test("ExchangeTypes.register() adds a type that exchanges can have", () => {
  const types = new ExchangeTypes();
  assertEquals(types.get("x-everything"), undefined);
  types.register(everything);
  const type = types.get("x-everything")!;
  const exchange = new Exchange<TestQueue>(new Exchanges(), { name: "e", type });
  assertEquals(exchange.type, "x-everything");
  exchange.bind(queue("q"), "");
  assertEquals(routed(exchange, "any"), ["q"]);
});

Deno.test("ExchangeTypes.register() refuses a name that is taken", () => {
  const types = new ExchangeTypes();
  const direct = types.get("direct");
  for (const name of ["direct", "x-everything"]) {
    if (name === "x-everything") types.register(everything);
    assertThrows(
      () => types.register({ ...everything, name }),
      TypeError,
      `Cannot register exchange type "${name}": the name is taken`,
    );
  }
  assertStrictEquals(types.get("direct"), direct);
});

Deno.test("ExchangeTypes of one broker are not those of another", () => {
  new ExchangeTypes().register(everything);
  assertEquals(new ExchangeTypes().get("x-everything"), undefined);
});

Deno.test("An exchange type sees the arguments that an exchange is declared with", () => {
  const seen: unknown[] = [];
  const type: ExchangeType = {
    name: "x-curious",
    createTable(arguments_) {
      seen.push(arguments_);
      return new FanoutTable();
    },
  };
  new Exchange(new Exchanges(), { name: "e", type, arguments: { a: 1 } });
  new Exchange(new Exchanges(), { name: "e", type });
  assertEquals(seen, [{ a: 1 }, {}]);
});
