import type { Channel } from "../../client/channel.ts";
import type { Connection } from "../../client/connection.ts";
import { ClosedError } from "../../client/errors.ts";
import { AMQP_OPTION_NAMES, AMQP_OPTIONS, connectTo } from "./amqp_options.ts";
import { type Arguments, type Known, readArguments, readWord, UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";
import { formatMs, LatencyHistogram } from "./latency_histogram.ts";
import { talking } from "./talking.ts";
import { oneLine, type Terminal } from "./terminal.ts";

const USAGE = `Usage: deno run -A broker/main.ts bench [options]

Publishes messages to a broker and consumes them again, as fast as both go, and says how many there
were in a second and how long each was on its way. Any AMQP 0-9-1 broker will do. The queues are its
own, and gone afterwards.

Options:
  --seconds N        how long (default: 10)
  --size BYTES       of a message (default: 100, at least 8)
  --publishers N     each with a connection (default: 1)
  --consumers N      each with a connection (default: 1)
  --window N         so many messages of a publisher may be unconfirmed (default: 500);
                     0: no confirms, and its consumers may fall behind
  --rate N           so many messages a second of each publisher (default: any number)
  --queue-type TYPE  classic or quorum (default: classic)
  --persistent       messages survive a restart; the queue does then too
  --format FORMAT    text or json (default: text)
${AMQP_OPTIONS}
  --help             print this`;

/** Between two looks at the bar, in milliseconds. */
const SHOW_MS = 200;
/** How many acks go out at once. */
const ACKS = 50;
/** What is on its way at the end is waited for, so long in milliseconds. Without confirms there may be more
 * of it than a consumer takes in a minute. */
const LAST_MS = 5_000;
/** A broker that holds publishers back does not read that they want to go: so long it may take, in
 * milliseconds. */
const CLOSE_MS = 1_000;
/** Should this be killed, its queue stays behind no longer than this, in milliseconds. */
const LEFT_MS = 60_000;

interface Load {
  readonly seconds: number;
  readonly size: number;
  readonly publishers: number;
  readonly consumers: number;
  readonly window: number;
  readonly rate: number;
  readonly persistent: boolean;
  readonly queueType: "classic" | "quorum";
}

/** What is counted. */
interface Tally {
  published: number;
  consumed: number;
  /** When the last of them was, in milliseconds of `performance.now()`. */
  lastConsumed: number;
  readonly latency: LatencyHistogram;
}

/** How long it took, in seconds: to publish, and until the last message had come. */
interface Took {
  readonly published: number;
  readonly consumed: number;
}

/** What it may be given. */
const KNOWN: Known = {
  flags: ["persistent"],
  options: [
    "seconds",
    "size",
    "publishers",
    "consumers",
    "window",
    "rate",
    "queue-type",
    "format",
    ...AMQP_OPTION_NAMES,
  ],
};

/** `bench`: a load, and what a broker makes of it. */
export const bench: Command = {
  known: KNOWN,
  summary: "put a load on a broker, and measure what it takes",
  run: (args, terminal) =>
    talking(terminal, async () => {
      const given = readArguments(args, KNOWN);
      if (given.has("help")) {
        terminal.say(USAGE);
        return 0;
      }
      const format = readWord(given, "format", ["text", "json"]) ?? "text";
      const load = readLoad(given);
      const { tally, took, heldBack } = await run(load, given, terminal);
      if (format === "json") terminal.say(JSON.stringify(summary(tally, took), null, 2));
      else report(tally, took, terminal);
      if (heldBack !== undefined) {
        terminal.complain(oneLine(`warren: the broker holds publishers back: ${heldBack}`));
      }
      if (tally.consumed > 0 || load.consumers === 0) return 0;
      terminal.complain("warren: no message was consumed");
      return 1;
    }),
};

async function run(
  load: Load,
  given: Arguments,
  terminal: Terminal,
): Promise<{ readonly tally: Tally; readonly took: Took; readonly heldBack?: string }> {
  const connections: Connection[] = [];
  await using _closing = { [Symbol.asyncDispose]: () => closeAll(connections) };
  const open = async () => {
    const connection = await connectTo(given, terminal);
    connections.push(connection);
    return await connection.openChannel();
  };
  const queue = `warren-bench-${crypto.randomUUID()}`;
  const control = await open();
  await control.queueDeclare(queue, {
    durable: load.persistent || load.queueType === "quorum",
    arguments: {
      "x-queue-type": load.queueType,
      // without consumers nothing of what is done counts as use of it
      "x-expires": Math.ceil(load.seconds * 1000) + LEFT_MS,
    },
  });
  const tally: Tally = {
    published: 0,
    consumed: 0,
    lastConsumed: 0,
    latency: new LatencyHistogram(),
  };
  const stopped = terminal.interrupted();
  const consumers = await Promise.all(Array.from({ length: load.consumers }, open));
  const publishers = await Promise.all(Array.from({ length: load.publishers }, open));
  for (const channel of consumers) await consume(channel, queue, tally);
  const begun = performance.now();
  const until = begun + load.seconds * 1000;
  const goesOn = () => performance.now() < until && !stopped.aborted;
  const showing = show(tally, { begun, until, goesOn }, terminal);
  // what is on its way at the end is waited for, but a broker that holds publishers back takes nothing
  const [ended, forget] = endOf(stopped, load.seconds * 1000 + LAST_MS);
  const publishing = Promise.all(
    publishers.map((channel) => publish(channel, queue, { load, tally, goesOn })),
  );
  publishing.catch(() => {}); // of those who are left behind nobody wants to know more
  let published = 0;
  try {
    await Promise.race([publishing, ended]);
    published = (performance.now() - begun) / 1000;
    if (load.consumers > 0) await last(tally, ended);
  } finally {
    forget();
    await showing;
  }
  await control.queueDelete(queue);
  const heldBack = connections.find(({ blocked }) => blocked !== undefined)?.blocked;
  const consumed = Math.max(published, (tally.lastConsumed - begun) / 1000);
  return { tally, took: { published, consumed }, ...heldBack === undefined ? {} : { heldBack } };
}

/** Resolves after some time, or when somebody wants an end; the second of the results gives that up. */
function endOf(stopped: AbortSignal, ms: number): readonly [Promise<void>, () => void] {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  const timer = setTimeout(end, ms);
  stopped.addEventListener("abort", end);
  if (stopped.aborted) end();
  return [promise, () => {
    clearTimeout(timer);
    stopped.removeEventListener("abort", end);
  }];
}

/** Waits for what is still on its way, until the end. */
async function last(tally: Tally, ended: Promise<void>): Promise<void> {
  let goesOn = true;
  void ended.then(() => goesOn = false);
  while (tally.consumed < tally.published && goesOn) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function closeAll(connections: readonly Connection[]): Promise<void> {
  const hurry = new AbortController();
  const timer = setTimeout(() => hurry.abort(), CLOSE_MS);
  // what they were for is over: it makes no difference how they go
  const close = (one: Connection) => one.close({ signal: hurry.signal }).catch(() => {});
  await Promise.all(connections.map(close));
  clearTimeout(timer);
}

async function consume(channel: Channel, queue: string, tally: Tally): Promise<void> {
  await channel.basicQos({ prefetchCount: ACKS * 10 });
  let unacked = 0;
  let open = true;
  channel.closed.then(() => open = false);
  await channel.basicConsume(queue, {}, (delivery) => {
    tally.consumed++;
    const { body } = delivery;
    const sent = new DataView(body.buffer, body.byteOffset).getFloat64(0);
    tally.lastConsumed = performance.now();
    tally.latency.add(tally.lastConsumed - sent);
    if (++unacked === ACKS) settle();
    // the last of a burst may not wait for more to come
    else if (unacked === 1) setTimeout(settle, 1);
    function settle(): void {
      if (unacked === 0 || !open) return;
      unacked = 0;
      try {
        channel.basicAck(0, { multiple: true });
      } catch (error) {
        // it has just been closed
        if (!(error instanceof ClosedError)) throw error;
      }
    }
  });
}

async function publish(
  channel: Channel,
  queue: string,
  { load, tally, goesOn }: {
    readonly load: Load;
    readonly tally: Tally;
    readonly goesOn: () => boolean;
  },
): Promise<void> {
  const { window, size, rate } = load;
  const message = {
    routingKey: queue,
    properties: { deliveryMode: load.persistent ? 2 : 1 },
  };
  if (window > 0) await channel.confirmSelect();
  const begun = performance.now();
  let count = 0;
  while (goesOn()) {
    // with a rate, no more than what is due by now
    const due = rate === Infinity
      ? Infinity
      : Math.floor((performance.now() - begun) / 1000 * rate) - count;
    const burst = Math.min(due, window === 0 ? 500 : window);
    for (let sent = 0; sent < burst; sent++) {
      const body = new Uint8Array(size);
      new DataView(body.buffer).setFloat64(0, performance.now());
      const taken = channel.basicPublish(message, body);
      if (window > 0) taken?.catch(() => {}); // told by waitForConfirms
      else if (taken !== undefined) await taken;
      count++;
      tally.published++;
    }
    if (window > 0 && burst > 0) await channel.waitForConfirms();
    // everybody else in this process has a turn: consumers, and the bar
    await new Promise((resolve) => setTimeout(resolve, burst < 1 ? 1 : 0));
  }
}

/** Draws a bar on a terminal, until it is over. */
async function show(
  tally: Tally,
  { begun, until, goesOn }: {
    readonly begun: number;
    readonly until: number;
    readonly goesOn: () => boolean;
  },
  terminal: Terminal,
): Promise<void> {
  if (terminal.size() === undefined) return;
  const width = 30;
  while (goesOn()) {
    const now = performance.now();
    const part = Math.min(1, (now - begun) / (until - begun));
    const done = Math.round(part * width);
    const rate = Math.round(tally.consumed / Math.max(0.001, (now - begun) / 1000));
    await terminal.write(
      `\r${"█".repeat(done)}${"░".repeat(width - done)} ${Math.round(part * 100)}%  ` +
        `${rate} messages/s  p99 ${formatMs(tally.latency.percentile(0.99))}\x1b[K`,
    );
    await new Promise((resolve) => setTimeout(resolve, SHOW_MS));
  }
  await terminal.write("\r\x1b[K");
}

function summary({ published, consumed, latency }: Tally, took: Took) {
  return {
    seconds: Number(took.published.toFixed(3)),
    published,
    consumed,
    published_per_second: Math.round(published / took.published),
    consumed_per_second: Math.round(consumed / took.consumed),
    latency_ms: {
      p50: latency.percentile(0.5),
      p90: latency.percentile(0.9),
      p99: latency.percentile(0.99),
      p999: latency.percentile(0.999),
      max: latency.max,
    },
  };
}

function report(tally: Tally, took: Took, { say }: Terminal): void {
  const { published, consumed, published_per_second, consumed_per_second } = summary(tally, took);
  const { latency } = tally;
  say(
    `published ${published} (${published_per_second}/s), consumed ${consumed} ` +
      `(${consumed_per_second}/s) in ${took.published.toFixed(1)} s`,
  );
  if (latency.count === 0) return;
  const at = (part: number) => formatMs(latency.percentile(part));
  say(
    `latency: median ${at(0.5)}, 90% ${at(0.9)}, 99% ${at(0.99)}, 99.9% ${at(0.999)}, ` +
      `longest ${formatMs(latency.max)}`,
  );
  latency.lines().forEach(say);
}

function readLoad(given: Arguments): Load {
  const number = (option: string, otherwise: number, least: number, most: number) => {
    const text = given.value(option);
    if (text === undefined) return otherwise;
    const value = Number(text);
    if (/^\d*\.?\d+$/.test(text) && value >= least && value <= most) return value;
    throw new UsageError(`--${option} takes a number from ${least} to ${most}, not '${text}'`);
  };
  const whole = (option: string, otherwise: number, least: number, most: number) =>
    Math.round(number(option, otherwise, least, most));
  return {
    seconds: number("seconds", 10, 0.1, 86_400),
    size: whole("size", 100, 8, 16 * 1024 ** 2),
    publishers: whole("publishers", 1, 1, 500),
    consumers: whole("consumers", 1, 0, 500),
    window: whole("window", 500, 0, 65_535),
    rate: number("rate", Infinity, 0.1, 1e7),
    persistent: given.has("persistent"),
    queueType: readWord(given, "queue-type", ["classic", "quorum"]) ?? "classic",
  };
}
