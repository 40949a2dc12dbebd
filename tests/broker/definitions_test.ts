import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { loopRound } from "../../broker/amqp/turn.ts";
import { DefinitionSection } from "../../broker/definition_sections.ts";
import { DefinitionError } from "../../broker/policy/error.ts";
import type { JsonObject } from "../../broker/policy/json.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { standingTime } from "../support/standing_time.ts";

/** What `rabbitmqctl export_definitions` of RabbitMQ 3.10.8 wrote. */
const RABBITMQ_EXPORT = await Deno.readTextFile(
  new URL("../policy/rabbitmq_3.10.8.json", import.meta.url),
);

/** A file as RabbitMQ 4 writes them, made by hand: what its `rabbit_definitions` exports. */
const RABBITMQ_4_FILE = await Deno.readTextFile(
  new URL("definitions_4.x.json", import.meta.url),
);

/** A broker with something of everything. */
async function furnished(): Promise<Broker> {
  const broker = new Broker();
  await broker.addVhost("v", { description: "other", tags: ["a"], defaultQueueType: "quorum" });
  await broker.setVhostLimits({ maxConnections: 10, maxQueues: 100 }, { vhost: "v" });
  await broker.setPolicy({
    name: "p",
    pattern: "^q",
    applyTo: "queues",
    priority: 3,
    definition: { "max-length": 10, "dead-letter-exchange": "x" },
  });
  await broker.setOperatorPolicy({ name: "o", pattern: "", definition: { "max-length": 100 } });
  await broker.setParameter({ component: "shovel", name: "s", value: { "src-uri": "amqp://" } });
  await broker.setGlobalParameter("cluster_name", "burrow");
  for (const vhost of ["/", "v"]) {
    const connection = await broker.connect({ vhost });
    const channel = await connection.openChannel();
    await channel.exchangeDeclare("x", "topic", {
      durable: true,
      arguments: { "alternate-exchange": "y" },
    });
    await channel.exchangeDeclare("y", "fanout", { autoDelete: true, internal: true });
    await channel.exchangeBind({ source: "x", destination: "y", routingKey: "#" });
    await channel.queueDeclare("q", { durable: true });
    await channel.queueDeclare("r", {
      arguments: { "x-max-length": 5, custom: [1, "a", { b: true }] },
    });
    await channel.queueDeclare("mine", { exclusive: true });
    const { queue } = await channel.queueDeclare("");
    for (const name of ["q", "mine", queue]) {
      await channel.queueBind({ queue: name, exchange: "x", routingKey: "k" });
    }
    await channel.queueBind({
      queue: "q",
      exchange: "amq.headers",
      arguments: { "x-match": "any" },
    });
  }
  return broker;
}

function section(definitions: JsonObject, name: string): readonly JsonObject[] {
  return definitions[name] as unknown as readonly JsonObject[];
}

Deno.test("Broker.exportDefinitions() is what a new broker becomes the same by", async () => {
  await using broker = await furnished();
  const definitions = broker.exportDefinitions();
  await using other = new Broker();
  await other.importDefinitions(JSON.stringify(definitions));
  assertEquals(other.exportDefinitions(), definitions);
  await other.importDefinitions(definitions);
  await broker.importDefinitions(definitions);
  assertEquals([other.exportDefinitions(), broker.exportDefinitions()], [definitions, definitions]);
});

