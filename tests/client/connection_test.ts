import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { basicCancel } from "../../broker/amqp/methods/basic.ts";
import {
  channelClose,
  channelCloseOk,
  channelFlow,
  channelOpenOk,
} from "../../broker/amqp/methods/channel.ts";
import {
  connectionBlocked,
  connectionClose,
  connectionCloseOk,
  connectionUnblocked,
  connectionUpdateSecretOk,
} from "../../broker/amqp/methods/connection.ts";
import { queueDeclareOk } from "../../broker/amqp/methods/queue.ts";
import { pollSockets } from "../../broker/amqp/turn.ts";
import { ConnectionLostError } from "../../client/mod.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import { freshTurn } from "../support/standing_time.ts";
import { Scripted } from "./scripted.ts";
import type { ChannelCore } from "../../client/channel_core.ts";
import { ConnectionCore } from "../../client/connection_core.ts";
import { RecordingLink } from "./recording_link.ts";
import { ManualClock } from "../support/manual_clock.ts";

const FORCED = { replyCode: 320, replyText: "CONNECTION_FORCED - shutdown" };

Deno.test("Connection.close() closes with 200 and waits for close-ok", async () => {
  await using script = await Scripted.open();
  const { connection, channel, peer, clock } = script;
  const closing = connection.close();
  const close = await peer.acceptClose();
  assertEquals([close.replyCode, close.replyText], [200, "Normal shutdown"]);
  await closing;
  assertEquals(await connection.closed, undefined);
  assertEquals(await channel.closed, undefined);
  await peer.expectEnd();
  assertEquals(clock.timers, 0);
});

Deno.test("Connection.close() tells its reason", async () => {
  await using script = await Scripted.open();
  const closing = script.connection.close({ replyCode: 320, replyText: "moving house" });
  const close = await script.peer.acceptClose();
  assertEquals([close.replyCode, close.replyText], [320, "moving house"]);
  await closing;
});

Deno.test("Connection.close() twice is one close", async () => {
  await using script = await Scripted.open();
  const { connection, peer } = script;
  const closing = Promise.all([connection.close(), connection.close()]);
  await peer.acceptClose();
  await closing;
  await connection.close();
  await peer.expectEnd();
});

Deno.test("Connection.close() waits for a silent broker for a bounded time", async () => {
  await using script = await Scripted.open({ closeTimeoutMs: 500 });
  const { connection, peer, clock } = script;
  const closing = connection.close();
  await peer.expect(0, "connection.close");
  clock.advance(500);
  await closing;
  assertEquals(await connection.closed, undefined);
  await peer.expectEnd();
  assertEquals(clock.timers, 0);
});

Deno.test("Connection.close() lets calls that are under way finish", async () => {
  await using script = await Scripted.open();
  const { connection, channel, peer } = script;
  const declaring = channel.queueDeclare("q");
  const closing = connection.close();
  await peer.expect(1, "queue.declare");
  await peer.send(1, queueDeclareOk({ queue: "q" }));
  await peer.acceptClose();
  assertEquals((await declaring).queue, "q");
  await closing;
});

Deno.test("Connection.close() answers a broker that closes at the same time", async () => {
  await using script = await Scripted.open();
  const { connection, peer } = script;
  const closing = connection.close();
  await peer.expect(0, "connection.close");
  await peer.send(0, connectionClose(FORCED));
  await peer.expect(0, "connection.close-ok");
  await peer.send(0, connectionCloseOk());
  await closing;
  assertEquals(await connection.closed, undefined);
});

Deno.test("a closed connection refuses every call with a TypeError", async () => {
  await using script = await Scripted.open();
  const { connection, channel, peer } = script;
  await Promise.all([connection.close(), peer.acceptClose()]);
  await assertRejects(() => connection.openChannel(), TypeError, "connection is closed");
  await assertRejects(() => connection.updateSecret("x"), TypeError, "connection is closed");
  await assertRejects(() => channel.queueDeclare(), TypeError, "channel is closed");
  assertThrows(() => channel.basicPublish({}, "x"), TypeError, "channel is closed");
});

