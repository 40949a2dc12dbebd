import { assertEquals, assertThrows } from "@std/assert";
import { concat } from "@std/bytes";
import { ByteWriter } from "../../broker/amqp/byte_writer.ts";
import { FRAME_HEAD_SIZE } from "../../broker/amqp/constants.ts";
import { ADDRESS_TO_PROPERTIES, Content, PROPERTIES_TO_BODY } from "../../broker/amqp/content.ts";
import { AmqpError } from "../../broker/amqp/error.ts";
import {
  deliveryPrefix,
  writeAck,
  writeContent,
  writeDelivery,
  writeHeartbeat,
  writeMethod,
} from "../../broker/amqp/frame_writer.ts";
import {
  basicAck,
  basicCancelOk,
  basicDeliver,
  basicPublish,
  connectionTuneOk,
  queueDeclare,
} from "../../broker/amqp/methods/mod.ts";
import { bodyFrame, contentOf, deliveryFrames, frame, framesIn, headerFrame } from "./frames.ts";
import { wire } from "./golden.ts";
import { forSeeds } from "./random_values.ts";

Deno.test("writeMethod() writes type, channel, size, method and the end octet", () => {
  const writer = new ByteWriter();
  writeMethod(writer, 258, connectionTuneOk({ channelMax: 1, frameMax: 2, heartbeat: 3 }), 4096);
  assertEquals(
    writer.written(),
    wire(1, 1, 2, 0, 0, 0, 12, 0, 10, 0, 31, 0, 1, 0, 0, 0, 2, 0, 3, 0xce),
  );
});

Deno.test("writeMethod() goes on where the buffer ends, and grows it", () => {
  const writer = new ByteWriter(1);
  for (let tag = 1; tag <= 100; tag++) writeMethod(writer, 1, basicAck({ deliveryTag: tag }), 0);
  const frames = framesIn(writer.written());
  assertEquals(frames.length, 100);
  assertEquals(frames[99], frame(1, 1, [0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 0, 100, 0]));
});

Deno.test("writeMethod() refuses what does not fit a frame, and writes nothing of it", () => {
  const writer = new ByteWriter();
  writer.uint8(7);
  const method = (size: number) => queueDeclare({ arguments: { large: "x".repeat(size) } });
  const overhead = 8 + 4 + 2 + 1 + 1 + 4 + 6 + 5; // frame, ids, ticket, name, bits, table, key, value
  const error = assertThrows(
    () => writeMethod(writer, 1, method(4097 - overhead), 4096),
    AmqpError,
  );
  assertEquals(error.replyCode, 501);
  assertEquals(writer.written(), wire(7));

  writeMethod(writer, 1, method(4096 - overhead), 4096);
  assertEquals(writer.length, 1 + 4096);
  writer.length = 0;
  writeMethod(writer, 1, method(100_000), 0);
  assertEquals(writer.length, 100_000 + overhead, "0 is no limit");
});

Deno.test("writeMethod() writes nothing of a method that cannot be encoded", () => {
  const writer = new ByteWriter();
  writer.uint8(7);
  assertThrows(
    () => writeMethod(writer, 1, queueDeclare({ queue: "q".repeat(256) }), 0),
    TypeError,
  );
  assertThrows(() => writeMethod(writer, 1, basicAck({ deliveryTag: -1 }), 0), RangeError);
  assertEquals(writer.written(), wire(7));
});

Deno.test("writeHeartbeat() writes the one heartbeat that there is", () => {
  const writer = new ByteWriter();
  writeHeartbeat(writer);
  assertEquals(writer.written(), wire(8, 0, 0, 0, 0, 0, 0, 0xce));
});

Deno.test("writeContent() cuts bodies so that no frame is larger than frame-max", () => {
  const cases: readonly (readonly [bodySize: number, frames: readonly number[]])[] = [
    [0, []],
    [1, [1]],
    [4087, [4087]],
    [4088, [4088]],
    [4089, [4088, 1]],
    [8176, [4088, 4088]],
    [8177, [4088, 4088, 1]],
  ];
  for (const [bodySize, expected] of cases) {
    const body = Uint8Array.from({ length: bodySize }, (_, index) => index % 251);
    const writer = new ByteWriter(1);
    writeContent(writer, 7, contentOf({ body }), 4096);
    const [header, ...bodies] = framesIn(writer.written());
    assertEquals(header, headerFrame(7, bodySize));
    assertEquals(bodies.map((one) => one.length - 8), expected, `body of ${bodySize}`);
    assertEquals(concat(bodies.map((one) => one.slice(7, -1))), body);
    assertEquals(bodies.every((one) => one[0] === 3 && one[2] === 7), true);
  }
});

Deno.test("writeContent() writes a body of any size in one frame when there is no frame-max", () => {
  const writer = new ByteWriter();
  writeContent(writer, 1, contentOf({ body: new Uint8Array(1_000_000) }), 0);
  assertEquals(framesIn(writer.written()).map((one) => one.length), [22, 1_000_008]);
});

Deno.test("writeContent() sends properties in their wire form as they came", () => {
  const content = contentOf({ body: "body" });
  // flags of properties that this broker would encode in another way, amid other bytes
  content.head = wire(9, 9, 0x10, 0, 77, 9);
  content.propertiesStart = 2;
  content.propertiesEnd = 5;
  content.body = wire("a body and more");
  content.bodyStart = 2;
  content.bodyEnd = 6;
  const writer = new ByteWriter();
  writeContent(writer, 1, content, 4096);
  assertEquals(
    writer.written(),
    concat([headerFrame(1, 4, { properties: [0x10, 0, 77] }), bodyFrame(1, "body")]),
  );
});