Deno.test("Broker.exportDefinitions() has RabbitMQ's form and leaves out what is not for others", async () => {
  await using broker = await furnished();
  const definitions = broker.exportDefinitions();
  assertEquals(section(definitions, "vhosts"), [
    {
      name: "/",
      limits: {},
      metadata: { description: "Default virtual host", tags: [] },
    },
    {
      name: "v",
      limits: { "max-connections": 10, "max-queues": 100 },
      metadata: { description: "other", tags: ["a"], default_queue_type: "quorum" },
    },
  ]);
  const inDefault = (name: string) =>
    section(definitions, name).filter(({ vhost }) => vhost === "/");
  assertEquals(inDefault("policies"), [{
    vhost: "/",
    name: "p",
    pattern: "^q",
    "apply-to": "queues",
    priority: 3,
    definition: { "max-length": 10, "dead-letter-exchange": "x" },
  }]);
  assertEquals(inDefault("parameters"), [
    {
      vhost: "/",
      component: "operator_policy",
      name: "o",
      value: { pattern: "", "apply-to": "all", priority: 0, definition: { "max-length": 100 } },
    },
    { vhost: "/", component: "shovel", name: "s", value: { "src-uri": "amqp://" } },
  ]);
  assertEquals(inDefault("queues"), [
    { vhost: "/", name: "q", type: "classic", durable: true, auto_delete: false, arguments: {} },
    {
      vhost: "/",
      name: "r",
      type: "classic",
      durable: false,
      auto_delete: false,
      arguments: { "x-max-length": 5, custom: [1, "a", { b: true }] },
    },
  ]);
  assertEquals(inDefault("exchanges").map(({ name, internal }) => [name, internal]), [
    ["x", false],
    ["y", true],
  ]);
  assertEquals(
    inDefault("bindings").map(({ source, destination, destination_type: type }) => [
      source,
      destination,
      type,
    ]),
    [["amq.headers", "q", "queue"], ["x", "q", "queue"], ["x", "y", "exchange"]],
  );
  assertEquals(definitions["global_parameters"], [{ name: "cluster_name", value: "burrow" }]);
});

Deno.test("the definitions of one vhost can be imported into another one", async () => {
  await using broker = await furnished();
  const definitions = broker.exportDefinitions({ vhost: "v" });
  assertEquals(definitions["original_vhost_name"], "v");
  assertEquals(section(definitions, "queues").some((queue) => "vhost" in queue), false);
  await using other = new Broker();
  await other.addVhost("w", { defaultQueueType: "quorum" });
  await other.importDefinitions(definitions, { vhost: "w" });
  const imported = other.exportDefinitions({ vhost: "w" });
  for (const name of ["parameters", "policies", "exchanges", "queues", "bindings"]) {
    assertEquals(imported[name], definitions[name], name);
  }
  const whole = await assertRejects(() => other.importDefinitions(definitions), DefinitionError);
  assertStringIncludes(whole.message, "does not say which vhost it belongs to");
  const nowhere = await assertRejects(
    () => other.importDefinitions(definitions, { vhost: "nope" }),
    DefinitionError,
  );
  assertEquals([nowhere.code, nowhere.message], [
    "not-found",
    'Please create virtual host "nope" prior to importing definitions.',
  ]);
  assertThrows(() => other.exportDefinitions({ vhost: "nope" }), DefinitionError);
});

Deno.test("what RabbitMQ exports is imported", async () => {
  const logger = new RecordingLogger();
  await using broker = new Broker({ logger });
  await broker.importDefinitions(RABBITMQ_EXPORT);
  assertEquals(logger.of("warning"), []);
  assertEquals(
    broker.vhosts().map(({ name, tags, defaultQueueType }) => [name, tags, defaultQueueType]),
    [["/", [], undefined], ["v1", ["a", "b"], undefined], ["v2", [], "quorum"]],
  );
  assertEquals(broker.appliedPolicy({ queue: "q.args" }), {
    policy: "dl",
    operatorPolicy: undefined,
    definition: { "dead-letter-exchange": "dlx", "max-length": 10 },
  });
  assertEquals(broker.operatorPolicies()[0]?.definition, { "message-ttl": 1 });
  assertEquals(broker.vhosts()[0]?.limits, { maxConnections: 10, maxQueues: -1 });
  const theirs: JsonObject = JSON.parse(RABBITMQ_EXPORT);
  const ours = broker.exportDefinitions();
  for (const name of ["queues", "bindings"]) {
    const sorted = (definitions: JsonObject) =>
      section(definitions, name).map((entry) => JSON.stringify(Object.entries(entry).sort()))
        .sort();
    assertEquals(sorted(ours), sorted(theirs));
  }
  await broker.importDefinitions(RABBITMQ_EXPORT);
  assertEquals(broker.exportDefinitions(), ours);
});

