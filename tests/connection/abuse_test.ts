import { assertEquals, assertLess, assertMatch, assertRejects } from "@std/assert";
import { concat } from "@std/bytes";
import { AmqpError } from "../../broker/amqp/error.ts";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import {
  basicAck,
  basicConsume,
  basicGet,
  basicPublish,
  basicReject,
  connectionStartOk,
  queueDeclare,
  queueUnbind,
} from "../../broker/amqp/methods/mod.ts";
import { PROTOCOL_HEADER } from "../../broker/amqp/constants.ts";
import { plainResponse } from "../../broker/amqp/sasl.ts";
import { Broker } from "../../broker/broker.ts";
import { ConnectionGate, type ConnectionGateLimits } from "../../broker/connection_gate.ts";
import { SlowReaders } from "../../broker/connection/slow_readers.ts";
import { SlowSenders } from "../../broker/connection/slow_senders.ts";
import { connect } from "../../client/connect.ts";
import { refusalOf } from "../behaviour/observe.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { contentFrames, methodFrame } from "../amqp/frames.ts";
import { RawPeer } from "../support/raw_peer.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { testEachWay } from "../support/ways.ts";
import { sendStartOk, ServedBroker, settle } from "./support.ts";

/**
 * What one client, or many of one address, may cost: each limit, what is over it, and that others do
 * not feel it. Limits of what is in vhosts are in `tests/behaviour/limits_test.ts`.
 *
 * @module
 */

const NONE: ConnectionGateLimits = {
  connectionRate: Infinity,
  connectionRatePerAddress: Infinity,
  connectionBurst: 100,
  connectionMaxPerAddress: Infinity,
};

function gate(limits: Partial<ConnectionGateLimits>) {
  const [clock, logger] = [new ManualClock(), new RecordingLogger()];
  const made = new ConnectionGate({ ...NONE, ...limits, clock, logger });
  const enter = (hostname: string, path?: string) =>
    made.enter({ hostname, port: 1, ...path === undefined ? {} : { path } });
  /** How many of so many that come at once get in. */
  const enterAll = (count: number, hostname = "192.0.2.1") =>
    Array.from({ length: count }, () => enter(hostname)).filter((one) => one !== undefined).length;
  return { clock, logger, enter, enterAll };
}

Deno.test("without limits any number comes in", () => {
  assertEquals(gate({}).enterAll(1000), 1000);
});

Deno.test("so many connections come in a second, and some more at once", () => {
  const { clock, enterAll } = gate({ connectionRate: 10, connectionBurst: 5 });
  assertEquals(enterAll(20), 5);
  clock.advance(200);
  assertEquals(enterAll(20), 2);
  clock.advance(60_000);
  assertEquals(enterAll(20), 5);
  clock.advance(99);
  assertEquals(enterAll(1), 0);
  clock.advance(1);
  assertEquals(enterAll(1), 1);
});

Deno.test("one address that comes too often does not cost others their turn", () => {
  const { clock, enter, enterAll } = gate({
    connectionRate: 1000,
    connectionRatePerAddress: 1,
    connectionBurst: 10,
  });
  assertEquals(enterAll(1000, "192.0.2.1"), 10);
  clock.advance(10);
  assertEquals(enterAll(5, "192.0.2.2"), 5);
  // who has one address of IPv6 has the others of its network
  const six = Array.from({ length: 20 }, (_, at) => enter(`2001:db8::${at + 1}`));
  clock.advance(10);
  assertEquals(six.filter((one) => one !== undefined).length, 5);
});

Deno.test("so many connections of an address at once", () => {
  const { enter, enterAll } = gate({ connectionMaxPerAddress: 2 });
  const leave = enter("192.0.2.1");
  assertEquals(enterAll(3), 1);
  assertEquals(enterAll(1, "192.0.2.2"), 1);
  leave!();
  assertEquals(enterAll(3), 1);
  // who comes through a socket file has no address
  for (let count = 0; count < 5; count++) assertEquals(typeof enter("127.0.0.1", "/s"), "function");
});

Deno.test("what is refused is logged once a second, with how many there were", () => {
  const { clock, logger, enterAll } = gate({ connectionMaxPerAddress: 0 });
  enterAll(100);
  clock.advance(1000);
  enterAll(1);
  assertEquals(logger.lines, [
    "warning: connection 192.0.2.1:1: refused, since its address has 0 connections already",
    "warning: connection 192.0.2.1:1: refused, since its address has 0 connections already, and " +
    "so were 99 before it",
  ]);
});

