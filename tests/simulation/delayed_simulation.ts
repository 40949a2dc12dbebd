/**
 * Delayed messages through crashes and failures: a program publishes them, calls them off and sends
 * them early, while the disk forgets, tears, fails and fills up, and the broker crashes and is started
 * again. What was confirmed must be in one place, waiting or in its queue, and in both only after a
 * write that was torn. A run is decided by its seed alone.
 *
 * @module
 */
import { Broker, type Channel, type Connection } from "../../mod.ts";
import type { InternalOptions } from "../../broker/options.ts";
import {
  type Random,
  seededRandom,
  SimulatedFileSystem,
} from "../../broker/testing/simulated_file_system.ts";
import type { Ending } from "./broker_model.ts";
import { type BrokerTally, processFiles, turn } from "./broker_simulation.ts";
import { VirtualClock } from "./virtual_clock.ts";

const LATER = { exchange: "later" } as const;
const DELAYS_MS = [1, 50, 3000, 20_000, 100_000];
/** Longer than anything waits before it is tried again. */
const LONG_MS = 70_000;

/** Runs one simulation. Rejects when a message is not where it must be. */
export async function simulateDelayed(
  seed: number,
  tally: BrokerTally,
  trace: (line: string) => void = () => {},
): Promise<void> {
  await new DelayedSimulation(seed, tally, trace).run();
}

/** A message as it was published. */
interface Sent {
  readonly name: string;
  readonly persistent: boolean;
  /** Not due before. */
  readonly earliest: number;
  /** In which life of the broker. */
  readonly life: number;
  confirmed: boolean;
  /** When the broker said that it is due. */
  due: number | undefined;
  cancelled: "no" | "maybe" | "yes";
  early: boolean;
  /** True when it may be there twice. */
  torn: boolean;
}

class DelayedSimulation {
  readonly #random: Random;
  readonly #tally: BrokerTally;
  readonly #trace: (line: string) => void;
  readonly #files: SimulatedFileSystem;
  readonly #clock = new VirtualClock();
  readonly #sent = new Map<string, Sent>();
  readonly #segmentSize: number;
  readonly #messageMemory: number;
  readonly #bodySizeMax: number;
  #life = 0;
  #inUse = false;
  #faulty = false;
  #outstanding = 0;
  #failure: unknown;
  #broker!: Broker;
  #connection!: Connection;
  #channel!: Channel;

  constructor(seed: number, tally: BrokerTally, trace: (line: string) => void) {
    this.#random = seededRandom(seed);
    this.#tally = tally;
    this.#trace = trace;
    this.#files = new SimulatedFileSystem(this.#random);
    this.#segmentSize = this.#pick([4096, 8192, 32768]);
    this.#messageMemory = this.#pick([0, 1e9]);
    this.#bodySizeMax = this.#pick([20, 200, 1500]);
  }

