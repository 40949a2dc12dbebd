/**
 * What publishers, consumers and RPC do when their connection or channel is lost, beyond what they are
 * for: queues that come back with another name, calls that are made again, what is held meanwhile.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import {
  basicConsumeOk,
  basicDeliver,
  basicQosOk,
  basicReturn,
} from "../../broker/amqp/methods/basic.ts";
import { channelCloseOk } from "../../broker/amqp/methods/channel.ts";
import { connectionCloseOk } from "../../broker/amqp/methods/connection.ts";
import type { Method } from "../../broker/amqp/methods/mod.ts";
import {
  AmqpError,
  Broker,
  BufferFullError,
  ClosedError,
  ConnectionLostError,
  type Delivery,
  EncodeError,
  type FieldTable,
  Message,
  type MessageConsumer,
  UnroutableError,
} from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import type { MethodWithContent, RawPeer } from "../support/raw_peer.ts";
import { turns } from "../support/turns.ts";
import { Scripted } from "./scripted.ts";
import { next, Stage } from "./stage.ts";
import { freshTurn } from "../support/standing_time.ts";

Deno.test("consumers, publishers and calls follow a queue that gets another name", async () => {
  await using stage = await Stage.open();
  const { connection } = stage;
  const channel = await connection.openChannel();
  const { queue } = await channel.queueDeclare("", { exclusive: true });
  const { queue: calls } = await channel.queueDeclare("", { exclusive: true });
  const publisher = await connection.publisher({ routingKey: queue, mandatory: true });
  const consumer = await connection.consumer<string>({ queue });
  const client = await connection.rpc(calls);
  const server = await connection.serve(calls, () => "answered", {
    queueOptions: { passive: true },
  });
  for (const round of ["1", "2"]) {
    const renamed = next(connection, "queue.renamed");
    await stage.cut();
    assertEquals([queue, calls].includes((await renamed).to), false);
    await publisher.publish(`published ${round}`);
    channel.basicPublish({ routingKey: queue, mandatory: true }, `sent ${round}`);
    for (const text of [`published ${round}`, `sent ${round}`]) {
      const { value } = await consumer.next();
      assertEquals(String(value?.delivery.text()), text);
      value?.ack();
    }
    await assertRejects(
      () => publisher.publish("x", { routingKey: "nowhere" }),
      Error,
      'no queue "nowhere"',
    );
    assertEquals(await client.call("x"), "answered");
  }
  await server.close();
});

Deno.test("an auto-delete queue comes back as long as anybody consumes it, and not after that", async () => {
  await using stage = await Stage.open();
  const { connection, broker } = stage;
  const channel = await connection.openChannel();
  await channel.queueDeclare("q", { autoDelete: true });
  const consumer = await connection.consumer({ queue: "q" });
  const other = await channel.basicConsume("q", {}, () => {});
  await other.cancel();
  await stage.cut();
  const publisher = await connection.publisher({ routingKey: "q", mandatory: true });
  const waiting = consumer.next();
  await publisher.publish("x");
  assertEquals((await waiting).value?.body, "x");
  await consumer.close();
  await stage.cut();
  assertEquals([...broker.queues()].map(({ name }) => name), []);
});

Deno.test("what is being opened when the connection is lost once more was refused by nobody", async () => {
  await using stage = await Stage.open();
  const { connection, proxy } = stage;
  await (await connection.openChannel()).queueDeclare("q");
  await using publisher = await connection.publisher({ routingKey: "q" });
  const handled = Promise.withResolvers<unknown>();
  await using _consumer = await connection.consumer({ queue: "q" }, ({ body }) => {
    handled.resolve(body);
  });
  const failed: string[] = [];
  connection.on("topology.failed", ({ what }) => void failed.push(what));
  for (let times = 0; times < 5; times++) {
    const lost = next(connection, "lost");
    proxy.cut();
    await lost;
    await connection.whenConnected(); // and now they ask for channels
  }
  await publisher.publish("x");
  assertEquals(await handled.promise, "x");
  assertEquals(failed, []);
});

Deno.test("a consumer that tries again later ends at once with its connection", async () => {
  const clock = new ManualClock(); // for which no pause ends
  await using stage = await Stage.open({ clock });
  const { connection } = stage;
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const consumer = await connection.consumer({ queue: "q" });
  const waiting = consumer.next();
  await channel.queueDelete("q");
  while (consumer.consumerTag !== undefined) await channel.basicQos({ prefetchCount: 1 });
  await connection.close();
  assertEquals(await consumer.closed, undefined);
  assertEquals(await waiting, { done: true, value: undefined });
});

Deno.test("a signal that aborts just when its consumer is started closes it", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  await (await connection.openChannel()).queueDeclare("q");
  const controller = new AbortController();
  const { signal } = controller;
  const { removeEventListener } = signal;
  signal.removeEventListener = (...listener: Parameters<typeof removeEventListener>) => {
    // nobody listens any more who would give up starting
    removeEventListener.apply(signal, listener);
    queueMicrotask(() => controller.abort());
  };
  const consumer = await connection.consumer({ queue: "q", signal });
  assertEquals(await consumer.closed, undefined);
});

Deno.test("nothing is handed out any more from when the connection is being closed", async () => {
  for (const noAck of [false, true]) {
    await using script = await Scripted.open();
    const { connection, peer } = script;
    const handled: string[] = [];
    const going = Promise.withResolvers<void>();
    const [iterated] = await Promise.all([
      connection.consumer({ queue: "q", noAck }, ({ delivery }) => {
        handled.push(delivery.text());
        return going.promise;
      }).then(() => connection.consumer({ queue: "q", noAck })),
      (async () => {
        for (const channel of [2, 3]) {
          await peer.acceptChannel(channel);
          await peer.expect(channel, "basic.qos");
          await peer.send(channel, basicQosOk());
          await peer.expect(channel, "basic.consume");
          const consumerTag = "t";
          await peer.send(channel, basicConsumeOk({ consumerTag }));
          for (const deliveryTag of [1, 2]) {
            const delivery = basicDeliver({ consumerTag, deliveryTag, routingKey: "q" });
            await peer.send(channel, delivery, { body: `${deliveryTag}` });
          }
        }
      })(),
    ]);
    assertEquals((await iterated.next()).value?.body, new TextEncoder().encode("1"));
    assertEquals(handled, ["1"]);
    const closing = connection.close();
    await peer.expect(0, "connection.close");
    going.resolve();
    const next = iterated.next();
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(handled, ["1"]);
    await peer.send(0, connectionCloseOk());
    await closing;
    assertEquals(await next, { done: true, value: undefined });
  }
});

Deno.test("what a broker that ends in this process was asked for ends with it", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  await (await connection.openChannel()).queueDeclare("q");
  const consumer = await connection.consumer({ queue: "q" });
  const waiting = assertRejects(() => consumer.next(), AmqpError, "CONNECTION_FORCED");
  for (const { name } of broker.connections()) await broker.closeConnection(name, "maintenance");
  let ended: Error | undefined;
  consumer.closed.then((reason) => ended = reason);
  await connection.closed;
  await turns(3);
  assertInstanceOf(ended, AmqpError); // not after a pause
  await waiting;
});

Deno.test("messages that were given up take no place, and are not sent", async () => {
  await using stage = await Stage.open();
  const { connection, proxy, broker } = stage;
  await broker.declareQueue({ queue: "q" });
  const publisher = await connection.publisher({
    routingKey: "q",
    maxBuffered: 4,
    maxBufferedBytes: 100,
  });
  const lost = next(connection, "lost");
  const recovered = next(connection, "recovered");
  proxy.cut();
  await lost;
  const controller = new AbortController();
  const kept = publisher.publish("first");
  const given = Array.from(
    { length: 3 },
    () => publisher.publish("x".repeat(30), { signal: controller.signal }),
  );
  await assertRejects(() => publisher.publish("y"), BufferFullError);
  controller.abort(new Error("never mind"));
  for (const one of given) await assertRejects(() => one, Error, "never mind");
  assertEquals(publisher.buffered, 1);
  const later = ["second", "third", "z".repeat(80)].map((body) => publisher.publish(body));
  assertEquals(publisher.buffered, 4);
  await recovered;
  await Promise.all([kept, ...later]);
  await publisher.flush();
  const channel = await connection.openChannel();
  const texts: (string | undefined)[] = [];
  for (let count = 0; count < 4; count++) {
    texts.push((await channel.basicGet("q", { noAck: true }))?.text().slice(0, 6));
  }
  assertEquals(texts, ["first", "second", "third", "zzzzzz"]);
  assertEquals(await channel.basicGet("q"), undefined);
});

for (const offset of ["first", "next"]) {
  for (const way of ["consumer", "channel"] as const) {
    Deno.test(`a ${way} that reads a stream from ${offset} goes on where it was`, async () => {
      await using stage = await Stage.open();
      const { connection, broker } = stage;
      await using near = await broker.connect();
      const publishing = await near.openChannel();
      await publishing.queueDeclare("s", {
        durable: true,
        arguments: { "x-queue-type": "stream" },
      });
      const publish = (body: string) => void publishing.basicPublish({ routingKey: "s" }, body);
      const channel = await connection.openChannel();
      await channel.basicQos({ prefetchCount: 3 });
      const table = { "x-stream-offset": offset };
      const options = { queue: "s", prefetch: 3, arguments: table };
      const messages = way === "consumer" ? await connection.consumer(options) : undefined;
      const deliveries = await channel.basicConsume("s", { arguments: table });
      const read = async () => {
        const { value } = await (messages ?? deliveries).next();
        return value!;
      };
      for (const body of ["0", "1", "2", "3"]) publish(body);
      const seen: string[] = [];
      const text = (message: Delivery | Message) =>
        message instanceof Message ? message.delivery.text() : message.text();
      for (let count = 0; count < 2; count++) {
        const message = await read();
        seen.push(text(message));
        message.ack();
      }
      const unsettled = await read();
      assertEquals(text(unsettled), "2");
      const lost = next(connection, "lost");
      const recovered = next(connection, "recovered");
      stage.proxy.cut();
      await lost;
      for (const body of ["4", "5"]) publish(body); // while nobody listens
      await recovered;
      while (seen.at(-1) !== "5") {
        const message = await read();
        seen.push(text(message));
        message.ack();
      }
      assertEquals(seen, ["0", "1", "2", "3", "4", "5"]);
      // and once more, with all of it settled
      await stage.cut();
      publish("6");
      assertEquals(text(await read()), "6");
    });
  }
}

for (const why of ["the broker takes no messages", "there is no connection"] as const) {
  Deno.test(`a stream of messages waits while ${why}, however full the publisher is`, async () => {
    await using stage = await Stage.open();
    const { connection, proxy, broker } = stage;
    await broker.declareQueue({ queue: "q" });
    const channel = await connection.openChannel();
    const publisher = await connection.publisher({ routingKey: "q", maxBuffered: 2 });
    const writer = publisher.writable().getWriter();
    await writer.write("first");
    await publisher.flush();
    const gone = next(connection, why === "there is no connection" ? "lost" : "blocked");
    if (why === "there is no connection") proxy.cut();
    else {
      broker.setMemoryHighWatermark(0);
      channel.basicPublish({ routingKey: "nowhere" }, "to be told of the alarm");
    }
    await gone;
    const held = ["second", "third"].map((body) => publisher.publish(body));
    await assertRejects(() => publisher.publish("x"), BufferFullError);
    const state = { written: 0 };
    const writing = (async () => {
      for (const body of ["fourth", "fifth"]) {
        await writer.write(body);
        state.written++;
      }
      await writer.close();
    })();
    writing.catch(() => {}); // awaited later
    assertEquals([state.written, publisher.buffered], [0, 2]);
    broker.setMemoryHighWatermark(Infinity);
    await Promise.all([...held, writing]);
    const { messageCount } = await channel.queueDeclare("q", { passive: true });
    assertEquals(messageCount, 5);
    const doomed = publisher.writable().getWriter();
    await publisher.close();
    await doomed.write("x"); // taken by the stream; what becomes of it is told later
    await assertRejects(() => doomed.closed, ClosedError);
  });
}

Deno.test("calls that were under way are made again when that is chosen, with the id that they had", async () => {
  await using stage = await Stage.open();
  const { connection, broker } = stage;
  // the server is nearer than the client, and does not notice
  await using near = await broker.connect();
  const ids: (string | undefined)[] = [];
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  await using _ = await near.serve("calls", async (request, { properties }) => {
    ids.push(properties.messageId);
    if (ids.length === 1) {
      arrived.resolve();
      await gate.promise;
    }
    return request;
  }, { concurrency: 2 });
  await using again = await connection.rpc("calls", { unanswered: "retry" });
  await using once = await connection.rpc("calls");
  const body = new Uint8Array([1, 2]);
  const retried = again.call(body, { timeout: 60_000 });
  body.fill(9); // it is the caller's again
  const rejected = assertRejects(() => once.call("y"), ConnectionLostError, "Cannot tell whether");
  await arrived.promise;
  await stage.cut();
  await rejected;
  assertEquals(await retried, new Uint8Array([1, 2]));
  gate.resolve();
  assertEquals(ids.filter((id) => id !== undefined && id === ids[0]).length, 2);
  assertEquals(again.calls + once.calls, 0);
  await assertRejects(() => connection.rpc("calls", { unanswered: "maybe" as "retry" }), TypeError);
});

Deno.test("a call that may be made again finds a server that comes later than its client", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const client = await connection.rpc<number, number>("calls", { unanswered: "retry" });
  const calls = [1, 2, 3].map((n) => client.call(n));
  const impatient = await connection.rpc("calls");
  await assertRejects(() => impatient.call(0), UnroutableError, "no server of queue calls");
  const server = await connection.serve<number>("calls", (n) => 2 * n);
  assertEquals(await Promise.all(calls), [2, 4, 6]);
  await Promise.all([client.close(), impatient.close(), server.close()]);
});

const BIG = "x".repeat(100_000);
const NO_ROUTE = basicReturn({
  replyCode: 312,
  replyText: "NO_ROUTE",
  exchange: "",
  routingKey: "calls",
});

/** Lets a client make calls on channel 2. */
async function acceptRpc(peer: RawPeer): Promise<void> {
  await peer.acceptChannel(2);
  await peer.expect(2, "basic.consume");
  await peer.send(2, basicConsumeOk({ consumerTag: "replies" }));
}