Deno.test("connections over the limit of their address are dropped, until others have gone", async () => {
  await using served = await ServedBroker.start({ connectionMaxPerAddress: 2 });
  const far = { hostname: "192.0.2.1" };
  const [one, two] = [served.dial(far), served.dial(far)];
  // handshakes count
  await sendStartOk(one);
  await one.expect(0, "connection.close");
  const three = served.dial(far);
  await three.expectEnd();
  await served.login();
  one.close();
  two.close();
  await settle();
  const four = served.dial(far);
  await sendStartOk(four);
  assertMatch(served.logger.of("warning").join(), /its address has 2 connections already/);
});

Deno.test("connections count from the start: while they open a WebSocket, too", async () => {
  await using served = await ServedBroker.start({ connectionMaxPerAddress: 1 });
  const { port } = await served.broker.listen({ port: 0, websocket: true });
  const far = { hostname: "192.0.2.1" };
  const silent = served.network.dial(port, far);
  await settle();
  await served.dial(far).expectEnd();
  // it never became ready, and is not counted any more
  silent.close();
  await settle();
  await sendStartOk(served.dial(far));
});

Deno.test("connections of a proxy count for whom it says, as soon as it has", async () => {
  await using served = await ServedBroker.start({ connectionMaxPerAddress: 1 });
  const proxy = { hostname: "192.0.2.1" };
  const { port } = await served.broker.listen({
    port: 0,
    websocket: true,
    proxyProtocol: { trusted: [proxy.hostname] },
  });
  const dialFor = async (client: string) => {
    const transport = served.network.dial(port, proxy);
    await transport.write(new TextEncoder().encode(`PROXY TCP4 ${client} 192.0.2.9 7 5672\r\n`));
    await settle();
    return transport;
  };
  const one = await dialFor("198.51.100.1");
  const other = await dialFor("198.51.100.2");
  const again = new RawPeer(await dialFor("198.51.100.1"));
  await again.expectEnd();
  assertMatch(
    served.logger.of("warning").join(),
    /198\.51\.100\.1:7: refused, since its address has 1 connections already/,
  );
  one.close();
  other.close();
  await settle();
  // of refusals there is a line a second
  served.clock.advance(1000);
  (await dialFor("198.51.100.1")).close();
  await settle();
  assertEquals(served.logger.of("warning").length, 1);
});

Deno.test("connections that come too fast are dropped before they say anything", async () => {
  await using served = await ServedBroker.start({ connectionRate: 1, connectionBurst: 3 });
  const peers = Array.from({ length: 5 }, () => served.dial());
  for (const peer of peers.slice(3)) await peer.expectEnd();
  for (const peer of peers.slice(0, 3)) {
    await sendStartOk(peer);
    await peer.expect(0, "connection.tune");
  }
  served.clock.advance(1000);
  await served.login();
});

Deno.test("a user without a limit of its own has that of the broker", async () => {
  await using broker = new Broker({ connectionMaxPerUser: 1, passwordHashing: "rabbitmq-sha256" });
  await broker.addUser("alice", { password: "a", limits: { maxConnections: 2 } });
  await broker.setPermissions({ user: "alice", configure: "", write: "", read: "" });
  const { port } = await broker.listen({ port: 0 });
  const dial = (username: string, password: string) =>
    connect({ hostname: "127.0.0.1", port, username, password });
  await using _guest = await dial("guest", "guest");
  const error = await assertRejects(() => dial("guest", "guest"), AmqpError);
  assertEquals(refusalOf(error), [
    530,
    "NOT_ALLOWED - connection refused for user 'guest': user connection limit (1) is reached",
    "connection.open",
  ]);
  await using _one = await dial("alice", "a");
  await using _two = await dial("alice", "a");
  await assertRejects(() => dial("alice", "a"), AmqpError, "user connection limit (2) is reached");
});

