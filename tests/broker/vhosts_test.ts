import { assertEquals, assertRejects } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { Broker } from "../../broker/broker.ts";
import { DefinitionError } from "../../broker/policy/error.ts";
import { connect } from "../../client/connect.ts";

Deno.test("Broker.addVhost() adds a vhost with RabbitMQ's exchanges, or changes what is said of it", async () => {
  await using broker = new Broker();
  await broker.addVhost("v", { description: "first", tags: ["a"] });
  await broker.addVhost("v", { tags: ["b", "c"] });
  assertEquals(broker.vhosts(), [
    {
      name: "/",
      description: "Default virtual host",
      tags: [],
      defaultQueueType: undefined,
      protectedFromDeletion: false,
      tracing: false,
      limits: {},
    },
    {
      name: "v",
      description: "first",
      tags: ["b", "c"],
      defaultQueueType: undefined,
      protectedFromDeletion: false,
      tracing: false,
      limits: {},
    },
  ]);
  await using connection = await broker.connect({ vhost: "v" });
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("amq.topic", "topic", { passive: true });
  const wrong = { defaultQueueType: "bogus" } as never;
  const error = await assertRejects(() => broker.addVhost("w", wrong), DefinitionError);
  assertEquals(error.message, "bogus is not a valid queue type");
  await assertRejects(() => broker.connect({ vhost: "w" }), AmqpError, "vhost w not found");
});

Deno.test("vhosts know nothing of each other: the same names are other things, and who is let into one is not into another", async () => {
  await using broker = new Broker({ vhosts: ["a", "b"], passwordHashing: "rabbitmq-sha256" });
  const all = { configure: ".*", write: ".*", read: ".*" };
  await broker.addUser("ann", { password: "secret" });
  await broker.setPermissions({ user: "ann", vhost: "a", ...all });
  await using server = await broker.listen({ port: 0 });
  const uri = `amqp://ann:secret@127.0.0.1:${server.port}`;
  await using inA = await connect(`${uri}/a`, { recovery: false });
  await using inB = await broker.connect({ vhost: "b" });
  const [a, b] = [await inA.openChannel(), await inB.openChannel()];
  for (const channel of [a, b]) {
    await channel.queueDeclare("q");
    await channel.queueBind({ queue: "q", exchange: "amq.fanout" });
    await channel.confirmSelect();
  }
  await a.exchangeDeclare("x", "fanout");
  await a.queueBind({ queue: "q", exchange: "x" });
  await b.basicPublish({ exchange: "amq.fanout" }, "of b");
  await b.basicPublish({ routingKey: "q" }, "of b as well");
  await b.waitForConfirms();
  assertEquals((await a.queueDeclare("q", { passive: true })).messageCount, 0);
  assertEquals((await b.queueDeclare("q", { passive: true })).messageCount, 2);
  await assertRejects(
    () => b.queueBind({ queue: "q", exchange: "x" }),
    AmqpError,
    "NOT_FOUND - no exchange 'x' in vhost 'b'",
  );
  await assertRejects(
    () => connect(`${uri}/b`, { recovery: false }),
    AmqpError,
    "NOT_ALLOWED - access to vhost 'b' refused for user 'ann'",
  );
});

Deno.test("Broker.deleteVhost() closes the vhost's connections and forgets all that was in it", async () => {
  await using broker = new Broker();
  await broker.addVhost("v");
  await broker.setPermissions({
    user: "guest",
    vhost: "v",
    configure: ".*",
    write: ".*",
    read: ".*",
  });
  await using server = await broker.listen({ port: 0 });
  const uri = `amqp://guest:guest@127.0.0.1:${server.port}`;
  const [here, there] = [
    await broker.connect({ vhost: "v" }),
    await connect(`${uri}/v`, { recovery: false }),
  ];
  await using beside = await connect(uri, { recovery: false });
  const channel = await there.openChannel();
  await channel.queueDeclare("q");
  await channel.exchangeDeclare("x", "fanout", { autoDelete: true });
  await channel.queueBind({ queue: "q", exchange: "x" });
  await broker.setPolicy({ name: "p", pattern: "", definition: { expires: 5 }, vhost: "v" });

  await broker.deleteVhost("v");

  for (const connection of [here, there]) {
    const reason = await connection.closed;
    assertEquals(reason?.message, "CONNECTION_FORCED - vhost 'v' is deleted");
  }
  await beside.openChannel();
  assertEquals(broker.vhosts().map(({ name }) => name), ["/"]);
  assertEquals(broker.policies(), []);
  await assertRejects(() => connect(`${uri}/v`), AmqpError, "NOT_ALLOWED - vhost v not found");
  await broker.addVhost("v");
  await using again = await broker.connect({ vhost: "v" });
  const fresh = await again.openChannel();
  await assertRejects(() => fresh.queueDeclare("q", { passive: true }), AmqpError, "NOT_FOUND");
});

