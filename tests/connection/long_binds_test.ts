import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { concat } from "@std/bytes";
import {
  basicConsume,
  basicPublish,
  channelOpen,
  exchangeDeclare,
  exchangeDelete,
  queueBind,
  queueDeclare,
  queueDelete,
} from "../../broker/amqp/methods/mod.ts";
import { contentFrames, methodFrame } from "../amqp/frames.ts";
import { AmqpError } from "../../broker/amqp/error.ts";
import { DefinitionError } from "../../broker/policy/error.ts";
import type { ExchangeType } from "../../broker/routing/exchange_type.ts";
import type { InternalOptions } from "../../broker/options.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import {
  A_TURN_OF_MESSAGES,
  assertSliced,
  countOf,
  declare,
  loopRound,
  take,
  upTo,
  watch,
} from "./long_work.ts";
import { standingTime } from "../support/standing_time.ts";
import { ServedBroker, settle } from "./support.ts";

/** More messages than are brought to a new binding in two turns. */
const MANY = 20_000;

const binding = queueBind({ queue: "q", exchange: "e" });
const published = (number: number) =>
  concat(contentFrames(1, basicPublish({ exchange: "e" }), { body: `${number}` }));

/** Publishes numbers to the exchange, and waits until they are there. */
async function publish(peer: RawPeer, numbers: readonly number[]): Promise<void> {
  for (let at = 0; at < numbers.length; at += 1000) {
    await peer.sendBytes(concat(numbers.slice(at, at + 1000).map(published)));
  }
  await peer.send(1, queueDeclare({ queue: "q", passive: true }));
  await peer.expect(1, "queue.declare-ok");
}

/** A broker with an exchange that remembers very much, of some type, and a queue `q`. */
async function start(options: InternalOptions = {}, type = "x-recent-history") {
  const served = await ServedBroker.startTimed(options);
  const [peer, other] = [await served.login(), await served.login()];
  await peer.send(
    1,
    exchangeDeclare({
      exchange: "e",
      type,
      durable: true,
      arguments: { "x-recent-history-length": 10 * MANY },
    }),
  );
  await peer.expect(1, "exchange.declare-ok");
  await declare(peer, { queue: "q", durable: true });
  await publish(peer, upTo(MANY));
  return {
    served,
    peer,
    other,
    left: () => MANY - Math.min(MANY, countOf(served, "q").ready),
    bindings: () => [...served.broker.bindings()].filter(({ source }) => source === "e").length,
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  };
}

Deno.test("What an exchange remembers comes to a new binding in turns, and what is published meanwhile after it", async () => {
  await using stage = await start();
  const { served, peer, other, left, bindings } = stage;
  await peer.send(1, binding);
  const watching = watch(left);
  while (left() === MANY) await loopRound();
  assertEquals(bindings(), 0);
  await publish(other, [MANY + 1, MANY + 2]);
  assertGreater(left(), 0);
  assertSliced(await watching, A_TURN_OF_MESSAGES);
  await peer.expect(1, "queue.bind-ok");
  assertEquals(bindings(), 1);
  await publish(other, [MANY + 3]);
  assertEquals(countOf(served, "q").ready, MANY + 3);
  await peer.send(1, basicConsume({ queue: "q", noAck: true, noWait: true }));
  assertEquals((await take(peer, MANY + 3)).numbers, upTo(MANY + 3));
});

Deno.test("Who binds the same meanwhile waits for it, and nothing comes twice", async () => {
  await using stage = await start();
  const { served, peer, other, left, bindings } = stage;
  await peer.send(1, binding);
  while (left() === MANY) await loopRound();
  await other.send(1, binding);
  await other.expect(1, "queue.bind-ok");
  assertEquals([left(), bindings()], [0, 1]);
  await peer.expect(1, "queue.bind-ok");
  assertEquals(countOf(served, "q").ready, MANY);
});

