/**
 * Streams through crashes and failures: what was confirmed is read again, in the order in which it was
 * published and at the offset that it always had, unless the stream was allowed to drop it. A run is
 * decided by its seed alone.
 *
 * @module
 */
import type { FieldTable } from "../../mod.ts";
import { standingTime } from "../support/standing_time.ts";
import { type BrokerTally, turn } from "./broker_simulation.ts";
import { CHUNK_MS } from "../../broker/queue/stream/history.ts";
import { SimulatedLives } from "./lives.ts";

const MAX_BYTES = 6000;
const SEGMENT_BYTES = 1000;
const MAX_AGE_MS = 60_000;
/** More than a message takes on disk besides its body. */
const OVERHEAD = 200;
const PREFETCH = 60_000;

const STREAMS: readonly { readonly name: string; readonly arguments: FieldTable }[] = [
  { name: "whole", arguments: {} },
  {
    name: "short",
    arguments: {
      "x-max-length-bytes": MAX_BYTES,
      "x-stream-max-segment-size-bytes": SEGMENT_BYTES,
    },
  },
  {
    name: "young",
    arguments: {
      "x-max-age": `${MAX_AGE_MS / 1000}s`,
      "x-stream-max-segment-size-bytes": SEGMENT_BYTES,
    },
  },
];

/** Runs one simulation. Rejects when a stream has not what it must have. */
export async function simulateStreams(
  seed: number,
  tally: BrokerTally,
  trace: (line: string) => void = () => {},
): Promise<void> {
  await turn();
  // how long a slow machine takes must not change what a seed does
  using _still = standingTime();
  await new StreamSimulation(seed, tally, trace).run();
}

/** A message in one stream. */
interface Item {
  readonly name: string;
  readonly size: number;
  /** When it was published. */
  readonly at: number;
  /** Where it was when it was last seen. */
  offset: number | undefined;
  confirmed: boolean;
}

/** A message as a consumer got it. */
interface Found {
  readonly name: string;
  readonly offset: number;
}

class StreamSimulation extends SimulatedLives {
  /** What was published to each stream, in order. */
  readonly #rows = new Map<string, Item[]>(STREAMS.map(({ name }) => [name, []]));
  readonly #bodySizeMax = this.pick([20, 200, 1500]);
  #count = 0;

  protected override async declare(): Promise<void> {
    const { channel } = this;
    await this.pump(channel.exchangeDeclare("each", "fanout", { durable: true }));
    for (const { name } of STREAMS) {
      await this.#declareStream(name);
      await this.pump(channel.queueBind({ queue: name, exchange: "each" }));
    }
  }

