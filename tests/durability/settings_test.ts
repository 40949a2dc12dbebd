import { assertEquals, assertRejects } from "@std/assert";
import { AmqpError, Broker } from "../../mod.ts";
import { DiskFileSystem } from "../../broker/store/file_system.ts";
import { Store } from "../../broker/store/store.ts";
import { DurableSettings } from "../../broker/vhost/durable_settings.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

/** A directory of its own, and its end. */
function temporaryDirectory(): { path: string } & AsyncDisposable {
  const path = Deno.makeTempDirSync({ prefix: "warren-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("vhosts, policies, parameters and limits survive a restart", async () => {
  await using directory = temporaryDirectory();
  const dataDir = directory.path;
  let before: unknown;
  {
    await using broker = new Broker({ dataDir });
    await broker.addVhost("v", { description: "d", tags: ["t"], defaultQueueType: "quorum" });
    await broker.addVhost("gone");
    await broker.setVhostLimits({ maxQueues: 2, maxConnections: 9 }, { vhost: "v" });
    await broker.setPolicy({ name: "p", pattern: "^q", definition: { "max-length": 2 } });
    await broker.setPolicy({ name: "gone", pattern: "^q", definition: { "max-length": 1 } });
    await broker.setOperatorPolicy({ name: "o", pattern: "", definition: { "max-length": 9 } });
    await broker.setParameter({ component: "shovel", name: "s", value: [1, { a: null }] });
    await broker.setGlobalParameter("g", "value");
    await broker.setGlobalParameter("gone", "value");
    await broker.setPolicy({ name: "p", pattern: "", definition: { expires: 9 }, vhost: "gone" });
    await broker.deleteGlobalParameter("gone");
    await broker.deletePolicy("gone");
    await broker.deleteVhost("gone");
    before = broker.exportDefinitions();
  }
  await using broker = new Broker({ dataDir });
  assertEquals(broker.exportDefinitions(), before);
  assertEquals(broker.vhosts().map(({ name }) => name), ["/", "v"]);
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  for (const body of ["1", "2", "3"]) await channel.basicPublish({ routingKey: "q" }, body);
  assertEquals((await channel.queueDeclare("q")).messageCount, 2, "the policy has its effect");
});

Deno.test("a policy applies to queues and exchanges that come back after a restart", async () => {
  await using directory = temporaryDirectory();
  const dataDir = directory.path;
  {
    await using broker = new Broker({ dataDir });
    await broker.setPolicy({
      name: "p",
      pattern: "",
      definition: { "max-length": 2, "alternate-exchange": "amq.fanout" },
    });
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    await channel.queueDeclare("q", { durable: true });
    await channel.exchangeDeclare("x", "direct", { durable: true });
    await channel.queueBind({ queue: "q", exchange: "amq.fanout" });
  }
  await using broker = new Broker({ dataDir });
  assertEquals(broker.appliedPolicy({ queue: "q" })?.policy, "p");
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  // the second one is the broker's own, and there before any policy is
  for (const [exchange, body] of [["x", "1"], ["x", "2"], ["amq.direct", "3"]] as const) {
    await channel.basicPublish({ exchange, routingKey: "nobody" }, body);
  }
  const bodies = [];
  for (let count = 0; count < 3; count++) {
    bodies.push((await channel.basicGet("q", { noAck: true }))?.text());
  }
  assertEquals(bodies, ["2", "3", undefined]);
});

Deno.test("vhosts of their own keep their queues and messages apart after a restart", async () => {
  await using directory = temporaryDirectory();
  const dataDir = directory.path;
  {
    await using broker = new Broker({ dataDir });
    for (const vhost of ["a", "b"]) {
      await broker.addVhost(vhost);
      await using connection = await broker.connect({ vhost });
      const channel = await connection.openChannel();
      await channel.confirmSelect();
      await channel.queueDeclare("q", { durable: true });
      const properties = { deliveryMode: 2 };
      await channel.basicPublish({ routingKey: "q", properties }, `of ${vhost}`);
    }
    await broker.deleteVhost("a");
  }
  await using broker = new Broker({ dataDir });
  await using connection = await broker.connect({ vhost: "b" });
  const channel = await connection.openChannel();
  assertEquals((await channel.basicGet("q", { noAck: true }))?.text(), "of b");
  await assertRejects(() => broker.connect({ vhost: "a" }), AmqpError, "vhost a not found");
  await broker.addVhost("a");
  await using again = await broker.connect({ vhost: "a" });
  const other = await again.openChannel();
  await assertRejects(() => other.queueDeclare("q", { passive: true }), AmqpError, "NOT_FOUND");
});

Deno.test("the vhost / that was deleted stays so, and the option can bring it back", async () => {
  await using directory = temporaryDirectory();
  const dataDir = directory.path;
  {
    await using broker = new Broker({ dataDir });
    await broker.addVhost("v");
    await broker.deleteVhost("/");
  }
  {
    await using broker = new Broker({ dataDir });
    assertEquals(broker.vhosts().map(({ name }) => name), ["v"]);
  }
  {
    await using broker = new Broker({ dataDir, vhosts: ["/"] });
    assertEquals(broker.vhosts().map(({ name }) => name), ["/", "v"]);
  }
  await using broker = new Broker({ dataDir });
  assertEquals(broker.vhosts().map(({ name }) => name), ["/", "v"]);
});

Deno.test("an import survives a restart as a whole", async () => {
  await using directory = temporaryDirectory();
  const dataDir = directory.path;
  const text = await Deno.readTextFile(
    new URL("../policy/rabbitmq_3.10.8.json", import.meta.url),
  );
  let before: unknown;
  {
    await using broker = new Broker({ dataDir });
    await broker.importDefinitions(text);
    const definitions = broker.exportDefinitions();
    // what is not durable is exported, but gone after a restart
    const durable = (name: string) =>
      (definitions[name] as unknown as { durable: boolean }[]).filter((entry) => entry.durable);
    before = { ...definitions, queues: durable("queues"), exchanges: durable("exchanges") };
  }
  await using broker = new Broker({ dataDir });
  const after = broker.exportDefinitions();
  const bindings = after["bindings"] as unknown as { destination: string }[];
  assertEquals(bindings.map(({ destination }) => destination), ["q.args"]);
  assertEquals(
    { ...after, bindings: null },
    { ...before as object, bindings: null } as typeof after,
  );
});

Deno.test("a policy that another version took and this one does not is kept, and has no effect", async () => {
  await using directory = temporaryDirectory();
  const dataDir = directory.path;
  const value = {
    pattern: "(a+)+$",
    definition: { "max-length": 1 },
    "apply-to": "all",
    priority: 0,
  };
  {
    const files = new DiskFileSystem(dataDir);
    const store = new Store({ files });
    const settings = new DurableSettings(store);
    settings.setVhost("/", { default_queue_type: "future" });
    settings.setParameter({ vhost: "/", component: "policy", name: "p", value });
    settings.begin();
    await store.close();
  }
  const logger = new RecordingLogger();
  await using broker = new Broker({ dataDir, logger });
  assertEquals(broker.policies(), []);
  assertEquals(broker.parameters({ component: "policy" })[0]?.value, value);
  assertEquals(logger.of("error").length, 2);
});
