import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { concat } from "@std/bytes";
import {
  basicAck,
  basicConsume,
  basicNack,
  basicPublish,
  channelOpen,
  connectionClose,
  connectionCloseOk,
  queueDeclare,
  txCommit,
  txRollback,
  txSelect,
} from "../../broker/amqp/methods/mod.ts";
import { Broker } from "../../mod.ts";
import { contentFrames, methodFrame } from "../amqp/frames.ts";
import { heldHeap } from "../support/heap.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import {
  A_TURN_OF_MESSAGES,
  assertSliced,
  countOf,
  declare,
  fill,
  loopRound,
  MANY_MESSAGES,
  take,
  upTo,
  watch,
} from "./long_work.ts";
import { ServedBroker, settle } from "./support.ts";

const ALL = MANY_MESSAGES;

/** A client with a transactional channel. */
async function start(queueArguments = {}) {
  const served = await ServedBroker.startTimed();
  const peer = await served.login();
  await declare(peer, { queue: "q", arguments: queueArguments });
  await peer.send(1, txSelect());
  await peer.expect(1, "tx.select-ok");
  return {
    served,
    peer,
    ready: () => countOf(served, "q").ready,
    unacked: () => countOf(served, "q").unacked,
    uncommitted: () => {
      const [channel] = [...served.broker.channels()].filter(({ transactional }) => transactional);
      return { publishes: channel!.messagesUncommitted, acks: channel!.acksUncommitted };
    },
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  };
}

/** Publishes numbers, from 1, in a transaction. */
async function publishAll(
  peer: RawPeer,
  { uncommitted }: { uncommitted(): { publishes: number } },
): Promise<void> {
  const before = uncommitted().publishes;
  const publish = basicPublish({ routingKey: "q" });
  const messages = upTo(ALL).map((number) =>
    concat(contentFrames(1, publish, { body: `${number}` }))
  );
  for (let at = 0; at < ALL; at += 1000) {
    await peer.sendBytes(concat(messages.slice(at, at + 1000)));
  }
  while (uncommitted().publishes < before + ALL) await settle();
}

/** Gets numbers, from 1, and acks none of them. */
async function getAll(served: ServedBroker, peer: RawPeer): Promise<void> {
  await fill(served, "q", ALL);
  await peer.send(1, basicConsume({ queue: "q", consumerTag: "a", noWait: true }));
  assertEquals((await take(peer, ALL)).numbers, upTo(ALL));
}

const ackAll = basicAck({ deliveryTag: ALL, multiple: true });

Deno.test("A great many messages are committed in turns, in order; what comes after it waits, others do not", async () => {
  await using stage = await start();
  const { served, peer, ready } = stage;
  const other = await served.login();
  await publishAll(peer, stage);
  await peer.sendBytes(concat([
    methodFrame(1, txCommit()),
    methodFrame(1, queueDeclare({ queue: "later" })),
    methodFrame(2, channelOpen()),
    methodFrame(2, queueDeclare({ queue: "beside" })),
  ]));
  let between = 0;
  const asking = (async () => {
    do {
      await other.send(1, queueDeclare({ queue: "q", passive: true }));
      const { messageCount } = await other.expect(1, "queue.declare-ok");
      if (messageCount > 0 && messageCount < ALL) between++;
    } while (ready() < ALL);
  })();
  let [laterAt, besideAt] = [-1, -1];
  assertSliced(
    await watch(() => {
      const names = [...served.broker.queues()].map(({ name }) => name);
      if (laterAt < 0 && names.includes("later")) laterAt = ready();
      if (besideAt < 0 && names.includes("beside")) besideAt = ready();
      return ALL - ready();
    }),
    A_TURN_OF_MESSAGES,
  );
  await asking;
  assertGreater(between, 0, "others were answered meanwhile");
  await peer.expect(2, "channel.open-ok");
  await peer.expect(2, "queue.declare-ok");
  await peer.expect(1, "tx.commit-ok");
  await peer.expect(1, "queue.declare-ok");
  assertEquals(besideAt >= 0 && besideAt < ALL, true, "another channel of the same client went on");
  assertEquals(laterAt === -1 || laterAt === ALL, true, "the same one did not");
  await other.send(1, basicConsume({ queue: "q", consumerTag: "b", noWait: true }));
  assertEquals((await take(other, ALL)).numbers, upTo(ALL));
});

