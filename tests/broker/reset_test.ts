import { assert, assertEquals, assertRejects } from "@std/assert";
import { Broker, type BrokerOptions, connect } from "../../mod.ts";
import type { StoreFile } from "../../broker/store/file_system.ts";
import type { InternalOptions } from "../../broker/options.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";

const MESSAGES = 150;

/** Something of everything, in vhosts, and of users. */
async function furnish(broker: Broker): Promise<void> {
  await broker.addVhost("kept", { protectedFromDeletion: true });
  await broker.addUser("ann", { password: "p" });
  await broker.setPermissions({ user: "ann", configure: "", write: ".*", read: ".*" });
  await broker.setTopicPermissions({ user: "ann", exchange: "amq.topic", write: "a", read: "" });
  await broker.changePassword("guest", "other");
  await broker.setPolicy({ name: "p", pattern: "", definition: { "max-length": 1000 } });
  await broker.setVhostLimits({ maxQueues: 100 }, { vhost: "kept" });
  await broker.setParameter({ component: "shovel", name: "s", value: {} });
  await broker.setGlobalParameter("cluster_name", "burrow");
  for (const vhost of ["/", "kept"]) {
    await using connection = await broker.connect({ vhost });
    const channel = await connection.openChannel();
    await channel.confirmSelect();
    const stream = { "x-queue-type": "stream" };
    await channel.queueDeclare("orders", { durable: true });
    await channel.queueDeclare("log", { durable: true, arguments: stream });
    await channel.exchangeDeclare("x", "topic", { durable: true });
    await channel.exchangeDeclare("later", "x-delayed-message", {
      durable: true,
      arguments: { "x-delayed-type": "fanout" },
    });
    await channel.queueBind({ queue: "orders", exchange: "x", routingKey: "#" });
    const properties = { deliveryMode: 2 };
    for (let number = 0; number < MESSAGES; number++) {
      const body = `${number} `.repeat(100);
      await channel.basicPublish({ exchange: "x", routingKey: "k", properties }, body);
      await channel.basicPublish({ routingKey: "log", properties }, body);
    }
    const headers = { "x-delay": 3_600_000 };
    await channel.basicPublish({ exchange: "later", properties: { ...properties, headers } }, "l");
  }
}

/** All that a broker has, in a text; of passwords, whether one is that of `guest`. No salt is the same
 * twice. */
async function stateOf(broker: Broker): Promise<string> {
  const counts = broker.vhosts().map(({ name: vhost }) => [
    [...broker.queues({ vhost })].map(({ name, messages }) => [name, messages]),
    [...broker.exchanges({ vhost })].map(({ name }) => name),
    broker.exchanges({ vhost }).some(({ name }) => name === "later")
      ? broker.delayedMessageCount({ vhost, exchange: "later" })
      : 0,
  ]);
  const hashes = /"password_hash":"[^"]*"/g;
  const isKnown = await broker.authenticateUser("guest", "guest");
  return JSON.stringify([broker.exportDefinitions(), counts, isKnown]).replaceAll(hashes, "");
}

async function reset(broker: Broker): Promise<void> {
  await broker.stopServing();
  await broker.reset();
  await broker.startServing();
}

const OPTIONS: readonly BrokerOptions[] = [
  {},
  { vhosts: ["one", "two"] },
  { defaultUser: { name: "root", password: "secret", vhost: "home", tags: ["monitoring"] } },
];

for (const options of OPTIONS) {
  Deno.test(`reset() leaves what a new broker has, with ${JSON.stringify(options)}`, async () => {
    const { name = "guest", password = "guest" } = options.defaultUser ?? {};
    await using fresh = new Broker({ passwordHashing: "rabbitmq-sha256", ...options });
    await using broker = new Broker({ passwordHashing: "rabbitmq-sha256", ...options });
    for (let time = 0; time < 2; time++) {
      if (!broker.hasVhost("/")) await broker.addVhost("/");
      if (name !== "guest") await broker.addUser("guest", { password: "guest" });
      await furnish(broker);
      await reset(broker);
      assertEquals(await stateOf(broker), await stateOf(fresh));
      assert(await broker.authenticateUser(name, password));
    }
  });
}

Deno.test("reset() is refused while the broker serves, and changes nothing", async () => {
  await using broker = new Broker();
  await broker.declareQueue({ queue: "orders" });
  await assertRejects(() => broker.reset(), TypeError, "Cannot reset: broker is not stopped");
  assertEquals([...broker.queues()].length, 1);
});

Deno.test("who was let in before a reset is not let in after it", async () => {
  await using broker = new Broker({ passwordHashing: "rabbitmq-sha256" });
  await using server = await broker.listen({ port: 0 });
  await broker.addUser("ann", { password: "p" });
  await broker.setPermissions({ user: "ann", configure: ".*", write: ".*", read: ".*" });
  const enter = (user: string) =>
    connect(`amqp://${user}@127.0.0.1:${server.port}`, { recovery: false });
  await (await enter("ann:p")).close();
  await reset(broker);
  await assertRejects(() => enter("ann:p"), Error, "ACCESS_REFUSED");
  await using connection = await enter("guest:guest");
  const channel = await connection.openChannel();
  await channel.queueDeclare("orders");
});