  async #declareStream(stream: string): Promise<void> {
    const arguments_ = STREAMS.find(({ name }) => name === stream)!.arguments;
    await this.pump(this.channel.queueDeclare(stream, {
      durable: true,
      arguments: { "x-queue-type": "stream", ...arguments_ },
    }));
  }

  protected override operate(): void {
    const toAll = this.chance(0.2);
    const streams = toAll ? STREAMS.map(({ name }) => name) : [this.pick(STREAMS).name];
    const name = `m${++this.#count}`;
    const size = this.below(this.#bodySizeMax);
    const items = streams.map((stream) => {
      const item: Item = {
        name,
        size,
        at: this.clock.now(),
        offset: undefined,
        confirmed: false,
      };
      this.#rows.get(stream)!.push(item);
      return item;
    });
    this.trace(`publish ${name} to ${streams}`);
    const answer = this.channel.basicPublish({
      exchange: toAll ? "each" : "",
      routingKey: toAll ? "" : streams[0]!,
      // a stream keeps what is transient, too
      properties: { messageId: name, deliveryMode: this.pick([1, 2]) },
    }, ".".repeat(size));
    this.answered(answer!, () => {
      this.trace(`confirmed ${name}`);
      for (const item of items) item.confirmed = true;
      this.tally.confirms++;
    });
  }

  protected override async check(): Promise<void> {
    for (const { name } of STREAMS) {
      // what comes meanwhile need not be found
      const confirmed = this.#rows.get(name)!.filter((item) => item.confirmed);
      const now = this.clock.now();
      this.#checkStream(name, await this.#read(name, "first"), { confirmed, now });
    }
  }

  #checkStream(
    stream: string,
    found: readonly Found[],
    { confirmed, now }: { confirmed: readonly Item[]; now: number },
  ): void {
    const row = this.#rows.get(stream)!;
    this.trace(`found in ${stream}: ${found.map(({ offset, name }) => `${offset} ${name}`)}`);
    const indices = new Set<Item>();
    let before = -1;
    let offsetBefore = -1;
    for (const { name, offset } of found) {
      const index = row.findIndex((item) => item.name === name);
      if (index <= before) throw new Error(`${stream}: ${name} is out of order or unknown`);
      before = index;
      const item = row[index]!;
      indices.add(item);
      // what was nacked may have been seen, so its offset is not given to another message
      if (offset <= offsetBefore) throw new Error(`${stream}: ${name} at ${offset}`);
      offsetBefore = offset;
      if (item.confirmed && (item.offset ?? offset) !== offset) {
        throw new Error(`${stream}: ${name} moved from ${item.offset} to ${offset}`);
      }
      item.offset = offset;
    }
    const missing = confirmed.filter((item) => !indices.has(item));
    if (missing.length === 0) return;
    const last = missing.at(-1)!;
    // on a full disk nothing says that old ones went, so some of them may come back after a crash
    const holes = this.wasFull && stream !== "whole";
    const isInside = row.indexOf(last) > row.findIndex((item) => indices.has(item));
    if (found.length === 0 || isInside && !holes) {
      throw new Error(`${stream}: ${last.name} is missing`);
    }
    const bytes = [...indices].reduce((sum, { size }) => sum + size + OVERHEAD, 0);
    const mayGo = stream === "short"
      ? bytes > MAX_BYTES - SEGMENT_BYTES - this.#bodySizeMax
      : stream === "young" && now - last.at > MAX_AGE_MS - CHUNK_MS;
    if (!mayGo) throw new Error(`${stream}: ${last.name} was dropped too early`);
  }

  protected override async checkAtRest(): Promise<void> {
    await this.check();
    const { name } = this.pick(STREAMS);
    const found = await this.#read(name, "first");
    if (found.length > 0) {
      const { offset } = this.pick(found);
      const rest = await this.#read(name, offset);
      const wanted = found.filter((each) => each.offset >= offset);
      if (JSON.stringify(rest) !== JSON.stringify(wanted)) {
        throw new Error(`${name} from ${offset}: ${rest.map(({ name }) => name)}`);
      }
    }
    if (this.chance(0.2)) await this.#deleteStream(name);
  }

  /** Another one of this name has nothing of the first. */
  async #deleteStream(name: string): Promise<void> {
    this.trace(`delete ${name}`);
    await this.pump(this.channel.queueDelete(name));
    this.#rows.set(name, []);
    await this.#declareStream(name);
    await this.pump(this.channel.queueBind({ queue: name, exchange: "each" }));
  }

  protected override async finish(): Promise<void> {}

  /** Reads what is in a stream now. */
  async #read(stream: string, offset: string | number): Promise<Found[]> {
    const connection = await this.broker.connect();
    const channel = await connection.openChannel();
    const found: Found[] = [];
    await channel.basicQos({ prefetchCount: PREFETCH });
    const options = { arguments: { "x-stream-offset": offset } };
    await channel.basicConsume(stream, options, ({ properties }) => {
      const at = Number(properties.headers!["x-stream-offset"]);
      found.push({ name: properties.messageId!, offset: at });
    });
    // it is read when nothing comes any more
    for (let idle = 0; idle < 6; idle++) {
      const before = found.length;
      await turn();
      if (found.length > before) idle = 0;
    }
    await connection.close();
    return found;
  }
}
