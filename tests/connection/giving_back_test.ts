import { assertEquals, assertThrows } from "@std/assert";
import type { Steps } from "../../broker/amqp/long_work.ts";
import { giveBack } from "../../broker/connection/giving_back.ts";
import type { UnackedDelivery } from "../../broker/connection/unacked.ts";
import { TestConsumer, TestQueue } from "../queue/support.ts";
import { upTo } from "./long_work.ts";

/** More than one step looks at, sorts or gives back, and no more than a queue hands out in one turn. */
const MANY = 900;

/** A queue with a consumer that has got many messages; they are to be given back. */
function start(count = MANY, queueType = "classic") {
  const queue = new TestQueue({ arguments: { "x-queue-type": queueType } });
  const first = new TestConsumer();
  queue.addConsumer(first, { exclusive: false });
  queue.publish(...upTo(count).map(String));
  queue.removeConsumer(first, { quietly: true });
  const next = new TestConsumer();
  queue.addConsumer(next, { exclusive: false });
  const deliveries = first.entries.map((entry, at): UnackedDelivery => ({
    deliveryTag: at + 1,
    entry,
    queue,
    consumer: undefined,
    deliveredAt: 0,
  }));
  return { queue, next, deliveries };
}

/** Does all that is left, and calls in between. */
function finish(steps: Steps, between: () => void = () => {}): number {
  let count = 0;
  while (steps.next().done !== true) {
    between();
    count++;
  }
  return count;
}

const redelivered = (count: number) => upTo(count).map((number) => `${number}*`);

for (const order of ["in order", "in no order"] as const) {
  Deno.test(`What is published between any two steps comes after what goes back ${order}`, () => {
    const { queue, next, deliveries } = start();
    const given = order === "in order" ? deliveries : deliveries.toReversed();
    const published: string[] = [];
    const steps = finish(giveBack(given, "rejected"), () => {
      published.push(`new ${published.length}`);
      queue.publish(published.at(-1)!);
      // a channel that was offered room asks for more
      queue.consumerHasRoom(next);
      assertEquals(next.bodies, []);
    });
    assertEquals(published.length, steps);
    assertEquals(next.bodies, [...redelivered(MANY), ...published]);
  });
}

Deno.test("What comes back to a quorum queue goes out as it was, in whatever order it was delivered", () => {
  const { next, deliveries } = start(MANY, "quorum");
  finish(giveBack(deliveries.toReversed(), "rejected"));
  assertEquals(next.bodies, redelivered(MANY));
});

Deno.test("A few that go back to one of two queues are not overtaken while the other's do", () => {
  const [many, few] = [start(), start(10)];
  const published: string[] = [];
  finish(giveBack([...few.deliveries, ...many.deliveries], "rejected"), () => {
    published.push(`new ${published.length}`);
    few.queue.publish(published.at(-1)!);
  });
  assertEquals(few.next.bodies, [...redelivered(10), ...published]);
  assertEquals(many.next.bodies, redelivered(MANY));
});

Deno.test("A queue that cannot take something back goes on with what comes, and so do others", () => {
  const [broken, other] = [start(), start()];
  broken.queue.requeue = () => {
    throw new Error("Cannot requeue");
  };
  const steps = giveBack([...broken.deliveries, ...other.deliveries], "rejected");
  assertThrows(() => finish(steps), Error, "Cannot requeue");
  for (const { queue, next } of [broken, other]) {
    next.room = 0;
    queue.publish("new");
    next.room = 1;
    queue.consumerHasRoom(next);
    assertEquals(next.bodies, ["new"]);
  }
});

Deno.test("A queue that is held back by two hands out when both have done", () => {
  const { queue, next } = start(0);
  queue.holdBack();
  queue.holdBack();
  queue.publish("one");
  queue.handOut();
  assertEquals(next.bodies, []);
  queue.handOut();
  assertEquals(next.bodies, ["one"]);
  queue.publish("two");
  assertEquals(next.bodies, ["one", "two"]);
});
