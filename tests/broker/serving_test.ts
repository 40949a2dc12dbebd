import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { AmqpError, Broker, connect } from "../../mod.ts";
import { CA, certificate } from "../support/certificates.ts";

const SHUTDOWN = "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'";

function urlOf({ port }: { readonly port: number }): string {
  return `amqp://127.0.0.1:${port}`;
}

async function connects(url: string): Promise<boolean> {
  try {
    await using _ = await connect(url, { recovery: false });
    return true;
  } catch {
    return false;
  }
}

Deno.test("suspendListeners() lets nobody connect, and those who are there go on", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  await using other = await broker.listen({ port: 0 });
  await using connection = await connect(urlOf(server));
  const channel = await connection.openChannel();
  await broker.suspendListeners();
  await broker.suspendListeners();
  for (const { port } of [server, other]) {
    await assertRejects(
      () => Deno.connect({ hostname: "127.0.0.1", port }),
      Deno.errors.ConnectionRefused,
    );
  }
  assertEquals((await broker.snapshot({ only: ["listeners"] })).listeners, []);
  await channel.queueDeclare("orders");
  assertEquals([...broker.queues()].map(({ name }) => name), ["orders"]);
  await broker.resumeListeners();
  await broker.resumeListeners();
  for (const one of [server, other]) assert(await connects(urlOf(one)));
  const { listeners } = await broker.snapshot({ only: ["listeners"] });
  assertEquals(listeners.map(({ port }) => port), [server.port, other.port]);
});

Deno.test("resumeListeners() goes on with the others when an address is taken, and may be tried again", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  await using other = await broker.listen({ port: 0 });
  await broker.suspendListeners();
  const taken = Deno.listen({ hostname: "127.0.0.1", port: server.port });
  await assertRejects(() => broker.resumeListeners(), Deno.errors.AddrInUse);
  assert(await connects(urlOf(other)));
  taken.close();
  await broker.resumeListeners();
  assert(await connects(urlOf(server)));
});

Deno.test("a server that is closed while it is suspended is not resumed", async () => {
  await using broker = new Broker();
  const server = await broker.listen({ port: 0 });
  await broker.suspendListeners();
  await server.close();
  await broker.resumeListeners();
  assert(!await connects(urlOf(server)));
});

Deno.test("suspended listeners of every kind come back: TLS, WebSocket, a socket file", async () => {
  const folder = await Deno.makeTempDir({ prefix: "warren-listen-" });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  await using broker = new Broker();
  await using secure = await broker.listen({ port: 0, tls: certificate("server") });
  await using web = await broker.listen({ port: 0, websocket: true });
  await using file = await broker.listen({ path: `${folder}/warren.sock`, mode: 0o600 });
  const tls = { ca: CA };
  const enter = [
    () => connect(`amqps://localhost:${secure.port}`, { tls, recovery: false }),
    () => connect(web.url, { recovery: false }),
    () => connect(file.url, { recovery: false }),
  ];
  for (const open of enter) await (await open()).close();
  await broker.suspendListeners();
  for (const open of enter) await assertRejects(open);
  assertEquals(await Array.fromAsync(Deno.readDir(folder)), []);
  await broker.resumeListeners();
  for (const open of enter) await (await open()).close();
  assertEquals((await Deno.stat(`${folder}/warren.sock`)).mode! & 0o777, 0o600);
});

Deno.test("stopServing() closes all connections, and lets nobody in by any way", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  await using local = await broker.connect();
  await using remote = await connect(urlOf(server), { recovery: false });
  assert(broker.serving);
  await broker.stopServing();
  await broker.stopServing();
  assert(!broker.serving);
  for (const { closed } of [local, remote]) {
    const reason = await closed;
    assertInstanceOf(reason, AmqpError);
    assertEquals(reason.message, SHUTDOWN);
  }
  assertEquals([...broker.connections()], []);
  assert(!await connects(urlOf(server)));
  const error = await assertRejects(() => broker.connect(), AmqpError);
  assertEquals(error.replyCode, 320);
  await assertRejects(() => broker.listen({ port: 0 }), TypeError, "broker is stopped");
  const response = broker.serveWebSocket(new Request("http://localhost/"));
  assertEquals(response.status, 503);
  // who is stopped is not resumed by the way
  await broker.resumeListeners();
  assert(!await connects(urlOf(server)));
  await broker.startServing();
  await broker.startServing();
  assert(broker.serving);
  assert(await connects(urlOf(server)));
  await (await broker.connect()).close();
});

Deno.test("stopServing() gives up sockets that are in the middle of something", async () => {
  await using broker = new Broker();
  await using plain = await broker.listen({ port: 0 });
  await using secure = await broker.listen({ port: 0, tls: certificate("server") });
  const sockets = await Promise.all(
    [plain, secure].map(({ port }) => Deno.connect({ hostname: "127.0.0.1", port })),
  );
  // the handshake has begun in one of them
  await sockets[0]!.write(new TextEncoder().encode("AMQP\0\0\x09\x01"));
  assert((await sockets[0]!.read(new Uint8Array(1024)))! > 0);
  await sockets[1]!.write(new Uint8Array([22]));
  await broker.stopServing();
  for (const socket of sockets) {
    const ended = await socket.read(new Uint8Array(1024)).catch(() => null);
    assertEquals(ended, null);
    socket.close();
  }
});

