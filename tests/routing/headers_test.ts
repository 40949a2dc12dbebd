import { assertEquals, assertThrows, fail } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { Decimal, Double } from "../../broker/amqp/field_table.ts";
import type { FieldTable, FieldValue } from "../../broker/amqp/field_table.ts";
import { HeadersTable } from "../../broker/routing/headers.ts";
import { testRoutingTable } from "./routing_table_contract.ts";
import { bindingTo, namesFound, noHeaders, pick, queue, seededRandom } from "./support.ts";

testRoutingTable({
  name: "HeadersTable with all",
  create: () => new HeadersTable(),
  matching: [
    { routingKey: "", arguments: { format: "pdf", pages: 2 } },
    { routingKey: "ignored", arguments: { "x-match": "all", format: "pdf" } },
  ],
  other: { routingKey: "", arguments: { format: "pdf", pages: 3 } },
  message: { routingKey: "", headers: { format: "pdf", pages: 2, extra: true } },
});

testRoutingTable({
  name: "HeadersTable with any",
  create: () => new HeadersTable(),
  matching: [
    { routingKey: "", arguments: { "x-match": "any", format: "pdf", pages: 3 } },
    { routingKey: "", arguments: { "x-match": "any", pages: 2 } },
  ],
  other: { routingKey: "", arguments: { "x-match": "any", format: "zip", pages: "2" } },
  message: { routingKey: "", headers: { format: "pdf", pages: 2 } },
});

/** A table with a single binding. */
function tableOf(arguments_: FieldTable): HeadersTable {
  const table = new HeadersTable();
  table.add(bindingTo(queue("q"), "", arguments_));
  return table;
}

function matches(arguments_: FieldTable, headers: FieldTable | undefined): boolean {
  const message = headers === undefined ? {} : { headers };
  return namesFound(tableOf(arguments_), message).length === 1;
}

Deno.test("HeadersTable wants all conditions unless x-match says any", () => {
  const conditions = { a: 1, b: 2 };
  for (const match of [{}, { "x-match": "all" }, { "x-match": "all-with-x" }]) {
    assertEquals(matches({ ...match, ...conditions }, { a: 1, b: 2, c: 3 }), true);
    assertEquals(matches({ ...match, ...conditions }, { a: 1 }), false);
    assertEquals(matches({ ...match, ...conditions }, { a: 1, b: 3 }), false);
  }
  for (const match of ["any", "any-with-x"]) {
    assertEquals(matches({ "x-match": match, ...conditions }, { a: 1 }), true);
    assertEquals(matches({ "x-match": match, ...conditions }, { a: 1, b: 3 }), true);
    assertEquals(matches({ "x-match": match, ...conditions }, { a: 2, c: 1 }), false);
  }
});

Deno.test("HeadersTable leaves out conditions that start with x- unless x-match includes them", () => {
  const conditions = { "x-tenant": "t", a: 1 };
  assertEquals(matches(conditions, { a: 1 }), true);
  assertEquals(matches({ ...conditions, "x-match": "all-with-x" }, { a: 1 }), false);
  assertEquals(
    matches({ ...conditions, "x-match": "all-with-x" }, { a: 1, "x-tenant": "t" }),
    true,
  );
  assertEquals(matches({ ...conditions, "x-match": "any" }, { "x-tenant": "t" }), false);
  assertEquals(matches({ ...conditions, "x-match": "any-with-x" }, { "x-tenant": "t" }), true);
  assertEquals(matches({ "x-match": "any-with-x" }, { "x-match": "any-with-x" }), false);
});

Deno.test("HeadersTable without conditions matches everything with all and nothing with any", () => {
  for (const headers of [undefined, {}, { a: 1 }]) {
    assertEquals(matches({}, headers), true);
    assertEquals(matches({ "x-match": "all-with-x" }, headers), true);
    assertEquals(matches({ "x-only": 1 }, headers), true);
    assertEquals(matches({ "x-match": "any" }, headers), false);
    assertEquals(matches({ "x-match": "any-with-x" }, headers), false);
  }
});

