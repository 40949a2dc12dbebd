// deno-lint-ignore-file no-console -- a program of its own
/**
 * The ceiling: the least program that the load generator `blast` can talk to. It answers the
 * handshake, copies each published message straight into the outgoing buffer of the last consumer of
 * its queue, and knows nothing else: no exchanges, no acks, no memory of what it saw. What it moves
 * on a machine is about what this runtime can give at most on one core for small messages, so a broker is
 * measured as a share of it, in the same run. It copies a large body from read buffer to write buffer like
 * any other, which a broker can do better.
 *
 * With `--sync-in` it writes what it is sent on connections with confirms to a file in that directory,
 * and confirms what an `fdatasync` has covered: what can be promised at most on this disk.
 *
 * Routing keys are queue names, everything happens on channel 1, and a body that takes several frames
 * has a queue with one producer.
 *
 * ```text
 * deno run -A bench/tools/ceiling.ts [--port 7100] [--sync-in DIR]
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { flushAll, Outgoing } from "./ceiling/outgoing.ts";
import { SyncedLog } from "./ceiling/synced_log.ts";

const METHOD = 1;
const HEADER = 2;
const BODY = 3;
const FRAME_END = 0xce;
/** Octets of a frame around its payload. */
const OVERHEAD = 8;
const CHANNEL = 1;

/** Methods as one number: class and method id. */
const CONNECTION_START = 10 << 16 | 10;
const CONNECTION_START_OK = 10 << 16 | 11;
const CONNECTION_TUNE = 10 << 16 | 30;
const CONNECTION_OPEN = 10 << 16 | 40;
const CONNECTION_OPEN_OK = 10 << 16 | 41;
const CONNECTION_CLOSE = 10 << 16 | 50;
const CONNECTION_CLOSE_OK = 10 << 16 | 51;
const CHANNEL_OPEN = 20 << 16 | 10;
const CHANNEL_OPEN_OK = 20 << 16 | 11;
const CHANNEL_CLOSE = 20 << 16 | 40;
const CHANNEL_CLOSE_OK = 20 << 16 | 41;
const QUEUE_DECLARE = 50 << 16 | 10;
const QUEUE_DECLARE_OK = 50 << 16 | 11;
const QUEUE_DELETE = 50 << 16 | 40;
const QUEUE_DELETE_OK = 50 << 16 | 41;
const BASIC_QOS = 60 << 16 | 10;
const BASIC_QOS_OK = 60 << 16 | 11;
const BASIC_CONSUME = 60 << 16 | 20;
const BASIC_CONSUME_OK = 60 << 16 | 21;
const BASIC_PUBLISH = 60 << 16 | 40;
const BASIC_DELIVER = 60 << 16 | 60;
const BASIC_ACK = 60 << 16 | 80;
const CONFIRM_SELECT = 85 << 16 | 10;
const CONFIRM_SELECT_OK = 85 << 16 | 11;
const BASIC_CLASS = 60;

/** A short string: the tag of every consumer. */
const CONSUMER_TAG = shortString("t");

/** With more than this waiting for a consumer, publishers wait. */
const OUT_HIGH_WATER = 1 << 22;
const IN_SIZE = 1 << 18;
/** A read gets at least so much room. */
const IN_ROOM_MIN = 1 << 16;

/** Where messages with a routing key go. */
interface Queue {
  /** The key as a short string. */
  readonly key: Uint8Array;
  consumer: Peer | undefined;
}

const queues = new Map<string, Queue>();
/** The same by a hash of the key's octets, so that no text is made for a message. */
const queuesByHash = new Map<number, Queue>();
/** What confirms wait for, if for anything. */
let log: SyncedLog | undefined;

/** A client: reads its frames and does what they say. */
class Peer {
  readonly #socket: Deno.TcpConn;
  readonly out: Outgoing;
  deliveryTag = 0;
  #bytes = new Uint8Array(IN_SIZE);
  #view = new DataView(this.#bytes.buffer);
  #low = 0;
  #high = 0;
  #greeted = false;
  #confirming = false;
  #published = 0;
  #confirmed = 0;
  /** The message that is coming: where it goes, its header, and how much of its body is missing. */
  #queue: Queue | undefined;
  #bodySize = 0;
  #bodyLeft = 0;
  /** Its properties: in what was read, or a copy when room has been made there. */
  #propertiesIn = this.#bytes;
  #propertiesStart = 0;
  #propertiesEnd = 0;

  constructor(socket: Deno.TcpConn) {
    socket.setNoDelay(true);
    this.#socket = socket;
    this.out = new Outgoing(socket);
  }

