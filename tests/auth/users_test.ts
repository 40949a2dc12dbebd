import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AmqpError, Broker, type BrokerEventName, connect, DefinitionError } from "../../mod.ts";
import type { JsonObject } from "../../broker/policy/json.ts";
import { attempt, closing } from "../behaviour/observe.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

const QUICK = { passwordHashing: "rabbitmq-sha256" } as const;
const ALL = { configure: ".*", write: ".*", read: ".*" };
const RABBITMQ_EXPORT = await Deno.readTextFile(
  new URL("rabbitmq_3.10.8.json", import.meta.url),
);

async function refusal(action: () => unknown): Promise<readonly [code: string, text: string]> {
  const error = await assertRejects(async () => void await action(), DefinitionError);
  return [error.code, error.message];
}

Deno.test("a new broker has guest alone, who may do everything in the vhosts that it has", async () => {
  await using broker = new Broker({ vhosts: ["/", "v"] });
  assertEquals(broker.users(), [
    { name: "guest", tags: ["administrator"], limits: {}, hasPassword: true },
  ]);
  assertEquals(broker.permissions(), [
    { user: "guest", vhost: "/", ...ALL },
    { user: "guest", vhost: "v", ...ALL },
  ]);
  assertEquals(await broker.authenticateUser("guest", "guest"), true);
  await broker.addVhost("later");
  const error = await assertRejects(
    () => broker.connect({ user: "guest", vhost: "later" }),
    AmqpError,
  );
  assertEquals(error.message, "NOT_ALLOWED - access to vhost 'later' refused for user 'guest'");
});

Deno.test("a broker may begin with another user, and another vhost", async () => {
  await using broker = new Broker({
    defaultUser: { name: "ops", password: "s3cret", vhost: "prod" },
  });
  assertEquals(broker.users().map(({ name, tags }) => [name, tags]), [["ops", ["administrator"]]]);
  assertEquals(broker.vhosts().map(({ name }) => name), ["prod"]);
  assertEquals(broker.permissions(), [{ user: "ops", vhost: "prod", ...ALL }]);
  assertEquals(await broker.authenticateUser("ops", "s3cret"), true);
  assertEquals(await broker.authenticateUser("ops", "guest"), false);
});

Deno.test("the program itself needs no user; as a user that there is not, it is refused", async () => {
  await using broker = new Broker();
  await broker.deleteUser("guest");
  await using connection = await broker.connect();
  await (await connection.openChannel()).queueDeclare("q");
  const error = await assertRejects(() => broker.connect({ user: "guest" }), AmqpError);
  assertEquals(error.message, "NOT_ALLOWED - access to vhost '/' refused for user 'guest'");
});

