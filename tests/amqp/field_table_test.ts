import { assertEquals, assertInstanceOf, assertNotStrictEquals, assertThrows } from "@std/assert";
import { concat } from "@std/bytes";
import { ByteReader } from "../../broker/amqp/byte_reader.ts";
import { ByteWriter } from "../../broker/amqp/byte_writer.ts";
import { AmqpError } from "../../broker/amqp/error.ts";
import {
  Decimal,
  decodeFields,
  decodeTable,
  Double,
  encodeFields,
  encodeTable,
  type FieldTable,
  type FieldValue,
  normaliseTable,
  TABLE_DEPTH_MAX,
} from "../../broker/amqp/field_table.ts";
import { checkTable } from "../../broker/amqp/field_table_check.ts";
import { wire } from "./golden.ts";
import { forSeeds } from "./random_values.ts";

/** Values as some peer may send them. */
const DECODE_CASES: readonly (readonly [Uint8Array, FieldValue])[] = [
  [wire("t", 0), false],
  [wire("t", 2), true],
  [wire("b", 255), -1],
  [wire("B", 255), 255],
  [wire("s", 255, 255), -1],
  [wire("u", 255, 255), 65535],
  [wire("I", 255, 255, 255, 255), -1],
  [wire("i", 255, 255, 255, 255), 4294967295],
  [wire("l", 0, 0, 0, 1, 0, 0, 0, 0), 4294967296],
  [wire("l", 127, 255, 255, 255, 255, 255, 255, 255), 2n ** 63n - 1n],
  [wire("L", 255, 255, 255, 255, 255, 255, 255, 255), -1],
  [wire("f", 63, 192, 0, 0), 1.5],
  [wire("d", 63, 248, 0, 0, 0, 0, 0, 0), 1.5],
  [wire("D", 2, 0, 0, 1, 59), new Decimal(2, 315)],
  [wire("S", 0, 0, 0, 2, "hi"), "hi"],
  [wire("S", 0, 0, 0, 2, 255, 0), wire(255, 0)],
  [wire("x", 0, 0, 0, 2, "hi"), wire("hi")],
  [wire("A", 0, 0, 0, 3, "Vt", 1), [null, true]],
  [wire("A", 0, 0, 0, 0), []],
  [wire("T", 0, 0, 0, 0, 0, 0, 0, 60), new Date(60_000)],
  [wire("T", 255, 255, 255, 255, 255, 255, 255, 255), new Date(-1000)],
  [wire("T", 0, 6, 0, 0, 0, 0, 0, 0), new Date(8_640_000_000_000_000)],
  [wire("F", 0, 0, 0, 3, 1, "aV"), { a: null }],
  [wire("V"), null],
];

for (const [bytes, value] of DECODE_CASES) {
  Deno.test(`decodeTable() reads a value of type ${String.fromCharCode(bytes[0]!)} as ${Deno.inspect(value)}`, () => {
    const table = tableOf(wire(1, "k"), bytes);
    assertEquals(decode(table), { k: value });
    assertEquals(checkTable(table, 0, table.length), table.length);
  });
}

const ENCODE_CASES: readonly (readonly [FieldValue, Uint8Array])[] = [
  [true, wire("t", 1)],
  [0, wire("I", 0, 0, 0, 0)],
  [-0, wire("I", 0, 0, 0, 0)],
  [2147483647, wire("I", 127, 255, 255, 255)],
  [-2147483648, wire("I", 128, 0, 0, 0)],
  [2147483648, wire("l", 0, 0, 0, 0, 128, 0, 0, 0)],
  [-2147483649, wire("l", 255, 255, 255, 255, 127, 255, 255, 255)],
  [2 ** 53, wire("d", 67, 64, 0, 0, 0, 0, 0, 0)],
  [1.5, wire("d", 63, 248, 0, 0, 0, 0, 0, 0)],
  [5n, wire("l", 0, 0, 0, 0, 0, 0, 0, 5)],
  ["é", wire("S", 0, 0, 0, 2, 195, 169)],
  [wire(1), wire("x", 0, 0, 0, 1, 1)],
  [null, wire("V")],
  [new Date(1999), wire("T", 0, 0, 0, 0, 0, 0, 0, 1)],
  [new Date(-1), wire("T", 255, 255, 255, 255, 255, 255, 255, 255)],
  [new Decimal(2, 315), wire("D", 2, 0, 0, 1, 59)],
  [new Double(1), wire("d", 63, 240, 0, 0, 0, 0, 0, 0)],
  [new Double(1.5), wire("d", 63, 248, 0, 0, 0, 0, 0, 0)],
  [[null, [1]], wire("A", 0, 0, 0, 11, "VA", 0, 0, 0, 5, "I", 0, 0, 0, 1)],
  [{ a: {} }, wire("F", 0, 0, 0, 7, 1, "aF", 0, 0, 0, 0)],
];