Deno.test("a file in the form of RabbitMQ 4 comes back as it is", async () => {
  const file: JsonObject = JSON.parse(RABBITMQ_4_FILE);
  await using broker = new Broker();
  await broker.importDefinitions(RABBITMQ_4_FILE);
  const exported = broker.exportDefinitions();
  assertEquals(exported["original_cluster_name"], file["original_cluster_name"]);
  assertEquals(exported["explanation"], file["explanation"]);
  const bySpelling = (one: JsonObject, other: JsonObject) =>
    JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
  for (const [name, entries] of Object.entries(file)) {
    if (!Array.isArray(entries)) continue;
    // the order is each one's own
    assertEquals(
      section(exported, name).toSorted(bySpelling),
      section(file, name).toSorted(bySpelling),
      name,
    );
  }
  await using other = new Broker();
  await other.importDefinitions(exported);
  assertEquals(other.exportDefinitions(), exported);
});

Deno.test("what a file in the form of RabbitMQ 4 says is in effect", async () => {
  await using broker = new Broker();
  await broker.importDefinitions(RABBITMQ_4_FILE);
  assertEquals(await broker.authenticateUser("orders", "s3cret"), true);
  assertEquals(await broker.authenticateUser("guest", "guest"), true);
  assertEquals(await broker.authenticateUser("certificate", ""), false);
  const { queues } = await broker.snapshot({ only: ["queues"] });
  const found = queues.find(({ name }) => name === "orders");
  assertEquals([found?.type, found?.policy, found?.operatorPolicy], ["quorum", "quorum", "bounds"]);
  assertEquals(found?.effectivePolicyDefinition["delivery-limit"], 10);
  await assertRejects(
    () => broker.deleteVhost("orders"),
    DefinitionError,
    "Refusing to delete virtual host 'orders' because it is protected from deletion",
  );
  await using connection = await broker.connect({ vhost: "orders" });
  const channel = await connection.openChannel();
  await channel.queueDeclare("new", { durable: true });
  const { queues: after } = await broker.snapshot({ only: ["queues"] });
  assertEquals(after.find(({ name }) => name === "new")?.type, "quorum");
});

Deno.test("limits of a vhost hold without the parameter that RabbitMQ writes as well", async () => {
  await using broker = new Broker();
  await broker.importDefinitions({
    vhosts: [{ name: "v", limits: { "max-queues": 1 } }, { name: "w", limits: [] }],
  });
  assertEquals(broker.vhosts().map(({ name, limits }) => [name, limits.maxQueues]), [
    ["/", undefined],
    ["v", 1],
    ["w", undefined],
  ]);
  await assertRejects(
    () => broker.importDefinitions({ vhosts: [{ name: "v", limits: { nope: 1 } }] }),
    DefinitionError,
    '(vhost: "v")',
  );
});

Deno.test("an import leaves queues and exchanges as they are and replaces policies", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q", { durable: true });
  await channel.exchangeDeclare("x", "fanout");
  await channel.basicPublish({ routingKey: "q" }, "kept");
  await broker.setPolicy({ name: "p", pattern: "", definition: { "max-length": 5 } });
  await broker.importDefinitions({
    policies: [{ vhost: "/", name: "p", pattern: "^q", definition: { "max-length": 7 } }],
    queues: [{ vhost: "/", name: "q", durable: false, arguments: { "x-max-length": 1 } }, {
      vhost: "/",
      name: "new",
      arguments: [],
    }],
    exchanges: [{ vhost: "/", name: "x", type: "topic" }, {
      vhost: "/",
      name: "amq.mine",
      type: "topic",
    }],
    bindings: [{
      vhost: "/",
      source: "x",
      destination: "q",
      destination_type: "queue",
      routing_key: "",
      arguments: {},
    }],
    something_new: { to: "come" },
  });
  assertEquals((await channel.queueDeclare("q", { durable: true })).messageCount, 1);
  await channel.queueDeclare("new", { durable: true });
  await channel.exchangeDeclare("x", "fanout");
  assertEquals(broker.policies().map(({ definition }) => definition), [{ "max-length": 7 }]);
  assertEquals(section(broker.exportDefinitions(), "bindings").length, 1);
  assertEquals(section(broker.exportDefinitions(), "exchanges").length, 1);
});

