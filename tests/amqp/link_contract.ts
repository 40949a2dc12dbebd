import { ConsumerTag } from "../../broker/amqp/consumer_tag.ts";
import { assert, assertEquals } from "@std/assert";
import { Content } from "../../broker/amqp/content.ts";
import type { ContentMethod, Link, LinkReceiver } from "../../broker/amqp/link.ts";
import {
  basicAck,
  basicGetOk,
  basicPublish,
  basicReturn,
  channelOpen,
  exchangeDeclare,
  type Method,
  queueDeclare,
  txCommit,
} from "../../broker/amqp/methods/mod.ts";
import type { BasicProperties } from "../../broker/amqp/properties.ts";
import { type LinkEvent, RecordingReceiver } from "../support/recording_receiver.ts";
import { RandomValues } from "./random_values.ts";

const CONSUMER_TAG = new ConsumerTag("c");

/** Two links that are each other's other end. */
export interface LinkPair {
  readonly links: readonly [Link, Link];
  /** Says who takes what comes at each end; called once, before anything is sent. */
  readonly start: (receivers: readonly [LinkReceiver, LinkReceiver]) => void;
}

/** Two links whose ends write down what comes. */
interface Conversation {
  readonly one: Link;
  readonly other: Link;
  readonly atOne: RecordingReceiver;
  readonly atOther: RecordingReceiver;
}