Deno.test("connection.close from the broker is answered and rejects all that waits", async () => {
  await using script = await Scripted.open();
  const { connection, channel, peer } = script;
  const declaring = channel.queueDeclare("q");
  const opening = connection.openChannel();
  await peer.expect(1, "queue.declare");
  await peer.expect(2, "channel.open");
  // the answer may leave in a later round of the loop than the one in which they reject
  void Promise.allSettled([declaring, opening]);
  await peer.send(0, connectionClose({ ...FORCED, classId: 50, methodId: 10 }));
  await peer.expect(0, "connection.close-ok");
  await peer.expectEnd();
  for (const call of [declaring, opening]) {
    const error = await assertRejects(() => call, AmqpError, "CONNECTION_FORCED - shutdown");
    assertEquals([error.replyCode, error.classId, error.methodId], [320, 50, 10]);
  }
  const reason = await connection.closed;
  assertInstanceOf(reason, AmqpError);
  assertEquals(await channel.closed, reason);
  await assertRejects(() => connection.openChannel(), AmqpError, "CONNECTION_FORCED");
  assertThrows(() => channel.basicPublish({}, "x"), AmqpError, "CONNECTION_FORCED");
  await connection.close();
  await channel.close();
});

Deno.test("a connection that is lost rejects all that waits with ConnectionLostError", async () => {
  await using script = await Scripted.open();
  const { connection, channel, peer, clock } = script;
  const declaring = channel.queueDeclare("q");
  await peer.expect(1, "queue.declare");
  peer.close();
  const error = await assertRejects(() => declaring, ConnectionLostError, "lost");
  assertEquals(await connection.closed, error);
  assertThrows(() => channel.basicPublish({}, "x"), ConnectionLostError);
  assertEquals(clock.timers, 0);
});

Deno.test("bytes that are no frame close the connection with 501", async () => {
  await using script = await Scripted.open();
  const { connection, peer } = script;
  await peer.sendBytes(new TextEncoder().encode("this is no frame"));
  const close = await peer.expect(0, "connection.close");
  assertEquals(close.replyCode, 501);
  await peer.expectEnd();
  const reason = await connection.closed;
  assertInstanceOf(reason, AmqpError);
  assertEquals(reason.replyCode, 501);
});

Deno.test("Connection writes heartbeats when it has nothing else to write", async () => {
  await using script = await Scripted.open({ heartbeat: 10 });
  const { connection, peer, clock } = script;
  clock.advance(5_000);
  clock.advance(5_000);
  await peer.expectHeartbeat();
  assertEquals(peer.heartbeats, 1);
  await Promise.all([connection.close(), peer.acceptClose()]);
  assertEquals(clock.timers, 0);
});

Deno.test("Connection is lost when the broker falls silent", async () => {
  await using script = await Scripted.open({ heartbeat: 10 });
  const { connection, channel, peer, clock } = script;
  const declaring = channel.queueDeclare("q");
  clock.advance(30_000);
  await assertRejects(() => declaring, ConnectionLostError, "silent");
  assertInstanceOf(await connection.closed, ConnectionLostError);
  await peer[Symbol.asyncDispose]();
  assertEquals(clock.timers, 0);
});

Deno.test("Connection is not lost while the broker sends anything at all", async () => {
  await using script = await Scripted.open({ heartbeat: 10 });
  const { connection, channel, peer, clock } = script;
  for (let round = 0; round < 4; round++) {
    const declaring = channel.queueDeclare("q");
    clock.advance(9_000);
    await peer.expect(1, "queue.declare");
    await peer.send(1, queueDeclareOk({ queue: "q" }));
    await declaring;
  }
  await Promise.all([connection.close(), peer.acceptClose()]);
});

Deno.test("Connection is not lost while it reads nothing, since the broker takes nothing", async () => {
  await using script = await Scripted.open({ heartbeat: 10 });
  const { connection, channel, peer, clock } = script;
  const body = new Uint8Array(3 * 1024 * 1024);
  // some are taken, some are being written, and behind those wait more than what stops the reading
  for (const count of [1, 1, 5]) {
    for (let left = count; left > 0; left--) void channel.basicPublish({ routingKey: "q" }, body);
    await pollSockets();
  }
  const heartbeat = [8, 0, 0, 0, 0, 0, 0, 0xce];
  // more than it reads nevertheless
  await peer.sendBytes(Uint8Array.from({ length: 8 * 1024 * 1024 }, (_, at) => heartbeat[at % 8]!));
  for (let turn = 0; turn < 200; turn++) await pollSockets();
  clock.advance(60_000);
  for (let count = 0; count < 7; count++) await peer.expectContent(1, "basic.publish");
  assertEquals(connection.state, "open");
  await Promise.all([connection.close(), peer.acceptClose()]);
});