Deno.test("an import stops at the first entry that cannot be, with what RabbitMQ says of it", async () => {
  await using broker = new Broker();
  const refused = async (definitions: unknown): Promise<[string, string]> => {
    const error = await assertRejects(
      () => broker.importDefinitions(definitions as JsonObject),
      DefinitionError,
    );
    return [error.code, error.message];
  };
  const policy = { vhost: "/", name: "p", pattern: "", definition: { expires: 0 } };
  assertEquals(await refused({ policies: [policy] }), [
    "invalid",
    'Validation failed\n\n0 is not a valid queue expiry (vhost: "/" key: "p")',
  ]);
  assertEquals(
    await refused({
      parameters: [{ vhost: "/", component: "vhost-limits", name: "limits", value: { a: 1 } }],
    }),
    [
      "invalid",
      'Validation failed\n\nUnrecognised terms [{<<"a">>,1}] in limits ' +
      '(vhost: "/" / component: "vhost-limits" / key: "limits")',
    ],
  );
  assertEquals(await refused({ queues: [{ vhost: "nope", name: "q" }] }), [
    "not-found",
    'Please create virtual host "nope" prior to importing definitions.',
  ]);
  assertEquals(await refused({ exchanges: [{ vhost: "/", name: "x", type: "nope" }] }), [
    "invalid",
    "exchange 'x': PRECONDITION_FAILED - unknown exchange type 'nope'",
  ]);
  const args = { "x-max-length": -1 };
  assertEquals(await refused({ queues: [{ vhost: "/", name: "q", arguments: args }] }), [
    "invalid",
    "queue 'q': PRECONDITION_FAILED - invalid arg 'x-max-length' for queue 'q' in vhost '/': " +
    "{value_negative,-1}",
  ]);
  const other = { vhost: "/", source: "amq.topic", destination: "q", destination_type: "planet" };
  assertEquals(
    (await refused({ bindings: [other] }))[1],
    'destination_type of a binding is "planet"',
  );
  assertEquals(
    (await refused({ queues: {} }))[1],
    "section 'queues' of definitions is not a list of objects",
  );
  const long = { vhost: "/", name: "ä".repeat(128), type: "fanout" };
  const tooLong = (thing: string) => ["invalid", `name of ${thing} is longer than 255 bytes`];
  assertEquals(await refused({ queues: [long] }), tooLong("queue") as [string, string]);
  assertEquals(await refused({ exchanges: [long] }), tooLong("exchange") as [string, string]);
  assertEquals(await refused({ vhosts: [long] }), tooLong("vhost") as [string, string]);
  assertEquals((await refused("{"))[0], "invalid");
  assertEquals((await refused("[]"))[1], "definitions file is not an object");
  assertEquals((await refused({ vhosts: [{}] }))[1], "vhost has no name");
  const dqt = { name: "w", metadata: { default_queue_type: "bogus" } };
  assertEquals((await refused({ vhosts: [dqt] }))[1], "bogus is not a valid queue type");
  await broker.importDefinitions("\ufeff{}");
  await broker.importDefinitions("");
});

