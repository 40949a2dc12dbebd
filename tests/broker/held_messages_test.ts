import { assertEquals, assertLessOrEqual } from "@std/assert";
import { visitHeld } from "../../broker/held_messages.ts";
import type { Message } from "../../broker/message.ts";
import type { MessageQueue } from "../../broker/queue/message_queue.ts";
import { bodyOf, TestQueue } from "../queue/support.ts";

Deno.test("visitHeld lets others go on between the messages of a long queue, and visits all that stay", () => {
  const queue = new TestQueue();
  queue.publish(...Array.from({ length: 9000 }, (_, index) => `${index}`));
  // a third of them came back
  queue.requeue(Array.from({ length: 3000 }, () => queue.take()!));
  const visited = new Set<Message>();
  let inTurn = 0;
  const visit = (message: Message) => {
    visited.add(message);
    inTurn++;
  };
  const vhost = { queues: new Map<string, MessageQueue>([["q", queue]]) };
  for (const _ of visitHeld([vhost], [], visit)) {
    assertLessOrEqual(inTurn, 256);
    inTurn = 0;
    // some go and others come
    queue.settle(queue.take()!);
    queue.publish("new");
  }
  let count = 0;
  for (let entry = queue.take(); entry !== undefined; entry = queue.take(), count++) {
    const isNew = bodyOf(entry.message) === "new";
    assertEquals(visited.has(entry.message) || isNew, true);
  }
  assertEquals(count, 9000);
});