Deno.test("Connection.openChannel() numbers channels from 1 and uses numbers again", async () => {
  await using script = await Scripted.open({ channelMax: 3 });
  const { connection, channel, peer } = script;
  const [second, third] = await Promise.all([
    connection.openChannel(),
    connection.openChannel(),
    peer.acceptChannel(2).then(() => peer.acceptChannel(3)),
  ]);
  assertEquals([channel.number, second.number, third.number], [1, 2, 3]);
  await assertRejects(() => connection.openChannel(), RangeError, "all 3 of the connection");

  const closing = second.close();
  await peer.expect(2, "channel.close");
  await peer.send(2, { name: "channel.close-ok" });
  await closing;
  const [again] = await Promise.all([connection.openChannel(), peer.acceptChannel(2)]);
  assertEquals(again.number, 2);
});

Deno.test("Connection.openChannel() rejects when the connection closes first", async () => {
  await using script = await Scripted.open();
  const { connection, peer } = script;
  const opened = assertRejects(() => connection.openChannel(), TypeError);
  const closing = connection.close();
  await peer.expect(2, "channel.open");
  await peer.acceptClose();
  await opened;
  await closing;
});

Deno.test("Connection ignores what comes for a channel that is not there", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  await peer.send(9, channelOpenOk());
  const declaring = channel.queueDeclare("q");
  await peer.expect(1, "queue.declare");
  await peer.send(1, queueDeclareOk({ queue: "q" }));
  assertEquals((await declaring).queue, "q");
});

Deno.test("Connection.updateSecret() waits for its reply", async () => {
  await using script = await Scripted.open();
  const { connection, peer } = script;
  const updating = connection.updateSecret("token", "renewed");
  const update = await peer.expect(0, "connection.update-secret");
  assertEquals(new TextDecoder().decode(update.newSecret), "token");
  assertEquals(update.reason, "renewed");
  await peer.send(0, connectionUpdateSecretOk());
  await updating;
});

Deno.test("Connection tells when the broker blocks and unblocks it, and publishes wait", async () => {
  using _time = await freshTurn(); // in which nothing else makes a publish wait
  await using script = await Scripted.open();
  const { connection, channel, peer } = script;
  const told: string[] = [];
  const blocked = Promise.withResolvers<void>();
  connection.onBlocked = (reason) => {
    told.push(`blocked: ${reason}`);
    blocked.resolve();
  };
  const unblocked = Promise.withResolvers<void>();
  connection.onUnblocked = () => {
    told.push("unblocked");
    unblocked.resolve();
  };

  assertEquals(channel.basicPublish({ routingKey: "q" }, "1"), undefined);
  await peer.send(0, connectionBlocked({ reason: "low on memory" }));
  await blocked.promise;
  assertEquals(connection.blocked, "low on memory");

  const waiting = channel.basicPublish({ routingKey: "q" }, "2");
  assertInstanceOf(waiting, Promise);
  await peer.send(0, connectionUnblocked());
  await waiting;
  assertEquals(connection.blocked, undefined);
  await unblocked.promise;
  assertEquals(told, ["blocked: low on memory", "unblocked"]);
  assertEquals(channel.basicPublish({ routingKey: "q" }, "3"), undefined);
  for (const text of ["1", "2", "3"]) {
    assertEquals((await peer.expectContent(1, "basic.publish")).text, text);
  }
});

Deno.test("a publish that waits for room rejects when the connection closes", async () => {
  await using script = await Scripted.open();
  const { connection, channel, peer } = script;
  const blocked = Promise.withResolvers<string>();
  connection.onBlocked = blocked.resolve;
  await peer.send(0, connectionBlocked({ reason: "low on disk" }));
  await blocked.promise;
  const waiting = channel.basicPublish({ routingKey: "q" }, "1");
  channel.basicPublish({ routingKey: "q" }, "2"); // nobody awaits this one
  await peer.send(0, connectionClose(FORCED));
  await assertRejects(async () => await waiting, AmqpError, "CONNECTION_FORCED");
});

Deno.test("onBlocked that throws closes the connection with its error", async () => {
  await using script = await Scripted.open();
  const { connection, peer } = script;
  connection.onBlocked = () => {
    throw new Error("no idea what to do");
  };
  await peer.send(0, connectionBlocked({ reason: "low on disk" }));
  const close = await peer.acceptClose();
  assertEquals(close.replyCode, 541);
  const reason = await connection.closed;
  assert(reason instanceof Error);
  assertEquals(reason.message, "no idea what to do");
});

