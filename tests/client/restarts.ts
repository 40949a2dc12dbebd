import { assert, assertEquals } from "@std/assert";
import { type Connection, UnroutableError } from "../../client/mod.ts";
import { within } from "../support/within.ts";

/** So long one thing that is waited for may take; a RabbitMQ starts in six seconds, on a quiet machine. */
const PATIENCE_MS = 90_000;

/** Something that can be stopped and started again, with what is durable. */
export interface Restartable {
  /** Does it. */
  restart(): Promise<void>;
}

/**
 * Publishes, consumes and calls while the broker is restarted again and again: every message that was
 * published is handled, and every call ends.
 *
 * @param connection A connection that is made anew when it is lost.
 * @param broker The broker.
 * @param times How often.
 * @param patienceMs So long each thing that is waited for may take, a restart included; then it rejects
 * and says what that was.
 * @returns How many messages there were, how many were handled more than once, and how many calls were
 * answered.
 */
export async function restartUnderLoad(
  connection: Connection,
  broker: Restartable,
  times: number,
  patienceMs: number = PATIENCE_MS,
): Promise<
  { readonly messages: number; readonly duplicates: number; readonly answered: number }
> {
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
  const wait = <Result>(work: Promise<Result>, what: string) =>
    within(patienceMs, work, () => `${what}, ${handled.size} of ${state.published} are handled`);
  const publishing = async () => {
    while (state.going) await publisher.publish(state.published++);
  };
  const load = Promise.all(Array.from({ length: 20 }, publishing));
  load.catch(() => {}); // awaited later
  const calls = await callUnderLoad(connection, `${queue}-calls`);
  for (let time = 0; time < times; time++) {
    // it is at work again before it is interrupted again
    const until = handled.size + 50;
    while (handled.size < until) {
      change = Promise.withResolvers<void>();
      await wait(change.promise, `at work before restart ${time + 1} of ${times}`);
    }
    await wait(broker.restart(), `restart ${time + 1} of ${times}`);
  }
  state.going = false;
  await wait(load, "publishing the last ones");
  const answered = await wait(calls.stop(), "ending the calls");
  assert(answered > 0, "no call was answered");
  while (handled.size < state.published) {
    change = Promise.withResolvers<void>();
    await wait(change.promise, "handling the last ones");
  }
  await wait(publisher.close(), "closing the publisher");
  await wait(consumer.close(), "closing the consumer");
  await channel.queueDelete(queue);
  assertEquals(Math.max(...handled.keys()), state.published - 1);
  const duplicates = [...handled.values()].filter((count) => count > 1).length;
  return { messages: state.published, duplicates, answered };
}

/** Calls one after the other, of which some may fail, until told to stop; tells how many did not. */
async function callUnderLoad(
  connection: Connection,
  queue: string,
): Promise<{ readonly stop: () => Promise<number> }> {
  const server = await connection.serve<number>(queue, (n) => 2 * n);
  const client = await connection.rpc<number, number>(queue, { unanswered: "retry" });
  let going = true;
  const run = async () => {
    let answered = 0;
    for (let n = 0; going; n++) {
      const calledAt = performance.now();
      try {
        assertEquals(await client.call(n, { timeout: 5000 }), 2 * n);
        answered++;
      } catch (error) {
        // its server is away too long; one that comes back a little later than its client is waited for
        if (!(error instanceof UnroutableError || error instanceof DOMException)) throw error;
        assert(performance.now() - calledAt > 4900, `${error}`);
      }
    }
    return answered;
  };
  const running = run();
  running.catch(() => {}); // awaited later
  const stop = async () => {
    going = false;
    const answered = await running;
    await client.close();
    await server.close();
    return answered;
  };
  return { stop };
}
