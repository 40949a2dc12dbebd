import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { basicPublish } from "../../broker/amqp/methods/basic.ts";
import { MANY_KEYS } from "../../broker/amqp/fresh_addresses.ts";
import { PublishAddresses } from "../../broker/amqp/publish_addresses.ts";
import { viewOf } from "../../broker/amqp/byte_ranges.ts";

const ENCODER = new TextEncoder();

/** Two short strings and the octet of bits, somewhere in a buffer. */
function address(exchange: string, routingKey: string, bits = 0): Uint8Array {
  const [one, other] = [ENCODER.encode(exchange), ENCODER.encode(routingKey)];
  return Uint8Array.of(9, 9, one.length, ...one, other.length, ...other, bits, 9);
}

function find(addresses: PublishAddresses, bytes: Uint8Array) {
  return addresses.find(bytes, viewOf(bytes), 2, bytes.length - 1);
}

Deno.test("PublishAddresses reads exchange, routing key and bits", () => {
  const addresses = new PublishAddresses();
  for (let time = 0; time < 3; time++) {
    for (
      const [exchange, routingKey] of [["", ""], ["", "q"], ["amq.topic", "a.b.c"], ["é", "ü.ñ"], [
        "x".repeat(255),
        "k".repeat(255),
      ]] as const
    ) {
      for (
        const [bits, flags] of [[0, {}], [1, { mandatory: true }], [2, {
          immediate: true,
        }]] as const
      ) {
        const found = find(addresses, address(exchange, routingKey, bits));
        const expected = basicPublish({ exchange, routingKey, ...flags });
        assertEquals(
          found,
          addresses.foundFresh ? { ...expected, routingKey: "", bears: MANY_KEYS } : expected,
        );
        const isAscii = exchange !== "é";
        assertEquals(addresses.foundFresh, isAscii && time === 0);
      }
    }
  }
});

Deno.test("PublishAddresses gives the same method from the second time on", () => {
  const addresses = new PublishAddresses();
  find(addresses, address("x", "a.b"));
  const second = find(addresses, address("x", "a.b"));
  find(addresses, address("x", "a.c"));
  assertStrictEquals(find(addresses, address("x", "a.b")), second);
});

Deno.test("PublishAddresses tells addresses apart that differ in one octet", () => {
  const addresses = new PublishAddresses();
  const bytes = address("exchange", "routing.key.of.some.length");
  for (let time = 0; time < 3; time++) find(addresses, bytes);
  const known = find(addresses, bytes);
  for (let at = 3; at < bytes.length - 2; at++) {
    const other = bytes.slice();
    other[at] = 0x21;
    for (let time = 0; time < 3; time++) {
      const found = find(addresses, other);
      assert(found !== known);
      // the octet of a length leads to no address at all
      const lengthAt = 2 + 1 + "exchange".length;
      assertEquals(found === undefined, at === lengthAt);
    }
  }
  assertEquals(find(addresses, bytes), known);
});

Deno.test("PublishAddresses takes no address whose lengths do not fit or that is not UTF-8", () => {
  const addresses = new PublishAddresses();
  const short = Uint8Array.of(9, 9, 5, 0x61, 0, 0, 9);
  const long = Uint8Array.of(9, 9, 1, 0x61, 1, 0x61, 0x61, 0, 9);
  const broken = Uint8Array.of(9, 9, 1, 0xff, 1, 0x61, 0, 9);
  for (const bytes of [short, long, broken]) {
    for (let time = 0; time < 3; time++) assertEquals(find(addresses, bytes), undefined);
  }
});

Deno.test("PublishAddresses knows most of ten thousand addresses once they have come a few times", () => {
  const addresses = new PublishAddresses();
  const all = Array.from({ length: 10_000 }, (_, index) => address("orders", `shop.${index}.sold`));
  const round = () =>
    all.map((bytes, index) => {
      const method = find(addresses, bytes)!;
      if (!addresses.foundFresh) assertEquals(method.routingKey, `shop.${index}.sold`);
      return method;
    });
  for (let time = 0; time < 12; time++) round();
  const before = round();
  const after = round();
  const known = after.filter((method, index) => method === before[index]).length;
  assert(known > 5000, `${known} are known`);
});

Deno.test("PublishAddresses knows all that take turns from the second time on, bar a few", () => {
  for (const count of [2, 1000, 10_000]) {
    const addresses = new PublishAddresses();
    const all = Array.from({ length: count }, (_, id) => address("orders", `${id}.of.${count}`));
    const fresh = () =>
      all.filter((bytes) => (find(addresses, bytes), addresses.foundFresh)).length;
    assertEquals(fresh(), count);
    const again = [fresh(), fresh(), fresh()].at(-1)!;
    assert(again <= count / 20, `${again} of ${count} are new`);
  }
});

Deno.test("PublishAddresses lets keys that never come again take nobody's place", () => {
  const addresses = new PublishAddresses();
  const busy = address("", "busy");
  for (let time = 0; time < 2; time++) find(addresses, busy);
  const known = find(addresses, busy);
  for (let id = 0; id < 100_000; id++) find(addresses, address("", `id.${id}`));
  assertStrictEquals(find(addresses, busy), known);
});
