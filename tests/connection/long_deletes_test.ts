import { assertEquals, assertGreater } from "@std/assert";
import { concat } from "@std/bytes";
import {
  basicCancel,
  basicConsume,
  basicPublish,
  connectionClose,
  exchangeBind,
  exchangeDeclare,
  exchangeDelete,
  queueBind,
  queueDeclare,
  queueDelete,
  queueUnbind,
} from "../../broker/amqp/methods/mod.ts";
import { Broker } from "../../mod.ts";
import { contentFrames, methodFrame } from "../amqp/frames.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { assertSliced, declare, loopRound, sendAll, upTo, watch } from "./long_work.ts";
import { ServedBroker, settle } from "./support.ts";

/** More bindings than are taken away in one turn. */
const MANY = 6000;
/** And no turn takes away so many. */
const A_TURN = 3000;

async function declareExchange(
  peer: RawPeer,
  options: Parameters<typeof exchangeDeclare>[0],
): Promise<void> {
  await peer.send(1, exchangeDeclare(options));
  await peer.expect(1, "exchange.declare-ok");
}

/** Binds a queue with a great many keys. */
async function bind(peer: RawPeer, queue: string, exchange: string): Promise<void> {
  await sendAll(
    peer,
    upTo(MANY).map((number) => [
      1,
      queueBind({ queue, exchange, routingKey: `${number}`, noWait: number < MANY }),
    ]),
  );
  await peer.expect(1, "queue.bind-ok");
}

/** Counts bindings as they come and go. */
function counted(broker: Broker): () => number {
  let count = 0;
  broker.on("binding.created", () => void count++);
  broker.on("binding.deleted", () => void count--);
  return () => count;
}

/** How many bindings there are, those of the default exchange apart: looks at all of them. */
function bindings(broker: Broker): number {
  return [...broker.bindings()].filter(({ source }) => source !== "").length;
}

const names = ({ broker }: ServedBroker) => [...broker.queues()].map(({ name }) => name);
const exchangeNames = ({ broker }: ServedBroker) =>
  [...broker.exchanges()].map(({ name }) => name).filter((name) => !/^(amq\.|$)/.test(name));

async function start(queue: Partial<Parameters<typeof queueDeclare>[0]> = {}, type = "topic") {
  const served = await ServedBroker.startTimed();
  const left = counted(served.broker);
  const [peer, other] = [await served.login(), await served.login()];
  await declareExchange(peer, { exchange: "e", type });
  await declare(peer, { queue: "q", ...queue });
  await bind(peer, "q", "e");
  await settle();
  assertEquals(left(), MANY);
  return { served, peer, other, left, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() };
}

for (const type of ["direct", "topic", "fanout", "headers", "x-modulus-hash", "x-random"]) {
  Deno.test(`A queue with a great many bindings to an exchange of type ${type} is deleted in turns`, async () => {
    await using stage = await start({}, type);
    const { served, peer, left } = stage;
    await peer.send(1, queueDelete({ queue: "q" }));
    assertSliced(await watch(left), A_TURN);
    await peer.expect(1, "queue.delete-ok");
    assertEquals(names(served), []);
  });
}

Deno.test("While a queue is deleted in turns others go on, and what is bound or published goes with it", async () => {
  await using stage = await start();
  const { served, peer, other, left } = stage;
  await peer.sendBytes(concat([
    methodFrame(1, queueDelete({ queue: "q" })),
    methodFrame(1, queueDeclare({ queue: "q" })),
  ]));
  while (left() === MANY) await loopRound();
  assertGreater(left(), 0);
  // all at once: answer by answer it could be gone before the last of them
  const body = new TextEncoder().encode("lost");
  await other.sendBytes(concat([
    methodFrame(1, queueBind({ queue: "q", exchange: "e", routingKey: "late" })),
    ...contentFrames(1, basicPublish({ routingKey: "q" }), { routingKey: "q", body }, 131_072),
    methodFrame(1, queueDelete({ queue: "q" })),
  ]));
  await other.expect(1, "queue.bind-ok");
  const { messageCount } = await peer.expect(1, "queue.delete-ok");
  assertEquals(await peer.expect(1, "queue.declare-ok").then((ok) => ok.messageCount), 0);
  // that was of the same queue, not of the one which came in its place; either may come to the end first
  const byOther = await other.expect(1, "queue.delete-ok");
  assertEquals(messageCount + byOther.messageCount, 1);
  assertEquals([bindings(served.broker), names(served)], [0, ["q"]]);
});

Deno.test("An exchange with a great many bindings is deleted in turns, and its successor keeps its own", async () => {
  await using stage = await start();
  const { served, peer, other, left } = stage;
  await declareExchange(peer, { exchange: "f", type: "fanout" });
  await peer.send(1, exchangeBind({ source: "f", destination: "e" }));
  await peer.expect(1, "exchange.bind-ok");
  await peer.sendBytes(concat([
    methodFrame(1, exchangeDelete({ exchange: "e" })),
    methodFrame(1, exchangeDeclare({ exchange: "e", type: "fanout" })),
    methodFrame(1, queueBind({ queue: "q", exchange: "e" })),
  ]));
  const watching = watch(() => Math.max(0, left() - 1));
  while (left() === MANY + 1) await loopRound();
  await other.send(1, exchangeDelete({ exchange: "e" }));
  assertSliced(await watching, A_TURN);
  await peer.expect(1, "exchange.delete-ok");
  await peer.expect(1, "exchange.declare-ok");
  await peer.expect(1, "queue.bind-ok");
  await other.expect(1, "exchange.delete-ok");
  await settle();
  assertEquals([bindings(served.broker), exchangeNames(served)], [1, ["f", "e"]]);
});