Deno.test("an import passes over bindings of what is not there, with a warning", async () => {
  const logger = new RecordingLogger();
  await using broker = new Broker({ logger });
  const binding = { vhost: "/", routing_key: "k", arguments: {}, destination_type: "queue" };
  await broker.importDefinitions({
    queues: [{ vhost: "/", name: "q" }, { vhost: "/", name: "amq.gen-x" }],
    bindings: [
      { ...binding, source: "amq.topic", destination: "amq.gen-x" },
      { ...binding, source: "federation: x", destination: "q" },
      { ...binding, source: "", destination: "q" },
      { ...binding, source: "amq.topic", destination: "q" },
    ],
  });
  assertEquals(
    logger.of("warning"),
    [["amq.topic", "amq.gen-x"], ["federation: x", "q"]].map(([source, destination]) =>
      `warning: definitions: binding from '${source}' to '${destination}' in vhost '/' passed over: ` +
      "one of these does not exist"
    ),
  );
  assertEquals(section(broker.exportDefinitions(), "bindings"), [
    { ...binding, source: "amq.topic", destination: "q" },
  ]);
});

Deno.test("an import with more queues than a vhost may have is refused as a whole", async () => {
  await using broker = new Broker();
  await broker.setVhostLimits({ maxQueues: 2 });
  await broker.importDefinitions({ queues: [{ vhost: "/", name: "a" }] });
  const queues = ["a", "b", "c"].map((name) => ({ vhost: "/", name }));
  const error = await assertRejects(() => broker.importDefinitions({ queues }), DefinitionError);
  assertEquals([error.code, error.message], [
    "limit",
    'Adding 2 queue(s) to virtual host "/" would exceed the limit of 2 queue(s).\n\n' +
    "This virtual host currently has 1 queue(s) defined.\n\nImport aborted!",
  ]);
  assertEquals(section(broker.exportDefinitions(), "queues").length, 1);
});

Deno.test("arguments that JSON has no word for become the nearest that it has", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q", {
    arguments: {
      at: new Date(5000),
      large: 2n ** 60n,
      bytes: new TextEncoder().encode("text"),
      half: 0.5,
      nothing: null,
    },
  });
  assertEquals(section(broker.exportDefinitions(), "queues")[0]?.["arguments"], {
    at: 5,
    large: 2 ** 60,
    bytes: "text",
    half: 0.5,
    nothing: null,
  });
});

Deno.test("a queue that was made before its vhost's default type does not become another one", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q", { durable: true });
  await broker.addVhost("/", { defaultQueueType: "quorum" });
  const definitions = broker.exportDefinitions();
  await using other = new Broker();
  await other.importDefinitions(definitions);
  const [queue] = section(other.exportDefinitions(), "queues");
  assertEquals([queue?.["type"], queue?.["arguments"]], [
    "classic",
    { "x-queue-type": "classic" },
  ]);
});

/** So long a few of its entries take, on a machine of any speed. */
const A_BATCH_MS = 0.1;

/** A file that takes several turns. */
function longFile(vhost: string): JsonObject {
  return {
    queues: Array.from({ length: 5000 }, (_, number) => ({ vhost, name: `q${number}` })),
  };
}

/** Resolves when an import is in the middle of its queues. */
async function untilBegun(broker: Broker, vhost: string): Promise<number> {
  while (true) {
    const count = [...broker.queues({ vhost })].length;
    if (count > 0) return count;
    await loopRound();
  }
}

Deno.test("a file may be a text, its bytes, or what it says, long or short", async () => {
  const name = "ü\u{1f407}";
  const queues = [{ vhost: "/", name, durable: true, auto_delete: false, arguments: {} }];
  for (const padding of ["", " ".repeat(200_000)]) {
    const text = `${padding}${JSON.stringify({ queues })}`;
    const bytes = new TextEncoder().encode(text);
    for (const file of [text, `\ufeff${text}`, bytes, { queues }]) {
      await using broker = new Broker();
      await broker.importDefinitions(file);
      assertEquals([...broker.queues()].map((queue) => queue.name), [name]);
    }
  }
  await using broker = new Broker();
  for (const nothing of ["", " \n", new Uint8Array(0)]) await broker.importDefinitions(nothing);
  for (const file of ["{", `{"queues":[}${" ".repeat(200_000)}`]) {
    for (const given of [file, new TextEncoder().encode(file)]) {
      const error = await assertRejects(() => broker.importDefinitions(given), DefinitionError);
      assertEquals(error.cause instanceof SyntaxError, true);
    }
  }
});

