import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { DefinitionError } from "../../broker/policy/error.ts";
import { DROP_IN } from "../../broker/profiles.ts";
import { WARREN_VERSION } from "../../broker/version.ts";
import { connect } from "../../client/connect.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { standingTime } from "../support/standing_time.ts";

/** A broker with something of everything in it. */
async function furnished() {
  const cleanup = new AsyncDisposableStack();
  const clock = new ManualClock();
  const broker = cleanup.use(new Broker({ clock }));
  await broker.addVhost("v", { tags: ["a"], defaultQueueType: "quorum" });
  await broker.setVhostLimits({ maxQueues: 9 }, { vhost: "v" });
  await broker.setPolicy({ name: "p", pattern: "^q", definition: { "max-length": 5 } });
  await broker.setOperatorPolicy({ name: "o", pattern: "q", definition: { "max-length": 4 } });
  const connection = cleanup.use(await broker.connect());
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("x", "topic", {
    arguments: { "alternate-exchange": "amq.fanout" },
  });
  await channel.exchangeDeclare("later", "x-delayed-message", {
    durable: true,
    arguments: { "x-delayed-type": "direct" },
  });
  await channel.queueDeclare("q", { arguments: { "x-message-ttl": 60_000n } });
  await channel.queueDeclare("mine", {
    exclusive: true,
    arguments: { "x-single-active-consumer": true },
  });
  await channel.queueBind({ queue: "q", exchange: "x", routingKey: "a.*", arguments: { n: 1n } });
  await channel.exchangeBind({ destination: "later", source: "x", routingKey: "#" });
  await channel.confirmSelect();
  for (const body of ["one", "two", "three"]) await channel.basicPublish({ routingKey: "q" }, body);
  const properties = { headers: { "x-delay": 5000 } };
  await channel.basicPublish({ exchange: "later", properties }, "delayed");
  await channel.basicGet("q");
  await channel.basicQos({ prefetchCount: 7 });
  await channel.basicConsume("mine", { consumerTag: "first" }, () => {});
  await channel.basicConsume("mine", { consumerTag: "second", noAck: true }, () => {});
  const transacting = await connection.openChannel();
  await transacting.txSelect();
  await (await transacting.basicGet("q"))!.ack();
  await transacting.basicPublish({ routingKey: "q" }, "four");
  return { broker, clock, cleanup };
}