/** Registers what holds for every {@linkcode Link}, for one of its implementations. */
export function testLink(name: string, pair: () => LinkPair): void {
  Deno.test(`${name} brings methods as they were sent, on their channels`, async () => {
    const { one, atOther, ...rest } = converse(pair());
    const sent: readonly [number, Method][] = [
      [1, channelOpen()],
      [65_535, queueDeclare({ queue: "jobs", durable: true, arguments: { "x-expires": 1000 } })],
      [1, exchangeDeclare({ exchange: "é", type: "topic", arguments: { list: [1, "a", null] } })],
      [0, txCommit()],
    ];
    for (const [channel, method] of sent) one.send(channel, method);
    await atOther.until(sent.length);
    assertEquals(atOther.events, sent.map(([channel, method]) => ({ channel, method })));
    await end({ one, atOther, ...rest });
  });

  Deno.test(`${name} brings content with each method that has some`, async () => {
    const { one, atOther, ...rest } = converse(pair());
    const properties: BasicProperties = {
      contentType: "text/plain",
      headers: { "x-match": "any", nested: { deep: [true] } },
      timestamp: new Date(1000),
    };
    const address = { exchange: "x", routingKey: "k" };
    const methods: readonly ContentMethod[] = [
      basicPublish({ ...address, mandatory: true }),
      basicPublish(address),
      basicReturn({ ...address, replyCode: 312, replyText: "NO_ROUTE" }),
      basicGetOk({ ...address, deliveryTag: 2 ** 40, redelivered: true, messageCount: 7 }),
    ];
    for (const method of methods) {
      one.sendContent(3, method, content({ ...address, properties, body: "hello" }));
    }
    await atOther.until(methods.length);
    assertEquals(
      atOther.events,
      methods.map((method) => ({
        channel: 3,
        method,
        content: { ...address, properties, body: "hello" },
      })),
    );
    await end({ one, atOther, ...rest });
  });

  Deno.test(`${name} brings deliveries, which are no objects on their way`, async () => {
    const { one, atOther, ...rest } = converse(pair());
    const seen: LinkEvent[] = [];
    for (let tag = 1; tag <= 20; tag++) {
      const fields = { exchange: "", routingKey: `q${tag}`, properties: {}, body: "b".repeat(tag) };
      const consumerTag = `consumer-${tag % 3}`;
      one.sendDelivery(
        tag % 2 + 1,
        new ConsumerTag(consumerTag),
        tag,
        tag % 5 === 0,
        content(fields),
      );
      seen.push({
        channel: tag % 2 + 1,
        delivery: [consumerTag, tag, tag % 5 === 0],
        content: fields,
      });
    }
    await atOther.until(seen.length);
    assertEquals(atOther.events, seen);
    await end({ one, atOther, ...rest });
  });

  Deno.test(`${name} brings bodies of any size whole`, async () => {
    const { one, atOther, ...rest } = converse(pair());
    const sizes = [0, 1, 4087, 4088, 4089, 8176, 131_064, 131_065, 1024 * 1024];
    for (const size of sizes) {
      const body = "0123456789abcdef".repeat(size / 16 + 1).slice(0, size);
      one.sendContent(1, basicPublish({ routingKey: "q" }), content({ routingKey: "q", body }));
    }
    await atOther.until(sizes.length);
    const bodies = atOther.events.map((event) =>
      typeof event === "object" && "content" in event ? event.content?.body ?? "" : ""
    );
    assertEquals(bodies.map((body) => body.length), sizes);
    assert(bodies.every((body) => "0123456789abcdef".repeat(65_537).startsWith(body)));
    await end({ one, atOther, ...rest });
  });

  Deno.test(`${name} takes the bytes of a content before its call returns`, async () => {
    const { one, atOther, ...rest } = converse(pair());
    const shared = content({ routingKey: "q", body: "first" });
    one.sendContent(1, basicPublish({ routingKey: "q" }), shared);
    shared.body.set(new TextEncoder().encode("OTHER"), shared.bodyStart);
    one.sendDelivery(1, CONSUMER_TAG, 1, false, shared);
    shared.body.fill(0);
    await atOther.until(2);
    assertEquals(
      atOther.events.map((event) =>
        typeof event === "object" && "content" in event && event.content?.body
      ),
      ["first", "OTHER"],
    );
    await end({ one, atOther, ...rest });
  });

  Deno.test(`${name} keeps the order of all that is sent, whatever it is`, async () => {
    for (const seed of [1, 2, 3]) {
      const { one, atOther, ...rest } = converse(pair());
      const random = new RandomValues(seed);
      const sent = Array.from({ length: 200 }, (_, index) => sendAny(one, random, index));
      await atOther.until(sent.length);
      sent.forEach((event, index) => {
        assertEquals(atOther.events[index], event, `event ${index} of seed ${seed}`);
      });
      await end({ one, atOther, ...rest });
    }
  });

  Deno.test(`${name} brings a method with each of its contents, however often it is sent`, async () => {
    const { one, atOther, ...rest } = converse(pair());
    const [often, other] = [basicPublish({ routingKey: "often" }), basicPublish({ exchange: "x" })];
    const sent = [[1, often], [1, often], [1, often], [2, often], [2, often], [1, other], [
      1,
      often,
    ], [1, often]] as const;
    for (const [index, [channel, method]] of sent.entries()) {
      const { exchange, routingKey } = method;
      one.sendContent(channel, method, content({ exchange, routingKey, body: `${index}` }));
    }
    await atOther.until(sent.length);
    assertEquals(
      atOther.events.map((event) => {
        if (typeof event !== "object" || !("method" in event)) return event;
        return [event.channel, event.method, event.content?.body];
      }),
      sent.map(([channel, method], index) => [channel, method, `${index}`]),
    );
    await end({ one, atOther, ...rest });
  });

  Deno.test(`${name} carries both directions at once`, async () => {
    const conversation = converse(pair());
    const { one, other, atOne, atOther } = conversation;
    for (let tag = 1; tag <= 50; tag++) {
      one.sendDelivery(1, CONSUMER_TAG, tag, false, content({ body: "ping" }));
      other.send(1, basicAck({ deliveryTag: tag }));
    }
    await Promise.all([atOne.until(50), atOther.until(50)]);
    assertEquals(
      atOne.events,
      Array.from({ length: 50 }, (_, index) => ({
        channel: 1,
        method: basicAck({ deliveryTag: index + 1 }),
      })),
    );
    await end(conversation);
  });

  Deno.test(`${name} brings each ack, collected or not, and before what is sent after it`, async () => {
    const { one, atOther, ...rest } = converse(pair());
    const acked: LinkEvent[] = [];
    const ack = (channel: number, deliveryTag: number) => {
      one.sendAck(channel, deliveryTag);
      acked.push({ channel, method: basicAck({ deliveryTag }) });
    };
    const ask = () => {
      one.send(1, txCommit());
      acked.push({ channel: 1, method: txCommit() });
    };
    for (const collected of [false, true]) {
      one.collectAcks(collected);
      // one channel and another, in a row, with a gap, backwards, the same again, very high ones
      for (const tag of [1, 2, 3, 5, 6, 4, 4]) ack(1, tag);
      ack(2, 5);
      ask();
      for (const tag of [7, 8]) ack(1, tag);
      ask();
      for (const tag of [2 ** 53 - 2, 2 ** 53 - 1]) ack(2, tag);
      one.collectAcks(false);
    }
    await atOther.until(acked.length);
    assertEquals(atOther.events, acked);
    await end({ one, atOther, ...rest });
  });

  Deno.test(`${name} says when its peer has enough, and when it wants more again`, async () => {
    const conversation = converse(pair());
    const { one, other, atOne, atOther } = conversation;
    assert(!one.full);
    other.throttle(true);
    const large = content({ body: "x".repeat(100_000) });
    let sent = 0;
    while (!one.full && sent < 100) one.sendDelivery(1, CONSUMER_TAG, ++sent, false, large);
    assert(one.full, "it is full before 10 MB wait");
    assertEquals(atOne.events, []);

    other.throttle(false);
    await atOne.until(1);
    await atOther.until(sent);
    assertEquals(atOne.events, ["drained"]);
    assert(!one.full);
    await end(conversation);
  });

  Deno.test(`${name} brings what was sent before it was closed`, async () => {
    const { one, atOne, atOther } = converse(pair());
    one.send(1, txCommit());
    one.sendDelivery(1, CONSUMER_TAG, 1, false, content({ body: "x".repeat(500_000) }));
    one.close();
    await Promise.all([atOne.whenClosed, atOther.whenClosed]);
    assertEquals(atOther.events.length, 3);
    assertEquals(atOther.events[0], { channel: 1, method: txCommit() });
  });

  Deno.test(`${name} tells both ends once that it is closed, and drops what is sent then`, async () => {
    const { one, other, atOne, atOther } = converse(pair());
    one.close();
    one.close();
    one.send(1, txCommit());
    one.sendContent(1, basicPublish(), content({ body: "late" }));
    one.sendDelivery(1, CONSUMER_TAG, 1, false, content({ body: "late" }));
    await Promise.all([atOne.whenClosed, atOther.whenClosed]);
    other.send(1, txCommit());
    other.sendContent(1, basicPublish(), content({ body: "late" }));
    other.throttle(true);
    other.throttle(false);
    other.close();
    await turns(5);
    assertEquals(atOne.events, [{ closed: undefined }], "in an orderly way, on our side");
    assertEquals(atOther.events.length, 1);
  });

  Deno.test(`${name} tells of its end after the call that ended it`, async () => {
    const { one, atOne, atOther } = converse(pair());
    one.close();
    assertEquals([atOne.events, atOther.events], [[], []]);
    await Promise.all([atOne.whenClosed, atOther.whenClosed]);
  });
}

