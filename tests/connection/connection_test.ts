import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { concat } from "@std/bytes";
import { ContentAssembler } from "../../broker/amqp/content_assembler.ts";
import { PublishScan } from "../../broker/amqp/publish_scan.ts";
import {
  basicAck,
  basicConsume,
  basicGet,
  basicPublish,
  channelClose,
  channelCloseOk,
  channelFlow,
  channelFlowOk,
  channelOpen,
  connectionBlocked,
  connectionClose,
  connectionCloseOk,
  connectionOpen,
  connectionStartOk,
  connectionUpdateSecret,
  exchangeDeclare,
  type Method,
  queueDeclare,
  queueDeclareOk,
  txSelect,
} from "../../broker/amqp/methods/mod.ts";
import { VirtualHost } from "../../broker/vhost/vhost.ts";
import { contentFrames, frame, methodFrame } from "../amqp/frames.ts";
import { RawPeer } from "../support/raw_peer.ts";
import { logIn, ServedBroker, settle } from "./support.ts";

/** Why a close came: code, text and the method that is blamed. */
type Closed = readonly [number, string, number, number];

async function expectConnectionClose(peer: RawPeer): Promise<Closed> {
  const { replyCode, replyText, classId, methodId } = await peer.expect(0, "connection.close");
  return [replyCode, replyText, classId, methodId];
}

async function expectChannelClose(peer: RawPeer, channel: number): Promise<Closed> {
  const { replyCode, replyText, classId, methodId } = await peer.expect(channel, "channel.close");
  return [replyCode, replyText, classId, methodId];
}

async function openChannel(peer: RawPeer, channel: number): Promise<void> {
  await peer.send(channel, channelOpen());
  await peer.expect(channel, "channel.open-ok");
}

/** Shows that a connection and one of its channels still work. */
async function expectAlive(peer: RawPeer, channel = 1): Promise<void> {
  await peer.send(channel, queueDeclare({ exclusive: true }));
  await peer.expect(channel, "queue.declare-ok");
}

/** What closes a channel, and nothing else. */
const SOFT_ERROR = queueDeclare({ queue: "missing", passive: true });
const NOT_FOUND: Closed = [404, "NOT_FOUND - no queue 'missing' in vhost '/'", 50, 10];

// ---- the wrong thing on the wrong channel

const WRONG: readonly (readonly [channel: number, method: Method, closed: Closed])[] = [
  [2, queueDeclare(), [504, "CHANNEL_ERROR - expected 'channel.open'", 50, 10]],
  [2, basicPublish(), [504, "CHANNEL_ERROR - expected 'channel.open'", 60, 40]],
  [2, channelClose(), [504, "CHANNEL_ERROR - expected 'channel.open'", 20, 40]],
  [2, channelCloseOk(), [504, "CHANNEL_ERROR - expected 'channel.open'", 20, 41]],
  [1, channelOpen(), [504, "CHANNEL_ERROR - second 'channel.open' seen", 20, 10]],
  [1, connectionOpen(), [503, "COMMAND_INVALID - unimplemented method", 10, 40]],
  [1, connectionClose(), [503, "COMMAND_INVALID - unimplemented method", 10, 50]],
  [1, channelCloseOk(), [503, "COMMAND_INVALID - unimplemented method", 20, 41]],
  [1, channelFlowOk({ active: true }), [503, "COMMAND_INVALID - unimplemented method", 20, 21]],
  [1, queueDeclareOk(), [503, "COMMAND_INVALID - unimplemented method", 50, 11]],
  [1, channelFlow({ active: false }), [540, "NOT_IMPLEMENTED - active=false", 20, 20]],
  ...[
    queueDeclare(),
    channelOpen(),
    basicAck({ deliveryTag: 1 }),
    connectionStartOk(),
    connectionOpen(),
    connectionCloseOk(),
    connectionBlocked(),
    basicPublish(),
  ].map((method) =>
    [0, method, [
      504,
      "CHANNEL_ERROR - unexpected method in connection state running",
      0,
      0,
    ]] as const
  ),
];