testEachWay(
  "so many bindings in all vhosts",
  { bindingMax: 2, vhosts: ["/", "v"] },
  async (way) => {
    const there = await (await way.broker.connect({ vhost: "v" })).openChannel();
    await there.exchangeBind({ source: "amq.direct", destination: "amq.fanout", routingKey: "k" });
    const connection = await way.connect();
    const channel = await connection.openChannel();
    await channel.queueDeclare("q");
    const bind = (routingKey: string) =>
      channel.queueBind({ queue: "q", exchange: "amq.topic", routingKey });
    await bind("one");
    // it is there already
    await bind("one");
    const error = await assertRejects(() => bind("two"), AmqpError);
    assertEquals(refusalOf(error), [
      406,
      "PRECONDITION_FAILED - cannot bind queue 'q' in vhost '/' to exchange 'amq.topic' in vhost '/': " +
      "binding limit of 2 is reached",
      "queue.bind",
    ]);
    const next = await connection.openChannel();
    await next.queueUnbind({ queue: "q", exchange: "amq.topic", routingKey: "one" });
    await next.queueBind({ queue: "q", exchange: "amq.topic", routingKey: "two" });
  },
);

function nested(depth: number): FieldTable {
  return depth === 1 ? { a: 1 } : { t: nested(depth - 1) };
}

Deno.test("tables of clients are nested so deep and no deeper, before a login and after it", async () => {
  await using served = await ServedBroker.start({ tableDepthMax: 3 });
  const closes = async (act: (peer: RawPeer) => Promise<void>, peer?: RawPeer) => {
    peer ??= await served.login();
    await act(peer);
    const { replyCode, replyText } = await peer.expect(0, "connection.close");
    return [replyCode, replyText];
  };
  const text = [502, "SYNTAX_ERROR - cannot decode: tables are nested over 3 levels"];
  const peer = await served.login();
  await peer.send(1, queueDeclare({ queue: "q", arguments: nested(3) }));
  await peer.expect(1, "queue.declare-ok");
  const headers = (depth: number) => ({ properties: { headers: nested(depth) } });
  await peer.send(1, basicPublish({ routingKey: "q" }), headers(3));
  await peer.send(1, basicGet({ queue: "q", noAck: true }));
  await peer.expectContent(1, "basic.get-ok");
  assertEquals(await closes((one) => one.send(1, queueUnbind({ arguments: nested(4) }))), text);
  assertEquals(await closes((one) => one.send(1, basicPublish(), headers(4))), text);
  const early = served.dial();
  await early.sendBytes(PROTOCOL_HEADER);
  await early.expect(0, "connection.start");
  const response = plainResponse({ username: "guest", password: "guest" });
  const startOk = { mechanism: "PLAIN", response, locale: "en_US", clientProperties: nested(4) };
  assertEquals(await closes((one) => one.send(0, connectionStartOk(startOk)), early), text);
});

Deno.test("frames before a login are as large as the broker is told", async () => {
  const options = { handshakeFrameMax: 0, frameMax: 8192 };
  await using served = await ServedBroker.start(options);
  const peer = served.dial();
  await peer.sendBytes(PROTOCOL_HEADER);
  await peer.expect(0, "connection.start");
  const clientProperties = { information: "x".repeat(7000) };
  const response = plainResponse({ username: "guest", password: "guest" });
  const startOk = { mechanism: "PLAIN", response, locale: "en_US", clientProperties };
  await peer.send(0, connectionStartOk(startOk));
  await peer.expect(0, "connection.tune");
});

Deno.test("a channel gets no more deliveries while so many bytes are unacked, and others do", async () => {
  await using served = await ServedBroker.start({ unackedBytesMaxPerChannel: 1000 });
  await using program = await served.broker.connect();
  const feeding = await program.openChannel();
  for (const queue of ["one", "two"]) {
    await feeding.queueDeclare(queue);
    for (let at = 0; at < 10; at++) {
      await feeding.basicPublish({ routingKey: queue }, "x".repeat(400));
    }
  }
  const [peer, other] = [await served.login(), await served.login()];
  for (const [client, queue] of [[peer, "one"], [peer, "two"], [other, "two"]] as const) {
    await client.send(1, basicConsume({ queue, consumerTag: queue }));
    if (client === other) await client.expect(1, "basic.consume-ok");
  }
  const tags: number[] = [];
  const waiting = async (queue: string) =>
    (await feeding.queueDeclare(queue, { passive: true })).messageCount;
  await peer.expect(1, "basic.consume-ok");
  for (let at = 0; at < 3; at++) {
    tags.push((await peer.expectContent(1, "basic.deliver")).deliveryTag);
  }
  await peer.expect(1, "basic.consume-ok");
  await settle();
  // three make 1200 bytes; the other channel has its own measure
  assertEquals([await waiting("one"), await waiting("two")], [7, 7]);
  await peer.send(1, basicGet({ queue: "two", noAck: true }));
  await peer.expectContent(1, "basic.get-ok");
  // one ack makes room for consumers of either queue
  await peer.send(1, basicAck({ deliveryTag: tags[0]! }));
  await peer.expectContent(1, "basic.deliver");
  await peer.send(1, basicAck({ deliveryTag: 0, multiple: true }));
  for (let at = 0; at < 3; at++) await peer.expectContent(1, "basic.deliver");
  await peer.send(1, basicGet({ queue: "two" }));
  const { replyCode, replyText } = await peer.expect(1, "channel.close");
  assertEquals([replyCode, replyText], [
    406,
    "PRECONDITION_FAILED - unacknowledged deliveries on channel 1 have reached the configured max " +
    "of 1000 bytes",
  ]);
  await settle();
  assertEquals(await waiting("one"), 10 - 1 - 3);
});