Deno.test("a call that finds no server is made again after growing pauses, until its time is over", async () => {
  using _time = await freshTurn(); // in which what came back is told before the next pause
  await using script = await Scripted.open();
  const { connection, peer, clock } = script;
  const [client] = await Promise.all([
    connection.rpc("calls", { unanswered: "retry", timeout: 5000 }),
    acceptRpc(peer),
  ]);
  const timers = clock.timers;
  const outcome = assertRejects(() => client.call("x"), UnroutableError, "there is no such queue");
  const madeAt: number[] = [];
  const ids = new Set<string | undefined>();
  for (let wentOff = true; clock.elapsed() < 5000;) {
    if (wentOff) {
      const { properties, body } = await peer.expectContent(2, "basic.publish");
      madeAt.push(5000 - Number(properties.expiration)); // it still expires with its time-out
      ids.add(properties.messageId);
      // what another channel asked is answered when the client has read all of that
      const asked = script.channel.basicQos({ prefetchCount: 1 });
      await peer.expect(1, "basic.qos");
      await peer.send(2, NO_ROUTE, { properties, body });
      await peer.send(1, basicQosOk());
      await asked;
    }
    const before = clock.timers;
    clock.advance(5);
    wentOff = clock.timers < before;
  }
  await outcome;
  const pauses = madeAt.slice(1).map((at, index) => at - madeAt[index]!);
  assertEquals(ids.size, 1);
  assert(pauses.length >= 10 && pauses.length <= 18, pauses.join());
  assert(pauses.every((ms) => ms <= 1005), pauses.join());
  assert(pauses[0]! <= 15 && pauses.at(-1)! >= 500, pauses.join());
  assertEquals(client.calls, 0);
  await Promise.all([
    client.close(),
    peer.expect(2, "channel.close").then(() => peer.send(2, channelCloseOk())),
  ]);
  assertEquals(clock.timers <= timers, true);
});

