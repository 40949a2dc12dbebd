import { assertEquals } from "@std/assert";
import { DeliveryRow } from "../../broker/connection/delivery_row.ts";
import type { UnackedDelivery } from "../../broker/connection/unacked.ts";
import { QueueEntry } from "../../broker/queue/entry.ts";
import { bodyOf, heldMessage, TestQueue } from "../queue/support.ts";

Deno.test("DeliveryRow gives very many deliveries of several queues as they were, in the order in which they came", () => {
  const queues = [new TestQueue(), new TestQueue()];
  const row = new DeliveryRow({ singly: false });
  const count = 2000;
  const told: UnackedDelivery[] = [];
  for (let number = 0; number < count; number++) {
    const queue = queues[number % 3 % 2]!;
    const entry = new QueueEntry(heldMessage(queue.pages, `${number}`), count - number);
    entry.deliveryCount = number % 4;
    // most tags follow one another
    const deliveryTag = number % 10 === 9 ? count + number : number;
    const delivery = { deliveryTag, entry, queue, consumer: undefined, deliveredAt: number >> 5 };
    told.push(delivery);
    assertEquals(row.push(delivery), number + 1);
  }
  const tell = ({ deliveryTag, entry, deliveredAt }: UnackedDelivery) => {
    const { position, deliveryCount } = entry;
    return { deliveryTag, position, deliveryCount, deliveredAt };
  };
  const expected = told.map(tell);
  const found = [...row];
  assertEquals(found.map(tell), expected);
  assertEquals(found.map(({ entry }) => bodyOf(entry.message)), told.map((_, at) => `${at}`));
  assertEquals(found.every(({ queue }, at) => queue === told[at]!.queue), true);
});
