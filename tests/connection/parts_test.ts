import { assertEquals } from "@std/assert";
import { atEndOfTurn } from "../../broker/amqp/turn.ts";
import type { Method, MethodName } from "../../broker/amqp/methods/mod.ts";
import { readCapabilities } from "../../broker/connection/capabilities.ts";
import type { BrokerChannel } from "../../broker/connection/channel.ts";
import { PublisherConfirms } from "../../broker/connection/confirms.ts";
import { requestOf } from "../../broker/connection/connection.ts";
import { Prefetch } from "../../broker/connection/prefetch.ts";
import { Transaction } from "../../broker/connection/transaction.ts";
import { messageOf } from "../queue/support.ts";

Deno.test("Prefetch has room up to its limit, and always without one", () => {
  const prefetch = new Prefetch(2);
  assertEquals(prefetch.hasRoom, true);
  prefetch.unacked = 1;
  assertEquals(prefetch.hasRoom, true);
  prefetch.unacked = 2;
  assertEquals(prefetch.hasRoom, false);
  prefetch.limit = 1;
  assertEquals(prefetch.hasRoom, false, "a limit may be lowered below what is out");
  prefetch.limit = 0;
  assertEquals(prefetch.hasRoom, true);
});

Deno.test("Transaction gives out what it holds once, in order", () => {
  const transaction = new Transaction();
  assertEquals(transaction.take(), { publishes: [], settlements: [] });
  const [one, two] = ["1", "2"].map((body) => ({
    message: messageOf(body),
    destinations: ["q"],
    stored: false,
    refused: false,
    heldBack: false,
    forget: undefined,
    mandatory: body === "2",
  }));
  transaction.publishes.push(one!, two!);
  transaction.settlements.push({ deliveries: [], settlement: "requeue" });
  assertEquals(transaction.take(), {
    publishes: [one!, two!],
    settlements: [{ deliveries: [], settlement: "requeue" }],
  });
  assertEquals(transaction.take(), { publishes: [], settlements: [] });
});

/** Confirms of a channel that writes down what it sends. */
function confirms(): { confirms: PublisherConfirms; sent: Method[]; channel: { ended: boolean } } {
  const sent: Method[] = [];
  const channel = {
    ended: false,
    connection: { vhost: { store: undefined } },
    send: (method: Method) => sent.push(method),
  };
  return { confirms: new PublisherConfirms(channel as unknown as BrokerChannel), sent, channel };
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => atEndOfTurn(resolve));
}

Deno.test("PublisherConfirms sends one ack for all that a turn confirmed", async () => {
  const { confirms: publisher, sent } = confirms();
  for (let count = 0; count < 3; count++) publisher.confirmNext();
  assertEquals(sent, []);
  await endOfTurn();
  publisher.confirmNext();
  await endOfTurn();
  await endOfTurn();
  assertEquals(sent, [
    { name: "basic.ack", deliveryTag: 3, multiple: true },
    { name: "basic.ack", deliveryTag: 4, multiple: false },
  ]);
});

Deno.test("PublisherConfirms never seems to ack what it refused", async () => {
  const { confirms: publisher, sent, channel } = confirms();
  const synced: (() => void)[] = [];
  const store = { whenSynced: (callback: () => void) => void synced.push(callback) };
  Object.assign(channel, { connection: { vhost: { store } } });
  publisher.confirmNext(true);
  publisher.refuseNext();
  publisher.confirmNext(false);
  await endOfTurn();
  assertEquals(sent, [], "the first one waits, and the others wait behind it");
  for (const callback of synced) callback();
  const nack = { name: "basic.nack", deliveryTag: 2, multiple: false, requeue: false } as const;
  assertEquals(sent, [
    { name: "basic.ack", deliveryTag: 1, multiple: false },
    nack,
    { name: "basic.ack", deliveryTag: 3, multiple: false },
  ]);
});

Deno.test("PublisherConfirms tells of what came back before anything else", async () => {
  const { confirms: publisher, sent } = confirms();
  publisher.confirmNext();
  publisher.confirmNext();
  publisher.confirmTaken();
  publisher.confirmReturned();
  const before = [
    { name: "basic.ack", deliveryTag: 2, multiple: true },
    { name: "basic.ack", deliveryTag: 3, multiple: false },
  ] as const;
  assertEquals(sent, [...before]);
  publisher.confirmNext();
  await endOfTurn();
  assertEquals(sent, [...before, { name: "basic.ack", deliveryTag: 4, multiple: false }]);
  assertEquals([publisher.told, publisher.unconfirmed], [4, 0]);
});

Deno.test("PublisherConfirms tells once of what came back while others wait for the store", async () => {
  const { confirms: publisher, sent, channel } = confirms();
  const synced: (() => void)[] = [];
  const store = { whenSynced: (callback: () => void) => void synced.push(callback) };
  Object.assign(channel, { connection: { vhost: { store } } });
  publisher.confirmNext(true);
  publisher.confirmTaken();
  publisher.confirmReturned();
  const returned = { name: "basic.ack", deliveryTag: 2, multiple: false } as const;
  assertEquals(sent, [returned], "the first one is not safe yet");
  await endOfTurn();
  for (const callback of synced.splice(0)) callback();
  const first = { name: "basic.ack", deliveryTag: 1, multiple: false } as const;
  assertEquals(sent, [returned, first]);
  assertEquals([publisher.told, publisher.unconfirmed], [2, 0]);
  publisher.refuseNext();
  const nack = { name: "basic.nack", deliveryTag: 3, multiple: false, requeue: false } as const;
  assertEquals(sent, [returned, first, nack]);
});

Deno.test("PublisherConfirms says nothing for a channel that has ended", async () => {
  const { confirms: publisher, sent, channel } = confirms();
  publisher.confirmNext();
  channel.ended = true;
  await endOfTurn();
  assertEquals(sent, []);
});

Deno.test("requestOf() finds the method that a reply answers", () => {
  const idsOf = (reply: MethodName) => {
    const { classId, methodId } = requestOf(reply);
    return [classId, methodId];
  };
  assertEquals(idsOf("queue.declare-ok"), [50, 10]);
  assertEquals(idsOf("queue.unbind-ok"), [50, 50]);
  assertEquals(idsOf("exchange.unbind-ok"), [40, 40]);
  assertEquals(idsOf("tx.commit-ok"), [90, 20]);
});

Deno.test("readCapabilities() takes nothing for a capability but true", () => {
  const none = {
    authenticationFailureClose: false,
    consumerCancelNotify: false,
    connectionBlocked: false,
  };
  const no = [
    {},
    { capabilities: "all" },
    { capabilities: null },
    { capabilities: [1] },
    { capabilities: { authentication_failure_close: 1, consumer_cancel_notify: "true" } },
    { authentication_failure_close: true },
  ];
  for (const properties of no) assertEquals(readCapabilities(properties), none);
  assertEquals(
    readCapabilities({
      capabilities: { consumer_cancel_notify: true, "connection.blocked": true },
    }),
    { ...none, consumerCancelNotify: true, connectionBlocked: true },
  );
});