Deno.test("what operators say of users is checked, with a code and RabbitMQ's text where it has one", async () => {
  await using broker = new Broker(QUICK);
  const nobody = ["not-found", "User 'nobody' does not exist"] as const;
  const ofNobody: readonly (() => unknown)[] = [
    () => broker.changePassword("nobody", "x"),
    () => broker.deleteUser("nobody"),
    () => broker.setUserTags("nobody", []),
    () => broker.setUserLimits("nobody", {}),
    () => broker.setPermissions({ user: "nobody", ...ALL }),
    () => broker.clearPermissions("nobody"),
    () => broker.permissions({ user: "nobody" }),
    () => broker.setTopicPermissions({ user: "nobody", exchange: "x", write: "", read: "" }),
    () => broker.clearTopicPermissions("nobody"),
    () => broker.topicPermissions({ user: "nobody" }),
  ];
  for (const action of ofNobody) assertEquals(await refusal(action), nobody);
  const nowhere = ["not-found", "Virtual host 'v' does not exist"] as const;
  const inNowhere: readonly (() => unknown)[] = [
    () => broker.setPermissions({ user: "guest", vhost: "v", ...ALL }),
    () => broker.clearPermissions("guest", { vhost: "v" }),
    () => broker.permissions({ vhost: "v" }),
    () =>
      broker.setTopicPermissions({ user: "guest", vhost: "v", exchange: "x", write: "", read: "" }),
  ];
  for (const action of inNowhere) assertEquals(await refusal(action), nowhere);
  assertEquals(await refusal(() => broker.addUser("guest")), [
    "exists",
    "User 'guest' already exists",
  ]);
  assertEquals((await refusal(() => broker.addUser("")))[0], "invalid");
  assertEquals((await refusal(() => broker.addUser("é".repeat(128))))[0], "invalid");
  assertEquals((await refusal(() => broker.addUser("u", { password: "" })))[0], "invalid");
  assertEquals((await refusal(() => broker.changePassword("guest", "")))[0], "invalid");
  assertEquals(await refusal(() => broker.setUserLimits("guest", { maxChannels: 1.5 })), [
    "invalid",
    "Validation failed\n\nmax-channels should be a number, actually was 1.5",
  ]);
  const bomb = { user: "guest", configure: "^(a+)+$", write: "", read: "" };
  assertEquals((await refusal(() => broker.setPermissions(bomb)))[0], "invalid");
  assertEquals(broker.users().length, 1);
  assertEquals(broker.permissions(), [{ user: "guest", vhost: "/", ...ALL }]);
});

Deno.test("a change of permissions holds for channels that are open", async () => {
  await using broker = new Broker(QUICK);
  await broker.addUser("alice");
  await broker.setPermissions({ user: "alice", ...ALL });
  await using connection = await broker.connect({ user: "alice" });
  const publisher = await connection.openChannel();
  await publisher.exchangeDeclare("x", "topic");
  await publisher.confirmSelect();
  const publish = (routingKey = "") => publisher.basicPublish({ exchange: "x", routingKey }, "");
  await publish();
  await broker.setPermissions({ user: "alice", ...ALL, write: "^x$" });
  await publish();
  await broker.setTopicPermissions({ user: "alice", exchange: "x", write: "^a$", read: "" });
  await publish("a");
  await broker.clearTopicPermissions("alice");
  await publish("b");
  await broker.setPermissions({ user: "alice", ...ALL, write: "" });
  await attempt(async () => await publish());
  assertEquals(await closing(publisher), [
    403,
    "ACCESS_REFUSED - write access to exchange 'x' in vhost '/' refused for user 'alice'",
    "basic.publish",
  ]);
  await broker.clearPermissions("alice");
  const channel = await connection.openChannel();
  assertEquals(await attempt(() => channel.exchangeDelete("x")), [
    403,
    "ACCESS_REFUSED - configure access to exchange 'x' in vhost '/' refused for user 'alice'",
    "exchange.delete",
  ]);
});

Deno.test("topic permissions count for the keys in headers, too", async () => {
  await using broker = new Broker(QUICK);
  await broker.addUser("alice");
  await broker.setPermissions({ user: "alice", ...ALL });
  const topic = { user: "alice", exchange: "amq.topic", write: "^{username}\\.", read: "" };
  await broker.setTopicPermissions(topic);
  await using connection = await broker.connect({ user: "alice" });
  for (const name of ["CC", "BCC"]) {
    const channel = await connection.openChannel();
    await channel.confirmSelect();
    const publish = (key: string) =>
      channel.basicPublish({
        exchange: "amq.topic",
        routingKey: "alice.a",
        properties: { headers: { [name]: [key] } },
      }, "");
    await publish("alice.b");
    assertEquals(await attempt(async () => await publish("bob.b")), [
      403,
      "ACCESS_REFUSED - write access to topic 'bob.b' in exchange 'amq.topic' in vhost '/' refused " +
      "for user 'alice'",
      "basic.publish",
    ]);
  }
});

