/**
 * What a program may do, and what it sees, while its connection is on the way back.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import {
  AmqpError,
  type ClientEventMap,
  type Connection,
  ConnectionLostError,
  type Consumer,
  type Delivery,
} from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import type { Mischief } from "../support/tcp_proxy.ts";
import { next, Stage } from "./stage.ts";

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** So many pieces come before anything is asked for: start, tune and open-ok. */
const HANDSHAKE = 3;

/** A link on which each piece takes its time. */
const SLOW: Mischief = {
  async mangle(piece) {
    await new Promise((resolve) => setTimeout(resolve, 15));
    return [piece];
  },
};

/** Calls until there is a channel to call on. */
async function untilTaken<Result>(call: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ConnectionLostError)) throw error;
      await turn();
    }
  }
}

Deno.test("a consumer that is started on a channel as soon as it is back is started once", async () => {
  await using stage = await Stage.open();
  const { connection, proxy, broker } = stage;
  const [first, second] = [await connection.openChannel(), await connection.openChannel()];
  await first.queueDeclare("q");
  await first.basicConsume("q", { consumerTag: "old" }, () => {});
  await second.basicConsume("q", { consumerTag: "other" }, () => {});
  for (let count = 0; count < 3; count++) await connection.openChannel();
  proxy.choose = () => ({ down: SLOW });
  const lost = next(connection, "lost");
  const recovered = next(connection, "recovered");
  proxy.cut();
  await lost;
  await untilTaken(() => first.basicConsume("q", { consumerTag: "new" }, () => {}));
  await Promise.race([recovered, connection.closed]);
  assertEquals([connection.state, await connection.whenConnected()], ["open", undefined]);
  await first.queueDeclare("q", { passive: true });
  const tags = () => [...broker.consumers()].map(({ consumerTag }) => consumerTag).sort();
  assertEquals(tags(), ["new", "old", "other"]);
});

Deno.test("a consumer that is cancelled as soon as its channel is back stays away, and its tag is free", async () => {
  await using stage = await Stage.open();
  const { connection, proxy, broker } = stage;
  const [first, second] = [await connection.openChannel(), await connection.openChannel()];
  await first.queueDeclare("q");
  const old = await first.basicConsume("q", { consumerTag: "same" }, () => {});
  await second.basicConsume("q", { consumerTag: "other" }, () => {});
  proxy.choose = () => ({ down: SLOW });
  const lost = next(connection, "lost");
  const recovered = next(connection, "recovered");
  proxy.cut();
  await lost;
  await untilTaken(() => first.basicCancel("same"));
  const again = await first.basicConsume("q", { consumerTag: "same", noAck: true }, () => {});
  await Promise.race([recovered, connection.closed]);
  await first.queueDeclare("q", { passive: true });
  assertEquals([connection.state, old.state, again.state], ["open", "cancelled", "active"]);
  assertEquals([...broker.consumers()].map(({ ackRequired }) => ackRequired).sort(), [false, true]);
});

Deno.test("a consumer that is started on its way back has the prefetch of its channel", async () => {
  await using stage = await Stage.open();
  const { connection, proxy, broker } = stage;
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  for (const prefetchCount of [1, 2, 3]) {
    await channel.basicQos({ prefetchCount });
    await channel.basicConsume("q", { consumerTag: `of ${prefetchCount}` }, () => {});
  }
  await channel.basicQos({ prefetchCount: 9 });
  proxy.choose = () => ({ down: SLOW });
  const lost = next(connection, "lost");
  const recovered = next(connection, "recovered");
  proxy.cut();
  await lost;
  await untilTaken(() => channel.basicConsume("q", { consumerTag: "of 9" }, () => {}));
  await recovered;
  const seen = [...broker.consumers()].map((one) => `${one.consumerTag}: ${one.prefetchCount}`);
  assertEquals(seen.sort(), ["of 1: 1", "of 2: 2", "of 3: 3", "of 9: 9"]);
});

