import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import type { Content } from "../../broker/amqp/content.ts";
import type { ContentMethod } from "../../broker/amqp/link.ts";
import { basicAck, basicNack, basicPublish, type Method } from "../../broker/amqp/methods/mod.ts";
import { WireLink, type WireLinkOptions } from "../../broker/amqp/wire_link.ts";
import { type LinkEvent, RecordingReceiver } from "../support/recording_receiver.ts";
import { ScriptedTransport } from "../support/scripted_transport.ts";
import { contentFrames, heartbeatFrame, methodFrame } from "./frames.ts";

/**
 * What comes whole is looked at as a whole, what comes octet by octet is taken frame by frame: both
 * ways must bring the same of every stream, wrong ones included.
 */

/** Takes acks as numbers, as the broker does. */
class AckTaker extends RecordingReceiver {
  receiveAck(channel: number, deliveryTag: number): void {
    this.receive(channel, basicAck({ deliveryTag }));
  }
}

/** Changes what it is given, as a broker does with replies. */
class Changer extends RecordingReceiver {
  override receiveContent(channel: number, method: ContentMethod, content: Content): void {
    super.receiveContent(channel, method, content);
    content.loseHead();
    content.properties = { type: "changed" };
  }
}

async function brought(
  chunks: readonly Uint8Array[],
  receiver = new RecordingReceiver(),
  options: WireLinkOptions = { frameMax: 4096 },
): Promise<LinkEvent[]> {
  new WireLink(new ScriptedTransport(chunks), options).run(receiver);
  await receiver.whenClosed;
  return receiver.events;
}

function octets(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (octet) => Uint8Array.of(octet));
}

async function assertSame(bytes: Uint8Array, what: string): Promise<void> {
  const whole = await brought([bytes]);
  assertEquals(whole, await brought(octets(bytes)), what);
  assertEquals(whole, await brought([bytes], new AckTaker()), `${what}, acks as numbers`);
}

function publish(
  method: Parameters<typeof basicPublish>[0],
  body: string,
  properties = {},
  channel = 1,
) {
  const { exchange = "", routingKey = "" } = method ?? {};
  return concat(
    contentFrames(channel, basicPublish(method), { exchange, routingKey, body, properties }, 4096),
  );
}

function contents(events: readonly LinkEvent[]): number {
  return events.filter((event) => typeof event === "object" && "content" in event).length;
}

function ack(method: Method, channel = 1): Uint8Array {
  return methodFrame(channel, method);
}

const STREAMS: Readonly<Record<string, Uint8Array>> = {
  "one publish": publish({ routingKey: "q" }, "hello"),
  "the same again and again": concat([
    publish({ exchange: "e", routingKey: "key" }, "one"),
    publish({ exchange: "e", routingKey: "key" }, "another"),
    publish({ exchange: "e", routingKey: "key" }, ""),
    publish({ exchange: "e", routingKey: "key" }, "one"),
  ]),
  "keys of one length, and bits": concat([
    publish({ exchange: "e", routingKey: "key1" }, "1"),
    publish({ exchange: "e", routingKey: "key2" }, "2"),
    publish({ exchange: "e", routingKey: "key2", mandatory: true }, "3"),
    publish({ exchange: "ek", routingKey: "ey2" }, "4"),
    publish({ routingKey: "kéy" }, "5"),
  ]),
  "properties": concat([
    publish({ routingKey: "q" }, "1", { deliveryMode: 2 }),
    publish({ routingKey: "q" }, "2", { headers: { a: 1n }, messageId: "id", priority: 3 }),
    publish({ routingKey: "q" }, "3"),
  ]),
  "others between": concat([
    publish({ routingKey: "q" }, "1"),
    heartbeatFrame(),
    publish({ routingKey: "q" }, "2"),
    ack(basicAck({ deliveryTag: 7 })),
    publish({ routingKey: "q" }, "3"),
  ]),
  "bodies in several frames": concat([
    publish({ routingKey: "q" }, "1"),
    publish({ routingKey: "q" }, "x".repeat(9000)),
    publish({ routingKey: "q" }, "3"),
  ]),
  "acks": concat([
    ack(basicAck({ deliveryTag: 1 })),
    ack(basicAck({ deliveryTag: 2 })),
    ack(basicAck({ deliveryTag: 2 ** 40 })),
    ack(basicAck({ deliveryTag: 3 }), 2),
    ack(basicAck({ deliveryTag: 9, multiple: true })),
    ack(basicNack({ deliveryTag: 10 })),
    ack(basicAck({ deliveryTag: 11 })),
  ]),
};

for (const [what, bytes] of Object.entries(STREAMS)) {
  Deno.test(`WireLink brings the same of a stream that comes whole or in octets: ${what}`, async () => {
    await assertSame(bytes, what);
  });
}

Deno.test("WireLink finds the same fault wherever an octet of a publish is wrong", async () => {
  const before = publish({ exchange: "e", routingKey: "key" }, "before");
  const good = publish({ exchange: "e", routingKey: "key" }, "body", { priority: 3 });
  for (let at = 0; at < good.length; at++) {
    for (const change of [1, 2, 0x20, 0x80, 0xff]) {
      const wrong = good.slice();
      wrong[at]! ^= change;
      await assertSame(concat([before, wrong, good]), `octet ${at} changed by ${change}`);
    }
  }
});

Deno.test("WireLink finds the same fault wherever an octet of an ack is wrong", async () => {
  const good = ack(basicAck({ deliveryTag: 5 }));
  for (let at = 0; at < good.length; at++) {
    for (const change of [1, 2, 0x80, 0xff]) {
      const wrong = good.slice();
      wrong[at]! ^= change;
      await assertSame(concat([good, wrong, good]), `octet ${at} changed by ${change}`);
    }
  }
});