Deno.test("a snapshot tells of all that there is, in RabbitMQ's words", async () => {
  const { broker, clock, cleanup } = await furnished();
  await using _ = cleanup;
  const { vhosts, exchanges, queues, bindings, connections, channels, consumers, ...head } =
    await broker.snapshot();
  assertEquals(head, {
    formatVersion: 1,
    time: clock.now(),
    rabbitmqVersion: DROP_IN.version,
    productVersion: WARREN_VERSION,
    listeners: [],
  });
  assertEquals(vhosts, [
    {
      name: "/",
      description: "Default virtual host",
      tags: [],
      defaultQueueType: null,
      protectedFromDeletion: false,
      tracing: false,
      limits: {},
      queues: 2,
      exchanges: 11,
      connections: 1,
    },
    {
      name: "v",
      description: "",
      tags: ["a"],
      defaultQueueType: "quorum",
      protectedFromDeletion: false,
      tracing: false,
      limits: { maxQueues: 9 },
      queues: 0,
      exchanges: 7,
      connections: 0,
    },
  ]);
  assertEquals(exchanges.length, 18);
  const exchange = { vhost: "/", durable: false, autoDelete: false, internal: false, policy: null };
  assertEquals(exchanges.filter(({ name }) => name === "x" || name === "later"), [
    {
      ...exchange,
      name: "x",
      type: "topic",
      arguments: { "alternate-exchange": "amq.fanout" },
      alternateExchange: "amq.fanout",
      bindings: 2,
      messagesDelayed: 0,
    },
    {
      ...exchange,
      name: "later",
      type: "x-delayed-message",
      durable: true,
      arguments: { "x-delayed-type": "direct" },
      alternateExchange: null,
      bindings: 0,
      messagesDelayed: 1,
    },
  ]);
  const unacked = queues[0]!.messageBytesUnacknowledged;
  assert(unacked > 0 && queues.every(({ memory }) => memory > unacked));
  const queue = { vhost: "/", type: "classic", durable: false, autoDelete: false } as const;
  assertEquals(queues, [
    {
      ...queue,
      name: "q",
      exclusive: false,
      arguments: { "x-message-ttl": 60_000 },
      policy: "p",
      operatorPolicy: "o",
      effectivePolicyDefinition: { "max-length": 4 },
      owner: null,
      consumers: 0,
      exclusiveConsumerTag: null,
      singleActiveConsumerTag: null,
      messages: 3,
      messagesReady: 1,
      messagesUnacknowledged: 2,
      messagesRetrying: 0,
      messageBytesReady: 5,
      messageBytesUnacknowledged: unacked,
      messagesPersistent: 0,
      messageBytesPersistent: 0,
      messagesReadyInMemory: 1,
      headMessageTimestamp: null,
      messageBytesInMemory: 5 + unacked,
      memory: queues[0]!.memory,
      consumerCapacity: 0,
      segments: null,
    },
    {
      ...queue,
      name: "mine",
      exclusive: true,
      arguments: { "x-single-active-consumer": true },
      policy: null,
      operatorPolicy: null,
      effectivePolicyDefinition: {},
      owner: "local-1",
      consumers: 2,
      exclusiveConsumerTag: null,
      singleActiveConsumerTag: "first",
      messages: 0,
      messagesReady: 0,
      messagesUnacknowledged: 0,
      messagesRetrying: 0,
      messageBytesReady: 0,
      messageBytesUnacknowledged: 0,
      messagesPersistent: 0,
      messageBytesPersistent: 0,
      messagesReadyInMemory: 0,
      headMessageTimestamp: null,
      messageBytesInMemory: 0,
      memory: queues[1]!.memory,
      consumerCapacity: 1,
      segments: null,
    },
  ]);
  const binding = { vhost: "/", destinationType: "queue", arguments: {} } as const;
  assertEquals(bindings, [
    { ...binding, source: "", destination: "q", routingKey: "q" },
    { ...binding, source: "", destination: "mine", routingKey: "mine" },
    { ...binding, source: "x", destination: "q", routingKey: "a.*", arguments: { n: 1 } },
    {
      ...binding,
      source: "x",
      destination: "later",
      destinationType: "exchange",
      routingKey: "#",
    },
  ]);
  assertEquals(connections, [{
    name: "local-1",
    userProvidedName: "local-1",
    vhost: "/",
    user: "guest",
    state: "running",
    type: "direct",
    peerHost: null,
    peerPort: null,
    host: null,
    port: null,
    authMechanism: null,
    ssl: false,
    sslProtocol: null,
    sslKeyExchange: null,
    sslCipher: null,
    sslHash: null,
    peerCertSerialNumber: null,
    peerCertSubject: null,
    peerCertIssuer: null,
    peerCertValidity: null,
    channels: 2,
    channelMax: 2047,
    frameMax: 0,
    timeout: 0,
    connectedAt: clock.now(),
    recvOct: 0,
    sendOct: 0,
    clientProperties: { connection_name: "local-1" },
  }]);
  const peer = { peerHost: null, peerPort: null };
  const channel = {
    connection: "local-1",
    ...peer,
    vhost: "/",
    user: "guest",
    globalPrefetchCount: 0,
  };
  assertEquals(channels, [
    {
      ...channel,
      name: "local-1 (1)",
      number: 1,
      transactional: false,
      confirm: true,
      consumerCount: 2,
      messagesUnacknowledged: 1,
      messagesUnconfirmed: 0,
      messagesUncommitted: 0,
      acksUncommitted: 0,
      prefetchCount: 7,
    },
    {
      ...channel,
      name: "local-1 (2)",
      number: 2,
      transactional: true,
      confirm: false,
      consumerCount: 0,
      messagesUnacknowledged: 1,
      messagesUnconfirmed: 0,
      messagesUncommitted: 1,
      acksUncommitted: 1,
      prefetchCount: 0,
    },
  ]);
  const consumer = {
    queue: "mine",
    vhost: "/",
    connection: "local-1",
    channel: 1,
    ...peer,
    user: "guest",
    exclusive: false,
    prefetchCount: 7,
    messagesUnacknowledged: 0,
    consumerTimeout: null,
    arguments: {},
  };
  assertEquals(consumers, [
    {
      ...consumer,
      consumerTag: "first",
      ackRequired: true,
      active: true,
      activityStatus: "single_active",
    },
    {
      ...consumer,
      consumerTag: "second",
      ackRequired: false,
      active: false,
      activityStatus: "waiting",
    },
  ]);
});

