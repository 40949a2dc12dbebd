// deno-lint-ignore-file no-console -- a program: its output is what it is for
/**
 * A stored stream on this machine's disk: messages of 16 bytes are appended, found again after a
 * restart, and read from the first one, by one consumer and by three. Tells rates, memory, and how
 * long the event loop was kept from its timers. Nothing waits for a sync.
 *
 * ```text
 * deno run -A --v8-flags=--expose-gc bench/tools/stream.ts [messages, in millions: 1] [directory]
 * ```
 *
 * @module
 */
import { systemClock } from "../../broker/amqp/clock.ts";
import { Content } from "../../broker/amqp/content.ts";
import { encodeContentHead } from "../../broker/amqp/content_codec.ts";
import { Message } from "../../broker/message.ts";
import { PagePool } from "../../broker/pages.ts";
import { QueueConsumer } from "../../broker/queue/consumer.ts";
import { StreamQueue } from "../../broker/queue/stream/stream_queue.ts";
import { DiskFileSystem } from "../../broker/store/file_system.ts";
import { Placement } from "../../broker/store/placement.ts";
import { Store } from "../../broker/store/store.ts";

const MESSAGES = Number(Deno.args[0] ?? 1) * 1_000_000;
const TURN = 2000;
const pages = new PagePool();

/** A consumer that counts what it gets, and has always room. */
class Sink extends QueueConsumer {
  readonly noAck = false;
  readonly priority = 0;
  readonly done: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  #count = 0;

  hasRoom(): boolean {
    return true;
  }

  deliverForgotten(): void {}

  deliver(): void {
    if (++this.#count === MESSAGES) this.done.resolve();
  }

  cancelled(): void {}
}

function open(directory: string): { store: Store; stream: StreamQueue } {
  const store = new Store({ files: new DiskFileSystem(directory), sync: "never" });
  const durability = { store, stored: store.queue(1) };
  const stream = new StreamQueue({
    name: "events",
    arguments: {},
    pages,
    durability,
    clock: systemClock,
  });
  return { store, stream };
}

async function append({ store, stream }: { store: Store; stream: StreamQueue }): Promise<void> {
  const content = new Content();
  content.routingKey = "events";
  content.properties = { headers: { kind: "a" } };
  content.body = new Uint8Array(16);
  content.bodyEnd = content.body.length;
  const placement = new Placement();
  for (let count = 1; count <= MESSAGES; count++) {
    const message = new Message(content);
    placement.clear();
    placement.transient = true;
    stream.place(placement);
    encodeContentHead(message);
    store.append(message, placement);
    stream.push(message);
    message.routed(pages);
    if (count % TURN === 0) await new Promise<void>((resolve) => store.whenSynced(() => resolve()));
  }
}

/** Reads with some consumers; tells the longest time that a timer had to wait. */
async function replay(stream: StreamQueue, consumers: number): Promise<number> {
  let worst = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - last);
    last = now;
  }, 1);
  const sinks = Array.from({ length: consumers }, () => new Sink());
  const options = { exclusive: false, arguments: { "x-stream-offset": "first" } };
  for (const sink of sinks) stream.addConsumer(sink, options);
  await Promise.all(sinks.map(({ done }) => done.promise));
  for (const sink of sinks) stream.removeConsumer(sink);
  clearInterval(timer);
  return worst;
}

function inUse(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { external, heapUsed } = Deno.memoryUsage();
  return external + heapUsed;
}

const before = inUse();

function memory(): string {
  const perMessage = ((inUse() - before) / MESSAGES).toFixed(1);
  return `${perMessage} bytes a message, ${Math.round(Deno.memoryUsage().rss / 1e6)} MB resident`;
}

function since(start: number): number {
  return Math.round(performance.now() - start);
}

function rate(start: number, count = 1): string {
  return `${(count * MESSAGES / (performance.now() - start) / 1000).toFixed(2)} M messages/s`;
}

const directory = Deno.makeTempDirSync({ dir: Deno.args[1] ?? "/tmp", prefix: "warren-stream-" });
try {
  let opened = open(directory);
  let start = performance.now();
  await append(opened);
  console.log(`append: ${rate(start)}; ${memory()}`);
  await opened.store.close();
  start = performance.now();
  opened = open(directory);
  opened.stream.restore();
  console.log(`open: ${since(start)} ms; ${memory()}`);
  for (const consumers of [1, 3]) {
    start = performance.now();
    const worst = await replay(opened.stream, consumers);
    const read = rate(start, consumers);
    console.log(
      `replay, ${consumers}: ${read}; timers waited ${Math.round(worst)} ms; ${memory()}`,
    );
  }
  await opened.store.close();
} finally {
  Deno.removeSync(directory, { recursive: true });
}
