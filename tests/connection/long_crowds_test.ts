import { assertEquals, assertGreater } from "@std/assert";
import { concat } from "@std/bytes";
import {
  basicConsume,
  basicGet,
  basicPublish,
  connectionClose,
  queueDeclare,
} from "../../broker/amqp/methods/mod.ts";
import type { Broker } from "../../mod.ts";
import { methodFrame } from "../amqp/frames.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import { standingTime } from "../support/standing_time.ts";
import { assertSliced, declare, loopRound, watch } from "./long_work.ts";
import { ServedBroker, settle } from "./support.ts";

/** More clients than are served in one turn. */
const MANY = 600;
/** No turn serves so many. */
const A_TURN = 200;
/** So much passes each time that somebody looks at the clock, in milliseconds: at least once for each client
 * that wants something. */
const LOOK_MS = 0.05;

/** A broker that a great many clients have come to, and one that has a queue `q`. */
async function start() {
  const served = await ServedBroker.startTimed();
  const clients: RawPeer[] = [];
  for (let count = 0; count < MANY; count++) clients.push(await served.login());
  const other = await served.login();
  await declare(other, { queue: "q" });
  await settle();
  const time = standingTime(LOOK_MS);
  return {
    broker: served.broker,
    clients,
    other,
    async [Symbol.asyncDispose]() {
      time[Symbol.dispose]();
      await served[Symbol.asyncDispose]();
    },
  };
}

/** Counts how many of them have still to cause an event. */
function countdown(broker: Broker, event: "queue.created" | "connection.closed"): () => number {
  let left = MANY;
  broker.on(event, () => void left--);
  return () => left;
}

/** Has one who comes after them, in another turn, and asks for little be answered while the others wait. */
async function askBetween(other: RawPeer, left: () => number): Promise<number> {
  let between = 0;
  do await loopRound(); while (left() === MANY);
  await loopRound();
  do {
    await other.send(1, basicPublish({ routingKey: "q" }), { body: "x" });
    await other.send(1, basicGet({ queue: "q", noAck: true }));
    await other.expectContent(1, "basic.get-ok");
    if (left() > 0) between++;
  } while (left() > 0);
  return between;
}

Deno.test("Of a great many clients that ask for something in the same moment some have their turn after others", async () => {
  await using stage = await start();
  const { broker, clients, other } = stage;
  const left = countdown(broker, "queue.created");
  for (const [at, client] of clients.entries()) {
    void client.sendBytes(concat([
      methodFrame(1, queueDeclare({ queue: `${at}`, exclusive: true })),
      methodFrame(1, basicConsume({ queue: `${at}`, consumerTag: "c" })),
    ]));
  }
  const [seen, between] = await Promise.all([watch(left), askBetween(other, left)]);
  assertSliced(seen, A_TURN);
  assertGreater(between, 0);
  for (const [at, client] of clients.entries()) {
    assertEquals((await client.expect(1, "queue.declare-ok")).queue, `${at}`);
    await client.expect(1, "basic.consume-ok");
  }
});

for (const way of ["the socket", "connection.close"] as const) {
  Deno.test(`A great many clients that go in the same moment by ${way} are given up in turns`, async () => {
    await using stage = await start();
    const { broker, clients, other } = stage;
    const left = countdown(broker, "connection.closed");
    for (const client of clients) {
      if (way === "the socket") client.close();
      else void client.send(0, connectionClose());
    }
    const [seen, between] = await Promise.all([watch(left), askBetween(other, left)]);
    assertSliced(seen, A_TURN);
    assertGreater(between, 0);
  });
}
