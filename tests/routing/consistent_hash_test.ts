import { assert, assertEquals, assertThrows } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { ConsistentHashTable } from "../../broker/routing/consistent_hash.ts";
import type { Destination } from "../../broker/routing/mod.ts";
import { hashText } from "../../broker/routing/string_hash.ts";
import { bindingTo, namesFound, queue, type TestMessage, TestVhost } from "./support.ts";

const KEYS = Array.from({ length: 20_000 }, (_, index) => `order.${index}`);

/** A table with these queues, by their weights. */
function tableOf(weights: Readonly<Record<string, number>>): ConsistentHashTable {
  const table = new ConsistentHashTable();
  for (const [name, weight] of Object.entries(weights)) {
    table.add(bindingTo(queue(name), `${weight}`));
  }
  return table;
}

/** Where each key goes. */
function owners(table: ConsistentHashTable): string[] {
  return KEYS.map((routingKey) => {
    const found = namesFound(table, { routingKey });
    assertEquals(found.length, 1);
    return found[0]!;
  });
}

function shares(table: ConsistentHashTable): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const owner of owners(table)) counts[owner] = (counts[owner] ?? 0) + 1 / KEYS.length;
  return counts;
}

function refusal(action: () => void): string {
  const error = assertThrows(action, AmqpError);
  assertEquals(error.replyCode, 406);
  return error.message.replace("PRECONDITION_FAILED - ", "");
}

Deno.test("ConsistentHashTable shares keys out in proportion to the weights", () => {
  const cases: Readonly<Record<string, number>>[] = [
    { a: 1, b: 1, c: 1, d: 1 },
    { a: 1, b: 2, c: 3 },
    { a: 10_000, b: 10_000 },
    { a: 3, b: 3, c: 30, d: 30 },
    Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`queue-${index}`, 5])),
  ];
  for (const weights of cases) {
    const total = Object.values(weights).reduce((sum, weight) => sum + weight);
    const found = shares(tableOf(weights));
    for (const [name, weight] of Object.entries(weights)) {
      const [expected, actual] = [weight / total, found[name] ?? 0];
      // five standard deviations
      const tolerance = 5 * Math.sqrt(expected * (1 - expected) / KEYS.length);
      assert(
        Math.abs(actual - expected) < tolerance,
        `${name} has ${actual} instead of ${expected} of ${Deno.inspect(weights)}`,
      );
    }
  }
});

Deno.test("ConsistentHashTable moves only the share of a binding that comes or goes", () => {
  const table = tableOf({ a: 1, b: 2, c: 1, d: 4 });
  const before = owners(table);
  const binding = bindingTo(queue("new"), "2");
  table.add(binding);
  const after = owners(table);
  after.forEach((owner, index) => assert(owner === before[index] || owner === "new"));
  const moved = after.filter((owner) => owner === "new").length / KEYS.length;
  assert(Math.abs(moved - 0.2) < 0.015, `${moved} of all keys moved`);
  table.remove(binding);
  assertEquals(owners(table), before);
});

Deno.test("ConsistentHashTable does not depend on the order of the bindings", () => {
  assertEquals(
    owners(tableOf({ a: 1, b: 2, c: 1, d: 2 })),
    owners(tableOf({ d: 2, c: 1, b: 2, a: 1 })),
  );
});

Deno.test("ConsistentHashTable sends a key where it went in earlier versions", () => {
  assertEquals(["", "a", "order.1", "ä€"].map(hashText), [
    2_872_998_923,
    444_641_715,
    1_095_855_390,
    2_336_405_208,
  ]);
  assertEquals(owners(tableOf({ a: 1, b: 1, c: 2 })).slice(0, 16).join(""), "abacccacccccabaa");
});

Deno.test("ConsistentHashTable goes by the first binding of a queue, then by the next", () => {
  const table = new ConsistentHashTable();
  const [a, b] = [queue("a"), queue("b")];
  const first = bindingTo(a, "1");
  const second = bindingTo(a, "9");
  table.add(first);
  table.add(second);
  table.add(bindingTo(b, "1"));
  assert(Math.abs(shares(table).a! - 0.5) < 0.02);
  table.remove(first);
  assert(Math.abs(shares(table).a! - 0.9) < 0.02);
  table.remove(second);
  assertEquals(shares(table).a, undefined);
});

Deno.test("ConsistentHashTable.remove() of a later binding of a queue changes nothing", () => {
  const table = new ConsistentHashTable();
  const [a, b] = [queue("a"), queue("b")];
  table.add(bindingTo(a, "1"));
  table.add(bindingTo(b, "1"));
  const before = owners(table);
  const later = bindingTo(a, "7");
  table.add(later);
  table.remove(later);
  assertEquals(owners(table), before);
});