Deno.test("A great many acks are committed in turns", async () => {
  await using stage = await start();
  const { served, peer, unacked } = stage;
  await getAll(served, peer);
  await peer.send(1, ackAll);
  await peer.send(1, txCommit());
  assertSliced(await watch(unacked), A_TURN_OF_MESSAGES);
  await peer.expect(1, "tx.commit-ok");
  assertEquals(countOf(served, "q"), { ready: 0, unacked: 0 });
});

Deno.test("A great many acks, one by one, are committed in turns, and messages come back between them", async () => {
  await using stage = await start();
  const { served, peer, unacked, ready } = stage;
  await getAll(served, peer);
  await peer.sendBytes(
    concat(
      upTo(ALL).map((deliveryTag) =>
        methodFrame(
          1,
          deliveryTag % 1000 === 0
            ? basicNack({ deliveryTag, requeue: true })
            : basicAck({ deliveryTag }),
        )
      ),
    ),
  );
  await peer.send(1, txCommit());
  // what comes back is delivered once more, so that many stay
  assertSliced(await watch(() => unacked() - ALL / 1000), A_TURN_OF_MESSAGES);
  assertEquals((await take(peer, ALL / 1000)).numbers, upTo(ALL / 1000).map((n) => n * 1000));
  await peer.expect(1, "tx.commit-ok");
  assertEquals([ready(), unacked()], [0, ALL / 1000]);
});

Deno.test("A rollback of a great many publishes forgets all of them", async () => {
  await using stage = await start();
  const { peer, ready } = stage;
  await publishAll(peer, stage);
  await peer.sendBytes(concat([
    methodFrame(1, txRollback()),
    ...contentFrames(1, basicPublish({ routingKey: "q" }), { body: "x" }),
    methodFrame(1, txCommit()),
  ]));
  await peer.expect(1, "tx.rollback-ok");
  await peer.expect(1, "tx.commit-ok");
  assertEquals(ready(), 1);
});

Deno.test("A rollback of a great many acks leaves all of them unacked, those that came meanwhile too, in order", async () => {
  await using stage = await start();
  const { served, peer, unacked, uncommitted } = stage;
  await getAll(served, peer);
  const publisher = await served.login();
  // in another order than that of their tags, and one of them not at all
  await peer.sendBytes(concat([
    ...upTo(ALL / 2).reverse().filter((tag) => tag !== 7)
      .map((deliveryTag) => methodFrame(1, basicAck({ deliveryTag }))),
    methodFrame(1, ackAll),
  ]));
  while (uncommitted().acks < ALL) await loopRound();
  const seen: number[] = [];
  const unackedOfChannel = () => {
    const [channel] = [...served.broker.channels()].filter(({ transactional }) => transactional);
    return channel!.messagesUnacknowledged;
  };
  await peer.send(1, txRollback());
  const rolledBack = peer.expect(1, "tx.rollback-ok").catch(() => {});
  while (unackedOfChannel() === ALL) await loopRound();
  await publisher.send(1, basicPublish({ routingKey: "q" }), { body: "0" });
  for (let left = ALL + 1; left > 0; await loopRound()) {
    left = ALL + 1 - unackedOfChannel();
    if (left !== seen.at(-1)) seen.push(left);
  }
  assertSliced(seen, A_TURN_OF_MESSAGES);
  await Promise.race([rolledBack, loopRound()]);
  // all that is given back with the channel comes in order, and was given to it once
  assertEquals(unacked(), ALL + 1);
  peer.close();
  while (unacked() > 0) await loopRound();
  const next = await served.login();
  await next.send(1, basicConsume({ queue: "q", consumerTag: "b", noWait: true }));
  const { numbers, again } = await take(next, ALL + 1);
  assertEquals([numbers, again], [[...upTo(ALL), 0], ALL + 1]);
});

