import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Content } from "../../broker/amqp/content.ts";
import { encodeContentHead } from "../../broker/amqp/content_codec.ts";
import { BodyPage } from "../../client/body_page.ts";
import type { ChannelCore } from "../../client/channel_core.ts";
import { Delivery } from "../../client/delivery.ts";

const PROPERTIES = { type: "greeting", headers: { a: 1 } };

function deliveryOf(way: "encoded" | "shared", size: number, channel?: ChannelCore): Delivery {
  const content = new Content();
  content.exchange = "x";
  content.routingKey = "k";
  content.properties = PROPERTIES;
  content.body = new Uint8Array(size).fill(7);
  content.bodyEnd = size;
  if (way === "encoded") {
    encodeContentHead(content);
    content.properties = undefined;
  }
  const page = new BodyPage();
  page.keep(content);
  const delivery = new Delivery(channel, "tag", 3, true, undefined, content, page);
  content.body.fill(0);
  // another one, which must not be seen in the first
  page.keep(content);
  return delivery;
}

for (const way of ["encoded", "shared"] as const) {
  for (const size of [0, 16, 5000]) {
    Deno.test(`Delivery of ${size} bytes says what it says in any order, properties ${way}`, () => {
      const body = new Uint8Array(size).fill(7);
      const bodyFirst = deliveryOf(way, size);
      assertEquals([bodyFirst.bodySize, bodyFirst.body, bodyFirst.bodySize], [size, body, size]);
      assertStrictEquals(bodyFirst.body, bodyFirst.body);
      assertEquals(bodyFirst.properties, PROPERTIES);
      assertStrictEquals(bodyFirst.properties, bodyFirst.properties);
      const propertiesFirst = deliveryOf(way, size);
      assertEquals(propertiesFirst.properties, PROPERTIES);
      assertEquals([propertiesFirst.body, propertiesFirst.bodySize], [body, size]);
      assertEquals(propertiesFirst.properties, PROPERTIES);
    });
  }
}

Deno.test("Delivery shows its fields, and what is settled by it is settled", () => {
  const { exchange, routingKey, deliveryTag, redelivered, consumerTag, messageCount } = deliveryOf(
    "shared",
    1,
  );
  assertEquals(
    [exchange, routingKey, deliveryTag, redelivered, consumerTag, messageCount],
    ["x", "k", 3, true, "tag", undefined],
  );
  assertEquals(Object.keys(deliveryOf("shared", 1)), [
    "exchange",
    "routingKey",
    "deliveryTag",
    "redelivered",
    "consumerTag",
    "messageCount",
  ]);
  const acked: number[] = [];
  const channel = {
    forgetsDeliveries: false,
    assertOpen() {},
    ack: (tag: number) => acked.push(tag),
  };
  const delivery = deliveryOf("shared", 1, channel as unknown as ChannelCore);
  assertEquals(delivery.settled, false);
  delivery.ack();
  assertEquals([delivery.settled, acked], [true, [3]]);
  for (const verb of ["ack", "nack", "reject"] as const) {
    assertThrows(() => delivery[verb](), TypeError, `Cannot ${verb} delivery 3: it is settled`);
  }
  assertEquals(acked, [3]);
});

Deno.test("Delivery whose channel is closed is not settled by a call that throws", () => {
  const channel = {
    forgetsDeliveries: false,
    assertOpen(verb: string) {
      throw new Error(`Cannot ${verb}`);
    },
  };
  const delivery = deliveryOf("shared", 1, channel as unknown as ChannelCore);
  assertThrows(() => delivery.ack(), Error, "Cannot ack");
  assertEquals(delivery.settled, false);
});
