/**
 * Delivery tags are given to what needs no ack as well, so those that wait for one may lie far apart.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Broker, connect, type Delivery } from "@warren/amqp";

for (const way of ["in process", "over TCP"]) {
  Deno.test(`a message that is held while thousands pass that need no ack harms nobody, ${way}`, async () => {
    await using broker = new Broker();
    const { url } = await broker.listen({ port: 0 });
    await using connection = await (way === "in process" ? broker.connect() : connect(url));
    await using other = await broker.connect();
    const publisher = await other.openChannel();
    const channel = await connection.openChannel();
    for (const queue of ["jobs", "events"]) await publisher.queueDeclare(queue);
    const held: Delivery[] = [];
    const { promise: all, resolve } = Promise.withResolvers<void>();
    const count = 3000;
    let events = 0;
    let next = Promise.withResolvers<void>();
    await channel.basicConsume("jobs", {}, (delivery) => {
      held.push(delivery);
      next.resolve();
    });
    await channel.basicConsume("events", { noAck: true }, () => {
      if (++events === count) resolve();
    });
    await publisher.basicPublish({ routingKey: "jobs" }, "1");
    await next.promise;
    for (let index = 0; index < count; index++) {
      await publisher.basicPublish({ routingKey: "events" }, "");
    }
    await all;
    next = Promise.withResolvers();
    await publisher.basicPublish({ routingKey: "jobs" }, "2");
    assertEquals(await Promise.race([next.promise, publisher.closed]), undefined);
    assertEquals(held.length, 2);
    for (const delivery of held) delivery.ack();
    await channel.queueDeclare("jobs", { passive: true });
    assertEquals(held.map((delivery) => delivery.text()), ["1", "2"]);
    const jobs = [...broker.queues()].find(({ name }) => name === "jobs")!;
    assertEquals([jobs.messagesReady, jobs.messagesUnacknowledged], [0, 0]);
  });
}
