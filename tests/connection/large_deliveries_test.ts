import { assert, assertLess } from "@std/assert";
import { equals } from "@std/bytes";
import {
  basicConsume,
  basicPublish,
  queueBind,
  queueDeclare,
} from "../../broker/amqp/methods/mod.ts";
import { ServedBroker, settle } from "./support.ts";

const MIB = 1024 * 1024;
const SIZE = 17 * MIB;
const CONSUMERS = 4;

function octets(size: number): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(size);
  for (let at = 0; at < size; at++) body[at] = at * 7 >> 4;
  return body;
}

for (const noAck of [true, false]) {
  const how = noAck ? "auto-ack" : "acks";
  Deno.test(`A large message for many consumers that do not read, with ${how}, is in memory once`, async () => {
    await using served = await ServedBroker.start();
    const peers = [];
    for (let number = 0; number < CONSUMERS; number++) {
      const peer = await served.login();
      const queue = `q${number}`;
      await peer.send(1, queueDeclare({ queue }));
      await peer.expect(1, "queue.declare-ok");
      await peer.send(1, queueBind({ queue, exchange: "amq.fanout" }));
      await peer.expect(1, "queue.bind-ok");
      await peer.send(1, basicConsume({ queue, noAck }));
      await peer.expect(1, "basic.consume-ok");
      peers.push(peer);
    }
    await using connection = await served.broker.connect();
    const channel = await connection.openChannel();
    const body = octets(SIZE);
    const expected = body.slice();
    const before = Deno.memoryUsage().external;
    await channel.confirmSelect();
    await channel.basicPublish({ exchange: "amq.fanout" }, body);
    // it is the publisher's again
    body.fill(0);
    await settle();
    assertLess(Deno.memoryUsage().external - before, 2 * SIZE);
    for (const peer of peers) {
      const { body: got } = await peer.expectContent(1, "basic.deliver");
      assert(equals(got, expected));
    }
  });
}

Deno.test("Direct replies for a client that does not read wait as they came, and not in one buffer", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await peer.send(1, basicConsume({ queue: "amq.rabbitmq.reply-to", noAck: true }));
  await peer.expect(1, "basic.consume-ok");
  await using connection = await served.broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  await peer.send(1, basicPublish({ routingKey: "q" }), {
    properties: { replyTo: "amq.rabbitmq.reply-to" },
    body: "ping",
  });
  await settle();
  const routingKey = (await channel.basicGet("q", { noAck: true }))!.properties.replyTo!;
  await channel.confirmSelect();
  const replies = 17;
  const body = octets(4 * MIB);
  const before = Deno.memoryUsage().external;
  for (let count = 0; count < replies; count++) await channel.basicPublish({ routingKey }, body);
  // in one buffer that grows they are twice as much, and once more while it does
  assertLess(Deno.memoryUsage().external - before, 1.4 * replies * 4 * MIB);
  const expected = body.slice();
  // it is the publisher's again
  body.fill(0);
  for (let count = 0; count < replies; count++) {
    const { body: got } = await peer.expectContent(1, "basic.deliver");
    assert(equals(got, expected));
  }
});