Deno.test("an impersonator may publish in the name of others, as long as it is one", async () => {
  await using broker = new Broker(QUICK);
  await broker.addUser("relay", { tags: ["impersonator"] });
  await broker.setPermissions({ user: "relay", ...ALL });
  await using connection = await broker.connect({ user: "relay" });
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  const publish = () => channel.basicPublish({ properties: { userId: "alice" } }, "");
  await publish();
  await broker.setUserTags("relay", ["management"]);
  assertEquals(await attempt(async () => await publish()), [
    406,
    "PRECONDITION_FAILED - user_id property set to 'alice' but authenticated user was 'relay'",
    "basic.publish",
  ]);
});

Deno.test("limits of a user hold over all of its connections, and for nobody else", async () => {
  await using broker = new Broker(QUICK);
  await broker.addUser("alice", { password: "secret", limits: { maxConnections: 2 } });
  await broker.setPermissions({ user: "alice", ...ALL });
  await using server = await broker.listen({ port: 0 });
  const uri = `amqp://alice:secret@127.0.0.1:${server.port}`;
  await using one = await connect(uri, { recovery: false });
  await using two = await broker.connect({ user: "alice" });
  const full =
    "NOT_ALLOWED - connection refused for user 'alice': user connection limit (2) is reached";
  for (const dial of [() => connect(uri), () => broker.connect({ user: "alice" })]) {
    assertEquals((await assertRejects(dial, AmqpError)).message, full);
  }
  await using _others = await broker.connect({ user: "guest" });
  await broker.setUserLimits("alice", { maxConnections: -1, maxChannels: 2 });
  await using three = await connect(uri, { recovery: false });
  await one.openChannel();
  await two.openChannel();
  const error = await assertRejects(() => three.openChannel(), AmqpError);
  assertEquals(
    error.message,
    "NOT_ALLOWED - number of channels opened for user 'alice' has reached the maximum allowed " +
      "user limit of 2",
  );
  await one.close();
  await using four = await connect(uri, { recovery: false });
  await four.openChannel();
});

Deno.test("a vhost that is deleted takes permissions with it", async () => {
  await using broker = new Broker(QUICK);
  await broker.addVhost("v");
  await broker.setPermissions({ user: "guest", vhost: "v", ...ALL });
  const topic = { user: "guest", vhost: "v", exchange: "x", write: "", read: "" };
  await broker.setTopicPermissions(topic);
  await broker.deleteVhost("v");
  await broker.addVhost("v");
  assertEquals(broker.permissions().map(({ vhost }) => vhost), ["/"]);
  assertEquals(broker.topicPermissions(), []);
});

Deno.test("changes are told under the names of RabbitMQ's event exchange", async () => {
  await using broker = new Broker(QUICK);
  const seen: unknown[] = [];
  const names: readonly BrokerEventName[] = [
    "user.created",
    "user.deleted",
    "user.password.changed",
    "user.password.cleared",
    "user.tags.set",
    "user.limits.set",
    "permission.created",
    "permission.deleted",
    "topic.permission.created",
    "topic.permission.deleted",
  ];
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  await channel.queueBind({ queue: "q", exchange: "amq.rabbitmq.event", routingKey: "#" });
  for (const name of names) broker.on(name, (fields) => void seen.push([name, fields]));
  const last = Promise.withResolvers<void>();
  broker.on("user.deleted", () => last.resolve());
  await broker.addUser("u", { password: "secret", tags: ["management"] });
  await broker.changePassword("u", "other");
  await broker.changePassword("u", null);
  await broker.setUserLimits("u", { maxChannels: 3 });
  await broker.setPermissions({ user: "u", configure: "a", write: "b", read: "c" });
  await broker.clearPermissions("u");
  await broker.clearPermissions("u");
  await broker.setTopicPermissions({ user: "u", exchange: "x", write: "w", read: "r" });
  await broker.clearTopicPermissions("u", { exchange: "other" });
  await broker.clearTopicPermissions("u", { exchange: "x" });
  await broker.deleteUser("u");
  await last.promise;
  const [user, name] = [{ user: "u", vhost: "/" }, { name: "u" }];
  assertEquals(seen, [
    ["user.created", name],
    ["user.tags.set", { ...name, tags: ["management"] }],
    ["user.password.changed", name],
    ["user.password.cleared", name],
    ["user.limits.set", { ...name, limits: { "max-channels": 3 } }],
    ["permission.created", { ...user, configure: "a", write: "b", read: "c" }],
    ["permission.deleted", user],
    ["topic.permission.created", { ...user, exchange: "x", write: "w", read: "r" }],
    ["topic.permission.deleted", { ...user, exchange: "x" }],
    ["user.deleted", name],
  ]);
  const keys: string[] = [];
  for (;;) {
    const delivery = await channel.basicGet("q", { noAck: true });
    if (delivery === undefined) break;
    if (/^(user|permission|topic)\./.test(delivery.routingKey)) keys.push(delivery.routingKey);
  }
  assertEquals(keys.sort(), seen.map((event) => (event as [string])[0]).sort());
});

