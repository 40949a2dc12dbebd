/**
 * The lives of a broker whose disk forgets, tears, fails and fills up: started, crashed, and started
 * again on what is left. What its clients do, and what must be there, is for those that extend this.
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

/** Longer than anything waits before it is tried again. */
export const LONG_MS = 70_000;

/** A simulation of one connection with one channel, which confirms. Decided by its seed alone. */
export abstract class SimulatedLives {
  protected readonly tally: BrokerTally;
  protected readonly trace: (line: string) => void;
  protected readonly files: SimulatedFileSystem;
  protected readonly clock = new VirtualClock();
  /** True when the disk was full in any life, or nearly. */
  protected wasFull = false;
  /** Counts the lives of the broker. */
  protected life = 0;
  protected broker!: Broker;
  protected connection!: Connection;
  protected channel!: Channel;
  readonly #random: Random;
  readonly #segmentSize: number;
  readonly #messageMemory: number;
  #inUse = false;
  #outstanding = 0;
  #failure: unknown;

  constructor(seed: number, tally: BrokerTally, trace: (line: string) => void) {
    this.#random = seededRandom(seed);
    this.tally = tally;
    this.trace = trace;
    this.files = new SimulatedFileSystem(this.#random);
    this.#segmentSize = this.pick([4096, 8192, 32768]);
    this.#messageMemory = this.pick([0, 1e9]);
  }

  /** Declares what is needed, once a broker is started. */
  protected abstract declare(): Promise<void>;
  /** Does something, without waiting for it. */
  protected abstract operate(): void;
  /** Throws when something is not where it must be. */
  protected abstract check(): Promise<void>;
  /** The same, when all was answered and nothing happens any more. */
  protected abstract checkAtRest(): Promise<void>;
  /** What else to look at in the end. */
  protected abstract finish(): Promise<void>;
  /** Called at the moment of a crash. */
  protected crashed(_ending: Ending): void {}

  /** Lives until the seed's last crash, and once more with a disk that works. */
  async run(): Promise<void> {
    await this.#open();
    const lives = 1 + this.below(5);
    for (let life = 0; life < lives; life++) {
      if (this.chance(0.4)) {
        this.files.faults = this.chance(0.5)
          ? { failureRate: this.pick([0.02, 0.2, 1]) }
          : { capacity: this.files.used + this.below(4 * this.#segmentSize) };
      }
      this.wasFull ||= this.files.faults.capacity !== undefined;
      this.trace(`life ${this.life}, faults ${JSON.stringify(this.files.faults)}`);
      for (let steps = this.below(80); steps > 0; steps--) await this.#step();
      if (this.chance(0.3)) await this.comeToRest();
      // a crash may come in the middle of a turn
      if (this.chance(0.5)) this.#operate();
      await this.#crash(this.pick(["kill", "power", "power"]));
      this.clock.advance(this.chance(0.5) ? 0 : this.pick([1, 50, 3000, 20_000, 100_000]));
      await this.#open();
      await this.check();
    }
    await this.comeToRest();
    await this.finish();
    this.life++;
    this.files.kill();
  }

  async #open(): Promise<void> {
    const life = ++this.life;
    const options: InternalOptions = {
      dataDir: "/simulated",
      segmentSize: this.#segmentSize,
      messageMemory: this.#messageMemory,
      clock: this.clock,
      logger: {
        log: (level, message) => {
          if (life !== this.life) return;
          this.trace(`log ${level}: ${message}`);
          if (/^store: (full|failed)/.test(message)) this.tally.failures++;
          if (/internal error|damaged|TypeError/.test(message)) {
            this.#failure ??= new Error(message);
          }
        },
      },
      openDirectory: () => {
        if (this.#inUse) throw new Error("the directory is in use");
        this.#inUse = true;
        return {
          files: processFiles(this.files, () => life !== this.life),
          release: () => this.#inUse = false,
        };
      },
    };
    this.broker = new Broker(options);
    this.connection = await this.broker.connect();
    this.channel = await this.connection.openChannel();
    await this.pump(this.channel.confirmSelect());
    await this.declare();
  }

  async #crash(ending: Ending): Promise<void> {
    this.trace(`${ending} at ${this.clock.now()}`);
    this.tally.crashes++;
    if (ending === "power") this.files.losePower();
    else this.files.kill();
    this.crashed(ending);
    this.life++;
    this.#inUse = false;
    this.#outstanding = 0;
    this.files.faults = {};
    this.clock.clear();
    await turn();
    await turn();
    this.#throwFailure();
  }

  async #step(): Promise<void> {
    this.#operate();
    if (this.chance(0.6)) await turn();
    while (this.files.pendingSyncs > 0 && this.chance(0.5)) this.files.finishSync();
    if (this.chance(0.3)) this.clock.advance(this.pick([1, 25, 1000, 10_000]));
    if (this.chance(0.05)) await this.check();
    this.#throwFailure();
  }

  #operate(): void {
    this.tally.operations++;
    if (this.connection.blocked !== undefined) this.tally.blocked++;
    this.operate();
  }

  /** Notes an answer, if it comes before the broker ends. */
  protected answered<T>(answer: Promise<T>, ok: (value: T) => void, failed = () => {}): void {
    const life = this.life;
    this.#outstanding++;
    answer.then((value) => {
      if (life === this.life) ok(value);
    }, (error) => {
      this.trace(`refused: ${error}`);
      if (life === this.life) failed();
    }).catch((error) => this.#failure ??= error)
      .finally(() => {
        if (life === this.life) this.#outstanding--;
      });
  }

  /** Lets the disk go on until a promise is settled. */
  protected async pump<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = promise.finally(() => settled = true);
    done.catch(() => {});
    for (let round = 0; !settled; round++) {
      if (round > 1000) throw new Error("something is never answered");
      await turn();
      if (this.files.pendingSyncs > 0) this.files.finishSync();
      else if (round % 4 === 3) this.clock.advance(100);
    }
    return await done;
  }

  /** With a disk that works everything is answered. */
  protected async comeToRest(): Promise<void> {
    this.files.faults = {};
    for (let round = 0; round < 4 || this.#outstanding > 0; round++) {
      if (round > 200) throw new Error(`${this.#outstanding} answers do not come`);
      await turn();
      for (let syncs = 0; this.files.pendingSyncs > 0; syncs++) {
        if (syncs > 2000) throw new Error("the disk never comes to rest");
        this.files.finishSync();
        await turn();
      }
      this.clock.advance(LONG_MS);
      this.#throwFailure();
    }
    await turn();
    await this.checkAtRest();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** True with this probability. */
  protected chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** A whole number from 0 to below this. */
  protected below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  /** One of them. */
  protected pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}
