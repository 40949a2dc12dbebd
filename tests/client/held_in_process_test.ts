import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { pollSockets } from "../../broker/amqp/turn.ts";
import { Broker } from "../../mod.ts";

/** So many deliveries that nobody has taken are enough. */
const HELD_MAX = 4096;

Deno.test("in process, what a consumer is behind with waits in its queue, whatever its connection publishes", async () => {
  for (const way of ["iterator", "consumer"]) {
    await using broker = new Broker();
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    await channel.queueDeclare("q");
    await channel.confirmSelect();
    const consumers = await connection.openChannel();
    const taken: string[] = [];
    const goes = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    const count = 3 * HELD_MAX;
    const take = async (text: string) => {
      await goes.promise;
      if (taken.push(text) === count) done.resolve();
    };
    if (way === "iterator") {
      const iterable = await consumers.basicConsume("q", { noAck: true });
      void (async () => {
        for await (const delivery of iterable) {
          await take(delivery.text());
          if (taken.length === count) return;
        }
      })();
    } else {
      const options = { queue: "q", noAck: true, prefetch: 0 } as const;
      await connection.consumer(options, async ({ delivery }) => await take(delivery.text()));
    }
    // there is always a confirm that somebody waits for
    let confirmed: Promise<void> | undefined;
    for (let number = 0; number < count; number++) {
      confirmed = channel.basicPublish({ routingKey: "q" }, `${number}`);
      if (number % 100 === 0) await confirmed;
    }
    // it comes although nothing is delivered
    await confirmed;
    const [queue] = [...broker.queues()];
    const messagesReady = queue!.messagesReady;
    assertGreater(messagesReady, HELD_MAX);
    assertLess(messagesReady, count - HELD_MAX / 2);
    // and so do replies
    assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, messagesReady);
    goes.resolve();
    await done.promise;
    assertEquals(taken, Array.from({ length: count }, (_, number) => `${number}`));
  }
});

Deno.test("in process, what a consumer is behind with waits in its queue though another one waits for more", async () => {
  for (const way of ["iterator", "consumer"]) {
    await using broker = new Broker();
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    await channel.queueDeclare("q");
    await channel.queueDeclare("other");
    const asked = Promise.withResolvers<string>();
    await channel.basicConsume(
      "other",
      { noAck: true },
      (delivery) => asked.resolve(delivery.text()),
    );
    const count = 3 * HELD_MAX;
    const taken: string[] = [];
    const goes = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    const take = async (text: string) => {
      await goes.promise;
      if (taken.push(text) === count) done.resolve();
    };
    if (way === "iterator") {
      const iterable = await channel.basicConsume("q", { noAck: true });
      void (async () => {
        await goes.promise;
        for await (const delivery of iterable) await take(delivery.text());
      })();
    } else {
      const options = { queue: "q", noAck: true, prefetch: 0 } as const;
      await connection.consumer(options, async ({ delivery }) => await take(delivery.text()));
    }
    for (let number = 0; number < count; number++) {
      void channel.basicPublish({ routingKey: "q" }, `${number}`);
      if (number % 1000 === 0) await pollSockets();
    }
    const [queue] = [...broker.queues()].filter(({ name }) => name === "q");
    assertGreater(queue!.messagesReady, HELD_MAX);
    // the other one gets its own meanwhile
    void channel.basicPublish({ routingKey: "other" }, "asked");
    assertEquals(await asked.promise, "asked");
    goes.resolve();
    await done.promise;
    assertEquals(taken, Array.from({ length: count }, (_, number) => `${number}`));
  }
});

Deno.test("in process, what is taken of a consumer that was cancelled does not let one go on that has its tag", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  for (const queue of ["q", "other"]) await channel.queueDeclare(queue);
  // nothing but the iterators' own bounds holds them up
  await channel.basicConsume("other", { noAck: true }, () => {});
  const count = 4 * HELD_MAX;
  for (let number = 0; number < count; number++) {
    void channel.basicPublish({ routingKey: "q" }, `${number}`);
    if (number % 1000 === 0) await pollSockets();
  }
  const left = () => [...broker.queues()].find(({ name }) => name === "q")!.messagesReady;
  const options = { noAck: true, consumerTag: "c" };
  const former = await channel.basicConsume("q", options);
  while (left() >= count - HELD_MAX) await pollSockets();
  await former.cancel();
  const latter = await channel.basicConsume("q", options);
  while (left() >= count - 2 * HELD_MAX) await pollSockets();
  const before = left();
  const taken: string[] = [];
  // it was cancelled, so it ends
  for await (const delivery of former) taken.push(delivery.text());
  await pollSockets();
  assertEquals(left(), before);
  while (taken.length < count) taken.push((await latter.next()).value!.text());
  assertEquals(taken, Array.from({ length: count }, (_, number) => `${number}`));
});
