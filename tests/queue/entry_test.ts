import { assertEquals } from "@std/assert";
import { QueueEntry } from "../../broker/queue/entry.ts";
import { messageOf } from "./support.ts";

function told(entry: QueueEntry): unknown {
  const { position, stored, deadline, priority } = entry;
  const { redelivered, deliveryCount, acquiredCount } = entry;
  return { position, stored, deadline, priority, redelivered, deliveryCount, acquiredCount };
}

const FRESH = { redelivered: false, deliveryCount: 0, acquiredCount: 0 };

Deno.test("what is said of one entry is said of no other", () => {
  const message = messageOf("shared");
  const first = new QueueEntry(message, 1);
  const second = new QueueEntry(message, 2, true);
  const third = new QueueEntry(message, 3, false, 0, 7);
  const fourth = new QueueEntry(message, 4, false, 1234);

  first.redelivered = true;
  second.deliveryCount = 3;
  third.acquiredCount++;
  fourth.deliveryCount += 2;
  fourth.redelivered = true;

  const none = { deadline: 0, priority: 0 };
  assertEquals(told(first), { position: 1, stored: false, ...none, ...FRESH, redelivered: true });
  assertEquals(told(second), { position: 2, stored: true, ...none, ...FRESH, deliveryCount: 3 });
  assertEquals(told(third), {
    position: 3,
    stored: false,
    deadline: 0,
    priority: 7,
    ...FRESH,
    acquiredCount: 1,
  });
  assertEquals(told(fourth), {
    position: 4,
    stored: false,
    deadline: 1234,
    priority: 0,
    redelivered: true,
    deliveryCount: 2,
    acquiredCount: 0,
  });
  assertEquals(told(new QueueEntry(message, 5)), {
    position: 5,
    stored: false,
    ...none,
    ...FRESH,
  });
});