Deno.test("the state is reconnecting until the connection is open", async () => {
  await using stage = await Stage.open();
  const { connection, proxy } = stage;
  for (let count = 0; count < 3; count++) await connection.openChannel();
  const publisher = await connection.publisher({ routingKey: "q", whileAway: "reject" });
  proxy.choose = () => ({ down: SLOW });
  const lost = next(connection, "lost");
  let recovered = false;
  connection.on("recovered", () => recovered = true);
  proxy.cut();
  await lost;
  const states = [connection.state];
  while (!recovered) {
    if (connection.state !== states.at(-1)) states.push(connection.state);
    if (connection.state !== "open") {
      await assertRejects(() => publisher.publish("x"), ConnectionLostError);
    }
    await turn();
  }
  if (connection.state !== states.at(-1)) states.push(connection.state);
  assertEquals(states, ["reconnecting", "open"]);
});

Deno.test("a publisher that has no channel when the connection is lost does not wait for another to close", async () => {
  let delay = 0;
  await using stage = await Stage.open({ recovery: { delay: () => delay } });
  const { connection, proxy } = stage;
  const publisher = await connection.publisher({ routingKey: "q" });
  let silent = false;
  proxy.choose = () => ({
    down: {
      // deno-lint-ignore require-await -- as the others
      mangle: async (piece) => silent ? [] : [piece],
    },
  });
  const lost = next(connection, "lost");
  proxy.cut();
  await lost;
  await connection.whenConnected();
  silent = true;
  delay = 60_000;
  const refused = assertRejects(() => publisher.publish("x"), TypeError, "publisher is closed");
  const closing = publisher.close();
  const lostAgain = next(connection, "lost");
  proxy.cut();
  await lostAgain;
  await closing;
  await refused;
});

Deno.test("a consumer whose cancel was under way when the connection was lost does not come back", async () => {
  await using stage = await Stage.open();
  const { connection, broker } = stage;
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const consumer = await channel.basicConsume("q");
  const other = await channel.basicConsume("q", { noAck: true, consumerTag: "other" }, () => {});
  const cancelled = consumer.cancel().catch(() => {});
  await stage.cut();
  await cancelled;
  assertEquals([...broker.consumers()].map(({ consumerTag }) => consumerTag), ["other"]);
  assertEquals((await consumer.next()).done, true);
  await other.cancel();
});

Deno.test("recovered comes when publishers, consumers, clients and servers are back", async () => {
  await using stage = await Stage.open();
  const { connection, proxy, broker } = stage;
  await broker.declareQueue({ queue: "q" });
  const consumer = await connection.consumer({ queue: "q" }, () => {});
  const publisher = await connection.publisher({ routingKey: "q" });
  const server = await connection.serve("calls", () => "answer");
  const client = await connection.rpc("calls");
  proxy.choose = () => ({ down: SLOW });
  await stage.cut();
  assert(consumer.consumerTag !== undefined);
  // replies come without one that the broker lists
  assertEquals([...broker.consumers()].length, 2);
  // a server has one for its replies too
  assertEquals([...broker.channels()].length, 5);
  await Promise.all([publisher.close(), client.close(), server.close()]);
});

Deno.test("recovered does not wait for a consumer that cannot come back", async () => {
  await using stage = await Stage.open();
  const { connection, broker } = stage;
  await broker.declareQueue({ queue: "q" });
  await using consumer = await connection.consumer({ queue: "q" }, () => {});
  stage.proxy.choose = () => ({ down: SLOW });
  const failed = next(connection, "topology.failed");
  const lost = next(connection, "lost");
  const recovered = next(connection, "recovered");
  stage.proxy.cut();
  await lost;
  await broker.deleteQueue({ queue: "q" });
  await recovered;
  assertEquals((await failed).what, "consumer of queue q");
  assertEquals(consumer.consumerTag, undefined);
});

Deno.test("recovered does not wait for ever for a channel that is not answered", async () => {
  const clock = new ManualClock();
  await using stage = await Stage.open({ clock, heartbeatSeconds: 0, closeTimeoutMs: 1000 });
  const { connection, proxy } = stage;
  await connection.publisher({ routingKey: "q" });
  let silent = false;
  proxy.choose = () => ({
    down: {
      // deno-lint-ignore require-await -- as the others
      mangle: async (piece) => silent ? [] : [piece],
    },
  });
  const lost = next(connection, "lost");
  const recovered = next(connection, "recovered");
  proxy.cut();
  await lost;
  clock.advance(0);
  await connection.whenConnected();
  silent = true;
  clock.advance(30_000);
  await recovered;
  proxy.cut();
});

