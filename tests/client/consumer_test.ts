import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import {
  basicAck,
  basicCancel,
  basicCancelOk,
  basicConsumeOk,
  basicDeliver,
} from "../../broker/amqp/methods/basic.ts";
import { channelClose, channelCloseOk } from "../../broker/amqp/methods/channel.ts";
import { confirmSelectOk } from "../../broker/amqp/methods/confirm.ts";
import { queueDeclareOk } from "../../broker/amqp/methods/queue.ts";
import type {
  ConsumeOptions,
  Consumer,
  Delivery,
  DeliveryCallback,
  IterableConsumer,
} from "../../client/mod.ts";
import { ConnectionLostError } from "../../client/mod.ts";
import { standingTime } from "../support/standing_time.ts";
import { turns } from "../support/turns.ts";
import { Scripted } from "./scripted.ts";

const CLOSED_406 = {
  replyCode: 406,
  replyText: "PRECONDITION_FAILED - unknown delivery tag 9",
  classId: 60,
  methodId: 80,
};

/** Starts a consumer with the tag "t". */
async function consume(script: Scripted, options?: ConsumeOptions): Promise<IterableConsumer> {
  const consuming = script.channel.basicConsume("q", options);
  await script.peer.expect(1, "basic.consume");
  await script.peer.send(1, basicConsumeOk({ consumerTag: "t" }));
  return await consuming;
}

async function consumeBy(
  script: Scripted,
  onDelivery: DeliveryCallback,
  options?: ConsumeOptions,
): Promise<Consumer> {
  const consuming = script.channel.basicConsume("q", options, onDelivery);
  await script.peer.expect(1, "basic.consume");
  await script.peer.send(1, basicConsumeOk({ consumerTag: "t" }));
  return await consuming;
}

/** Delivers messages with these texts, with delivery tags from `first`. */
async function deliver({ peer }: Scripted, texts: readonly string[], first = 1): Promise<void> {
  for (const [index, body] of texts.entries()) {
    await peer.send(
      1,
      basicDeliver({ consumerTag: "t", deliveryTag: first + index, routingKey: "q" }),
      { body },
    );
  }
}

/** Waits until the client has taken all that was sent to it. */
async function settle({ channel, peer }: Scripted): Promise<void> {
  const asking = channel.queueDeclare("q");
  await peer.expect(1, "queue.declare");
  await peer.send(1, queueDeclareOk({ queue: "q" }));
  await asking;
}

async function acceptCancel({ peer }: Scripted): Promise<void> {
  const cancel = await peer.expect(1, "basic.cancel");
  await peer.send(1, basicCancelOk({ consumerTag: cancel.consumerTag }));
}

Deno.test("basicConsume() sends what it is given", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const consuming = channel.basicConsume("q", {
    consumerTag: "mine",
    noAck: true,
    exclusive: true,
    arguments: { "x-priority": 5 },
  });
  assertEquals(await peer.expect(1, "basic.consume"), {
    name: "basic.consume",
    queue: "q",
    consumerTag: "mine",
    noLocal: false,
    noAck: true,
    exclusive: true,
    noWait: false,
    arguments: { "x-priority": 5 },
  });
  await peer.send(1, basicConsumeOk({ consumerTag: "mine" }));
  const consumer = await consuming;
  assertEquals([consumer.consumerTag, consumer.state], ["mine", "active"]);
});

Deno.test("a callback gets each delivery in order, those in the same read as consume-ok too", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const seen: Delivery[] = [];
  const three = Promise.withResolvers<void>();
  const consuming = channel.basicConsume("q", {}, (delivery) => {
    if (seen.push(delivery) === 3) three.resolve();
  });
  await peer.expect(1, "basic.consume");
  peer.send(1, basicConsumeOk({ consumerTag: "t" }));
  await deliver(script, ["a", "b", "c"]);
  await three.promise;
  await consuming;
  assertEquals(seen.map((delivery) => delivery.text()), ["a", "b", "c"]);
  const [first] = seen;
  assert(first !== undefined);
  assertEquals([first.consumerTag, first.deliveryTag, first.redelivered], ["t", 1, false]);
  assertEquals([first.exchange, first.routingKey, first.messageCount], ["", "q", undefined]);
});