for (const [channel, method, [code, text]] of WRONG) {
  Deno.test(`${method.name} on channel ${channel} closes the connection with ${code}`, async () => {
    await using served = await ServedBroker.start();
    const peer = await served.login();
    const other = await served.login();
    await peer.send(channel, method);
    const [replyCode, replyText, classId, methodId] = await expectConnectionClose(peer);
    assertEquals([replyCode, replyText], [code, text]);
    assert(classId > 0 && methodId > 0, "the method is blamed");
    await peer.send(0, connectionCloseOk());
    await peer.expectEnd();
    await expectAlive(other);
    assertEquals(served.logger.of("error"), []);
  });
}

Deno.test("A content frame that nobody expects closes the connection with 505", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await peer.sendBytes(frame(3, 1, [1, 2, 3]));
  assertEquals(await expectConnectionClose(peer), [
    505,
    "UNEXPECTED_FRAME - expected method frame, got non method frame instead",
    0,
    0,
  ]);
  await peer.send(0, connectionCloseOk());
  await peer.expectEnd();
});

Deno.test("connection.update-secret is answered", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await peer.send(0, connectionUpdateSecret({ newSecret: new Uint8Array(3), reason: "r" }));
  await peer.expect(0, "connection.update-secret-ok");
});

// ---- channels

Deno.test("A soft error closes its channel and no other, and the number can be used again", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await openChannel(peer, 2);
  await peer.send(2, SOFT_ERROR);
  assertEquals(await expectChannelClose(peer, 2), NOT_FOUND);
  await expectAlive(peer, 1);
  await peer.send(2, channelCloseOk());
  await openChannel(peer, 2);
  await expectAlive(peer, 2);
});

Deno.test("A channel that is closing takes nothing more, content included", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await peer.send(1, queueDeclare({ queue: "q" }));
  await peer.expect(1, "queue.declare-ok");
  await peer.sendBytes(concat([
    methodFrame(1, SOFT_ERROR),
    ...contentFrames(1, basicPublish({ routingKey: "q" }), { body: "too late" }),
    methodFrame(1, queueDeclare({ queue: "other" })),
    methodFrame(1, SOFT_ERROR),
    methodFrame(1, channelOpen()),
  ]));
  await expectChannelClose(peer, 1);
  await peer.send(1, channelCloseOk());
  await openChannel(peer, 1);
  await peer.send(1, queueDeclare({ queue: "q", passive: true }));
  assertEquals((await peer.expect(1, "queue.declare-ok")).messageCount, 0);
  await peer.send(1, queueDeclare({ queue: "other", passive: true }));
  assertEquals((await expectChannelClose(peer, 1))[0], 404);
});

Deno.test("A channel that both sides close at once is closed", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await peer.sendBytes(concat([methodFrame(1, SOFT_ERROR), methodFrame(1, channelClose())]));
  await expectChannelClose(peer, 1);
  await peer.expect(1, "channel.close-ok");
  await peer.send(1, channelCloseOk());
  await openChannel(peer, 1);
  await expectAlive(peer);
});

Deno.test("A channel that both sides close at once needs no confirmation from the client", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await peer.sendBytes(concat([methodFrame(1, SOFT_ERROR), methodFrame(1, channelClose())]));
  await expectChannelClose(peer, 1);
  await peer.expect(1, "channel.close-ok");
  await openChannel(peer, 1);
  await expectAlive(peer);
});

Deno.test("channel.close is answered, and what was unacked goes back", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await openChannel(peer, 2);
  await peer.send(1, queueDeclare({ queue: "q" }));
  await peer.expect(1, "queue.declare-ok");
  await peer.send(1, basicPublish({ routingKey: "q" }), { body: "again" });
  await peer.send(1, basicGet({ queue: "q" }));
  assertEquals((await peer.expectContent(1, "basic.get-ok")).redelivered, false);
  await peer.send(1, channelClose());
  await peer.expect(1, "channel.close-ok");
  await peer.send(2, basicGet({ queue: "q" }));
  const again = await peer.expectContent(2, "basic.get-ok");
  assertEquals([again.redelivered, again.text], [true, "again"]);
});