  /** Serves the client until it goes. */
  async run(): Promise<void> {
    while (await this.#read()) {
      const before = this.#published;
      const from = this.#low;
      if (this.#greeted || this.#greet()) this.#takeFrames();
      if (this.#confirming) this.#confirmInTime(from, this.#published);
      this.#makeRoom();
      flushAll();
      // only publishers wait: whoever consumes must be read, or its acks would hold it up
      if (this.#published > before) await consumersAreReady();
    }
    for (const queue of queues.values()) if (queue.consumer === this) queue.consumer = undefined;
    try {
      this.#socket.close();
    } catch {
      // it is closed already
    }
  }

  async #read(): Promise<boolean> {
    const count = await this.#socket.read(this.#bytes.subarray(this.#high)).catch(() => null);
    if (count === null) return false;
    this.#high += count;
    return true;
  }

  /** Takes the protocol header. */
  #greet(): boolean {
    if (this.#high < 8) return false;
    this.#low = 8;
    const noTable = [0, 0, 0, 0];
    const start = [0, 9, ...noTable, ...longString("PLAIN"), ...longString("en_US")];
    this.out.method(0, CONNECTION_START, new Uint8Array(start));
    return this.#greeted = true;
  }

  #takeFrames(): void {
    const bytes = this.#bytes;
    const view = this.#view;
    const high = this.#high;
    let at = this.#low;
    while (high - at >= OVERHEAD) {
      const size = view.getUint32(at + 3);
      const payload = at + 7;
      const next = payload + size + 1;
      if (next > high) break;
      const type = bytes[at];
      if (type === METHOD) this.#takeMethod(view.getUint16(at + 1), payload);
      else if (type === HEADER) {
        this.#bodySize = this.#bodyLeft = view.getUint32(payload + 8);
        this.#propertiesIn = bytes;
        this.#propertiesStart = payload + 12;
        this.#propertiesEnd = payload + size;
      } else if (type === BODY) {
        const consumer = this.#queue?.consumer;
        if (consumer !== undefined) {
          if (this.#bodyLeft === this.#bodySize) this.#deliver(consumer, this.#queue!.key, size);
          this.#deliverBody(consumer, payload, payload + size);
        }
        this.#bodyLeft -= size;
        if (this.#bodyLeft === 0) this.#published++;
      }
      at = next;
    }
    this.#low = at;
  }

  #takeMethod(channel: number, payload: number): void {
    const id = this.#view.getUint32(payload);
    if (id === BASIC_PUBLISH) {
      this.#queue = this.#queueOfPublish(payload + 6);
    } else if (id !== BASIC_ACK) {
      this.#answer(channel, id, payload + 6);
    }
  }

  /** Finds the queue by the routing key, which follows the exchange. */
  #queueOfPublish(exchangeAt: number): Queue {
    const bytes = this.#bytes;
    const keyAt = exchangeAt + 1 + bytes[exchangeAt]!;
    const length = bytes[keyAt]!;
    let hash = length;
    for (let index = 1; index <= length; index++) hash = hash * 31 + bytes[keyAt + index]! | 0;
    let queue = queuesByHash.get(hash);
    if (queue === undefined) {
      queue = queueNamed(bytes.slice(keyAt, keyAt + 1 + length));
      queuesByHash.set(hash, queue);
    }
    return queue;
  }

  /** Answers a method; `nameAt` is where a queue's name stands if it has one. */
  #answer(channel: number, id: number, nameAt: number): void {
    const { out } = this;
    const name = this.#bytes.slice(nameAt, nameAt + 1 + this.#bytes[nameAt]!);
    switch (id) {
      case CONNECTION_START_OK: // channel-max 2047, frame-max 131072, no heartbeat
        return out.method(0, CONNECTION_TUNE, new Uint8Array([7, 255, 0, 2, 0, 0, 0, 0]));
      case CONNECTION_OPEN:
        return out.method(0, CONNECTION_OPEN_OK, new Uint8Array(1));
      case CONNECTION_CLOSE:
        return out.method(0, CONNECTION_CLOSE_OK);
      case CHANNEL_OPEN:
        return out.method(channel, CHANNEL_OPEN_OK, new Uint8Array(4));
      case CHANNEL_CLOSE:
        return out.method(channel, CHANNEL_CLOSE_OK);
      case QUEUE_DECLARE:
        return out.method(channel, QUEUE_DECLARE_OK, name, new Uint8Array(8));
      case QUEUE_DELETE:
        return out.method(channel, QUEUE_DELETE_OK, new Uint8Array(4));
      case BASIC_QOS:
        return out.method(channel, BASIC_QOS_OK);
      case BASIC_CONSUME:
        queueNamed(name).consumer = this;
        return out.method(channel, BASIC_CONSUME_OK, CONSUMER_TAG);
      case CONFIRM_SELECT:
        this.#confirming = true;
        return out.method(channel, CONFIRM_SELECT_OK);
    }
  }

