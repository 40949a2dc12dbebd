import { assert, assertEquals } from "@std/assert";
import { TextLineStream } from "@std/streams";
import { type Channel, connect, type Connection } from "../../mod.ts";

/** What the rounds of a run came to. */
export interface KillReport {
  /** How often the broker was killed. */
  readonly kills: number;
  /** How many messages were confirmed. */
  readonly confirmed: number;
  /** How many of them were consumed and acked before a kill. */
  readonly acked: number;
  /** How many were there in the end. */
  readonly left: number;
}

const QUEUES = ["kill-0", "kill-1", "kill-2"];
const PERSISTENT = { deliveryMode: 2 } as const;

/**
 * Publishes with confirms to a broker in a process of its own, consumes some of it, kills the broker
 * at a random moment, starts it again on the same directory, and so on. In the end each message that
 * was confirmed must have been acked or still be there, in order.
 */
export async function runKills(
  options: { readonly kills: number; readonly random: () => number },
): Promise<KillReport> {
  const directory = await Deno.makeTempDir({ prefix: "warren-kill-" });
  const confirmed = new Set<string>();
  const acked = new Set<string>();
  let next = 0;
  try {
    for (let round = 0; round < options.kills; round++) {
      await using broker = await BrokerProcess.start(directory);
      const connections = await Promise.all(QUEUES.map(() => connect(broker.url)));
      const work = connections.map(async (connection, index) => {
        const queue = QUEUES[index]!;
        const channel = await connection.openChannel();
        await channel.queueDeclare(queue, { durable: true });
        await consumeSome(connection, queue, acked, options.random);
        await channel.confirmSelect();
        for (;;) await publish(channel, queue, `${next++}`, confirmed);
      }).map((working) => working.catch(() => "the broker was killed"));
      await new Promise((resolve) => setTimeout(resolve, 20 + options.random() * 300));
      await broker.kill();
      await Promise.all(work);
      await Promise.all(connections.map((connection) => connection.close()));
    }
    const left = await readAll(directory);
    for (const message of confirmed) {
      assert(
        acked.has(message) || left.has(message),
        `message ${message} was confirmed and is gone`,
      );
    }
    return { kills: options.kills, confirmed: confirmed.size, acked: acked.size, left: left.size };
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

/** All that is left, each queue in the order of its publisher. */
async function readAll(directory: string): Promise<Set<string>> {
  await using broker = await BrokerProcess.start(directory);
  await using connection = await connect(broker.url);
  const channel = await connection.openChannel();
  const left = new Set<string>();
  for (const queue of QUEUES) {
    const numbers: number[] = [];
    for (;;) {
      const delivery = await channel.basicGet(queue, { noAck: true });
      if (delivery === undefined) break;
      left.add(delivery.text());
      const [batch, index] = delivery.text().split(".").map(Number);
      numbers.push(batch! * 100 + index!);
    }
    assertEquals(numbers, numbers.toSorted((a, b) => a - b), `the order of ${queue}`);
    assertEquals(new Set(numbers).size, numbers.length, `${queue} has a message twice`);
  }
  return left;
}

/** `broker/main.ts` on a data directory. */
class BrokerProcess implements AsyncDisposable {
  readonly url: string;
  readonly #process: Deno.ChildProcess;
  readonly #output: Promise<void>;

  constructor(process: Deno.ChildProcess, url: string, output: Promise<void>) {
    this.#process = process;
    this.url = url;
    this.#output = output;
  }

  static async start(dataDir: string): Promise<BrokerProcess> {
    const main = new URL("../../broker/main.ts", import.meta.url).pathname;
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", main, "--port", "0", "--data-dir", dataDir, "--log-level", "error"],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const lines = process.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream())[Symbol.asyncIterator]();
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error("Cannot start broker: it ended");
      const url = /amqp:\/\/127\.0\.0\.1:\d+/.exec(value)?.[0];
      if (url === undefined) continue;
      const rest = (async () => {
        while (!(await lines.next()).done);
      })();
      return new BrokerProcess(process, url, rest);
    }
  }

  /** As `kill -9` does. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // it has ended
    }
    await this.#process.status;
    await this.#output;
  }
}
