import { assertEquals } from "@std/assert";
import { DeliveryRow } from "../../broker/connection/delivery_row.ts";
import { heldMessage, TestQueue } from "../queue/support.ts";
import { QueueEntry } from "../../broker/queue/entry.ts";

Deno.test("DeliveryRow gives very many deliveries of several queues as they were, in the order in which they came", () => {
  const queues = [new TestQueue(), new TestQueue()];
  const row = new DeliveryRow({ singly: false });
  const [count, told]: [number, unknown[]] = [2000, []];
  for (let number = 0; number < count; number++) {
    const queue = queues[number % 3 % 2]!;
    const entry = new QueueEntry(heldMessage(queue.pages, `${number}`), count - number);
    entry.deliveryCount = number % 4;
    // most tags follow one another
    const deliveryTag = number % 10 === 9 ? count + number : number;
    const delivery = { deliveryTag, entry, queue, consumer: undefined, deliveredAt: number >> 5 };
    assertEquals(row.push(delivery), number + 1);
    told.push([deliveryTag, entry.position, number % 4, queue, number >> 5]);
  }
  const found = [...row].map(({ deliveryTag, entry, queue, deliveredAt }) => {
    entry.message.release((queue as TestQueue).pages);
    return [deliveryTag, entry.position, entry.deliveryCount, queue, deliveredAt];
  });
  assertEquals(row.length, count);
  assertEquals(found.length, count);
  for (const [index, one] of found.entries()) {
    assertEquals(one.slice(0, 3), (told[index] as unknown[]).slice(0, 3));
    assertEquals(one[3] === (told[index] as unknown[])[3], true);
    assertEquals(one[4], (told[index] as unknown[])[4]);
  }
});
