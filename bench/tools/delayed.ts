// deno-lint-ignore-file no-console -- a program: its output is what it is for
/**
 * Delayed messages on this machine's disk: persistent ones of 100 bytes are held back for up to an hour
 * found again after a restart, looked at, cancelled, and then all are due at once and go into a
 * durable queue. Tells times, memory, and how long the event loop was kept from its timers.
 *
 * ```text
 * deno run -A --v8-flags=--expose-gc bench/tools/delayed.ts [messages, in millions: 1] [directory]
 * ```
 *
 * @module
 */
import { type Clock, systemClock } from "../../broker/amqp/clock.ts";
import { Content } from "../../broker/amqp/content.ts";
import { silentLogger } from "../../broker/amqp/logger.ts";
import { BrokerEvents } from "../../broker/events.ts";
import { Message } from "../../broker/message.ts";
import { PagePool } from "../../broker/pages.ts";
import { ExchangeTypes } from "../../broker/routing/exchange_types.ts";
import { DiskFileSystem } from "../../broker/store/file_system.ts";
import { Store } from "../../broker/store/store.ts";
import { DelayedMessages } from "../../broker/vhost/delayed_messages.ts";
import type { VirtualHost } from "../../broker/vhost/vhost.ts";
import { VirtualHosts } from "../../broker/virtual_hosts.ts";
import { check } from "../support/check.ts";

const MESSAGES = Number(Deno.args[0] ?? 1) * 1_000_000;
const TURN = 2000;
const HOUR_MS = 3_600_000;

let aheadMs = 0;
const clock: Clock = { ...systemClock, now: () => Date.now() + aheadMs };

interface Opened {
  readonly store: Store;
  readonly vhost: VirtualHost;
  readonly pages: PagePool;
  readonly delayed: DelayedMessages;
}

function open(directory: string): Opened {
  const store = new Store({ files: new DiskFileSystem(directory) });
  const pages = new PagePool(256 * 1024 * 1024);
  const delayed = new DelayedMessages({ clock, pages, logger: silentLogger });
  const vhosts = new VirtualHosts({
    pages,
    exchangeTypes: new ExchangeTypes(),
    logger: silentLogger,
    clock,
    events: new BrokerEvents(clock, () => {}),
    delayed,
    store,
  });
  vhosts.start(["/"], () => {});
  return { store, vhost: vhosts.get("/"), pages, delayed };
}

async function close({ store, vhost, delayed }: Opened): Promise<void> {
  delayed.close();
  vhost.stop();
  await store.close();
}

function declare({ vhost }: Opened): void {
  const durable = { passive: false, durable: true, autoDelete: false, internal: false };
  const arguments_ = { "x-delayed-type": "fanout" };
  vhost.declareExchange("later", { ...durable, type: "x-delayed-message", arguments: arguments_ });
  const owner = {};
  vhost.declareQueue("q", { ...durable, exclusive: false, arguments: {} }, owner);
  const binding = { source: "later", destination: "q", routingKey: "", arguments: {} };
  vhost.bindQueue(binding, owner);
}

async function schedule({ store, vhost }: Opened): Promise<void> {
  const content = new Content();
  content.exchange = "later";
  content.routingKey = "order.created";
  content.body = new Uint8Array(100);
  content.bodyEnd = content.body.length;
  for (let count = 1; count <= MESSAGES; count++) {
    const delay = 100_000 + Math.floor(Math.random() * HOUR_MS);
    content.properties = { deliveryMode: 2, headers: { "x-delay": delay } };
    content.head = undefined;
    check(vhost.publish(new Message(content)).stored, true);
    if (count % TURN === 0) await new Promise<void>((resolve) => store.whenSynced(() => resolve()));
  }
}

/** Waits until all has gone on; tells the longest time that a timer had to wait. */
async function allGone({ delayed, store }: Opened): Promise<number> {
  let worst = 0;
  let last = performance.now();
  while (delayed.size > 0) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const now = performance.now();
    worst = Math.max(worst, now - last);
    last = now;
  }
  await new Promise<void>((resolve) => store.whenSynced(() => resolve()));
  return Math.round(worst);
}

function inUse(): number {
  const { gc } = globalThis as { gc?: () => void };
  // what the first one lets go may hold more
  gc?.();
  gc?.();
  const { external, heapUsed } = Deno.memoryUsage();
  return external + heapUsed;
}

const before = inUse();

function memory(): string {
  const perMessage = ((inUse() - before) / MESSAGES).toFixed(1);
  return `${perMessage} bytes a message, ${Math.round(Deno.memoryUsage().rss / 1e6)} MB resident`;
}

function since(start: number): string {
  return `${Math.round(performance.now() - start)} ms`;
}

const directory = Deno.makeTempDirSync({ dir: Deno.args[1] ?? "/tmp", prefix: "warren-delayed-" });
try {
  let opened = open(directory);
  declare(opened);
  let start = performance.now();
  await schedule(opened);
  console.log(`schedule: ${since(start)}; ${memory()}`);
  await close(opened);

  start = performance.now();
  opened = open(directory);
  check(opened.delayed.size, MESSAGES);
  const restarted = since(start);
  await new Promise((resolve) => setTimeout(resolve, 10)); // the buffer for reading goes with the turn
  console.log(`restart: ${restarted}; ${memory()}`);

  const line = opened.vhost.publishing.kept.delaysOf(opened.vhost.exchange("later"))!;
  start = performance.now();
  const middle = line.list(MESSAGES / 2, 100);
  check(middle.length, 100);
  console.log(`list 100 of the middle: ${since(start)}`);
  start = performance.now();
  check(await line.cancel(new Set(middle.map(({ id }) => id))), 100);
  console.log(`cancel them: ${since(start)}`);

  start = performance.now();
  await close(opened);
  aheadMs = 2 * HOUR_MS; // down for so long
  opened = open(directory);
  start = performance.now();
  const worst = await allGone(opened);
  check(opened.vhost.queues.get("q")!.messageCount, MESSAGES - 100);
  console.log(`all due: ${since(start)}; timers waited ${worst} ms; ${memory()}`);
  await close(opened);
} finally {
  Deno.removeSync(directory, { recursive: true });
}