Deno.test("a snapshot is what JSON says of it", async () => {
  const { broker, cleanup } = await furnished();
  await using _ = cleanup;
  const snapshot = await broker.snapshot();
  assertEquals(JSON.parse(JSON.stringify(snapshot)), snapshot);
});

Deno.test("a snapshot of some parts, or of one vhost, has no more", async () => {
  const { broker, cleanup } = await furnished();
  await using _ = cleanup;
  const { time: __, ...some } = await broker.snapshot({ vhost: "v", only: ["queues", "channels"] });
  assertEquals(some, {
    formatVersion: 1,
    rabbitmqVersion: DROP_IN.version,
    productVersion: WARREN_VERSION,
    queues: [],
    channels: [],
  });
  const { exchanges } = await broker.snapshot({ vhost: "v", only: ["exchanges"] });
  assertEquals(new Set(exchanges.map(({ vhost }) => vhost)), new Set(["v"]));
  await assertRejects(() => broker.snapshot({ vhost: "nope" }), DefinitionError, "does not exist");
  const odd = { only: ["cues"] } as never;
  await assertRejects(() => broker.snapshot(odd), TypeError, "no part is called cues");
});

Deno.test("connections over a network tell where they come from and how much went", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  await using _ = await connect(`amqp://guest:guest@127.0.0.1:${server.port}`);
  const { connections: [found], listeners } = await broker.snapshot();
  const { peerPort, recvOct, sendOct, clientProperties: __, connectedAt: ___, ...rest } = found!;
  assertEquals(rest, {
    name: `127.0.0.1:${peerPort} -> 127.0.0.1:${server.port}`,
    userProvidedName: null,
    vhost: "/",
    user: "guest",
    state: "running",
    type: "network",
    peerHost: "127.0.0.1",
    host: "127.0.0.1",
    port: server.port,
    authMechanism: "PLAIN",
    ssl: false,
    sslProtocol: null,
    sslKeyExchange: null,
    sslCipher: null,
    sslHash: null,
    peerCertSerialNumber: null,
    peerCertSubject: null,
    peerCertIssuer: null,
    peerCertValidity: null,
    channels: 0,
    channelMax: 2047,
    frameMax: 131072,
    timeout: 60,
  });
  assertEquals([recvOct > 100, sendOct > 100], [true, true]);
  assertEquals(listeners, [
    { url: server.url, ipAddress: "127.0.0.1", port: server.port, path: null, certificates: [] },
  ]);
});

Deno.test("things are found by their names, and by where they belong", async () => {
  const { broker, cleanup } = await furnished();
  await using _ = cleanup;
  await broker.addUser("else");
  await broker.setPermissions({ user: "else", configure: "", write: "", read: "^q$" });
  const other = cleanup.use(await broker.connect({ user: "else" }));
  const channel = await other.openChannel();
  await channel.basicConsume("q", { exclusive: true, consumerTag: "c" }, () => {});

  const names = (things: Iterable<{ readonly name: string }>) =>
    [...things].map(({ name }) => name);
  assertEquals(names(broker.queues({ queue: "q" })), ["q"]);
  assertEquals(names(broker.queues({ vhost: "v", queue: "q" })), []);
  assertEquals(names(broker.exchanges({ vhost: "/", exchange: "x" })), ["x"]);
  assertEquals(names(broker.connections({ user: "else" })), ["local-2"]);
  assertEquals(names(broker.connections({ connection: "local-1" })), ["local-1"]);
  assertEquals(names(broker.channels({ connection: "local-2" })), ["local-2 (1)"]);
  assertEquals([...broker.queues({ queue: "q" })][0]?.exclusiveConsumerTag, "c");
  const tags = (filter: Parameters<Broker["consumers"]>[0]) =>
    [...broker.consumers(filter)].map(({ consumerTag }) => consumerTag);
  assertEquals(tags({}), ["first", "second", "c"]);
  assertEquals(tags({ queue: "mine" }), ["first", "second"]);
  assertEquals(tags({ queue: "mine", user: "else" }), []);
  assertEquals(tags({ connection: "local-2" }), ["c"]);
  assertEquals([...broker.consumers({ queue: "q" })][0]?.exclusive, true);
  const keys = (filter: Parameters<Broker["bindings"]>[0]) =>
    [...broker.bindings(filter)].map(({ source, routingKey }) => `${source} ${routingKey}`);
  assertEquals(keys({ destination: "q" }), [" q", "x a.*"]);
  assertEquals(keys({ destination: "q", source: "x" }), ["x a.*"]);
  assertEquals(keys({ destination: "q", source: "amq.topic" }), []);
  assertEquals(keys({ destination: "later", destinationType: "exchange" }), ["x #"]);
  assertEquals(keys({ destination: "later", destinationType: "queue" }), []);
  assertEquals(keys({ source: "x", destinationType: "exchange" }), ["x #"]);
  assertEquals(keys({ source: "" }), [" q", " mine"]);
  assertThrows(() => [...broker.queues({ vhost: "nope" })], DefinitionError, "does not exist");
  assertThrows(() => [...broker.channels({ vhost: "nope" })], DefinitionError, "does not exist");
});

