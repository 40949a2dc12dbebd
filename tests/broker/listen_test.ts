import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { Broker } from "../../broker/broker.ts";
import { connect } from "../../client/connect.ts";
import { dial } from "../../client/dial.ts";
import type { Connection } from "../../client/connection.ts";
import { connectOver } from "../../client/open.ts";
import { resolveOptions } from "../../client/options.ts";
import { connect as connectFromPage } from "../../client/websocket.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

const windows = Deno.build.os === "windows";

/** Sends a message through one connection and gets it through another. */
async function relay(from: Connection, to: Connection): Promise<string | undefined> {
  const there = await from.openChannel();
  const { queue } = await there.queueDeclare("", { exclusive: false });
  await there.confirmSelect();
  await there.basicPublish({ routingKey: queue }, "passed on");
  const delivery = await (await to.openChannel()).basicGet(queue, { noAck: true });
  return delivery?.text();
}

Deno.test({
  name: "Broker.listen() serves one broker on IPv4, IPv6, a socket file and WebSocket at once",
  ignore: windows,
  async fn() {
    const path = `${await Deno.makeTempDir({ prefix: "warren-listen-" })}/a b.sock`;
    await using broker = new Broker();
    const servers = [
      await broker.listen({ port: 0 }),
      await broker.listen({ hostname: "::1", port: 0 }),
      await broker.listen({ path }),
      await broker.listen({ port: 0, websocket: true }),
    ];
    assertMatch(
      servers.map(({ url }) => url).join(" "),
      /^amqp:.* amqp:.* amqp\+unix:.*%20b.* ws:/,
    );
    const connections: Connection[] = [];
    for (const { url } of servers) connections.push(await connect(url, { recovery: false }));
    for (const [index, connection] of connections.entries()) {
      const next = connections[(index + 1) % connections.length]!;
      assertEquals(await relay(connection, next), "passed on");
    }

    await servers[2]!.close();
    const reason = await connections[2]!.closed;
    assert(reason instanceof AmqpError && reason.replyCode === 320);
    assertEquals(await relay(connections[3]!, connections[0]!), "passed on");
    await assertRejects(() => connect({ path }), Deno.errors.NotFound);
    for (const connection of connections) await connection.close();
  },
});

Deno.test("Broker.close() ends every way in, with 320", async () => {
  const broker = new Broker();
  const tcp = await broker.listen({ port: 0 });
  const web = await broker.listen({ port: 0, websocket: true });
  const connections = [
    await connect(tcp.url, { recovery: false }),
    await connect(web.url, { recovery: false }),
  ];
  await broker.close();
  for (const connection of connections) {
    const reason = await connection.closed;
    assert(reason instanceof AmqpError && reason.replyCode === 320);
  }
  await assertRejects(() => broker.listen({ port: 0 }), TypeError, "broker is closed");
});

Deno.test("guest is let in by the address that a proxy gives, not by the proxy's own", async () => {
  const logger = new RecordingLogger();
  await using broker = new Broker({ logger });
  const proxyProtocol = { trusted: ["127.0.0.1"] };
  await using server = await broker.listen({ port: 0, proxyProtocol });

  const through = async (header: string) => {
    const transport = await dial("127.0.0.1", server.port, new AbortController().signal);
    await transport.write(new TextEncoder().encode(header));
    return await connectOver(transport, resolveOptions({}));
  };
  const local = await through("PROXY TCP4 127.0.0.1 192.0.2.1 51234 5672\r\n");
  await local.close();
  const refused = await assertRejects(
    () => through("PROXY TCP6 2001:db8::7 2001:db8::1 51234 5672\r\n"),
    AmqpError,
  );
  assertEquals(refused.replyCode, 403);
  await assertRejects(() => connect({ hostname: "127.0.0.1", port: server.port }), Error);
  assertEquals(logger.of("info").filter((line) => line.includes("entered")), [
    "info: connection 127.0.0.1:51234 -> 192.0.2.1:5672: user 'guest' entered vhost '/'",
  ]);
  assertEquals(
    logger.of("warning").filter((line) => line.includes("2001:db8::7")),
    ["warning: connection [2001:db8::7]:51234: user 'guest' can only connect via localhost"],
  );
});

