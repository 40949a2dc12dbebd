import { assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Content } from "../../broker/amqp/content.ts";
import { contentProperties, encodeContentHead } from "../../broker/amqp/content_codec.ts";
import { AmqpError } from "../../broker/amqp/error.ts";
import type { BasicProperties } from "../../broker/amqp/properties.ts";
import { wire } from "./golden.ts";
import { forSeeds } from "./random_values.ts";

function contentOf(exchange: string, routingKey: string, properties?: BasicProperties): Content {
  const content = new Content();
  content.exchange = exchange;
  content.routingKey = routingKey;
  content.properties = properties;
  return content;
}

function address(content: Content): Uint8Array {
  return content.head!.slice(content.addressStart, content.addressEnd);
}

function encodedProperties(content: Content): Uint8Array {
  return content.head!.slice(content.propertiesStart, content.propertiesEnd);
}

Deno.test("encodeContentHead() makes the address and the properties", () => {
  const content = contentOf("x", "key", { deliveryMode: 2 });
  encodeContentHead(content);
  assertEquals(address(content), wire(1, "x", 3, "key"));
  assertEquals(encodedProperties(content), wire(0x10, 0, 2));
});

Deno.test("encodeContentHead() makes empty properties of none", () => {
  const content = contentOf("", "");
  encodeContentHead(content);
  assertEquals(address(content), wire(0, 0));
  assertEquals(encodedProperties(content), wire(0, 0));
});

Deno.test("encodeContentHead() leaves a head alone that is there", () => {
  const content = contentOf("x", "key", { deliveryMode: 2 });
  const head = wire(0, 0, 0, 0);
  content.head = head;
  encodeContentHead(content);
  assertStrictEquals(content.head, head);
  assertEquals(content.propertiesEnd, 0);
});

Deno.test("heads stay as they are while others are made", () => {
  forSeeds(20, (random) => {
    const contents = Array.from(
      { length: 200 },
      () => contentOf(random.text(255), random.text(255), random.properties()),
    );
    contents.forEach(encodeContentHead);
    for (const content of contents) {
      const { properties } = content;
      content.properties = undefined;
      assertEquals(contentProperties(content), properties);
    }
  });
});

Deno.test("encodeContentHead() changes nothing when something cannot be encoded", () => {
  const good = contentOf("x", "good", { type: "t" });
  encodeContentHead(good);
  const bad = [
    contentOf("x".repeat(256), ""),
    contentOf("x", "y".repeat(256)),
    contentOf("x", "y", { headers: { a: [new Date(NaN)] } }),
  ];
  for (const content of bad) {
    assertThrows(() => encodeContentHead(content), TypeError);
    assertEquals([content.head, content.propertiesEnd], [undefined, 0]);
  }
  assertEquals(address(good), wire(1, "x", 4, "good"));
});

Deno.test("contentProperties() are the caller's own", () => {
  const headers = { list: [1] };
  const content = contentOf("", "", { headers });
  const first = contentProperties(content);
  assertEquals(first, { headers: { list: [1] } });
  assertNotStrictEquals(first.headers, headers);

  encodeContentHead(content);
  content.properties = undefined;
  const second = contentProperties(content);
  const third = contentProperties(content);
  assertEquals(second, { headers: { list: [1] } });
  assertNotStrictEquals(second.headers, third.headers);
});

Deno.test("contentProperties() of a content without any are empty", () => {
  assertEquals(contentProperties(new Content()), {});
});

Deno.test("contentProperties() tells malformed ones by an AmqpError", () => {
  const content = new Content();
  content.head = wire(0x80, 0, 9, "a");
  content.propertiesEnd = 4;
  assertThrows(() => contentProperties(content), AmqpError);
});
