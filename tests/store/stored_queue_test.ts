import { assertEquals } from "@std/assert";
import { MessageTable } from "../../broker/store/message_table.ts";
import { MESSAGE_FLAG } from "../../broker/store/records.ts";
import { StoredQueue } from "../../broker/store/stored_queue.ts";
import { seededRandom } from "../../broker/testing/simulated_file_system.ts";

function positions(queue: StoredQueue, from = 0): number[] {
  const found: number[] = [];
  for (let at = queue.next(from); at !== undefined; at = queue.next(at + 1)) found.push(at);
  return found;
}

Deno.test("StoredQueue.next() walks stored positions in order, whatever was added and removed", () => {
  const random = seededRandom(3);
  for (let round = 0; round < 50; round++) {
    const table = new MessageTable();
    const queue = new StoredQueue(1, table);
    const expected = new Set<number>();
    let last = 0;
    for (let step = 0; step < 300; step++) {
      if (random() < 0.6) {
        last += 1 + Math.floor(random() ** 8 * 1_000_000);
        queue.add(last, table.add(1, 0, 0, 1), 0);
        expected.add(last);
      } else if (expected.size > 0) {
        const victim = [...expected][Math.floor(random() ** 3 * expected.size)]!;
        table.remove(queue.remove(victim));
        expected.delete(victim);
      }
      if (step % 50 === 0) assertEquals(positions(queue), [...expected]);
    }
    assertEquals(positions(queue), [...expected]);
    assertEquals(queue.count, expected.size);
    assertEquals(queue.bodyBytes, expected.size);
    const from = Math.floor(random() * last);
    assertEquals(positions(queue, from), [...expected].filter((each) => each >= from));
  }
});

Deno.test("StoredQueue forgets deadline and delivery count with the message", () => {
  const table = new MessageTable();
  const queue = new StoredQueue(1, table);
  queue.add(5, table.add(10, 3, 0, 1), 1234);
  queue.add(6, table.add(10, 4, 0, 1), 0);
  queue.setDeliveryCount(5, 2);
  assertEquals([queue.deadline(5), queue.deliveryCount(5), queue.priority(5)], [1234, 2, 3]);
  assertEquals([queue.deadline(6), queue.deliveryCount(6), queue.priority(6)], [0, 0, 4]);
  queue.remove(5);
  assertEquals([queue.deadline(5), queue.deliveryCount(5), queue.priority(5)], [0, 0, 0]);
  assertEquals(queue.has(5), false);
});

Deno.test("StoredQueue tells priorities by their rank, if it is to", () => {
  const table = new MessageTable();
  const queue = new StoredQueue(1, table);
  const priorities = [[0, 0], [0, MESSAGE_FLAG.lowest], [3, 0], [4, 0], [31, 0], [255, 0]] as const;
  priorities.forEach(([priority, flags], index) => {
    queue.add(index + 1, table.add(1, priority, flags, 1), 0);
  });
  const told = () => priorities.map((_, index) => queue.priority(index + 1));
  assertEquals(told(), [0, 0, 3, 4, 31, 255]);
  queue.ranks = true;
  assertEquals(told(), [0, 32, 3, 0, 31, 31]);
});

Deno.test("MessageTable uses slots again and gives memory back when it is empty", () => {
  const table = new MessageTable();
  const slots = Array.from({ length: 20_000 }, (_, index) => table.add(index, 0, 0, 1));
  assertEquals(new Set(slots).size, 20_000);
  assertEquals(table.bodySize(slots[12_345]!), 12_345);
  table.remove(slots[7]!);
  assertEquals(table.add(1, 0, 0, 1), slots[7]);
  for (const slot of slots) table.remove(slot);
  assertEquals(table.count, 0);
  assertEquals(table.add(1, 0, 0, 1), 1);
});