Deno.test("HeadersTable takes a void condition as present with any value", () => {
  for (const value of [1, "", false, null, [], {}]) {
    assertEquals(matches({ a: null }, { a: value }), true);
    assertEquals(matches({ "x-match": "any", a: null }, { a: value }), true);
  }
  assertEquals(matches({ a: null }, { b: 1 }), false);
  assertEquals(matches({ a: null }, undefined), false);
  assertEquals(matches({ a: 1 }, { a: null }), false);
  assertEquals(matches({ a: null, b: null, c: 1 }, { a: 1, b: 2, c: 1 }), true);
});

/** Values that differ from all of the others, each in forms that are equal. */
const VALUES: readonly (readonly FieldValue[])[] = [
  [1, 1n],
  ["1"],
  [true],
  ["true"],
  [false],
  [0, -0, 0n],
  [""],
  [1.5],
  [NaN],
  [2n ** 60n + 1n],
  [2n ** 60n],
  [2 ** 60],
  [new Date(5000), new Date(5000)],
  [5000],
  [new Date(6000)],
  [new Uint8Array([0xff]), new Uint8Array([0xff])],
  [new Uint8Array([0xff, 97])],
  ["a"],
  ["ä"],
  [new Decimal(1, 10)],
  [new Decimal(0, 1)],
  [{ scale: 0, value: 1 }],
  [[]],
  [{}],
  [["a", 1], ["a", 1n]],
  [[1, "a"]],
  [[["a", 1]]],
  [{ a: 1, b: [true] }, { b: [true], a: 1 }],
  [{ a: 1, b: ["true"] }],
  [{ a: { b: 1 } }],
  ["\0"],
  ["\0A0:"],
  ["\0S1:a"],
];

Deno.test("HeadersTable compares values by type and value, not by width or order", () => {
  VALUES.forEach((forms, index) => {
    for (const bound of forms) {
      const table = tableOf({ h: bound });
      const nested = tableOf({ "x-match": "any", h: [bound] });
      const pair = tableOf({ h: bound, i: bound });
      VALUES.forEach((others, otherIndex) => {
        for (const value of others) {
          const expected = index === otherIndex ? ["q"] : [];
          const what = `${Deno.inspect(bound)} and ${Deno.inspect(value)}`;
          assertEquals(namesFound(table, { headers: { h: value } }), expected, what);
          assertEquals(namesFound(nested, { headers: { h: [value] } }), expected, what);
          assertEquals(namesFound(pair, { headers: { h: bound, i: value } }), expected, what);
        }
      });
    }
  });
});

Deno.test("HeadersTable takes bytes and a text as equal when they are the same bytes", () => {
  const bytes = new Uint8Array([0xc3, 0xa4, 0]);
  assertEquals(matches({ h: "ä\0" }, { h: bytes }), true);
  assertEquals(matches({ h: bytes }, { h: "ä\0" }), true);
  assertEquals(matches({ h: bytes }, { h: "ä" }), false);
  assertEquals(matches({ h: new Uint8Array() }, { h: "" }), true);
  assertEquals(matches({ h: [bytes] }, { h: ["ä\0"] }), false, "inside others the type counts");
});

Deno.test("HeadersTable does not take what every object has for a header", () => {
  assertEquals(matches({ constructor: null, a: 1 }, { a: 1 }), false);
  assertEquals(matches({ toString: null }, {}), false);
  assertEquals(matches({ constructor: null, a: 1 }, { a: 1, constructor: "x" }), true);
  const headers = Object.defineProperty({}, "__proto__", { value: 1, enumerable: true });
  assertEquals(matches(headers, headers), true);
  assertEquals(matches(headers, {}), false);
});

Deno.test("HeadersTable refuses an x-match that it does not know", () => {
  for (
    const [value, reason] of [
      ["zz", `value <<"zz">>; expected all, any, all-with-x, or any-with-x`],
      ["ä", `value <<"ä"/utf8>>; expected all, any, all-with-x, or any-with-x`],
      ["", `value <<>>; expected all, any, all-with-x, or any-with-x`],
      [1, "type signedint (value 1); expected longstr"],
      [2 ** 40, "type long (value 1099511627776); expected longstr"],
      [1.5, "type double (value 1.5); expected longstr"],
      [new Double(2), "type double (value 2.0); expected longstr"],
      [true, "type bool (value true); expected longstr"],
      [null, "type void (value undefined); expected longstr"],
    ] as const
  ) {
    const table = new HeadersTable();
    const error = assertThrows(
      () => table.add(bindingTo(queue("q"), "", { "x-match": value, a: 1 })),
      AmqpError,
    );
    assertEquals(error.replyCode, 406);
    assertEquals(error.message, `PRECONDITION_FAILED - Invalid x-match field ${reason}`);
    assertEquals(namesFound(table, { headers: { a: 1 } }), []);
  }
});

