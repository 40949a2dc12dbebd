import { assertEquals } from "@std/assert";
import type { Connection } from "../../client/mod.ts";

/** Something that can be stopped and started again, with what is durable. */
export interface Restartable {
  /** Does it. */
  restart(): Promise<void>;
}

/**
 * Publishes and consumes while the broker is restarted again and again: every message that was
 * published is handled.
 *
 * @param connection A connection that is made anew when it is lost.
 * @param broker The broker.
 * @param times How often.
 * @returns How many messages there were, and how many were handled more than once.
 */
export async function restartUnderLoad(
  connection: Connection,
  broker: Restartable,
  times: number,
): Promise<{ readonly messages: number; readonly duplicates: number }> {
  const queue = `restarts-${crypto.randomUUID()}`;
  const channel = await connection.openChannel();
  await channel.queueDeclare(queue, { durable: true });
  const publisher = await connection.publisher({
    routingKey: queue,
    mandatory: true,
    properties: { deliveryMode: 2 },
    maxUnconfirmed: 50,
  });
  const handled = new Map<number, number>();
  let change = Promise.withResolvers<void>();
  const consumer = await connection.consumer<number>({ queue, concurrency: 20 }, ({ body }) => {
    handled.set(body, (handled.get(body) ?? 0) + 1);
    change.resolve();
  });

  const state = { published: 0, going: true };
  const publishing = async () => {
    while (state.going) await publisher.publish(state.published++);
  };
  const load = Promise.all(Array.from({ length: 20 }, publishing));
  for (let time = 0; time < times; time++) {
    // it is at work again before it is interrupted again
    const until = handled.size + 50;
    while (handled.size < until) await (change = Promise.withResolvers<void>()).promise;
    await broker.restart();
  }
  state.going = false;
  await load;
  while (handled.size < state.published) await (change = Promise.withResolvers<void>()).promise;
  await publisher.close();
  await consumer.close();
  await channel.queueDelete(queue);
  assertEquals(Math.max(...handled.keys()), state.published - 1);
  const duplicates = [...handled.values()].filter((count) => count > 1).length;
  return { messages: state.published, duplicates };
}
