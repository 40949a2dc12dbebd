import {
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { concat } from "@std/bytes";
import { AmqpError } from "../../broker/amqp/error.ts";
import {
  basicAck,
  basicCancelOk,
  basicConsumeOk,
  basicDeliver,
  basicGetEmpty,
  basicGetOk,
  basicNack,
  basicQosOk,
  basicReturn,
} from "../../broker/amqp/methods/basic.ts";
import { channelClose, channelCloseOk, channelFlow } from "../../broker/amqp/methods/channel.ts";
import { confirmSelectOk } from "../../broker/amqp/methods/confirm.ts";
import { queueBindOk, queueDeclareOk } from "../../broker/amqp/methods/queue.ts";
import { txCommitOk, txRollbackOk, txSelectOk } from "../../broker/amqp/methods/tx.ts";
import type { BasicProperties } from "../../broker/amqp/properties.ts";
import type { PublishOptions, ReturnedMessage } from "../../client/mod.ts";
import { Broker, EncodeError, PublishNackedError } from "../../mod.ts";
import { bodyFrame, headerFrame, methodFrame } from "../amqp/frames.ts";
import { makeQuickDirectory } from "../support/quick_directory.ts";
import { freshTurn } from "../support/standing_time.ts";
import { Scripted } from "./scripted.ts";

const NOT_FOUND = {
  replyCode: 404,
  replyText: "NOT_FOUND - no queue 'q' in vhost '/'",
  classId: 50,
  methodId: 10,
};

Deno.test("Channel.queueDeclare() sends what it is given and gives what is answered", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const declaring = channel.queueDeclare("q", {
    durable: true,
    exclusive: true,
    arguments: { "x-max-length": 10, "x-expires": undefined } as unknown as Record<string, number>,
  });
  assertEquals(await peer.expect(1, "queue.declare"), {
    name: "queue.declare",
    queue: "q",
    passive: false,
    durable: true,
    exclusive: true,
    autoDelete: false,
    noWait: false,
    arguments: { "x-max-length": 10 },
  });
  await peer.send(1, queueDeclareOk({ queue: "q", messageCount: 7, consumerCount: 2 }));
  assertEquals(await declaring, { queue: "q", messageCount: 7, consumerCount: 2 });
});

Deno.test("calls go out without waiting for one another; replies find their call", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const declaring = channel.queueDeclare("a");
  const declaringToo = channel.queueDeclare("b");
  const binding = channel.queueBind({ queue: "a", exchange: "amq.fanout" });
  await peer.expect(1, "queue.declare");
  await peer.expect(1, "queue.declare");
  await peer.expect(1, "queue.bind");
  await peer.send(1, queueDeclareOk({ queue: "a" }));
  await peer.send(1, queueDeclareOk({ queue: "b" }));
  await peer.send(1, queueBindOk());
  assertEquals((await declaring).queue, "a");
  assertEquals((await declaringToo).queue, "b");
  await binding;
});

Deno.test("a commit may be answered after what was asked later", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const committing = channel.txCommit();
  const declaring = channel.queueDeclare("q");
  await peer.expect(1, "tx.commit");
  await peer.expect(1, "queue.declare");
  await peer.send(1, queueDeclareOk({ queue: "q" }));
  assertEquals((await declaring).queue, "q");
  await peer.send(1, txCommitOk());
  await committing;
});

Deno.test("channel.close from the broker is answered and rejects all that waits", async () => {
  await using script = await Scripted.open();
  const { connection, channel, peer } = script;
  const declaring = channel.queueDeclare("q", { passive: true });
  const binding = channel.queueBind({ queue: "q", exchange: "e" });
  await peer.expect(1, "queue.declare");
  await peer.expect(1, "queue.bind");
  // the answer may leave in a later round of the loop than the one in which they reject
  void Promise.allSettled([declaring, binding]);
  await peer.send(1, channelClose(NOT_FOUND));
  await peer.expect(1, "channel.close-ok");
  for (const call of [declaring, binding]) {
    const error = await assertRejects(() => call, AmqpError, "no queue 'q'");
    assertEquals([error.replyCode, error.classId, error.methodId], [404, 50, 10]);
    assertEquals(error.hard, false);
  }
  assertInstanceOf(await channel.closed, AmqpError);

  await assertRejects(() => channel.queueDeclare(), AmqpError, "no queue 'q'");
  for (
    const call of [
      () => channel.basicPublish({}, "x"),
      () => channel.basicAck(1),
      () => channel.basicNack(1),
      () => channel.basicReject(1),
    ]
  ) assertThrows(call, AmqpError, "no queue 'q'");
  await channel.close();

  // the connection goes on, and the number can be used again
  const [again] = await Promise.all([connection.openChannel(), peer.acceptChannel(1)]);
  assertEquals(again.number, 1);
});

