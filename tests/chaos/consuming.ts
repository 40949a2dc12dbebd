import { ClosedError, type Connection, type Message } from "../../mod.ts";
import type { RandomValues } from "../amqp/random_values.ts";
import type { Bodies } from "./bodies.ts";

/** What has been handled so far. */
export interface Handled {
  /** Resolves when all that is to arrive has; rejects when something else has. */
  readonly all: Promise<void>;
  /** The numbers of messages. */
  readonly numbers: ReadonlySet<number>;
  /** How many messages, those counted that came again. */
  readonly count: number;
  /** Closes the consumer. */
  close(): Promise<void>;
}

/**
 * Handles messages by a handler, in a loop or from a stream, as the seed says.
 *
 * @param arguments_ Where a stream is read from.
 * @param expected Numbers below this one are to arrive.
 */
export async function startConsumer(
  connection: Connection,
  random: RandomValues,
  bodies: Bodies,
  arguments_: Readonly<Record<string, string>>,
  expected: number,
): Promise<Handled> {
  const numbers = new Set<number>();
  const { promise: all, resolve, reject } = Promise.withResolvers<void>();
  let count = 0;
  let missing = expected;
  const handle = ({ body, properties }: Message) => {
    const number = bodies.check(body, properties);
    count++;
    if (!numbers.has(number) && number < expected) missing--;
    numbers.add(number);
    if (missing === 0) resolve();
  };
  const options = { queue: "q", concurrency: 1 + random.below(5), arguments: arguments_ };
  const way = random.pick(["handler", "loop", "readable"]);
  let running: Promise<void> | undefined;
  const consumer = way === "handler"
    ? await connection.consumer(options, (message) => {
      try {
        handle(message);
      } catch (error) {
        reject(error);
      }
    })
    : await connection.consumer(options);
  if (way !== "handler") {
    running = (async () => {
      for await (const message of way === "loop" ? consumer : consumer.readable()) {
        handle(message);
        message.ack();
      }
    })();
    running.catch(reject);
  }
  return {
    all,
    numbers,
    get count() {
      return count;
    },
    async close() {
      await consumer.close();
      await running?.catch((error) => {
        // one that came again was in hand
        if (!(error instanceof ClosedError)) throw error;
      });
    },
  };
}