  /** Appends `basic.deliver` and the header to the consumer's buffer, and makes room for a body. */
  #deliver(consumer: Peer, key: Uint8Array, bodySize: number): void {
    const { out } = consumer;
    const propertiesSize = this.#propertiesEnd - this.#propertiesStart;
    out.reserve(bodySize + key.length + propertiesSize + 80);
    const { bytes, view } = out;

    let at = out.head(METHOD, CHANNEL, 14 + CONSUMER_TAG.length + key.length);
    view.setUint32(at, BASIC_DELIVER);
    at = copy(CONSUMER_TAG, 0, CONSUMER_TAG.length, bytes, at + 4);
    view.setUint32(at, 0);
    view.setUint32(at + 4, ++consumer.deliveryTag);
    bytes[at + 8] = 0; // not redelivered
    bytes[at + 9] = 0; // the exchange ""
    at = copy(key, 0, key.length, bytes, at + 10);
    bytes[at++] = FRAME_END;

    out.length = at;
    at = out.head(HEADER, CHANNEL, 12 + propertiesSize);
    view.setUint32(at, BASIC_CLASS << 16);
    view.setUint32(at + 4, 0);
    view.setUint32(at + 8, this.#bodySize);
    at = copy(this.#propertiesIn, this.#propertiesStart, this.#propertiesEnd, bytes, at + 12);
    bytes[at++] = FRAME_END;
    out.length = at;
  }

  /** Appends a frame of the body. */
  #deliverBody({ out }: Peer, start: number, end: number): void {
    out.reserve(end - start + OVERHEAD);
    const at = copy(this.#bytes, start, end, out.bytes, out.head(BODY, CHANNEL, end - start));
    out.bytes[at] = FRAME_END;
    out.length = at + 1;
    out.mark();
  }

  /** Confirms so many messages: now, or when the frames since `from` are on disk. */
  #confirmInTime(from: number, published: number): void {
    if (log === undefined) return this.#confirm(published);
    if (this.#low === from) return;
    log.append(this.#bytes, from, this.#low);
    log.whenSynced(() => this.#confirm(published));
  }

  /** Confirms all messages up to this one, by one ack. */
  #confirm(published: number): void {
    if (published === this.#confirmed) return;
    const fields = new Uint8Array(9);
    new DataView(fields.buffer).setUint32(4, published);
    fields[8] = 1; // multiple
    this.out.method(CHANNEL, BASIC_ACK, fields);
    this.#confirmed = published;
  }

  /** The header has come, and what it is sent with has not: the next read may overwrite it. */
  #keepProperties(): void {
    if (this.#propertiesIn !== this.#bytes) return;
    this.#propertiesIn = this.#bytes.slice(this.#propertiesStart, this.#propertiesEnd);
    this.#propertiesEnd -= this.#propertiesStart;
    this.#propertiesStart = 0;
  }

  /** Moves part of a frame to the front, or grows, so that the next read has room. */
  #makeRoom(): void {
    if (this.#bodyLeft > 0 && this.#bodyLeft === this.#bodySize) this.#keepProperties();
    if (this.#low === this.#high) {
      this.#low = this.#high = 0;
      return;
    }
    if (this.#bytes.length - this.#high >= IN_ROOM_MIN) return;
    this.#bytes.copyWithin(0, this.#low, this.#high);
    this.#high -= this.#low;
    this.#low = 0;
    if (this.#bytes.length - this.#high >= IN_ROOM_MIN) return;
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes.subarray(0, this.#high));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

function queueNamed(key: Uint8Array): Queue {
  const name = new TextDecoder().decode(key.subarray(1));
  let queue = queues.get(name);
  if (queue === undefined) queues.set(name, queue = { key, consumer: undefined });
  return queue;
}

/** Waits while too much waits to be written to any consumer. */
async function consumersAreReady(): Promise<void> {
  while ([...queues.values()].some(isBehind)) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

function isBehind({ consumer }: Queue): boolean {
  return consumer !== undefined && consumer.out.length > OUT_HIGH_WATER;
}

/** Copies a range, short ones by a loop; returns where the copy ends. */
function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  if (end - start < 64) {
    for (let index = start; index < end; index++) to[at++] = from[index]!;
    return at;
  }
  to.set(from.subarray(start, end), at);
  return at + end - start;
}

function shortString(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array([bytes.length, ...bytes]);
}

function longString(text: string): readonly number[] {
  return [0, 0, 0, ...shortString(text)];
}

if (import.meta.main) {
  const options = parseArgs(Deno.args, {
    string: ["port", "sync-in"],
    default: { port: "7100", "sync-in": "" },
  });
  const directory = options["sync-in"];
  if (directory !== "") log = new SyncedLog(directory, flushAll);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: Number(options.port) });
  console.log(`amqp://127.0.0.1:${listener.addr.port}`);
  for await (const socket of listener) new Peer(socket).run();
}