Deno.test("basicPublish() returns a promise while the link is full", async () => {
  await using script = await Scripted.open();
  const { connection, channel, peer } = script;
  const body = new Uint8Array(100_000);
  let published = 0;
  let waiting: Promise<void> | undefined;
  while (waiting === undefined && published < 1000) {
    waiting = channel.basicPublish({ routingKey: "q" }, body);
    published++;
  }
  assertInstanceOf(waiting, Promise);
  assertEquals(channel.basicPublish({ routingKey: "q" }, body), waiting);
  const reading = (async () => {
    for (let count = 0; count <= published; count++) await peer.expectContent(1, "basic.publish");
  })();
  await waiting;
  await reading;
  await Promise.all([connection.close(), peer.acceptClose()]);
});

function coreOn(link: RecordingLink): ConnectionCore {
  return new ConnectionCore(link, {
    channelMax: 0,
    serverProperties: {},
    clock: new ManualClock(),
    closeTimeoutMs: 1000,
  });
}

/** Opens a channel, which must get this number. */
async function openOn(core: ConnectionCore, number: number): Promise<ChannelCore> {
  const opening = core.openChannel();
  core.receive(number, channelOpenOk());
  const channel = await opening;
  assertEquals(channel.number, number);
  return channel;
}

function namesOf({ sent }: RecordingLink): string[] {
  return sent.map(({ name }) => name);
}

Deno.test("a channel's number is free before the turn ends in which the broker closed it", async () => {
  const link = new RecordingLink();
  const core = coreOn(link);
  await openOn(core, 1);
  core.receive(1, channelClose({ replyCode: 404, replyText: "NOT_FOUND" }));
  await openOn(core, 1);
  await endOfTurn();
  assertEquals(namesOf(link), ["channel.open", "channel.close-ok", "channel.open"]);
});

for (const method of [basicCancel({ consumerTag: "c" }), channelFlow({ active: false })]) {
  Deno.test(`a channel does not answer ${method.name} once its number may be another's`, async () => {
    const link = new RecordingLink();
    const core = coreOn(link);
    await openOn(core, 1);
    core.receive(1, method);
    core.receive(1, channelClose({ replyCode: 404, replyText: "NOT_FOUND" }));
    await openOn(core, 1);
    await endOfTurn();
    assertEquals(namesOf(link), ["channel.open", "channel.close-ok", "channel.open"]);
  });
}

Deno.test("a channel that both ends close at once is answered before its number is used again", async () => {
  const link = new RecordingLink();
  const core = coreOn(link);
  const channel = await openOn(core, 1);
  void channel.close();
  core.receive(1, channelClose({ replyCode: 404, replyText: "NOT_FOUND" }));
  // its answer to ours is still to come
  await openOn(core, 2);
  core.receive(1, channelCloseOk());
  await openOn(core, 1);
  assertEquals(namesOf(link), [
    "channel.open",
    "channel.close",
    "channel.close-ok",
    "channel.open",
    "channel.open",
  ]);
});

Deno.test("it is told at once that a channel is open, before who asked for it hears of that", async () => {
  const core = coreOn(new RecordingLink());
  const opened: ChannelCore[] = [];
  const opening = core.openChannel((channel) => opened.push(channel));
  core.receive(1, channelOpenOk());
  assertEquals(opened.length, 1);
  assert(await opening === opened[0]);
});

Deno.test("there is room for publishes only when those that channel.flow held up are sent", async () => {
  const link = new RecordingLink();
  const core = coreOn(link);
  const { publishing } = await openOn(core, 1);
  core.receive(1, channelFlow({ active: false }));
  const content = core.outgoing.take("held", false);
  const held = publishing.publish("", "q", false, false, undefined, content);
  await endOfTurn();
  core.receive(1, channelFlow({ active: true }));
  assert(!publishing.hasRoom, "at the end of the turn");
  await endOfTurn();
  assert(publishing.hasRoom);
  await held;
  assertEquals(namesOf(link), [
    "channel.open",
    "channel.flow-ok",
    "channel.flow-ok",
    "basic.publish",
  ]);
});

Deno.test("what the system says of a link that broke is told with what that means", async () => {
  const link = new RecordingLink();
  const core = coreOn(link);
  const cause = new Error("Broken pipe (os error 32)");
  core.closed(cause);
  const reason = await core.whenClosed;
  assertEquals(reason?.message, "Connection was lost: Broken pipe (os error 32)");
  assertEquals(reason?.cause, cause);
});