for (const [value, bytes] of ENCODE_CASES) {
  Deno.test(`encodeTable() writes ${Deno.inspect(value)} as type ${String.fromCharCode(bytes[0]!)}`, () => {
    assertEquals(encode({ k: value }), tableOf(wire(1, "k"), bytes));
  });
}

Deno.test("a field table survives encoding and decoding", () => {
  forSeeds(500, (random) => {
    const table = random.fieldTable();
    const bytes = encode(table);
    assertEquals(decode(bytes), table);
    assertEquals(checkTable(bytes, 0, bytes.length), bytes.length);
  });
});

Deno.test("normaliseTable() gives what encoding and decoding gives", () => {
  const tables: FieldTable[] = [
    { a: -0, b: 5n, c: -(2n ** 53n), d: new Date(-1), e: 2 ** 60, f: "\ud800", ["\udc00"]: [[]] },
    { there: 1, missing: undefined as unknown as null },
    Object.assign(Object.create(null), { nested: Object.create(null) }),
  ];
  forSeeds(200, (random) => tables.push(random.fieldTable()));
  for (const table of tables) assertEquals(normaliseTable(table), decode(encode(table)));
});

Deno.test("normaliseTable() shares nothing with its argument", () => {
  const table = { list: [{ bytes: wire(1) }], date: new Date(0) };
  const copy = normaliseTable(table);
  table.list[0]!.bytes[0] = 9;
  table.date.setTime(5000);
  assertEquals(copy, { list: [{ bytes: wire(1) }], date: new Date(0) });
});

Deno.test("a key that is undefined is left out", () => {
  const table = { a: undefined, b: 1 } as unknown as FieldTable;
  assertEquals(decode(encode(table)), { b: 1 });
  assertEquals(Object.keys(normaliseTable(table)), ["b"]);
});

Deno.test("a key __proto__ is a key like any other", () => {
  const table = JSON.parse('{"__proto__": {"admin": true}, "a": 1}') as FieldTable;
  for (const copy of [decode(encode(table)), normaliseTable(table)]) {
    assertEquals(Object.keys(copy), ["__proto__", "a"]);
    assertEquals(Object.getPrototypeOf(copy), Object.prototype);
    assertEquals(copy["admin"], undefined);
  }
});

class Custom {}

const cycle: Record<string, unknown> = {};
cycle["again"] = [cycle];

const REFUSED_VALUES: readonly (readonly [string, unknown, string])[] = [
  ["a function", { a: { b: [1, () => {}] } }, '["a"]["b"][1]: function is not a field value'],
  ["a symbol", { s: Symbol() }, '["s"]: symbol is not'],
  ["undefined in an array", { l: [undefined] }, '["l"][0]: undefined is not'],
  ["a class instance", { c: new Custom() }, '["c"]: Custom is not'],
  ["a map", { m: new Map() }, '["m"]: Map is not'],
  ["a buffer of another kind", { u: new Uint16Array(1) }, '["u"]: Uint16Array is not'],
  ["an invalid date", { d: new Date(NaN) }, '["d"]: date is invalid'],
  ["a bigint of more than 64 bits", { n: 2n ** 63n }, '["n"]: 9223372036854775808 is out of'],
  [
    "a bigint of more than 64 bits",
    { n: -(2n ** 63n) - 1n },
    '["n"]: -9223372036854775809 is out of',
  ],
  ["a long name", { in: { ["é".repeat(128)]: 1 } }, "name takes more than 255 octets"],
  ["a cycle", cycle, '["again"][0]["again"][0]["again"][0]["again"][0]...: tables are nested'],
  ["an array as a table", [], "Array is not a field table"],
  ["null as a table", null, "null is not a field table"],
  ["a date as a table", new Date(), "Date is not a field table"],
];