Deno.test("closing does not wait for what a connection is brought back to", async () => {
  await using stage = await Stage.open({ closeTimeoutMs: 50 });
  const { connection, proxy } = stage;
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const reached = Promise.withResolvers<void>();
  let pieces = 0;
  proxy.choose = () => ({
    down: {
      // deno-lint-ignore require-await -- as the others
      async mangle(piece) {
        if (++pieces <= HANDSHAKE) return [piece];
        reached.resolve();
        return [];
      },
    },
  });
  proxy.cut();
  await reached.promise;
  await connection.close();
  assertEquals(connection.state, "closed");
});

Deno.test("a channel that is closed while it is being opened again leaves nothing behind", async () => {
  await using stage = await Stage.open();
  const { connection, proxy, broker } = stage;
  const [first, second] = [await connection.openChannel(), await connection.openChannel()];
  await first.queueDeclare("q");
  await first.basicQos({ prefetchCount: 1 });
  await second.basicQos({ prefetchCount: 1 });
  const consumer = await first.basicConsume("q", {}, () => {});
  const reached = Promise.withResolvers<void>();
  const opened = () => [...broker.channels()].length;
  let pieces = 0;
  proxy.choose = () => ({
    down: {
      async mangle(piece) {
        if (++pieces > HANDSHAKE && opened() >= 2) {
          reached.resolve();
          await turn();
        }
        return [piece];
      },
    },
  });
  const recovered = next(connection, "recovered");
  proxy.cut();
  await reached.promise;
  assertEquals(connection.state, "reconnecting");
  await first.close();
  assertEquals(await first.closed, undefined);
  await recovered;
  await second.queueDeclare("q", { passive: true });
  assertEquals([opened(), [...broker.consumers()].length, consumer.state], [1, 0, "closed"]);
});

Deno.test("a connection that is lost before all is back tells recovered once", async () => {
  await using stage = await Stage.open();
  const { connection, proxy } = stage;
  const publisher = await connection.publisher({ routingKey: "q" });
  const told: string[] = [];
  for (const name of ["lost", "recovered"] as const) {
    connection.on(name, () => void told.push(name));
  }
  proxy.choose = () => ({ down: SLOW });
  const lost = next(connection, "lost");
  proxy.cut();
  await lost;
  await connection.whenConnected();
  await stage.cut();
  assertEquals(told, ["lost", "lost", "recovered"]);
  await publisher.publish("x");
});

Deno.test("hooks that are set while the connection is on its way back are kept", async () => {
  await using stage = await Stage.open();
  const { connection, proxy } = stage;
  await (await connection.openChannel()).queueDeclare("q");
  const onError = () => {};
  let pieces = 0;
  proxy.choose = () => ({
    down: {
      // deno-lint-ignore require-await -- as the others
      async mangle(piece) {
        if (++pieces > HANDSHAKE) connection.onError = onError;
        return [piece];
      },
    },
  });
  const recovered = next(connection, "recovered");
  proxy.cut();
  await recovered;
  assertEquals(connection.onError, onError);
});

Deno.test("a callback that throws as soon as its consumer is back ends its channel, and nothing else", async () => {
  await using stage = await Stage.open();
  const { connection, broker } = stage;
  const [channel, other] = [await connection.openChannel(), await connection.openChannel()];
  await channel.queueDeclare("q", { durable: true });
  let fails = false;
  for (const consumerTag of ["one", "two", "three"]) {
    await channel.basicConsume("q", { consumerTag }, () => {
      if (fails) throw new Error("a bug");
    });
  }
  await other.basicPublish({ routingKey: "q" }, "x");
  while ([...broker.queues()][0]?.messagesUnacknowledged !== 1) await turn();
  fails = true;
  stage.proxy.choose = () => ({ down: SLOW });
  const recovered = next(connection, "recovered");
  stage.proxy.cut();
  assertEquals((await recovered).attempts, 1);
  assertEquals((await channel.closed)?.message, "a bug");
  await other.queueDeclare("q", { passive: true, durable: true });
});

// ---- a broker that has not noticed yet that the former connection is gone

/** Takes deliveries one after the other. */
function deliveries() {
  const seen: Delivery[] = [];
  let wake = () => {};
  return {
    take(delivery: Delivery) {
      seen.push(delivery);
      wake();
    },
    async next(): Promise<string> {
      while (seen.length === 0) await new Promise<void>((resolve) => wake = resolve);
      return seen.shift()!.text();
    },
  };
}