Deno.test("a client that does not read gets so much and no more, and holds up nobody", async () => {
  await using served = await ServedBroker.start({ outgoingBufferMax: 64 * 1024 });
  await using program = await served.broker.connect();
  const channel = await program.openChannel();
  await channel.queueDeclare("q");
  const sleeper = await served.login();
  await sleeper.send(1, basicConsume({ queue: "q", noAck: true }));
  await settle();
  for (let at = 0; at < 1000; at++) {
    await channel.basicPublish({ routingKey: "q" }, "x".repeat(1000));
    // so that what goes out goes out in many turns
    if (at % 10 === 0) await settle();
  }
  const { messageCount } = await channel.queueDeclare("q", { passive: true });
  assertLess(1000 - messageCount, 450);
  // once it reads it gets all of them, in order
  await sleeper.expect(1, "basic.consume-ok");
  for (let at = 1; at <= 1000; at++) {
    assertEquals((await sleeper.expectContent(1, "basic.deliver")).deliveryTag, at);
  }
});

Deno.test("a peer is dropped unless it takes all that waits, or 16 bytes a second of it", () => {
  const clock = new ManualClock();
  const slow = new SlowReaders(clock, 60_000);
  const dropped: string[] = [];
  const reader = (name: string, bytesWaiting: number) => {
    const made = { bytesWaiting, bytesTaken: 5 };
    slow.watch(made, () => dropped.push(name));
    return made;
  };
  reader("dead", 10);
  const idle = reader("idle", 0);
  const [trickling, crawling] = [reader("trickling", 1_000_000), reader("crawling", 1_000_000)];
  // it takes what there is at once, and whenever it is looked at the next has just gone out
  const beating = reader("beating", 8);
  for (let second = 1; second <= 600; second++) {
    trickling.bytesTaken += 15;
    crawling.bytesTaken += 17;
    if (second % 15 === 0) beating.bytesTaken += 8;
    clock.advance(1000);
    if (second === 59) assertEquals(dropped, []);
    if (second === 90) assertEquals(dropped, ["dead", "trickling"]);
  }
  assertEquals(dropped, ["dead", "trickling"]);
  idle.bytesWaiting = 1;
  crawling.bytesTaken = 0;
  beating.bytesWaiting = 0;
  clock.advance(90_000);
  assertEquals(dropped, ["dead", "trickling", "crawling", "idle"]);
  slow.forget(beating);
  assertEquals(clock.timers, 0);
});

Deno.test("a connection whose client never reads ends, and gives back what it holds", async () => {
  await using served = await ServedBroker.start({
    outgoingBufferMax: 4096,
    writeTimeoutMs: 60_000,
  });
  await using program = await served.broker.connect();
  const channel = await program.openChannel();
  await channel.queueDeclare("q");
  const sleeper = await served.login();
  await sleeper.send(1, basicConsume({ queue: "q" }));
  await settle();
  for (let at = 0; at < 1000; at++) {
    await channel.basicPublish({ routingKey: "q" }, "x".repeat(1000));
  }
  await settle();
  const { messageCount } = await channel.queueDeclare("q", { passive: true });
  served.clock.advance(59_999);
  await settle();
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, messageCount);
  served.clock.advance(15_001);
  await settle();
  const after = await channel.queueDeclare("q", { passive: true });
  assertEquals([after.messageCount, after.consumerCount], [1000, 0]);
  assertMatch(
    served.logger.of("warning").join(),
    /took next to none of \d+ bytes that wait for it within 60000 ms/,
  );
});

