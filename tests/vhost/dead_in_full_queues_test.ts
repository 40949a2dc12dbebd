import { assertEquals } from "@std/assert";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { Content } from "../../broker/amqp/content.ts";
import { pollSockets } from "../../broker/amqp/turn.ts";
import { Message } from "../../broker/message.ts";
import type { MessageQueue } from "../../broker/queue/message_queue.ts";
import { standingTime } from "../support/standing_time.ts";
import { deadTo, TestHost } from "./dead_letter_support.ts";

const AT_LEAST_ONCE: FieldTable = {
  "x-queue-type": "quorum",
  "x-overflow": "reject-publish",
  "x-dead-letter-strategy": "at-least-once",
};
const LENGTH = 20;

/** A vhost in which few dead letters may wait, so that queues keep them. */
class Host extends TestHost {
  constructor() {
    super(undefined, undefined, { full: { count: 5, bytes: Infinity } });
  }

  /** Publishes to a queue until it takes no more; tells how many it took. */
  fill(queue: string): number {
    for (let taken = 0; taken < 10 * LENGTH; taken++) {
      const content = new Content();
      Object.assign(content, { routingKey: queue, properties: {} });
      content.body = new TextEncoder().encode(`${taken}`.padEnd(10));
      content.bodyEnd = content.body.length;
      if (this.publish(new Message(content)).refused) return taken;
    }
    return Infinity;
  }

  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.clock.advance(1000);
      await pollSockets();
    }
  }
}

function rejectAll(queue: MessageQueue): void {
  for (let entry = queue.take(); entry !== undefined; entry = queue.take()) queue.reject(entry);
}

for (const limit of [{ "x-max-length": LENGTH }, { "x-max-length-bytes": 10 * LENGTH }]) {
  Deno.test(`at least once, what has died and nobody takes counts towards ${Object.keys(limit)}`, async () => {
    using _time = standingTime(0.05);
    const host = new Host();
    const queue = host.add("q", { ...AT_LEAST_ONCE, ...limit, ...deadTo("sink") });
    assertEquals(host.fill("q"), LENGTH);
    rejectAll(queue);
    assertEquals([host.fill("q"), queue.dyingCount], [0, LENGTH]);
    // a queue that may lose it takes more
    queue.applyPolicy({ overflow: "reject-publish", "dead-letter-strategy": "at-most-once" });
    host.add("sink");
    await host.pass(3);
    assertEquals([queue.dyingCount, host.drain("sink").length], [0, LENGTH]);
    assertEquals(host.fill("q"), LENGTH);
  });
}

Deno.test("at least once, queues that are full of dead ones for each other take them", async () => {
  using _time = standingTime(0.05);
  const host = new Host();
  const [one, other] = ["one", "other"].map((name) =>
    host.add(name, {
      ...AT_LEAST_ONCE,
      "x-max-length": LENGTH,
      ...deadTo(name === "one" ? "other" : "one"),
    })
  );
  for (const name of ["one", "other"]) assertEquals(host.fill(name), LENGTH);
  rejectAll(one!);
  rejectAll(other!);
  await host.pass(3);
  assertEquals([one!.messageCount, other!.messageCount], [LENGTH, LENGTH]);
  assertEquals([one!.dyingCount, other!.dyingCount], [0, 0]);
});
