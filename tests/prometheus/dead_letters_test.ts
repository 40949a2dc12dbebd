import { assertEquals } from "@std/assert";
import { connect } from "../../mod.ts";
import { ExposedBroker } from "./support.ts";

/** What is counted of one kind of queues: full, expired, rejected, delivered too often, confirmed. */
const REASONS = ["maxlen", "expired", "rejected", "delivery_limit", "confirmed"];

Deno.test("dead messages are counted by type of queue, strategy and reason", async () => {
  await using exposed = new ExposedBroker();
  const { broker } = exposed;
  await using server = await broker.listen({ port: 0 });
  await using connection = await connect(`amqp://127.0.0.1:${server.port}`, { recovery: false });
  const channel = await connection.openChannel();
  const told = async (type: string, strategy: string) => {
    const labels = `{queue_type="rabbit_${type}_queue",dead_letter_strategy="${strategy}"}`;
    const values = await exposed.values("/metrics");
    return values.pick(
      ...REASONS.map((reason) => `rabbitmq_global_messages_dead_lettered_${reason}_total${labels}`),
    );
  };
  assertEquals(await told("classic", "disabled"), [0, 0, 0, undefined, undefined]);
  assertEquals(await told("classic", "at_most_once"), [0, 0, 0, undefined, undefined]);
  assertEquals(await told("classic", "at_least_once"), REASONS.map(() => undefined));
  assertEquals(await told("quorum", "disabled"), [0, 0, 0, 0, undefined]);
  assertEquals(await told("quorum", "at_least_once"), [undefined, 0, 0, 0, 0]);

  await channel.confirmSelect();
  const reject = async (queue: string) =>
    (await channel.basicGet(queue))!.reject({ requeue: false });
  await channel.queueDeclare("dead", { durable: true });
  await channel.queueDeclare("plain", { arguments: { "x-max-length": 1 } });
  for (let count = 0; count < 3; count++) await channel.basicPublish({ routingKey: "plain" }, "x");
  await reject("plain");
  await channel.basicPublish({ routingKey: "plain", properties: { expiration: "0" } }, "x");
  const dead = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead" };
  await channel.queueDeclare("lettered", { arguments: dead });
  for (let count = 0; count < 2; count++) {
    await channel.basicPublish({ routingKey: "lettered" }, "x");
    await reject("lettered");
  }
  await channel.queueDeclare("kept", {
    durable: true,
    arguments: {
      ...dead,
      "x-queue-type": "quorum",
      "x-dead-letter-strategy": "at-least-once",
      "x-overflow": "reject-publish",
      "x-delivery-limit": 1,
    },
  });
  await channel.basicPublish({ routingKey: "kept" }, "x");
  for (let count = 0; count < 2; count++) (await channel.basicGet("kept"))!.nack({ requeue: true });
  // what was sent before has been done by then
  await channel.queueDeclare("dead", { durable: true });
  assertEquals(await told("classic", "disabled"), [2, 1, 1, undefined, undefined]);
  assertEquals(await told("classic", "at_most_once"), [0, 0, 2, undefined, undefined]);
  assertEquals(await told("quorum", "at_least_once"), [undefined, 0, 0, 1, 1]);
  await channel.queueDelete("plain");
  assertEquals(await told("classic", "disabled"), [2, 1, 1, undefined, undefined]);
});