Deno.test("a delivery is settled once", async () => {
  await using script = await Scripted.open();
  const { peer } = script;
  const consumer = await consume(script);
  await deliver(script, ["a", "b", "c", "d"]);
  const [one, two, three, four] = [
    (await consumer.next()).value!,
    (await consumer.next()).value!,
    (await consumer.next()).value!,
    (await consumer.next()).value!,
  ];
  one.ack();
  two.nack();
  three.nack({ requeue: false, multiple: true });
  four.ack({ multiple: true });
  for (const again of [() => one.ack(), () => two.nack(), () => three.reject()]) {
    assertThrows(again, TypeError, "it is settled");
  }
  assertEquals((await peer.expect(1, "basic.ack")).deliveryTag, 1);
  const nack = await peer.expect(1, "basic.nack");
  assertEquals([nack.deliveryTag, nack.requeue, nack.multiple], [2, true, false]);
  const nackMore = await peer.expect(1, "basic.nack");
  assertEquals([nackMore.deliveryTag, nackMore.requeue, nackMore.multiple], [3, false, true]);
  assertEquals((await peer.expect(1, "basic.ack")).multiple, true);
});

Deno.test("a delivery with noAck cannot be settled", async () => {
  await using script = await Scripted.open();
  const consumer = await consume(script, { noAck: true });
  await deliver(script, ["a"]);
  const { value } = await consumer.next();
  assertThrows(() => value!.ack(), TypeError, "noAck");
});

Deno.test("a delivery's body and properties outlive the buffers that they came in", async () => {
  await using script = await Scripted.open();
  const { peer } = script;
  const consumer = await consume(script);
  const properties = { headers: { list: [1, "two", { three: true }] }, messageId: "m" };
  const bodies = [0, 1, 100, 4096, 4097, 100_000].map((size) => new Uint8Array(size).fill(size));
  for (const [index, body] of bodies.entries()) {
    const method = basicDeliver({ consumerTag: "t", deliveryTag: index + 1 });
    await peer.send(1, method, { body, properties });
  }
  const deliveries: Delivery[] = [];
  for (const _ of bodies) deliveries.push((await consumer.next()).value!);
  await deliver(script, new Array(500).fill("y".repeat(300)), 7);
  await settle(script);
  for (const [index, delivery] of deliveries.entries()) {
    assertEquals(delivery.body, bodies[index]);
    assertEquals(delivery.bodySize, bodies[index]!.length);
    assertEquals(delivery.properties, properties);
  }
});

Deno.test("iterating waits for deliveries that have not come", async () => {
  await using script = await Scripted.open();
  const consumer = await consume(script);
  const both = Promise.all([consumer.next(), consumer.next()]);
  await deliver(script, ["a", "b"]);
  const [first, second] = await both;
  assertEquals([first.value?.text(), second.value?.text()], ["a", "b"]);
});

Deno.test("leaving the loop cancels the consumer and gives back what was not looked at", async () => {
  await using script = await Scripted.open();
  const { peer } = script;
  const consumer = await consume(script);
  await deliver(script, ["a", "b", "c"]);
  await settle(script);
  const looping = (async () => {
    for await (const delivery of consumer) {
      delivery.ack();
      break;
    }
  })();
  assertEquals((await peer.expect(1, "basic.ack")).deliveryTag, 1);
  await peer.expect(1, "basic.cancel");
  await deliver(script, ["d"], 4); // was on its way
  await peer.send(1, basicCancelOk({ consumerTag: "t" }));
  await looping;
  for (const deliveryTag of [2, 3, 4]) {
    const nack = await peer.expect(1, "basic.nack");
    assertEquals([nack.deliveryTag, nack.requeue, nack.multiple], [deliveryTag, true, false]);
  }
  assertEquals(consumer.state, "cancelled");
  assertEquals(await consumer.next(), { done: true, value: undefined });
});