function nextOf<Name extends "topology.delayed" | "topology.recovered" | "topology.failed">(
  connection: Connection,
  name: Name,
  what: string,
): Promise<ClientEventMap[Name]> {
  return new Promise((resolve) => {
    const end = connection.on(name, (fields) => {
      if (fields.what !== what) return;
      end();
      resolve(fields);
    });
  });
}

Deno.test("an exclusive queue that the former connection still has comes back when it is gone, and others do not wait", async () => {
  await using stage = await Stage.open();
  const { connection, proxy, broker } = stage;
  await broker.declareQueue({ queue: "other" });
  const channel = await connection.openChannel();
  await channel.queueDeclare("mine", { exclusive: true });
  await channel.queueBind({ queue: "mine", exchange: "amq.fanout" });
  const seen = deliveries();
  const consumer = await channel.basicConsume("mine", { noAck: true }, seen.take);
  const lasting = deliveries();
  const messages = await connection.consumer(
    { queue: "mine" },
    ({ delivery }) => lasting.take(delivery),
  );
  const publisher = await connection.publisher({ mandatory: true });
  const failed: string[] = [];
  connection.on("topology.failed", ({ what }) => void failed.push(what));
  const recovered = next(connection, "recovered");
  const delayed = nextOf(connection, "topology.delayed", "queue mine");
  const back = nextOf(connection, "topology.recovered", "queue mine");
  const notice = proxy.leave();
  await recovered;
  const { error } = await delayed;
  assertInstanceOf(error, AmqpError);
  assertEquals([error.replyCode, consumer.state], [405, "active"]);
  await publisher.publish("others go on", { routingKey: "other" });
  assertEquals((await channel.basicGet("other", { noAck: true }))?.text(), "others go on");
  notice();
  await back;
  while (messages.consumerTag === undefined) await turn();
  for (const body of ["1", "2"]) await publisher.publish(body, { exchange: "amq.fanout" });
  assertEquals([await seen.next(), await lasting.next()].sort(), ["1", "2"]);
  assertEquals([failed, connection.state], [[], "open"]);
});

Deno.test("an exclusive consumer that the former connection still keeps out comes back when that is gone", async () => {
  await using stage = await Stage.open();
  const { connection, proxy, broker } = stage;
  await broker.declareQueue({ queue: "q" });
  const channel = await connection.openChannel();
  const seen = deliveries();
  const consumer: Consumer = await channel.basicConsume(
    "q",
    { exclusive: true, noAck: true },
    seen.take,
  );
  const recovered = next(connection, "recovered");
  const back = nextOf(connection, "topology.recovered", "consumer of queue q");
  const notice = proxy.leave();
  await recovered;
  assertEquals((await channel.queueDeclare("q", { passive: true })).consumerCount, 1);
  notice();
  await back;
  await channel.basicPublish({ routingKey: "q" }, "hello");
  assertEquals([await seen.next(), consumer.state], ["hello", "active"]);
});

Deno.test("what another has taken for good is given up after a while", async () => {
  const clock = new ManualClock();
  await using stage = await Stage.open({ clock, heartbeatSeconds: 0 });
  const { connection, proxy, broker } = stage;
  const [channel, other] = [await connection.openChannel(), await connection.openChannel()];
  await channel.queueDeclare("mine", { exclusive: true });
  await channel.queueBind({ queue: "mine", exchange: "amq.fanout" });
  const consumer = await channel.basicConsume("mine", {}, () => {});
  const failed: string[] = [];
  connection.on("topology.failed", ({ what }) => void failed.push(what));
  await using thief = await broker.connect();
  const lost = next(connection, "lost");
  const recovered = next(connection, "recovered");
  proxy.cut();
  await lost;
  while ([...broker.queues()].length > 0) await turn();
  await (await thief.openChannel()).queueDeclare("mine", { exclusive: true });
  clock.advance(0);
  await recovered;
  assertEquals([failed, consumer.state], [[], "active"]);
  let ended: Error | undefined;
  channel.closed.then((reason) => ended = reason);
  while (ended === undefined) {
    clock.advance(100);
    await turn();
  }
  assertInstanceOf(ended, AmqpError);
  assertEquals([ended.replyCode, consumer.state], [405, "closed"]);
  assertEquals(failed, ["queue mine", "binding of mine to amq.fanout"]);
  assert(clock.elapsed() >= 10_000, `${clock.elapsed()}`);
  await other.queueDeclare("");
});