Deno.test("connect() over WebSocket takes user and vhost from the address, and tells none to HTTP", async () => {
  await using broker = new Broker({ vhosts: ["/", "orders"] });
  const seen: string[] = [];
  await using http = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request, info) => {
      seen.push(request.url);
      return broker.serveWebSocket(request, info);
    },
  );
  const { port } = http.addr;
  const address = `ws://guest:guest@127.0.0.1:${port}/amqp?vhost=orders&heartbeat=7&token=1`;
  const connection = await connect(address, { recovery: false });
  assertEquals(seen, [`http://127.0.0.1:${port}/amqp?token=1`]);
  assertEquals(await relay(connection, connection), "passed on");
  await connection.close();

  const refused = await assertRejects(
    () => connectFromPage(`ws://127.0.0.1:${port}/`, { vhost: "nowhere" }),
    AmqpError,
  );
  assertEquals(refused.replyCode, 530);
  const wrong = await assertRejects(
    () => connectFromPage(`ws://guest:wrong@127.0.0.1:${port}/`),
    AmqpError,
  );
  assertEquals(wrong.replyCode, 403);
});

Deno.test("Broker.serveWebSocket() answers what it cannot open, and 503 when the broker is closed", async () => {
  const broker = new Broker();
  const url = "http://127.0.0.1/";
  assertEquals(broker.serveWebSocket(new Request(url)).status, 426);
  const upgrade = { upgrade: "websocket", connection: "Upgrade", origin: "https://evil.example" };
  assertEquals(broker.serveWebSocket(new Request(url, { headers: upgrade })).status, 403);
  await broker.close();
  assertEquals(broker.serveWebSocket(new Request(url)).status, 503);
});

Deno.test("Broker.serveWebSocket() closes with 1003 after text, and its connections with the broker", async () => {
  await using broker = new Broker();
  await using http = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request, info) => broker.serveWebSocket(request, info),
  );
  const url = `ws://127.0.0.1:${http.addr.port}/`;
  const socket = new WebSocket(url, ["mqtt", "amqp"]);
  const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
  await new Promise((resolve) => socket.onopen = resolve);
  assertEquals(socket.protocol, "amqp");
  socket.send("hello");
  assertEquals((await closed).code, 1003);

  const connection = await connect(url, { recovery: false });
  await broker.close();
  const reason = await connection.closed;
  assert(reason instanceof AmqpError && reason.replyCode === 320);
});

Deno.test("connect() to a WebSocket that is none tells so, and gives up when asked", async () => {
  await using http = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response("a page"),
  );
  const address = `ws://guest:secret@127.0.0.1:${http.addr.port}/`;
  const error = await assertRejects(() => connect(address), Error, "could not be opened");
  assert(!error.message.includes("secret"));

  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const controller = new AbortController();
  const connecting = connect(`ws://127.0.0.1:${silent.addr.port}/`, { signal: controller.signal });
  const accepted = await silent.accept();
  controller.abort(new Error("enough"));
  accepted.close();
  await assertRejects(() => connecting, Error, "enough");
  await assertRejects(
    () => connectFromPage("amqp://127.0.0.1/"),
    TypeError,
    "not one of a WebSocket",
  );
});

Deno.test("A large body passes a WebSocket both ways", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0, websocket: true });
  await using connection = await connect(server.url, { recovery: false });
  const channel = await connection.openChannel();
  const { queue } = await channel.queueDeclare();
  const body = Uint8Array.from({ length: 5_000_000 }, (_, at) => at * 31);
  await channel.basicPublish({ routingKey: queue }, body);
  const delivery = await channel.basicGet(queue, { noAck: true });
  assertEquals(delivery?.body, body);
});

Deno.test("what Broker.listen() is told counts as it was when it was called", async () => {
  await using broker = new Broker();
  const options = { port: 0, hostname: "127.0.0.1" };
  const listening = broker.listen(options);
  options.hostname = "nowhere.invalid";
  assertEquals((await listening).hostname, "127.0.0.1");
});

Deno.test("a broker that is closed while it loads what listens takes no port", async () => {
  // were it tried, it would be refused since it is in use
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const broker = new Broker();
  const listening = broker.listen({ hostname: "127.0.0.1", port: other.addr.port });
  const refused = assertRejects(() => listening, TypeError, "Cannot listen: broker is closed");
  await broker.close();
  await refused;
});
