/**
 * A link: bytes of a socket to publishes, deliveries and acks, and these to bytes again, without a
 * socket. The baselines are what must be done at least: a walk along the lengths of the frames that are
 * read, and a copy of the bytes that are written. An iteration is a turn: of so many messages, confirms or
 * acks as its name says.
 *
 * @module
 */
import { copy } from "@std/bytes";
import { ByteWriter } from "../broker/amqp/byte_writer.ts";
import { ConsumerTag } from "../broker/amqp/consumer_tag.ts";
import { Content } from "../broker/amqp/content.ts";
import { writeAck, writeContent, writeMethod } from "../broker/amqp/frame_writer.ts";
import type { LinkReceiver } from "../broker/amqp/link.ts";
import { basicPublish } from "../broker/amqp/methods/basic.ts";
import type { Method } from "../broker/amqp/methods/mod.ts";
import type { Transport } from "../broker/amqp/transport.ts";
import { WireLink } from "../broker/amqp/wire_link.ts";
import { PublisherConfirms } from "../broker/connection/confirms.ts";
import type { BrokerChannel } from "../broker/connection/channel.ts";
import { check } from "./support/check.ts";
import { walkLengths } from "./support/frame_stream.ts";

const MESSAGES = 1000;
const CONSUMER_TAG = new ConsumerTag("amq.ctag-Jc0pZ0oXg1kZ2mVYyQk3Fw");
/** What a turn takes, of bodies of so many bytes. */
const TURNS = [[MESSAGES, 16], [500, 1024], [10, 64 * 1024]] as const;

/** A peer that sends the same bytes again each time it is told to, and takes all that is written. */
class Peer implements Transport {
  readonly peer = { hostname: "127.0.0.1", port: 1 };
  readonly local = { hostname: "127.0.0.1", port: 2 };
  writes = 0;
  written = 0;
  /** Called when something is written. */
  onWrite = () => {};
  readonly #bytes: Uint8Array;
  #left = 0;
  #wake = Promise.withResolvers<void>();

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  send(): void {
    this.#left = this.#bytes.length;
    this.#wake.resolve();
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#left === 0) {
      this.#wake = Promise.withResolvers();
      await this.#wake.promise;
    }
    const start = this.#bytes.length - this.#left;
    const count = copy(this.#bytes.subarray(start, start + into.length), into);
    this.#left -= count;
    return count;
  }

  write(bytes: Uint8Array): Promise<number> {
    this.writes++;
    this.written += bytes.length;
    this.onWrite();
    return Promise.resolve(bytes.length);
  }

  close(): void {}
}

/** Counts what a link brings, until there is as much as was expected. */
class Counter implements LinkReceiver {
  messages = 0;
  calls = 0;
  #expected = 0;
  #done = Promise.withResolvers<void>();
  readonly #content = new Content();

  /** Resolves when so much has come. */
  until(count: number): Promise<void> {
    this.messages = this.calls = 0;
    this.#expected = count;
    this.#done = Promise.withResolvers();
    return this.#done.promise;
  }

  newContent(): Content {
    return this.#content;
  }

  receiveContent(): void {
    this.#count(1);
  }

  receiveDelivery(): void {
    this.#count(1);
  }

  receiveAcks(_channel: number, first: number, last: number): void {
    this.#count(last - first + 1);
  }

  receive(): void {}
  drained(): void {}
  closed(): void {}
  failed(error: Error): void {
    throw error;
  }

  #count(messages: number): void {
    this.calls++;
    this.messages += messages;
    if (this.messages === this.#expected) this.#done.resolve();
  }
}

function contentOf(size: number): Content {
  const content = new Content();
  content.exchange = "orders";
  content.routingKey = "order.created.europe";
  content.body = new Uint8Array(size).fill(7);
  content.bodyEnd = size;
  return content;
}

function publishes(count: number, size: number): Uint8Array {
  const out = new ByteWriter();
  const content = contentOf(size);
  const method = basicPublish({ exchange: content.exchange, routingKey: content.routingKey });
  for (; count > 0; count--) {
    writeMethod(out, 1, method, 131_072);
    writeContent(out, 1, content, 131_072);
  }
  return out.written().slice();
}

/** Acks of one delivery each: in a row, or every other one. */
function acks(step: 1 | 2): Uint8Array {
  const out = new ByteWriter();
  for (let count = 0; count < MESSAGES; count++) writeAck(out, 1, 1 + count * step);
  return out.written().slice();
}

function benchReading(group: string, bytes: Uint8Array, count: number, frames = count): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  Deno.bench({
    name: `walk the lengths of their ${frames.toLocaleString("en")} frames`,
    group,
    baseline: true,
    fn() {
      check(walkLengths(view, bytes.length), frames);
    },
  });
  const peer = new Peer(bytes);
  const receiver = new Counter();
  const link = new WireLink(peer);
  let isRunning = false;
  Deno.bench({
    name: `WireLink: read ${group}`,
    group,
    async fn() {
      if (!isRunning) link.run(receiver);
      isRunning = true;
      const done = receiver.until(count);
      peer.send();
      await done;
      check(receiver.messages, count);
    },
  });
}

for (const [count, size] of TURNS) {
  benchReading(`${count} publishes of ${size} B`, publishes(count, size), count, 3 * count);
}
benchReading(`${MESSAGES} acks in a row`, acks(1), MESSAGES);
benchReading(`${MESSAGES} acks, not in a row`, acks(2), MESSAGES);

for (const [count, size] of TURNS) {
  const group = `${count} deliveries of ${size} B`;
  const content = contentOf(size);
  const peer = new Peer(new Uint8Array());
  const link = new WireLink(peer);
  /** Resolves when all of them are written, once, at the end of the turn. */
  const deliver = async () => {
    peer.writes = peer.written = 0;
    const written = new Promise<void>((resolve) => peer.onWrite = resolve);
    for (let tag = 1; tag <= count; tag++) link.sendDelivery(1, CONSUMER_TAG, tag, false, content);
    await written;
    check(peer.writes, 1);
    return peer.written;
  };
  const all = await deliver();
  const target = new Uint8Array(all);
  const each = new Uint8Array(all / count);

  Deno.bench({
    name: "copy as many bytes",
    group,
    baseline: true,
    fn() {
      let at = 0;
      for (; at < all; at += each.length) target.set(each, at);
      check(at, all);
    },
  });
  Deno.bench({
    name: `WireLink: write ${group}`,
    group,
    async fn() {
      check(await deliver(), all);
    },
  });
}

{
  const group = `${MESSAGES} confirms`;
  const out = new ByteWriter();
  Deno.bench({
    name: "write an ack for each",
    group,
    baseline: true,
    fn() {
      out.length = 0;
      for (let tag = 1; tag <= MESSAGES; tag++) writeAck(out, 1, tag);
      check(out.length, MESSAGES * 21);
    },
  });
  let told: (method: Method) => void;
  const channel = {
    ended: false,
    connection: { vhost: { store: undefined } },
    send(method: Method) {
      out.length = 0;
      writeMethod(out, 1, method, 131_072);
      told(method);
    },
  } as unknown as BrokerChannel;
  const confirms = new PublisherConfirms(channel);
  let last = 0;
  Deno.bench({
    name: "PublisherConfirms: one ack at the end of the turn",
    group,
    async fn() {
      const telling = new Promise<Method>((resolve) => told = resolve);
      for (let count = 0; count < MESSAGES; count++) confirms.confirmNext();
      const method = await telling;
      check(method.name === "basic.ack" ? method.deliveryTag : 0, last += MESSAGES);
    },
  });
}
