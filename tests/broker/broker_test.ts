import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { Broker } from "../../broker/broker.ts";
import { connect } from "../../client/connect.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

Deno.test("Broker.connect() and connect() reach the same queues", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  await using here = await broker.connect();
  await using there = await connect(`amqp://guest:guest@127.0.0.1:${server.port}`);
  const [one, other] = [await here.openChannel(), await there.openChannel()];
  await one.queueDeclare("q");
  await other.basicPublish({ routingKey: "q" }, "over the wire");
  assertEquals((await other.queueDeclare("q")).messageCount, 1);
  assertEquals((await one.basicGet("q", { noAck: true }))?.text(), "over the wire");
  await one.basicPublish({ routingKey: "q" }, "from here");
  assertEquals((await other.basicGet("q", { noAck: true }))?.text(), "from here");
});

Deno.test("Broker keeps its vhosts apart", async () => {
  await using broker = new Broker({ vhosts: ["/", "staging"] });
  await using production = await broker.connect();
  await using staging = await broker.connect({ vhost: "staging" });
  const channels = [await production.openChannel(), await staging.openChannel()] as const;
  for (const channel of channels) await channel.queueDeclare("q");
  await channels[0].basicPublish({ routingKey: "q" }, "real");
  assertEquals((await channels[1].queueDeclare("q")).messageCount, 0);
  assertEquals((await channels[0].queueDeclare("q")).messageCount, 1);
});

Deno.test("Broker.connect() refuses a vhost that there is not, and any once it is closed", async () => {
  const broker = new Broker();
  const missing = await assertRejects(() => broker.connect({ vhost: "nope" }), AmqpError);
  assertEquals(missing.message, "NOT_ALLOWED - vhost nope not found");
  await broker.close();
  assertEquals((await assertRejects(() => broker.connect(), AmqpError)).replyCode, 320);
  await assertRejects(() => broker.listen({ port: 0 }), TypeError, "broker is closed");
  await broker.close();
});

Deno.test("Broker.close() ends connections in this process and over the wire", async () => {
  const broker = new Broker();
  const server = await broker.listen({ port: 0 });
  const connections = [
    await broker.connect(),
    await connect(`amqp://guest:guest@127.0.0.1:${server.port}`, { recovery: false }),
  ];
  await broker.close();
  for (const connection of connections) {
    const reason = await connection.closed;
    assertEquals(
      reason?.message,
      "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'",
    );
  }
  await assertRejects(
    () => Deno.connect({ hostname: "127.0.0.1", port: server.port }),
    Deno.errors.ConnectionRefused,
  );
});

Deno.test("A server that closes ends the connections that came through it alone", async () => {
  await using broker = new Broker();
  const server = await broker.listen({ port: 0 });
  await using other = await broker.listen({ port: 0 });
  const uri = (port: number) => `amqp://guest:guest@127.0.0.1:${port}`;
  const through = await connect(uri(server.port), { recovery: false });
  await using beside = await connect(uri(other.port), { recovery: false });
  await using local = await broker.connect();
  await server.close();
  await server.close();
  assertMatch((await through.closed)?.message ?? "", /^CONNECTION_FORCED/);
  for (const connection of [beside, local]) await connection.openChannel();
});

Deno.test("Broker has many connections in its life and forgets each of them", async () => {
  const logger = new RecordingLogger();
  await using broker = new Broker({ logger });
  await using server = await broker.listen({ port: 0 });
  for (let count = 0; count < 20; count++) {
    await using connection = count % 2 === 0
      ? await broker.connect()
      : await connect(`amqp://guest:guest@127.0.0.1:${server.port}`, { recovery: false });
    const channel = await connection.openChannel();
    await channel.queueDeclare("mine", { exclusive: true });
  }
  assertEquals(logger.of("error"), []);
  assertEquals(logger.of("warning"), []);
});
