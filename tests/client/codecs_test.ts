import { assertEquals, assertThrows } from "@std/assert";
import { Codecs } from "../../client/messaging/codecs.ts";
import { CodecError } from "../../mod.ts";

/** So deep that it is no longer looked at in the cheap way. */
const DEEP = 200;

function nested(value: unknown): unknown {
  for (let depth = 0; depth < DEEP; depth++) value = depth % 2 === 0 ? [value] : { value };
  return value;
}

/** With a method that is enumerated, and a constructor that is `Object`. */
function Old(this: { data: unknown }) {
  this.data = 1;
}
Old.prototype = { describe: () => "old" };

class Money {
  readonly cents: number;
  readonly self: Money = this;
  readonly format = () => `${this.cents}`;

  constructor(cents: number) {
    this.cents = cents;
  }

  toJSON(): number {
    return this.cents;
  }
}

const itself: Record<string, unknown> = { name: "a" };
itself.self = itself;
itself.others = [itself, itself];
itself.toJSON = () => "itself";

const SOUND: readonly [what: string, value: unknown, json: string][] = [
  ["what says itself what its JSON is", { price: new Money(5) }, '{"price":5}'],
  [
    "what contains itself, and says what its JSON is",
    [itself, { itself }],
    '["itself",{"itself":"itself"}]',
  ],
  ["a deep value", nested("x"), JSON.stringify(nested("x"))],
  ["an object without a prototype", Object.assign(Object.create(null), { a: [1] }), '{"a":[1]}'],
  ["a property that is called constructor", { constructor: { a: 1 } }, '{"constructor":{"a":1}}'],
  ["methods that are inherited", [Reflect.construct(Old, [])], '[{"data":1}]'],
  [
    "dates",
    { at: new Date(0), list: [new Date(0)] },
    JSON.stringify({ at: new Date(0), list: [new Date(0)] }),
  ],
  ["what is unset", { a: undefined, b: null }, '{"b":null}'],
];

for (const [what, value, json] of SOUND) {
  Deno.test(`JSON is made of ${what}`, () => {
    assertEquals(new Codecs().encodePlain(value, {}), {
      body: json,
      contentType: "application/json",
    });
  });
}

const LOST: readonly unknown[] = [NaN, () => 1, Symbol("s"), new Map([[1, 2]]), new Date(NaN)];
const PLACES: readonly [where: string, put: (value: unknown) => unknown][] = [
  ["at the top", (value) => value],
  ["deep down", nested],
  ["in an object without a prototype", (value) => Object.assign(Object.create(null), { value })],
  ["beside a constructor", (value) => ({ constructor: 1, value })],
  ["beside dates", (value) => [new Date(0), { at: new Date(0), value }]],
  ["in an instance", (value) => Object.assign(Reflect.construct(Old, []), { value })],
];

for (const [where, put] of PLACES) {
  Deno.test(`what JSON has no word for is refused ${where}`, () => {
    for (const value of LOST) {
      assertThrows(() => new Codecs().encodePlain(put(value), {}), CodecError, "JSON has no");
    }
  });
}

Deno.test("a codec of one's own for JSON is asked for values without a content type", () => {
  const own = { contentType: "application/json", encode: () => "own", decode: () => undefined };
  const { body } = new Codecs([own]).encodePlain({ a: NaN }, {});
  assertEquals(body, "own");
});
