/**
 * The whole broker on a file system that forgets, tears, reorders, fails and fills up: clients in the
 * same process declare, bind, publish, consume and so on, the broker crashes and is started again on
 * what is left, and a model says what must be there. A run is decided by its seed alone.
 *
 * @module
 */
import { AmqpError, Broker, type Channel, type Connection, type Delivery } from "../../mod.ts";
import type { InternalOptions } from "../../broker/options.ts";
import type { FileSystem, StoreFile } from "../../broker/store/file_system.ts";
import {
  type Random,
  seededRandom,
  SimulatedFileSystem,
} from "../../broker/testing/simulated_file_system.ts";
import { standingTime } from "../support/standing_time.ts";
import {
  BrokerModel,
  type Crash,
  type Ending,
  Entry,
  History,
  type ModelBinding,
  QueueLife,
  type Sent,
} from "./broker_model.ts";
import { OPERATIONS_MAX, type Tally } from "./simulation.ts";
import { VirtualClock } from "./virtual_clock.ts";

const DURABLE_QUEUES = ["q0", "q1", "q2"];
const QUEUES = [...DURABLE_QUEUES, "transient"];
const EXCHANGES = ["own-direct", "own-fanout"];
const KEYS = ["a", "b"];
const PUBLISHERS = ["confirms", "confirms", "plain", "tx"] as const;
/** Longer than the store waits before it tries again. */
const LONG_MS = 10_000;

/** What happened in some runs, to see that they did something. */
export interface BrokerTally extends Tally {
  /** How many publishes came from blocked connections. */
  blocked: number;
}

/** Runs one simulation. Rejects when the broker is not as the model says. */
export async function simulateBroker(
  seed: number,
  tally: BrokerTally,
  trace: (line: string) => void = () => {},
): Promise<void> {
  await turn();
  // how long a slow machine takes must not change what a seed does
  using _still = standingTime();
  await new BrokerSimulation(seed, tally, trace).run();
}

/** A connection that publishes, and its channel. */
interface Publisher {
  readonly kind: (typeof PUBLISHERS)[number];
  readonly connection: Connection;
  channel: Channel;
  channelFailed: boolean;
  /** True when the broker may not have taken yet all that was published. */
  holds: boolean;
  /** What of that goes to queues. */
  held: Entry[];
  /** How many commits are not answered: what comes after them waits. */
  commits: number;
}

/** The directory as one process sees it: when that is dead, nothing that it does reaches the disk, and
 * no sync comes back. */
export function processFiles(files: SimulatedFileSystem, isDead: () => boolean): FileSystem {
  const alive = () => {
    if (isDead()) throw new Error("Cannot use directory: its process is dead");
    return files;
  };
  const wrap = (file: StoreFile): StoreFile => ({
    ...file,
    sync: (done) => isDead() ? undefined : file.sync(done),
  });
  return {
    directory: files.directory,
    list: () => alive().list(),
    create: (name) => wrap(alive().create(name)),
    open: (name) => wrap(alive().open(name)),
    rename: (from, to) => alive().rename(from, to),
    remove: (name) => alive().remove(name),
    sync: (done) => isDead() ? undefined : files.sync(done),
  };
}

class BrokerSimulation {
  readonly #random: Random;
  readonly #files: SimulatedFileSystem;
  readonly #model = new BrokerModel();
  readonly #tally: BrokerTally;
  readonly #trace: (line: string) => void;
  readonly #segmentSize: number;
  readonly #bodySizeMax: number;
  readonly #stepsMax: number;
  readonly #messageMemory: number;
  #clock = new VirtualClock();
  #life = 0;
  #lastId = 0;
  #faulty = false;
  #inUse = false;
  #closing = false;
  #failure: unknown;

  #broker!: Broker;
  #publishers: Publisher[] = [];
  #control!: Connection;
  #controlChannel: Channel | undefined;
  #controlBusy = false;
  #consuming!: Connection;
  #consumer: Channel | undefined;
  /** How many answers are owed. */
  #outstanding = 0;
  #unacked: { readonly delivery: Delivery; readonly entry: Entry }[] = [];

