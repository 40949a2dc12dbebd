import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { Content } from "../../broker/amqp/content.ts";
import { contentProperties, encodeContentHead } from "../../broker/amqp/content_codec.ts";
import { AmqpError } from "../../broker/amqp/error.ts";
import { Decimal } from "../../broker/amqp/field_table.ts";
import type { BasicProperties } from "../../broker/amqp/properties.ts";
import { parseAge } from "../../broker/queue/stream/age.ts";
import { Chunks } from "../../broker/queue/stream/chunks.ts";
import { checkStreamConsumer } from "../../broker/queue/stream/consumption.ts";
import { headersHold } from "../../broker/queue/stream/head.ts";
import { CHUNK_MS, StreamHistory } from "../../broker/queue/stream/history.ts";
import { parseStreamStart } from "../../broker/queue/stream/stream_arguments.ts";
import { StreamDelivery } from "../../broker/queue/stream/stream_delivery.ts";

const DAY_MS = 86_400_000;

Deno.test("parseAge() reads a number and a unit, and nothing else", () => {
  const ages = ["1s", "2m", "3h", "7D", "1M", "2Y", "007s"].map(parseAge);
  assertEquals(ages, [1000, 120_000, 10_800_000, 7 * DAY_MS, 30 * DAY_MS, 730 * DAY_MS, 7000]);
  const wrong = ["", "1", "s", "0s", "-1s", "1.5s", " 1s", "1s ", "1d", "1H", "1ss", "1\n"];
  assertEquals(wrong.map(parseAge), wrong.map(() => undefined));
});

Deno.test("parseStreamStart() knows all forms of x-stream-offset", () => {
  const start = (value: Parameters<typeof parseStreamStart>[0]) =>
    parseStreamStart(value, 10 * DAY_MS);
  assertEquals(
    [undefined, "first", "last", "next", 5, -5, 2n ** 62n, new Date(7000), "3D"].map(start),
    [
      "next",
      "first",
      "last",
      "next",
      { offset: 5 },
      { offset: -5 },
      { offset: 2 ** 62 },
      { timestamp: 7000 },
      { timestamp: 7 * DAY_MS },
    ],
  );
  const wrong = ["", "First", "3d", 1.5, true, null, [], {}, new Decimal(1, 1)];
  assertEquals(wrong.map(start), wrong.map(() => undefined));
});

Deno.test("checkStreamConsumer() says what is wrong with an offset that is none", () => {
  const check = (offset: Parameters<typeof parseStreamStart>[0]) =>
    assertThrows(
      () => checkStreamConsumer("queue 'q'", { arguments: { "x-stream-offset": offset! } }),
      AmqpError,
    ).message.replace(/.*\{invalid_stream_offset_arg,/, "");
  assertEquals([check("x"), check(true), check(1.5)], [
    `{longstr,<<"x">>}}`,
    "{bool,true}}",
    "{double,1.5}}",
  ]);
});

Deno.test("Chunks finds the first chunk since a time, however many there are", () => {
  const chunks = new Chunks();
  assertEquals([chunks.firstSince(0), chunks.last], [undefined, undefined]);
  const base = 1_700_000_000_000;
  for (let index = 0; index < 5000; index++) chunks.add(1 + index * 10, base + index * 1000);
  for (const index of [0, 1, 1023, 1024, 1025, 3333, 4999]) {
    assertEquals(chunks.firstSince(base + index * 1000), 1 + index * 10);
    assertEquals(chunks.firstSince(base + index * 1000 - 999), 1 + index * 10);
  }
  assertEquals(chunks.firstSince(base + 4_999_001), undefined);
  assertEquals(chunks.last, { position: 49_991, time: base + 4_999_000 });
  assertLess(chunks.bytes, 5000 * 10);
});

Deno.test("Chunks may be far apart, and those that went are forgotten", () => {
  const chunks = new Chunks();
  const year = 365 * DAY_MS;
  for (let index = 0; index < 40; index++) chunks.add(index * 2 ** 33, index * year);
  assertEquals(chunks.firstSince(17 * year - 1), 17 * 2 ** 33);
  const { bytes } = chunks;
  chunks.dropBefore(30 * 2 ** 33);
  assertEquals(chunks.bytes, bytes / 4);
  assertEquals(chunks.firstSince(31 * year), 31 * 2 ** 33);
});

Deno.test("StreamHistory begins a chunk after some time and after some messages", () => {
  const history = new StreamHistory({
    bytesMax: undefined,
    ageMaxMs: undefined,
    segmentBytes: 1000,
  });
  const add = (now: number, size = 1) => {
    const time = history.chunkTimeFor(now);
    history.add(size, time);
    return time;
  };
  const times = [0, 0, CHUNK_MS, CHUNK_MS + 1, 2 * CHUNK_MS + 1].map((now) => add(now));
  assertEquals(times, [1, 0, 0, CHUNK_MS + 1, 2 * CHUNK_MS + 1]);
  assertEquals(add(0), 0, "a clock that goes back begins no chunk");
  assertEquals(add(0, 1000), 0);
  assertEquals(
    [add(0), history.segmentCount],
    [2 * CHUNK_MS + 1, 2],
    "a segment does, at no time before",
  );
  for (let count = 0; count < 5000; count++) add(0, 0);
  assert(history.lastChunk > 4000);
});

Deno.test("StreamDelivery adds the offset and leaves the rest as it was", () => {
  const delivery = new StreamDelivery();
  const all: BasicProperties[] = [
    {},
    { correlationId: "c" },
    { contentType: "a", contentEncoding: "b", headers: {}, priority: 1 },
    { contentEncoding: "b", deliveryMode: 2, timestamp: new Date(5000) },
    { headers: { list: [1, "x"], table: { a: null }, "x-stream-offse": 1 }, appId: "a" },
    { headers: { "x-stream-offset": "old", other: "x".repeat(1000) }, type: "t" },
    { headers: { other: "not x-stream-offset itself", nested: { "x-stream-offset": 1 } } },
  ];
  all.forEach((properties, index) => {
    const content = new Content();
    content.exchange = index < 3 ? "e" : "";
    content.routingKey = index % 2 === 0 ? "k" : "other";
    content.properties = properties;
    content.body = new Uint8Array([index]);
    content.bodyEnd = 1;
    encodeContentHead(content);
    const offset = index * 10 ** 14;
    const message = delivery.load(content, offset);
    assertEquals(contentProperties(message), {
      ...properties,
      headers: { ...properties.headers, "x-stream-offset": offset },
    });
    assertEquals([message.exchange, message.routingKey], [content.exchange, content.routingKey]);
    assertEquals([message.body, message.size], [content.body, 1]);
    const address = [message.addressStart, message.addressEnd];
    const source = [content.addressStart, content.addressEnd];
    assertEquals(message.head!.slice(...address), content.head!.slice(...source));
  });
  delivery.clear();
  assertEquals(delivery.message.size, 0);
});

Deno.test("headersHold() looks for a text in the headers and nowhere else", () => {
  const holds = (properties: BasicProperties) => {
    const content = new Content();
    content.properties = properties;
    encodeContentHead(content);
    return headersHold(content.head!, content.propertiesStart, new TextEncoder().encode("abab"));
  };
  assertEquals(
    [{}, { contentType: "abab" }, { headers: {}, type: "abab" }, { headers: { aba: "b" } }].map(
      holds,
    ),
    [false, false, false, false],
  );
  assertEquals(
    [{ headers: { abab: 1 } }, { contentType: "x", headers: { x: "aabab" } }].map(holds),
    [true, true],
  );
});