Deno.test("After a rollback of a great many acks they are acked in another transaction", async () => {
  await using stage = await start();
  const { served, peer, unacked } = stage;
  await getAll(served, peer);
  await peer.sendBytes(concat([
    methodFrame(1, ackAll),
    methodFrame(1, txRollback()),
    // how far this is when the answer to the rollback has come is nobody's business
    methodFrame(1, ackAll),
    methodFrame(1, txCommit()),
  ]));
  await peer.expect(1, "tx.rollback-ok");
  await peer.expect(1, "tx.commit-ok");
  assertEquals(unacked(), 0);
});

for (const end of ["connection.close", "the socket"] as const) {
  Deno.test(`A great many messages that are being committed are so when ${end} comes meanwhile`, async () => {
    await using stage = await start();
    const { peer, ready } = stage;
    await publishAll(peer, stage);
    await peer.send(1, txCommit());
    while (ready() === 0) await loopRound();
    if (end === "connection.close") await peer.send(0, connectionClose());
    else peer.close();
    assertGreater(ALL, ready());
    while (ready() < ALL) await loopRound();
    if (end !== "connection.close") return;
    await peer.expect(1, "tx.commit-ok");
    await peer.expect(0, "connection.close-ok");
  });
}

Deno.test("A commit of a great many messages of which a queue refuses some closes the channel once all others are published", async () => {
  await using stage = await start({ "x-max-length": ALL - 5000, "x-overflow": "reject-publish" });
  const { served, peer, ready } = stage;
  await publishAll(peer, stage);
  await peer.send(1, txCommit());
  assertSliced(await watch(() => ALL - 5000 - ready()), A_TURN_OF_MESSAGES);
  const { replyCode, replyText } = await peer.expect(1, "channel.close");
  assertEquals([replyCode, replyText], [406, "PRECONDITION_FAILED - partial tx completion"]);
  assertEquals(countOf(served, "q"), { ready: ALL - 5000, unacked: 0 });
});

Deno.test("A client that closes while its commit fails is told nothing of that", async () => {
  await using stage = await start({ "x-max-length": ALL - 5000, "x-overflow": "reject-publish" });
  const { served, peer, ready } = stage;
  await publishAll(peer, stage);
  await peer.send(1, txCommit());
  while (ready() === 0) await loopRound();
  const deleting = served.broker.deleteVhost("/");
  const { replyCode, replyText } = await peer.expect(0, "connection.close");
  assertEquals([replyCode, replyText], [320, "CONNECTION_FORCED - vhost '/' is deleted"]);
  await peer.send(0, connectionCloseOk());
  await peer.expectEnd();
  await deleting;
});

Deno.test("A few messages are committed at once", async () => {
  await using stage = await start();
  const { served, peer } = stage;
  await peer.sendBytes(concat([
    ...upTo(100).flatMap((n) =>
      contentFrames(1, basicPublish({ routingKey: "q" }), { body: `${n}` })
    ),
    methodFrame(1, txCommit()),
    methodFrame(1, queueDeclare({ queue: "q", passive: true })),
  ]));
  await peer.expect(1, "tx.commit-ok");
  assertEquals((await peer.expect(1, "queue.declare-ok")).messageCount, 100);
  assertEquals(countOf(served, "q").ready, 100);
});

for (const way of ["one by one", "all at once"]) {
  Deno.test(`A great many acks, ${way}, hardly take any memory until they are committed`, async () => {
    const count = 60_000;
    await using broker = new Broker();
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    await channel.queueDeclare("q");
    for (const number of upTo(count)) {
      void channel.basicPublish({ routingKey: "q" }, "body");
      if (number % 1000 === 0) await loopRound();
    }
    await channel.txSelect();
    let got = 0;
    await channel.basicConsume("q", {}, () => {
      got++;
    });
    while (got < count) await loopRound();
    const before = heldHeap();
    for (const tag of way === "one by one" ? upTo(count) : [count]) {
      channel.basicAck(tag, { multiple: way !== "one by one" });
      if (tag % 1000 === 0) await loopRound();
    }
    const uncommitted = () => [...broker.channels()][0]!.acksUncommitted;
    while (uncommitted() < count) await loopRound();
    // an object for each would be 20 MB
    assertLess(heldHeap() - before, 10_000_000);
    await channel.txCommit();
    assertEquals([uncommitted(), [...broker.queues()][0]!.messages], [0, 0]);
  });
}
