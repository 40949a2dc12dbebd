import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import {
  connectionClose,
  connectionSecure,
  connectionTune,
} from "../../broker/amqp/methods/connection.ts";
import { connect } from "../../client/mod.ts";
import { dialScript } from "./scripted.ts";
import { connect as connectInPage } from "../../client/websocket.ts";

const decoder = new TextDecoder();

Deno.test("connect() logs in with PLAIN and enters the vhost", async () => {
  const { connecting, peer } = dialScript({
    username: "ann",
    password: "s3cret",
    vhost: "orders",
    connectionName: "worker 7",
    clientProperties: { product: "Shop" },
  });
  const { startOk, tuneOk, open } = await peer.acceptClient({ heartbeat: 60 });
  assertEquals(startOk.mechanism, "PLAIN");
  assertEquals(decoder.decode(startOk.response), "\0ann\0s3cret");
  const { capabilities, connection_name, product } = startOk.clientProperties;
  assertEquals([connection_name, product], ["worker 7", "Shop"]);
  assertEquals(capabilities, {
    publisher_confirms: true,
    exchange_exchange_bindings: true,
    "basic.nack": true,
    consumer_cancel_notify: true,
    "connection.blocked": true,
    authentication_failure_close: true,
  });
  assertEquals([tuneOk.channelMax, tuneOk.frameMax, tuneOk.heartbeat], [2047, 131_072, 60]);
  assertEquals(open.virtualHost, "orders");

  await using connection = await connecting;
  assertEquals(connection.serverProperties, { product: "Script" });
  await Promise.all([connection.close(), peer.acceptClose()]);
});

Deno.test("connect() takes AMQPLAIN when PLAIN is not offered", async () => {
  const { connecting, peer } = dialScript();
  const startOk = await peer.acceptStartOk("EXTERNAL AMQPLAIN");
  assertEquals(startOk.mechanism, "AMQPLAIN");
  peer.close();
  await assertRejects(() => connecting, Error, "closed it during the handshake");
});

Deno.test("connect() refuses a broker that offers no login by password", async () => {
  const { connecting, peer } = dialScript();
  const refused = assertRejects(() => connecting, AmqpError, "EXTERNAL");
  await assertRejects(() => peer.acceptStartOk("EXTERNAL"), Error, "the stream ended");
  await refused;
});

Deno.test("connect() answers a refused login and rejects with its 403", async () => {
  const { connecting, peer } = dialScript({ password: "wrong" });
  await peer.acceptStartOk();
  const text = "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN.";
  await peer.send(0, connectionClose({ replyCode: 403, replyText: text }));
  await peer.expect(0, "connection.close-ok");
  peer.close();
  const error = await assertRejects(() => connecting, AmqpError, text);
  assertEquals(error.replyCode, 403);
});

Deno.test("connect() does not wait for ever for a refusing broker to hang up", async () => {
  const { connecting, peer, clock } = dialScript();
  await peer.acceptStartOk();
  await peer.send(0, connectionClose({ replyCode: 403, replyText: "ACCESS_REFUSED - no" }));
  await peer.expect(0, "connection.close-ok");
  clock.advance(3000);
  await assertRejects(() => connecting, AmqpError, "ACCESS_REFUSED - no");
  await peer.expectEnd();
  assertEquals(clock.timers, 0);
});

Deno.test("connect() rejects with 530 when the broker refuses the vhost", async () => {
  const { connecting, peer } = dialScript({ vhost: "nope" });
  await peer.acceptStartOk();
  await peer.send(0, connectionTune({ channelMax: 10, frameMax: 4096, heartbeat: 0 }));
  await peer.expect(0, "connection.tune-ok");
  await peer.expect(0, "connection.open");
  await peer.send(
    0,
    connectionClose({
      replyCode: 530,
      replyText: "NOT_ALLOWED - vhost nope not found",
      classId: 10,
      methodId: 40,
    }),
  );
  await peer.expect(0, "connection.close-ok");
  peer.close();
  const error = await assertRejects(() => connecting, AmqpError, "vhost nope not found");
  assertEquals([error.replyCode, error.classId, error.methodId], [530, 10, 40]);
});