Deno.test("Channel.close() answers a broker that closes at the same time", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const closing = channel.close();
  await peer.expect(1, "channel.close");
  await peer.send(1, channelClose(NOT_FOUND));
  await peer.expect(1, "channel.close-ok");
  await peer.send(1, channelCloseOk());
  await closing;
  assertEquals(await channel.closed, undefined);
});

Deno.test("Channel.close() lets calls that are under way finish and refuses new ones", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const declaring = channel.queueDeclare("q");
  const closing = channel.close();
  await assertRejects(() => channel.queueDeclare(), TypeError, "channel is closed");
  await peer.expect(1, "queue.declare");
  await peer.send(1, queueDeclareOk({ queue: "q" }));
  await peer.expect(1, "channel.close");
  await peer.send(1, channelCloseOk());
  assertEquals((await declaring).queue, "q");
  await closing;
});

Deno.test("basicPublish() sends exchange, key, flags, properties and body", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const properties: BasicProperties = {
    contentType: "text/plain",
    deliveryMode: 2,
    headers: { one: 1, half: 0.5, nested: { list: ["a", null] } },
    timestamp: new Date(1_700_000_000_000),
  };
  const published = channel.basicPublish(
    { exchange: "e", routingKey: "k", mandatory: true, properties },
    "grüße",
  );
  assertEquals(published, undefined);
  const message = await peer.expectContent(1, "basic.publish");
  assertEquals([message.exchange, message.routingKey], ["e", "k"]);
  assertEquals([message.mandatory, message.immediate], [true, false]);
  assertEquals(message.properties, properties);
  assertEquals(message.text, "grüße");
});

Deno.test("basicPublish() takes bytes and texts of any size", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const texts = ["", "x", "é", "x".repeat(48), "x".repeat(49), "é".repeat(8192), "é".repeat(9000)];
  for (const text of texts) channel.basicPublish({}, text);
  for (const text of texts) {
    assertEquals((await peer.expectContent(1, "basic.publish")).text, text);
  }
  const bytes = new Uint8Array(300_000).map((_, index) => index * 7);
  channel.basicPublish({ transfer: true }, bytes.subarray(1));
  assertEquals((await peer.expectContent(1, "basic.publish")).body, bytes.slice(1));
});

Deno.test("basicPublish() takes the body before it returns", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const body = new Uint8Array([1, 2, 3]);
  channel.basicPublish({}, body);
  body.fill(0);
  assertEquals([...(await peer.expectContent(1, "basic.publish")).body], [1, 2, 3]);
});

Deno.test("basicPublish() does not mix up what it was given before", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const options: readonly PublishOptions[] = [
    { exchange: "a", routingKey: "1", properties: { type: "t" } },
    { exchange: "a", routingKey: "1" },
    { exchange: "a", routingKey: "2", mandatory: true },
    { exchange: "b", routingKey: "2" },
    {},
  ];
  for (const each of options) channel.basicPublish(each, "x");
  for (const { exchange = "", routingKey = "", mandatory = false, properties = {} } of options) {
    const message = await peer.expectContent(1, "basic.publish");
    assertEquals([message.exchange, message.routingKey], [exchange, routingKey]);
    assertEquals([message.mandatory, message.properties], [mandatory, properties]);
  }
});

for (
  const { name, options, body } of [
    { name: "an exchange's name of 256 octets", options: { exchange: "é".repeat(128) } },
    { name: "a routing key of 256 octets", options: { routingKey: "k".repeat(256) } },
    { name: "a routing key that is no string", options: { routingKey: 7 } },
    { name: "an unknown property", options: { properties: { colour: "red" } } },
    { name: "a header that is a function", options: { properties: { headers: { f() {} } } } },
    { name: "a body that is an object", options: {}, body: { json: true } },
    { name: "a body that is an array buffer", options: {}, body: new ArrayBuffer(1) },
  ]
) {
  Deno.test(`basicPublish() refuses ${name} and sends nothing`, async () => {
    await using script = await Scripted.open();
    const { channel, peer } = script;
    assertThrows(
      () => channel.basicPublish(options as PublishOptions, (body ?? "x") as string),
      TypeError,
    );
    channel.basicPublish({ routingKey: "next" }, "y");
    const message = await peer.expectContent(1, "basic.publish");
    assertEquals([message.routingKey, message.text, message.properties], ["next", "y", {}]);
  });
}