Deno.test("an exclusive consumer that another keeps out for good ends its channel after a while", async () => {
  const clock = new ManualClock();
  await using stage = await Stage.open({ clock, heartbeatSeconds: 0 });
  const { connection, proxy, broker } = stage;
  await broker.declareQueue({ queue: "q" });
  const channel = await connection.openChannel();
  const consumer = await channel.basicConsume("q", { exclusive: true }, () => {});
  await using thief = await broker.connect();
  const lost = next(connection, "lost");
  const recovered = next(connection, "recovered");
  const failed = next(connection, "topology.failed");
  proxy.cut();
  await lost;
  while ([...broker.consumers()].length > 0) await turn();
  await (await thief.openChannel()).basicConsume("q", {}, () => {});
  clock.advance(0);
  await recovered;
  let ended: Error | undefined;
  channel.closed.then((reason) => ended = reason);
  while (ended === undefined) {
    assertEquals(consumer.state, "active");
    clock.advance(100);
    await turn();
  }
  assert(clock.elapsed() >= 10_000, `${clock.elapsed()}`);
  assertEquals(await failed, { what: "consumer of queue q", error: ended });
  assertInstanceOf(ended, AmqpError);
  assertEquals([ended.replyCode, connection.state], [403, "open"]);
});

Deno.test("what a program asks about a delayed queue waits for it, and its channel lives on", async () => {
  await using stage = await Stage.open();
  const { connection, proxy, broker } = stage;
  const channel = await connection.openChannel();
  await channel.queueDeclare("mine", { exclusive: true });
  await channel.queueDeclare("deleted", { exclusive: true });
  const recovered = next(connection, "recovered");
  const notice = proxy.leave();
  await recovered;
  const queue = "mine";
  const enough = channel.queuePurge(queue, { signal: AbortSignal.abort(new Error("enough")) });
  await assertRejects(() => enough, Error, "enough");
  const asked = [
    channel.queueDeclare(queue, { exclusive: true }),
    channel.queueBind({ queue, exchange: "amq.fanout" }),
    channel.queueUnbind({ queue, exchange: "amq.direct", routingKey: "k" }),
    channel.queuePurge(queue),
    channel.basicGet(queue),
    channel.basicConsume(queue, { consumerTag: "c" }, () => {}),
    channel.queueDelete("deleted"),
  ];
  await channel.queueDeclare("another", { exclusive: true });
  notice();
  await Promise.all(asked);
  assertEquals([...broker.queues()].map(({ name }) => name).sort(), ["another", "mine"]);
  assertEquals([...broker.consumers()].map(({ consumerTag }) => consumerTag), ["c"]);
  await stage.cut();
  assertEquals([...broker.queues()].map(({ name }) => name).sort(), ["another", "mine"]);
});

for (const way of ["is lost", "is closed"]) {
  Deno.test(`nothing waits for a delayed queue of a connection that ${way}`, async () => {
    await using stage = await Stage.open({ heartbeatSeconds: 0 });
    const { connection, proxy } = stage;
    const channel = await connection.openChannel();
    await channel.queueDeclare("mine", { exclusive: true });
    const messages = await connection.consumer({ queue: "mine" });
    const recovered = next(connection, "recovered");
    const notice = proxy.leave();
    await recovered;
    const declared = channel.queueDeclare("mine", { exclusive: true });
    const consumer = connection.consumer({ queue: "mine" });
    if (way === "is lost") {
      const again = next(connection, "recovered");
      proxy.cut(); // and so the broker notices the first end
      await assertRejects(() => declared, ConnectionLostError);
      await again;
      await (await consumer).close();
      while (messages.consumerTag === undefined) await turn();
    } else {
      const refused = assertRejects(() => consumer, TypeError, "connection is closed");
      const closing = connection.close();
      await assertRejects(() => declared, TypeError, "channel is closed");
      await refused;
      await closing;
      assertEquals(await messages.closed, undefined);
      notice();
    }
  });
}