Deno.test("A connection may have as many channels as were agreed on, one after the other", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login({ tuning: { channelMax: 3 } });
  await openChannel(peer, 2);
  await openChannel(peer, 3);
  await peer.send(2, channelClose());
  await peer.expect(2, "channel.close-ok");
  await openChannel(peer, 2);
  await peer.send(4, channelOpen());
  assertEquals(await expectConnectionClose(peer), [
    530,
    "NOT_ALLOWED - number of channels opened (3) has reached the negotiated channel_max (3)",
    20,
    10,
  ]);
});

Deno.test("A connection may number its channels as it likes", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login({ tuning: { channelMax: 2 } });
  await openChannel(peer, 65_535);
  await expectAlive(peer, 65_535);
});

Deno.test("A connection may have all channels that the broker offers", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  for (let channel = 2; channel <= 2047; channel++) await openChannel(peer, channel);
  await expectAlive(peer, 2047);
  await peer.send(2048, channelOpen());
  assertEquals((await expectConnectionClose(peer))[0], 530);
});

Deno.test("A message larger than the broker takes closes its channel with 406", async () => {
  await using served = await ServedBroker.start({ messageSizeMax: 10_000 });
  const peer = await served.login();
  await peer.send(1, queueDeclare({ queue: "q" }));
  await peer.expect(1, "queue.declare-ok");
  await peer.send(1, basicPublish({ routingKey: "q" }), { body: new Uint8Array(10_000) });
  await peer.send(1, basicPublish({ routingKey: "q" }), { body: new Uint8Array(10_001) });
  assertEquals(await expectChannelClose(peer, 1), [
    406,
    "PRECONDITION_FAILED - message size 10001 is larger than configured max size 10000",
    60,
    40,
  ]);
  await peer.send(1, channelCloseOk());
  await openChannel(peer, 1);
  await peer.send(1, queueDeclare({ queue: "q", passive: true }));
  assertEquals((await peer.expect(1, "queue.declare-ok")).messageCount, 1);
});

// ---- closing the connection

Deno.test("connection.close is answered when all is cleared away", async () => {
  await using served = await ServedBroker.start();
  const [peer, other] = [await served.login(), await served.login()];
  await peer.send(1, queueDeclare({ queue: "mine", exclusive: true }));
  await peer.expect(1, "queue.declare-ok");
  await peer.send(0, connectionClose({ replyCode: 200, replyText: "bye" }));
  await peer.expect(0, "connection.close-ok");
  await other.send(1, queueDeclare({ queue: "mine", passive: true }));
  assertEquals((await expectChannelClose(other, 1))[0], 404);
  peer.close();
  await settle();
  assertEquals(served.logger.of("warning"), []);
});

Deno.test("The socket is left to a client that has closed its connection, for five seconds", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await peer.send(0, connectionClose());
  await peer.expect(0, "connection.close-ok");
  // it counts no longer, and what it still sends is not heard
  assertEquals([...served.broker.connections()], []);
  await peer.send(1, queueDeclare({ queue: "late" }));
  await peer.sendBytes(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  let ended = false;
  const end = peer.expectEnd().then(() => ended = true);
  served.clock.advance(4_999);
  await settle();
  assertEquals(ended, false);
  served.clock.advance(1);
  await end;
  const other = await served.login();
  await other.send(1, queueDeclare({ queue: "late", passive: true }));
  assertEquals((await expectChannelClose(other, 1))[0], 404);
});

Deno.test("A broker that closes does not wait for the sockets of those that have closed before", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await peer.send(0, connectionClose());
  await peer.expect(0, "connection.close-ok");
  await served.broker.close();
  await peer.expectEnd();
});