Deno.test("once a call was answered, the next one that finds no server is made again soon", async () => {
  await using script = await Scripted.open();
  const { connection, peer, clock } = script;
  const [client] = await Promise.all([
    connection.rpc("calls", { unanswered: "retry", timeout: 60_000 }),
    acceptRpc(peer),
  ]);
  const request = () => peer.expectContent(2, "basic.publish");
  const answer = async (
    method: Method,
    { properties, body }: MethodWithContent<"basic.publish">,
  ) => {
    const asked = script.channel.basicQos({ prefetchCount: 1 });
    await peer.expect(1, "basic.qos");
    await peer.send(2, method, { properties, body });
    await peer.send(1, basicQosOk());
    await asked; // the client has read all of that
  };
  /** Lets the request come back, and waits until it is made again. */
  const comesBack = async (request: MethodWithContent<"basic.publish">) => {
    await answer(NO_ROUTE, request);
    const before = clock.elapsed();
    for (const { timers } = clock; clock.timers === timers;) clock.advance(1);
    return clock.elapsed() - before;
  };
  const first = client.call("first");
  let made = await request();
  for (let time = 0; time < 9; time++) {
    await comesBack(made);
    made = await request();
  }
  assert(await comesBack(made) >= 500);
  const reply = { consumerTag: "replies", deliveryTag: 1, routingKey: "replies" };
  await answer(basicDeliver(reply), await request());
  assertEquals(await first, "first");
  const controller = new AbortController();
  const second = client.call("second", { signal: controller.signal });
  assert(await comesBack(await request()) <= 10);
  // one that is given up is not waited for
  made = await request();
  const { timers } = clock;
  await answer(NO_ROUTE, made);
  assertEquals(clock.timers, timers + 1);
  controller.abort(new Error("never mind"));
  await assertRejects(() => second, Error, "never mind");
  assertEquals(clock.timers, timers);
  await Promise.all([
    client.close(),
    peer.expect(2, "channel.close").then(() => peer.send(2, channelCloseOk())),
  ]);
});