Deno.test("cancel() lets a loop come to its end", async () => {
  await using script = await Scripted.open();
  const consumer = await consume(script);
  await deliver(script, ["a", "b"]);
  await settle(script);
  await Promise.all([consumer.cancel(), acceptCancel(script)]);
  const seen: string[] = [];
  for await (const delivery of consumer) seen.push(delivery.text());
  assertEquals(seen, ["a", "b"]);
  await consumer.cancel();
});

Deno.test("cancel() ends a loop that waits", async () => {
  await using script = await Scripted.open();
  const consumer = await consume(script);
  const next = consumer.next();
  await Promise.all([consumer.cancel(), acceptCancel(script)]);
  assertEquals(await next, { done: true, value: undefined });
});

Deno.test("disposing of a consumer cancels it", async () => {
  await using script = await Scripted.open();
  const { peer } = script;
  const iterated = await consume(script);
  await deliver(script, ["a"]);
  await settle(script);
  await Promise.all([iterated[Symbol.asyncDispose](), acceptCancel(script)]);
  assertEquals((await peer.expect(1, "basic.nack")).deliveryTag, 1);
  const called = await consumeBy(script, () => {});
  await Promise.all([called[Symbol.asyncDispose](), acceptCancel(script)]);
  assertEquals([iterated.state, called.state], ["cancelled", "cancelled"]);
});

Deno.test("basic.cancel from the broker ends a loop after what came before", async () => {
  await using script = await Scripted.open();
  const cancelled: string[] = [];
  const consumer = await consume(script, { onCancel: () => void cancelled.push(consumer.state) });
  await deliver(script, ["a"]);
  await script.peer.send(1, basicCancel({ consumerTag: "t", noWait: true }));
  const seen: string[] = [];
  for await (const delivery of consumer) seen.push(delivery.text());
  assertEquals(seen, ["a"]);
  assertEquals(consumer.state, "cancelledByBroker");
  assertEquals(cancelled, ["cancelledByBroker"]);
  await consumer.cancel(); // nothing is left to cancel
});

Deno.test("a loop that waits when the broker cancels ends after onCancel was called", async () => {
  await using script = await Scripted.open();
  const events: string[] = [];
  const consumer = await consume(script, { onCancel: () => void events.push("cancelled") });
  const loop = (async () => {
    for await (const _ of consumer);
    events.push("ended");
  })();
  await script.peer.send(1, basicCancel({ consumerTag: "t", noWait: true }));
  await loop;
  assertEquals(events, ["cancelled", "ended"]);
});

Deno.test("a loop ends after onCancel was called, however long others have their turn before", async () => {
  using _time = standingTime(6); // whoever looks at the clock lets others through first
  await using script = await Scripted.open();
  for (const bodies of [[], ["a"], ["a", "b"]]) {
    const events: string[] = [];
    const consumer = await consume(script, { onCancel: () => void events.push("cancelled") });
    await deliver(script, bodies);
    await script.peer.send(1, basicCancel({ consumerTag: "t", noWait: true }));
    for await (const delivery of consumer) events.push(delivery.text());
    events.push("ended");
    assertEquals(events.toSorted(), [...bodies, "cancelled", "ended"]);
    assertEquals(events.at(-1), "ended");
    assertEquals((await consumer.next()).done, true);
  }
});

Deno.test("basic.cancel from the broker calls onCancel after the last delivery", async () => {
  await using script = await Scripted.open();
  const events: string[] = [];
  const ended = Promise.withResolvers<void>();
  const consumer = await consumeBy(script, (delivery) => void events.push(delivery.text()), {
    onCancel: () => {
      events.push("cancelled");
      ended.resolve();
    },
  });
  await deliver(script, ["a", "b"]);
  await script.peer.send(1, basicCancel({ consumerTag: "t" }));
  const cancelOk = await script.peer.expect(1, "basic.cancel-ok");
  assertEquals(cancelOk.consumerTag, "t");
  await ended.promise;
  assertEquals(events, ["a", "b", "cancelled"]);
  assertEquals(consumer.state, "cancelledByBroker");
});

Deno.test("a loop throws why the broker closed the channel", async () => {
  await using script = await Scripted.open();
  const { peer } = script;
  const consumer = await consume(script);
  const next = consumer.next();
  await peer.send(1, channelClose(CLOSED_406));
  await assertRejects(() => next, AmqpError, "unknown delivery tag 9");
  assertEquals(consumer.state, "closed");
  assertEquals((await consumer.next()).done, true);
});