Deno.test("A client that just goes leaves nothing behind but a warning", async () => {
  await using served = await ServedBroker.start();
  const [peer, other] = [await served.login(), await served.login()];
  await peer.send(1, queueDeclare({ queue: "mine", exclusive: true }));
  await peer.expect(1, "queue.declare-ok");
  await other.send(1, queueDeclare({ queue: "q" }));
  await other.expect(1, "queue.declare-ok");
  await peer.send(1, basicConsume({ queue: "q", consumerTag: "c" }));
  await peer.expect(1, "basic.consume-ok");
  for (const body of ["1", "2", "3"]) {
    await other.send(1, basicPublish({ routingKey: "q" }), { body });
  }
  for (const body of ["1", "2", "3"]) {
    assertEquals((await peer.expectContent(1, "basic.deliver")).text, body);
  }
  await peer.send(1, basicAck({ deliveryTag: 2 }));
  await settle();
  peer.close();
  await settle();

  assertMatch(
    served.logger.of("warning").join(),
    /connection 127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+: closed by the client without connection\.close/,
  );
  await other.send(1, basicConsume({ queue: "q", consumerTag: "d", noAck: true }));
  await other.expect(1, "basic.consume-ok");
  for (const body of ["1", "3"]) {
    const { text, redelivered } = await other.expectContent(1, "basic.deliver");
    assertEquals([text, redelivered], [body, true]);
  }
  await other.send(1, queueDeclare({ queue: "mine", passive: true }));
  assertEquals((await expectChannelClose(other, 1))[0], 404);
});

Deno.test("A connection that is closing takes nothing but closes", async () => {
  await using served = await ServedBroker.start();
  const [peer, other] = [await served.login(), await served.login()];
  await peer.sendBytes(concat([
    methodFrame(9, SOFT_ERROR),
    methodFrame(1, queueDeclare({ queue: "late" })),
    ...contentFrames(1, basicPublish({ exchange: "nowhere" }), { body: "late" }),
    methodFrame(2, channelOpen()),
    methodFrame(0, connectionOpen()),
  ]));
  assertEquals((await expectConnectionClose(peer))[0], 504);
  await settle();
  await other.send(1, queueDeclare({ queue: "late", passive: true }));
  assertEquals((await expectChannelClose(other, 1))[0], 404);
  await peer.send(0, connectionCloseOk());
  await peer.expectEnd();
});

Deno.test("A connection that both sides close at once is closed", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await peer.sendBytes(
    concat([methodFrame(9, SOFT_ERROR), methodFrame(0, connectionClose({ replyCode: 200 }))]),
  );
  await expectConnectionClose(peer);
  await peer.expect(0, "connection.close-ok");
  assertEquals([...served.broker.connections()], []);
  served.clock.advance(5_000);
  await peer.expectEnd();
});

Deno.test("A client that does not confirm a close is dropped after ten seconds", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await peer.send(9, SOFT_ERROR);
  await expectConnectionClose(peer);
  let ended = false;
  const end = peer.expectEnd().then(() => ended = true);
  served.clock.advance(9_999);
  await settle();
  assertEquals(ended, false);
  served.clock.advance(1);
  await end;
});

Deno.test("A client that broke the framing has three seconds until it is dropped", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await peer.sendBytes(frame(9, 1, [1]));
  assertEquals(
    (await expectConnectionClose(peer))[1],
    "FRAME_ERROR - type 9, all octets = <<1>>: unknown_frame",
  );
  await peer.send(0, connectionCloseOk());
  await settle();
  served.clock.advance(2999);
  await settle();
  assertEquals(served.logger.lines.filter((line) => line.endsWith(": closed")), []);
  served.clock.advance(1);
  await peer.expectEnd();
});

Deno.test("A client that reads nothing cannot keep its connection by closing it", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await peer.send(1, queueDeclare({ queue: "q" }));
  await peer.expect(1, "queue.declare-ok");
  await peer.send(1, basicConsume({ queue: "q", consumerTag: "c", noAck: true, noWait: true }));
  for (let count = 0; count < 5; count++) {
    await peer.send(1, basicPublish({ routingKey: "q" }), { body: new Uint8Array(100_000) });
  }
  await peer.send(0, connectionClose({ replyCode: 200 }));
  await settle();
  let closed = false;
  const closing = served.broker.close().then(() => closed = true);
  await settle();
  assertEquals(closed, false, "there is something to write, and nobody takes it");
  served.clock.advance(10_000);
  await closing;
});