Deno.test("HeadersTable does not ask for headers while no binding needs them", () => {
  const table = tableOf({});
  const ask = () => fail("Headers were asked for");
  const found: string[] = [];
  const into = { add: ({ name }: { name: string }) => void found.push(name), addAll() {} };
  table.route("", { headers: ask, basicProperties: ask }, into);
  assertEquals(found, ["q"]);
  table.route("", noHeaders, into);
});

Deno.test("HeadersTable looks only at bindings that share a rare condition with the message", () => {
  const table = new HeadersTable();
  let looks = 0;
  for (let index = 0; index < 1000; index++) {
    const destination = {
      kind: "queue" as const,
      get name() {
        looks++;
        return `q${index}`;
      },
    };
    table.add(bindingTo(destination, "", { type: "order", tenant: index, level: null }));
  }
  const looked: FieldValue[] = [];
  const headers = new Proxy<Record<string, FieldValue>>({ type: "order", tenant: 7, level: 1 }, {
    get(target, name: string) {
      looked.push(name);
      return target[name]!;
    },
  });
  assertEquals(namesFound(table, { headers }), ["q7"]);
  assertEquals(looks, 1);
  // each header once, and those of the few bindings that are filed under one of them
  assertEquals(looked.length < 20, true, looked.join());
});

Deno.test("HeadersTable finds a binding by a value rather than by a presence", () => {
  const table = tableOf({ level: null, tenant: 7, hint: null });
  const headers = { tenant: 8 };
  Object.defineProperty(headers, "level", {
    enumerable: true,
    get: () => fail("The value of a header was read though nothing is filed under it"),
  });
  assertEquals(namesFound(table, { headers }), []);
});

Deno.test("HeadersTable agrees with a plain matcher, whatever is bound and unbound", () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = seededRandom(seed);
  const names = ["a", "b", "c", "x-a", "x-b"];
  const values = [1, 1n, "1", true, null, [1], { k: 1 }, "v"];
  const draw = () => {
    const table: Record<string, FieldValue> = {};
    while (random() < 0.7) table[pick(random, names)] = pick(random, values);
    return table;
  };
  const table = new HeadersTable();
  const bound: ReturnType<typeof bindingTo>[] = [];
  for (let step = 0; step < 3000; step++) {
    if (bound.length > 0 && random() < 0.45) {
      const [binding] = bound.splice(Math.floor(random() * bound.length), 1);
      table.remove(binding!);
    } else {
      const match = pick(random, [undefined, "all", "any", "all-with-x", "any-with-x"]);
      const arguments_ = match === undefined ? draw() : { "x-match": match, ...draw() };
      const binding = bindingTo(queue(`q${step}`), "", arguments_);
      bound.push(binding);
      table.add(binding);
    }
    const headers = draw();
    const expected = bound.filter((binding) => plainlyMatches(binding.arguments, headers))
      .map(({ destination }) => destination.name).sort();
    const what = `seed ${seed}, step ${step}, headers ${Deno.inspect(headers)}`;
    assertEquals(namesFound(table, { headers }), expected, what);
  }
});

/** The rule as one would tell it, without regard to cost. */
function plainlyMatches(arguments_: FieldTable, headers: FieldTable): boolean {
  const match = String(arguments_["x-match"] ?? "all");
  const holding = Object.entries(arguments_)
    .filter(([name]) => name !== "x-match")
    .filter(([name]) => match.endsWith("-with-x") || !name.startsWith("x-"))
    .map(([name, value]) =>
      name in headers && (value === null || plainText(value) === plainText(headers[name]!))
    );
  return match.startsWith("all") ? !holding.includes(false) : holding.includes(true);
}

function plainText(value: FieldValue): string {
  return JSON.stringify(typeof value === "bigint" ? Number(value) : value);
}