for (const [what, table, text] of REFUSED_VALUES) {
  Deno.test(`encodeTable() and normaliseTable() refuse ${what} and say where: ${text}`, () => {
    const writer = new ByteWriter();
    writer.uint8(7);
    assertThrows(() => encodeTable(writer, table as FieldTable), TypeError, text);
    assertEquals(writer.written(), wire(7), "nothing is written");
    assertThrows(() => normaliseTable(table as FieldTable), TypeError, text);
  });
}

const MALFORMED: readonly (readonly [string, number, Uint8Array])[] = [
  ["no length", 501, wire(0, 0, 0)],
  ["a length beyond the end", 501, wire(0, 0, 0, 4, 1, "aV")],
  ["a huge length", 501, wire(255, 255, 255, 255, 1, "aV")],
  ["a name beyond the end", 501, tableOf(wire(5, "a"))],
  ["a name without a value", 501, tableOf(wire(1, "a"))],
  ["a value beyond the end", 501, tableOf(wire(1, "aI", 0, 0, 0))],
  ["a string beyond the end", 501, tableOf(wire(1, "aS", 0, 0, 0, 2, "x"))],
  ["a string without a length", 501, tableOf(wire(1, "aS", 0, 0, 0))],
  ["bytes of a huge length", 501, tableOf(wire(1, "ax", 255, 255, 255, 255, 1))],
  [
    "an inner table that goes beyond the outer one",
    501,
    concat([tableOf(wire(1, "aF", 0, 0, 0, 3)), wire(1, "bV")]),
  ],
  [
    "an inner table whose value goes beyond it",
    501,
    tableOf(wire(1, "aF", 0, 0, 0, 4, 1, "bIV", 1, "cV")),
  ],
  ["an array beyond the end", 501, tableOf(wire(1, "aA", 0, 0, 0, 2, "V"))],
  ["an unknown type", 502, tableOf(wire(1, "aZ"))],
  ["an unknown type in an array", 502, tableOf(wire(1, "aA", 0, 0, 0, 1, 0))],
  ["too many levels", 502, nestedTable(TABLE_DEPTH_MAX + 1)],
  ["absurdly many levels", 502, nestedTable(20_000)],
];

for (const [what, replyCode, bytes] of MALFORMED) {
  Deno.test(`decodeTable() and checkTable() refuse ${what} with ${replyCode}`, () => {
    const errors = [
      assertThrows(() => decode(bytes), AmqpError),
      assertThrows(() => checkTable(bytes, 0, bytes.length), AmqpError),
    ];
    assertEquals(errors.map((error) => error.replyCode), [replyCode, replyCode]);
  });
}

Deno.test("decodeTable() and checkTable() agree about damaged tables", () => {
  let refused = 0;
  forSeeds(5000, (random) => {
    const bytes = random.damaged(encode(random.fieldTable()));
    const decoded = outcome(() => {
      const reader = new ByteReader(bytes);
      decodeTable(reader);
      return reader.at;
    });
    assertEquals(outcome(() => checkTable(bytes, 0, bytes.length)), decoded);
    if (typeof decoded === "string") refused++;
  });
  assertEquals(refused > 500 && refused < 4500, true, `${refused} of 5000 were refused`);
});

Deno.test("tables may be nested as deep as the limit, both ways", () => {
  const bytes = nestedTable(TABLE_DEPTH_MAX);
  assertEquals(encode(decode(bytes)), bytes);
  assertEquals(checkTable(bytes, 0, bytes.length), bytes.length);
  assertEquals(encode(normaliseTable(decode(bytes))), bytes);
});

