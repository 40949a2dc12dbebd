/**
 * The eyes of the behaviour cases: what is in a queue, what was delivered, how the broker refused.
 *
 * @module
 */
import { AmqpError } from "../../broker/amqp/error.ts";
import type { FieldTable, FieldValue } from "../../broker/amqp/field_table.ts";
import { METHODS } from "../../broker/amqp/methods/mod.ts";
import type { Channel } from "../../client/channel.ts";
import type {
  ConsumeOptions,
  PublishOptions,
  QueueDeclareOptions,
} from "../../client/channel_options.ts";
import type { Consumer } from "../../client/consumer.ts";
import type { Delivery } from "../../client/delivery.ts";
import { PublishNackedError } from "../../client/errors.ts";
import type { Observation } from "../support/harness.ts";

/** Reply code, reply text, and the method that the broker blames. */
export type Refusal = readonly [code: number, text: string, method: string];

const METHOD_NAMES = new Map(
  Object.entries(METHODS).map(([name, { classId, methodId }]) => [`${classId}.${methodId}`, name]),
);

/** The name of a method by its ids; `none` for 0 and 0. */
export function methodName(classId: number, methodId: number): string {
  const ids = `${classId}.${methodId}`;
  return ids === "0.0" ? "none" : METHOD_NAMES.get(ids) ?? ids;
}

/**
 * A close by the broker as plain data. Any other error is thrown again. In process the broker may have
 * closed the channel before the next call on it, whose error has what the broker said as its cause.
 */
export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof AmqpError)) throw error;
  const { replyCode, message, classId, methodId } = error.cause instanceof AmqpError
    ? error.cause
    : error;
  return [replyCode, message, methodName(classId, methodId)];
}

/** How something ended: `"ok"`, or how the broker refused it. */
export async function outcome(action: Promise<unknown> | undefined): Promise<"ok" | Refusal> {
  try {
    await action;
    return "ok";
  } catch (error) {
    return refusalOf(error);
  }
}

/** As `outcome`, of something that may throw at once as well. */
export async function attempt(action: () => Promise<unknown> | undefined): Promise<"ok" | Refusal> {
  try {
    await action();
    return "ok";
  } catch (error) {
    return refusalOf(error);
  }
}

/** Waits until the broker closes the channel and tells why. */
export async function closing(channel: Channel): Promise<Refusal> {
  return refusalOf(await channel.closed);
}

/** Takes all messages that are ready, oldest first, and tells their bodies. */
export async function drain(channel: Channel, queue: string): Promise<string[]> {
  return (await takeAll(channel, queue)).map((message) => message.text());
}

/** As `drain`, with a `*` behind what had been delivered before. */
export async function drainMarked(channel: Channel, queue: string): Promise<string[]> {
  return (await takeAll(channel, queue)).map(marked);
}

async function takeAll(channel: Channel, queue: string): Promise<Delivery[]> {
  const messages: Delivery[] = [];
  const next = () => channel.basicGet(queue, { noAck: true });
  for (let message = await next(); message !== undefined; message = await next()) {
    messages.push(message);
  }
  return messages;
}

/** The body, with a `*` behind it when it had been delivered before. */
export function marked(delivery: Delivery): string {
  return delivery.text() + (delivery.redelivered ? "*" : "");
}

/** Takes one message, which must be there, and leaves it unacked. */
export async function take(channel: Channel, queue: string): Promise<Delivery> {
  const delivery = await channel.basicGet(queue);
  if (delivery === undefined) throw new Error(`Cannot get from queue "${queue}": it is empty`);
  return delivery;
}

/** Publishes texts to a queue by its name, and waits until they are confirmed: a broker may answer
 * questions about a queue ahead of messages that are on their way there. */
export async function fill(channel: Channel, queue: string, bodies: string): Promise<void> {
  await channel.confirmSelect();
  const publish = (body: string) => channel.basicPublish({ routingKey: queue }, body);
  await Promise.all(bodies.split(" ").map(publish));
}

/** Ready messages and consumers of a queue. */
export async function counts(channel: Channel, queue: string): Promise<string> {
  const { messageCount, consumerCount } = await channel.queueDeclare(queue, { passive: true });
  return `${messageCount} ready, ${consumerCount} consumers`;
}

/** True when the queue is there; asked on a channel of its own, which it costs when not. */
export async function queueExists(
  connection: { openChannel(): Promise<Channel> },
  queue: string,
): Promise<boolean> {
  const channel = await connection.openChannel();
  const answer = await outcome(channel.queueDeclare(queue, { passive: true }));
  await channel.close();
  return answer === "ok";
}

/** As `queueExists`, for an exchange. */
export async function exchangeExists(
  connection: { openChannel(): Promise<Channel> },
  exchange: string,
): Promise<boolean> {
  const channel = await connection.openChannel();
  const answer = await outcome(channel.exchangeDeclare(exchange, "", { passive: true }));
  await channel.close();
  return answer === "ok";
}

