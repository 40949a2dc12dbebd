/**
 * What was found for an address is not looked for again (`vhost/lane.ts`): whatever changes in between must
 * be seen by the next message.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Broker, type Channel, connect } from "@warren/amqp";

/** So often that the address is known. */
const OFTEN = 4;

async function start() {
  const stack = new AsyncDisposableStack();
  const broker = stack.use(new Broker());
  const { url } = stack.use(await broker.listen({ port: 0 }));
  const open = async (path = "") => {
    const channel = await stack.use(await connect(url + path)).openChannel();
    await channel.confirmSelect();
    return channel;
  };
  return { broker, open, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Publishes in one turn, so that they come in one read, and tells how many came back. */
async function publish(channel: Channel, exchange: string, routingKey = "q"): Promise<number> {
  let returned = 0;
  channel.onReturn = () => returned++;
  const published: (Promise<void> | undefined)[] = [];
  for (let count = 0; count < OFTEN; count++) {
    published.push(channel.basicPublish({ exchange, routingKey, mandatory: true }, "body"));
  }
  await Promise.all(published);
  return returned;
}

for (const exchange of ["", "amq.direct"]) {
  const name = exchange || "the default exchange";

  Deno.test(`messages for a queue that is gone are returned, and the next one gets them: ${name}`, async () => {
    await using set = await start();
    const channel = await set.open();
    const declare = async () => {
      await channel.queueDeclare("q");
      if (exchange !== "") await channel.queueBind({ queue: "q", exchange, routingKey: "q" });
    };
    assertEquals(await publish(channel, exchange), OFTEN);
    for (let round = 0; round < 3; round++) {
      await declare();
      assertEquals(await publish(channel, exchange), 0);
      assertEquals(await publish(channel, exchange), 0);
      assertEquals((await channel.queueDelete("q")).messageCount, 2 * OFTEN);
      assertEquals(await publish(channel, exchange), OFTEN);
    }
  });

  Deno.test(`the same address is another one in another vhost: ${name}`, async () => {
    await using set = await start();
    set.broker.addVhost("other");
    const all = { configure: ".*", write: ".*", read: ".*" };
    await set.broker.setPermissions({ user: "guest", vhost: "other", ...all });
    const channels = [await set.open(), await set.open("/other")];
    for (const channel of channels) {
      await channel.queueDeclare("q");
      if (exchange !== "") await channel.queueBind({ queue: "q", exchange, routingKey: "q" });
    }
    for (let round = 0; round < 3; round++) {
      for (const channel of channels) assertEquals(await publish(channel, exchange), 0);
    }
    for (const channel of channels) {
      assertEquals((await channel.queueDelete("q")).messageCount, 3 * OFTEN);
    }
    for (const channel of channels) assertEquals(await publish(channel, exchange), OFTEN);
  });
}

Deno.test("a queue that deletes itself gets nothing more, and counts are of all messages", async () => {
  await using set = await start();
  const channel = await set.open();
  await channel.queueDeclare("q", { autoDelete: true });
  const consumer = await channel.basicConsume("q", { noAck: true }, () => {});
  assertEquals(await publish(channel, ""), 0);
  await consumer.cancel();
  assertEquals(await publish(channel, ""), OFTEN);
  const { values } = [...set.broker.meters("exchange")].find(({ name }) => name === "")!;
  assertEquals([values["publishIn"], values["publishOut"]], [2 * OFTEN, OFTEN]);
});