Deno.test("connect() refuses frames that are smaller than every peer has to take", async () => {
  const { connecting, peer } = dialScript();
  await peer.acceptStartOk();
  await peer.send(0, connectionTune({ channelMax: 10, frameMax: 4095, heartbeat: 0 }));
  await assertRejects(() => connecting, AmqpError, "offers frame_max = 4095, less than 4096");
  await peer.expectEnd();
});

Deno.test("connect() rejects when the broker asks for what PLAIN does not have", async () => {
  const { connecting, peer } = dialScript();
  await peer.acceptStartOk();
  await peer.send(0, connectionSecure());
  await assertRejects(() => connecting, AmqpError, "connection.secure");
  await peer.expectEnd();
});

Deno.test("connect() rejects when the other end speaks another protocol version", async () => {
  const { connecting, peer } = dialScript();
  await peer.expectProtocolHeader();
  await peer.sendBytes(new TextEncoder().encode("AMQP\x03\x01\x00\x00"));
  await assertRejects(() => connecting, Error, "another protocol version");
});

Deno.test("connect() rejects when the other end is no AMQP broker", async () => {
  const { connecting, peer } = dialScript();
  await peer.expectProtocolHeader();
  await peer.sendBytes(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await assertRejects(() => connecting, AmqpError);
  await peer.expectEnd();
});

for (
  const { name, offered, options, agreed } of [
    {
      name: "takes the broker's limits when it has none of its own",
      offered: { channelMax: 100, frameMax: 8192, heartbeat: 30 },
      options: {},
      agreed: { channelMax: 100, frameMax: 8192, heartbeat: 30 },
    },
    {
      name: "lowers the broker's limits to its own",
      offered: { channelMax: 100, frameMax: 8192, heartbeat: 30 },
      options: { channelMax: 3, frameMax: 4096, heartbeatSeconds: 5 },
      agreed: { channelMax: 3, frameMax: 4096, heartbeat: 5 },
    },
    {
      name: "does not raise the broker's limits",
      offered: { channelMax: 100, frameMax: 8192, heartbeat: 30 },
      options: { channelMax: 1000, frameMax: 100_000, heartbeatSeconds: 100 },
      agreed: { channelMax: 100, frameMax: 8192, heartbeat: 30 },
    },
    {
      name: "may have no heartbeats",
      offered: { channelMax: 0, frameMax: 0, heartbeat: 30 },
      options: { heartbeatSeconds: 0 },
      agreed: { channelMax: 0, frameMax: 0, heartbeat: 0 },
    },
  ]
) {
  Deno.test(`connect() ${name}`, async () => {
    const { connecting, peer } = dialScript(options);
    const { tuneOk } = await peer.acceptClient(offered);
    const { channelMax, frameMax, heartbeat } = tuneOk;
    assertEquals({ channelMax, frameMax, heartbeat }, agreed);
    await using connection = await connecting;
    assertEquals(connection.limits, { channelMax, frameMax, heartbeatSeconds: heartbeat });
    await Promise.all([connection.close(), peer.acceptClose()]);
  });
}

Deno.test("connect() keeps frames to what was agreed on", async () => {
  const { connecting, peer } = dialScript({ frameMax: 4096 });
  await peer.acceptClient();
  await using connection = await connecting;
  const [channel] = await Promise.all([connection.openChannel(), peer.acceptChannel()]);
  channel.basicPublish({ routingKey: "q" }, new Uint8Array(10_000).fill(1));
  const { body } = await peer.expectContent(1, "basic.publish");
  assertEquals(body.length, 10_000);
  assertEquals(peer.largestFrame, 4096);
  await Promise.all([connection.close(), peer.acceptClose()]);
});

Deno.test("connect() gives up when login takes too long", async () => {
  const { connecting, peer, clock } = dialScript({ handshakeTimeoutMs: 1000 });
  await peer.acceptStartOk();
  clock.advance(1000);
  const error = await assertRejects(() => connecting, DOMException, "to log in");
  assertEquals(error.name, "TimeoutError");
  await peer.expectEnd();
});

Deno.test("connect() gives up when its signal aborts, with the signal's reason", async () => {
  const controller = new AbortController();
  const { connecting, peer, clock } = dialScript({ signal: controller.signal });
  await peer.acceptStartOk();
  controller.abort(new Error("changed my mind"));
  await assertRejects(() => connecting, Error, "changed my mind");
  await peer.expectEnd();
  assertEquals(clock.timers, 0);
});

Deno.test("connect() does not dial when its signal has aborted", async () => {
  const signal = AbortSignal.abort(new Error("too late"));
  await assertRejects(() => connect("amqp://127.0.0.1:1", { signal }), Error, "too late");
});

Deno.test("connect() tells what the runtime says when nobody listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  for (const hostname of ["127.0.0.1", "localhost"]) {
    const error = await assertRejects(() => connect({ hostname, port }));
    assertInstanceOf(error, Deno.errors.ConnectionRefused);
  }
});

