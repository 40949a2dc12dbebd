import { assertEquals } from "@std/assert";
import type { Delivery } from "../../client/delivery.ts";
import { StreamPosition } from "../../client/stream_position.ts";

interface Delivered {
  readonly properties: { readonly headers: { readonly "x-stream-offset": number } };
  settled: boolean;
}

/** Takes messages of a stream from one offset to another, that included. */
function takeFrom(position: StreamPosition, from: number, to: number): Delivered[] {
  return Array.from({ length: to - from + 1 }, (_, index) => {
    const delivered = {
      properties: { headers: { "x-stream-offset": from + index } },
      settled: false,
    };
    position.take(delivered as unknown as Delivery);
    return delivered;
  });
}

const FIRST = { "x-stream-offset": "first" };

Deno.test("StreamPosition goes on where it was told before anything has come", () => {
  assertEquals(new StreamPosition().resume(FIRST), FIRST);
});

Deno.test("StreamPosition goes on at the first message that is not settled", () => {
  const position = new StreamPosition();
  const taken = takeFrom(position, 10, 14);
  taken[0]!.settled = true;
  taken[1]!.settled = true;
  taken[3]!.settled = true;
  assertEquals(position.resume(FIRST), { "x-stream-offset": 12 });
});

Deno.test("StreamPosition goes on after the last message when all are settled", () => {
  const position = new StreamPosition();
  for (const delivered of takeFrom(position, 10, 14)) delivered.settled = true;
  assertEquals(position.resume(FIRST), { "x-stream-offset": 15 });
});

Deno.test("StreamPosition goes on at the same message when nothing came of the first attempt", () => {
  const position = new StreamPosition();
  const taken = takeFrom(position, 10, 14);
  taken[0]!.settled = true;
  assertEquals(position.resume(FIRST), { "x-stream-offset": 11 });
  assertEquals(position.resume(FIRST), { "x-stream-offset": 11 });
  for (const delivered of takeFrom(position, 11, 12)) delivered.settled = true;
  assertEquals(position.resume(FIRST), { "x-stream-offset": 13 });
  assertEquals(position.resume(FIRST), { "x-stream-offset": 13 });
});

Deno.test("StreamPosition leaves other queues alone", () => {
  const position = new StreamPosition();
  position.take({ properties: {}, settled: false } as unknown as Delivery);
  assertEquals(position.resume({ "x-priority": 1 }), { "x-priority": 1 });
});