Deno.test("a call that is not made yet waits for the connection, within its time-out", async () => {
  await using stage = await Stage.open();
  const { connection, proxy, broker } = stage;
  await using near = await broker.connect();
  await using _ = await near.serve("calls", (request) => request);
  const client = await connection.rpc("calls");
  const lost = next(connection, "lost");
  proxy.cut();
  await lost;
  const bytes = new Uint8Array([1]);
  const calls = [client.call("x"), client.call(bytes)];
  bytes.fill(2);
  const late = assertRejects(() => client.call("y", { timeout: 0 }), DOMException);
  assertEquals(await Promise.all(calls), ["x", new Uint8Array([1])]);
  assertEquals((await late).name, "TimeoutError");
  await client.close();
  await assertRejects(() => client.call("x"), ClosedError, "connection.rpc()");
});

Deno.test("a call that is given up while its body is compressed is not made, and headers are as they were", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const seen: unknown[] = [];
  await using _ = await connection.serve("calls", (request, { properties: { headers } }) => {
    seen.push([request, headers]);
    return request;
  });
  await using client = await connection.rpc("calls");
  const gzip = { contentEncoding: "gzip" };
  const { signal, abort } = giveUp();
  const given = client.call("given up", { properties: gzip, signal });
  abort();
  await assertRejects(() => given, Error, "never mind");
  const headers: Record<string, unknown> = { n: 1 };
  const properties = { ...gzip, headers: headers as FieldTable };
  const made = client.call("made", { properties });
  headers.n = () => {}; // of which nothing could be made
  assertEquals(await made, "made");
  const refused = client.call("x", { properties });
  await assertRejects(() => refused, EncodeError, '["n"]');
  assertEquals(await client.call("after", { properties: gzip }), "after");
  assertEquals(seen, [["made", { n: 1 }], ["after", undefined]]);
});

