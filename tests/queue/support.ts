import { Content } from "../../broker/amqp/content.ts";
import { encodeContentHead } from "../../broker/amqp/content_codec.ts";
import { Message } from "../../broker/message.ts";
import { PagePool } from "../../broker/pages.ts";
import { QueueConsumer } from "../../broker/queue/consumer.ts";
import { QueueEntry } from "../../broker/queue/entry.ts";
import type { QueueStorage } from "../../broker/queue/storage.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Queue, type QueueOptions } from "../../broker/queue/queue.ts";

const decoder = new TextDecoder();

/** A message with a body, as a link would bring it. */
export function messageOf(body: string): Message {
  const content = new Content();
  content.properties = {};
  content.body = new TextEncoder().encode(body);
  content.bodyEnd = content.body.length;
  return new Message(content);
}

/** A message that its queue and its channel hold in a page. */
export function heldMessage(pages: PagePool, body: string): Message {
  const message = messageOf(body);
  encodeContentHead(message);
  message.hold(pages);
  message.routed(pages);
  return message;
}

/** What a message says; empty once its room has been given to another one. */
export function bodyOf({ body, bodyStart, bodyEnd }: Message): string {
  return decoder.decode(body.subarray(bodyStart, bodyEnd));
}

/** An entry for what looks at its position alone. */
export function entryAt(position: number): QueueEntry {
  return new QueueEntry(messageOf(""), position);
}

/** Where a list without a store keeps messages. */
export function memoryStorage(): QueueStorage {
  return { pages: new PagePool(), durability: undefined, onUnreadable: () => {} };
}

/** A queue of its own, with what it told about itself. */
export class TestQueue extends Queue {
  readonly pages: PagePool;
  readonly unused: Queue[];
  readonly backlog: { count: number; taken: number; reliefs: number };

  constructor(options: Partial<QueueOptions> = {}) {
    const pages = new PagePool();
    const unused: Queue[] = [];
    const backlog = { count: 0, taken: 0, reliefs: 0 };
    super({
      name: "q",
      durable: false,
      autoDelete: false,
      owner: undefined,
      arguments: {},
      pages,
      clock: new ManualClock(),
      onBacklog: () => backlog.count++,
      onTaken: (count) => backlog.taken += count,
      onBehind: ({ behind }) => backlog.reliefs += behind ? 0 : 1,
      onUnused: (queue) => unused.push(queue),
      ...options,
    });
    this.pages = pages;
    this.unused = unused;
    this.backlog = backlog;
  }

  /** Pushes messages with these bodies, as a vhost does when it routes them here alone. */
  publish(...bodies: readonly string[]): void {
    for (const body of bodies) {
      const message = messageOf(body);
      this.push(message);
      message.routed(this.pages);
    }
  }

  /** Takes all that wait; they are settled. */
  drain(): string[] {
    const bodies: string[] = [];
    for (let entry = this.take(); entry !== undefined; entry = this.take()) {
      bodies.push(bodyOf(entry.message));
      this.settle(entry);
    }
    return bodies;
  }
}

/** A consumer that has room as long as a test says so. */
export class TestConsumer extends QueueConsumer {
  readonly noAck: boolean;
  readonly priority: number;
  /** How many more deliveries it takes. */
  room: number;
  /** Bodies delivered, with a `*` behind those that are redelivered. */
  readonly bodies: string[] = [];
  /** What it has not settled. */
  readonly entries: QueueEntry[] = [];
  /** How often it was asked whether it has room. */
  asked = 0;
  /** How often it was told that its queue is gone. */
  cancels = 0;

  constructor(options: { noAck?: boolean; priority?: number; room?: number } = {}) {
    super();
    this.noAck = options.noAck ?? false;
    this.priority = options.priority ?? 0;
    this.room = options.room ?? Infinity;
  }

  hasRoom(): boolean {
    this.asked++;
    return this.room > 0;
  }

  deliverForgotten(message: Message, redelivered: boolean): void {
    this.room--;
    this.bodies.push(bodyOf(message) + (redelivered ? "*" : ""));
  }

  deliver(entry: QueueEntry): void {
    this.room--;
    this.entries.push(entry);
    this.bodies.push(bodyOf(entry.message) + (entry.redelivered ? "*" : ""));
  }

  cancelled(): void {
    this.cancels++;
  }
}

/** A set that counts how often it is asked for something: what is looked at. */
export class AskedSet extends Set<number> {
  /** How often it was. */
  asked = 0;

  override has(value: number): boolean {
    this.asked++;
    return super.has(value);
  }
}
