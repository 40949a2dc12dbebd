import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { concat } from "@std/bytes";
import { viewOf } from "../../broker/amqp/byte_ranges.ts";
import { Content } from "../../broker/amqp/content.ts";
import { FreshAddresses, MANY_KEYS } from "../../broker/amqp/fresh_addresses.ts";
import { basicPublish } from "../../broker/amqp/methods/basic.ts";
import { PublishScan } from "../../broker/amqp/publish_scan.ts";
import { contentFrames } from "./frames.ts";

const ENCODER = new TextEncoder();

/** Two short strings and the octet of bits, somewhere in a buffer. */
function find(addresses: FreshAddresses, exchange: string, routingKey: string, bits = 0) {
  const [one, other] = [ENCODER.encode(exchange), ENCODER.encode(routingKey)];
  const bytes = Uint8Array.of(9, one.length, ...one, other.length, ...other, bits, 9);
  return addresses.find(bytes, viewOf(bytes), 1, bytes.length - 1);
}

/** A method with which nothing may be remembered. */
function shared(fields: Parameters<typeof basicPublish>[0] = {}) {
  return { ...basicPublish(fields), bears: MANY_KEYS };
}

Deno.test("FreshAddresses gives one method for each exchange and bits in a row", () => {
  const addresses = new FreshAddresses();
  const first = find(addresses, "orders", "a.1");
  assertEquals(first, shared({ exchange: "orders" }));
  assertStrictEquals(find(addresses, "orders", "another.key"), first);
  assertEquals(
    find(addresses, "orders", "a", 1),
    shared({ exchange: "orders", mandatory: true }),
  );
  assertEquals(find(addresses, "orderz", "a"), shared({ exchange: "orderz" }));
  assertEquals(find(addresses, "", "orders"), shared());
  assertEquals(find(addresses, "x".repeat(255), ""), shared({ exchange: "x".repeat(255) }));
});

Deno.test("FreshAddresses leaves a key that is not ASCII to those who check it", () => {
  const addresses = new FreshAddresses();
  for (const at of [0, 1, 2, 3, 4, 5, 6, 7, 8]) {
    const key = "a".repeat(at) + "é" + "b".repeat(8 - at);
    assertEquals(find(addresses, "e", key), undefined);
  }
  assert(find(addresses, "é", "key") !== undefined);
});

/** Scans one publish; its content is about to be gone. */
function scanned(exchange: string, routingKey: string) {
  const parts = { exchange, routingKey, body: "body", properties: { messageId: "1" } };
  const frames = contentFrames(1, basicPublish({ exchange, routingKey }), parts);
  const bytes = concat([...frames, new Uint8Array(8)]);
  const scan = new PublishScan();
  assert(scan.finds(bytes, viewOf(bytes), 0, bytes.length, 1, 4096, 64));
  return { bytes, content: scan.content };
}

Deno.test("A routing key that never came before becomes a text when somebody asks for it", () => {
  for (const routingKey of ["", "k", "an.id.4711", "k".repeat(255)]) {
    const { content } = scanned("orders", routingKey);
    assertEquals(content.keyText, undefined);
    assertEquals(content.routingKey, routingKey);
    assertEquals(content.keyText, routingKey);
  }
});

Deno.test("A content takes over a routing key of which nobody has made a text", () => {
  const { content } = scanned("orders", "an.id.4711");
  const [copy, other] = [new Content(content), new Content()];
  other.assign(content);
  assertEquals([copy.keyText, other.keyText], [undefined, undefined]);
  assertEquals([copy.routingKey, other.routingKey], ["an.id.4711", "an.id.4711"]);
});

Deno.test("A content that loses its wire form keeps its routing key", () => {
  const { bytes, content } = scanned("orders", "an.id.4711");
  content.loseHead();
  bytes.fill(0);
  assertEquals([content.head, content.framed], [undefined, false]);
  assertEquals(content.routingKey, "an.id.4711");
});

Deno.test("PublishScan knows a long address when it comes again", () => {
  const scan = new PublishScan();
  const routingKey = "k".repeat(200);
  const frames = contentFrames(1, basicPublish({ routingKey }), {
    exchange: "",
    routingKey,
    body: "body",
    properties: {},
  });
  const bytes = concat([...frames, new Uint8Array(8)]);
  const methods = [1, 2, 3].map(() => {
    assert(scan.finds(bytes, viewOf(bytes), 0, bytes.length, 1, 4096, 64));
    assertEquals(scan.content.routingKey, routingKey);
    return scan.method;
  });
  assertEquals(methods.map(({ bears }) => bears === MANY_KEYS), [true, false, false]);
  assertStrictEquals(methods[2], methods[1]);
});

Deno.test("PublishScan leaves a publish without an address to those who refuse it", () => {
  const [method, ...others] = contentFrames(1, basicPublish(), {
    exchange: "",
    routingKey: "",
    body: "body",
    properties: {},
  });
  // class, method and ticket alone
  const short = concat([method!.subarray(0, 13), Uint8Array.of(0xce)]);
  short[6] = 6;
  const bytes = concat([short, ...others, new Uint8Array(8)]);
  assert(!new PublishScan().finds(bytes, viewOf(bytes), 0, bytes.length, 1, 4096, 64));
});
