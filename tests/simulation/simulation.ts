/**
 * The store under a file system that forgets, tears, reorders, fails and fills up, against a model.
 * A run is decided by its seed alone.
 *
 * @module
 */

import { Placement } from "../../broker/store/placement.ts";
import type { SyncMode } from "../../broker/store/group_commit.ts";
import { Store } from "../../broker/store/store.ts";
import type { StoredBody } from "../../broker/store/stored_body.ts";
import {
  type Random,
  seededRandom,
  SimulatedFileSystem,
} from "../../broker/testing/simulated_file_system.ts";
import { checkContents, messageBytes, Model, type ModelEntry } from "./model.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** A run that asks more of the disk does not end: some twenty times what any has needed. */
export const OPERATIONS_MAX = 300_000;
/** As much for callbacks at the end of a turn, and rounds of coming to rest. */
const STEPS_MAX = 50_000;

/** What happened in some runs, to see that they did something. */
export interface Tally {
  operations: number;
  crashes: number;
  confirms: number;
  failures: number;
}

/** Runs one simulation. Throws when the store is not as the model says. */
export function simulate(seed: number, tally: Tally, trace?: (line: string) => void): void {
  new Simulation(seed, { tally, trace: trace ?? (() => {}) }).run();
}

class Simulation {
  readonly #random: Random;
  readonly #files: SimulatedFileSystem;
  readonly #clock = new VirtualClock();
  readonly #model = new Model();
  readonly #tally: Tally;
  readonly #placement = new Placement();
  readonly #segmentSize: number;
  readonly #queueCount: number;
  readonly #positions: number[] = [];
  readonly #bodySizeMax: number;
  readonly #settleRate: number;
  readonly #moveRate: number;
  /** With so many messages, one goes when one comes. */
  readonly #livingMax: number;
  readonly #sync: SyncMode;
  readonly #partSize: number;
  /** Bodies that were promised to stay as they are, by entry. */
  readonly #staying = new Map<ModelEntry, { body: Uint8Array; holders: number }>();
  #endOfTurn: (() => void)[] = [];
  #openBodies: { body: StoredBody; seed: number }[] = [];
  #store: Store;
  #steps = 0;
  /** True when single operations fail on a disk that works. Decided apart from all else, so that
   * the seeds of before replay as they did. */
  readonly #moody: boolean;
  /** True when a segment may be kept since it could not be read. */
  #mayBeHeld = false;
  /** How many syncs had failed when something was confirmed. */
  #failedSyncs = 0;
  #faulty = false;
  /** True when the power went while nothing is ever synced. */
  #mayBeDamaged = false;
  readonly #trace: (line: string) => void;

  constructor(seed: number, options: { tally: Tally; trace: (line: string) => void }) {
    this.#random = seededRandom(seed);
    this.#moody = seededRandom(seed ^ 0xd15c)() < 0.25;
    this.#tally = options.tally;
    this.#trace = options.trace;
    this.#files = new SimulatedFileSystem(this.#random);
    this.#files.operationsMax = OPERATIONS_MAX;
    this.#segmentSize = this.#pick([2048, 4096, 16384, 65536]);
    this.#queueCount = 1 + this.#below(4);
    this.#bodySizeMax = this.#pick([40, 300, 300, 2000]);
    this.#settleRate = this.#pick([0.3, 1, 1.1]);
    this.#moveRate = this.#pick([0.02, 0.02, 0.2]);
    this.#livingMax = this.#pick([Infinity, Infinity, 2, 20]);
    this.#sync = this.#pick(["always", "always", "always", { intervalMs: 200 }, "never"]);
    this.#partSize = this.#pick([100, 100, 500, 1024 * 1024]);
    for (let id = 0; id <= this.#queueCount; id++) this.#positions.push(0);
    this.#trace(
      `sync ${
        JSON.stringify(this.#sync)
      }, segments of ${this.#segmentSize}, parts of ${this.#partSize}`,
    );
    this.#store = this.#open();
  }

