import { assert, assertEquals } from "@std/assert";
import { type Channel, connect, type Connection } from "../../mod.ts";
import { BrokerProcess } from "./broker_process.ts";
import type { Publisher, StartPublisher } from "./publishers.ts";

/** What the rounds of a run came to. */
export interface KillReport {
  /** How often the broker was killed. */
  readonly kills: number;
  /** How many messages were confirmed. */
  readonly confirmed: number;
  /** How many of them to each client beside ours. */
  readonly others: Readonly<Record<string, number>>;
  /** How many of them were consumed and acked before a kill. */
  readonly acked: number;
  /** How many were there in the end. */
  readonly left: number;
}

const QUEUES = ["kill-0", "kill-1", "kill-2"];
/** Keeps all that was published, whoever reads it. */
const STREAM = "kill-stream";
const STREAM_ARGUMENTS = { "x-queue-type": "stream" } as const;
/** How many numbers the messages of a round have. */
const ROUND = 1_000_000;
const PERSISTENT = { deliveryMode: 2 } as const;

/**
 * Publishes with confirms to a broker in a process of its own, consumes some of it, kills the broker
 * at a random moment, starts it again on the same directory, and so on. In the end each message that
 * was confirmed must have been acked or still be there, in order. Clients of other people publish
 * beside ours, each to a queue of its own.
 */
export async function runKills(
  options: {
    readonly kills: number;
    readonly random: () => number;
    readonly others?: ReadonlyMap<string, StartPublisher>;
  },
): Promise<KillReport> {
  const others = [...options.others ?? []];
  const counts: Record<string, number> = Object.fromEntries(others.map(([name]) => [name, 0]));
  const directory = await Deno.makeTempDir({ prefix: "warren-kill-" });
  const confirmed = new Set<string>();
  const acked = new Set<string>();
  let next = 0;
  try {
    for (let round = 0; round < options.kills; round++) {
      await using broker = await BrokerProcess.start(directory);
      const queues = [...QUEUES, STREAM];
      const begun = Promise.withResolvers<void>();
      const connections = await Promise.all(
        queues.map(() => connect(broker.url, { recovery: false })),
      );
      const work = connections.map(async (connection, index) => {
        const queue = queues[index]!;
        const channel = await connection.openChannel();
        const isStream = queue === STREAM;
        await channel.queueDeclare(queue, {
          durable: true,
          arguments: isStream ? STREAM_ARGUMENTS : {},
        });
        // what was read of a stream must be there all the same
        await consumeSome(connection, queue, isStream ? new Set() : acked, options.random);
        await channel.confirmSelect();
        for (;; begun.resolve()) await publish(channel, queue, `${next++}`, confirmed);
      }).map((working) => working.catch(() => "the broker was killed"));
      const { port } = broker;
      const running = others.map(([name, start]): [string, Publisher] => [
        name,
        start({ port, queue: `kill-${name}`, first: round * ROUND, size: 100 }),
      ]);
      for (const [, other] of running) await other.until("a confirm", (o) => o.confirmed.size > 0);
      if (others.length > 0) await consumeOthers(connections[0]!, running, acked, options.random);
      // a slow machine may come to nothing in a round; not in each of them
      if (round % 2 === 0) await Promise.race([begun.promise, Promise.all(work)]);
      await new Promise((resolve) => setTimeout(resolve, 20 + options.random() * 300));
      await broker.kill();
      await Promise.all(work);
      for (const [name, other] of running) {
        await other.gone;
        counts[name]! += other.confirmed.size;
        for (const number of other.confirmed) confirmed.add(`${name}:${number}`);
      }
      await Promise.all(connections.map((connection) => connection.close()));
    }
    const left = await readAll(directory, others.map(([name]) => name));
    for (const message of confirmed) {
      assert(
        acked.has(message) || left.has(message),
        `message ${message} was confirmed and is gone`,
      );
    }
    return {
      kills: options.kills,
      confirmed: confirmed.size,
      others: counts,
      acked: acked.size,
      left: left.size,
    };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Publishes a few at once, so that confirms for many come together. */
async function publish(
  channel: Channel,
  queue: string,
  message: string,
  confirmed: Set<string>,
): Promise<void> {
  const one = (body: string) =>
    Promise.resolve(channel.basicPublish({ routingKey: queue, properties: PERSISTENT }, body))
      .then(() => confirmed.add(body));
  await Promise.all(Array.from({ length: 20 }, (_, index) => one(`${message}.${index}`)));
}

/** Acks some of what comes. An ack may be lost with the broker: then the message comes again. */
async function consumeSome(
  connection: Connection,
  queue: string,
  acked: Set<string>,
  random: () => number,
): Promise<void> {
  const channel = await connection.openChannel();
  await channel.basicQos({ prefetchCount: 10 });
  await channel.basicConsume(queue, {}, (delivery) => {
    if (random() < 0.02) return; // stays unacked, and so must come again
    acked.add(delivery.text());
    delivery.ack();
  });
}

/** Acks some of what the other clients published. */
async function consumeOthers(
  connection: Connection,
  others: readonly (readonly [name: string, Publisher])[],
  acked: Set<string>,
  random: () => number,
): Promise<void> {
  const channel = await connection.openChannel();
  await channel.basicQos({ prefetchCount: 10 });
  for (const [name] of others) {
    await channel.basicConsume(`kill-${name}`, {}, (delivery) => {
      if (random() < 0.5) return; // stays unacked, and so must come again
      acked.add(`${name}:${numberOf(delivery.text())}`);
      delivery.ack();
    });
  }
}

function numberOf(body: string): number {
  return Number(body.split(":")[0]);
}

/** All that is left, each queue in the order of its publisher. */
async function readAll(directory: string, others: readonly string[]): Promise<Set<string>> {
  await using broker = await BrokerProcess.start(directory);
  await using connection = await connect(broker.url);
  const channel = await connection.openChannel();
  const left = new Set<string>();
  for (const queue of [...QUEUES, ...others.map((name) => `kill-${name}`)]) {
    const other = queue.slice("kill-".length);
    const numbers: number[] = [];
    for (;;) {
      const delivery = await channel.basicGet(queue, { noAck: true });
      if (delivery === undefined) break;
      if (others.includes(other)) {
        const number = numberOf(delivery.text());
        left.add(`${other}:${number}`);
        numbers.push(number);
        continue;
      }
      left.add(delivery.text());
      numbers.push(orderOf(delivery.text()));
    }
    checkOrder(queue, numbers);
  }
  const streamed = await readStream(channel);
  checkOrder(STREAM, streamed.map(orderOf));
  for (const message of streamed) left.add(message);
  return left;
}

function orderOf(message: string): number {
  const [batch, index] = message.split(".").map(Number);
  return batch! * 100 + index!;
}

function checkOrder(queue: string, numbers: readonly number[]): void {
  assertEquals(numbers, numbers.toSorted((a, b) => a - b), `the order of ${queue}`);
  assertEquals(new Set(numbers).size, numbers.length, `${queue} has a message twice`);
}

/** All that is in the stream. Nobody publishes any more, so what comes last is one of ours. */
async function readStream(channel: Channel): Promise<string[]> {
  await channel.confirmSelect();
  await channel.basicPublish({ routingKey: STREAM }, "end");
  await channel.basicQos({ prefetchCount: 1000 });
  const messages: string[] = [];
  const options = { arguments: { "x-stream-offset": "first" } };
  for await (const delivery of await channel.basicConsume(STREAM, options)) {
    if (delivery.text() === "end") break;
    messages.push(delivery.text());
    delivery.ack();
  }
  return messages;
}