Deno.test("connect() finds a broker on either address of localhost", async () => {
  for (const hostname of ["127.0.0.1", "::1"]) {
    using listener = Deno.listen({ hostname, port: 0 });
    const { port } = listener.addr;
    const hangUp = listener.accept().then((socket) => socket.close());
    await assertRejects(() => connect({ hostname: "localhost", port }), Error, "handshake");
    await hangUp;
  }
});

for (
  const options of [
    { port: 70_000 },
    { port: 1.5 },
    { frameMax: 4095 },
    { heartbeatSeconds: -1 },
    { channelMax: 65_536 },
    { closeTimeoutMs: NaN },
  ]
) {
  Deno.test(`connect() refuses ${JSON.stringify(options)}`, async () => {
    await assertRejects(() => connect(options), RangeError);
  });
}

Deno.test("connect() refuses options that there are not, and tells what there is", async () => {
  const wrong: readonly (readonly [object, string])[] = [
    [{ hostName: "localhost" }, 'no option "hostName", it is called "hostname"'],
    [{ recovery: { maxRetries: 5 } }, 'no option "maxRetries", only initialDelayMs, maxDelayMs'],
    [{ tls: { rejectUnauthorized: false } }, 'no option "rejectUnauthorized", only ca, crl, cert'],
  ];
  for (const [options, text] of wrong) {
    await assertRejects(() => connect(options), TypeError, text);
  }
});

Deno.test("connect() refuses a host or port that would be without effect", async () => {
  const ws = "ws://127.0.0.1:1/";
  const wrong: readonly (readonly [() => Promise<unknown>, string])[] = [
    [() => connect(ws, { port: 2 }), "not port; write the port into the address"],
    [() => connectInPage(ws, { port: 2 }), "not port; write the port into the address"],
    [() => connectInPage([ws], { hostname: "h" }), "not hostname; write the hostname into the"],
    [() => connect({ webSocketUrl: ws, hostname: "h" }), "the address of a WebSocket says where"],
    [() => connect("amqp+unix:///run/x", { port: 2 }), "the path of a socket file says where"],
    [() => connect({ path: "/run/x", hostname: "h" }), "not hostname; leave hostname out"],
    [() => connect({ path: "/run/x", webSocketUrl: ws }), "two places; leave one out"],
  ];
  for (const [connecting, text] of wrong) {
    await assertRejects(connecting, TypeError, text);
  }
});

Deno.test("connect() refuses a vhost that does not fit", async () => {
  await assertRejects(() => connect({ vhost: "v".repeat(256) }), TypeError, "vhost");
});