Deno.test("all lists of a file are made when somebody asks for their entries", async () => {
  await using broker = await furnished();
  await broker.addUser("ann", { password: "p" });
  await broker.setPermissions({ user: "ann", configure: "", write: "", read: "" });
  await broker.setTopicPermissions({ user: "ann", exchange: "x", write: "", read: "" });
  for (const where of [{}, { vhost: "v" }]) {
    const whole = broker.exportDefinitions(where);
    for (const [name, part] of Object.entries(broker.definitionSections(where))) {
      if (!Array.isArray(whole[name])) continue;
      assert(part instanceof DefinitionSection, name);
      assertEquals(part.entries(), whole[name], name);
      assertEquals(broker.definitionCounts(where)[name], whole[name].length, name);
    }
  }
  assertThrows(() => broker.definitionCounts({ vhost: "nope" }), DefinitionError);
});

Deno.test("policies of an import apply to what is there, also when a later entry ends it", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  const pushed = async (queue: string) => {
    for (const text of ["one", "two", "three"]) {
      await channel.basicPublish({ routingKey: queue }, text);
    }
  };
  const waiting = async (queue: string) => (await channel.queueDeclare(queue)).messageCount;
  const policy = (name: string, max: number) => ({
    vhost: "/",
    name,
    pattern: `^${name}`,
    definition: { "max-length": max },
  });
  for (const queue of ["a", "b", "c"]) await channel.queueDeclare(queue);
  for (const queue of ["a", "b", "c"]) await pushed(queue);
  const operators = { vhost: "/", component: "operator_policy", name: "c" };
  const { name: _, vhost: __, ...value } = policy("c", 1);
  await broker.importDefinitions({
    policies: [policy("a", 1), policy("b", 2)],
    parameters: [{ ...operators, value }],
  });
  assertEquals(await Promise.all(["a", "b", "c"].map(waiting)), [1, 2, 1]);
  await assertRejects(
    () => broker.importDefinitions({ policies: [policy("b", 1), { vhost: "/", name: "bad" }] }),
    DefinitionError,
  );
  assertEquals(await waiting("b"), 1);
});

Deno.test("queues that go while the policies of an import are applied are passed over", async () => {
  using _time = standingTime(A_BATCH_MS);
  await using broker = new Broker();
  await broker.importDefinitions(longFile("/"));
  const importing = broker.importDefinitions({
    policies: [{ vhost: "/", name: "p", pattern: "", definition: { expires: 60_000 } }],
  });
  while (broker.policies().length === 0) await loopRound();
  for (const { name } of [...broker.queues()].slice(-100)) {
    await broker.deleteQueue({ queue: name });
  }
  // a timer of one of those would be left behind
  await importing;
  assertEquals(broker.appliedPolicy({ queue: "q0" })?.policy, "p");
});

Deno.test("a vhost that is deleted in the middle of an import ends it", async () => {
  using _time = standingTime(A_BATCH_MS);
  await using broker = new Broker();
  for (const only of [true, false]) {
    await broker.addVhost("v");
    const importing = broker.importDefinitions(longFile("v"), only ? { vhost: "v" } : {});
    const refused = assertRejects(() => importing, DefinitionError, 'create virtual host "v"');
    assertEquals(await untilBegun(broker, "v") < 5000, true);
    await broker.deleteVhost("v");
    await refused;
  }
  // the next one does not wait for what failed
  await broker.importDefinitions({ queues: [{ vhost: "/", name: "q" }] });
});

Deno.test("a broker that closes in the middle of an import ends it", async () => {
  using _time = standingTime(A_BATCH_MS);
  const broker = new Broker();
  const importing = broker.importDefinitions(longFile("/"));
  const refused = assertRejects(() => importing, TypeError, "broker is closed");
  assertEquals(await untilBegun(broker, "/") < 5000, true);
  await broker.close();
  await refused;
});
