import { assertEquals, assertNotEquals } from "@std/assert";
import { UNKNOWN_WORD, Words } from "../../broker/routing/words.ts";

Deno.test("Words finds each word by its text and by its octets, and no others", () => {
  const words = new Words();
  const stock = words.use("stock");
  const empty = words.use("");
  assertNotEquals(stock, empty);
  assertEquals([words.get("stock"), words.get(""), words.get("stocks")], [
    stock,
    empty,
    UNKNOWN_WORD,
  ]);
  const octets = new TextEncoder().encode("xstocks");
  assertEquals(words.ofOctets(octets, 1, 6), "stock");
  assertEquals(words.ofOctets(octets, 1, 1), "");
  assertEquals(words.ofOctets(octets, 1, 7), undefined);
});

Deno.test("Words.use() gives a word the number that it has", () => {
  const words = new Words();
  assertEquals(words.use("a"), words.use("a"));
  assertEquals(words.size, 1);
});

Deno.test("Words.release() forgets a word with its last use", () => {
  const words = new Words();
  const number = words.use("a");
  words.use("a");
  words.release("a");
  assertEquals(words.get("a"), number);
  words.release("a");
  assertEquals(words.get("a"), UNKNOWN_WORD);
  assertEquals(words.size, 0);
});

Deno.test("Words gives no number twice", () => {
  const words = new Words();
  const first = words.use("a");
  words.release("a");
  assertNotEquals(words.use("b"), first);
  assertNotEquals(words.use("a"), first);
});

Deno.test("Words keeps words of the same hash apart", () => {
  const words = new Words();
  // known pairs of 32-bit FNV-1a
  for (const [one, other] of [["costarring", "liquid"], ["altarage", "zinke"]] as const) {
    const number = words.use(one);
    assertEquals(words.get(other), UNKNOWN_WORD);
    const otherNumber = words.use(other);
    assertEquals([words.get(one), words.get(other)], [number, otherNumber]);
    words.release(one);
    assertEquals([words.get(one), words.get(other)], [UNKNOWN_WORD, otherNumber]);
    words.release(other);
    assertEquals(words.size, 0);
  }
});

Deno.test("Words keeps thousands of words apart while others come and go", () => {
  const words = new Words();
  const numbers = new Map<string, number>();
  for (let index = 0; index < 5000; index++) {
    numbers.set(`w${index}`, words.use(`w${index}`));
    if (index % 3 !== 0) continue;
    const gone = `w${index / 3}`;
    words.release(gone);
    numbers.delete(gone);
  }
  assertEquals(words.size, numbers.size);
  assertEquals(new Set(numbers.values()).size, numbers.size);
  for (let index = 0; index < 5000; index++) {
    assertEquals(words.get(`w${index}`), numbers.get(`w${index}`) ?? UNKNOWN_WORD);
  }
});
