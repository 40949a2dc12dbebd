import { assertEquals } from "@std/assert";
import { Content } from "../../broker/amqp/content.ts";
import { BrokerEvents } from "../../broker/events.ts";
import { Message } from "../../broker/message.ts";
import { PagePool } from "../../broker/pages.ts";
import type { Queue } from "../../broker/queue/queue.ts";
import { ExchangeTypes } from "../../broker/routing/exchange_types.ts";
import { DelayedMessages } from "../../broker/vhost/delayed_messages.ts";
import { VirtualHost } from "../../broker/vhost/vhost.ts";
import { StoreHarness } from "../store/harness.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

const TYPES = ["classic", "quorum", "stream"] as const;

/** A vhost with a store and a durable queue of each type, named so. */
function makeVhost(memory = Infinity): { vhost: VirtualHost; harness: StoreHarness } {
  const harness = new StoreHarness();
  const [clock, pages, logger] = [new ManualClock(), new PagePool(memory), new RecordingLogger()];
  const vhost = new VirtualHost("/", {
    pages,
    exchangeTypes: new ExchangeTypes(),
    logger,
    clock,
    events: new BrokerEvents(clock, () => {}),
    delayed: new DelayedMessages({ clock, pages, logger }),
    store: harness.store,
  });
  for (const type of TYPES) {
    vhost.declareQueue(type, {
      passive: false,
      durable: true,
      exclusive: false,
      autoDelete: false,
      arguments: { "x-queue-type": type },
    }, {});
  }
  return { vhost, harness };
}

/** A message for a queue; not persistent unless told so. */
function messageTo(routingKey: string, deliveryMode?: number): Message {
  return messageFor({ routingKey, properties: deliveryMode === undefined ? {} : { deliveryMode } });
}

/** A transient message for the classic and for the quorum queue. */
function messageToBoth(): Message {
  return messageFor({ routingKey: "classic", properties: { headers: { CC: ["quorum"] } } });
}

function messageFor(fields: Pick<Content, "routingKey" | "properties">): Message {
  return new Message(Object.assign(new Content(), { body: new Uint8Array(9), bodyEnd: 9 }, fields));
}

/** How many messages the store has of each queue, in the order of `TYPES`. */
function countsIn({ store: { queues } }: StoreHarness): number[] {
  return TYPES.map((_, index) => queues.get(index + 1)?.count ?? 0);
}

Deno.test("Publishing has the store take all messages for quorum queues and streams", () => {
  const { vhost, harness } = makeVhost();
  const stored = (deliveryMode?: number) =>
    TYPES.map((type) => vhost.publish(messageTo(type, deliveryMode)).stored);
  assertEquals(stored(), [false, true, true]);
  assertEquals(stored(1), [false, true, true]);
  assertEquals(stored(2), [true, true, true]);
  harness.settle();
  harness.reopen();
  assertEquals(countsIn(harness), [1, 3, 3]);
});

Deno.test("Publishing has nothing survive for a quorum queue's sake, however short memory is", () => {
  const { vhost, harness } = makeVhost(0);
  // what comes next has to wait behind it
  vhost.publish(messageTo("classic"));
  vhost.publish(messageTo("classic"));
  vhost.publish(messageToBoth());
  assertEquals(vhost.queues.get("classic")!.messageCount, 3);
  harness.settle();
  harness.reopen();
  assertEquals(countsIn(harness), [0, 1, 0]);
});

/** A vhost whose disk has failed to take a message. */
function makeVhostOnFailingDisk() {
  const { vhost, harness } = makeVhost();
  harness.settle();
  harness.files.faults = { failureRate: 1 };
  vhost.publish(messageTo("classic", 2));
  harness.store.whenSynced(() => {});
  harness.endTurn();
  return { vhost, harness };
}

Deno.test("Publishing refuses for them what the store does not take, persistent or not", () => {
  const { vhost, harness } = makeVhostOnFailingDisk();
  assertEquals(harness.store.state, "failed");
  assertEquals(TYPES.map((type) => vhost.publish(messageTo(type)).refused), [false, true, true]);
  const accepts = (deliveryMode?: number) =>
    TYPES.map((type) => vhost.publishing.accepts(messageTo(type, deliveryMode), [type]));
  assertEquals([accepts(), accepts(2)], [[true, false, false], [false, false, false]]);
});

Deno.test("Publishing takes none for stored since the store refused another one in its place", () => {
  const { vhost, harness } = makeVhostOnFailingDisk();
  assertEquals(vhost.publish(messageTo("classic", 2)).refused, true);
  harness.files.faults = {};
  harness.settle();
  const { queues } = vhost.publish(messageToBoth());
  assertEquals(queues, 2);
  const classic = vhost.queues.get("classic") as Queue;
  assertEquals([classic.take()?.stored, classic.take()?.stored], [true, false]);
});
