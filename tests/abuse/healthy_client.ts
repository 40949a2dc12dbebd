import type { Channel } from "../../client/channel.ts";
import { connect } from "../../client/connect.ts";
import type { ConnectOptions } from "../../client/options.ts";

/** Between two messages. */
const PAUSE_MS = 5;
/** Between two logins. */
const LOGIN_PAUSE_MS = 500;

/** How a client fared that behaved. */
export interface Fares {
  /** Messages that went out, were confirmed and came back. */
  readonly messages: number;
  /** What each took, in milliseconds: the shortest first. */
  readonly latencies: readonly number[];
  /** What logins of others took that came meanwhile, the shortest first. */
  readonly logins: readonly number[];
}

/** Begins to measure; the result tells how many milliseconds it has been since. */
export type Stopwatch = () => () => number;

const byClock: Stopwatch = () => {
  const started = performance.now();
  return () => performance.now() - started;
};

/**
 * Sends one message after the other from a client that behaves, and measures how long each takes to be
 * confirmed and to come back; meanwhile others like it log in and go.
 *
 * @param goOn Is asked after each message.
 * @param stopwatch Measures. Default: what passes.
 */
export async function fare(
  where: ConnectOptions,
  goOn: () => boolean,
  stopwatch = byClock,
): Promise<Fares> {
  await using connection = await connect({ ...where, recovery: false });
  const channel = await connection.openChannel();
  const [latencies, logins] = await Promise.all([
    sendMessages(channel, goOn, stopwatch),
    logInAgain(where, goOn, stopwatch),
  ]);
  return { messages: latencies.length, latencies, logins };
}

async function sendMessages(
  channel: Channel,
  goOn: () => boolean,
  stopwatch: Stopwatch,
): Promise<number[]> {
  const { queue } = await channel.queueDeclare("", { exclusive: true });
  await channel.confirmSelect();
  let came = Promise.withResolvers<string>();
  await channel.basicConsume(queue, { noAck: true }, (delivery) => came.resolve(delivery.text()));
  const latencies: number[] = [];
  do {
    const [took, body] = [stopwatch(), `${latencies.length}`];
    came = Promise.withResolvers();
    await channel.basicPublish({ routingKey: queue }, body);
    const [text] = await Promise.all([came.promise, channel.waitForConfirms()]);
    if (text !== body) throw new Error(`Cannot account for a message: ${text} is not ${body}`);
    latencies.push(took());
    await pause(PAUSE_MS);
  } while (goOn());
  return latencies.sort((a, b) => a - b);
}

async function logInAgain(
  where: ConnectOptions,
  goOn: () => boolean,
  stopwatch: Stopwatch,
): Promise<number[]> {
  const logins: number[] = [];
  while (goOn()) {
    const took = stopwatch();
    const connection = await connect({ ...where, recovery: false });
    logins.push(took());
    await connection.close();
    await pause(LOGIN_PAUSE_MS);
  }
  return logins.sort((a, b) => a - b);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What so large a part of them are not above. */
export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