/** A signal, and what aborts it. */
function giveUp(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    abort: () => controller.abort(new Error("never mind")),
  };
}

Deno.test("each call ends at its own time-out, and no timer is left when none is under way", async () => {
  const clock = new ManualClock();
  await using stage = await Stage.open({ clock, heartbeatSeconds: 0, recovery: false });
  const { connection } = stage;
  await (await connection.openChannel()).queueDeclare("calls");
  const client = await connection.rpc("calls", { timeout: 2500 });
  const timers = clock.timers;
  const ended: string[] = [];
  const call = (timeout?: number) =>
    client.call("x", timeout === undefined ? {} : { timeout }).catch(({ name, message }) => {
      ended.push(`${clock.now()}: ${name}, ${/[0-9]+ ms$/.exec(message)?.[0]}`);
    });
  const calls = [call(), call(400)]; // the later one is due first
  for (let ms = 0; ms < 3000; ms += 100) {
    clock.advance(100);
    await Promise.resolve().then(() => {}).then(() => {}).then(() => {});
  }
  await Promise.all(calls);
  assertEquals(ended, ["400: TimeoutError, 400 ms", "2500: TimeoutError, 2500 ms"]);
  assertEquals([client.calls, clock.timers], [0, timers]);

  const closed = call();
  assertEquals(clock.timers, timers + 1);
  await client.close().catch(() => {});
  await closed.catch(() => {});
  assertEquals(clock.timers, timers);
});