Deno.test("encodeTable() and normaliseTable() refuse one level more", () => {
  const table: FieldTable = { a: decode(nestedTable(TABLE_DEPTH_MAX)) };
  assertThrows(() => encode(table), TypeError, "nested over 64 levels");
  assertThrows(() => normaliseTable(table), TypeError, "nested over 64 levels");
});

Deno.test("decodeTable() takes names that are not UTF-8 and lets the last of equal ones win", () => {
  const bytes = tableOf(wire(1, 0xff, "V"), wire(1, "at", 1), wire(1, "at", 0));
  assertEquals(decode(bytes), { "\ufffd": null, a: false });
});

Deno.test("decodeTable() leaves the reader behind the table, with the end it had", () => {
  const reader = new ByteReader(concat([encode({ a: { b: [1] } }), wire(5, 6)]));
  decodeTable(reader);
  assertEquals([reader.uint8(), reader.uint8(), reader.at === reader.end], [5, 6, true]);
});

Deno.test("decoded bytes are not a view of the buffer", () => {
  const bytes = encode({ a: wire(1, 2) });
  const { a } = decode(bytes);
  assertInstanceOf(a, Uint8Array);
  assertNotStrictEquals(a.buffer, bytes.buffer);
});

Deno.test("encodeFields() and decodeFields() do without the length", () => {
  const writer = new ByteWriter();
  writer.uint8(7);
  encodeFields(writer, { a: true });
  assertEquals(writer.written(), wire(7, 1, "at", 1));
  assertEquals(decodeFields(new ByteReader(writer.bytes, 1, writer.length)), { a: true });
});

Deno.test("a Decimal has a scale of 8 bits and a value of 32", () => {
  assertEquals(new Decimal(255, 4294967295).value, 4294967295);
  for (const [scale, value] of [[256, 1], [-1, 1], [1, -1], [1, 2 ** 32], [1, 0.5]] as const) {
    assertThrows(() => new Decimal(scale, value), RangeError);
  }
});

/** A table of these pieces, its length first. */
function tableOf(...pieces: readonly Uint8Array[]): Uint8Array {
  const fields = concat([...pieces]);
  return concat([sizeOf(fields), fields]);
}

/** A table in a table in a table; built from the outside, where each size is known. */
function nestedTable(levels: number): Uint8Array {
  const step = 7;
  const bytes = new Uint8Array((levels - 1) * step + 4);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + step < bytes.length; at += step) {
    view.setUint32(at, bytes.length - at - 4);
    bytes.set(wire(1, "aF"), at + 4);
  }
  return bytes;
}

function sizeOf(bytes: Uint8Array): Uint8Array {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, bytes.length);
  return size;
}

function encode(table: FieldTable): Uint8Array {
  const writer = new ByteWriter(2);
  encodeTable(writer, table);
  return writer.written().slice();
}

function decode(bytes: Uint8Array): FieldTable {
  return decodeTable(new ByteReader(bytes));
}

/** A result, or the text of an AmqpError; any other error goes through. */
function outcome(action: () => number): number | string {
  try {
    return action();
  } catch (error) {
    assertInstanceOf(error, AmqpError);
    return "refused";
  }
}

Deno.test("a whole double is told from an integer when that is asked for, and is a number otherwise", () => {
  const table = { a: new Double(1), b: [new Double(-0), { c: new Double(2.5) }], d: 1 };
  const writer = new ByteWriter(64);
  encodeTable(writer, table);
  const bytes = writer.written().slice();
  assertEquals(decode(bytes), { a: 1, b: [-0, { c: 2.5 }], d: 1 });
  const reader = new ByteReader(bytes);
  reader.keepsDoubles = true;
  const kept = { a: new Double(1), b: [new Double(-0), { c: 2.5 }], d: 1 };
  assertEquals(decodeTable(reader), kept);
  assertEquals(normaliseTable(table), kept);
  assertEquals(normaliseTable(table, true), { a: 1, b: [-0, { c: 2.5 }], d: 1 });
  assertEquals(normaliseTable(table), kept);
  assertThrows(() => new Double("1" as never), TypeError, "Cannot make double of string");
});
