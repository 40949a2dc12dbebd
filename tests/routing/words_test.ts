import { assertEquals, assertNotEquals } from "@std/assert";
import { UNKNOWN_WORD, Words } from "../../broker/routing/words.ts";

function split(words: Words, routingKey: string): number[] {
  const numbers: number[] = [];
  const count = words.split(routingKey, numbers);
  return numbers.slice(0, count);
}

Deno.test("Words.split() gives each known word its number and others none", () => {
  const words = new Words();
  const stock = words.use("stock");
  const usd = words.use("usd");
  assertNotEquals(stock, usd);
  assertEquals(split(words, "stock.usd"), [stock, usd]);
  assertEquals(split(words, "usd.eur.usd"), [usd, UNKNOWN_WORD, usd]);
  assertEquals(split(words, "stocks"), [UNKNOWN_WORD]);
});

Deno.test("Words.split() counts empty words, except in an empty key", () => {
  const words = new Words();
  const empty = words.use("");
  assertEquals(split(words, ""), []);
  assertEquals(split(words, "."), [empty, empty]);
  assertEquals(split(words, "a..b."), [UNKNOWN_WORD, empty, UNKNOWN_WORD, empty]);
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

Deno.test("Words.split() takes a word for no other one that was at its place in the key before", () => {
  const words = new Words();
  const [order, orders, paid] = [words.use("order"), words.use("orders"), words.use("paid")];
  for (
    const [key, numbers] of [
      ["order.1.paid", [order, UNKNOWN_WORD, paid]],
      ["order.22.paid", [order, UNKNOWN_WORD, paid]],
      ["orders.1.pai", [orders, UNKNOWN_WORD, UNKNOWN_WORD]],
      ["order.paid", [order, paid]],
      ["orde.paid.order", [UNKNOWN_WORD, paid, order]],
      ["orders", [orders]],
      ["order", [order]],
      ["order.", [order, UNKNOWN_WORD]],
    ] as const
  ) assertEquals(split(words, key), [...numbers], key);
});

Deno.test("Words.split() forgets words that were released", () => {
  const words = new Words();
  const paid = words.use("paid");
  assertEquals(split(words, "paid.paid"), [paid, paid]);
  words.release("paid");
  assertEquals(split(words, "paid.."), [UNKNOWN_WORD, UNKNOWN_WORD, UNKNOWN_WORD]);
  const empty = words.use("");
  assertEquals(split(words, "paid.."), [UNKNOWN_WORD, empty, empty]);
  const sent = words.use("sent");
  assertEquals(split(words, "paid.paid.sent"), [UNKNOWN_WORD, UNKNOWN_WORD, sent]);
});

Deno.test("Words.split() tells the words of keys apart that are longer than it remembers", () => {
  const words = new Words();
  const numbers = Array.from({ length: 40 }, (_, index) => words.use(`w${index}`));
  const key = numbers.map((_, index) => `w${index}`).join(".");
  for (let time = 0; time < 3; time++) assertEquals(split(words, key), numbers);
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
    assertEquals(split(words, `${one}.${other}`), [number, otherNumber]);
    words.release(one);
    assertEquals(split(words, `${one}.${other}`), [UNKNOWN_WORD, otherNumber]);
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