Deno.test("Nobody who waits for the same binding is told of it before it is on disk", async () => {
  const disk = new SimulatedDisk();
  await using stage = await start(disk.options());
  const { peer, other, left, bindings } = stage;
  for (const client of [peer, other]) {
    await client.send(2, channelOpen());
    await client.expect(2, "channel.open-ok");
  }
  await peer.send(1, binding);
  while (left() === MANY) await loopRound();
  await other.send(1, binding);
  disk.holdSyncs();
  while (bindings() === 0) await loopRound();
  await settle();
  for (const client of [peer, other]) {
    await client.send(2, queueDeclare({ queue: "q", passive: true }));
    assertEquals((await client.next())?.method.name, "queue.declare-ok");
  }
  disk.letSyncsGo();
  await other.expect(1, "queue.bind-ok");
  await peer.expect(1, "queue.bind-ok");
});

Deno.test("A queue that takes the name of a deleted one meanwhile is bound itself", async () => {
  await using stage = await start();
  const { served, peer, other, left, bindings } = stage;
  await peer.send(1, binding);
  while (left() === MANY) await loopRound();
  await other.sendBytes(concat([
    methodFrame(1, queueDelete({ queue: "q", noWait: true })),
    methodFrame(1, queueDeclare({ queue: "q", noWait: true })),
    methodFrame(1, binding),
  ]));
  await other.expect(1, "queue.bind-ok");
  assertEquals([countOf(served, "q").ready, bindings()], [MANY, 1]);
  await peer.expect(1, "queue.bind-ok");
  assertEquals([countOf(served, "q").ready, bindings()], [MANY, 1]);
});

Deno.test("An exchange that is deleted meanwhile is bound to nothing", async () => {
  await using stage = await start();
  const { served, peer, other, left, bindings } = stage;
  await peer.send(1, binding);
  while (left() === MANY) await loopRound();
  await other.send(1, exchangeDelete({ exchange: "e" }));
  await other.expect(1, "exchange.delete-ok");
  assertGreater(left(), 0);
  await peer.expect(1, "queue.bind-ok");
  assertGreater(left(), 0);
  assertEquals(bindings(), 0);
  await peer.send(1, exchangeDeclare({ exchange: "e", type: "fanout" }));
  await peer.expect(1, "exchange.declare-ok");
  assertEquals(countOf(served, "q").ready + left(), MANY);
});

Deno.test("Operators bind in turns as well", async () => {
  await using stage = await start();
  const { served, left, bindings } = stage;
  const binding = served.broker.bind({ source: "e", destination: "q" });
  assertSliced(await watch(left), A_TURN_OF_MESSAGES);
  await binding;
  assertEquals(bindings(), 1);
});

Deno.test("Definitions are imported in turns as well", async () => {
  await using stage = await start();
  const { served, left, bindings } = stage;
  // a slice is as long as the clock says, which is looked at once in a while
  using _time = standingTime(1);
  const entry = { source: "e", vhost: "/", destination: "q", destination_type: "queue" };
  const importing = served.broker.importDefinitions({ bindings: [entry] });
  assertSliced(await watch(left), A_TURN_OF_MESSAGES);
  await importing;
  assertEquals(bindings(), 1);
});

/** Remembers very much, and takes no binding in the end. */
const refusing: ExchangeType = {
  name: "x-refusing",
  createTable: () => ({
    cacheable: true,
    history: { length: 10 * MANY, takes: () => true },
    add() {
      throw new AmqpError(406, "no binding is taken");
    },
    remove() {},
    route() {},
  }),
};

Deno.test("All who wait for the same binding are told that it cannot be", async () => {
  await using stage = await start({ exchangeTypes: [refusing] }, "x-refusing");
  const { served, peer, other, left, bindings } = stage;
  const entry = { source: "e", vhost: "/", destination: "q", destination_type: "queue" };
  await peer.send(1, binding);
  while (left() === MANY) await loopRound();
  const operating = assertRejects(
    () => served.broker.bind({ source: "e", destination: "q" }),
    AmqpError,
    "no binding is taken",
  );
  const importing = assertRejects(
    () => served.broker.importDefinitions({ bindings: [entry] }),
    DefinitionError,
    "binding from 'e' to 'q': PRECONDITION_FAILED - no binding is taken",
  );
  await other.send(1, binding);
  for (const client of [peer, other]) {
    const { replyCode, replyText } = await client.expect(1, "channel.close");
    assertEquals([replyCode, replyText], [406, "PRECONDITION_FAILED - no binding is taken"]);
  }
  await operating;
  await importing;
  assertEquals([left(), bindings()], [0, 0]);
});
