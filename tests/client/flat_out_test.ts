import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import { basicAck, basicConsume, basicPublish, basicQos } from "../../broker/amqp/methods/mod.ts";
import { queueDeclare } from "../../broker/amqp/methods/queue.ts";
import { tcpTransport } from "../../broker/amqp/transport.ts";
import { Broker, connect, type Connection } from "../../mod.ts";
import { contentFrames } from "../amqp/frames.ts";
import { RawPeer } from "../support/raw_peer.ts";

/** Who publishes as fast as it can and acks one message at a time, on the same connection or across,
 * gets to the end: nothing ever waits for something that is behind it. */

const COUNT = 5000;

const WAYS = new Map<string, (broker: Broker, port: number) => Promise<Connection>>([
  ["in process", (broker) => broker.connect()],
  ["over TCP", (_broker, port) => connect(`amqp://guest:guest@127.0.0.1:${port}`)],
]);

/** Publishes to one queue and consumes another one with prefetch 1. */
async function flatOut(connection: Connection, to: string, from: string): Promise<void> {
  const channel = await connection.openChannel();
  await channel.queueDeclare(to);
  await channel.queueDeclare(from);
  await channel.basicQos({ prefetchCount: 1 });
  let left = COUNT;
  const consumed = Promise.withResolvers<void>();
  await channel.basicConsume(from, {}, (delivery) => {
    delivery.ack();
    if (--left === 0) consumed.resolve();
  });
  for (let index = 0; index < COUNT; index++) {
    await channel.basicPublish({ routingKey: to }, "job");
  }
  await consumed.promise;
}

for (const [way, open] of WAYS) {
  Deno.test(`a connection ${way} that publishes flat out and consumes the same queue with prefetch 1 gets to the end`, async () => {
    await using broker = new Broker();
    await using server = await broker.listen({ port: 0 });
    await using connection = await open(broker, server.port);
    await flatOut(connection, "q", "q");
  });

  Deno.test(`two connections ${way} that publish flat out to each other's queues get to the end`, async () => {
    await using broker = new Broker();
    await using server = await broker.listen({ port: 0 });
    await using one = await open(broker, server.port);
    await using other = await open(broker, server.port);
    await Promise.all([flatOut(one, "a", "b"), flatOut(other, "b", "a")]);
  });
}

Deno.test("a client with one thread, which reads nothing while it publishes, gets all of it afterwards", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  for (const prefetchCount of [1, 0]) {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await using peer = new RawPeer(tcpTransport(socket));
    await peer.login();
    await peer.send(1, queueDeclare({ queue: "q" }));
    await peer.expect(1, "queue.declare-ok");
    await peer.send(1, basicQos({ prefetchCount }));
    await peer.expect(1, "basic.qos-ok");
    await peer.send(1, basicConsume({ queue: "q", noWait: true, consumerTag: "c" }));
    // so much that no buffer on the way takes all that would come back
    const body = new Uint8Array(1000);
    const one = concat(contentFrames(1, basicPublish({ routingKey: "q" }), { body }));
    const many = concat(Array.from({ length: 100 }, () => one));
    for (let sent = 0; sent < COUNT; sent += 100) await peer.sendBytes(many);
    for (let taken = 0; taken < COUNT; taken++) {
      const { deliveryTag } = await peer.expectContent(1, "basic.deliver");
      await peer.send(1, basicAck({ deliveryTag }));
    }
    await peer.send(1, queueDeclare({ queue: "q", passive: true }));
    assertEquals((await peer.expect(1, "queue.declare-ok")).messageCount, 0);
  }
});
