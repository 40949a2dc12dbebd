import { assertEquals, assertLess } from "@std/assert";
import { connect, type Connection } from "../../mod.ts";
import { type Ended, Program } from "../cli/program.ts";

/**
 * A broker in a process of its own, filled until it is short of memory: it must block who publishes,
 * live, and go on when a consumer has made room, with all that it has confirmed.
 *
 * @module
 */

const MIB = 1024 * 1024;
/** Most of the time it takes is that of a busy machine. */
const PATIENCE_MS = 600_000;

/** How a broker is started and filled. */
interface Load {
  /** What V8 is told. */
  readonly v8Flags?: string;
  /** Arguments of the broker. */
  readonly args: readonly string[];
  /** Connections that publish. */
  readonly publishers: number;
  /** Size of a body in bytes. */
  readonly size: number;
  /** True when a consumer takes all there is and acks nothing until the broker has blocked. */
  readonly hoards: boolean;
}

/** Publishes with confirms, so many at once, until it is told to stop. */
class Publisher {
  readonly confirmed: number[] = [];
  blocks = 0;
  unblocks = 0;
  reason: string | undefined;
  readonly #connection: Connection;
  #stopped = false;
  readonly #working: Promise<unknown>;

  constructor(connection: Connection, first: number, step: number, size: number) {
    this.#connection = connection;
    connection.onBlocked = (reason) => {
      this.blocks++;
      this.reason = reason;
      changed();
    };
    connection.onUnblocked = () => {
      this.unblocks++;
      changed();
    };
    this.#working = this.#publish(first, step, size);
    this.#working.catch(() => {}); // a test that is over tells why
  }

  async #publish(first: number, step: number, size: number): Promise<void> {
    const channel = await this.#connection.openChannel();
    await channel.confirmSelect();
    let next = first;
    const publishForEver = async () => {
      while (!this.#stopped) {
        const number = next;
        next += step;
        const body = new Uint8Array(size);
        new DataView(body.buffer).setUint32(0, number);
        await channel.basicPublish({ routingKey: "q" }, body);
        this.confirmed.push(number);
        if (this.unblocks > 0) changed();
      }
    };
    await Promise.all(Array.from({ length: 200 }, publishForEver));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#working;
  }
}

let changed = () => {};

/** Waits until something is so; a broker that has ended before is told. */
async function until(what: string, ended: Promise<Ended>, holds: () => boolean): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what} does not come`)), PATIENCE_MS);
  const gone = ended.then(({ code, stderr }) => {
    throw new Error(`The broker ended with ${code} before ${what}: ${stderr}`);
  });
  gone.catch(() => {}); // when it ends later, that is as it should be
  try {
    while (!holds()) {
      await Promise.race([new Promise<void>((resolve) => changed = resolve), late.promise, gone]);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** The most that a process has had in memory, in bytes. */
async function peakOf(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
}

/** Tells the most that the broker had in memory, until it blocked and until the end. */
async function fill(
  { v8Flags, args, publishers: count, size, hoards }: Load,
): Promise<{ blocked: number; end: number }> {
  const permissions = ["-A", ...v8Flags === undefined ? [] : [`--v8-flags=${v8Flags}`]];
  await using program = new Program({ permissions }, "--memory", "--port", "0", ...args);
  const lines = await program.linesUntil(/^Server startup complete/);
  const ended = program.ended();
  const port = Number(/amqp:\/\/127\.0\.0\.1:(\d+)/.exec(lines.join("\n"))![1]);
  const url = `amqp://guest:guest@127.0.0.1:${port}`;

  await using consuming = await connect(url);
  const consumer = await consuming.openChannel();
  await consumer.queueDeclare("q");
  const received = new Set<number>();
  let hoarding = hoards;
  let last = 0;
  const consume = () =>
    consumer.basicConsume("q", {}, (delivery) => {
      received.add(new DataView(delivery.body.buffer, delivery.body.byteOffset).getUint32(0));
      last = delivery.deliveryTag;
      if (!hoarding) delivery.ack();
      changed();
    });
  if (hoards) await consume();

  await using stack = new AsyncDisposableStack();
  const publishers: Publisher[] = [];
  for (let index = 0; index < count; index++) {
    publishers.push(new Publisher(stack.use(await connect(url)), index, count, size));
  }
  await until("connection.blocked", ended, () => publishers.every(({ blocks }) => blocks > 0));
  for (const { reason } of publishers) assertEquals(reason, "low on memory");
  const blocked = await peakOf(program.pid);

  const before = publishers.map(({ confirmed }) => confirmed.length);
  if (hoards) {
    hoarding = false;
    consumer.basicAck(last, { multiple: true });
  } else await consume();
  await until(
    "what comes after connection.unblocked",
    ended,
    () =>
      publishers.every(({ confirmed, unblocks }, index) =>
        unblocks > 0 && confirmed.length > before[index]! + 300
      ),
  );
  await Promise.all(publishers.map((publisher) => publisher.stop()));
  const confirmed = publishers.flatMap((publisher) => publisher.confirmed);
  await until("the last message", ended, () => confirmed.every((number) => received.has(number)));
  assertEquals(consuming.blocked, undefined);
  const end = await peakOf(program.pid);
  await stack.disposeAsync();
  program.signal("SIGTERM");
  assertEquals((await ended).code, 0);
  return { blocked, end };
}

/** Bytes as somebody likes to read them when a test fails. */
function assertAtMost(bytes: number, mib: number): void {
  assertLess(Math.round(bytes / MIB), mib);
}

const ignore = Deno.build.os !== "linux";

for (
  const [what, ...flags] of [
    ["whose heap fills up with unacked messages"],
    ["whose code is not optimized, so that it makes more garbage,", "--no-opt"],
  ]
) {
  Deno.test({
    name: `a broker ${what} blocks before V8 ends it`,
    ignore,
    fn: async () => {
      const v8Flags = ["--max-old-space-size=24", ...flags].join();
      const args = ["--log-level", "none"];
      await fill({ v8Flags, args, publishers: 2, size: 16, hoards: true });
    },
  });
}

Deno.test({
  name: "a broker with too much in memory blocks its publishers, late by little",
  ignore,
  fn: async () => {
    const args = ["--memory-high-watermark", "150MiB", "--log-level", "none"];
    const peak = await fill({ args, publishers: 1, size: 4096, hoards: false });
    assertAtMost(peak.blocked, 170);
    assertAtMost(peak.end, 210);
  },
});

Deno.test({
  name: "a hundred publishers at once are late by little more",
  ignore,
  fn: async () => {
    const args = ["--memory-high-watermark", "180MiB", "--log-level", "none"];
    const peak = await fill({ args, publishers: 100, size: 4096, hoards: false });
    assertAtMost(peak.blocked, 225);
    assertAtMost(peak.end, 280);
  },
});
