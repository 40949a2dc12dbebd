import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Broker, type BrokerEventName, type Channel, connect, type FieldTable } from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

const NAMES: readonly BrokerEventName[] = [
  "queue.created",
  "queue.deleted",
  "exchange.created",
  "exchange.deleted",
  "binding.created",
  "binding.deleted",
  "connection.created",
  "connection.closed",
  "channel.created",
  "channel.closed",
  "consumer.created",
  "consumer.deleted",
];

/** What a broker tells, one line for each event. */
function recorded(broker: Broker): string[] {
  const lines: string[] = [];
  for (const name of NAMES) {
    broker.on(name, (fields) => {
      const { queue, sourceName, destinationName, number } = fields as unknown as Record<
        string,
        unknown
      >;
      const what = (fields as { name?: string }).name ?? queue ?? number ??
        `${sourceName} -> ${destinationName}`;
      lines.push(`${name} ${what}`);
    });
  }
  return lines;
}

async function drain(channel: Channel, queue: string) {
  const deliveries = [];
  for (;;) {
    const delivery = await channel.basicGet(queue, { noAck: true });
    if (delivery === undefined) return deliveries;
    deliveries.push(delivery);
  }
}

Deno.test("a broker tells what happens in it, in order", async () => {
  await using broker = new Broker();
  const lines = recorded(broker);
  const connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("x", "fanout");
  await channel.queueDeclare("q", { autoDelete: true });
  await channel.queueBind({ queue: "q", exchange: "x" });
  await channel.queueUnbind({ queue: "q", exchange: "x" });
  await channel.queueBind({ queue: "q", exchange: "x" });
  const consumer = await channel.basicConsume("q", {}, () => {});
  await consumer.cancel();
  await channel.exchangeDelete("x");
  await channel.exchangeDelete("x");
  await channel.close();
  await connection.close();
  assertEquals(lines, [
    "connection.created local-1",
    "channel.created 1",
    "exchange.created x",
    "queue.created q",
    "binding.created x -> q",
    "binding.deleted x -> q",
    "binding.created x -> q",
    "consumer.created q",
    "binding.deleted x -> q",
    "queue.deleted q",
    "consumer.deleted q",
    "exchange.deleted x",
    "channel.closed 1",
    "connection.closed local-1",
  ]);
});

Deno.test("consumers, channels and exclusive queues that go with their connection are told of", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  const lines = recorded(broker);
  const ended = Promise.withResolvers<void>();
  broker.on("connection.closed", () => ended.resolve());
  const connection = await connect(`amqp://guest:guest@127.0.0.1:${server.port}`, {
    recovery: false,
  });
  const channel = await connection.openChannel();
  await channel.queueDeclare("mine", { exclusive: true });
  await channel.basicConsume("mine", {}, () => {});
  lines.length = 0;
  await connection.close();
  await ended.promise;
  assertEquals(lines.map((line) => line.split(" ")[0]), [
    "consumer.deleted",
    "channel.closed",
    "queue.deleted",
    "connection.closed",
  ]);
});

Deno.test("a listener that throws is logged and harms nobody; one that has ended hears nothing", async () => {
  const logger = new RecordingLogger();
  await using broker = new Broker({ logger });
  const heard: string[] = [];
  broker.on("queue.created", () => {
    throw new Error("no thanks");
  });
  const end = broker.on("queue.created", ({ name }) => void heard.push(name));
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("one");
  end();
  await channel.queueDeclare("two");
  assertEquals(heard, ["one"]);
  assertEquals(logger.lines.filter((line) => line.includes("no thanks")).length, 2);
});

Deno.test("amq.rabbitmq.event gets each event with its fields as headers", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("events");
  await channel.queueBind({
    queue: "events",
    exchange: "amq.rabbitmq.event",
    routingKey: "queue.*",
  });
  await channel.queueDeclare("q", { arguments: { "x-max-length": 5 } });
  await channel.queueDelete("q");
  const [created, deleted] = await drain(channel, "events");
  const { headers, deliveryMode } = created!.properties;
  const { timestamp_in_ms: time, ...fields } = headers!;
  assertEquals([created!.routingKey, created!.body.length, deliveryMode], ["queue.created", 0, 2]);
  assertEquals(typeof time, "number");
  assertEquals(fields, {
    name: "q",
    vhost: "/",
    durable: false,
    auto_delete: false,
    exclusive: false,
    arguments: { "x-max-length": 5 },
    user_who_performed_action: "guest",
    node: "warren@localhost",
  });
  assertEquals([deleted!.routingKey, deleted!.properties.headers!["name"]], ["queue.deleted", "q"]);
});