Deno.test("A queue with a great many bindings that goes with its last consumer goes in turns", async () => {
  await using stage = await start({ autoDelete: true });
  const { served, peer, left } = stage;
  await peer.send(1, basicConsume({ queue: "q", consumerTag: "a" }));
  await peer.expect(1, "basic.consume-ok");
  await peer.send(1, basicCancel({ consumerTag: "a" }));
  const watching = watch(left);
  await peer.expect(1, "basic.cancel-ok");
  assertSliced(await watching, A_TURN);
  assertEquals(names(served), []);
});

Deno.test("An exclusive queue with a great many bindings goes in turns with its client", async () => {
  await using stage = await start({ exclusive: true });
  const { served, peer, left } = stage;
  await peer.send(0, connectionClose());
  assertSliced(await watch(left), A_TURN);
  await peer.expect(0, "connection.close-ok");
  assertEquals(names(served), []);
});

Deno.test("An auto-delete exchange goes in turns with its last binding, if a great many lead to it", async () => {
  await using served = await ServedBroker.startTimed();
  const left = counted(served.broker);
  const peer = await served.login();
  await declareExchange(peer, { exchange: "from", type: "direct" });
  await declareExchange(peer, { exchange: "to", type: "fanout", autoDelete: true });
  await declare(peer, { queue: "q" });
  await sendAll(
    peer,
    upTo(MANY).map((number) => [
      1,
      exchangeBind({ source: "from", destination: "to", routingKey: `${number}`, noWait: true }),
    ]),
  );
  await peer.send(1, queueBind({ queue: "q", exchange: "to" }));
  await peer.expect(1, "queue.bind-ok");
  await peer.send(1, queueUnbind({ queue: "q", exchange: "to" }));
  const watching = watch(left);
  await peer.expect(1, "queue.unbind-ok");
  assertSliced(await watching, A_TURN);
  assertEquals(exchangeNames(served), ["from"]);
});

Deno.test("A client that goes in the middle of a long deletion has asked for all of it", async () => {
  await using stage = await start();
  const { served, peer, left } = stage;
  await peer.send(1, queueDelete({ queue: "q" }));
  while (left() === MANY) await loopRound();
  assertGreater(left(), 0);
  peer.close();
  while (names(served).length > 0) await loopRound();
  assertEquals(bindings(served.broker), 0);
});

Deno.test("Operators delete queues and exchanges with a great many bindings in turns", async () => {
  for (const what of ["queue", "exchange"] as const) {
    await using stage = await start();
    const { served, left } = stage;
    const { broker } = served;
    const watching = watch(left);
    const deleting = what === "queue"
      ? broker.deleteQueue({ queue: "q" })
      : broker.deleteExchange({ exchange: "e" });
    assertSliced(await watching, A_TURN);
    await deleting;
    assertEquals(
      [names(served), exchangeNames(served)],
      what === "queue" ? [[], ["e"]] : [["q"], []],
    );
  }
});

// ---- on disk

/** A broker on a disk, with a durable queue that has a great many bindings. */
async function stored(disk: SimulatedDisk): Promise<Broker> {
  const broker = new Broker(disk.options());
  await broker.importDefinitions({
    exchanges: [{ name: "e", vhost: "/", type: "direct", durable: true }],
    queues: [{ name: "q", vhost: "/", durable: true }],
    bindings: upTo(MANY).map((number) => ({
      source: "e",
      vhost: "/",
      destination: "q",
      destination_type: "queue",
      routing_key: `${number}`,
    })),
  });
  return broker;
}

for (const what of ["queue", "exchange"] as const) {
  Deno.test(`After a crash in the middle of a long deletion the ${what} is gone, and its bindings do not come back`, async () => {
    const disk = new SimulatedDisk();
    const broker = await stored(disk);
    const left = counted(broker);
    const remove = () =>
      what === "queue"
        ? broker.deleteQueue({ queue: "q" })
        : broker.deleteExchange({ exchange: "e" });
    const removing = remove();
    while (left() === 0) await loopRound();
    // what was done by then is on disk with it
    await broker.declareQueue({ queue: "other" });
    assertGreater(MANY + left(), 0);
    const then = new SimulatedDisk();
    for (const name of disk.files.list()) {
      const bytes = disk.files.contents(name);
      then.files.create(name).write(bytes, 0, bytes.length, 0);
    }
    await removing;
    await broker.close();

    {
      await using again = new Broker(then.options());
      const found = what === "queue"
        ? [...again.queues()].filter(({ name }) => name === "q")
        : [...again.exchanges()].filter(({ name }) => name === "e");
      assertEquals([found, bindings(again)], [[], 0]);
      await again.declareExchange({ exchange: "e", type: "direct" });
      await again.declareQueue({ queue: "q" });
    }
    await using again = new Broker(then.options());
    assertEquals(bindings(again), 0, "those of one of the same name");
  });
}