for (
  const { name, call } of [
    { name: "queueDeclare", call: "queueDeclare" },
    { name: "queuePurge", call: "queuePurge" },
    { name: "queueDelete", call: "queueDelete" },
    { name: "exchangeDelete", call: "exchangeDelete" },
    { name: "basicConsume", call: "basicConsume" },
    { name: "basicGet", call: "basicGet" },
    { name: "basicCancel", call: "basicCancel" },
  ] as const
) {
  Deno.test(`${name}() rejects a name of 256 octets and sends nothing`, async () => {
    await using script = await Scripted.open();
    const { channel, peer } = script;
    await assertRejects(() => channel[call]("x".repeat(256)), TypeError, "255 octets");
    await assertRejects(() => channel[call](7 as unknown as string), TypeError, "not a string");
    channel.basicPublish({}, "next");
    assertEquals((await peer.expectContent(1, "basic.publish")).text, "next");
  });
}

Deno.test("basicQos() refuses a count that does not fit", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  for (const prefetchCount of [-1, 0.5, 65_536, NaN]) {
    await assertRejects(() => channel.basicQos({ prefetchCount }), RangeError, "prefetchCount");
  }
  const setting = channel.basicQos({ prefetchCount: 65_535, global: true });
  const qos = await peer.expect(1, "basic.qos");
  assertEquals([qos.prefetchCount, qos.prefetchSize, qos.global], [65_535, 0, true]);
  await peer.send(1, basicQosOk());
  await setting;
});

Deno.test("basicPublish() resolves when the broker confirms, in whatever order", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const selecting = channel.confirmSelect();
  const first = channel.basicPublish({}, "1"); // counts already
  await peer.expect(1, "confirm.select");
  await peer.send(1, confirmSelectOk());
  await selecting;
  const second = channel.basicPublish({}, "2");
  const third = channel.basicPublish({}, "3");
  const fourth = channel.basicPublish({}, "4");
  await peer.send(1, basicNack({ deliveryTag: 3 }));
  const error = await assertRejects(async () => await third, PublishNackedError);
  assertEquals(error.deliveryTag, 3);
  await peer.send(1, basicAck({ deliveryTag: 2, multiple: true }));
  await first;
  await second;
  await peer.send(1, basicAck({ deliveryTag: 4 }));
  await fourth;
  await assertRejects(() => channel.waitForConfirms(), PublishNackedError);
  await channel.waitForConfirms();
});

Deno.test("an unconfirmed publish rejects when the channel closes first", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const selecting = channel.confirmSelect();
  await peer.send(1, confirmSelectOk());
  await selecting;
  const publishing = channel.basicPublish({ exchange: "nowhere" }, "1");
  channel.basicPublish({ exchange: "nowhere" }, "2"); // nobody awaits this one
  const waiting = channel.waitForConfirms();
  await peer.send(1, channelClose(NOT_FOUND));
  await assertRejects(async () => await publishing, AmqpError, "NOT_FOUND");
  await assertRejects(() => waiting, AmqpError, "NOT_FOUND");
});

Deno.test("a refused publish in confirm mode is not counted", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const selecting = channel.confirmSelect();
  await peer.send(1, confirmSelectOk());
  await selecting;
  assertThrows(() => channel.basicPublish({ routingKey: "k".repeat(256) }, "x"), TypeError);
  const publishing = channel.basicPublish({}, "1");
  await peer.send(1, basicAck({ deliveryTag: 1 }));
  await publishing;
});

Deno.test("waitForConfirms() needs confirm mode", async () => {
  await using script = await Scripted.open();
  await assertRejects(() => script.channel.waitForConfirms(), TypeError, "confirmSelect");
});