Deno.test("somebody who sets the machine's clock neither ends calls nor holds them up", async () => {
  const clock = new ManualClock();
  await using stage = await Stage.open({ clock, heartbeatSeconds: 0, recovery: false });
  const { connection } = stage;
  await (await connection.openChannel()).queueDeclare("calls");
  const client = await connection.rpc("calls", { timeout: 2500 });
  const ended: number[] = [];
  const call = () => client.call("x").catch(() => ended.push(clock.elapsed()));
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 100) {
      clock.advance(100);
      await Promise.resolve().then(() => {}).then(() => {}).then(() => {});
    }
  };
  const calls = [call()];
  await pass(1000);
  clock.setWallClock(3_600_000);
  await pass(1000);
  assertEquals([client.calls, ended], [1, []]);
  clock.setWallClock(-7_200_000);
  calls.push(call());
  await pass(500);
  assertEquals([client.calls, ended], [1, [2500]]);
  await pass(2000);
  await Promise.all(calls);
  assertEquals(ended, [2500, 4500]);
  await client.close();
});

Deno.test("a call that the broker refuses rejects with its reason, and later ones are made", async () => {
  await using stage = await Stage.open();
  const { connection, broker } = stage;
  await using near = await broker.connect();
  await using _ = await near.serve("calls", (request) => request);
  const client = await connection.rpc("calls", { unanswered: "retry" });
  const recovered = next(connection, "channel.recovered");
  const refused = client.call("x", { properties: { userId: "somebody else" } });
  const error = await assertRejects(() => refused, AmqpError, "user_id property");
  assertEquals(error.replyCode, 406);
  assertInstanceOf((await recovered).reason, AmqpError);
  assertEquals(await client.call("y"), "y");
  await client.close();
});

for (const unanswered of ["retry", "reject"] as const) {
  Deno.test(`calls beside one that the broker refuses: ${unanswered}`, async () => {
    await using stage = await Stage.open();
    const { connection, broker } = stage;
    await using near = await broker.connect();
    await using _ = await near.serve("calls", (request) => request, { concurrency: 100 });
    const client = await connection.rpc("calls", { unanswered });
    const somebodyElse = { properties: { userId: "somebody else" } };
    const calls = Array.from(
      { length: 40 },
      (_, n) => client.call(n, n % 8 === 7 ? somebodyElse : {}),
    );
    const held = unanswered === "retry"
      ? calls[7]!.catch(() => client.call("held back"))
      : Promise.resolve("held back");
    const outcomes = await Promise.allSettled(calls);
    const bad = outcomes.filter((_, n) => n % 8 === 7);
    const good = outcomes.filter((_, n) => n % 8 !== 7);
    if (unanswered === "retry") {
      assertEquals(
        good.map((outcome) => outcome.status === "fulfilled" ? outcome.value : outcome.reason),
        calls.map((_, n) => n).filter((n) => n % 8 !== 7),
      );
      for (const outcome of bad) {
        assertInstanceOf(outcome.status === "rejected" && outcome.reason, AmqpError);
      }
    } else {
      for (const outcome of outcomes) {
        if (outcome.status === "fulfilled") continue;
        assert(outcome.reason.message.startsWith("Cannot tell whether"), outcome.reason.message);
        assertInstanceOf(outcome.reason.cause, AmqpError);
      }
      assert(bad.every(({ status }) => status === "rejected"));
    }
    assertEquals([await held, await client.call("later")], ["held back", "later"]);
    const refused = await assertRejects(() => client.call("x", somebodyElse), AmqpError);
    assertEquals([refused.replyCode, client.calls], [406, 0]);
    await client.close();
  });
}

