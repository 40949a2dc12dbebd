import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertLessOrEqual,
  assertThrows,
} from "@std/assert";
import { concat } from "@std/bytes";
import { AmqpError } from "../../broker/amqp/error.ts";
import { FrameReader, type FrameSink } from "../../broker/amqp/frame_reader.ts";
import { basicPublish, channelOpen, queueDeclare } from "../../broker/amqp/methods/mod.ts";
import { contentFrames, frame, heartbeatFrame, methodFrame } from "./frames.ts";
import { forSeeds } from "./random_values.ts";

/** A frame that was handed out, copied. */
type SeenFrame = readonly [type: number, channel: number, payload: string];

/** Reads as a link does: room, filled, drain. */
class Reading implements FrameSink {
  readonly reader: FrameReader;
  readonly seen: SeenFrame[] = [];
  /** How many more frames are taken before the sink says stop. */
  takes = Infinity;

  constructor(frameMax?: number) {
    this.reader = new FrameReader(frameMax);
  }

  /** Gives bytes, in as many reads as the reader's room asks for, and takes the frames. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const room = this.reader.room();
      assertGreaterOrEqual(room.length, 1, "a read of no bytes would mean the end of the stream");
      const count = Math.min(room.length, bytes.length - at);
      room.set(bytes.subarray(at, at + count));
      this.reader.filled(count);
      this.reader.drain(this);
      at += count;
    }
  }

  onFrame(type: number, channel: number, start: number, end: number): boolean {
    this.seen.push([type, channel, this.reader.bytes.subarray(start, end).join()]);
    return --this.takes > 0;
  }
}

/** What a client may say: methods, contents in several frames, heartbeats, all channels. */
const CONVERSATION = concat([
  methodFrame(1, channelOpen()),
  heartbeatFrame(),
  methodFrame(65_535, queueDeclare({ queue: "jobs", arguments: { "x-expires": 1 } })),
  ...contentFrames(
    1,
    basicPublish({ routingKey: "jobs" }),
    { body: "a body in pieces", properties: { messageId: "m" } },
    13,
  ),
  frame(3, 7, []),
  heartbeatFrame(),
]);
const EXPECTED = framesOf(CONVERSATION);

Deno.test("FrameReader finds the same frames wherever the stream is cut in two", () => {
  assertEquals(EXPECTED.length, 11);
  for (let cut = 0; cut <= CONVERSATION.length; cut++) {
    const reading = new Reading();
    reading.push(CONVERSATION.subarray(0, cut));
    reading.push(CONVERSATION.subarray(cut));
    assertEquals(reading.seen, EXPECTED, `cut at ${cut}`);
    assertEquals(reading.reader.waiting, 0);
  }
});

Deno.test("FrameReader finds the same frames when each octet comes alone", () => {
  const reading = new Reading();
  for (const octet of CONVERSATION) reading.push(Uint8Array.of(octet));
  assertEquals(reading.seen, EXPECTED);
});

Deno.test("FrameReader finds the same frames however a long stream is cut", () => {
  forSeeds(30, (random) => {
    const frames = Array.from({ length: 40 }, () => {
      const size = random.below(random.pick([2, 50, 3000, 60_000]));
      return frame(random.pick([1, 2, 3, 8]), random.below(65_536), new Uint8Array(size).fill(7));
    });
    const bytes = concat(frames);
    const reading = new Reading();
    for (let at = 0; at < bytes.length;) {
      const size = 1 + random.below(random.pick([8, 600, 5000, 200_000]));
      reading.push(bytes.subarray(at, at + size));
      at += size;
    }
    assertEquals(reading.seen.length, frames.length);
    reading.seen.forEach(([type, channel, payload], index) => {
      const expected = frames[index]!;
      assertEquals([type, channel], [expected[0], expected[1]! << 8 | expected[2]!]);
      assertEquals(payload, expected.subarray(7, -1).join());
    });
  });
});

Deno.test("FrameReader hands out several frames of one read at once, and keeps the part of one", () => {
  const reading = new Reading();
  reading.push(concat([CONVERSATION, CONVERSATION, CONVERSATION.subarray(0, 5)]));
  assertEquals(reading.seen, [...EXPECTED, ...EXPECTED]);
  assertEquals(reading.reader.waiting, 5);
});

Deno.test("FrameReader takes a frame of frame-max, and a payload of frame-max as RabbitMQ does", () => {
  const reading = new Reading(4096);
  reading.push(frame(3, 1, new Uint8Array(4088)));
  reading.push(frame(3, 1, new Uint8Array(4096)));
  assertEquals(reading.seen.length, 2);
});

Deno.test("FrameReader refuses a frame that is too large before its payload comes", () => {
  const reading = new Reading(4096);
  const announced = frame(3, 1, new Uint8Array(4097)).subarray(0, 8);
  const error = assertThrows(() => reading.push(announced), AmqpError);
  assertEquals(error.replyCode, 501);
  assertEquals(
    error.message,
    "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,4097,4088}",
  );
});

Deno.test("FrameReader goes by a new frame-max from the next frame on", () => {
  const reading = new Reading(4096);
  reading.push(frame(3, 1, new Uint8Array(4096)));
  reading.reader.frameMax = 10_000;
  reading.push(frame(3, 1, new Uint8Array(10_000)));
  reading.reader.frameMax = 0;
  reading.push(frame(3, 1, new Uint8Array(300_000)));
  assertEquals(reading.seen.length, 3);
});

Deno.test("FrameReader without a limit makes no room for a frame that was only announced", () => {
  const reading = new Reading(0);
  reading.push(Uint8Array.of(3, 0, 1, 0xff, 0xff, 0xff, 0xff, 1, 2, 3));
  assertLessOrEqual(reading.reader.room().length, 1024 * 1024);
});

// as a RabbitMQ 3.10.8 words them
const BROKEN: readonly (readonly [what: string, bytes: Uint8Array, text: string])[] = [
  [
    "without the end octet",
    frame(8, 0, [], 1),
    "type 8, all octets = <<>>: {invalid_frame_end_marker,1}",
  ],
  [
    "with another end octet, showing the payload",
    frame(1, 1, [0, 60, 0, 40, 1, 2, 3], 7),
    "type 1, all octets = <<0,60,0,40,1,2,3>>: {invalid_frame_end_marker,7}",
  ],
  [
    "with another end octet, showing the beginning of a long payload",
    frame(3, 1, new Array(30).fill(0x41), 7),
    'type 3, first 16 octets = <<"AAAAAAAAAAAAAAAA">>: {invalid_frame_end_marker,7}',
  ],
  ["of type 0", frame(0, 1, [1]), "type 0, all octets = <<1>>: unknown_frame"],
  ["of type 4", frame(4, 0, []), "type 4, all octets = <<>>: unknown_frame"],
  ["of an unknown type", frame(9, 1, [1, 2, 3]), "type 9, all octets = <<1,2,3>>: unknown_frame"],
  [
    "of an unknown type with 16 octets",
    frame(9, 1, new Array(16).fill(0x41)),
    'type 9, all octets = <<"AAAAAAAAAAAAAAAA">>: unknown_frame',
  ],
  [
    "of an unknown type with more",
    frame(9, 1, new Array(17).fill(0x41)),
    'type 9, first 16 octets = <<"AAAAAAAAAAAAAAAA">>: unknown_frame',
  ],
  [
    "that is text of another protocol",
    new TextEncoder().encode("GET / HTTP/1.1\r\n"),
    "type 71, all octets = <<>>: {frame_too_large,539959368,131064}",
  ],
];

for (const [what, bytes, text] of BROKEN) {
  Deno.test(`FrameReader refuses a frame ${what}`, () => {
    const reading = new Reading();
    const good = methodFrame(1, channelOpen());
    const error = assertThrows(() => reading.push(concat([good, bytes, good])), AmqpError);
    assertEquals([error.replyCode, error.hard], [501, true]);
    assertEquals(error.message, `FRAME_ERROR - ${text}`);
    assertEquals(reading.seen, framesOf(good), "what came before counts");
    assertThrows(() => reading.reader.drain(reading), AmqpError);
    assertEquals(reading.seen.length, 1, "and nothing that comes after");
  });
}

Deno.test("FrameReader stops when its sink says so, and goes on from there", () => {
  const reading = new Reading();
  reading.takes = 3;
  reading.push(CONVERSATION);
  assertEquals(reading.seen, EXPECTED.slice(0, 3));
  reading.takes = 1;
  reading.reader.drain(reading);
  assertEquals(reading.seen, EXPECTED.slice(0, 4));
  reading.takes = Infinity;
  reading.reader.drain(reading);
  assertEquals(reading.seen, EXPECTED);
});

Deno.test("FrameReader does not hand out a frame again when its sink threw", () => {
  const reading = new Reading();
  const failing: FrameSink = {
    onFrame(...frame) {
      reading.onFrame(...frame);
      throw new RangeError("no more");
    },
  };
  const bytes = concat([heartbeatFrame(), methodFrame(1, channelOpen())]);
  reading.reader.room().set(bytes);
  reading.reader.filled(bytes.length);
  assertThrows(() => reading.reader.drain(failing), RangeError);
  reading.reader.drain(reading);
  assertEquals(reading.seen, framesOf(bytes));
});

Deno.test("FrameReader takes raw octets before the first frame, once all have come", () => {
  const reading = new Reading();
  const { reader } = reading;
  const bytes = concat([new TextEncoder().encode("AMQP\0\0\x09\x01"), heartbeatFrame()]);
  for (const octet of bytes.subarray(0, 7)) {
    reader.room().set([octet]);
    reader.filled(1);
    assertEquals(reader.takeRaw(8), undefined);
  }
  assertEquals(reader.peek(4), bytes.slice(0, 4));
  assertEquals(reader.peek(100).length, 7, "no more than there is");
  reader.room().set(bytes.subarray(7));
  reader.filled(bytes.length - 7);
  assertEquals(reader.takeRaw(8), bytes.slice(0, 8));
  reader.drain(reading);
  assertEquals(reading.seen, framesOf(heartbeatFrame()));
});

Deno.test("FrameReader starts small and grows with what comes, not beyond what helps", () => {
  const { reader } = new Reading();
  assertLessOrEqual(reader.room().length, 1024);
  for (let read = 0; read < 20; read++) {
    const room = reader.room();
    room.fill(0);
    for (let at = 0; at + 8 <= room.length; at += 8) room.set(heartbeatFrame(), at);
    reader.filled(room.length - room.length % 8);
    reader.drain({ onFrame: () => true });
  }
  assertGreaterOrEqual(reader.bytes.length, 64 * 1024);
  assertLessOrEqual(reader.bytes.length, 256 * 1024);
});

Deno.test("FrameReader gives a large buffer back when little comes for a while, and not before", () => {
  const reading = new Reading();
  const large = frame(3, 1, new Uint8Array(100_000));
  const small = frame(3, 1, new Uint8Array(100));
  reading.push(large);
  const grown = reading.reader.room().length;
  assertGreaterOrEqual(grown, 100_008);
  for (let round = 0; round < 20; round++) {
    for (let count = 0; count < 10; count++) reading.push(small);
    reading.push(large);
  }
  assertGreaterOrEqual(reading.reader.bytes.length, 100_008, "large ones still come now and then");
  for (let count = 0; count < 200; count++) reading.push(small);
  assertLessOrEqual(reading.reader.room().length, 2048);
  reading.push(large);
  assertEquals(reading.seen.length, 1 + 20 * 11 + 200 + 1);
  assertEquals(reading.seen.at(-1)![2].length, 2 * 100_000 - 1);
});

Deno.test("FrameReader gives a large buffer back at once for a peer that is idle", () => {
  const reading = new Reading();
  const large = frame(3, 1, new Uint8Array(100_000));
  reading.push(large);
  reading.push(large.subarray(0, 50_000));
  reading.reader.rest();
  reading.push(large.subarray(50_000));
  assertGreaterOrEqual(
    reading.reader.bytes.length,
    100_008,
    "not while a part of a frame is in it",
  );
  assertLessOrEqual(reading.reader.room().length, 1024);
  reading.push(large);
  assertGreaterOrEqual(reading.reader.bytes.length, 100_008, "and it is no longer idle");
  assertEquals(reading.seen.length, 3);
});

Deno.test("FrameReader gives a large frame that comes in small reads one buffer, not many", () => {
  const reading = new Reading();
  const bytes = frame(3, 1, new Uint8Array(131_000));
  const buffers = new Set<ArrayBuffer>();
  for (let at = 0; at < bytes.length; at += 100) {
    reading.push(bytes.subarray(at, at + 100));
    buffers.add(reading.reader.bytes.buffer);
  }
  assertEquals(reading.seen.length, 1);
  assertLessOrEqual(buffers.size, 4);
});

Deno.test("FrameReaders have no more than 16 MiB of large buffers together, and hand them on", () => {
  const large = concat(Array.from({ length: 40 }, () => frame(3, 1, new Uint8Array(30_000))));
  const readings = Array.from({ length: 60 }, () => new Reading());
  for (const reading of readings) {
    reading.push(large);
    assertEquals(reading.seen.length, 40);
  }
  const sizes = readings.map(({ reader }) => reader.bytes.length);
  assertEquals(Math.max(...sizes), 512 * 1024);
  const sum = sizes.filter((size) => size > 64 * 1024).reduce((one, other) => one + other, 0);
  assertLessOrEqual(sum, 16 * 1024 * 1024);
  assertEquals(Math.min(...sizes), 64 * 1024);

  for (const { reader } of readings) reader.close();
  const next = new Reading();
  next.push(large);
  assertEquals(next.reader.bytes.length, 512 * 1024);
  next.reader.close();
});

Deno.test("FrameReader allocates nothing worth speaking of per frame", () => {
  const frames = concat(Array.from({ length: 200 }, () => frame(1, 1, [0, 60, 0, 80, 0, 0, 0, 1])));
  const reader = new FrameReader();
  let count = 0;
  let octets = 0;
  const sink: FrameSink = {
    onFrame(_type, _channel, start, end) {
      count++;
      octets += end - start;
      return true;
    },
  };
  const readAll = (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      for (let at = 0; at < frames.length;) {
        const room = reader.room();
        const size = Math.min(room.length, frames.length - at);
        room.set(frames.subarray(at, at + size));
        reader.filled(size);
        reader.drain(sink);
        at += size;
      }
    }
  };
  readAll(500); // the buffer has its size, the code is compiled
  const allocated = allocatedBytes(() => readAll(10), 500);
  assertEquals(count, 1_100_000);
  assert(octets === count * 8);
  // a view of each payload would cost a hundred
  assertLess(allocated / 1_000_000, 16, "bytes per frame");
});

function framesOf(bytes: Uint8Array): SeenFrame[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const frames: SeenFrame[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 7 + view.getUint32(at + 3);
    frames.push([bytes[at]!, view.getUint16(at + 1), bytes.subarray(at + 7, end).join()]);
    at = end + 1;
  }
  return frames;
}

/** About how much an action puts on the heap, garbage included: what the heap grew by, look by look. */
function allocatedBytes(action: () => void, times: number): number {
  let allocated = 0;
  let before = Deno.memoryUsage().heapUsed;
  for (let time = 0; time < times; time++) {
    action();
    const { heapUsed } = Deno.memoryUsage();
    allocated += Math.max(0, heapUsed - before);
    before = heapUsed;
  }
  return allocated;
}