Deno.test("A broker that closes tells its clients, and waits for them a while", async () => {
  await using served = await ServedBroker.start();
  const [polite, silent] = [await served.login(), await served.login()];
  const closing = served.broker.close();
  const closed: Closed = [
    320,
    "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'",
    0,
    0,
  ];
  assertEquals(await expectConnectionClose(polite), closed);
  assertEquals(await expectConnectionClose(silent), closed);
  await polite.send(0, connectionCloseOk());
  await polite.expectEnd();
  served.clock.advance(10_000);
  await closing;
  await silent.expectEnd();
});

// ---- bugs

/** Makes a method of the broker fail as a bug would, for a while. */
function withBug<T extends object>(owner: T, name: keyof T): Disposable {
  const original = owner[name];
  const bug = () => {
    throw new RangeError("a bug in the broker");
  };
  Object.assign(owner, { [name]: bug });
  return { [Symbol.dispose]: () => void Object.assign(owner, { [name]: original }) };
}

Deno.test("A bug behind a method closes its connection with 541, and the log tells what it was", async () => {
  await using served = await ServedBroker.start();
  const [peer, other] = [await served.login(), await served.login()];
  {
    using _bug = withBug(VirtualHost.prototype, "declareExchange");
    await peer.send(1, exchangeDeclare({ exchange: "x", type: "direct" }));
    assertEquals(await expectConnectionClose(peer), [
      541,
      "INTERNAL_ERROR - internal error",
      40,
      10,
    ]);
  }
  const [line, ...more] = served.logger.of("error");
  assertEquals(more, []);
  assertMatch(
    line!,
    /^error: connection .*: internal error: RangeError: a bug in the broker\n {4}at /,
  );
  await expectAlive(other);
  await logIn(served.dial());
});

Deno.test("A bug behind a publish closes its connection with 541", async () => {
  await using served = await ServedBroker.start();
  const [peer, other] = [await served.login(), await served.login()];
  {
    using _bug = withBug(VirtualHost.prototype, "publish");
    await peer.send(1, basicPublish({ routingKey: "q" }), { body: "b" });
    assertEquals((await expectConnectionClose(peer)).slice(0, 2), [
      541,
      "INTERNAL_ERROR - internal error",
    ]);
  }
  assertStringIncludes(served.logger.of("error").join(), "a bug in the broker");
  await expectAlive(other);
});

Deno.test("A bug in the codec closes its connection with 541, and the log tells what it was", async () => {
  await using served = await ServedBroker.start();
  const other = await served.login();
  const bugs = [
    () => withBug(PublishScan.prototype, "finds"),
    // a message without a body is taken frame by frame
    () => withBug(ContentAssembler.prototype, "header"),
  ];
  for (const begin of bugs) {
    const peer = await served.login();
    {
      using _bug = begin();
      await peer.send(1, basicPublish({ routingKey: "q" }), { body: "" });
      assertEquals((await expectConnectionClose(peer)).slice(0, 2), [
        541,
        "INTERNAL_ERROR - internal error",
      ]);
    }
    assertStringIncludes(served.logger.of("error").at(-1)!, "a bug in the broker");
  }
  await expectAlive(other);
});

// ---- heartbeats

Deno.test("A silent client is dropped within three intervals, and what it had goes on", async () => {
  await using served = await ServedBroker.start();
  const other = await served.login();
  await other.send(1, queueDeclare({ queue: "q" }));
  await other.expect(1, "queue.declare-ok");
  const silent = await served.login({ tuning: { heartbeat: 2 } });
  await silent.send(1, basicConsume({ queue: "q", consumerTag: "c" }));
  await silent.expect(1, "basic.consume-ok");
  await other.send(1, basicPublish({ routingKey: "q" }), { body: "job" });
  await silent.expectContent(1, "basic.deliver");
  await other.send(1, basicConsume({ queue: "q", consumerTag: "d" }));
  await other.expect(1, "basic.consume-ok");

  served.clock.advance(4000);
  await settle();
  assertEquals(served.logger.of("warning"), []);
  served.clock.advance(2000);
  await settle();
  assertStringIncludes(served.logger.of("warning").join(), "no heartbeat came");
  const { text, redelivered } = await other.expectContent(1, "basic.deliver");
  assertEquals([text, redelivered], ["job", true]);
  await silent.expectEnd();
  assertEquals(served.clock.timers, 0, "its timers have stopped");
});