Deno.test("onReturn gets a mandatory message before its publish is confirmed", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const selecting = channel.confirmSelect();
  await peer.send(1, confirmSelectOk());
  await selecting;
  const events: string[] = [];
  let returned: ReturnedMessage | undefined;
  channel.onReturn = (message) => {
    returned = message;
    events.push("returned");
  };
  const publishing = channel.basicPublish({ routingKey: "nowhere", mandatory: true }, "x")!
    .then(() => events.push("confirmed"));
  const why = { replyCode: 312, replyText: "NO_ROUTE", exchange: "", routingKey: "nowhere" };
  await peer.send(1, basicReturn(why), { body: "x", properties: { type: "t", headers: { a: 1 } } });
  await peer.send(1, basicAck({ deliveryTag: 1 }));
  await publishing;
  assertEquals(events, ["returned", "confirmed"]);
  assertEquals([returned?.replyCode, returned?.replyText], [312, "NO_ROUTE"]);
  assertEquals([returned?.exchange, returned?.routingKey], ["", "nowhere"]);
  assertEquals(returned?.text(), "x");
  assertEquals(returned?.properties, { headers: { a: 1 }, type: "t" });
});

Deno.test("what was confirmed behind a message that came back is confirmed, though the channel ends with it", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const selecting = channel.confirmSelect();
  await peer.send(1, confirmSelectOk());
  await selecting;
  const events: string[] = [];
  channel.onReturn = () => events.push("returned");
  void channel.closed.then(() => events.push("closed"));
  const publishing = ["1", "2", "3"].map((body) =>
    channel.basicPublish({ routingKey: "nowhere", mandatory: body === "1" }, body)!
      .then(() => events.push(`${body} confirmed`), () => events.push(`${body} failed`))
  );
  const waiting = assertRejects(() => channel.waitForConfirms(), AmqpError, "NOT_FOUND");
  const why = { replyCode: 312, replyText: "NO_ROUTE", exchange: "", routingKey: "nowhere" };
  // all of it is read in one go
  await peer.sendBytes(concat([
    methodFrame(1, basicReturn(why)),
    headerFrame(1, 1),
    bodyFrame(1, "1"),
    methodFrame(1, basicAck({ deliveryTag: 2, multiple: true })),
    methodFrame(1, channelClose(NOT_FOUND)),
  ]));
  await Promise.all([...publishing, waiting, channel.closed]);
  assertEquals(events, ["returned", "1 confirmed", "2 confirmed", "3 failed", "closed"]);
});

Deno.test("confirms that wait behind a message that came back keep their order, also when it has the channel closed", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const errors: unknown[] = [];
  for (const how of ["close", "throw", undefined]) {
    const channel = await connection.openChannel();
    const { queue } = await channel.queueDeclare();
    const { queue: full } = await channel.queueDeclare("", {
      arguments: { "x-max-length": 0, "x-overflow": "reject-publish" },
    });
    await channel.confirmSelect();
    channel.onReturn = () => {
      if (how === "close") void channel.close();
      if (how === "throw") throw new Error("unable");
    };
    const published = [queue, "nowhere", full, queue, queue].map((routingKey) =>
      channel.basicPublish({ routingKey, mandatory: true }, "x")!
        .then(() => "confirmed", (error) => (errors.push(error), "refused"))
    );
    assertEquals(
      await Promise.all(published),
      ["confirmed", "confirmed", "refused", "confirmed", "confirmed"],
      how,
    );
    await channel.close();
  }
  for (const error of errors) assertInstanceOf(error, PublishNackedError);
});

Deno.test("a returned message without onReturn is dropped", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  await peer.send(1, basicReturn({ replyCode: 312, replyText: "NO_ROUTE" }), { body: "x" });
  const declaring = channel.queueDeclare("q");
  await peer.expect(1, "queue.declare");
  await peer.send(1, queueDeclareOk({ queue: "q" }));
  await declaring;
});

Deno.test("channel.flow pauses publishers and is answered", async () => {
  using _time = await freshTurn(); // in which nothing else makes a publish wait
  await using script = await Scripted.open();
  const { channel, peer } = script;
  await peer.send(1, channelFlow({ active: false }));
  assertEquals((await peer.expect(1, "channel.flow-ok")).active, false);
  const waiting = channel.basicPublish({}, "1");
  assertInstanceOf(waiting, Promise);
  const body = new TextEncoder().encode("2");
  const alsoWaiting = channel.basicPublish({ properties: { type: "t" } }, body);
  body.fill(0);
  // nothing but contents is held back
  const declaring = channel.queueDeclare("q");
  assertEquals((await peer.next())?.method.name, "queue.declare");
  await peer.send(1, queueDeclareOk({ queue: "q" }));
  await declaring;
  await peer.send(1, channelFlow({ active: true }));
  assertEquals((await peer.expect(1, "channel.flow-ok")).active, true);
  await Promise.all([waiting, alsoWaiting]);
  assertEquals(channel.basicPublish({}, "3"), undefined);
  assertEquals((await peer.expectContent(1, "basic.publish")).text, "1");
  const second = await peer.expectContent(1, "basic.publish");
  assertEquals([second.text, second.properties.type], ["2", "t"]);
  assertEquals((await peer.expectContent(1, "basic.publish")).text, "3");
});