function converse({ links: [one, other], start }: LinkPair): Conversation {
  const atOne = new RecordingReceiver();
  const atOther = new RecordingReceiver();
  start([atOne, atOther]);
  return { one, other, atOne, atOther };
}

async function end({ one, atOne, atOther }: Conversation): Promise<void> {
  one.close();
  await Promise.all([atOne.whenClosed, atOther.whenClosed]);
}

/** Lets the event loop go round, so that what must not come had its chance. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise<void>((resolve) => setTimeout(resolve));
  }
}

/** Makes a content as a sender does: address and properties as objects, the body somewhere. */
function content(
  fields: {
    readonly exchange?: string;
    readonly routingKey?: string;
    readonly properties?: BasicProperties;
    readonly body?: string;
  },
): Content {
  const made = new Content();
  made.exchange = fields.exchange ?? "";
  made.routingKey = fields.routingKey ?? "";
  made.properties = fields.properties ?? {};
  const body = new TextEncoder().encode(fields.body ?? "");
  made.body = new Uint8Array(body.length + 3);
  made.body.set(body, 2);
  made.bodyStart = 2;
  made.bodyEnd = 2 + body.length;
  return made;
}

/** Sends a method, a content or a delivery; returns what must come of it. */
function sendAny(link: Link, random: RandomValues, index: number): LinkEvent {
  const channel = 1 + random.below(3);
  if (random.below(3) === 0) {
    const method = queueDeclare({ queue: `q${index}`, arguments: { index } });
    link.send(channel, method);
    return { channel, method };
  }
  const fields = {
    exchange: random.pick(["", "logs"]),
    routingKey: `key.${random.below(5)}`,
    properties: { messageId: `${index}` },
    body: random.text(random.pick([10, 300])).replaceAll("\0", "_"),
  };
  if (random.boolean()) {
    const { exchange, routingKey } = fields;
    const method = basicPublish({ exchange, routingKey, mandatory: random.boolean() });
    link.sendContent(channel, method, content(fields));
    return { channel, method, content: fields };
  }
  const delivery = [`c${random.below(3)}`, index, random.boolean()] as const;
  const [tag, ...rest] = delivery;
  link.sendDelivery(channel, new ConsumerTag(tag), ...rest, content(fields));
  return { channel, delivery, content: fields };
}