Deno.test("a stream tells what it keeps, whoever has read it", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await broker.declareQueue({ queue: "s", arguments: { "x-queue-type": "stream" } });
  await channel.basicQos({ prefetchCount: 5 });
  const got = Promise.withResolvers<void>();
  await channel.basicConsume("s", {}, () => got.resolve());
  await channel.basicPublish({ routingKey: "s" }, "kept");
  await got.promise;
  const [stream] = broker.queues({ queue: "s" });
  const { type, messages, messagesReady, messagesUnacknowledged, messageBytesReady } = stream!;
  assertEquals(
    [type, messages, messagesReady, messagesUnacknowledged, messageBytesReady >= 4],
    ["stream", 1, 1, 1, true],
  );
});

Deno.test("a dead message that waits for a way counts for its queue as long as it may not be lost", async () => {
  const clock = new ManualClock();
  await using broker = new Broker({ clock });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q", {
    durable: true,
    arguments: {
      "x-queue-type": "quorum",
      "x-overflow": "reject-publish",
      "x-dead-letter-strategy": "at-least-once",
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": "dead",
    },
  });
  await channel.confirmSelect();
  await channel.basicPublish({ routingKey: "q" }, "1");
  await (await channel.basicGet("q"))!.reject({ requeue: false });
  const counts = () => {
    const [queue] = broker.queues({ queue: "q" });
    const { messages, messagesReady, messagesUnacknowledged } = queue!;
    const { values } = broker.meter("queue", "q")!;
    return [messages, values.messages, messagesReady, messagesUnacknowledged];
  };
  await channel.queueDeclare("q", { passive: true });
  assertEquals(counts(), [1, 1, 0, 0]);
  await channel.queueDeclare("dead");
  clock.advance(1000);
  assertEquals(counts(), [0, 0, 0, 0]);
});

Deno.test("things may come and go while one looks at them", async () => {
  await using broker = new Broker();
  for (const queue of ["a", "b", "c"]) await broker.declareQueue({ queue });
  const seen: string[] = [];
  for (const { name } of broker.queues()) {
    seen.push(name);
    if (name !== "a") continue;
    await broker.deleteQueue({ queue: "b" });
    await broker.declareQueue({ queue: "d" });
  }
  assertEquals(seen, ["a", "c", "d"]);
});

Deno.test("a snapshot of very many queues lets messages through meanwhile", async () => {
  await using broker = new Broker();
  await broker.setPolicy({ name: "p", pattern: "^q\\d*[05]$", definition: { "max-length": 5 } });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  for (let number = 0; number < 5000; number++) {
    await channel.queueDeclare(`q${number}`);
  }
  // a slice is a part of them on a machine of any speed
  using _time = standingTime(0.1);
  let done = false;
  const taken = broker.snapshot().finally(() => done = true);
  let meanwhile = 0;
  while (!done) {
    await channel.basicPublish({ routingKey: "q7" }, "through");
    if (await channel.basicGet("q7", { noAck: true }) !== undefined && !done) meanwhile++;
  }
  assertEquals((await taken).queues.length, 5000);
  assertEquals(meanwhile > 0, true);
});