Deno.test("WireLink refuses a publish on channel 0 as it does frame by frame", async () => {
  const frames = contentFrames(0, basicPublish({ routingKey: "q" }), {
    exchange: "",
    routingKey: "q",
    body: "b",
    properties: {},
  });
  await assertSame(concat(frames), "channel 0");
});

Deno.test("WireLink tells channels apart whose publishes are alike", async () => {
  const from = (channel: number, body: string) => publish({ routingKey: "q" }, body, {}, channel);
  const bytes = concat([1, 1, 2, 2, 1, 0x0102].map((channel, index) => from(channel, `${index}`)));
  await assertSame(bytes, "channels");
});

Deno.test("WireLink brings publishes that are alike, other ones between them, and alike again", async () => {
  const count = 200;
  const mixed = Array.from({ length: count }, (_, index) => {
    const alike = index < 20 || index > 150;
    return publish({ routingKey: alike ? "q" : `q${index}` }, `body ${index % 10}`);
  });
  await assertSame(concat(mixed), "mixed");
});

Deno.test("WireLink asks of a publish what its own limits are, whatever other links let through", async () => {
  const streams = [
    { properties: { headers: { a: { b: { c: 1 } } } }, options: { tableDepthMax: 2 } },
    {
      properties: { headers: { a: { b: { c: 1 } } } },
      options: { tableDepthMax: 1, frameMax: 4096 },
    },
    { properties: { headers: { a: "a".repeat(400) } }, options: { frameMax: 256 } },
  ];
  for (const { properties, options } of streams) {
    const bytes = concat(
      ["1", "2", "3"].map((body) => publish({ routingKey: "q" }, body, properties)),
    );
    assertEquals(contents(await brought([bytes])), 3);
    const whole = await brought([bytes], undefined, options);
    assertEquals(whole, await brought(octets(bytes), undefined, options), Deno.inspect(options));
    assertEquals(contents(whole), 0);
  }
});

/** Of some keys in turns, so often that what comes again is known by all its octets. */
function inTurns(keys: readonly string[], times: number, properties = {}): Uint8Array[] {
  return Array.from(
    { length: keys.length * times },
    (_, index) =>
      publish({ exchange: "e", routingKey: keys[index % keys.length]! }, `body ${index % 10}`, {
        ...properties,
      }),
  );
}

const KEYS = ["key.1", "key.2", "another.key", "key.4", "q"];

Deno.test("WireLink brings publishes to some addresses in turns, whatever comes between them", async () => {
  const turns = inTurns(KEYS, 20, { deliveryMode: 2, headers: { a: "b" } });
  const others = [
    heartbeatFrame(),
    publish({ exchange: "e", routingKey: "key.1" }, "a longer body than before"),
    publish({ exchange: "e", routingKey: "key.2" }, "body 1", {}, 2),
    publish({ exchange: "e", routingKey: "key.2", mandatory: true }, "body 1", { deliveryMode: 2 }),
    publish({ exchange: "", routingKey: "e" }, "body 1"),
    ack(basicAck({ deliveryTag: 1 })),
  ];
  const mixed = turns.flatMap((one, index) =>
    index % 3 === 0 ? [one, others[index % others.length]!] : [one]
  );
  await assertSame(concat(mixed), "in turns");
});

Deno.test("WireLink brings publishes to many addresses in turns, and to those that never come again", async () => {
  const many = Array.from({ length: 300 }, (_, index) => `many.${index}`);
  const once = Array.from({ length: 600 }, (_, index) => `once.${index}`);
  const bytes = concat([
    ...inTurns(many, 3),
    ...inTurns([...once, ...many], 1),
    ...inTurns(KEYS, 20),
  ]);
  await assertSame(bytes, "many");
});

Deno.test("WireLink brings each publish as it came, though its receiver changed the one before", async () => {
  const alike = Array.from({ length: 20 }, (_, count) => publish({ routingKey: "a" }, `${count}`));
  const inTurns = Array.from(
    { length: 200 },
    (_, count) => publish({ routingKey: `key ${count % 4}` }, `${count}`, { messageId: "id" }),
  );
  for (const publishes of [alike, inTurns]) {
    const events = await brought([concat(publishes)]);
    assertEquals(contents(events), publishes.length);
    assertEquals(await brought([concat(publishes)], new Changer()), events);
  }
});

Deno.test("WireLink finds the same fault in a publish to one of the addresses that come in turns", async () => {
  const before = inTurns(KEYS.slice(0, 3), 2, { priority: 3 });
  const good = publish({ exchange: "e", routingKey: "another.key" }, "body 1", { priority: 3 });
  for (let at = 0; at < good.length; at++) {
    for (const change of [1, 0xff]) {
      const wrong = good.slice();
      wrong[at]! ^= change;
      await assertSame(
        concat([...before, wrong, good, ...before]),
        `octet ${at} changed by ${change}`,
      );
    }
  }
});

Deno.test("WireLink asks of publishes to addresses in turns what its own limits are", async () => {
  const deep = concat(inTurns(KEYS, 4, { headers: { a: { b: { c: 1 } } } }));
  assertEquals(contents(await brought([deep])), 4 * KEYS.length);
  for (const options of [{ tableDepthMax: 2 }, { tableDepthMax: 2, frameMax: 4096 }]) {
    const whole = await brought([deep], undefined, options);
    assertEquals(whole, await brought(octets(deep), undefined, options));
    assertEquals(contents(whole), 0);
  }
  const wide = concat(inTurns(KEYS, 4, { headers: { a: "a".repeat(150) } }));
  assertEquals(contents(await brought([wide])), 4 * KEYS.length);
  const small = { frameMax: 100 };
  assertEquals(
    await brought([wide], undefined, small),
    await brought(octets(wide), undefined, small),
  );
});