Deno.test("basicGet() gives a delivery with what is left, or undefined", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const getting = channel.basicGet("q");
  const get = await peer.expect(1, "basic.get");
  assertEquals([get.queue, get.noAck], ["q", false]);
  await peer.send(
    1,
    basicGetOk({
      deliveryTag: 5,
      redelivered: true,
      exchange: "e",
      routingKey: "k",
      messageCount: 3,
    }),
    { body: '{"a":[1]}', properties: { contentType: "application/json" } },
  );
  const delivery = (await getting)!;
  assertEquals([delivery.deliveryTag, delivery.redelivered, delivery.messageCount], [5, true, 3]);
  assertEquals([delivery.exchange, delivery.routingKey, delivery.consumerTag], ["e", "k", ""]);
  assertEquals(delivery.json(), { a: [1] });
  assertEquals(delivery.properties, { contentType: "application/json" });
  delivery.reject();
  const reject = await peer.expect(1, "basic.reject");
  assertEquals([reject.deliveryTag, reject.requeue], [5, true]);

  const gettingAgain = channel.basicGet("q", { noAck: true });
  await peer.expect(1, "basic.get");
  await peer.send(1, basicGetEmpty());
  assertEquals(await gettingAgain, undefined);
});

Deno.test("an acknowledgement by tag goes out as it was given", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  channel.basicAck(3, { multiple: true });
  channel.basicNack(4);
  channel.basicNack(0, { multiple: true, requeue: false });
  channel.basicReject(2 ** 40, { requeue: false });
  assertEquals(await peer.expect(1, "basic.ack"), {
    name: "basic.ack",
    deliveryTag: 3,
    multiple: true,
  });
  const nacks = [await peer.expect(1, "basic.nack"), await peer.expect(1, "basic.nack")];
  assertEquals(nacks.map((nack) => [nack.deliveryTag, nack.multiple, nack.requeue]), [
    [4, false, true],
    [0, true, false],
  ]);
  const reject = await peer.expect(1, "basic.reject");
  assertEquals([reject.deliveryTag, reject.requeue], [2 ** 40, false]);
  for (const tag of [-1, 1.5, NaN]) assertThrows(() => channel.basicAck(tag), RangeError);
});

/** A loop over what is delivered to the consumer `c`, and how to deliver to it. */
async function loopOf({ channel, peer }: Scripted) {
  const consuming = channel.basicConsume("q");
  await peer.expect(1, "basic.consume");
  await peer.send(1, basicConsumeOk({ consumerTag: "c" }));
  const deliver = (deliveryTag: number) =>
    peer.send(1, basicDeliver({ consumerTag: "c", deliveryTag }), { body: `${deliveryTag}` });
  return { loop: await consuming, deliver };
}

Deno.test("a loop gives nothing back that was settled on its way, with all that there was", async () => {
  for (const verb of ["basicAck", "basicNack"] as const) {
    await using script = await Scripted.open();
    const { channel, peer } = script;
    const { loop, deliver } = await loopOf(script);
    await deliver(1);
    await loop.next();
    channel[verb](0, { multiple: true });
    // the broker sends the second before it hears of that, and the third for it
    await deliver(2);
    await peer.expect(1, "basic.cancel");
    await peer.send(1, basicCancelOk());
    await peer.expect(1, verb === "basicAck" ? "basic.ack" : "basic.nack");
    await deliver(3);
    const leaving = loop.return();
    await peer.expect(1, "basic.cancel");
    await peer.send(1, basicCancelOk({ consumerTag: "c" }));
    await leaving;
    assertEquals((await peer.expect(1, "basic.nack")).deliveryTag, 3);
  }
});