Deno.test("Broker.deleteVhost() refuses one that is protected, or is not there", async () => {
  await using broker = new Broker();
  await broker.addVhost("v", { protectedFromDeletion: true });
  const kept = await assertRejects(() => broker.deleteVhost("v"), DefinitionError);
  assertEquals([kept.code, kept.message], [
    "protected",
    "Refusing to delete virtual host 'v' because it is protected from deletion",
  ]);
  await broker.addVhost("v", { protectedFromDeletion: false });
  await broker.deleteVhost("v");
  const missing = await assertRejects(() => broker.deleteVhost("v"), DefinitionError);
  assertEquals([missing.code, missing.message], [
    "not-found",
    "Virtual host 'v' does not exist",
  ]);
});

Deno.test("a vhost's limit of queues holds for new ones, and names the limit", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const declare = async (name: string, options = {}) => {
    const channel = await connection.openChannel();
    await channel.queueDeclare(name, options);
  };
  const text = (name: string, limit: number) =>
    `PRECONDITION_FAILED - cannot declare queue '${name}': queue limit in vhost '/' (${limit}) ` +
    "is reached";
  await broker.setVhostLimits({ maxQueues: 2 });
  await declare("a");
  await declare("b", { exclusive: true });
  await declare("a");
  assertEquals((await assertRejects(() => declare("c"), AmqpError)).message, text("c", 2));
  await broker.setVhostLimits({ maxQueues: 0 });
  assertEquals((await assertRejects(() => declare("d"), AmqpError)).message, text("d", 0));
  await declare("a");
  await broker.setVhostLimits({ maxQueues: -1 });
  await declare("c");
  await broker.setVhostLimits({});
  await declare("d");
});

Deno.test("a vhost's limit of connections holds over the wire and in this process", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  const uri = `amqp://guest:guest@127.0.0.1:${server.port}`;
  const text = (limit: number) =>
    `NOT_ALLOWED - access to vhost '/' refused for user 'guest': connection limit (${limit}) is ` +
    "reached";
  await broker.setVhostLimits({ maxConnections: 1 });
  {
    await using _first = await connect(uri, { recovery: false });
    const errors = [
      await assertRejects(() => connect(uri), AmqpError),
      await assertRejects(() => broker.connect(), AmqpError),
    ];
    for (const error of errors) assertEquals([error.replyCode, error.message], [530, text(1)]);
  }
  await using second = await broker.connect();
  await second.openChannel();
  await broker.setVhostLimits({ maxConnections: 0 });
  const none = await assertRejects(() => broker.connect(), AmqpError);
  assertEquals(none.message, text(0));
  await broker.setVhostLimits({ maxConnections: -1 });
  await using third = await broker.connect();
  await third.openChannel();
});

Deno.test("Broker.setVhostLimits() takes whole numbers", async () => {
  await using broker = new Broker();
  const error = await assertRejects(
    () => broker.setVhostLimits({ maxConnections: "a", maxQueues: 1.5 } as never),
    DefinitionError,
  );
  assertEquals(
    error.message,
    "Validation failed\n\nmax-queues should be a number, actually was 1.5\n" +
      'max-connections should be a number, actually was <<"a">>',
  );
  await broker.setVhostLimits({ maxQueues: 5 });
  assertEquals(broker.vhosts()[0]?.limits, { maxQueues: 5 });
  assertEquals(broker.parameters(), [
    { component: "vhost-limits", name: "limits", value: { "max-queues": 5 }, vhost: "/" },
  ]);
  const unknown = await assertRejects(
    () =>
      broker.setParameter({
        component: "vhost-limits",
        name: "limits",
        value: { "max-foo": 1 },
      }),
    DefinitionError,
  );
  assertEquals(
    unknown.message,
    'Validation failed\n\nUnrecognised terms [{<<"max-foo">>,1}] in limits',
  );
  await broker.deleteParameter({ component: "vhost-limits", name: "limits" });
  assertEquals(broker.vhosts()[0]?.limits, {});
});