for (const unanswered of ["retry", "reject"] as const) {
  Deno.test(`a call is not blamed for one that was given up before: ${unanswered}`, async () => {
    await using stage = await Stage.open();
    const { connection, broker } = stage;
    await using near = await broker.connect();
    await using _ = await near.serve("calls", (request) => request);
    await using client = await connection.rpc("calls", { unanswered });
    const { signal, abort } = giveUp();
    const properties = { userId: "somebody else" };
    const given = client.call("bad", { properties, signal });
    abort();
    await assertRejects(() => given, Error, "never mind");
    const innocent = client.call("innocent");
    if (unanswered === "retry") assertEquals(await innocent, "innocent");
    else await assertRejects(() => innocent, Error, "Cannot tell whether the call was made");
    // one that was given up and answered for hides nobody
    const quiet = giveUp();
    const asked = client.call("quiet", { signal: quiet.signal });
    quiet.abort();
    await assertRejects(() => asked, Error, "never mind");
    assertEquals(await client.call("loud"), "loud");
    await assertRejects(() => client.call("bad", { properties }), AmqpError, "user_id property");
  });
}

for (const way of ["cancels its consumer", "closes its channel"] as const) {
  Deno.test(`a loop goes on when the broker ${way}, and what it acks too late is forgotten`, async () => {
    await using broker = new Broker();
    await using connection = await broker.connect();
    await broker.declareQueue({ queue: "q" });
    const publisher = await connection.publisher({ routingKey: "q" });
    const consumer = await connection.consumer<string>({ queue: "q", prefetch: 2 });
    for (const body of ["1", "2"]) await publisher.publish(body);
    const bodies: string[] = [];
    for await (const message of consumer) {
      bodies.push(message.body);
      if (message.body === "1" && bodies.length === 1) {
        const second = (await consumer.next()).value!;
        const recovered = next(connection, "channel.recovered");
        if (way === "cancels its consumer") {
          await broker.deleteQueue({ queue: "q" });
          second.ack(); // while the former channel ends
          await broker.declareQueue({ queue: "q" });
        } else {
          // a tag that there is not
          Object.defineProperty(second.delivery, "deliveryTag", { value: 99 });
          second.ack();
        }
        await recovered;
        await publisher.publish("3");
        message.ack();
        assertEquals([message.settled, second.settled], [true, true]);
      } else {
        message.ack();
      }
      if (message.body === "3") break;
    }
    assertEquals(bodies, way === "cancels its consumer" ? ["1", "3"] : ["1", "1", "2", "3"]);
    assertEquals(await consumer.closed, undefined);
  });
}

Deno.test("calls wait while the broker takes no messages", async () => {
  await using stage = await Stage.open();
  const { connection, broker } = stage;
  await using near = await broker.connect();
  let handled = 0;
  await using _ = await near.serve("calls", () => ++handled);
  const client = await connection.rpc<string, number>("calls");
  const publisher = await connection.publisher({ routingKey: "calls" });
  const channel = await connection.openChannel();
  const blocked = next(connection, "blocked");
  broker.setMemoryHighWatermark(0);
  channel.basicPublish({ routingKey: "nowhere" }, "to be told of the alarm");
  assertEquals((await blocked).reason, "low on memory");
  const call = client.call("x");
  const published = publisher.publish("y");
  const waiting = channel.basicPublish({ routingKey: "nowhere" }, "z");
  assertInstanceOf(waiting, Promise);
  assertEquals([handled, client.calls, publisher.buffered], [0, 1, 1]);
  broker.setMemoryHighWatermark(Infinity);
  assert(await call > 0);
  await Promise.all([published, waiting]);
  await client.close();
});