Deno.test("a loop that begins while all is settled gives nothing back that was", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const deliver = (deliveryTag: number) =>
    peer.send(1, basicDeliver({ consumerTag: "c", deliveryTag }), { body: `${deliveryTag}` });
  const consuming = channel.basicConsume("q");
  channel.basicAck(0, { multiple: true });
  await peer.expect(1, "basic.consume");
  await peer.send(1, basicConsumeOk({ consumerTag: "c" }));
  await deliver(1);
  await peer.expect(1, "basic.cancel");
  await peer.send(1, basicCancelOk());
  await peer.expect(1, "basic.ack");
  await deliver(2);
  const leaving = (await consuming).return();
  await peer.expect(1, "basic.cancel");
  await peer.send(1, basicCancelOk({ consumerTag: "c" }));
  await leaving;
  assertEquals((await peer.expect(1, "basic.nack")).deliveryTag, 2);
});

Deno.test("a loop gives nothing back twice in process either, where what it settles may have to wait", async () => {
  const dataDir = await makeQuickDirectory("warren-settled-");
  try {
    await using broker = new Broker({ dataDir });
    await using connection = await broker.connect();
    const [channel, other] = [await connection.openChannel(), await connection.openChannel()];
    const { queue } = await channel.queueDeclare();
    const loop = await channel.basicConsume(queue);
    // until that is on disk
    const declaring = channel.queueDeclare("durable", { durable: true });
    channel.basicAck(0, { multiple: true });
    other.basicPublish({ routingKey: queue }, "on its way by then");
    await declaring;
    await loop.return();
    assertEquals(await channel.basicGet(queue), undefined);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("what was settled on its way to a loop stays so after a rollback, if that was committed", async () => {
  for (const committed of [true, false]) {
    await using script = await Scripted.open();
    const { channel, peer } = script;
    const { loop, deliver } = await loopOf(script);
    const selecting = channel.txSelect();
    await peer.expect(1, "tx.select");
    await peer.send(1, txSelectOk());
    await selecting;
    channel.basicAck(0, { multiple: true });
    const first = committed ? channel.txCommit() : channel.txRollback();
    await deliver(1);
    await peer.expect(1, "basic.cancel");
    await peer.send(1, basicCancelOk());
    await peer.expect(1, "basic.ack");
    await peer.expect(1, committed ? "tx.commit" : "tx.rollback");
    await peer.send(1, committed ? txCommitOk() : txRollbackOk());
    await first;
    const second = channel.txRollback();
    await peer.expect(1, "tx.rollback");
    await peer.send(1, txRollbackOk());
    await second;
    const leaving = loop.return();
    await peer.expect(1, "basic.cancel");
    await peer.send(1, basicCancelOk({ consumerTag: "c" }));
    await leaving;
    channel.basicNack(7); // after all that went back
    assertEquals((await peer.expect(1, "basic.nack")).deliveryTag, committed ? 7 : 1);
  }
});

Deno.test("what takes more than a frame is refused before it is sent, whatever it is", async () => {
  await using script = await Scripted.open({ frameMax: 4096 });
  const { connection, channel, peer } = script;
  const large = { arguments: { "x-note": "x".repeat(5000) } };
  for (
    const call of [
      () => channel.queueDeclare("q", large),
      () => channel.exchangeDeclare("e", "fanout", large),
      () => channel.queueBind({ queue: "q", exchange: "e", ...large }),
      () => channel.exchangeBind({ destination: "e", source: "f", ...large }),
      () => channel.basicConsume("q", large),
      () => connection.updateSecret("x".repeat(5000), "expired"),
    ]
  ) {
    const error = await assertRejects(call, EncodeError, "octets, and a frame of this connection");
    assertMatch(error.message, /^Cannot send [a-z]+\.[a-z-]+: it takes 50\d\d .* at most 4088;/);
  }
  const declaring = channel.queueDeclare("r");
  assertEquals((await peer.expect(1, "queue.declare")).queue, "r");
  await peer.send(1, queueDeclareOk({ queue: "r" }));
  await declaring;
});

Deno.test("options of a publish are looked at for long, and then of each that goes elsewhere and of some", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  const misspelt = { routingKey: "q", mandtory: true } as object;
  for (let count = 1; count <= 1000; count++) {
    if (count % 100 !== 0) channel.basicPublish({ routingKey: "q" }, "x");
    else assertThrows(() => channel.basicPublish(misspelt, "x"), TypeError, '"mandtory"');
  }
  const other = { routingKey: "other", mandtory: true } as object;
  assertThrows(() => channel.basicPublish(other, "x"), TypeError, '"mandtory"');
  assertThrows(
    () => {
      for (let count = 0; count < 61; count++) channel.basicPublish(misspelt, "x");
    },
    TypeError,
    '"mandtory"',
  );
});