Deno.test("ConsistentHashTable keeps nothing of bindings that have gone", () => {
  const table = new ConsistentHashTable();
  const bindings = ["a", "b", "a"].map((name, index) => bindingTo(queue(name), `${index + 1}`));
  for (const binding of bindings) table.add(binding);
  assertEquals(table.empty, false);
  for (const binding of bindings) table.remove(binding);
  assertEquals(table.empty, true);
  assertEquals(namesFound(table, { routingKey: "k" }), []);
});

Deno.test("ConsistentHashTable takes weights as Erlang reads integers, from 1 to 10000", () => {
  for (const key of ["1", "10000", "+7", "007"]) {
    new ConsistentHashTable().add(bindingTo(queue("q"), key));
  }
  const refused: readonly (readonly [string, string])[] = [
    ["", "The binding key must be an integer: <<>>"],
    ["ten", `The binding key must be an integer: <<"ten">>`],
    ["1.5", `The binding key must be an integer: <<"1.5">>`],
    [" 1", `The binding key must be an integer: <<" 1">>`],
    ["0", "The binding key must be greater than 0"],
    ["-3", "The binding key must be greater than 0"],
    ["10001", "The binding key must not exceed 10000"],
  ];
  for (const [key, text] of refused) {
    const table = new ConsistentHashTable();
    assertEquals(refusal(() => table.add(bindingTo(queue("q"), key))), text);
    assertEquals(table.empty, true);
  }
});

Deno.test("ConsistentHashTable refuses arguments that make no sense", () => {
  const refused: readonly (readonly [FieldTable, string])[] = [
    [
      { "hash-header": "h", "hash-property": "message_id" },
      "hash-header and hash-property are mutually exclusive",
    ],
    [{ "hash-property": "app_id" }, "Unsupported property: app_id"],
    [{ "hash-property": 1 }, "Invalid argument 1, 'hash-property' must be a string"],
    [{ "hash-header": true }, "Invalid argument true, 'hash-header' must be a string"],
  ];
  for (const [arguments_, text] of refused) {
    assertEquals(refusal(() => new ConsistentHashTable(arguments_)), text);
  }
});

Deno.test("ConsistentHashTable hashes what it is told to, and nothing else", () => {
  const cases: readonly (readonly [FieldTable, (value: number) => TestMessage])[] = [
    [{ "hash-header": "tenant" }, (value) => ({ headers: { tenant: `t${value}` } })],
    [{ "hash-header": "tenant" }, (value) => ({ headers: { tenant: value } })],
    [{ "hash-property": "correlation_id" }, (value) => ({
      properties: { correlationId: `c${value}` },
    })],
    [{ "hash-property": "message_id" }, (value) => ({ properties: { messageId: `m${value}` } })],
    [{ "hash-property": "timestamp" }, (value) => ({
      properties: { timestamp: new Date(1000 * value) },
    })],
  ];
  for (const [arguments_, messageOf] of cases) {
    const table = new ConsistentHashTable(arguments_);
    for (const name of ["a", "b", "c"]) table.add(bindingTo(queue(name), "1"));
    assertEquals(table.cacheable, false);
    const counts: Record<string, number> = {};
    for (let value = 0; value < 300; value++) {
      const message = messageOf(value);
      const [owner] = namesFound(table, { ...message, routingKey: "one" });
      counts[owner!] = (counts[owner!] ?? 0) + 1;
      assertEquals(namesFound(table, { ...message, routingKey: "other" }), [owner]);
    }
    assertEquals(Object.keys(counts).sort(), ["a", "b", "c"]);
    for (const count of Object.values(counts)) assert(count > 60, Deno.inspect(counts));
  }
});

Deno.test("ConsistentHashTable sends all that lacks the header or property one way", () => {
  for (
    const arguments_ of [{ "hash-header": "constructor" }, { "hash-property": "correlation_id" }]
  ) {
    const table = new ConsistentHashTable(arguments_);
    for (const name of ["a", "b", "c", "d"]) table.add(bindingTo(queue(name), "1"));
    const messages: TestMessage[] = [{}, { headers: {} }, { headers: { other: 1 } }];
    const found = messages.flatMap((message, index) =>
      namesFound(table, { ...message, routingKey: `k${index}` })
    );
    assertEquals(found.length, 3);
    assertEquals(new Set(found).size, 1);
  }
});

Deno.test("A consistent hash exchange leads to exchanges, and picks one for all keys of a message", () => {
  const vhost = new TestVhost();
  const hash = vhost.declare("hash", "x-consistent-hash");
  const found = new Map<string, Destination>();
  for (const name of ["one", "two"]) {
    const next = vhost.declare(name, "fanout");
    const end = queue(`behind ${name}`);
    next.bind(end, "");
    hash.bind(next, "1");
    found.set(end.name, end);
  }
  const message = { headers: () => undefined, basicProperties: () => ({}) };
  for (const key of KEYS.slice(0, 50)) {
    const alone = hash.route(key, message);
    assertEquals(alone.length, 1);
    found.delete(alone[0]!.name);
    assertEquals(hash.route(key, message, KEYS.slice(50, 60)), alone);
  }
  assertEquals(found.size, 0, "both were found");
});