Deno.test("there are as many vhosts as the broker may have, until one of them goes", async () => {
  await using broker = new Broker({ vhostMax: 2 });
  await broker.addVhost("v");
  const error = await assertRejects(() => broker.addVhost("w"), DefinitionError);
  assertEquals(error.message, "cannot create vhost 'w': vhost limit of 2 is reached");
  await assertRejects(() => broker.importDefinitions({ vhosts: [{ name: "w" }] }), DefinitionError);
  // what there is already may be changed
  await broker.addVhost("v", { description: "still there" });
  await broker.deleteVhost("v");
  await broker.addVhost("w");
  assertEquals(broker.vhosts().map(({ name }) => name), ["/", "w"]);
});

Deno.test("a vhost's default queue type is that of queues which name none and can have it", async () => {
  await using broker = new Broker();
  await broker.addVhost("v", { defaultQueueType: "quorum" });
  await using connection = await broker.connect({ vhost: "v" });
  const declare = async (name: string, options = {}): Promise<string> => {
    const channel = await connection.openChannel();
    try {
      await channel.queueDeclare(name, options);
      return "ok";
    } catch (error) {
      return (error as Error).message;
    }
  };
  const quorum = { durable: true, arguments: { "x-queue-type": "quorum" } };
  const classic = { durable: true, arguments: { "x-queue-type": "classic" } };
  const differs = (argument: string, queue: string, rest: string) =>
    `PRECONDITION_FAILED - inequivalent arg '${argument}' for queue '${queue}' in vhost 'v': ${rest}`;
  assertEquals(await declare("q", { durable: true }), "ok");
  assertEquals(await declare("q", quorum), "ok");
  assertEquals(
    await declare("q", classic),
    differs("x-queue-type", "q", "received 'classic' but current is 'quorum'"),
  );
  assertEquals(
    await declare("q"),
    differs("durable", "q", "received 'false' but current is 'true'"),
  );

  assertEquals(await declare("transient"), "ok");
  assertEquals(await declare("transient", { arguments: { "x-queue-type": "classic" } }), "ok");
  assertEquals(await declare("mine", { durable: true, exclusive: true }), "ok");
  assertEquals(await declare("going", { durable: true, autoDelete: true }), "ok");
  assertEquals(await declare("named", classic), "ok");
  assertEquals(
    await declare("", { durable: true }),
    "PRECONDITION_FAILED - Cannot declare a server-named queue for type rabbit_quorum_queue",
  );

  await broker.addVhost("v", { defaultQueueType: null });
  assertEquals(
    await declare("q", { durable: true }),
    differs(
      "x-queue-type",
      "q",
      "received none but current is the value 'quorum' of type 'longstr'",
    ),
  );
  assertEquals(await declare("new", { durable: true }), "ok");
  const { queues } = broker.exportDefinitions({ vhost: "v" });
  const types = (queues as { name: string; type: string }[]).map(({ name, type }) => [name, type]);
  assertEquals(Object.fromEntries(types), {
    going: "classic",
    named: "classic",
    new: "classic",
    q: "quorum",
    transient: "classic",
  });
});

Deno.test("parameters are kept for whoever asks, policies have a way of their own", async () => {
  await using broker = new Broker();
  const shovel = { component: "shovel", name: "s", value: { "src-uri": "amqp://" } };
  await broker.setParameter(shovel);
  await broker.setGlobalParameter("cluster_name", "burrow");
  await broker.setPolicy({ name: "p", pattern: "", definition: { expires: 1 } });
  await broker.setOperatorPolicy({ name: "o", pattern: "", definition: { expires: 1 } });
  assertEquals(broker.parameters({ component: "shovel" }), [{ ...shovel, vhost: "/" }]);
  assertEquals(broker.parameters().map(({ component }) => component), [
    "operator_policy",
    "shovel",
  ]);
  assertEquals(broker.globalParameters(), [{ name: "cluster_name", value: "burrow" }]);
  const refused = async (action: () => Promise<void>) =>
    (await assertRejects(action, DefinitionError)).message;
  assertEquals(
    await refused(() => broker.setParameter({ component: "policy", name: "p", value: {} })),
    "policies may not be set using this method",
  );
  assertEquals(
    await refused(() => broker.deleteParameter({ component: "shovel", name: "t" })),
    "Parameter does not exist",
  );
  assertEquals(
    await refused(() => broker.deleteGlobalParameter("nope")),
    "Parameter does not exist",
  );
  await broker.deleteParameter(shovel);
  await broker.deleteGlobalParameter("cluster_name");
  assertEquals([broker.parameters().length, broker.globalParameters().length], [1, 0]);
});
