import { assertEquals, assertThrows } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { Unacked, type UnackedDelivery } from "../../broker/connection/unacked.ts";
import { entryAt, TestQueue } from "../queue/support.ts";

const QUEUE = new TestQueue();

function delivery(deliveryTag: number): UnackedDelivery {
  return { deliveryTag, entry: entryAt(deliveryTag), queue: QUEUE, consumer: undefined };
}

function unackedOf(...tags: readonly number[]): Unacked {
  const unacked = new Unacked();
  for (const tag of tags) unacked.add(delivery(tag));
  return unacked;
}

function tags(deliveries: readonly UnackedDelivery[]): number[] {
  return deliveries.map(({ deliveryTag }) => deliveryTag);
}

Deno.test("Unacked.takeOne() takes each delivery once, in any order", () => {
  const unacked = unackedOf(1, 2, 3);
  assertEquals([unacked.takeOne(2).deliveryTag, unacked.takeOne(3).deliveryTag], [2, 3]);
  assertEquals(unacked.size, 1);
  for (const tag of [2, 0, 4]) {
    const error = assertThrows(() => unacked.takeOne(tag), AmqpError);
    assertEquals(
      [error.replyCode, error.message],
      [406, `PRECONDITION_FAILED - unknown delivery tag ${tag}`],
    );
  }
  assertEquals(unacked.size, 1);
});

Deno.test("Unacked.takeUpTo() takes all up to a tag, in the order of their tags", () => {
  const unacked = unackedOf(1, 2, 3, 4, 5);
  unacked.takeOne(2);
  assertEquals(tags(unacked.takeUpTo(4)), [1, 3, 4]);
  assertEquals(tags(unacked.takeUpTo(0)), [5]);
  assertEquals(tags(unacked.takeUpTo(0)), [], "0 stands for all, also for none");
});

Deno.test("Unacked.takeUpTo() refuses a tag that is not outstanding, and takes nothing", () => {
  const unacked = unackedOf(1, 2, 3);
  unacked.takeOne(2);
  assertThrows(() => unacked.takeUpTo(2), AmqpError);
  assertThrows(() => unacked.takeUpTo(9), AmqpError);
  assertEquals(tags(unacked.takeAll()), [1, 3]);
});

Deno.test("Unacked.putBack() puts deliveries back between those that came meanwhile", () => {
  const unacked = unackedOf(1, 2, 3, 4);
  const taken = [unacked.takeOne(3), unacked.takeOne(1)];
  unacked.add(delivery(5));
  unacked.putBack(taken);
  assertEquals(tags(unacked.takeUpTo(3)), [1, 2, 3]);
  assertEquals(tags(unacked.takeAll()), [4, 5]);
  assertEquals(unacked.size, 0);
});