Deno.test("a loop that comes back to a closed channel throws why, and drops what is requeued", async () => {
  await using script = await Scripted.open();
  const { peer } = script;
  const consumer = await consume(script);
  await deliver(script, ["a", "b"]);
  await peer.send(1, channelClose(CLOSED_406));
  await peer.expect(1, "channel.close-ok");
  await assertRejects(() => consumer.next(), AmqpError, "unknown delivery tag 9");
  assertEquals((await consumer.next()).done, true);
});

Deno.test("a loop with noAck gets what came before the connection was lost", async () => {
  await using script = await Scripted.open();
  const { connection, peer } = script;
  const consumer = await consume(script, { noAck: true });
  await deliver(script, ["a", "b"]);
  await settle(script);
  peer.close();
  await connection.closed;
  const seen: string[] = [];
  await assertRejects(async () => {
    for await (const delivery of consumer) seen.push(delivery.text());
  }, ConnectionLostError);
  assertEquals(seen, ["a", "b"]);
});

Deno.test("a loop ends when this program closes the channel", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const consumer = await consume(script);
  await deliver(script, ["a"]);
  await settle(script);
  const closing = channel.close();
  await peer.expect(1, "channel.close");
  await deliver(script, ["b"], 2); // was on its way
  await peer.send(1, channelCloseOk());
  await closing;
  assertEquals((await consumer.next()).done, true);
  assertEquals(consumer.state, "closed");
});

Deno.test("no callback is called after this program closed the channel", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const seen: string[] = [];
  await consumeBy(script, (delivery) => {
    seen.push(delivery.text());
    channel.close();
  }, { noAck: true });
  await deliver(script, ["a"]);
  await peer.expect(1, "channel.close");
  await deliver(script, ["b", "c"], 2);
  await peer.send(1, channelCloseOk());
  await channel.closed;
  assertEquals(seen, ["a"]);
});

for (
  const { name, callback } of [
    {
      name: "throws",
      callback: () => {
        throw new Error("cannot handle it");
      },
    },
    { name: "rejects", callback: () => Promise.reject(new Error("cannot handle it")) },
  ]
) {
  Deno.test(`a callback that ${name} closes its channel with the error`, async () => {
    await using script = await Scripted.open();
    const { connection, channel, peer } = script;
    await consumeBy(script, callback);
    await deliver(script, ["a"]);
    const close = await peer.expect(1, "channel.close");
    assertEquals(close.replyCode, 541);
    await peer.send(1, channelCloseOk());
    const reason = await channel.closed;
    assertInstanceOf(reason, Error);
    assertEquals(reason.message, "cannot handle it");
    await assertRejects(() => channel.queueDeclare(), Error, "cannot handle it");
    await Promise.all([connection.openChannel(), peer.acceptChannel(1)]);
  });

  Deno.test(`a callback that ${name} is told to onError, and its channel goes on`, async () => {
    await using script = await Scripted.open();
    const { connection, peer } = script;
    const errors: unknown[] = [];
    connection.onError = (error, delivery) => {
      errors.push(error);
      delivery?.nack();
    };
    await consumeBy(script, callback);
    await deliver(script, ["a", "b"]);
    assertEquals((await peer.expect(1, "basic.nack")).deliveryTag, 1);
    assertEquals((await peer.expect(1, "basic.nack")).deliveryTag, 2);
    assertEquals(errors.map(String), ["Error: cannot handle it", "Error: cannot handle it"]);
  });
}

Deno.test("onError that throws closes the channel with what it threw", async () => {
  await using script = await Scripted.open();
  const { connection, channel, peer } = script;
  connection.onError = () => {
    throw "even worse";
  };
  await consumeBy(script, () => Promise.reject(new Error("bad")));
  await deliver(script, ["a"]);
  await peer.expect(1, "channel.close");
  await peer.send(1, channelCloseOk());
  assertEquals((await channel.closed)?.cause, "even worse");
});