Deno.test("a peer in the middle of something is dropped unless it sends 64 bytes a second", () => {
  const clock = new ManualClock();
  const dropped: string[] = [];
  const senders = new SlowSenders<{ name: string; awaitsRest: boolean; bytesRead: number }>(
    clock,
    60_000,
    ({ name }) => dropped.push(name),
  );
  const peer = (name: string, awaitsRest = true) => ({ name, awaitsRest, bytesRead: 0 });
  const [idle, silent, trickling, slow, brief] = [
    peer("idle", false),
    peer("silent"),
    peer("trickling"),
    peer("slow"),
    peer("brief"),
  ];
  for (const one of [idle, silent, trickling, slow, brief]) senders.watch(one);
  for (let second = 1; second <= 600; second++) {
    trickling.bytesRead += 5;
    slow.bytesRead += 65;
    // each time it begins something else
    brief.bytesRead += 1;
    brief.awaitsRest = second % 45 > 5;
    clock.advance(1000);
    if (second === 74) assertEquals(dropped, []);
  }
  assertEquals(dropped, ["silent", "trickling"]);
  for (const one of [idle, slow, brief]) senders.forget(one);
  assertEquals(clock.timers, 0);
});

const beginnings: readonly (readonly [string, (frames: readonly Uint8Array[]) => Uint8Array])[] = [
  ["a method", ([method]) => method!.subarray(0, 8)],
  ["a header", ([method, header]) => concat([method!, header!.subarray(0, 3)])],
  ["a message that lacks its body", ([method, header]) => concat([method!, header!])],
  ["a body", (frames) => concat(frames).subarray(0, -10)],
];

for (const [what, cut] of beginnings) {
  Deno.test(`a client that stops in the middle of ${what} is dropped, one that goes on is not`, async () => {
    await using served = await ServedBroker.start({ readTimeoutMs: 60_000, heartbeatSeconds: 0 });
    await using program = await served.broker.connect();
    const channel = await program.openChannel();
    await channel.queueDeclare("q");
    const [stopping, slow, idle] = [
      await served.login(),
      await served.login(),
      await served.login(),
    ];
    const body = new Uint8Array(9000).fill(0x78);
    const frames = contentFrames(1, basicPublish({ routingKey: "q" }), {
      routingKey: "q",
      body,
    }, 131_072);
    await stopping.sendBytes(cut(frames));
    const whole = concat(frames);
    for (let at = 0; at < whole.length; at += 1000) {
      await slow.sendBytes(whole.subarray(at, at + 1000));
      await settle();
      served.clock.advance(15_000);
    }
    await settle();
    assertEquals(await stopping.next(), undefined);
    assertEquals((await channel.basicGet("q", { noAck: true }))?.body.length, 9000);
    assertEquals([...served.broker.connections()].length, 3);
    await idle.send(1, basicGet({ queue: "q" }));
    await idle.expect(1, "basic.get-empty");
    assertMatch(
      served.logger.of("warning").join(),
      /sent next to nothing of the rest of what it had begun within 60000 ms/,
    );
  });
}

Deno.test("a client that is not read by the broker's own will is not slow", async () => {
  await using served = await ServedBroker.start({
    readTimeoutMs: 60_000,
    heartbeatSeconds: 0,
    outgoingBufferMax: 4096,
  });
  await using program = await served.broker.connect();
  const channel = await program.openChannel();
  await channel.queueDeclare("q");
  await channel.basicPublish({ routingKey: "q" }, "x".repeat(50_000));
  // it asks for more than it takes, and is half-way through its next question
  const peer = await served.login();
  const get = methodFrame(1, basicGet({ queue: "q" }));
  const reject = (deliveryTag: number) =>
    methodFrame(1, basicReject({ deliveryTag, requeue: true }));
  for (let tag = 1; tag < 20; tag++) await peer.sendBytes(concat([get, reject(tag)]));
  await peer.sendBytes(get.subarray(0, 9));
  await settle();
  for (let minute = 0; minute < 5; minute++) {
    served.clock.advance(60_000);
    await settle();
  }
  assertEquals([...served.broker.connections()].length, 2);
  assertEquals(served.logger.of("warning"), []);
});