  async run(): Promise<void> {
    await this.#open();
    const lives = 1 + this.#below(5);
    for (let life = 0; life < lives; life++) {
      this.#faulty = this.#random() < 0.4;
      if (this.#faulty) {
        this.#files.faults = this.#random() < 0.5
          ? { failureRate: this.#pick([0.02, 0.2, 1]) }
          : { capacity: this.#files.used + this.#below(4 * this.#segmentSize) };
      }
      this.#trace(`life ${this.#life}, faults ${JSON.stringify(this.#files.faults)}`);
      for (let steps = this.#below(80); steps > 0; steps--) await this.#step();
      if (this.#random() < 0.3) await this.#comeToRest();
      // a crash may come in the middle of a turn
      if (this.#random() < 0.5) this.#operate();
      await this.#crash(this.#pick(["kill", "power", "power"]));
      this.#clock.advance(this.#random() < 0.5 ? 0 : this.#pick(DELAYS_MS));
      await this.#open();
      await this.#check();
    }
    await this.#comeToRest();
    for (let round = 0; round < 6; round++) {
      this.#clock.advance(LONG_MS);
      await this.#comeToRest();
    }
    if (this.#broker.delayedMessageCount(LATER) > 0) throw new Error("something waits for ever");
    this.#life++;
    this.#files.kill();
  }

  // ---- the lives of a broker

  async #open(): Promise<void> {
    const life = ++this.#life;
    const options: InternalOptions = {
      dataDir: "/simulated",
      segmentSize: this.#segmentSize,
      messageMemory: this.#messageMemory,
      clock: this.#clock,
      logger: {
        log: (level, message) => {
          if (life !== this.#life) return;
          this.#trace(`log ${level}: ${message}`);
          if (/^store: (full|failed)/.test(message)) this.#tally.failures++;
          if (/internal error|damaged|TypeError/.test(message)) {
            this.#failure ??= new Error(message);
          }
        },
      },
      openDirectory: () => {
        if (this.#inUse) throw new Error("the directory is in use");
        this.#inUse = true;
        return {
          files: processFiles(this.#files, () => life !== this.#life),
          release: () => this.#inUse = false,
        };
      },
    };
    this.#broker = new Broker(options);
    this.#connection = await this.#broker.connect();
    this.#channel = await this.#connection.openChannel();
    await this.#pump(this.#channel.confirmSelect());
    await this.#pump(this.#channel.exchangeDeclare("later", "x-delayed-message", {
      durable: true,
      arguments: { "x-delayed-type": "fanout" },
    }));
    await this.#pump(this.#channel.queueDeclare("q", { durable: true }));
    await this.#pump(this.#channel.queueBind({ queue: "q", exchange: "later" }));
    await this.#pump(this.#channel.exchangeDeclare("front", "fanout", { durable: true }));
    await this.#pump(this.#channel.exchangeBind({ source: "front", destination: "later" }));
  }

  async #crash(ending: Ending): Promise<void> {
    this.#trace(`${ending} at ${this.#clock.now()}`);
    this.#tally.crashes++;
    if (ending === "power") this.#files.losePower();
    else this.#files.kill();
    // a batch that is too large for its segment is written in parts, so a kill can tear it too
    for (const sent of this.#sent.values()) sent.torn = true;
    this.#life++;
    this.#inUse = false;
    this.#outstanding = 0;
    this.#files.faults = {};
    this.#clock.clear();
    await turn();
    await turn();
    this.#throwFailure();
  }

  // ---- what must be where

  async #check(): Promise<void> {
    const places = new Map<string, { delayed: number; queued: number }>();
    const at = (name: string) => {
      const found = places.get(name) ?? { delayed: 0, queued: 0 };
      places.set(name, found);
      return found;
    };
    // more may be taken while the queue is looked at
    const sent = [...this.#sent.values()];
    const confirmed = new Set(sent.filter(({ confirmed }) => confirmed));
    let before = -Infinity;
    for (const { dueTime, properties } of this.#delayed()) {
      const sent = this.#sent.get(properties.messageId!)!;
      const due = dueTime.getTime();
      at(sent.name).delayed++;
      if (due < before) throw new Error(`${sent.name} is listed too late`);
      before = due;
      sent.due ??= due;
      if (due !== sent.due || due < sent.earliest) {
        throw new Error(`${sent.name} is due at ${due}, not ${sent.due} or ${sent.earliest}`);
      }
    }
    for (const name of await this.#queued()) at(name).queued++;
    for (const each of sent) {
      const found = places.get(each.name) ?? { delayed: 0, queued: 0 };
      this.#checkPlaces(each, { ...found, confirmed: confirmed.has(each) });
    }
  }

  #checkPlaces(
    sent: Sent,
    { delayed, queued, confirmed }: { delayed: number; queued: number; confirmed: boolean },
  ): void {
    const what = `${sent.name}, delayed ${delayed} and queued ${queued} times,`;
    const count = delayed + queued;
    const lives = sent.persistent || sent.life === this.#life;
    if (!lives && count > 0) throw new Error(`${what} is transient and survived`);
    if (count > 1 && !(sent.torn && sent.persistent && delayed <= 1)) {
      throw new Error(`${what} is there too often`);
    }
    if (sent.cancelled === "yes" && count > 0) throw new Error(`${what} was cancelled`);
    if (lives && confirmed && sent.cancelled === "no" && count === 0) {
      throw new Error(`${what} is missing`);
    }
    if (queued > 0 && !sent.early && this.#clock.now() < (sent.due ?? sent.earliest)) {
      throw new Error(`${what} came too early`);
    }
  }

  #delayed() {
    return this.#broker.delayedMessages(LATER, { limit: 10_000 });
  }

  /** What is in the queue; it goes back. */
  async #queued(): Promise<string[]> {
    const connection = await this.#broker.connect();
    const channel = await connection.openChannel();
    const found: string[] = [];
    for (;;) {
      const delivery = await channel.basicGet("q");
      if (delivery === undefined) break;
      found.push(delivery.properties.messageId!);
    }
    await connection.close();
    return found;
  }

  // ---- what happens

  async #step(): Promise<void> {
    this.#operate();
    if (this.#random() < 0.6) await turn();
    while (this.#files.pendingSyncs > 0 && this.#random() < 0.5) this.#files.finishSync();
    if (this.#random() < 0.3) this.#clock.advance(this.#pick([1, 25, 1000, 10_000]));
    if (this.#random() < 0.05) await this.#check();
    this.#throwFailure();
  }

  #operate(): void {
    this.#tally.operations++;
    const dice = this.#random();
    if (dice < 0.6) this.#publish();
    else if (dice < 0.8) this.#cancel();
    else this.#publishEarly();
  }

  #publish(): void {
    const life = this.#life;
    const delay = this.#pick(DELAYS_MS);
    const sent: Sent = {
      name: `m${this.#sent.size + 1}`,
      persistent: this.#random() < 0.85,
      earliest: this.#clock.now() + delay,
      life,
      confirmed: false,
      due: undefined,
      cancelled: "no",
      early: false,
      torn: false,
    };
    this.#sent.set(sent.name, sent);
    this.#trace(`publish ${sent.name}, due at ${sent.earliest}, ${sent.persistent}`);
    if (this.#connection.blocked !== undefined) this.#tally.blocked++;
    const answer = this.#channel.basicPublish({
      exchange: this.#pick(["later", "front"]),
      properties: {
        deliveryMode: sent.persistent ? 2 : 1,
        messageId: sent.name,
        headers: { "x-delay": delay },
      },
    }, ".".repeat(this.#below(this.#bodySizeMax)));
    this.#answered(answer!, () => {
      this.#trace(`confirmed ${sent.name}`);
      sent.confirmed = true;
      this.#tally.confirms++;
    });
  }

  #cancel(): void {
    const waiting = this.#delayed();
    if (waiting.length === 0) return;
    const { id, properties } = this.#pick(waiting);
    const sent = this.#sent.get(properties.messageId!)!;
    this.#trace(`cancel ${sent.name}`);
    sent.cancelled = "maybe";
    this.#answered(this.#broker.cancelDelayedMessages(LATER, [id]), (count) => {
      if (count !== 1) throw new Error(`${count} messages were cancelled`);
      this.#trace(`cancelled ${sent.name}`);
      // one that went on in a torn write is in the queue as well
      if (!sent.torn) sent.cancelled = "yes";
    });
  }

