import { assertEquals, assertRejects } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { DefinitionError } from "../../broker/policy/error.ts";

Deno.test("vhostMax is how many vhosts there may be", async () => {
  await using broker = new Broker({ vhostMax: 2 });
  await broker.addVhost("a");
  await assertRejects(
    () => broker.addVhost("b"),
    DefinitionError,
    "cannot create vhost 'b': vhost limit of 2 is reached",
  );
  // what is there may be changed, and its place be had by another one
  await broker.addVhost("a", { description: "first" });
  await broker.deleteVhost("a");
  await broker.addVhost("b");
  assertEquals(broker.vhosts().map(({ name }) => name), ["/", "b"]);
});

Deno.test("defaultQueueType is what queues are in vhosts that do not say it", async () => {
  await using broker = new Broker({ defaultQueueType: "quorum" });
  assertEquals(broker.node().defaultQueueType, "quorum");
  await broker.addVhost("v", { defaultQueueType: "classic" });
  for (const vhost of ["/", "v"]) {
    await using connection = await broker.connect({ vhost });
    const channel = await connection.openChannel();
    await channel.queueDeclare("q", { durable: true });
    await channel.queueDeclare("mine", { exclusive: true });
    await channel.queueDeclare("s", { durable: true, arguments: { "x-queue-type": "stream" } });
    const { queues } = await broker.snapshot({ only: ["queues"] });
    const types = queues.filter((queue) => queue.vhost === vhost)
      .map(({ name, type }) => [name, type]).sort();
    assertEquals(types, [
      ["mine", "classic"],
      ["q", vhost === "/" ? "quorum" : "classic"],
      ["s", "stream"],
    ]);
  }
});

Deno.test("clients are told what operators call the broker", async () => {
  await using broker = new Broker();
  await broker.setGlobalParameter("cluster_name", "burrow");
  await using connection = await broker.connect();
  assertEquals(connection.serverProperties["cluster_name"], "burrow");
});
