import { assertEquals } from "@std/assert";
import { Content } from "../../broker/amqp/content.ts";
import { BrokerEvents } from "../../broker/events.ts";
import { Message } from "../../broker/message.ts";
import { PagePool } from "../../broker/pages.ts";
import { ExchangeTypes } from "../../broker/routing/exchange_types.ts";
import { DelayedMessages } from "../../broker/vhost/delayed_messages.ts";
import { VirtualHost } from "../../broker/vhost/vhost.ts";
import { StoreHarness } from "../store/harness.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

const TYPES = ["classic", "quorum", "stream"] as const;

/** A vhost with a store and a durable queue of each type, named so. */
function makeVhost(): { vhost: VirtualHost; harness: StoreHarness } {
  const harness = new StoreHarness();
  const [clock, pages, logger] = [new ManualClock(), new PagePool(), new RecordingLogger()];
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
  const content = new Content();
  content.routingKey = routingKey;
  content.properties = deliveryMode === undefined ? {} : { deliveryMode };
  return new Message(content);
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
  assertEquals([...harness.store.queues.values()].map(({ count }) => count), [1, 3, 3]);
});

Deno.test("Publishing refuses for them what the store does not take, persistent or not", () => {
  const { vhost, harness } = makeVhost();
  harness.settle();
  harness.files.faults = { failureRate: 1 };
  vhost.publish(messageTo("classic", 2));
  harness.store.whenSynced(() => {});
  harness.endTurn();
  assertEquals(harness.store.state, "failed");
  assertEquals(TYPES.map((type) => vhost.publish(messageTo(type)).refused), [false, true, true]);
  const accepts = (deliveryMode?: number) =>
    TYPES.map((type) => vhost.publishing.accepts(messageTo(type, deliveryMode), [type]));
  assertEquals([accepts(), accepts(2)], [[true, false, false], [false, false, false]]);
});
