import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { Broker, connect } from "../../mod.ts";
import { connect as connectToWebSocket } from "../../client/websocket.ts";
import { behaviour } from "./behaviour.ts";

for (const { name, run } of behaviour) {
  Deno.test(`in process: ${name}`, async () => {
    await using broker = new Broker();
    await run(() => broker.connect());
  });

  Deno.test(`over TCP: ${name}`, async () => {
    await using broker = new Broker();
    await using server = await broker.listen({ port: 0 });
    await run(() => connect({ hostname: "127.0.0.1", port: server.port }));
  });

  Deno.test(`over WebSocket: ${name}`, async () => {
    await using broker = new Broker();
    await using server = await broker.listen({ websocket: true, port: 0 });
    await run(() => connectToWebSocket(server.url));
  });
}

Deno.test("both kinds of client see each other's messages as they are", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  await using near = await broker.connect();
  await using far = await connect({ hostname: "127.0.0.1", port: server.port });
  const channels = [await near.openChannel(), await far.openChannel()] as const;
  await channels[0].queueDeclare("q");
  const properties = { headers: { list: [1, "a", { b: null }] }, messageId: "m", priority: 1 };
  for (const [from, to] of [channels, [channels[1], channels[0]]] as const) {
    await from.confirmSelect();
    for (const size of [0, 10, 5000]) {
      const body = new Uint8Array(size).fill(size);
      await from.basicPublish({ routingKey: "q", properties }, body);
      const delivery = await to.basicGet("q", { noAck: true });
      assertEquals(delivery?.properties, properties);
      assertEquals(delivery?.body, body);
    }
  }
});

Deno.test("a page connects to the first WebSocket that answers, and goes over to the next", async () => {
  await using first = new Broker();
  await using second = new Broker();
  const listeners = await Promise.all(
    [first, second].map((broker) => broker.listen({ websocket: true, port: 0 })),
  );
  const urls = listeners.map(({ url }) => url);
  await using connection = await connectToWebSocket(urls, { recovery: { initialDelayMs: 0 } });
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const recovered = new Promise<string>((resolve) => {
    connection.on("recovered", ({ host }) => resolve(host));
  });
  await first.close();
  assertEquals(`${new URL(await recovered)}`, `${new URL(urls[1]!)}`);
  assertEquals([...second.queues()].length, 1);
  await assertRejects(() => connectToWebSocket([]), TypeError, "list of addresses is empty");
});

Deno.test("a broker that closes tells its clients 320", async () => {
  const broker = new Broker();
  const server = await broker.listen({ port: 0 });
  const near = await broker.connect();
  const far = await connect({ hostname: "127.0.0.1", port: server.port, recovery: false });
  const channels = [await near.openChannel(), await far.openChannel()];
  await broker.close();
  for (const connection of [near, far]) {
    const reason = await connection.closed;
    assertInstanceOf(reason, AmqpError);
    assertEquals(reason.replyCode, 320);
    await connection.close();
  }
  for (const channel of channels) {
    await assertRejects(() => channel.queueDeclare(), AmqpError, "CONNECTION_FORCED");
  }
});

Deno.test("connect() with a wrong password rejects with 403", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  const address = `amqp://guest:wrong@127.0.0.1:${server.port}`;
  const error = await assertRejects(() => connect(address), AmqpError, "Login was refused");
  assertEquals(error.replyCode, 403);
});

Deno.test("connect() to a missing vhost rejects with 530", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  const address = `amqp://127.0.0.1:${server.port}/nope`;
  const error = await assertRejects(() => connect(address), AmqpError, "vhost nope not found");
  assertEquals([error.replyCode, error.classId, error.methodId], [530, 10, 40]);
});
