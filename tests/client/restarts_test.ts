import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseArgs } from "@std/cli";
import { Broker, connect } from "../../mod.ts";
import { BrokerProcess } from "../durability/broker_process.ts";
import { freePorts } from "../support/rabbitmq.ts";
import { type Mischief, TcpProxy } from "../support/tcp_proxy.ts";
import { within } from "../support/within.ts";
import { restartUnderLoad } from "./restarts.ts";

Deno.test("a broker that is restarted 20 times under load loses nothing, and its clients go on", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "warren-restarts-" });
  try {
    let broker = new Broker({ dataDir });
    // not one of the ports that the kernel hands out: a client that tries again could reach itself there
    const [port] = freePorts(2);
    await broker.listen({ port });
    const connection = await connect({
      hostname: "127.0.0.1",
      port,
      recovery: { initialDelayMs: 5, maxDelayMs: 50 },
    });
    const restart = async () => {
      await broker.close();
      broker = new Broker({ dataDir });
      await broker.listen({ port });
    };
    const { messages } = await restartUnderLoad(connection, { restart }, 20);
    assert(messages >= 1000, `${messages}`);
    await connection.close();
    await broker.close();
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("a broker that does not come back is told as such, and nothing hangs", async () => {
  const broker = new Broker();
  const [port] = freePorts(2);
  await broker.listen({ port });
  const connection = await connect({
    hostname: "127.0.0.1",
    port,
    recovery: { initialDelayMs: 5, maxDelayMs: 50 },
  });
  const restart = () => broker.close();
  await assertRejects(
    () => restartUnderLoad(connection, { restart }, 2, 2000),
    Error,
    "over 2000 ms: at work before restart 2 of 2",
  );
  await connection.close();
});

/** `deno test -A tests/client/restarts_test.ts -- --kills=200` kills it longer. */
const kills = Number(parseArgs(Deno.args, { string: ["kills"], default: { kills: "20" } }).kills);

Deno.test("a broker that is killed again and again under load loses nothing, and its clients go on", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "warren-kills-" });
  const [port] = freePorts(2);
  let broker = await BrokerProcess.start(dataDir, "error", port);
  try {
    await using connection = await connect({
      hostname: "127.0.0.1",
      port: broker.port,
      recovery: { initialDelayMs: 5, maxDelayMs: 50 },
    });
    let lost = 0;
    connection.on("lost", () => lost++);
    const restart = async () => {
      await broker.kill();
      broker = await BrokerProcess.start(dataDir, "error", port);
    };
    const { messages } = await restartUnderLoad(connection, { restart }, kills);
    assert(messages >= 50 * kills, `${messages}`);
    assertEquals(lost, kills);
  } finally {
    await broker.kill();
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("a client fails over to another broker, and back, with what it declared", async () => {
  const brokers = [new Broker(), new Broker()];
  const ports = freePorts(2);
  await Promise.all(brokers.map((one, n) => one.listen({ port: ports[n]! })));
  const connection = await connect(ports.map((port) => `amqp://127.0.0.1:${port}`), {
    recovery: { initialDelayMs: 5, maxDelayMs: 50 },
  });
  const wait = <Result>(work: Promise<Result>, what: string) =>
    within(300_000, work, () => `${what}; handled: ${seen.join()}`);
  let at = 0;
  // they do not share messages, as the nodes of a cluster would: what is unconfirmed is published again
  const failOver = async () => {
    const recovered = new Promise<string>((resolve) =>
      connection.on("recovered", ({ host }) => resolve(host))
    );
    await brokers[at]!.close();
    assertEquals(await wait(recovered, "going over"), `127.0.0.1:${ports[1 - at]}`);
    brokers[at] = new Broker();
    await brokers[at]!.listen({ port: ports[at]! });
    at = 1 - at;
  };
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const publisher = await connection.publisher({ routingKey: "q", mandatory: true });
  const seen: unknown[] = [];
  let change = Promise.withResolvers<void>();
  const consumer = await connection.consumer({ queue: "q" }, ({ body }) => {
    seen.push(body);
    change.resolve();
  });
  const handle = async (body: string) => {
    await wait(publisher.publish(body), `publishing ${body}`);
    while (!seen.includes(body)) {
      change = Promise.withResolvers<void>();
      await wait(change.promise, `handling ${body}`);
    }
  };
  for (let round = 0; round < 6; round++) {
    await handle(`round ${round}`);
    await failOver();
  }
  await handle("last");
  await publisher.close();
  await consumer.close();
  await connection.close();
  await Promise.all(brokers.map((broker) => broker.close()));
});

Deno.test("what is under way when a host goes is confirmed and answered by the next one", async () => {
  const first = new Broker();
  await using second = new Broker();
  let swallowing = false;
  const down: Mischief = {
    // deno-lint-ignore require-await -- others take time
    mangle: async (piece) => swallowing ? [] : [piece],
  };
  await using proxy = new TcpProxy((await first.listen({ port: 0 })).port, () => ({ down }));
  const ports = [proxy.port, (await second.listen({ port: 0 })).port];
  const connection = await connect(ports.map((port) => `amqp://127.0.0.1:${port}`), {
    recovery: { initialDelayMs: 5, maxDelayMs: 50 },
  });
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const publisher = await connection.publisher({ routingKey: "q", mandatory: true });
  const server = await connection.serve<number>("double", (n) => 2 * n);
  const client = await connection.rpc<number, number>("double", { unanswered: "retry" });
  await publisher.publish("confirmed by the first");

  swallowing = true;
  const publishing = Array.from({ length: 100 }, (_, n) => publisher.publish(n));
  const calling = Array.from({ length: 20 }, (_, n) => client.call(n));
  await using watching = await first.connect();
  const looking = await watching.openChannel();
  // they have arrived, but nobody has heard of it
  for (let count = 0; count < 101;) {
    count = (await looking.queueDeclare("q", { passive: true })).messageCount;
  }
  assertEquals(publisher.unconfirmedCount, 100);
  await watching.close();
  const gone = first.close(); // nobody comes back to it
  proxy.cut();
  await gone;

  const wait = <Result>(work: Promise<Result>, what: string) => within(300_000, work, () => what);
  await wait(Promise.all(publishing), "publishing what was under way");
  assertEquals(
    await wait(Promise.all(calling), "answering what was under way"),
    calling.map((_, n) => 2 * n),
  );
  const bodies = [];
  for await (const { body } of await connection.consumer<number>({ queue: "q", noAck: true })) {
    bodies.push(body);
    if (bodies.length === 100) break;
  }
  assertEquals(bodies, [...publishing.keys()]);
  await Promise.all([client.close(), publisher.close()]);
  await server.close();
  await connection.close();
});
