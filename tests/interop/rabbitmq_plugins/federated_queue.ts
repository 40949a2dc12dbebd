/**
 * A RabbitMQ federates a queue with one of this broker: who consumes there gets what waits here.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  assertUnchanged,
  BROKER_URL,
  connection,
  publishNumbers,
  rabbitmqWith,
} from "./support.ts";

const COUNT = 1000;
const queue = `federated-${crypto.randomUUID()}`;

await using stack = new AsyncDisposableStack();
const { server, url } = await rabbitmqWith(stack, "rabbitmq_federation");
const upstream = await connection(stack, BROKER_URL);
const downstream = await connection(stack, url);

await (await upstream.openChannel()).queueDeclare(queue, { durable: true });
await publishNumbers(upstream, { routingKey: queue }, COUNT);
await server.control(
  ...["set_parameter", "federation-upstream", "warren"],
  JSON.stringify({ uri: BROKER_URL }),
);
await server.control(
  ...["set_policy", "--apply-to", "queues", "federated", `^${queue}$`],
  JSON.stringify({ "federation-upstream-set": "all" }),
);

const channel = await downstream.openChannel();
await channel.queueDeclare(queue, { durable: true });
let number = 0;
for await (const delivery of await channel.basicConsume(queue)) {
  assertEquals(delivery.text(), `${number}`);
  assertUnchanged(delivery.properties, number);
  delivery.ack();
  if (++number === COUNT) break;
}
await server.control("clear_policy", "federated");
await (await upstream.openChannel()).queueDelete(queue);
