/**
 * RabbitMQ's shovel moves what waits in a RabbitMQ to this broker: in order, unchanged, and at an end when
 * all of it has gone, as one does who comes from RabbitMQ.
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

const COUNT = 2000;
const queue = `shovelled-${crypto.randomUUID()}`;

await using stack = new AsyncDisposableStack();
const { server, url } = await rabbitmqWith(stack, "rabbitmq_shovel");
const from = await connection(stack, url);
const to = await connection(stack, BROKER_URL);

await (await from.openChannel()).queueDeclare(queue, { durable: true });
await publishNumbers(from, { routingKey: queue }, COUNT);
const shovel = {
  "src-uri": url,
  "src-queue": queue,
  "src-delete-after": "queue-length",
  "dest-uri": BROKER_URL,
  "dest-queue": queue,
  "ack-mode": "on-confirm",
};
await server.control("set_parameter", "shovel", "in", JSON.stringify(shovel));

const channel = await to.openChannel();
await channel.queueDeclare(queue, { durable: true });
let number = 0;
for await (const delivery of await channel.basicConsume(queue)) {
  assertEquals(delivery.text(), `${number}`);
  assertUnchanged(delivery.properties, number);
  delivery.ack();
  if (++number === COUNT) break;
}
await channel.queueDelete(queue);