Deno.test("after a reset the broker tells of itself as before", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  await reset(broker);
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  for (const exchange of ["amq.rabbitmq.event", "amq.rabbitmq.log"]) {
    const queue = exchange.replace("amq.", "");
    await channel.queueDeclare(queue);
    await channel.queueBind({ queue, exchange, routingKey: "#" });
  }
  await (await connect(`amqp://127.0.0.1:${server.port}`, { recovery: false })).close();
  const event = await channel.basicGet("rabbitmq.event", { noAck: true });
  assertEquals(event?.routingKey, "binding.created");
  const line = await channel.basicGet("rabbitmq.log", { noAck: true });
  assertEquals(line?.routingKey, "info");
  assert(/user 'guest' entered vhost/.test(line!.text()));
});

Deno.test("what comes after a reset is there after a restart, and nothing else", async () => {
  const disk = new SimulatedDisk();
  {
    await using broker = new Broker(disk.options());
    await furnish(broker);
    await reset(broker);
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    await channel.confirmSelect();
    await channel.queueDeclare("orders", { durable: true });
    await channel.basicPublish({ routingKey: "orders", properties: { deliveryMode: 2 } }, "new");
  }
  await using broker = new Broker(disk.options());
  const told = [...broker.queues()].map(({ name, messages }) => [name, messages]);
  assertEquals(told, [["orders", 1]]);
  assertEquals(broker.users().map(({ name }) => name), ["guest"]);
  assertEquals(broker.vhosts().map(({ name }) => name), ["/"]);
  assert(await broker.authenticateUser("guest", "guest"));
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  assertEquals((await channel.basicGet("orders"))?.text(), "new");
});

Deno.test("a crash in a reset leaves all as it was, or nothing, wherever it comes", async () => {
  const before = new SimulatedDisk();
  const options = { passwordHashing: "rabbitmq-sha256", segmentSize: 16 * 1024 } as const;
  {
    await using broker = new Broker(before.options(options));
    await furnish(broker);
  }
  const old = await stateOn(before, options);
  const crashes: Map<string, Uint8Array>[] = [];
  {
    const watched = watch(before, (files) => crashes.push(files));
    await using broker = new Broker(before.options({ ...options, openDirectory: watched.open }));
    await broker.stopServing();
    watched.on = true;
    await broker.reset();
    watched.on = false;
  }
  await using fresh = new Broker(options);
  const begun = await stateOf(fresh);
  assert(old !== begun);
  assertEquals(await stateOn(before, options), begun);
  const found = { old: 0, begun: 0 };
  for (const [at, files] of crashes.entries()) {
    const disk = new SimulatedDisk();
    for (const [name, bytes] of files) {
      disk.files.create(name).write(bytes, 0, bytes.length, 0);
    }
    const state = await stateOn(disk, options);
    assert(state === old || state === begun, `at ${at} of ${crashes.length}: ${state}`);
    // once it is forgotten, it stays so
    assert(state === begun || found.begun === 0, `at ${at} of ${crashes.length}`);
    found[state === old ? "old" : "begun"]++;
    assertEquals(await stateOn(disk, options), state);
  }
  assert(found.old > 0 && found.begun > 5, JSON.stringify(found));
});

async function stateOn(disk: SimulatedDisk, options: InternalOptions): Promise<string> {
  await using broker = new Broker(disk.options(options));
  return await stateOf(broker);
}

/** Tells what there is on a disk whenever something changes there, also when a write is half done. */
function watch(disk: SimulatedDisk, onChange: (files: Map<string, Uint8Array>) => void) {
  const tell = () => {
    if (!watched.on) return;
    onChange(new Map(disk.files.list().map((name) => [name, disk.files.contents(name)])));
  };
  const wrap = (file: StoreFile): StoreFile => ({
    ...file,
    write: (bytes, start, length, position) => {
      tell();
      const half = length >> 1;
      if (half > 0) file.write(bytes, start, half, position);
      tell();
      file.write(bytes, start + half, length - half, position + half);
      tell();
    },
    truncate: (size) => {
      file.truncate(size);
      tell();
    },
  });
  const watched = {
    on: false,
    open: (name: string) => {
      const { files, release } = disk.options().openDirectory!(name);
      return {
        release,
        files: {
          directory: files.directory,
          list: () => files.list(),
          create: (name: string) => wrap(files.create(name)),
          open: (name: string) => wrap(files.open(name)),
          rename: (from: string, to: string) => {
            files.rename(from, to);
            tell();
          },
          remove: (name: string) => {
            files.remove(name);
            tell();
          },
          sync: files.sync.bind(files),
        },
      };
    },
  };
  return watched;
}

Deno.test("a reset that the disk refuses changes nothing, and does not happen later", async () => {
  const disk = new SimulatedDisk();
  {
    await using broker = new Broker(disk.options());
    await furnish(broker);
    await broker.stopServing();
    disk.breaks();
    await assertRejects(() => broker.reset());
    disk.works();
    assertEquals([...broker.queues()].length, 4);
  }
  await using broker = new Broker(disk.options());
  assertEquals([...broker.queues()].length, 4);
});

Deno.test("a broker that closes in the middle of a reset has done it when it starts again", async () => {
  const disk = new SimulatedDisk();
  const logger = new RecordingLogger();
  {
    const broker = new Broker(disk.options());
    await furnish(broker);
    await broker.stopServing();
    const begun = Promise.withResolvers<void>();
    broker.on("queue.deleted", () => begun.resolve());
    const refused = assertRejects(() => broker.reset(), TypeError, "broker is closed");
    await begun.promise; // three queues are left
    await broker.close();
    await refused;
  }
  await using broker = new Broker(disk.options({ logger }));
  assertEquals([[...broker.queues()], broker.vhosts().length], [[], 1]);
  assert(logger.of("warning").some((line) => /reset did not come to its end/.test(line)));
});
