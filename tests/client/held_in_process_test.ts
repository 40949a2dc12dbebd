import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { pollSockets } from "../../broker/amqp/turn.ts";
import { Broker, type Connection } from "../../mod.ts";

/** So many deliveries that nobody has taken are enough. */
const HELD_MAX = 4096;

/** A user who takes nothing until he is let go, and then all. */
class Behind {
  readonly count: number = 3 * HELD_MAX;
  readonly #taken: string[] = [];
  readonly #goes = Promise.withResolvers<void>();
  readonly #done = Promise.withResolvers<void>();

  /** True when he has taken all. */
  get isDone(): boolean {
    return this.#taken.length === this.count;
  }

  /** Resolves when he is let go. */
  get goes(): Promise<void> {
    return this.#goes.promise;
  }

  async take(text: string): Promise<void> {
    await this.goes;
    this.#taken.push(text);
    if (this.isDone) this.#done.resolve();
  }

  /** Takes what a consumer with a handler gets. */
  async handle(connection: Connection): Promise<void> {
    const options = { queue: "q", noAck: true, prefetch: 0 } as const;
    await connection.consumer(options, async ({ delivery }) => await this.take(delivery.text()));
  }

  /** Lets him go, and sees that he gets all, in order. */
  async getsAll(): Promise<void> {
    this.#goes.resolve();
    await this.#done.promise;
    assertEquals(this.#taken, Array.from({ length: this.count }, (_, number) => `${number}`));
  }
}

Deno.test("in process, what a consumer is behind with waits in its queue, whatever its connection publishes", async () => {
  for (const way of ["iterator", "consumer"]) {
    await using broker = new Broker();
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    await channel.queueDeclare("q");
    await channel.confirmSelect();
    const consumers = await connection.openChannel();
    const user = new Behind();
    const { count } = user;
    if (way === "iterator") {
      const iterable = await consumers.basicConsume("q", { noAck: true });
      void (async () => {
        for await (const delivery of iterable) {
          await user.take(delivery.text());
          if (user.isDone) return;
        }
      })();
    } else await user.handle(connection);
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
    await user.getsAll();
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
    const user = new Behind();
    const { count } = user;
    if (way === "iterator") {
      const iterable = await channel.basicConsume("q", { noAck: true });
      void (async () => {
        await user.goes;
        for await (const delivery of iterable) await user.take(delivery.text());
      })();
    } else await user.handle(connection);
    for (let number = 0; number < count; number++) {
      void channel.basicPublish({ routingKey: "q" }, `${number}`);
      if (number % 1000 === 0) await pollSockets();
    }
    const [queue] = [...broker.queues()].filter(({ name }) => name === "q");
    assertGreater(queue!.messagesReady, HELD_MAX);
    // the other one gets its own meanwhile
    void channel.basicPublish({ routingKey: "other" }, "asked");
    assertEquals(await asked.promise, "asked");
    await user.getsAll();
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
