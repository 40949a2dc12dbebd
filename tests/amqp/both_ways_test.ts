import { assertEquals, assertLessOrEqual } from "@std/assert";
import { ConsumerTag } from "../../broker/amqp/consumer_tag.ts";
import type { Content } from "../../broker/amqp/content.ts";
import type { LinkReceiver } from "../../broker/amqp/link.ts";
import type { Transport } from "../../broker/amqp/transport.ts";
import { basicPublish } from "../../broker/amqp/methods/basic.ts";
import { connectionBlocked } from "../../broker/amqp/methods/connection.ts";
import { pollSockets } from "../../broker/amqp/turn.ts";
import { WireLink } from "../../broker/amqp/wire_link.ts";
import { memoryTransports } from "../support/memory_transport.ts";
import { standingTime } from "../support/standing_time.ts";
import { within } from "../support/within.ts";
import { contentOf } from "./frames.ts";

const MIB = 1024 * 1024;
const TAKEN_AT_ONCE = 128 * 1024;
const TAG = new ConsumerTag("c");
const PUBLISH = basicPublish({ routingKey: "q" });

/** Does nothing with what comes, but for what a test says. */
function receiver(parts: Partial<LinkReceiver>): LinkReceiver {
  return {
    receive: () => {},
    receiveContent: () => {},
    receiveDelivery: () => {},
    failed: (error) => {
      throw error;
    },
    drained: () => {},
    closed: () => {},
    ...parts,
  };
}

/** The same, taking little at a time, as a socket does. */
function withSmallWrites(transport: Transport): Transport {
  return { ...transport, write: (bytes) => transport.write(bytes.subarray(0, TAKEN_AT_ONCE)) };
}

/** Delivers to its peer what that publishes, when there is room for it. */
function echoing(link: WireLink): LinkReceiver {
  const waiting: Content[] = [];
  const deliver = () => {
    while (waiting.length > 0 && !link.full) link.sendDelivery(1, TAG, 1, false, waiting.shift()!);
  };
  return receiver({
    receiveContent(_channel, _method, content) {
      const { bodyEnd, bodyStart } = content;
      waiting.push(contentOf({ body: new Uint8Array(bodyEnd - bodyStart) }));
      deliver();
    },
    drained: deliver,
  });
}

const NINE_SMALL = Array.from({ length: 9 }, () => 0.9);

for (
  const sizes of [NINE_SMALL, [3, 3, 3], [9], [9, 9], [0.9, 9, 9], [15, 0.1], [20, 9], [
    0.9,
    20,
    20,
  ]]
) {
  Deno.test(`WireLink does not wait for a peer that waits for it: bodies of ${sizes} MiB go there and back, four times`, async () => {
    // what takes long lets others have their turn, and what was sent be written
    using _time = standingTime();
    const [here, there] = memoryTransports().map(withSmallWrites) as [Transport, Transport];
    const [client, broker] = [new WireLink(here), new WireLink(there)];
    const all = Promise.withResolvers<void>();
    const came: number[] = [];
    const sent: number[] = [];
    broker.run(echoing(broker));
    client.run(receiver({
      receiveDelivery(_channel, _tag, _deliveryTag, _redelivered, { bodyStart, bodyEnd }) {
        came.push(bodyEnd - bodyStart);
        if (came.length === 4 * sizes.length) all.resolve();
      },
    }));
    for (let wave = 0; wave < 4; wave++) {
      for (const size of sizes) {
        const body = new Uint8Array(size * MIB);
        sent.push(body.length);
        client.sendContent(1, PUBLISH, contentOf({ body }));
      }
      // its writing is begun
      for (let turn = 0; turn < 4; turn++) await undefined;
    }
    await within(120_000, all.promise, () => `${came.length} came back`);
    assertEquals(came, sent);
    client.close();
    broker.close();
  });
}

for (const readsOn of [0, MIB]) {
  Deno.test(`WireLink reads ${readsOn} bytes of a peer that takes nothing while too much waits for it`, async () => {
    const [here, there] = memoryTransports();
    const client = new WireLink(here, { readsOn });
    const came: string[] = [];
    const told = Promise.withResolvers<void>();
    let deliveries = 0;
    client.run(receiver({
      receive(_channel, { name }) {
        came.push(name);
        told.resolve();
      },
      receiveDelivery() {
        deliveries++;
      },
    }));
    // the first one is taken, the second one is being written
    for (const count of [1, 1, 20]) {
      const body = new Uint8Array(MIB / 2);
      for (let sent = 0; sent < count; sent++) client.sendContent(1, PUBLISH, contentOf({ body }));
      await pollSockets();
    }
    const peer = new WireLink(there);
    // nothing that it sends is lost, and it reads nothing
    const delivery = contentOf({ body: new Uint8Array(1000) });
    for (let sent = 0; sent < 10; sent++) peer.sendDelivery(1, TAG, sent, false, delivery);
    peer.send(0, connectionBlocked({ reason: "low on memory" }));
    const late = readsOn === 0 ? pollSockets() : told.promise;
    await within(120_000, late, () => `${came.length} came`);
    assertEquals(came, readsOn === 0 ? [] : ["connection.blocked"]);
    for (let sent = 0; sent < 4000; sent++) {
      peer.sendDelivery(1, TAG, sent, false, delivery);
      if (sent % 100 === 0) await pollSockets();
    }
    // and no more than so much
    assertLessOrEqual(deliveries, 2 * readsOn / 1000);
    assertEquals(deliveries >= 10, readsOn > 0);
    client.abort();
    peer.abort();
  });
}

Deno.test("WireLink reads no more of a peer that takes nothing when much is answered to what it delivers", async () => {
  const [here, there] = memoryTransports();
  const client = new WireLink(here, { readsOn: MIB });
  const answer = contentOf({ body: new Uint8Array(10_000) });
  let answered = 0;
  client.run(receiver({
    receiveDelivery() {
      answered += 10_000;
      client.sendContent(1, PUBLISH, answer);
    },
  }));
  const peer = new WireLink(there);
  const delivery = contentOf({ body: new Uint8Array(10) });
  for (let sent = 0; sent < 12_000; sent++) {
    peer.sendDelivery(1, TAG, sent, false, delivery);
    if (sent % 100 === 0) await pollSockets();
  }
  // what stops the reading, as much again, and what is being written
  assertLessOrEqual(answered, 20 * MIB);
  client.abort();
  peer.abort();
});
