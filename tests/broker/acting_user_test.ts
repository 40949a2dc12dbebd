import { assertEquals } from "@std/assert";
import { Broker, type BrokerEventName } from "../../broker/mod.ts";
import { ManagedBroker } from "../management/support.ts";
import { endOfTurn } from "../support/end_of_turn.ts";

/** What happened, each with the name of whose doing it was. */
function follow(broker: Broker, ...names: readonly BrokerEventName[]): string[] {
  const told: string[] = [];
  for (const name of names) {
    broker.on(name, (fields, _time, user) => {
      const subject = "consumerTag" in fields
        ? fields.consumerTag
        : "name" in fields
        ? fields.name
        : "";
      told.push(`${name} ${subject} by ${user}`);
    });
  }
  return told;
}

Deno.test("what a client declares, deletes and leaves behind is told as its user's doing", async () => {
  await using broker = new Broker();
  await broker.addUser("ann", { password: "x" });
  await broker.setPermissions({ user: "ann", configure: ".*", write: ".*", read: ".*" });
  const told = follow(
    broker,
    ...["queue.created", "queue.deleted", "exchange.created", "exchange.deleted"] as const,
    ...["binding.created", "consumer.created", "consumer.deleted", "channel.closed"] as const,
  );
  const connection = await broker.connect({ user: "ann" });
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("e", "fanout");
  await channel.queueDeclare("q");
  await channel.queueBind({ queue: "q", exchange: "e" });
  await channel.queueDelete("q");
  await channel.exchangeDelete("e");
  await channel.queueDeclare("auto", { autoDelete: true });
  await channel.basicConsume("auto", { consumerTag: "t" }, () => {});
  await channel.basicCancel("t");
  const other = await connection.openChannel();
  await other.queueDeclare("late", { autoDelete: true });
  await other.basicConsume("late", { consumerTag: "u" }, () => {});
  await other.close();
  await channel.queueDeclare("mine", { exclusive: true });
  await connection.close();
  await endOfTurn();
  assertEquals(told, [
    "exchange.created e by ann",
    "queue.created q by ann",
    "binding.created  by ann",
    "queue.deleted q by ann",
    "exchange.deleted e by ann",
    "queue.created auto by ann",
    "consumer.created t by ann",
    "queue.deleted auto by ann",
    "consumer.deleted t by ann",
    "queue.created late by ann",
    "consumer.created u by ann",
    "queue.deleted late by ann",
    "consumer.deleted u by ann",
    "channel.closed  by ann",
    "queue.created mine by ann",
    "channel.closed  by ann",
    "queue.deleted mine by ann",
  ]);
});

Deno.test("what a program does by itself is nobody's doing, unless it says whose", async () => {
  await using broker = new Broker();
  const told = follow(broker, "vhost.created", "queue.created");
  await broker.addVhost("v");
  await Promise.all([
    broker.attributeTo("ann", async () => {
      await broker.addVhost("w");
      await broker.declareQueue({ queue: "a" });
    }),
    broker.attributeTo("bob", () => broker.addVhost("x")),
    broker.addVhost("y"),
  ]);
  await endOfTurn();
  assertEquals(told.toSorted(), [
    "queue.created a by ann",
    "vhost.created v by undefined",
    "vhost.created w by ann",
    "vhost.created x by bob",
    "vhost.created y by undefined",
  ]);
});

Deno.test("what is asked for over HTTP is told as the doing of who asked", async () => {
  await using managed = new ManagedBroker();
  const { broker } = managed;
  await broker.addUser("ops", { password: "o", tags: ["administrator"] });
  await broker.setPermissions({ user: "ops", configure: ".*", write: ".*", read: ".*" });
  await endOfTurn();
  const told = follow(
    broker,
    ...["user.created", "user.deleted", "policy.set", "queue.created", "queue.deleted"] as const,
    ...["vhost.created", "user.tags.set", "policy.cleared", "exchange.created"] as const,
  );
  const asking = { user: "ops:o" };
  for (
    const [method, path, body] of [
      ["PUT", "/users/ann", { password: "x", tags: "monitoring" }],
      ["PUT", "/vhosts/v", {}],
      ["PUT", "/policies/%2F/p", { pattern: "x", definition: { "max-length": 1 } }],
      ["DELETE", "/policies/%2F/p", undefined],
      ["PUT", "/queues/%2F/q", {}],
      ["PUT", "/exchanges/%2F/e", { type: "topic" }],
      ["DELETE", "/queues/%2F/q", undefined],
      ["DELETE", "/users/ann", undefined],
    ] as const
  ) {
    const { status } = await managed.ask(method, path, { ...asking, body });
    assertEquals(status < 300, true, `${method} ${path}: ${status}`);
  }
  await endOfTurn();
  assertEquals(told, [
    "user.created ann by ops",
    "user.tags.set ann by ops",
    "vhost.created v by ops",
    "policy.set p by ops",
    "policy.cleared p by ops",
    "queue.created q by ops",
    "exchange.created e by ops",
    "queue.deleted q by ops",
    "user.deleted ann by ops",
  ]);
});

Deno.test("events tell by a header whose doing they were, as RabbitMQ's do", async () => {
  await using broker = new Broker();
  const connection = await broker.connect();
  const channel = await connection.openChannel();
  const { queue } = await channel.queueDeclare("", { exclusive: true });
  await channel.queueBind({ queue, exchange: "amq.rabbitmq.event", routingKey: "#" });
  await broker.addUser("ann", { password: "x", tags: ["management"] });
  await broker.setPermissions({ user: "ann", configure: ".*", write: ".*", read: ".*" });
  await broker.attributeTo("ops", () => broker.addVhost("v"));
  const hers = await broker.connect({ user: "ann" });
  const other = await hers.openChannel();
  await other.queueDeclare("q");
  await hers.close();
  broker.setMemoryHighWatermark(0);
  const told = new Map<string, unknown>();
  for (
    let delivery = await channel.basicGet(queue, { noAck: true });
    delivery !== undefined;
    delivery = await channel.basicGet(queue, { noAck: true })
  ) {
    told.set(delivery.routingKey, delivery.properties.headers?.["user_who_performed_action"]);
  }
  const chosen = [
    ...["user.created", "vhost.created", "connection.created", "channel.created"],
    ...["queue.created", "channel.closed", "connection.closed", "alarm.set"],
  ];
  assertEquals(chosen.map((name) => [name, told.get(name)]), [
    ["user.created", "rmq-internal"],
    ["vhost.created", "ops"],
    ["connection.created", "ann"],
    ["channel.created", "ann"],
    ["queue.created", "ann"],
    ["channel.closed", "ann"],
    ["connection.closed", undefined],
    ["alarm.set", undefined],
  ]);
});