Deno.test("writeContent() encodes properties that exist as an object only, once", () => {
  const content = contentOf({ body: "b", properties: { priority: 3 } });
  const writer = new ByteWriter();
  writeContent(writer, 1, content, 4096);
  const { head } = content;
  writeContent(writer, 1, content, 4096);
  const expected = concat([
    headerFrame(1, 1, { properties: [0x08, 0, 3] }),
    bodyFrame(1, "b"),
  ]);
  assertEquals(writer.written(), concat([expected, expected]));
  assertEquals(content.head === head, true);
});

Deno.test("writeDelivery() writes what the codec would write for basic.deliver", () => {
  forSeeds(300, (random) => {
    const fields = {
      consumerTag: random.text(255),
      deliveryTag: random.pick([
        1,
        255,
        2 ** 31,
        2 ** 32 - 1,
        2 ** 32,
        Number.MAX_SAFE_INTEGER,
        random.below(Number.MAX_SAFE_INTEGER),
      ]),
      redelivered: random.boolean(),
      exchange: random.text(255),
      routingKey: random.text(255),
    };
    const channel = 1 + random.below(65_535);
    const content = {
      exchange: fields.exchange,
      routingKey: fields.routingKey,
      properties: random.properties(),
      body: random.bytes(300),
    };
    const writer = new ByteWriter();
    writeMethod(writer, channel, basicDeliver(fields), 0);
    writeContent(writer, channel, contentOf(content), 100);
    assertEquals(
      concat(
        deliveryFrames(
          channel,
          fields.consumerTag,
          fields.deliveryTag,
          fields.redelivered,
          content,
          100,
        ),
      ),
      writer.written(),
    );
  });
});

Deno.test("writeDelivery() takes address and properties from wherever they lie", () => {
  const content = contentOf({ body: "b" });
  content.head = wire(0xff, 1, "x", 2, "rk", 0xff, 0, 0, 0xff);
  content.addressStart = 1;
  content.addressEnd = 6;
  content.propertiesStart = 7;
  content.propertiesEnd = 9;
  const writer = new ByteWriter();
  writeMethod(writer, 1, basicCancelOk({ consumerTag: "before" }), 0);
  const before = writer.length;
  writeDelivery(writer, 1, deliveryPrefix("c"), 5, true, content, 4096);
  assertEquals(
    writer.written().slice(before),
    concat([
      frame(1, 1, wire(0, 60, 0, 60, 1, "c", 0, 0, 0, 0, 0, 0, 0, 5, 1, 1, "x", 2, "rk")),
      headerFrame(1, 1),
      bodyFrame(1, "b"),
    ]),
  );
});

Deno.test("writeDelivery() passes on the frames of a publish as it passes on their parts", () => {
  forSeeds(300, (random) => {
    const published = {
      exchange: random.text(random.pick([3, 255])),
      routingKey: random.text(random.pick([3, 255])),
    };
    const content = contentOf({
      ...published,
      properties: random.properties(),
      body: random.bytes(random.pick([20, 400])),
    });
    const publish = new ByteWriter();
    writeMethod(publish, 7, basicPublish(published), 0);
    const addressStart = FRAME_HEAD_SIZE + 4 + 2;
    const addressEnd = publish.length - 2;
    writeContent(publish, 7, content, 0);
    const framed = new Content(content);
    framed.head = framed.body = publish.written();
    framed.addressStart = addressStart;
    framed.addressEnd = addressEnd;
    framed.propertiesStart = addressEnd + ADDRESS_TO_PROPERTIES;
    framed.propertiesEnd = framed.propertiesStart + content.propertiesEnd - content.propertiesStart;
    framed.bodyStart = framed.propertiesEnd + PROPERTIES_TO_BODY;
    framed.bodyEnd = publish.length - 1;
    framed.framed = framed.bodyEnd > framed.bodyStart;
    if (!framed.framed) return; // a publish without a body has two frames
    const frameMax = random.pick([0, 100, 4096]);
    const prefix = deliveryPrefix("consumer");
    const [whole, parts] = [new ByteWriter(), new ByteWriter()];
    writeDelivery(whole, 9, prefix, 3, true, framed, frameMax);
    writeDelivery(parts, 9, prefix, 3, true, content, frameMax);
    assertEquals(whole.written(), parts.written());
  });
});

Deno.test("deliveryPrefix() makes one that the next does not change", () => {
  const bytesOf = ({ buffer }: DataView) => [...new Uint8Array(buffer)];
  const long = deliveryPrefix("\u00fc".repeat(127));
  const before = bytesOf(long);
  const short = deliveryPrefix("b");
  assertEquals(bytesOf(long), before);
  assertEquals(bytesOf(short).slice(-2), [1, 98]);
  assertEquals([long.byteLength - short.byteLength], [253]);
});

Deno.test("writeAck() writes what writeMethod() does", () => {
  for (const deliveryTag of [1, 0x1234_5678, 0xffff_ffff, 2 ** 32, 2 ** 53 - 1]) {
    const writer = new ByteWriter(1);
    writeAck(writer, 258, deliveryTag);
    const expected = new ByteWriter();
    writeMethod(expected, 258, basicAck({ deliveryTag }), 4096);
    assertEquals(writer.written(), expected.written());
  }
});
