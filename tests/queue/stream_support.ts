import { Content } from "../../broker/amqp/content.ts";
import { contentProperties, encodeContentHead } from "../../broker/amqp/content_codec.ts";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { atEndOfTurn } from "../../broker/amqp/turn.ts";
import { Message } from "../../broker/message.ts";
import { PagePool } from "../../broker/pages.ts";
import type { QueueEntry } from "../../broker/queue/entry.ts";
import type { QueueDurability } from "../../broker/queue/storage.ts";
import { StreamQueue } from "../../broker/queue/stream/stream_queue.ts";
import type { StoreError } from "../../broker/store/error.ts";
import { Placement } from "../../broker/store/placement.ts";
import { StoreHarness } from "../store/harness.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { bodyOf, TestConsumer } from "./support.ts";

/** When the tests of streams begin: far enough from 0 to look back. */
export const START_MS = 1_000_000_000;

/** Waits until streams have read what they could: that many turns are enough for any test here. */
export async function turns(count = 100): Promise<void> {
  for (; count > 0; count--) await new Promise<void>((resolve) => atEndOfTurn(resolve));
}

/** A consumer that reads offsets. */
export class StreamConsumer extends TestConsumer {
  /** What came: offset and body. */
  readonly seen: string[] = [];

  override deliver(entry: QueueEntry): void {
    super.deliver(entry);
    const { headers } = contentProperties(entry.message);
    this.seen.push(`${headers?.["x-stream-offset"]}:${bodyOf(entry.message)}`);
  }

  /** Settles all that came. */
  ack(stream: StreamQueue): void {
    this.room += this.entries.length;
    for (const _ of this.entries.splice(0)) stream.settle();
    if (!this.inRow) stream.consumerHasRoom(this);
  }
}

/** A stream of its own, in memory or in a store on a simulated disk. */
export class TestStream {
  readonly clock: ManualClock = new ManualClock();
  readonly pages: PagePool = new PagePool();
  readonly harness: StoreHarness | undefined;
  readonly unreadable: StoreError[] = [];
  stream: StreamQueue;
  readonly #arguments: FieldTable;
  readonly #placement = new Placement();

  constructor(options: { stored?: boolean; arguments?: FieldTable } = {}) {
    this.#arguments = options.arguments ?? {};
    this.harness = options.stored ? new StoreHarness() : undefined;
    this.clock.advance(START_MS);
    this.stream = this.#make();
  }

  get #durability(): QueueDurability | undefined {
    const { harness } = this;
    return harness && { store: harness.store, stored: harness.queue };
  }

  #make(): StreamQueue {
    return new StreamQueue({
      name: "s",
      arguments: this.#arguments,
      pages: this.pages,
      durability: this.#durability,
      clock: this.clock,
      onUnreadable: (error) => this.unreadable.push(error),
    });
  }

  /** Publishes messages with these bodies, as a vhost does when it routes them here alone. */
  publish(...bodies: readonly (string | number)[]): void {
    for (const body of bodies) this.publishWith({}, `${body}`);
  }

  /** Publishes a message with headers. */
  publishWith(headers: FieldTable, body: string): void {
    const content = new Content();
    content.exchange = "x";
    content.routingKey = `key.${body.slice(0, 3)}`;
    content.properties = { headers, correlationId: "c" };
    content.body = new TextEncoder().encode(body);
    content.bodyEnd = content.body.length;
    const message = new Message(content);
    if (this.harness !== undefined) {
      this.#placement.clear();
      this.#placement.transient = true;
      this.stream.place(this.#placement);
      encodeContentHead(message);
      this.harness.store.append(message, this.#placement);
    }
    this.stream.push(message);
    message.routed(this.pages);
  }

  /** Adds a consumer. */
  read(
    arguments_: FieldTable | string | number,
    consumer: StreamConsumer = new StreamConsumer(),
  ): StreamConsumer {
    this.stream.addConsumer(consumer, {
      exclusive: false,
      arguments: typeof arguments_ === "object" ? arguments_ : { "x-stream-offset": arguments_ },
    });
    return consumer;
  }

  /** All that can be read from the first offset on. */
  async all(): Promise<string[]> {
    const consumer = this.read("first");
    await turns();
    this.stream.removeConsumer(consumer);
    return consumer.seen;
  }

  /** The broker starts again after a loss of power. */
  restart(): void {
    this.harness!.settle();
    this.harness!.reopen();
    this.stream = this.#make();
    this.stream.restore();
    this.stream.start();
  }
}

/** The numbers from one to another as `TestStream.publish` and `StreamConsumer.seen` have them. */
export function seenFrom(first: number, end: number): string[] {
  return Array.from({ length: end - first }, (_, index) => `${first + index}:${first + index}`);
}
