import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { Broker, type Channel, connect } from "../../mod.ts";
import { ManagedBroker } from "../management/support.ts";

const NAME = "rabbit@burrow";

/** What the messages of a queue say of the node. */
async function nodesOf(channel: Channel, queue: string): Promise<unknown[]> {
  const nodes = [];
  for (;;) {
    const delivery = await channel.basicGet(queue, { noAck: true });
    if (delivery === undefined) return nodes;
    nodes.push(delivery.properties.headers?.["node"]);
  }
}

Deno.test("a node's name is told wherever RabbitMQ tells it", async () => {
  await using managed = new ManagedBroker({ nodeName: NAME, channelMaxPerNode: 1 });
  const { broker } = managed;
  assertEquals(broker.node().name, NAME);
  assertEquals((await managed.get(`/nodes/${NAME}`)).name, NAME);
  assertEquals((await managed.ask("GET", "/nodes/warren@localhost")).status, 404);
  assertEquals((await managed.get("/overview")).node, NAME);
  // unless it is called otherwise
  assertEquals((await managed.get("/cluster-name")).name, NAME);

  const server = await broker.listen({ port: 0 });
  await using outside = await connect(`amqp://localhost:${server.port}`);
  assertEquals(outside.serverProperties["cluster_name"], NAME);
  await outside.openChannel();
  const error = await assertRejects(() => outside.openChannel(), Error);
  assertMatch(error.message, /on node 'rabbit@burrow' has reached the maximum allowed limit of 1/);
});

Deno.test("events, log lines and traced messages tell the node's name", async () => {
  await using broker = new Broker({ nodeName: NAME });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  for (const exchange of ["amq.rabbitmq.event", "amq.rabbitmq.log", "amq.rabbitmq.trace"]) {
    const { queue } = await channel.queueDeclare(exchange.replaceAll(".", "-"));
    await channel.queueBind({ queue, exchange, routingKey: "#" });
  }
  broker.setTracing("/", true);
  await channel.basicPublish({ routingKey: "nowhere" }, "traced");
  const failing = await connection.openChannel();
  await failing.queueDeclare("not there", { passive: true }).catch(() => {});
  broker.setTracing("/", false);
  for (const queue of ["amq-rabbitmq-event", "amq-rabbitmq-log", "amq-rabbitmq-trace"]) {
    assertEquals([...new Set(await nodesOf(channel, queue))], [NAME], queue);
  }
});

Deno.test("what Erlang could not call a node is no node's name", () => {
  for (const nodeName of ["", "rabbit", "@burrow", "rabbit@", "a@b@c", "a b@c", "a@b/c"]) {
    assertThrows(() => new Broker({ nodeName }), TypeError, "not such as rabbit@burrow");
  }
  assertThrows(() => new Broker({ nodeName: `${"a".repeat(255)}@b` }), TypeError);
});