Deno.test("what RabbitMQ exports lets the same users in by the same passwords, and goes back", async () => {
  const logger = new RecordingLogger();
  await using broker = new Broker({ logger });
  await broker.importDefinitions(RABBITMQ_EXPORT);
  assertEquals(broker.users(), [
    {
      name: "alice",
      tags: ["monitoring", "foo"],
      limits: { maxConnections: -1, maxChannels: 4 },
      hasPassword: true,
    },
    { name: "guest", tags: ["administrator"], limits: {}, hasPassword: true },
  ]);
  await using server = await broker.listen({ port: 0 });
  await using connection = await connect(`amqp://alice:other@127.0.0.1:${server.port}`, {
    recovery: false,
  });
  await connection.openChannel();
  assertEquals(await broker.authenticateUser("guest", "guest"), true);
  assertEquals(await broker.authenticateUser("alice", "secret"), false);

  const theirs: JsonObject = JSON.parse(RABBITMQ_EXPORT);
  const ours = broker.exportDefinitions();
  for (const section of ["users", "permissions", "topic_permissions"]) {
    assertEquals(ours[section], theirs[section], section);
  }
  assertEquals(logger.of("warning"), []);
});

Deno.test("users go from one broker into another whole, and what RabbitMQ cannot verify is told", async () => {
  const logger = new RecordingLogger();
  await using one = new Broker({ logger });
  await one.addUser("slow", { password: "s3cret", tags: ["a"], limits: { maxChannels: 9 } });
  await one.addUser("none");
  await one.setPermissions({ user: "slow", ...ALL });
  const exported = one.exportDefinitions();
  const entries = exported["users"] as readonly JsonObject[];
  assertEquals(entries.map(({ name, password_hash }) => [name, password_hash === ""]), [
    ["guest", false],
    ["none", true],
    ["slow", true],
  ]);
  assertEquals(JSON.stringify(exported).includes("s3cret"), false);
  assertEquals(logger.of("warning").length, 1);
  assertEquals(logger.of("warning")[0]!.includes("passwords of slow:"), true);

  await using other = new Broker();
  await other.addUser("slow", { tags: ["b"] });
  await other.importDefinitions(exported);
  assertEquals(other.exportDefinitions(), exported);
  assertEquals(await other.authenticateUser("slow", "s3cret"), true);
  assertEquals(await other.authenticateUser("none", ""), false);
});

Deno.test("a definitions file may have passwords that somebody wrote", async () => {
  await using broker = new Broker(QUICK);
  await broker.importDefinitions({
    users: [
      { name: "a", password: "s3cret", tags: "management, monitoring" },
      { name: "b", administrator: "true", password_hash: "" },
      { name: "c", tags: [] },
    ],
  });
  assertEquals(await broker.authenticateUser("a", "s3cret"), true);
  assertEquals(broker.users().map(({ name, tags, hasPassword }) => [name, tags, hasPassword]), [
    ["a", ["management", "monitoring"], true],
    ["b", ["administrator"], false],
    ["c", [], false],
    ["guest", ["administrator"], true],
  ]);
});

