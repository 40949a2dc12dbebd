/**
 * What is to be true or false and is neither, such as `"false"`, is refused wherever it is given: it
 * would be one of them all the same, and mostly the wrong one.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import { Broker, type Channel, type Connection, type Delivery } from "../../mod.ts";

type Give = (flag: object, on: Given) => unknown;
interface Given {
  readonly connection: Connection;
  readonly channel: Channel;
  readonly delivery: Delivery;
}

const GIVEN: readonly (readonly [string, readonly string[], Give])[] = [
  ["publisher()", ["mandatory", "confirm"], (flag, { connection }) => connection.publisher(flag)],
  ["publish()", ["mandatory", "transfer"], async (flag, { connection }) => {
    await using publisher = await connection.publisher({ routingKey: "q" });
    await publisher.publish("x", flag);
  }],
  [
    "consumer()",
    ["noAck", "exclusive"],
    (flag, { connection }) => connection.consumer({ queue: "q", ...flag }),
  ],
  [
    "serve()",
    ["passive", "durable", "exclusive", "autoDelete"],
    (flag, { connection }) => connection.serve("calls", () => 1, { queueOptions: flag }),
  ],
  [
    "queueDeclare()",
    ["passive", "durable", "exclusive", "autoDelete"],
    (flag, { channel }) => channel.queueDeclare("new", flag),
  ],
  ["queueDelete()", ["ifUnused", "ifEmpty"], (flag, { channel }) => channel.queueDelete("q", flag)],
  [
    "exchangeDeclare()",
    ["passive", "durable", "autoDelete", "internal"],
    (flag, { channel }) => channel.exchangeDeclare("new", "fanout", flag),
  ],
  [
    "exchangeDelete()",
    ["ifUnused"],
    (flag, { channel }) => channel.exchangeDelete("amq.fanout", flag),
  ],
  [
    "basicQos()",
    ["global"],
    (flag, { channel }) => channel.basicQos({ prefetchCount: 1, ...flag }),
  ],
  [
    "basicPublish()",
    ["mandatory", "immediate", "transfer"],
    (flag, { channel }) => channel.basicPublish({ routingKey: "q", ...flag }, "x"),
  ],
  [
    "basicConsume()",
    ["noAck", "exclusive", "noLocal"],
    (flag, { channel }) => channel.basicConsume("q", flag),
  ],
  ["basicGet()", ["noAck"], (flag, { channel }) => channel.basicGet("q", flag)],
  ["basicAck()", ["multiple"], (flag, { channel }) => channel.basicAck(1, flag)],
  ["basicNack()", ["multiple", "requeue"], (flag, { channel }) => channel.basicNack(1, flag)],
  ["basicReject()", ["requeue"], (flag, { channel }) => channel.basicReject(1, flag)],
  ["basicRecover()", ["requeue"], (flag, { channel }) => channel.basicRecover(flag)],
  [
    "channelFlow()",
    ["active"],
    (flag, { channel }) => channel.channelFlow(flag as { readonly active: boolean }),
  ],
  ["ack()", ["multiple"], (flag, { delivery }) => delivery.ack(flag)],
  ["nack()", ["multiple", "requeue"], (flag, { delivery }) => delivery.nack(flag)],
  ["reject()", ["requeue"], (flag, { delivery }) => delivery.reject(flag)],
];

Deno.test("a flag that is neither true nor false is refused by every call that takes one", async (t) => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  await channel.queueDeclare("held");
  await channel.basicPublish({ routingKey: "held" }, "x");
  const delivery = (await channel.basicGet("held"))!;
  for (const [call, flags, give] of GIVEN) {
    await t.step(call, async () => {
      for (const flag of flags) {
        for (const value of ["false", "yes", 0, 1, null, {}]) {
          await assertRejects(
            async () => await give({ [flag]: value }, { connection, channel, delivery }),
            TypeError,
            `${flag} is ${
              value === null ? "null" : value instanceof Object ? "Object" : typeof value
            }, not true or false`,
          );
        }
      }
    });
  }
  // nothing came of any of them
  assertEquals(delivery.settled, false);
  const { messageCount, consumerCount } = await channel.queueDeclare("q", { passive: true });
  assertEquals([messageCount, consumerCount], [0, 0]);
  assertEquals([...broker.queues()].map(({ name }) => name).sort(), ["held", "q"]);
});