  run(): void {
    const lives = 1 + this.#below(5);
    for (let life = 0; life < lives; life++) {
      this.#faulty = this.#random() < 0.25;
      this.#setFaults();
      this.#trace(`life ${life}, faults ${JSON.stringify(this.#files.faults)}`);
      const turns = this.#pick([0, 10, 120, 120]);
      // What was found may be all that there is to put on disk.
      if (this.#random() < 0.3) {
        this.#askForSync();
        if (!this.#faulty && this.#random() < 0.5) this.#settleDown();
      }
      for (let turn = this.#below(turns + 1); turn > 0; turn--) this.#turn();
      if (this.#random() < 0.2) this.#failToSync();
      this.#files.faults = {};
      const way = this.#pick(["kill", "power", "power", "close"] as const);
      this.#trace(`${way}, operation ${this.#model.now}, synced ${this.#model.synced}`);
      this.#stop(way);
      this.#store = this.#open();
      this.#trace(`opened: ${JSON.stringify(this.#store.report)}`);
      if (way === "power" && this.#sync === "never") this.#model.checkUnsynced(this.#store);
      else {
        this.#forgetUnsynced();
        this.#model.check(this.#store, way);
        // The only segment is kept even if not one byte of it had to be on disk.
        const { damages, segments } = this.#store.report;
        if (segments === 1 && damages[0]?.offset === 0) this.#mayBeDamaged = true;
        if (damages.length > 0 && !this.#mayBeDamaged) throw new Error(JSON.stringify(damages));
      }
      for (const entry of this.#model.living()) checkContents(this.#store, entry);
    }
    this.#drain();
  }

  /** After a sync that failed, even the end of the process may take what was not on disk. */
  #forgetUnsynced(): void {
    const { failedSyncs } = this.#files;
    if (failedSyncs > this.#failedSyncs) this.#model.confirmed = this.#model.synced;
    this.#failedSyncs = failedSyncs;
  }

  /** The disk breaks when it should sync, and most often the process ends before it works again. */
  #failToSync(): void {
    this.#askForSync();
    this.#endTurn();
    this.#files.faults = { failureRate: 1 };
    this.#files.finishSync();
    this.#faulty = true;
    this.#endTurn();
    if (this.#random() < 0.3) this.#turn();
  }

  /** A sync fails, or nothing can be read for a moment; then all is well again. */
  #failOnce(): void {
    const { faults } = this.#files;
    const reads = this.#random() < 0.5;
    this.#faulty = true;
    this.#askForSync();
    this.#endTurn();
    if (reads) this.#mayBeHeld = true;
    this.#files.faults = reads ? { ...faults, failReads: true } : { failureRate: 1 };
    this.#files.finishSync();
    if (reads) this.#endTurn();
    this.#files.faults = faults;
    this.#endTurn();
    if (this.#random() < 0.7) this.#clock.advance(10000);
    this.#endTurn();
  }

  #setFaults(): void {
    if (!this.#faulty) return;
    this.#files.faults = this.#random() < 0.5
      ? { failureRate: this.#pick([0.005, 0.05, 0.3]) }
      : { capacity: this.#files.used + this.#below(4 * this.#segmentSize) };
  }

  #open(): Store {
    this.#mayBeHeld = false;
    return new Store({
      files: this.#files,
      segmentSize: this.#segmentSize,
      sync: this.#sync,
      partSize: this.#partSize,
      clock: this.#clock,
      atEndOfTurn: (callback) => this.#endOfTurn.push(callback),
      onStateChanged: (state, error) => {
        this.#trace(`${state} ${error ?? ""}`);
        if (state !== "open") this.#tally.failures++;
      },
      onDamage: (file, offset) => {
        if (!this.#mayBeDamaged) throw new Error(`${file} is damaged at ${offset}`);
      },
    });
  }

  #stop(way: "kill" | "power" | "close"): void {
    this.#openBodies = [];
    this.#staying.clear();
    if (way === "close") {
      const at = this.#model.now;
      this.#store.close();
      this.#settleDown();
      if (this.#store.state !== "closed") throw new Error("the store does not close");
      if (!this.#faulty) this.#model.confirm(at, this.#sync !== "never");
    } else this.#tally.crashes++;
    if (way === "power" && this.#sync === "never") this.#mayBeDamaged = true;
    this.#endOfTurn = [];
    this.#clock.clear();
    if (way === "power") this.#files.losePower();
    else this.#files.kill();
  }

  #turn(): void {
    if (this.#moody && this.#random() < 0.05) this.#failOnce();
    const operations = this.#below(8);
    for (let count = 0; count < operations; count++) this.#operate();
    if (this.#random() < 0.4) this.#askForSync();
    this.#endTurn();
    while (this.#random() < 0.5 && this.#files.pendingSyncs > 0) {
      this.#files.finishSync();
      this.#endTurn();
    }
    if (this.#random() < 0.1) {
      this.#clock.advance(this.#pick([5, 50, 1000, 10000]));
      this.#endTurn();
    }
    if (this.#faulty && this.#random() < 0.05) this.#files.faults = {};
    if (this.#random() < 0.02) this.#checkSome();
    if (this.#sync !== "never" && !this.#store.hasUnsynced && this.#store.state === "open") {
      this.#model.confirm(this.#model.now, true);
    }
  }

  #endTurn(): void {
    while (this.#endOfTurn.length > 0) {
      this.#countStep();
      this.#endOfTurn.shift()!();
    }
  }

  #countStep(): void {
    if (++this.#steps > STEPS_MAX) throw new Error(`the store does not rest in ${STEPS_MAX} steps`);
  }

  #settleDown(): void {
    for (;;) {
      this.#countStep();
      this.#endTurn();
      if (this.#files.pendingSyncs > 0) this.#files.finishSync();
      else if (this.#clock.timers > 0) this.#clock.advance(10000);
      else if (this.#endOfTurn.length === 0) return;
    }
  }

  #askForSync(): void {
    const at = this.#model.now;
    let within = true;
    this.#store.whenSynced((error) => {
      if (within) throw new Error("whenSynced calls back within the call");
      if (error !== undefined) return;
      this.#tally.confirms++;
      this.#trace(`safe: ${at}`);
      this.#failedSyncs = this.#files.failedSyncs;
      this.#model.confirm(at, this.#sync === "always");
    });
    within = false;
  }

  #operate(): void {
    this.#model.now++;
    this.#tally.operations++;
    const dice = this.#random();
    if (dice < 0.45) this.#append(undefined);
    else if (dice < 0.45 + 0.3 * this.#settleRate) this.#settleOne();
    else if (dice < 0.82) this.#deliver();
    else if (dice < 0.87) this.#return();
    else if (dice < 0.93) this.#define();
    else if (dice < 0.95 || this.#random() < this.#moveRate) this.#moveOne();
    else if (dice < 0.955) this.#purge();
    else if (dice < 0.98) this.#largeBody();
    else this.#checkSome();
  }

  #append(movedFrom: ModelEntry | undefined, large?: { body: StoredBody; seed: number }): void {
    if (movedFrom === undefined && this.#model.living().length >= this.#livingMax) {
      this.#settleOne();
    }
    const seed = large?.seed ?? this.#below(1 << 30);
    const bodySize = large?.body.size ?? this.#below(this.#bodySizeMax);
    const queueIds = new Set<number>();
    const wanted = this.#random() < 0.8 ? 1 : 1 + this.#below(this.#queueCount);
    while (queueIds.size < wanted) queueIds.add(1 + this.#below(this.#queueCount));
    const placement = this.#placement;
    placement.clear();
    placement.priority = this.#below(10);
    placement.body = large?.body;
    placement.bodyStays = this.#random() < 0.5;
    const hasDeadline = this.#random() < 0.3;
    const entries: ModelEntry[] = [];
    for (const queueId of queueIds) {
      // Some positions are of messages that are not stored.
      this.#positions[queueId]! += this.#random() < 0.9 ? 1 : 1 + this.#below(600);
      const position = this.#positions[queueId]!;
      const deadline = hasDeadline ? 1 + this.#below(1e9) : 0;
      placement.add(this.#store.queue(queueId), position, deadline);
      entries.push({
        queueId,
        position,
        seed,
        bodySize,
        deadline,
        priority: placement.priority,
        appended: this.#model.now,
        settled: 0,
        delivered: 0,
        returns: [],
        movedFrom,
      });
    }
    const bytes = messageBytes(seed, bodySize);
    const taken = this.#store.append({
      head: bytes.head,
      addressStart: 0,
      addressEnd: bytes.addressSize,
      propertiesStart: bytes.addressSize,
      propertiesEnd: bytes.head.length,
      body: large === undefined ? bytes.body : new Uint8Array(0),
      bodyStart: 0,
      bodyEnd: large === undefined ? bodySize : 0,
    }, placement);
    // What is not promised to stay is overwritten at once.
    if (!placement.bodyStays) bytes.body.fill(0xee);
    bytes.head.fill(0xee);
    if (!taken) {
      if (this.#store.state === "open") throw new Error("an open store takes no message");
      if (large !== undefined) this.#store.discardBody(large.body);
      return;
    }
    for (const entry of entries) {
      this.#trace(`${this.#model.now} append ${entry.queueId}:${entry.position}`);
      this.#model.add(entry);
    }
    if (placement.bodyStays) {
      const staying = { body: bytes.body, holders: entries.length };
      for (const entry of entries) this.#staying.set(entry, staying);
    }
    if (movedFrom === undefined) return;
    if (movedFrom.appended <= this.#model.synced) this.#model.moved(entries[0]!, movedFrom);
    this.#settle(movedFrom);
  }

  #settleOne(): void {
    const entry = this.#some();
    if (entry !== undefined) this.#settle(entry);
  }

  #settle(entry: ModelEntry): void {
    this.#trace(`${this.#model.now} settle ${entry.queueId}:${entry.position}`);
    if (!this.#store.settle(this.#store.queue(entry.queueId), entry.position)) {
      throw new Error(`${entry.queueId}:${entry.position} is not stored`);
    }
    this.#noteSettled(entry);
  }

  #noteSettled(entry: ModelEntry): void {
    entry.settled = this.#model.now;
    this.#model.forgetMove(entry);
    const staying = this.#staying.get(entry);
    // Nobody has the message any more: its body need not stay.
    if (staying !== undefined && --staying.holders === 0) staying.body.fill(0xee);
    this.#staying.delete(entry);
  }

  /** A message goes to another queue, as dead-lettering does. */
  #moveOne(): void {
    const entry = this.#some();
    if (entry !== undefined) this.#append(entry);
  }

  #deliver(): void {
    const entry = this.#some();
    if (entry === undefined) return;
    const queue = this.#store.queue(entry.queueId);
    this.#trace(`${this.#model.now} deliver ${entry.queueId}:${entry.position}`);
    this.#store.delivered(queue, entry.position);
    entry.delivered ||= this.#model.now;
    const before = this.#model.delivered.get(entry.queueId) ?? 0;
    this.#model.delivered.set(entry.queueId, Math.max(before, entry.position));
  }

  #return(): void {
    const entry = this.#some();
    if (entry === undefined) return;
    const count = (entry.returns.at(-1)?.count ?? 0) + 1;
    this.#trace(`${this.#model.now} return ${entry.queueId}:${entry.position} ${count}`);
    this.#store.returned(this.#store.queue(entry.queueId), entry.position, count);
    entry.returns.push({ at: this.#model.now, count });
    this.#model.delivered.set(
      entry.queueId,
      Math.max(this.#model.delivered.get(entry.queueId) ?? 0, entry.position),
    );
  }

  #define(): void {
    const key = `key-${this.#below(8)}`;
    let values = this.#model.definitions.get(key);
    if (values === undefined) {
      this.#model.definitions.set(key, values = [{ at: 0, value: undefined }]);
    }
    if (this.#random() < 0.3) {
      this.#store.undefine(key);
      values.push({ at: this.#model.now, value: undefined });
    } else {
      this.#store.define(key, new TextEncoder().encode(String(this.#model.now)));
      values.push({ at: this.#model.now, value: this.#model.now });
    }
  }

  #purge(): void {
    const queueId = 1 + this.#below(this.#queueCount);
    const entries = this.#model.living().filter((entry) => entry.queueId === queueId);
    const count = this.#store.settleRange(this.#store.queue(queueId), 0, Infinity);
    if (count !== entries.length) throw new Error(`purge of ${count}, not ${entries.length}`);
    for (const entry of entries) {
      this.#trace(`${this.#model.now} purge ${entry.queueId}:${entry.position}`);
      this.#noteSettled(entry);
    }
  }

  #largeBody(): void {
    const dice = this.#random();
    if (this.#openBodies.length === 0 || dice < 0.3) {
      this.#openBodies.push({ body: this.#store.openBody(), seed: this.#below(1 << 30) });
    }
    const index = this.#below(this.#openBodies.length);
    const large = this.#openBodies[index]!;
    if (dice < 0.6) {
      const size = large.body.size + 1 + this.#below(this.#bodySizeMax);
      const { body } = messageBytes(large.seed, size);
      this.#store.appendBody(large.body, body, large.body.size, size);
      return;
    }
    this.#openBodies.splice(index, 1);
    if (dice < 0.7) this.#store.discardBody(large.body);
    else this.#append(undefined, large);
  }

  #checkSome(): void {
    const entry = this.#some();
    if (entry !== undefined) checkContents(this.#store, entry);
  }

  /** A living message, mostly an old one. */
  #some(): ModelEntry | undefined {
    const living = this.#model.living();
    if (living.length === 0) return undefined;
    const spread = this.#random() < 0.7 ? Math.min(living.length, 5) : living.length;
    return living[this.#below(spread)];
  }

  /** With everything settled, the space comes back and nothing happens any more. */
  #drain(): void {
    this.#files.faults = {};
    this.#model.now++;
    for (const entry of this.#model.living()) this.#settle(entry);
    // Something has to be written for anything to happen.
    this.#store.define("key-0", new Uint8Array(1));
    this.#askForSync();
    this.#settleDown();
    const segments = this.#store.stats.segments;
    // Damaged segments stay until they are repaired.
    if (segments > 2 && !this.#mayBeDamaged && !this.#mayBeHeld) {
      throw new Error(`${segments} segments are left of nothing`);
    }
    const writes = this.#files.counts.write;
    const syncs = this.#files.counts.sync;
    this.#clock.advance(1e6);
    this.#settleDown();
    if (this.#files.counts.write !== writes || this.#files.counts.sync !== syncs) {
      throw new Error("the store writes while nothing happens");
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!;
  }
}
