/**
 * A channel that publishes to one new routing key after another makes nothing of each of them: what comes in
 * between, and what comes again, must arrive as ever.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { channelFlow } from "../../broker/amqp/methods/channel.ts";
import { Broker, type Channel, connect, type Delivery, EncodeError } from "../../mod.ts";
import { Scripted } from "./scripted.ts";

for (const way of ["in process", "over TCP"]) {
  Deno.test(`new keys, keys that come again and other exchanges arrive in order, ${way}`, async () => {
    await using broker = new Broker();
    const { url } = await broker.listen({ port: 0 });
    await using connection = way === "in process" ? await broker.connect() : await connect(url);
    const channel = await connection.openChannel();
    const { queue } = await channel.queueDeclare();
    for (const exchange of ["amq.topic", "amq.fanout"]) {
      await channel.queueBind({ queue, exchange, routingKey: "order.#" });
    }
    const deliveries: Delivery[] = [];
    const sent: [exchange: string, routingKey: string][] = [];
    const done = Promise.withResolvers<void>();
    await channel.basicConsume(queue, { noAck: true }, (delivery) => {
      if (deliveries.push(delivery) === sent.length) done.resolve();
    });
    const publish = (exchange: string, routingKey: string, mandatory = false) => {
      sent.push([exchange, routingKey]);
      channel.basicPublish({ exchange, routingKey, mandatory }, routingKey);
    };

    for (let number = 0; number < 200; number++) publish("amq.topic", `order.${number}`);
    for (let count = 0; count < 200; count++) publish("amq.topic", "order.again");
    for (let number = 0; number < 200; number++) {
      publish("amq.topic", `order.${number}.${"é".repeat(number % 3)}`);
      if (number % 7 === 0) publish("amq.topic", `order.${number}.`);
      if (number % 11 === 0) publish("amq.fanout", "");
      if (number % 50 > 20) publish("amq.fanout", `order.${number}`, number % 2 === 0);
    }
    await done.promise;
    assertEquals(deliveries.map(({ exchange, routingKey }) => [exchange, routingKey]), sent);
    assertEquals(deliveries.map((delivery) => delivery.text()), sent.map(([, key]) => key));
  });
}

/** Publishes so many times that the next key is taken for a new one. */
function publishMany(channel: Channel): void {
  for (let number = 0; number < 100; number++) {
    channel.basicPublish({ exchange: "e", routingKey: `k.${number}` }, "");
  }
}

Deno.test("a key that is none is refused among new ones, and the next one is sent", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("e", "fanout");
  const { queue } = await channel.queueDeclare();
  publishMany(channel);
  await channel.queueBind({ queue, exchange: "e" });
  for (const key of [1, null, {}, "é".repeat(128)]) {
    const routingKey = key as unknown as string;
    assertThrows(() => channel.basicPublish({ exchange: "e", routingKey }, ""), EncodeError);
  }
  channel.basicPublish({ exchange: "e", routingKey: "lone \ud800" }, "");
  assertEquals((await channel.basicGet(queue))?.routingKey, "lone \ufffd");
  assertEquals(await channel.basicGet(queue), undefined);
});

Deno.test("new keys that the broker asked to hold are sent as they were", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  publishMany(channel);
  await peer.send(1, channelFlow({ active: false }));
  await peer.expectContent(1, "basic.publish");
  for (let number = 1; number < 100; number++) {
    const method = await peer.expectContent(1, "basic.publish");
    assertEquals(method.routingKey, `k.${number}`);
  }
  await peer.expect(1, "channel.flow-ok");
  const keys = ["a", "b", "b", "b", "c"];
  for (const routingKey of keys) {
    channel.basicPublish({ exchange: "e", routingKey }, "")?.catch(() => {});
  }
  await peer.send(1, channelFlow({ active: true }));
  await peer.expect(1, "channel.flow-ok");
  for (const routingKey of keys) {
    const method = await peer.expectContent(1, "basic.publish");
    assertEquals([method.exchange, method.routingKey], ["e", routingKey]);
  }
});