  constructor(seed: number, tally: BrokerTally, trace: (line: string) => void) {
    this.#random = seededRandom(seed);
    this.#tally = tally;
    this.#trace = trace;
    this.#files = new SimulatedFileSystem(this.#random);
    this.#files.operationsMax = OPERATIONS_MAX;
    this.#segmentSize = this.#pick([4096, 8192, 16384, 32768]);
    this.#bodySizeMax = this.#pick([20, 200, 1500]);
    this.#stepsMax = this.#pick([20, 60, 150]);
    this.#messageMemory = this.#pick([0, 5000, 1e9]);
    const { queues, exchanges, bindings } = this.#model;
    for (const name of QUEUES) queues.set(name, new History<QueueLife | undefined>(undefined));
    for (const name of EXCHANGES) exchanges.set(name, new History(false));
    for (const exchange of ["amq.direct", ...EXCHANGES]) {
      for (const queue of DURABLE_QUEUES) {
        for (const key of KEYS) {
          bindings.push({ exchange, key, queue, bound: new History(false) });
        }
      }
    }
  }

  async run(): Promise<void> {
    await this.#open();
    const lives = 1 + this.#below(4);
    for (let life = 0; life < lives; life++) {
      this.#faulty = this.#random() < 0.4;
      this.#setFaults();
      this.#trace(`life ${life}, faults ${JSON.stringify(this.#files.faults)}`);
      const { failedSyncs } = this.#files;
      const steps = this.#below(this.#stepsMax);
      for (let step = 0; step < steps; step++) await this.#step();
      if (this.#random() < 0.3) await this.#comeToRest();
      const ending = this.#pick(["kill", "power", "power", "close"] as const);
      // a crash may come in the middle of a turn
      if (ending !== "close" && this.#random() < 0.5) this.#operate();
      await this.#end(ending);
      const syncFailed = this.#files.failedSyncs > failedSyncs;
      await this.#open();
      await this.#compare({ ending, syncFailed, at: ++this.#model.now });
    }
    await this.#comeToRest();
    await this.#end("close");
  }

  #setFaults(): void {
    if (!this.#faulty) return;
    this.#files.faults = this.#random() < 0.5
      ? { failureRate: this.#pick([0.02, 0.2, 1]) }
      : { capacity: this.#files.used + this.#below(4 * this.#segmentSize) };
  }

  // ---- the lives of a broker

  async #open(): Promise<void> {
    const life = ++this.#life;
    this.#clock = new VirtualClock();
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
          if (/internal error|damaged/.test(message)) this.#fail(new Error(message));
        },
      },
      openDirectory: () => {
        if (this.#inUse) throw new Error("the directory is in use");
        this.#inUse = true;
        return {
          files: processFiles(this.#files, () => life !== this.#life),
          release: () => {
            if (life === this.#life) this.#inUse = false;
          },
        };
      },
    };
    this.#broker = new Broker(options);
    this.#control = await this.#broker.connect();
    this.#consuming = await this.#broker.connect();
    for (const kind of PUBLISHERS) {
      const connection = await this.#broker.connect();
      const channel = await openPublisher(connection, kind);
      const publisher = { kind, connection, channel, channelFailed: false };
      this.#publishers.push({ ...publisher, holds: false, held: [], commits: 0 });
    }
  }

  async #end(ending: Ending): Promise<void> {
    this.#trace(`${ending} at ${this.#model.now}, synced ${this.#model.synced}`);
    if (ending === "close") {
      const all = ++this.#model.now;
      this.#closing = true;
      const closed = this.#broker.close();
      if (this.#faulty && this.#random() < 0.5) this.#files.faults = {};
      const well = this.#files.faults.failureRate === undefined && !this.#faulty;
      await this.#pump(closed);
      if (this.#inUse) throw new Error("the directory is not given free");
      if (well) this.#model.confirm(all);
      this.#files.kill();
    } else {
      this.#tally.crashes++;
      if (ending === "power") this.#files.losePower();
      else this.#files.kill();
    }
    this.#life++;
    this.#closing = this.#inUse = false;
    this.#files.faults = {};
    this.#publishers = [];
    this.#controlChannel = this.#consumer = undefined;
    this.#controlBusy = false;
    this.#outstanding = 0;
    this.#unacked = [];
    await turn();
    await turn();
    this.#throwFailure();
  }

  /** Compares with the model what the broker has after it was started again. */
  async #compare(crash: Crash): Promise<void> {
    for (const [name, exists] of this.#model.exchanges) {
      const there = await this.#exists((channel) =>
        channel.exchangeDeclare(name, "direct", { passive: true })
      );
      if (!exists.possible.includes(there)) throw new Error(`exchange ${name}: ${there}`);
      exists.found(there, crash);
      this.#trace(`found exchange ${name}: ${there}`);
    }
    for (const [name, life] of this.#model.queues) await this.#compareQueue(name, life, crash);
    for (const binding of this.#model.bindings) await this.#compareBinding(binding);
    // nothing waits, and what was found is what there is
    await this.#probe();
  }

  async #compareQueue(
    name: string,
    history: History<QueueLife | undefined>,
    crash: Crash,
  ): Promise<void> {
    const there = await this.#exists((channel) => channel.queueDeclare(name, { passive: true }));
    const possible = history.possible.filter((life) => life === undefined || life.durable);
    if (!possible.some((life) => (life !== undefined) === there)) {
      if (there || DURABLE_QUEUES.includes(name)) throw new Error(`queue ${name}: ${there}`);
    }
    const found = there ? await this.#all(name) : [];
    const lives = possible.filter((life) => life !== undefined);
    const life = !there
      ? undefined
      : lives.findLast((each) => found.some(({ id }) => each.entries.has(id))) ?? lives.at(-1);
    this.#trace(`found ${name}: ${there}, ${found.map(({ id }) => id)}`);
    if (there) history.found(life, crash);
    else if (DURABLE_QUEUES.includes(name)) history.found(undefined, crash);
    else history.set(this.#model.now, undefined);
    if (life === undefined) return;
    this.#model.recovered(life, found, crash);
    this.#model.checkAll(life, found);
    this.#giveBack(life);
  }

  /** What may be or not is made again, or taken away, so that it is known. */
  async #compareBinding(binding: ModelBinding): Promise<void> {
    const { exchange, key, queue, bound } = binding;
    const ends = this.#model.queues.get(queue)!.current !== undefined &&
      (this.#model.exchanges.get(exchange)?.current ?? true);
    if (!ends) {
      bound.set(this.#model.now, false);
      return;
    }
    if (bound.possible.length === 1) return;
    const wanted = this.#random() < 0.5;
    const at = ++this.#model.now;
    const channel = await this.#control.openChannel();
    const options = { exchange, queue, routingKey: key };
    await this.#pump(wanted ? channel.queueBind(options) : channel.queueUnbind(options));
    // it may have been so already, then nothing was written
    bound.set(at, !wanted);
    bound.set(at, wanted);
    await channel.close();
  }

  async #exists(ask: (channel: Channel) => Promise<unknown>): Promise<boolean> {
    const channel = await this.#control.openChannel();
    try {
      await this.#pump(ask(channel));
      await channel.close();
      return true;
    } catch (error) {
      if (error instanceof AmqpError && error.replyCode === 404) return false;
      throw error;
    }
  }

  /** All that waits in a queue, in order; it goes back afterwards. */
  async #all(queue: string): Promise<{ id: number; redelivered: boolean }[]> {
    const channel = await this.#control.openChannel();
    const found: { id: number; redelivered: boolean }[] = [];
    for (;;) {
      const delivery = await channel.basicGet(queue);
      if (delivery === undefined) break;
      found.push({ id: idOf(delivery), redelivered: delivery.redelivered });
    }
    await channel.close();
    return found;
  }

  #giveBack(life: QueueLife): void {
    for (const entry of life.entries.values()) {
      if (!entry.unacked) continue;
      entry.unacked = false;
      entry.redelivered = true;
    }
  }

  /** Publishes to each binding's exchange and key, and looks where it arrives. */
  async #probe(): Promise<void> {
    const channel = await this.#control.openChannel();
    for (const exchange of ["amq.direct", ...EXCHANGES]) {
      if (this.#model.exchanges.get(exchange)?.current === false) continue;
      for (const routingKey of KEYS) {
        const expected = this.#model.route(exchange, routingKey).map(({ name }) => name);
        const before = await this.#counts(channel);
        await channel.basicPublish({ exchange, routingKey }, "probe");
        const after = await this.#counts(channel);
        const reached = [...after].filter(([name, count]) => count > before.get(name)!);
        const names = reached.map(([name]) => name);
        if (names.sort().join() !== expected.sort().join()) {
          throw new Error(`${exchange} ${routingKey} leads to ${names}, not to ${expected}`);
        }
        for (const name of names) await this.#removeProbe(channel, name, before.get(name)!);
      }
    }
    await channel.close();
  }

  /** It is the last one; those before it go back. */
  async #removeProbe(channel: Channel, queue: string, before: number): Promise<void> {
    const deliveries: Delivery[] = [];
    for (let count = 0; count <= before; count++) {
      deliveries.push((await channel.basicGet(queue))!);
    }
    const probe = deliveries.pop()!;
    if (probe.text() !== "probe") throw new Error(`the probe in ${queue} is ${probe.text()}`);
    probe.ack();
    for (const delivery of deliveries) delivery.reject({ requeue: true });
  }

  async #counts(channel: Channel): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const { name } of this.#model.living()) {
      const { messageCount } = await channel.queueDeclare(name, { passive: true });
      counts.set(name, messageCount);
    }
    return counts;
  }

  // ---- time

  async #step(): Promise<void> {
    const operations = this.#below(5);
    for (let count = 0; count < operations; count++) {
      this.#operate();
      await this.#tick();
    }
    while (this.#random() < 0.5 && this.#files.pendingSyncs > 0) {
      this.#files.finishSync();
      await this.#tick();
    }
    if (this.#random() < 0.2) {
      this.#clock.advance(this.#pick([25, 300, 1100, LONG_MS]));
      await this.#tick();
    }
    if (this.#faulty && this.#random() < 0.04) {
      this.#trace("the disk works");
      this.#files.faults = {};
    }
  }

  /** Lets everything happen that needs neither the disk nor time. */
  async #tick(): Promise<void> {
    await turn();
    this.#model.now++;
    this.#throwFailure();
    for (const publisher of this.#publishers) {
      if (publisher.connection.blocked !== undefined || publisher.commits > 0) continue;
      publisher.holds = false;
      for (const entry of publisher.held.splice(0)) {
        if (!entry.held) continue;
        entry.held = false;
        entry.at = this.#model.now;
      }
      if (publisher.channelFailed) await this.#reopen(publisher);
    }
  }

  async #reopen(publisher: Publisher): Promise<void> {
    publisher.channelFailed = false;
    publisher.channel = await openPublisher(publisher.connection, publisher.kind);
  }

  /** Lets the disk and time go on until a promise is settled. */
  async #pump<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = promise.finally(() => settled = true);
    done.catch(() => {});
    for (let round = 0; !settled; round++) {
      if (round > 1000) throw new Error("something is never answered");
      await turn();
      if (settled) break;
      if (this.#files.pendingSyncs > 0) this.#files.finishSync();
      else if (round % 4 === 3) this.#clock.advance(LONG_MS);
    }
    return await done;
  }

  /** With a disk that works, everything is answered, nobody is blocked and all is there. */
  async #comeToRest(): Promise<void> {
    this.#files.faults = {};
    const outstanding = () =>
      this.#outstanding > 0 || this.#controlBusy ||
      this.#publishers.some(({ connection }) => connection.blocked !== undefined);
    for (let round = 0; outstanding(); round++) {
      if (round > 500) throw new Error(`${this.#outstanding} answers do not come`);
      for (let syncs = 0; this.#files.pendingSyncs > 0; syncs++) {
        if (syncs > 2000) throw new Error("the disk never comes to rest");
        this.#files.finishSync();
        await this.#tick();
      }
      this.#clock.advance(LONG_MS);
      await this.#tick();
    }
    await this.#tick();
    if (this.#consumer !== undefined) await this.#stopConsuming();
    for (const life of this.#model.living()) {
      this.#model.now++;
      const found = await this.#all(life.name);
      this.#model.checkAll(life, found);
      this.#giveBack(life);
    }
    await this.#tick();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  // ---- what clients do

  #operate(): void {
    this.#model.now++;
    this.#tally.operations++;
    const dice = this.#random();
    if (dice < 0.5) this.#publish();
    else if (dice < 0.72) this.#settleSome(1 + this.#below(4));
    else if (dice < 0.8) this.#consume();
    else this.#manage();
  }

  #publish(): void {
    const publisher = this.#pick(this.#publishers);
    if (publisher.channelFailed) return;
    const { channel, connection, kind } = publisher;
    const index = this.#publishers.indexOf(publisher);
    const count = kind === "tx" ? 1 + this.#below(4) : 1;
    const entries: Entry[] = [];
    let answer: Promise<void> | undefined;
    let stored = false;
    for (let each = 0; each < count; each++) {
      const { exchange, routingKey } = this.#address(kind === "tx");
      const persistent = this.#random() < 0.8;
      const sent: Sent = {
        id: ++this.#lastId,
        publisher: index,
        at: this.#model.now,
        persistent,
      };
      const body = `${sent.id}:`.padEnd(this.#below(this.#bodySizeMax), ".");
      const properties = { deliveryMode: persistent ? 2 : 1 };
      // first, since a consumer may get it at once
      for (const queue of this.#model.route(exchange, routingKey)) {
        const entry = new Entry(sent, queue);
        queue.entries.set(sent.id, entry);
        entries.push(entry);
        stored ||= entry.kept;
      }
      this.#trace(
        `${sent.at} publish ${sent.id} by ${index} to ${exchange}/${routingKey}, ` +
          `${entries.filter(({ message }) => message === sent).map(({ queue }) => queue.name)}`,
      );
      const room = channel.basicPublish({ exchange, routingKey, properties }, body);
      if (kind === "confirms") answer = room!;
      else room?.catch(() => {});
    }
    if (kind === "tx") answer = channel.txCommit();
    if (connection.blocked !== undefined) this.#tally.blocked++;
    if (connection.blocked !== undefined || publisher.commits > 0) {
      publisher.holds = true;
      for (const entry of entries) entry.held = true;
      publisher.held.push(...entries);
    }
    const at = this.#model.now;
    if (answer === undefined) return;
    if (kind === "tx") publisher.commits++;
    this.#answered(answer, () => {
      if (kind === "tx") publisher.commits--;
      this.#trace(`confirmed ${entries.map(({ message }) => message.id)}`);
      for (const entry of entries) entry.confirmed = true;
      if (stored) this.#model.confirm(at);
      this.#tally.confirms++;
    }, (error) => {
      this.#trace(`not confirmed ${entries.map(({ message }) => message.id)}: ${error}`);
      if (kind !== "tx") return;
      publisher.commits--;
      publisher.channelFailed = true;
      for (const entry of entries) entry.maybe = true;
    });
  }

  #address(plain: boolean): { exchange: string; routingKey: string } {
    const exchanges = ["", "", "amq.direct"];
    for (const [name, exists] of this.#model.exchanges) if (exists.current) exchanges.push(name);
    const exchange = plain ? "" : this.#pick(exchanges);
    return { exchange, routingKey: this.#pick(exchange === "" ? QUEUES : KEYS) };
  }

  /** Notes an answer, if it comes before the broker ends. */
  #answered(answer: Promise<unknown>, ok: () => void, failed: (error: unknown) => void): void {
    const life = this.#life;
    this.#outstanding++;
    answer.then(() => {
      if (life !== this.#life) return;
      this.#outstanding--;
      ok();
    }, (error) => {
      if (life !== this.#life) return;
      this.#outstanding--;
      if (!this.#closing) failed(error);
    });
  }

  #consume(): void {
    if (this.#consumer !== undefined) {
      if (this.#random() < 0.3) this.#answered(this.#stopConsuming(), () => {}, () => {});
      return;
    }
    const life = this.#life;
    const living = this.#model.living();
    if (living.length === 0) return;
    const queue = this.#pick(living);
    const prefetchCount = 1 + this.#below(5);
    this.#trace(`${this.#model.now} consume ${queue.name}`);
    const start = async () => {
      const channel = await this.#consuming.openChannel();
      this.#consumer = channel;
      await channel.basicQos({ prefetchCount });
      await channel.basicConsume(queue.name, {}, (delivery) => {
        if (life === this.#life) this.#deliver(queue, delivery);
      });
    };
    this.#answered(start(), () => {}, (error) => this.#fail(error));
  }

  #deliver(queue: QueueLife, delivery: Delivery): void {
    try {
      this.#trace(`delivered ${delivery.text().split(":")[0]} from ${queue.name}`);
      const entry = this.#model.delivered(queue, idOf(delivery), delivery.redelivered);
      this.#unacked.push({ delivery, entry });
    } catch (error) {
      this.#fail(error);
    }
  }

  async #stopConsuming(): Promise<void> {
    const channel = this.#consumer!;
    this.#consumer = undefined;
    this.#trace(`${this.#model.now} consumer goes`);
    for (const { entry } of this.#unacked.splice(0)) {
      entry.unacked = false;
      entry.redelivered = true;
    }
    await channel.close();
  }

  #settleSome(count: number): void {
    for (let each = 0; each < count && this.#unacked.length > 0; each++) {
      const [{ delivery, entry }] = this.#unacked.splice(this.#below(this.#unacked.length), 1) as [
        { delivery: Delivery; entry: Entry },
      ];
      // what is requeued comes again at once, and that must be noticed before anything else is done
      const dice = this.#random() * (each === 0 ? 1 : 0.85);
      const gone = entry.settled > 0; // with its queue
      this.#trace(`${this.#model.now} settle ${entry.message.id} ${dice < 0.85 ? "" : "requeue"}`);
      entry.unacked = false;
      if (dice < 0.85) {
        if (!gone) entry.settled = this.#model.now;
        if (dice < 0.7) delivery.ack();
        else delivery.reject({ requeue: false });
      } else {
        entry.redelivered = true;
        delivery.reject({ requeue: true });
        return;
      }
    }
  }

  /** Changes the topology, or purges. One at a time; not while it is unknown what was routed. */
  #manage(): void {
    if (this.#controlBusy || this.#publishers.some(({ holds }) => holds)) return;
    const life = this.#life;
    this.#controlBusy = true;
    const model = this.#model;
    const at = model.now;
    const [doing, act] = this.#pickManagement();
    this.#trace(`${at} ${doing}`);
    const run = async () => {
      const channel = this.#controlChannel ?? await this.#control.openChannel();
      if (life !== this.#life) return false;
      this.#controlChannel = channel;
      return await act(channel);
    };
    this.#answered(
      run().then((durable) => {
        if (life === this.#life && durable) model.confirm(at);
      }),
      () => this.#controlBusy = false,
      (error) => {
        this.#controlBusy = false;
        this.#controlChannel = undefined;
        this.#trace(`refused: ${error}`);
        if (!(error instanceof AmqpError) || error.replyCode !== 406) this.#fail(error);
      },
    );
  }

  #pickManagement(): [string, (channel: Channel) => Promise<boolean>] {
    return this.#pick([
      () => this.#declareQueue(),
      () => this.#declareQueue(),
      () => this.#declareQueue(),
      () => this.#bind(),
      () => this.#bind(),
      () => this.#bind(),
      () => this.#declareExchange(),
      () => this.#purge(),
      () => this.#deleteQueue(),
      () => this.#deleteExchange(),
    ])();
  }

  #declareQueue(): [string, (channel: Channel) => Promise<boolean>] {
    const name = this.#pick(QUEUES);
    const durable = DURABLE_QUEUES.includes(name);
    return [`declare ${name}`, async (channel) => {
      const history = this.#model.queues.get(name)!;
      const isNew = history.current === undefined;
      if (isNew) history.set(this.#model.now, new QueueLife(name, durable));
      await channel.queueDeclare(name, { durable });
      return durable && isNew;
    }];
  }

  #bind(): [string, (channel: Channel) => Promise<boolean>] {
    const binding = this.#pick(this.#model.bindings);
    const { exchange, key, queue, bound } = binding;
    const wanted = this.#random() < 0.7;
    return [`${wanted ? "bind" : "unbind"} ${exchange}/${key} ${queue}`, async (channel) => {
      const ends = this.#model.queues.get(queue)!.current !== undefined &&
        (this.#model.exchanges.get(exchange)?.current ?? true);
      if (!ends) return false;
      const changes = bound.current !== wanted;
      bound.set(this.#model.now, wanted);
      const options = { exchange, queue, routingKey: key };
      await (wanted ? channel.queueBind(options) : channel.queueUnbind(options));
      return changes;
    }];
  }

  #declareExchange(): [string, (channel: Channel) => Promise<boolean>] {
    const name = this.#pick(EXCHANGES);
    return [`declare ${name}`, async (channel) => {
      const exists = this.#model.exchanges.get(name)!;
      const isNew = !exists.current;
      exists.set(this.#model.now, true);
      const type = name.includes("fanout") ? "fanout" : "direct";
      await channel.exchangeDeclare(name, type, { durable: true });
      return isNew;
    }];
  }

  #deleteExchange(): [string, (channel: Channel) => Promise<boolean>] {
    const name = this.#pick(EXCHANGES);
    return [`delete ${name}`, async (channel) => {
      const exists = this.#model.exchanges.get(name)!;
      const changes = exists.current;
      exists.set(this.#model.now, false);
      this.#model.unbindAll(({ exchange }) => exchange === name);
      await channel.exchangeDelete(name);
      return changes;
    }];
  }

  #deleteQueue(): [string, (channel: Channel) => Promise<boolean>] {
    const name = this.#pick(QUEUES);
    return [`delete ${name}`, async (channel) => {
      const history = this.#model.queues.get(name)!;
      const life = history.current;
      if (life !== undefined) {
        history.set(this.#model.now, undefined);
        this.#model.purge(life, { unacked: true });
        this.#model.unbindAll(({ queue }) => queue === name);
      }
      await channel.queueDelete(name);
      return life?.durable ?? false;
    }];
  }

  #purge(): [string, (channel: Channel) => Promise<boolean>] {
    const name = this.#pick(QUEUES);
    return [`purge ${name}`, async (channel) => {
      const life = this.#model.queues.get(name)!.current;
      if (life === undefined) return false;
      const kept = this.#model.purge(life, { unacked: false });
      await channel.queuePurge(name);
      return kept > 0;
    }];
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!;
  }
}

async function openPublisher(connection: Connection, kind: Publisher["kind"]): Promise<Channel> {
  const channel = await connection.openChannel();
  if (kind === "confirms") await channel.confirmSelect();
  if (kind === "tx") await channel.txSelect();
  return channel;
}

function idOf(delivery: Delivery): number {
  return Number(delivery.text().split(":")[0]);
}

const afterLoop = (globalThis as unknown as { setImmediate: (callback: () => void) => void })
  .setImmediate;

/** Lets all microtasks run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => afterLoop(resolve));
}
