/**
 * A stream alone, without connections: messages of 16 bytes are appended, and read again from the
 * first one. In memory, since what a disk costs is the store's. Baselines are an array that keeps what
 * is pushed, and a walk along it.
 *
 * @module
 */
import { systemClock } from "../broker/amqp/clock.ts";
import { Content } from "../broker/amqp/content.ts";
import { atEndOfTurn } from "../broker/amqp/turn.ts";
import { Message } from "../broker/message.ts";
import { PagePool } from "../broker/pages.ts";
import { QueueConsumer } from "../broker/queue/consumer.ts";
import type { QueueEntry } from "../broker/queue/entry.ts";
import { StreamQueue } from "../broker/queue/stream/stream_queue.ts";
import { check } from "./support/check.ts";

const MESSAGES = 1000;
const BODY_SIZE = 16;

/** A consumer that counts what it gets, and has always room. */
class Sink extends QueueConsumer {
  readonly noAck = false;
  readonly priority = 0;
  bytes = 0;
  count = 0;

  hasRoom(): boolean {
    return true;
  }

  deliverForgotten(): void {}

  deliver(entry: QueueEntry): void {
    this.count++;
    this.bytes += entry.message.size;
  }

  cancelled(): void {}
}

const pages = new PagePool();
const content = new Content();
content.routingKey = "events";
content.properties = { headers: { kind: "a" } };
content.body = new Uint8Array(BODY_SIZE);
content.bodyEnd = BODY_SIZE;

const kept: Message[] = [];
Deno.bench({
  name: `array: push ${MESSAGES}`,
  group: "append",
  baseline: true,
  fn() {
    kept.length = 0;
    for (let count = 0; count < MESSAGES; count++) kept.push(new Message(content));
    check(kept.length, MESSAGES);
  },
});

// whole segments go now and then, so that it does not grow without end
const growing = newStream({
  "x-max-length-bytes": 1_000_000,
  "x-stream-max-segment-size-bytes": 100_000,
});
Deno.bench({
  name: `stream: append ${MESSAGES}, retention included`,
  group: "append",
  async fn() {
    append(growing);
    await endOfTurn();
  },
});

const followed = newStream({
  "x-max-length-bytes": 1_000_000,
  "x-stream-max-segment-size-bytes": 100_000,
});
const follower = new Sink();
followed.addConsumer(follower, { exclusive: false });
Deno.bench({
  name: `stream: append ${MESSAGES} with a consumer at the tail`,
  group: "append",
  async fn() {
    follower.bytes = 0;
    append(followed);
    await endOfTurn();
    check(follower.bytes, MESSAGES * BODY_SIZE);
  },
});

const walked = Array.from({ length: MESSAGES }, () => new Message(content));
Deno.bench({
  name: `array: walk ${MESSAGES}`,
  group: "replay",
  baseline: true,
  fn() {
    let bytes = 0;
    for (const message of walked) bytes += message.size;
    check(bytes, MESSAGES * BODY_SIZE);
  },
});

const replayed = newStream({});
append(replayed);
for (const readers of [1, 10]) {
  Deno.bench({
    name: `stream: ${MESSAGES} from the first offset, ${readers} consumers`,
    group: "replay",
    async fn() {
      const sinks = Array.from({ length: readers }, () => new Sink());
      for (const sink of sinks) {
        const arguments_ = { "x-stream-offset": "first" };
        replayed.addConsumer(sink, { exclusive: false, arguments: arguments_ });
      }
      while (sinks.some(({ count }) => count < MESSAGES)) {
        await endOfTurn();
      }
      for (const sink of sinks) {
        check(sink.bytes, MESSAGES * BODY_SIZE);
        replayed.removeConsumer(sink);
      }
    },
  });
}

/** Lets a stream do what it puts off: read, and drop what is too old. */
function endOfTurn(): Promise<void> {
  return new Promise((resolve) => atEndOfTurn(resolve));
}

function newStream(arguments_: Readonly<Record<string, number>>): StreamQueue {
  return new StreamQueue({ name: "events", arguments: arguments_, pages, clock: systemClock });
}

function append(stream: StreamQueue): void {
  for (let count = 0; count < MESSAGES; count++) {
    const message = new Message(content);
    stream.push(message);
    message.routed(pages);
  }
}
