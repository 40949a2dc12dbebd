import { assertEquals, assertThrows } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import type { FieldTable, FieldValue } from "../../broker/amqp/field_table.ts";
import { ExchangeTypes, type RoutingTable } from "../../broker/routing/mod.ts";
import { asRouted, bindingTo, namesFound, queue } from "./support.ts";

function tableOf(arguments_: FieldTable): RoutingTable {
  return new ExchangeTypes().get("x-delayed-message")!.createTable(arguments_);
}

function delayOf(value: FieldValue | undefined): number {
  const headers = value === undefined ? undefined : { "x-delay": value };
  return tableOf({ "x-delayed-type": "direct" }).delay!.of(asRouted({ headers }));
}

Deno.test("A delayed message exchange routes as the type that it is told", () => {
  const direct = tableOf({ "x-delayed-type": "direct" });
  const topic = tableOf({ "x-delayed-type": "topic" });
  for (const table of [direct, topic]) {
    const binding = bindingTo(queue("q"), "a.*");
    table.add(binding);
    assertEquals(namesFound(table, { routingKey: "a.b" }), table === topic ? ["q"] : []);
    assertEquals(namesFound(table, { routingKey: "a.*" }), ["q"]);
    table.remove(binding);
    assertEquals(namesFound(table, { routingKey: "a.*" }), []);
  }
});

Deno.test("A delayed message exchange must be told an existing type other than its own", () => {
  const refused: readonly (readonly [FieldTable, string])[] = [
    [{}, "Invalid argument, 'x-delayed-type' must be an existing exchange type"],
    [
      { "x-delayed-type": 1 },
      "Invalid argument, 'x-delayed-type' must be an existing exchange type",
    ],
    [
      { "x-delayed-type": "x-delayed-message" },
      "Invalid argument, 'x-delayed-message' can't be used for 'x-delayed-type'",
    ],
    [{ "x-delayed-type": "no-such" }, "unknown exchange type 'no-such'"],
    [
      { "x-delayed-type": "x-consistent-hash", "hash-property": "type" },
      "Unsupported property: type",
    ],
  ];
  for (const [arguments_, text] of refused) {
    const error = assertThrows(() => tableOf(arguments_), AmqpError);
    assertEquals([error.replyCode, error.message], [406, `PRECONDITION_FAILED - ${text}`]);
  }
});

Deno.test("A delayed message exchange takes any number as delay, and digits", () => {
  const delays: readonly (readonly [FieldValue | undefined, number])[] = [
    [undefined, 0],
    [1000, 1000],
    [1n, 1],
    [1.9, 1],
    ["250", 250],
    [4_294_967_295, 4_294_967_295],
    [4_294_967_296, 0],
    [2n ** 62n, 0],
    [0, 0],
    [-1000, 0],
    ["-5", 0],
    ["soon", 0],
    ["", 0],
    [NaN, 0],
    [Infinity, 0],
    [true, 0],
    [null, 0],
    [new Date(5), 0],
    [[5], 0],
  ];
  for (const [value, expected] of delays) {
    assertEquals(delayOf(value), expected, Deno.inspect(value));
  }
});

Deno.test("A delayed message goes on with a negative delay and all else as it was", () => {
  const after = tableOf({ "x-delayed-type": "fanout" }).delay!.propertiesAfter!;
  const properties = { messageId: "m", headers: { "x-delay": "250", other: [1] } };
  assertEquals(after(properties), { messageId: "m", headers: { "x-delay": -250, other: [1] } });
  assertEquals(properties.headers["x-delay"], "250");
});
