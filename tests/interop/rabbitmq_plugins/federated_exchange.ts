/**
 * A RabbitMQ federates an exchange with this broker upstream: what is published here reaches those who are
 * bound there, and nothing else crosses.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Connection } from "../../../mod.ts";
import {
  assertUnchanged,
  BROKER_URL,
  connection,
  publishNumbers,
  rabbitmqWith,
} from "./support.ts";

const COUNT = 1000;
const POLL_MS = 50;
const exchange = `federated-${crypto.randomUUID()}`;

await using stack = new AsyncDisposableStack();
const { server, url } = await rabbitmqWith(stack, "rabbitmq_federation");
const upstream = await connection(stack, BROKER_URL);
const downstream = await connection(stack, url);

await (await upstream.openChannel()).exchangeDeclare(exchange, "topic", { durable: true });
const channel = await downstream.openChannel();
await channel.exchangeDeclare(exchange, "topic", { durable: true });
const { queue } = await channel.queueDeclare("", { exclusive: true });
await channel.queueBind({ queue, exchange, routingKey: "weather.#" });
await server.control(
  ...["set_parameter", "federation-upstream", "warren"],
  JSON.stringify({ uri: BROKER_URL, expires: 3_600_000 }),
);
await server.control(
  ...["set_policy", "--apply-to", "exchanges", "federated", `^${exchange}$`],
  JSON.stringify({ "federation-upstream-set": "all" }),
);

await untilBound(upstream, "weather.probe", true);
assertEquals(await isRouted(upstream, "sports.probe"), false);
await publishNumbers(upstream, { exchange, routingKey: "weather.today" }, COUNT);
let number = 0;
for await (const delivery of await channel.basicConsume(queue, { noAck: true })) {
  if (delivery.routingKey === "weather.probe") continue;
  assertEquals(delivery.text(), `${number}`);
  assertUnchanged(delivery.properties, number);
  assertEquals(Object.hasOwn(delivery.properties.headers ?? {}, "x-received-from"), true);
  if (++number === COUNT) break;
}

await channel.queueUnbind({ queue, exchange, routingKey: "weather.#" });
await untilBound(upstream, "weather.probe", false);
await server.control("clear_policy", "federated");
await (await upstream.openChannel()).exchangeDelete(exchange);

/** The link binds and unbinds in its own time, and tells nobody. */
async function untilBound(
  connection: Connection,
  routingKey: string,
  bound: boolean,
): Promise<void> {
  while (await isRouted(connection, routingKey) !== bound) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function isRouted(connection: Connection, routingKey: string): Promise<boolean> {
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  let routed = true;
  channel.onReturn = () => routed = false;
  await channel.basicPublish({ exchange, routingKey, mandatory: true }, "probe");
  await channel.close();
  return routed;
}
