import {
  type Connection,
  ConnectionLostError,
  PoisonMessageError,
  type Publisher,
} from "../../mod.ts";
import type { RandomValues } from "../amqp/random_values.ts";
import type { Bodies, Outgoing } from "./bodies.ts";

/** What became of messages that must arrive. */
export interface Published {
  /** So often a publisher was told that one may be lost, or ends connections, and it was published again. */
  readonly rejected: number;
}

/**
 * Publishes messages one by one or through a stream, as the seed says, until each is confirmed.
 *
 * @param between Is called between two of them.
 */
export async function publishAll(
  publisher: Publisher,
  messages: readonly Outgoing[],
  random: RandomValues,
  between: (number: number) => void,
): Promise<Published> {
  const rejected = random.below(3) === 0
    ? await stream(publisher, messages, between)
    : await publishEach(publisher, messages, random, between);
  return { rejected };
}

async function publishEach(
  publisher: Publisher,
  messages: readonly Outgoing[],
  random: RandomValues,
  between: (number: number) => void,
): Promise<number> {
  const publishes: Promise<number>[] = [];
  for (const [number, message] of messages.entries()) {
    publishes.push(untilConfirmed(publisher, message));
    between(number);
    if (random.below(10) === 0) await publishes.at(-1);
  }
  const tries = await Promise.all(publishes);
  return tries.reduce((sum, count) => sum + count - 1, 0);
}

/** Tells how often it was published. */
async function untilConfirmed(
  publisher: Publisher,
  { body, properties }: Outgoing,
): Promise<number> {
  for (let tries = 1;; tries++) {
    try {
      await publisher.publish(body, { properties });
      return tries;
    } catch (error) {
      await forgive(error);
    }
  }
}

/** A stream that fails does not say which of its messages have arrived. */
async function stream(
  publisher: Publisher,
  messages: readonly Outgoing[],
  between: (number: number) => void,
): Promise<number> {
  let passed = 0;
  for (let failures = 0;; failures++) {
    const writer = publisher.writable().getWriter();
    writer.closed.catch(() => {}); // told by the writes
    try {
      for (const [number, message] of messages.entries()) {
        await writer.write(message);
        if (number === passed) between(passed++);
      }
      // a stream that has failed tells why only there
      await writer.close().catch(() => writer.closed);
      return failures;
    } catch (error) {
      await forgive(error);
    }
  }
}

/** What chaos does to messages their publisher may be told, nothing else. */
async function forgive(error: unknown): Promise<void> {
  if (!(error instanceof ConnectionLostError || error instanceof PoisonMessageError)) throw error;
  await pause();
}

/** A little while, in which a connection may come back. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2));
}

/** Publishes messages that nobody confirms, so that they may be lost; each publish ends. */
export async function startBlindly(
  connection: Connection,
  random: RandomValues,
  bodies: Bodies,
  from: number,
) {
  const publisher = await connection.publisher({
    routingKey: "q",
    confirm: false,
    whileAway: random.pick(["buffer", "reject"]),
  });
  const sent: Promise<void>[] = [];
  return {
    publish(): void {
      const { body, properties } = bodies.make(from + sent.length);
      // one that rejects may have arrived all the same
      sent.push(publisher.publish(body, { properties }).catch(forgive));
      sent.at(-1)!.catch(() => {}); // awaited later
    },
    /** Waits for all of them, and tells how many there were. */
    async close(): Promise<number> {
      await Promise.all(sent);
      await publisher.close();
      return sent.length;
    },
  };
}
