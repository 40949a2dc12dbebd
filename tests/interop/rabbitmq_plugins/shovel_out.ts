/**
 * RabbitMQ's shovel moves what waits here to a RabbitMQ, while this broker is killed in the middle: what was
 * on its way may come twice, and nothing is lost.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { BROKER_URL, connection, publishNumbers, rabbitmqWith } from "./support.ts";

const COUNT = 20_000;
const queue = `shovelled-${crypto.randomUUID()}`;

await using stack = new AsyncDisposableStack();
const { server, url } = await rabbitmqWith(stack, "rabbitmq_shovel");
const from = await connection(stack, BROKER_URL);
const to = await connection(stack, url);

await (await from.openChannel()).queueDeclare(queue, { durable: true });
await publishNumbers(from, { routingKey: queue }, COUNT);
const channel = await to.openChannel();
await channel.queueDeclare(queue, { durable: true });
const shovel = {
  "src-uri": BROKER_URL,
  "src-queue": queue,
  "dest-uri": url,
  "dest-queue": queue,
  "ack-mode": "on-confirm",
  "reconnect-delay": 1,
};
await server.control("set_parameter", "shovel", "out", JSON.stringify(shovel));

const seen = new Set<number>();
let killed: Promise<Response> | undefined;
for await (const delivery of await channel.basicConsume(queue, { noAck: true })) {
  seen.add(Number(delivery.text()));
  if (seen.size === COUNT / 10) {
    killed = fetch(`${Deno.env.get("INTEROP_CONTROL_URL")}kill`, { method: "POST" });
  }
  if (seen.size === COUNT) break;
}
const { status } = await killed!;
assertEquals(status, 204);
assert(seen.has(0) && seen.has(COUNT - 1));
await server.control("clear_parameter", "shovel", "out");
await (await from.openChannel()).queueDelete(queue);