Deno.test("amq.rabbitmq.event tells how a client came, what its channels are called, and that bindings are of exchanges", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0 });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("events");
  await channel.queueBind({ queue: "events", exchange: "amq.rabbitmq.event", routingKey: "#" });
  await channel.queuePurge("events");
  await using other = await connect({ hostname: "127.0.0.1", port, heartbeatSeconds: 7 });
  const theirs = await other.openChannel();
  await theirs.queueBind({ queue: "events", exchange: "amq.topic" });
  await theirs.close();
  await using _own = await broker.connect();
  const told = new Map<string, FieldTable>();
  for (const { routingKey, properties } of await drain(channel, "events")) {
    told.set(`${routingKey} ${properties.headers!["type"] ?? ""}`.trim(), properties.headers!);
  }
  const { name, peer_port: peerPort, connected_at: at, ...came } = told.get(
    "connection.created network",
  )!;
  assertEquals(name, `127.0.0.1:${peerPort} -> 127.0.0.1:${port}`);
  assertEquals(typeof at, "number");
  const { type, peer_host, host, channel_max, frame_max, timeout, auth_mechanism, ssl } = came;
  assertEquals(
    [type, peer_host, host, came["port"], channel_max, frame_max, timeout, auth_mechanism, ssl],
    ["network", "127.0.0.1", "127.0.0.1", port, 2047, 131_072, 7, "PLAIN", false],
  );
  assertEquals(told.get("connection.created direct")!["peer_host"], undefined);
  for (const event of ["channel.created", "channel.closed"]) {
    assertEquals(told.get(event)!["name"], `${name} (1)`);
  }
  assertEquals(told.get("binding.created")!["source_kind"], "exchange");
});

Deno.test("of a consumer is told whether it is to be the only one", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  const told: boolean[] = [];
  broker.on("consumer.created", ({ exclusive }) => void told.push(exclusive));
  for (const exclusive of [true, false]) {
    const { queue } = await channel.queueDeclare();
    await channel.basicConsume(queue, { exclusive }, () => {});
  }
  assertEquals(told, [true, false]);
});

Deno.test("vhosts, policies, limits and parameters that change are told of, with RabbitMQ's fields", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("events");
  for (const routingKey of ["vhost.#", "#.policy.#", "policy.#", "parameter.#"]) {
    await channel.queueBind({ queue: "events", exchange: "amq.rabbitmq.event", routingKey });
  }
  const told: [string, unknown][] = [];
  broker.on("policy.set", ({ name, applyTo }) => void told.push([name, applyTo]));
  broker.on("parameter.set", ({ component, vhost }) => void told.push([component, vhost]));

  const policy = { name: "p", pattern: "^q", definition: { "max-length": 5 }, vhost: "v" };
  await broker.addVhost("v", { description: "d", tags: ["a", "b"] });
  await broker.addVhost("v", { defaultQueueType: "quorum", protectedFromDeletion: true });
  await broker.addVhost("v", { protectedFromDeletion: false });
  await broker.setPolicy({ ...policy, priority: 2, applyTo: "queues" });
  await broker.setPolicy({ ...policy, priority: 2, applyTo: "queues" });
  await broker.deletePolicy("p", { vhost: "v" });
  await broker.setOperatorPolicy(policy);
  await broker.deleteOperatorPolicy("p", { vhost: "v" });
  await broker.setVhostLimits({ maxQueues: 3 }, { vhost: "v" });
  await broker.deleteParameter({ component: "vhost-limits", name: "limits", vhost: "v" });
  await broker.setParameter({ component: "c", name: "n", value: { a: [1, null, 1.5] } });
  await broker.deleteParameter({ component: "c", name: "n" });
  await broker.setGlobalParameter("g", "value");
  await broker.deleteGlobalParameter("g");
  await broker.setParameter({ component: "c", name: "n", value: true, vhost: "v" });
  await broker.deleteVhost("v");

  const rows: [string, FieldTable][] = [];
  const complete = Promise.withResolvers<void>();
  await channel.basicConsume("events", { noAck: true }, ({ routingKey, properties }) => {
    const { timestamp_in_ms: _, node: __, user_who_performed_action: user, ...fields } = properties
      .headers!;
    assertEquals(user, "rmq-internal");
    rows.push([routingKey, fields]);
    if (routingKey === "vhost.deleted") complete.resolve();
  });
  await complete.promise;
  const vhost = {
    name: "v",
    description: "d",
    tags: ["a", "b"],
    protected_from_deletion: false,
    tracing: false,
  };
  const set = { name: "p", vhost: "v", pattern: "^q", definition: { "max-length": 5 } };
  const operators = { vhost: "v", component: "operator_policy", name: "p" };
  const value = { pattern: "^q", "apply-to": "all", priority: 0, definition: { "max-length": 5 } };
  const limits = { vhost: "v", component: "vhost-limits", name: "limits" };
  assertEquals(rows, [
    ["vhost.created", vhost],
    ["vhost.updated", { ...vhost, default_queue_type: "quorum", protected_from_deletion: true }],
    ["vhost.updated", { ...vhost, default_queue_type: "quorum" }],
    ["policy.set", { ...set, "apply-to": "queues", priority: 2 }],
    ["policy.cleared", { name: "p", vhost: "v" }],
    ["parameter.set", { ...operators, value }],
    ["policy.set", { ...set, "apply-to": "all", priority: 0 }],
    ["parameter.cleared", operators],
    ["operator.policy.cleared", { name: "p", vhost: "v" }],
    ["parameter.set", { ...limits, value: { "max-queues": 3 } }],
    ["vhost.limits.set", { name: "limits", vhost: "v", "max-queues": 3 }],
    ["parameter.cleared", limits],
    ["vhost.limits.cleared", { name: "limits", vhost: "v" }],
    ["parameter.set", { vhost: "/", component: "c", name: "n", value: { a: [1, null, 1.5] } }],
    ["parameter.cleared", { vhost: "/", component: "c", name: "n" }],
    ["parameter.set", { component: "global", name: "g", value: "value" }],
    ["parameter.cleared", { component: "global", name: "g" }],
    ["parameter.set", { vhost: "v", component: "c", name: "n", value: true }],
    ["parameter.cleared", { vhost: "v", component: "c", name: "n" }],
    ["vhost.deleted", { name: "v" }],
  ]);
  assertEquals(told, [
    ["p", "queues"],
    ["operator_policy", "v"],
    ["p", "all"],
    ["vhost-limits", "v"],
    ["c", "/"],
    ["global", undefined],
    ["c", "v"],
  ]);
});