  #publishEarly(): void {
    const some = this.#delayed().filter(() => this.#random() < 0.3).slice(0, 5);
    const ids = some.map(({ id }) => id);
    for (const { properties } of some) {
      this.#trace(`publish early ${properties.messageId}`);
      this.#sent.get(properties.messageId!)!.early = true;
    }
    this.#answered(this.#broker.publishDelayedMessages(LATER, ids), () => {});
  }

  /** Notes an answer, if it comes before the broker ends. */
  #answered<T>(answer: Promise<T>, ok: (value: T) => void): void {
    const life = this.#life;
    this.#outstanding++;
    answer.then((value) => {
      if (life === this.#life) ok(value);
    }, (error) => this.#trace(`refused: ${error}`)).catch((error) => this.#failure ??= error)
      .finally(() => {
        if (life === this.#life) this.#outstanding--;
      });
  }

  /** Lets the disk go on until a promise is settled. */
  async #pump(promise: Promise<unknown>): Promise<void> {
    let settled = false;
    const done = promise.finally(() => settled = true);
    done.catch(() => {});
    for (let round = 0; !settled; round++) {
      if (round > 1000) throw new Error("something is never answered");
      await turn();
      if (this.#files.pendingSyncs > 0) this.#files.finishSync();
      else if (round % 4 === 3) this.#clock.advance(100);
    }
    await done;
  }

  /** With a disk that works everything is answered, and all that is due has gone on. */
  async #comeToRest(): Promise<void> {
    this.#files.faults = {};
    for (let round = 0; round < 4 || this.#outstanding > 0; round++) {
      if (round > 200) throw new Error(`${this.#outstanding} answers do not come`);
      await turn();
      for (let syncs = 0; this.#files.pendingSyncs > 0; syncs++) {
        if (syncs > 2000) throw new Error("the disk never comes to rest");
        this.#files.finishSync();
        await turn();
      }
      this.#clock.advance(LONG_MS);
      this.#throwFailure();
    }
    await turn();
    const late = this.#delayed().find(({ dueTime }) => dueTime.getTime() <= this.#clock.now());
    if (late !== undefined) throw new Error(`${late.properties.messageId} is late`);
    await this.#check();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!;
  }
}