for (const kept of ["in memory", "with a data directory"] as const) {
  Deno.test(`stopServing() leaves what a restart would leave, ${kept}`, async () => {
    await using cleanup = new AsyncDisposableStack();
    const dataDir = kept === "in memory" ? undefined : await Deno.makeTempDir();
    if (dataDir !== undefined) cleanup.defer(() => Deno.remove(dataDir, { recursive: true }));
    await using broker = new Broker(dataDir === undefined ? {} : { dataDir });
    const connection = await broker.connect();
    const channel = await connection.openChannel();
    await channel.exchangeDeclare("durable", "topic", { durable: true });
    await channel.exchangeDeclare("transient", "topic");
    await channel.queueDeclare("durable", { durable: true });
    await channel.queueDeclare("quorum", {
      durable: true,
      arguments: { "x-queue-type": "quorum" },
    });
    await channel.queueDeclare("transient");
    await channel.queueDeclare("exclusive", { exclusive: true });
    for (const exchange of ["durable", "transient"]) {
      for (const queue of ["durable", "transient"]) {
        await channel.queueBind({ queue, exchange, routingKey: "#" });
      }
    }
    await channel.confirmSelect();
    for (let count = 0; count < 5; count++) {
      const properties = count % 2 === 0 ? { deliveryMode: 2 } : {};
      for (const routingKey of ["durable", "quorum"]) {
        await channel.basicPublish({ routingKey, properties }, `${count}`);
      }
    }
    await channel.waitForConfirms();
    // delivered, and never acked
    await channel.basicGet("durable");
    await broker.stopServing();
    assertEquals([...broker.queues()].map(({ name, messages }) => [name, messages]), [
      ["durable", 3],
      ["quorum", 5],
    ]);
    const mine = [...broker.exchanges()].filter(({ name }) => !/^amq\.|^$/.test(name));
    assertEquals(mine.map(({ name }) => name), ["durable"]);
    const bound = [...broker.bindings()].filter(({ source }) => source !== "");
    assertEquals(bound.map(({ source, destination }) => [source, destination]), [
      ["durable", "durable"],
    ]);
    await broker.startServing();
    await using again = await broker.connect();
    const reading = await again.openChannel();
    const bodies = [];
    for (let count = 0; count < 3; count++) {
      const delivery = await reading.basicGet("durable", { noAck: true });
      bodies.push([delivery!.text(), delivery!.redelivered]);
    }
    assertEquals(bodies, [["0", true], ["2", false], ["4", false]]);
  });
}

Deno.test("a client that recovers comes back when the broker serves again", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  const recovery = { initialDelayMs: 1, maxDelayMs: 10 };
  await using connection = await connect(urlOf(server), { recovery });
  const recovered = Promise.withResolvers<void>();
  connection.on("recovered", () => recovered.resolve());
  const channel = await connection.openChannel();
  await channel.queueDeclare("orders", { durable: true });
  await broker.stopServing();
  await broker.startServing();
  await recovered.promise;
  await channel.queueDeclare("orders", { passive: true });
});

Deno.test("a broker can be closed while it is suspended, or stopped", async () => {
  for (const end of ["suspendListeners", "stopServing"] as const) {
    const broker = new Broker();
    const server = await broker.listen({ port: 0 });
    await broker[end]();
    await broker.close();
    assert(!await connects(urlOf(server)));
  }
});

Deno.test("stopServing() leaves what durable exchanges hold back, persistent or not", async () => {
  await using broker = new Broker();
  const open = async () => await (await broker.connect()).openChannel();
  const channel = await open();
  for (const [exchange, durable] of [["kept", true], ["gone", false]] as const) {
    await channel.exchangeDeclare(exchange, "x-delayed-message", {
      durable,
      arguments: { "x-delayed-type": "fanout" },
    });
  }
  await channel.queueDeclare("orders", { durable: true });
  await channel.queueBind({ queue: "orders", exchange: "kept" });
  await channel.confirmSelect();
  const headers = { "x-delay": 3_600_000 };
  for (const exchange of ["kept", "gone"]) {
    for (const deliveryMode of [1, 2]) {
      const properties = { headers, deliveryMode };
      await channel.basicPublish({ exchange, properties }, `${deliveryMode}`);
    }
  }
  await broker.stopServing();
  await broker.startServing();
  assertEquals([...broker.exchanges()].filter(({ name }) => name === "gone"), []);
  assertEquals(await broker.publishDelayedMessages({ exchange: "kept" }, "all"), 2);
  const again = await open();
  for (const text of ["1", "2"]) {
    assertEquals((await again.basicGet("orders", { noAck: true }))?.text(), text);
  }
});