Deno.test("The broker beats while it has nothing to say, and takes any octet for life", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login({ tuning: { heartbeat: 2 } });
  for (let second = 0; second < 20; second++) {
    await peer.sendHeartbeat();
    await settle();
    served.clock.advance(1000);
    await settle();
  }
  await expectAlive(peer);
  assert(peer.heartbeats >= 19 && peer.heartbeats <= 21, `${peer.heartbeats} in 20 s`);
});

Deno.test("A client that is not read since it takes slowly what it asked for is dropped when it takes nothing", async () => {
  await using served = await ServedBroker.start();
  await using local = await served.broker.connect();
  const channel = await local.openChannel();
  await channel.queueDeclare("q");
  const body = new Uint8Array(1024 * 1024);
  const count = 30;
  for (let sent = 0; sent < count; sent++) await channel.basicPublish({ routingKey: "q" }, body);
  const transport = served.network.dial(served.port, { inParts: true });
  await using peer = new RawPeer(transport);
  await logIn(peer, { tuning: { heartbeat: 10 } });
  for (let asked = 0; asked < count; asked++) {
    await peer.send(1, basicGet({ queue: "q", noAck: true }));
  }
  await settle();
  const some = new Uint8Array(128 * 1024);
  for (let second = 0; second < 100; second += 5) {
    await transport.read(some);
    await peer.sendHeartbeat();
    await settle();
    served.clock.advance(5000);
    await settle();
  }
  const [queue] = [...served.broker.queues()];
  assert(queue!.messagesReady > 0, "so much waits for it that it is not read");
  assertEquals(served.logger.of("warning"), []);
  served.clock.advance(30_000);
  await settle();
  assertStringIncludes(served.logger.of("warning").join(), "no heartbeat came");
});

Deno.test("A client that wants no heartbeats is never dropped", async () => {
  await using served = await ServedBroker.start({ heartbeatSeconds: 1 });
  const peer = await served.login({ tuning: { heartbeat: 0 } });
  served.clock.advance(3_600_000);
  await expectAlive(peer);
  assertEquals(peer.heartbeats, 0);
});

// ---- what a channel remembers

Deno.test("A channel that ends in a transaction forgets its publishes and gives its deliveries back", async () => {
  await using served = await ServedBroker.start();
  const [peer, other] = [await served.login(), await served.login()];
  await peer.send(1, queueDeclare({ queue: "q" }));
  await peer.expect(1, "queue.declare-ok");
  for (const body of ["1", "2"]) await peer.send(1, basicPublish({ routingKey: "q" }), { body });
  await openChannel(peer, 2);
  await peer.send(2, txSelect());
  await peer.expect(2, "tx.select-ok");
  await peer.send(2, basicGet({ queue: "q" }));
  await peer.expectContent(2, "basic.get-ok");
  await peer.send(2, basicAck({ deliveryTag: 1 }));
  await peer.send(2, basicPublish({ routingKey: "q" }), { body: "never" });
  await peer.send(2, channelClose());
  await peer.expect(2, "channel.close-ok");
  await other.send(1, basicConsume({ queue: "q", noAck: true, consumerTag: "c", noWait: true }));
  for (const expected of ["1", "2"]) {
    assertEquals((await other.expectContent(1, "basic.deliver")).text, expected);
  }
  await expectAlive(other);
});

Deno.test("A reply text is cut to what a short string holds, at a whole character", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  for (
    const [queue, size] of [["x".repeat(255), 255], ["\u{1f407}".repeat(63), 253]] as const
  ) {
    await peer.send(1, queueDeclare({ queue, passive: true }));
    const [code, text] = await expectChannelClose(peer, 1);
    assertEquals(code, 404);
    assertEquals(new TextEncoder().encode(text).length, size);
    assertEquals(text, `${`NOT_FOUND - no queue '${queue}`.slice(0, text.length - 3)}...`);
    await peer.send(1, channelCloseOk());
    await openChannel(peer, 1);
  }
});