/** A consumer over a broker that a test plays, on channel 2 with the tag "t". */
async function consume(
  { connection, peer }: Scripted,
  start: () => Promise<MessageConsumer>,
): Promise<MessageConsumer> {
  assertEquals(connection.state, "open");
  const starting = start();
  await peer.acceptChannel(2);
  await peer.expect(2, "basic.qos");
  await peer.send(2, basicQosOk());
  await peer.expect(2, "basic.consume");
  await peer.send(2, basicConsumeOk({ consumerTag: "t" }));
  return await starting;
}

Deno.test("a call whose signal aborts while its request is being encoded is given up", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  await broker.declareQueue({ queue: "calls" }); // nobody answers
  const controller = new AbortController();
  const aborting = {
    contentType: "application/json",
    encode() {
      controller.abort(new Error("never mind"));
      return "{}";
    },
    decode: () => undefined,
  };
  await using client = await connection.rpc("calls", { codecs: [aborting] });
  const call = client.call({}, { signal: controller.signal });
  await assertRejects(() => call, Error, "never mind");
  assertEquals(client.calls, 0);
});

Deno.test("a consumer that the broker refused waits for no deliveries any more", async () => {
  await using stage = await Stage.open();
  const { connection, broker } = stage;
  await assertRejects(() => connection.consumer({ queue: "nowhere" }, () => {}), AmqpError);
  await broker.declareQueue({ queue: "q" });
  await using near = await broker.connect();
  const channel = await near.openChannel();
  const consumer = await connection.consumer({ queue: "q", noAck: true, prefetch: 0 });
  for (let count = 0; count < 400; count++) channel.basicPublish({ routingKey: "q" }, BIG);
  const messages = async () => (await channel.queueDeclare("q", { passive: true })).messageCount;
  // nobody takes them, so most of them stay where they are
  let before = await messages();
  for (let now = -1; now !== before;) {
    for (let round = 0; round < 50; round++) await new Promise((done) => setTimeout(done, 0));
    before = now;
    now = await messages();
  }
  assert(before > 0, "all of them were delivered");
  for (let count = 0; count < 400; count++) assertEquals((await consumer.next()).done, false);
});

for (const way of ["handler", "loop"] as const) {
  Deno.test(`a consumer by ${way} stops the broker when it holds enough, and lets it go on`, async () => {
    await using script = await Scripted.open();
    const { connection, peer } = script;
    const options = { queue: "q", noAck: true };
    const gate = Promise.withResolvers<void>();
    const all = Promise.withResolvers<void>();
    let handled = 0;
    const consumer = await consume(
      script,
      () =>
        way === "loop" ? connection.consumer(options) : connection.consumer(options, () => {
          if (++handled === 400) all.resolve();
          return gate.promise;
        }),
    );
    const body = "x".repeat(50_000);
    let sent = 0;
    const sending = (async () => {
      for (let deliveryTag = 1; deliveryTag <= 400; deliveryTag++) {
        await peer.send(2, basicDeliver({ consumerTag: "t", deliveryTag }), { body });
        sent = deliveryTag;
      }
    })();
    for (let round = 0; round < 50; round++) await new Promise((resolve) => setTimeout(resolve, 0));
    assert(sent < 200, `${sent} deliveries went out`);
    gate.resolve();
    if (way === "loop") {
      for (let count = 0; count < 400; count++) assertEquals((await consumer.next()).done, false);
    } else await all.promise;
    await sending;
  });
}

Deno.test("a call that is made while its connection closes ends", async () => {
  await using stage = await Stage.open();
  const client = await stage.connection.rpc("calls");
  const closing = stage.connection.close();
  await assertRejects(() => client.call("late"));
  await closing;
});