Deno.test("amq.rabbitmq.log gets each line with its level as routing key", async () => {
  const [logger, clock] = [new RecordingLogger(), new ManualClock()];
  clock.advance(5999);
  await using broker = new Broker({ logger, clock });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("log");
  await channel.queueBind({ queue: "log", exchange: "amq.rabbitmq.log", routingKey: "info" });
  const failing = await connection.openChannel();
  await failing.queueDeclare("not there", { passive: true }).catch(() => {});
  const [line] = await drain(channel, "log");
  assertEquals(line!.routingKey, "info");
  assertEquals(line!.properties, {
    contentType: "text/plain",
    timestamp: new Date(5000),
    headers: { node: "warren@localhost" },
  });
  assertStringIncludes(line!.text(), "NOT_FOUND - no queue 'not there' in vhost '/'");
  assertEquals(logger.lines.some((written) => written.endsWith(line!.text())), true);
});

Deno.test("the firehose copies what is published and delivered, and not its own copies", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("trace");
  await channel.queueBind({ queue: "trace", exchange: "amq.rabbitmq.trace", routingKey: "#" });
  await channel.queueDeclare("q");
  await channel.basicPublish({ routingKey: "q" }, "before");
  assertEquals((await channel.basicGet("q", { noAck: true }))?.text(), "before");
  broker.setTracing("/", true);
  await channel.basicPublish({
    routingKey: "q",
    properties: { contentType: "text/plain", headers: { CC: ["q", "other"], n: 1 } },
  }, "hello");
  await channel.basicGet("q", { noAck: true });
  await channel.basicPublish({ exchange: "amq.fanout", routingKey: "k" }, "nowhere");
  const traced = await drain(channel, "trace");
  broker.setTracing("/", false);
  await channel.basicPublish({ routingKey: "q" }, "after");
  assertEquals(await drain(channel, "trace"), []);
  const common = {
    exchange_name: "",
    routing_keys: ["q", "q", "other"],
    properties: { content_type: "text/plain", headers: { CC: ["q", "other"], n: 1 } },
    node: "warren@localhost",
    vhost: "/",
    connection: "local-1",
    channel: 1,
    user: "guest",
  };
  assertEquals(
    traced.map((delivery) => [delivery.routingKey, delivery.text(), delivery.properties.headers]),
    [
      ["publish.", "hello", { ...common, routed_queues: ["q"] }],
      ["deliver.q", "hello", { ...common, redelivered: 0 }],
      ["publish.amq.fanout", "nowhere", {
        ...common,
        exchange_name: "amq.fanout",
        routing_keys: ["k"],
        properties: {},
        routed_queues: [],
      }],
    ],
  );
  assertThrows(() => broker.setTracing("nope", true), TypeError, 'Cannot trace vhost "nope"');
});

Deno.test("the firehose has a message whole that its queue was done with at once", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  await using connection = await connect({
    hostname: "127.0.0.1",
    port: server.port,
    recovery: false,
  });
  const channel = await connection.openChannel();
  await channel.queueDeclare("trace");
  await channel.queueBind({
    queue: "trace",
    exchange: "amq.rabbitmq.trace",
    routingKey: "publish.#",
  });
  await channel.queueDeclare("none", { arguments: { "x-max-length": 0 } });
  await channel.queueDeclare("other");
  broker.setTracing("/", true);
  await channel.basicPublish({
    routingKey: "none",
    properties: { timestamp: new Date(5000), headers: { BCC: ["other"], n: 1 } },
  }, "hello");
  const returned: string[] = [];
  channel.onReturn = (message) => returned.push(message.text());
  await channel.confirmSelect();
  await channel.basicPublish({ routingKey: "nowhere", mandatory: true }, "back");
  const [dropped, given] = await drain(channel, "trace");
  assertEquals([dropped!.text(), given!.text(), returned], ["hello", "back", ["back"]]);
  const { routing_keys, properties, routed_queues } = dropped!.properties.headers!;
  assertEquals(
    { routing_keys, properties, routed_queues },
    {
      routing_keys: ["none", "other"],
      properties: { timestamp: 5, headers: { n: 1 } },
      routed_queues: ["none", "other"],
    },
  );
});
