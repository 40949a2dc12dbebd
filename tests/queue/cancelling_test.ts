import { assertEquals } from "@std/assert";
import { TestConsumer, TestQueue } from "./support.ts";
import { StreamConsumer, TestStream, turns } from "./stream_support.ts";

const COUNT = 2500;
/** So many are told at once. */
const AT_ONCE = 1000;

Deno.test("Consumers of a deleted queue are told at once if they are few", () => {
  const queue = new TestQueue();
  const consumers = Array.from({ length: 3 }, () => new TestConsumer());
  for (const consumer of consumers) queue.addConsumer(consumer, { exclusive: false });
  queue.delete();
  assertEquals(consumers.map(({ cancels }) => cancels), [1, 1, 1]);
  assertEquals(queue.consumerCount, 0);
});

Deno.test("Very many are told some at a time, and those are not who leave meanwhile", async () => {
  const queue = new TestQueue();
  const consumers = Array.from({ length: COUNT }, () => new TestConsumer());
  for (const consumer of consumers) queue.addConsumer(consumer, { exclusive: false });
  queue.delete();
  assertEquals(told(consumers), AT_ONCE);
  const leaving = consumers.at(-1)!;
  queue.removeConsumer(leaving);
  assertEquals(queue.consumerCount, COUNT - AT_ONCE - 1);
  while (queue.consumerCount > 0) await turns();
  assertEquals([told(consumers), leaving.cancels], [COUNT - 1, 0]);
});

Deno.test("The same of a stream", async () => {
  const { stream } = new TestStream();
  const consumers = Array.from({ length: COUNT }, () => new StreamConsumer());
  for (const consumer of consumers) stream.addConsumer(consumer, { exclusive: false });
  stream.delete();
  assertEquals(told(consumers), AT_ONCE);
  stream.removeConsumer(consumers.at(-1)!);
  while (stream.consumerCount > 0) await turns();
  assertEquals(told(consumers), COUNT - 1);
});

function told(consumers: readonly TestConsumer[]): number {
  return consumers.reduce((sum, { cancels }) => sum + cancels, 0);
}
