import { assertEquals } from "@std/assert";
import { Broker, type Channel, connect, type Connection } from "../../mod.ts";
import { RandomValues } from "../amqp/random_values.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { Bodies } from "./bodies.ts";
import { startConsumer } from "./consuming.ts";
import { chooseMischief } from "./mischief.ts";
import { pause, publishAll, startBlindly } from "./publishing.ts";

/** So many messages are published in a run. */
const MESSAGES = 150;
/** So often all connections are cut at once. */
const CUTS = 5;
/** After so many connections the proxy is well-behaved, so that the run comes to its end. */
const MEAN_CONNECTIONS = 12;
/** Where messages go, and from where a consumer reads them. */
const QUEUES = [
  { declared: {}, readFrom: {} },
  { declared: {}, readFrom: {} },
  {
    declared: { durable: true, arguments: { "x-queue-type": "stream" } },
    readFrom: { "x-stream-offset": "first" },
  },
];
/** Longer than any run takes: something hangs. */
const PATIENCE_MS = 30_000;

/** What a run went through. */
export interface Tally {
  /** Connections that the proxy accepted. */
  readonly connections: number;
  /** Messages that were handled more than once. */
  readonly duplicates: number;
  /** Calls that were answered, and that were lost with their connection. */
  readonly answered: number;
  readonly lost: number;
  /** Messages whose publisher was told that they may be lost, and published them again. */
  readonly rejected: number;
  /** Messages that were sent without confirms, and how many of them had arrived at the end. */
  readonly unconfirmed: number;
  readonly arrived: number;
  /** Requests of a plain channel that were answered, and that were not. */
  readonly asked: number;
  readonly failed: number;
}

/**
 * Publishes with confirms, consumes, and calls, through a proxy that damages connections as the seed
 * says. Every message that is confirmed arrives as it was published, every promise is settled, and what is
 * left is nothing.
 */
export async function runChaos(seed: number): Promise<Tally> {
  const random = new RandomValues(seed);
  const late = Promise.withResolvers<never>();
  const stage = { at: "connecting" };
  const timer = setTimeout(
    () => late.reject(new Error(`Seed ${seed} hangs while ${stage.at}`)),
    PATIENCE_MS,
  );
  try {
    return await Promise.race([run(random, stage), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function run(random: RandomValues, stage: { at: string }): Promise<Tally> {
  await using broker = new Broker();
  const server = await broker.listen({ port: 0 });
  let mean = MEAN_CONNECTIONS;
  await using proxy = new TcpProxy(server.port, () => {
    if (mean-- <= 0) return {};
    return {
      ...(random.boolean() ? { up: chooseMischief(random) } : {}),
      ...(random.boolean() ? { down: chooseMischief(random) } : {}),
    };
  });
  const { declared, readFrom } = random.pick(QUEUES);
  await broker.declareQueue({ queue: "q", ...declared });
  const bodies = new Bodies(random);

  await using publishing = await connectAnyhow(proxy.port);
  await using consuming = await connectAnyhow(proxy.port);
  stage.at = "starting";
  const [publisher, blind, handled, calls, requests] = await Promise.all([
    publishing.publisher({
      routingKey: "q",
      mandatory: true,
      maxUnconfirmed: 1 + random.below(40),
      unconfirmed: random.pick(["retry", "reject"]),
      whileAway: random.pick(["buffer", "reject"]),
    }),
    startBlindly(publishing, random, bodies, MESSAGES),
    startConsumer(consuming, random, bodies, readFrom, MESSAGES),
    startCalls(publishing, consuming, random),
    startRequests(consuming),
  ]);

  stage.at = "publishing";
  // well-behaved connections are cut as well, in the middle of the work
  const cutsAt = new Set(Array.from({ length: CUTS }, () => random.below(MESSAGES)));
  const messages = Array.from({ length: MESSAGES }, (_, number) => bodies.make(number));
  const { rejected } = await publishAll(publisher, messages, random, (number) => {
    if (number % 3 === 0) blind.publish();
    if (cutsAt.has(number)) proxy.cut();
  });
  stage.at = "consuming";
  await handled.all;
  stage.at = "calling";
  const { answered, lost } = await calls.done;
  stage.at = "ending requests";
  const { asked, failed } = await requests.stop();
  stage.at = "closing";
  assertEquals([publisher.buffered, publisher.unconfirmedCount], [0, 0]);
  await publisher.close();
  const unconfirmed = await blind.close();
  await handled.close();
  await Promise.all([publishing.close(), consuming.close()]);
  const numbers = [...handled.numbers].sort((one, other) => one - other);
  assertEquals(numbers.slice(0, MESSAGES), [...Array(MESSAGES).keys()]);
  return {
    connections: proxy.accepted,
    duplicates: handled.count - numbers.length,
    answered,
    lost,
    rejected,
    unconfirmed,
    arrived: numbers.length - MESSAGES,
    asked,
    failed,
  };
}

/** Asks one thing after the other over a plain channel, until told to stop: each call ends. */
function startRequests(connection: Connection) {
  const tally = { asked: 0, failed: 0 };
  let going = true;
  const ask = async (channel: Channel) => {
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    await channel.basicPublish({ routingKey: queue }, "to myself");
    await channel.basicGet(queue, { noAck: true });
    await channel.queueDelete(queue);
  };
  const run = async () => {
    let channel: Channel | undefined;
    const open = async () => {
      const opened = await connection.openChannel();
      // what the broker misunderstands may close it alone
      opened.closed.then(() => channel = undefined);
      return opened;
    };
    while (going) {
      try {
        channel ??= await open();
        await ask(channel);
        tally.asked++;
      } catch {
        tally.failed++;
        await pause();
      }
    }
    await channel?.close();
  };
  const running = run();
  running.catch(() => {}); // awaited later
  return {
    async stop() {
      going = false;
      await running;
      return tally;
    },
  };
}

/** The first connection is the user's to try again. */
async function connectAnyhow(port: number): Promise<Connection> {
  for (;;) {
    try {
      return await connect({
        hostname: "127.0.0.1",
        port,
        recovery: { initialDelayMs: 1, maxDelayMs: 10 },
      });
    } catch {
      // cut in the handshake; the proxy does not do that for ever
    }
  }
}

/** Calls until a few were answered; each call ends, one way or the other. */
async function startCalls(calling: Connection, serving: Connection, random: RandomValues) {
  const server = await serving.serve<number>("double", (n) => 2 * n);
  const client = await calling.rpc<number, number>("double", {
    unanswered: random.pick(["reject", "retry"]),
  });
  const run = async () => {
    const tally = { answered: 0, lost: 0 };
    while (tally.answered < 5) {
      const n = random.below(1000);
      try {
        // a server whose connection was lost leaves its queue, and comes back
        assertEquals(await client.call(n, { timeout: 200 }), 2 * n);
        tally.answered++;
      } catch (error) {
        if (error instanceof Error && error.name === "AssertionError") throw error;
        tally.lost++;
        await pause();
      }
    }
    await client.close();
    await server.close();
    return tally;
  };
  const done = run();
  done.catch(() => {}); // awaited later
  return { done };
}
