/**
 * A queue alone, without connections: messages are pushed, dispatched to consumers, settled. An
 * iteration takes 1,000 messages of 16 bytes through the queue and leaves it empty. The baseline is
 * an array as a queue, which knows no consumers, prefetch or acks.
 *
 * @module
 */
import { systemClock } from "../broker/amqp/clock.ts";
import { Content } from "../broker/amqp/content.ts";
import { Message } from "../broker/message.ts";
import { PagePool } from "../broker/pages.ts";
import { QueueConsumer } from "../broker/queue/consumer.ts";
import type { QueueEntry } from "../broker/queue/entry.ts";
import { Queue } from "../broker/queue/queue.ts";
import { check } from "./support/check.ts";

const MESSAGES = 1000;
const BODY_SIZE = 16;
const PREFETCH = 200;

/** A consumer that counts what it gets and keeps what it has to settle. */
class Sink extends QueueConsumer {
  readonly noAck: boolean;
  readonly priority = 0;
  readonly #prefetch: number;
  /** Bytes that came. */
  bytes = 0;
  /** What is not settled. */
  entries: QueueEntry[] = [];

  constructor(options: { noAck: boolean; prefetch: number }) {
    super();
    this.noAck = options.noAck;
    this.#prefetch = options.prefetch;
  }

  hasRoom(): boolean {
    return this.#prefetch === 0 || this.entries.length < this.#prefetch;
  }

  deliverForgotten(message: Message): void {
    this.bytes += message.size;
  }

  deliver(entry: QueueEntry): void {
    this.bytes += entry.message.size;
    this.entries.push(entry);
  }

  settleAll(queue: Queue): void {
    const settled = this.entries;
    this.entries = [];
    for (const entry of settled) queue.settle(entry);
    queue.consumerHasRoom(this);
  }

  cancelled(): void {}
}

const pages = new PagePool();
const content = new Content();
content.routingKey = "jobs";
content.body = new Uint8Array(BODY_SIZE);
content.bodyEnd = BODY_SIZE;

Deno.bench({
  name: "array: push and shift",
  group: "through",
  baseline: true,
  fn() {
    const array: Message[] = [];
    let bytes = 0;
    for (let count = 0; count < MESSAGES; count++) array.push(new Message(content));
    for (let count = 0; count < MESSAGES; count++) bytes += array.shift()!.size;
    check(bytes, MESSAGES * BODY_SIZE);
  },
});

const served = newQueue();
const forgetful = new Sink({ noAck: true, prefetch: 0 });
served.addConsumer(forgetful, { exclusive: false });
Deno.bench({
  name: "push to a no-ack consumer",
  group: "through",
  fn() {
    forgetful.bytes = 0;
    pushAll(served);
    check(forgetful.bytes, MESSAGES * BODY_SIZE);
  },
});

const acked = newQueue();
const careful = new Sink({ noAck: false, prefetch: 0 });
acked.addConsumer(careful, { exclusive: false });
Deno.bench({
  name: "push to a consumer that settles all at the end",
  group: "through",
  fn() {
    careful.bytes = 0;
    pushAll(acked);
    careful.settleAll(acked);
    check(careful.bytes, MESSAGES * BODY_SIZE);
    check(acked.unackedCount, 0);
  },
});

const busy = newQueue();
const worker = new Sink({ noAck: false, prefetch: PREFETCH });
busy.addConsumer(worker, { exclusive: false });
Deno.bench({
  name: `push to a consumer with prefetch ${PREFETCH}, settle until none is left`,
  group: "through",
  fn() {
    worker.bytes = 0;
    pushAll(busy);
    while (worker.entries.length > 0) worker.settleAll(busy);
    check(worker.bytes, MESSAGES * BODY_SIZE);
    check(busy.messageCount, 0);
  },
});

const shared = newQueue();
const team = Array.from({ length: 4 }, () => new Sink({ noAck: true, prefetch: 0 }));
for (const member of team) shared.addConsumer(member, { exclusive: false });
Deno.bench({
  name: "push to 4 no-ack consumers in turn",
  group: "through",
  fn() {
    for (const member of team) member.bytes = 0;
    pushAll(shared);
    for (const member of team) check(member.bytes, MESSAGES * BODY_SIZE / team.length);
  },
});

const unserved = newQueue();
Deno.bench({
  name: "push to nobody, take and settle each",
  group: "through",
  fn() {
    pushAll(unserved);
    let bytes = 0;
    for (let entry = unserved.take(); entry !== undefined; entry = unserved.take()) {
      bytes += entry.message.size;
      unserved.settle(entry);
    }
    check(bytes, MESSAGES * BODY_SIZE);
  },
});

const returned = newQueue();
pushAll(returned);
Deno.bench({
  name: "take all, requeue them together",
  group: "requeue",
  baseline: true,
  fn() {
    const entries = takeAll(returned);
    check(entries.length, MESSAGES);
    returned.requeue(entries);
  },
});

Deno.bench({
  name: "take all, requeue each alone",
  group: "requeue",
  fn() {
    const entries = takeAll(returned);
    for (const entry of entries) returned.requeue([entry]);
    check(returned.messageCount, MESSAGES);
  },
});

function newQueue(): Queue {
  return new Queue({
    name: "jobs",
    durable: false,
    autoDelete: false,
    owner: undefined,
    arguments: {},
    pages,
    clock: systemClock,
    onBacklog: () => {},
    onTaken: () => {},
    onBehind: () => {},
    onUnused: () => {},
  });
}

/** Publishes as a vhost does. */
function pushAll(queue: Queue): void {
  for (let count = 0; count < MESSAGES; count++) {
    const message = new Message(content);
    queue.push(message);
    message.routed(pages);
  }
}

function takeAll(queue: Queue): QueueEntry[] {
  return Array.from({ length: MESSAGES }, () => queue.take()!);
}
