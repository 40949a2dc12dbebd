import { assert, assertEquals, assertThrows } from "@std/assert";
import { readLongJson } from "../../broker/policy/long_json.ts";
import { DefinitionError } from "../../broker/policy/error.ts";
import type { JsonValue } from "../../broker/policy/json.ts";

/** So much that a text is read step by step. */
const PADDING = " ".repeat(64 * 1024 + 1);

function read(text: string): [value: JsonValue, steps: number] {
  const reading = readLongJson(text, "file");
  for (let steps = 0;; steps++) {
    const step = reading.next();
    if (step.done === true) return [step.value, steps];
  }
}

Deno.test("a long text says what JSON.parse says of it, an item of a list at a time", () => {
  const texts = [
    "{}",
    `{"a":[],"b":{},"c":"","d":0}`,
    `{ "list" : [ 1 , -2.5e+3 , true , null , "x" , [ [ ] ] , {"y":{"z":[1]}} ] , "after" : false }`,
    String.raw`{"q\"uo\\":["\"","\\","\\\"","]","}",",","{[","\u0022"],"\u005d":"\\\\"}`,
    `{"twice":[1],"twice":[2,3],"__proto__":{"own":1},"":[""]}`,
    `{"näme":["ünïcode","\u{1f430}","\u2028"]}`,
    `{\n"a":\t[1,\r\n2]\n}`,
  ];
  for (const text of texts) {
    const [value] = read(`${text}${PADDING}`);
    assertEquals(value, JSON.parse(text), text);
    assertEquals(JSON.stringify(value), JSON.stringify(JSON.parse(text)), text);
    assert(isFrozen(value), text);
  }
  const [, steps] = read(`${PADDING}{"a":[1,2,3],"b":[4,5]}`);
  assertEquals(steps, 7);
  // a short one need not be taken apart
  assertEquals(read(`{"a":[1,2,3]}`), [{ a: [1, 2, 3] }, 0]);
});

function isFrozen(value: JsonValue): boolean {
  if (typeof value !== "object" || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isFrozen);
}

Deno.test("a long text that is not JSON is refused wherever it is wrong", () => {
  const good = `{"a":[1,{"b":"c"}],"d":"e","f":[true]}`;
  assertEquals(read(good + PADDING)[0], JSON.parse(good));
  const signs = ["", "{", "}", "[", "]", ",", ":", '"', "\\", "x", " ", "1"];
  let refused = 0;
  for (let at = 0; at < good.length; at++) {
    for (const sign of signs) {
      for (const rest of [at, at + 1]) {
        const text = good.slice(0, at) + sign + good.slice(rest);
        const expected = attempt(() => JSON.parse(text));
        const told = attempt(() => read(PADDING + text)[0]);
        // what is no object may be refused before all of it was seen
        if (!text.trimStart().startsWith("{")) {
          assertEquals(told, []);
          continue;
        }
        assertEquals(told, expected, text);
        if (expected === SyntaxError) refused++;
      }
    }
  }
  assert(refused > 500, `${refused}`);
  for (const text of ["", "null", "[1]", `"{}"`]) assertEquals(read(text + PADDING)[0], []);
});

function attempt(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    assert(error instanceof SyntaxError, `${error}`);
    return SyntaxError;
  }
}

Deno.test("an error in a long text tells where it is", () => {
  const error = assertThrows(() => read(`${PADDING}{"queues":[{},{"name":x}]}`), SyntaxError);
  assert(/which is queues\[1\] at position 65551$/.test(error.message), error.message);
  assertThrows(() => read(`${PADDING}{"queues":[{}`), SyntaxError, "Unexpected end of JSON input");
  assertThrows(() => read(`${PADDING}{"a":1 2}`), SyntaxError, "Unexpected token '2' at position");
});

Deno.test("a long text may be nested as deep as a short one", () => {
  const nested = (depth: number) => `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
  for (const padding of ["", PADDING]) {
    read(nested(65) + padding);
    assertThrows(() => read(nested(66) + padding), DefinitionError, "nested deeper than 64 levels");
  }
});
