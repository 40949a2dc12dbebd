import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { Broker } from "../../broker/broker.ts";
import type { InternalOptions } from "../../broker/options.ts";
import { assertSliced, loopRound, upTo, watch } from "../connection/long_work.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";

/** So much is not taken away in one turn. */
const MANY = 6000;
/** And no turn takes away so much. */
const A_TURN = 2500;

const ALL = { configure: ".*", write: ".*", read: ".*" };

/** A broker whose vhost `v` has a great many queues, and a queue and an exchange with a great many bindings. */
async function brokerWithVhost(options: InternalOptions = {}): Promise<Broker> {
  const broker = new Broker(options);
  await broker.addVhost("v");
  await broker.setPermissions({ user: "guest", vhost: "v", ...ALL });
  await broker.setPolicy({ name: "p", pattern: "", definition: { "max-length": 5 }, vhost: "v" });
  await broker.importDefinitions({
    exchanges: [{ name: "e", vhost: "v", type: "direct", durable: true }],
    queues: upTo(MANY).map((n) => ({ name: `q.${n}`, vhost: "v", durable: true })),
    bindings: upTo(MANY).map((n) => ({
      source: "e",
      vhost: "v",
      destination: `q.${n % 2 === 0 ? n : 1}`,
      destination_type: "queue",
      routing_key: `${n}`,
    })),
  });
  return broker;
}

/** Counts the queues of the vhost that are left, as they go. */
function queuesLeft(broker: Broker): () => number {
  let count = MANY;
  broker.on("queue.deleted", ({ vhost }) => void (vhost === "v" && count--));
  return () => count;
}

Deno.test("a vhost with a great many queues and bindings goes in turns, others go on, and nobody enters it", async () => {
  await using broker = await brokerWithVhost();
  await using inside = await broker.connect({ vhost: "v" });
  await using beside = await broker.connect();
  const channel = await beside.openChannel();
  const left = queuesLeft(broker);
  let bindings = MANY;
  broker.on("binding.deleted", () => void bindings--);
  const vhosts: string[] = [];
  broker.on("vhost.deleted", ({ name }) => void vhosts.push(`${name}: ${left()}, ${bindings}`));
  let isGone = false;
  const deleting = broker.deleteVhost("v").then(() => isGone = true);
  assertEquals((await inside.closed)?.message, "CONNECTION_FORCED - vhost 'v' is deleted");
  let between = 0;
  const asking = (async () => {
    while (left() > 0) {
      await channel.queueDeclare("other");
      if (left() > 0 && left() < MANY) between++;
      await loopRound();
    }
  })();
  assertEquals(broker.vhosts().map(({ name }) => name), ["/"]);
  await assertRejects(() => broker.connect({ vhost: "v" }), AmqpError, "vhost v not found");
  assertGreater(left(), 0);
  assertSliced(await watch(() => left() + bindings), A_TURN);
  await deleting;
  await asking;
  assertGreater(between, 0, "others were answered meanwhile");
  assertEquals([vhosts, isGone], [["v: 0, 0"], true]);
  assertEquals(broker.permissions().map(({ vhost }) => vhost), ["/"]);
});

Deno.test("a vhost of the same name comes when the one before has gone, and has nothing of it", async () => {
  const disk = new SimulatedDisk();
  {
    await using broker = await brokerWithVhost(disk.options());
    const left = queuesLeft(broker);
    const deleting = broker.deleteVhost("v");
    const adding = broker.addVhost("v", { description: "new" });
    assertGreater(left(), 0);
    assertEquals(broker.vhosts().map(({ name }) => name), ["/"]);
    await adding;
    assertEquals(left(), 0);
    await deleting;
    await broker.declareQueue({ queue: "q.7", vhost: "v" });
  }
  await using broker = new Broker(disk.options());
  assertEquals(broker.vhosts().map(({ name, description }) => [name, description]), [
    ["/", "Default virtual host"],
    ["v", "new"],
  ]);
  assertEquals([...broker.queues()].map(({ name }) => name), ["q.7"]);
  assertEquals([broker.policies({ vhost: "v" }), broker.permissions({ vhost: "v" })], [[], []]);
});

Deno.test("definitions that have a vhost of the same name again do not mix with the one before", async () => {
  await using broker = await brokerWithVhost();
  const left = queuesLeft(broker);
  const deleting = broker.deleteVhost("v");
  assertGreater(left(), 0);
  await broker.importDefinitions({
    vhosts: [{ name: "v" }],
    queues: [{ name: "new", vhost: "v", durable: true }],
  });
  await deleting;
  assertEquals([...broker.queues()].map(({ name }) => name), ["new"]);
});

Deno.test("a broker that closes takes away the rest of a vhost first", async () => {
  const disk = new SimulatedDisk();
  const broker = await brokerWithVhost(disk.options());
  const left = queuesLeft(broker);
  const deleting = broker.deleteVhost("v").catch(() => {});
  while (left() === MANY) await loopRound();
  assertGreater(left(), 0);
  await broker.close();
  await deleting;
  await using again = new Broker(disk.options());
  assertEquals(again.vhosts().map(({ name }) => name), ["/"]);
  assertEquals([...again.queues()], []);
  assertEquals(again.permissions().map(({ vhost }) => vhost), ["/"]);
});

Deno.test("after a crash in the middle a vhost is there with what was left, and can be deleted", async () => {
  const disk = new SimulatedDisk();
  const broker = await brokerWithVhost(disk.options());
  const left = queuesLeft(broker);
  const deleting = broker.deleteVhost("v");
  while (left() === MANY) await loopRound();
  // what was done by then is on disk with it
  await broker.declareQueue({ queue: "other" });
  const then = new SimulatedDisk();
  for (const name of disk.files.list()) {
    const bytes = disk.files.contents(name);
    then.files.create(name).write(bytes, 0, bytes.length, 0);
  }
  await deleting;
  await broker.close();
  await using again = new Broker(then.options());
  assertEquals(again.vhosts().map(({ name }) => name), ["/", "v"]);
  const found = [...again.queues()].length;
  assertGreater(found, 1);
  assertGreater(MANY, found);
  await again.deleteVhost("v");
  assertEquals([...again.queues()].map(({ name }) => name), ["other"]);
});

Deno.test("a vhost with little in it is gone at once, before anybody waits for it", async () => {
  await using broker = new Broker();
  await broker.addVhost("v");
  await broker.declareQueue({ queue: "q", vhost: "v" });
  const deleting = broker.deleteVhost("v");
  assertEquals([...broker.queues()], []);
  broker.addVhost("v");
  assertEquals(broker.vhosts().length, 2);
  await deleting;
});