Deno.test("a delivery that is settled after its channel closed throws why", async () => {
  await using script = await Scripted.open();
  const { peer } = script;
  const consumer = await consume(script);
  await deliver(script, ["a"]);
  const { value } = await consumer.next();
  await peer.send(1, channelClose(CLOSED_406));
  await peer.expect(1, "channel.close-ok");
  assertThrows(() => value!.ack(), AmqpError, "unknown delivery tag 9");
});

Deno.test("a client stops reading when an iterator holds enough, and goes on when it is taken", async () => {
  await using script = await Scripted.open();
  const { peer } = script;
  const consumer = await consume(script);
  const body = "x".repeat(50_000);
  // far more than what the client holds, what is under way and what the pipe takes
  const sent = new Set<number>();
  const sending = (async () => {
    for (let deliveryTag = 1; deliveryTag <= 400; deliveryTag++) {
      await peer.send(1, basicDeliver({ consumerTag: "t", deliveryTag }), { body });
      sent.add(deliveryTag);
    }
  })();
  await idle();
  assert(sent.size < 200, `${sent.size} deliveries went out`);
  for (let deliveryTag = 1; deliveryTag <= 400; deliveryTag++) {
    assertEquals((await consumer.next()).value?.deliveryTag, deliveryTag);
  }
  await sending;
});

Deno.test("a client goes on reading when its user waits for a reply", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const consumer = await consume(script);
  const body = "x".repeat(50_000);
  const sending = (async () => {
    for (let deliveryTag = 1; deliveryTag <= 200; deliveryTag++) {
      await peer.send(1, basicDeliver({ consumerTag: "t", deliveryTag }), { body });
    }
    await peer.send(1, queueDeclareOk({ queue: "q" }));
  })();
  await idle();
  await channel.queueDeclare("q");
  await sending;
  assertEquals((await consumer.next()).value?.deliveryTag, 1);
});

Deno.test("a client goes on reading while a callback waits for a delivery", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  await consume(script);
  const called = Promise.withResolvers<Delivery>();
  const consuming = channel.basicConsume("replies", {}, called.resolve);
  await peer.expect(1, "basic.consume");
  await peer.send(1, basicConsumeOk({ consumerTag: "replies" }));
  await consuming;
  const body = "x".repeat(50_000);
  for (let deliveryTag = 1; deliveryTag <= 200; deliveryTag++) {
    await peer.send(1, basicDeliver({ consumerTag: "t", deliveryTag }), { body });
  }
  await idle();
  await peer.send(1, basicDeliver({ consumerTag: "replies", deliveryTag: 201 }), { body: "reply" });
  assertEquals((await called.promise).text(), "reply");
});

Deno.test("a client goes on reading while a publisher confirm is awaited", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const selecting = channel.confirmSelect();
  await peer.expect(1, "confirm.select");
  await peer.send(1, confirmSelectOk());
  await selecting;
  await consume(script);
  const body = "x".repeat(50_000);
  const sending = (async () => {
    for (let deliveryTag = 1; deliveryTag <= 200; deliveryTag++) {
      await peer.send(1, basicDeliver({ consumerTag: "t", deliveryTag }), { body });
    }
    await peer.send(1, basicAck({ deliveryTag: 1 }));
  })();
  await idle();
  await channel.basicPublish({}, "x");
  await sending;
});

Deno.test("a client that stopped reading still closes", async () => {
  await using script = await Scripted.open();
  const { connection, channel, peer } = script;
  await consume(script, { noAck: true });
  const [other] = await Promise.all([connection.openChannel(), peer.acceptChannel(2)]);
  const body = "x".repeat(50_000);
  const sending = (async () => {
    for (let deliveryTag = 1; deliveryTag <= 200; deliveryTag++) {
      await peer.send(1, basicDeliver({ consumerTag: "t", deliveryTag }), { body });
    }
    await peer.send(2, channelCloseOk());
  })();
  await idle();
  await other.close();
  await sending;
  const closing = connection.close();
  await peer.expect(2, "channel.close");
  await peer.acceptClose();
  await closing;
  assertEquals(await channel.closed, undefined);
});

/** Lets everything that can happen without new input happen. */
async function idle(): Promise<void> {
  await turns(15);
}