/**
 * Waits until what the queue was doing is done, and all that it delivered has come on each of the
 * channels. A channel may answer one question ahead of deliveries that came to it meanwhile, hence
 * two.
 */
export async function settled(queue: string, ...channels: readonly Channel[]): Promise<void> {
  for (const channel of channels) {
    await channel.queueDeclare(queue, { passive: true });
    await channel.queueDeclare(queue, { passive: true });
  }
}

/** Waits until so many messages are ready: what another channel requeues comes in its own time. */
export async function untilReady(channel: Channel, queue: string, count: number): Promise<void> {
  while ((await channel.queueDeclare(queue, { passive: true })).messageCount !== count) {
    await nextRound();
  }
}

/** Lets the event loop go round: a broker in this process has timers too. */
export function nextRound(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** A consumer that keeps what is delivered to it. */
export class Collector {
  /** All deliveries so far. */
  readonly deliveries: Delivery[] = [];
  /** The consumer; there once `start` has resolved. */
  consumer!: Consumer;
  /** How often the broker cancelled it. */
  cancellations = 0;
  #changed = Promise.withResolvers<void>();

  /** Starts consuming. */
  static async start(
    channel: Channel,
    queue: string,
    options: ConsumeOptions = {},
  ): Promise<Collector> {
    const collector = new Collector();
    const onCancel = () => {
      collector.cancellations++;
      collector.#signal();
    };
    collector.consumer = await channel.basicConsume(queue, { ...options, onCancel }, (delivery) => {
      collector.deliveries.push(delivery);
      collector.#signal();
    });
    return collector;
  }

  /** The bodies so far; a `*` marks what had been delivered before. */
  get bodies(): string[] {
    return this.deliveries.map(marked);
  }

  /** Waits until so many have come and tells their bodies. */
  async until(count: number): Promise<string[]> {
    while (this.deliveries.length < count) await this.#changed.promise;
    return this.bodies;
  }

  /** Waits until the broker has cancelled it. */
  async cancelled(): Promise<void> {
    while (this.cancellations === 0) await this.#changed.promise;
  }

  #signal(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Options of a queue with these arguments. */
export function withArguments(arguments_: FieldTable): QueueDeclareOptions {
  return { arguments: arguments_ };
}

/** Options of a quorum queue with these arguments. */
export function quorumWith(arguments_: FieldTable = {}): QueueDeclareOptions {
  return { durable: true, arguments: { "x-queue-type": "quorum", ...arguments_ } };
}

/** Arguments of a queue whose dead messages go to another one, by its name. */
export function deadTo(queue: string): FieldTable {
  return { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue };
}

/** Waits until the broker has seen so much time pass: until a message has expired. */
export async function letPass(
  connection: { openChannel(): Promise<Channel> },
  ms: number,
): Promise<void> {
  const channel = await connection.openChannel();
  const { queue: passed } = await channel.queueDeclare("", { exclusive: true });
  const { queue } = await channel.queueDeclare("", {
    exclusive: true,
    arguments: deadTo(passed),
  });
  const collector = await Collector.start(channel, passed, { noAck: true });
  await channel.basicPublish({ routingKey: queue, properties: { expiration: `${ms}` } }, "");
  await collector.until(1);
  await channel.close();
}

/** How a confirmed publish ended: `"ack"`, `"nack"`, or how the broker refused it. */
export async function confirmation(
  channel: Channel,
  options: PublishOptions,
  body = "",
): Promise<"ack" | "nack" | Refusal> {
  try {
    await channel.basicPublish(options, body);
    return "ack";
  } catch (error) {
    return error instanceof PublishNackedError ? "nack" : refusalOf(error);
  }
}

/** The headers of a message, times as a word; without those that only later versions add. */
export function headersOf({ properties }: Delivery): Observation {
  const { "x-death": deaths, ...headers } = properties.headers ?? {};
  const shown = Object.entries(headers)
    .filter(([name]) => !name.startsWith("x-last-death-") && name !== "x-acquired-count");
  return deaths === undefined
    ? Object.fromEntries(shown)
    : { ...Object.fromEntries(shown), "x-death": deathsIn(deaths) };
}

function deathsIn(deaths: FieldValue): Observation {
  if (!Array.isArray(deaths)) return deaths;
  return deaths.map((entry: FieldTable) => ({ ...entry, time: timeOf(entry["time"]) }));
}

function timeOf(time: FieldValue | undefined): Observation {
  if (!(time instanceof Date)) return time;
  return Math.abs(Date.now() - time.getTime()) < 60_000 ? "just now" : "another time";
}

/** The deaths of a message in short, newest first: `queue reason count`. */
export function deathsOf({ properties }: Delivery): string[] {
  const deaths = properties.headers?.["x-death"] as readonly FieldTable[] | undefined;
  return (deaths ?? []).map(({ queue, reason, count }) => `${queue} ${reason} ${count}`);
}