Deno.test("hashes in the file of a RabbitMQ before 3.6, which do not say of what kind, are MD5", async () => {
  const user = { name: "ann", tags: "", password_hash: "AAECA9drPwJybJWdQ4E2lw0vaUU=" };
  for (const version of ["2.8.7", "3.0.0", "3.5.7"]) {
    await using broker = new Broker(QUICK);
    await broker.importDefinitions({ rabbit_version: version, users: [user] });
    assertEquals(await broker.authenticateUser("ann", "secret"), true);
    const [kept] = broker.userDefinitions({ user: "ann" });
    assertEquals(kept!["hashing_algorithm"], "rabbit_password_hashing_md5");
  }
  for (const version of ["3.6.0", "3.13.7", "4.3.5"]) {
    await using broker = new Broker(QUICK);
    const file = { rabbit_version: version, users: [user] };
    const [, text] = await refusal(() => broker.importDefinitions(file));
    assertEquals(text, "user 'ann': password hash has 20 bytes instead of 36");
  }
});

Deno.test("a definitions file with a wrong entry about users is refused there", async () => {
  const hash = "AAECAygv0e1JvWmb/yuFkkS4o6/ym7l2VIDl94ohKiVGBwMk";
  const permission = { user: "guest", vhost: "/", ...ALL };
  const cases: readonly (readonly [file: JsonObject, text: string])[] = [
    [{ users: [{ tags: [] }] }, "user has no name"],
    [{ users: [{ name: "u" }] }, "user 'u' has no tags"],
    [
      { users: [{ name: "u", tags: [], password_hash: hash, hashing_algorithm: "crypt" }] },
      "user 'u': unknown hashing algorithm 'crypt'",
    ],
    [
      { users: [{ name: "u", tags: [], password_hash: "AAAA" }] },
      "user 'u': password hash has 3 bytes instead of 36",
    ],
    [
      { users: [{ name: "u", tags: [], password: "x", password_hash: hash }] },
      "user 'u' has both a password and a password hash",
    ],
    [
      { users: [{ name: "u", tags: [], password_hash: "", warren_password_hash: "scrypt$1" }] },
      "user 'u': password hash is not one of scrypt",
    ],
    [
      { users: [{ name: "u", tags: [], limits: { "max-foo": 1 } }] },
      'Validation failed\n\nUnrecognised terms [{<<"max-foo">>,1}] in user-limits',
    ],
    [{ permissions: [{ ...permission, user: "u" }] }, "User 'u' does not exist"],
    [
      { permissions: [{ ...permission, vhost: "v" }] },
      'Please create virtual host "v" prior to importing definitions.',
    ],
    [{ permissions: [{ user: "guest", vhost: "/" }] }, "permission has no configure"],
    [{ topic_permissions: [{ user: "guest", vhost: "/" }] }, "topic permission has no exchange"],
    [{ users: {} }, "section 'users' of definitions is not a list of objects"],
  ];
  for (const [file, text] of cases) {
    await using broker = new Broker(QUICK);
    assertEquals((await refusal(() => broker.importDefinitions(file)))[1], text);
    assertEquals(broker.users().map(({ name }) => name), ["guest"]);
  }
});

Deno.test("what is listed cannot be used to change a user", async () => {
  await using broker = new Broker(QUICK);
  const [guest] = broker.users();
  assertThrows(() => (guest!.tags as string[]).push("x"), TypeError);
  assertEquals(broker.users()[0]?.tags, ["administrator"]);
  assertEquals(JSON.stringify(broker.users()).includes("hash"), false);
});
