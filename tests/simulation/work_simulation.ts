/**
 * Queues with rules through crashes and failures: limits of deliveries, retries that sleep, one active
 * consumer, priorities, ages, deduplication, dead letters at least once to a queue that refuses, and
 * transactions. What was confirmed is in its queue, or where it goes when it dies, until it is acked there. A
 * run is decided by its seed alone.
 *
 * @module
 */
import type { Channel, Connection, Delivery, FieldTable } from "../../mod.ts";
import { standingTime } from "../support/standing_time.ts";
import type { Crash, Ending } from "./broker_model.ts";
import { type BrokerTally, turn } from "./broker_simulation.ts";
import { LONG_MS, SimulatedLives } from "./lives.ts";

const TTL_MS = 2000;
const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 2500;
const RETRY_LIMIT = 3;
const LIMIT = 2;
const PRIORITIES = 3;
const DEAD_LETTERS: FieldTable = {
  "x-dead-letter-exchange": "",
  "x-dead-letter-routing-key": "dead",
};
/** Nothing that dies is lost. */
const AT_LEAST_ONCE: FieldTable = {
  ...DEAD_LETTERS,
  "x-queue-type": "quorum",
  "x-dead-letter-strategy": "at-least-once",
  "x-overflow": "reject-publish",
};

const QUEUES: Readonly<Record<string, FieldTable>> = {
  retry: {
    ...AT_LEAST_ONCE,
    "x-delivery-limit": RETRY_LIMIT,
    "x-single-active-consumer": true,
    "x-delayed-retry-type": "all",
    "x-delayed-retry-min": RETRY_MIN_MS,
    "x-delayed-retry-max": RETRY_MAX_MS,
  },
  limited: { ...AT_LEAST_ONCE, "x-delivery-limit": LIMIT, "x-max-length": 12 },
  timed: { ...AT_LEAST_ONCE, "x-message-ttl": TTL_MS },
  urgent: { ...DEAD_LETTERS, "x-max-priority": PRIORITIES },
  short: { ...DEAD_LETTERS, "x-max-length": 5 },
  once: { "x-message-deduplication": true },
  plain: {},
};
const DEAD: FieldTable = { "x-max-length": 6, "x-overflow": "reject-publish" };
const NAMES = Object.keys(QUEUES);
const LIMITS = new Map(NAMES.map((name) => {
  const limit = QUEUES[name]!["x-delivery-limit"];
  return [name, typeof limit === "number" ? limit : 20];
}));
/** With one active consumer there is no `basic.get`. */
const GETTABLE = NAMES.filter((name) => QUEUES[name]!["x-single-active-consumer"] === undefined);

/** Runs one simulation. Rejects when a message is not where it must be. */
export async function simulateWork(
  seed: number,
  tally: BrokerTally,
  trace: (line: string) => void = () => {},
): Promise<void> {
  await turn();
  // how long a slow machine takes must not change what a seed does
  using _still = standingTime();
  await new WorkSimulation(seed, tally, trace).run();
}

/** A message in one queue. */
class Item {
  confirmed = false;
  /** Its consumer has it. */
  unacked = false;
  /** When it was acked, here or where it went when it died: `PENDING`: the broker need not know; 0: not. */
  acked = 0;
  /** When a restart was without its ack; 0: never. */
  unsettled = 0;
  /** It may have died. */
  mayDie = false;
  /** A crash came after it may have died: it may be there twice. */
  torn = false;
  /** How often it came back at most, and when each of them was known to the broker. */
  returns: number[] = [];
  /** What those were when a restart found fewer, and when that was. */
  lost: { readonly returns: number[]; readonly at: number } | undefined = undefined;
  /** Not delivered before. */
  notBefore = 0;
  readonly name: string;
  readonly queue: string;
  readonly value: string | undefined;
  readonly priority: number;
  readonly persistent: boolean;
  /** In which life it was published, and when. */
  readonly life: number;
  readonly time: number;
  /** The exchange. */
  readonly through: string;
  /** True when it was published in a transaction. */
  readonly transacted: boolean;

  constructor(
    options: Pick<
      Item,
      | "name"
      | "queue"
      | "value"
      | "priority"
      | "persistent"
      | "life"
      | "time"
      | "through"
      | "transacted"
    >,
  ) {
    this.name = options.name;
    this.queue = options.queue;
    this.value = options.value;
    this.priority = options.priority;
    this.persistent = options.persistent;
    this.life = options.life;
    this.time = options.time;
    this.through = options.through;
    this.transacted = options.transacted;
  }

  /** True when it survives once it is synced. */
  get kept(): boolean {
    return this.persistent || QUEUES[this.queue]!["x-queue-type"] === "quorum";
  }

  /** True when nothing of it is lost if it dies. */
  get atLeastOnce(): boolean {
    return QUEUES[this.queue]!["x-dead-letter-strategy"] !== undefined;
  }

  /** True when it may be out of its queue: its ack is in a transaction that nobody has answered yet. */
  get mayBeOut(): boolean {
    return this.unacked && this.acked === PENDING;
  }

  /** True when it need not be there although it was confirmed: it is a duplicate. */
  get mayBeDuplicate(): boolean {
    return this.queue === "once" || this.through === "single";
  }
}

const PENDING = Infinity;

/** A channel that consumes from a queue. */
interface Consumer {
  readonly channel: Channel;
  readonly queue: string;
}

/** Where a message was found. */
interface Places {
  queued: number;
  dead: number;
}

/** The highest priority first, and of one priority in the order in which each publisher sent them. */
function checkPriorities(taken: readonly Item[]): void {
  const last = new Map<boolean, Item>();
  let priority = Infinity;
  for (const item of taken) {
    if (item.priority > priority) throw new Error(`urgent:${item.name} comes after lower ones`);
    priority = item.priority;
    const before = last.get(item.transacted);
    if (before?.priority === priority && Number(before.name) > Number(item.name)) {
      throw new Error(`urgent:${item.name} comes after ${before.name}`);
    }
    last.set(item.transacted, item);
  }
}

class WorkSimulation extends SimulatedLives {
  readonly #items = new Map<string, Item>();
  readonly #bodySizeMax = this.pick([20, 200, 1500]);
  #count = 0;
  /** Counts steps, and up to which one all is on disk. */
  #now = 1;
  #synced = 0;
  /** True until it was seen what a restart found. */
  #fresh = false;
  /** How the life before this one ended. */
  #crash: Crash | undefined = undefined;
  #failedSyncs = 0;
  #consuming!: Connection;
  #consumers: Consumer[] = [];
  #inHand: { readonly channel: Channel; readonly delivery: Delivery; readonly item: Item }[] = [];
  #tx!: Channel;
  #txBusy = false;
  #deadBusy = false;

  protected override async declare(): Promise<void> {
    const { channel } = this;
    this.#consumers = [];
    this.#inHand = [];
    this.#txBusy = this.#deadBusy = false;
    for (const [name, arguments_] of [...Object.entries(QUEUES), ["dead", DEAD] as const]) {
      await this.pump(channel.queueDeclare(name, { durable: true, arguments: arguments_ }));
    }
    await this.pump(channel.exchangeDeclare("each", "fanout", { durable: true }));
    for (const queue of NAMES) {
      await this.pump(channel.queueBind({ queue, exchange: "each" }));
    }
    await this.pump(channel.exchangeDeclare("single", "fanout", {
      durable: true,
      arguments: { "x-message-deduplication": true },
    }));
    await this.pump(channel.queueBind({ queue: "plain", exchange: "single" }));
    this.#consuming = await this.broker.connect();
    await this.#openTx();
  }

  async #openTx(): Promise<void> {
    const connection = await this.broker.connect();
    this.#tx = await connection.openChannel();
    await this.pump(this.#tx.txSelect());
  }

  protected override crashed(ending: Ending): void {
    this.trace(`crash: ${ending}`);
    this.#fresh = true;
    const { failedSyncs } = this.files;
    this.#crash = { ending, syncFailed: failedSyncs > this.#failedSyncs, at: ++this.#now };
    this.#failedSyncs = failedSyncs;
    for (const item of this.#items.values()) {
      item.unacked = false;
      item.mayDie ||= this.#mayDieByItself(item);
      item.torn ||= item.mayDie;
    }
  }

  // ---- what must be where

  protected override async check(): Promise<void> {
    await turn();
    await turn();
    this.#now++;
    const fresh = this.#fresh;
    this.#fresh = false;
    const places = this.#find(fresh);
    for (const item of this.#items.values()) {
      this.#checkItem(item, places.get(item) ?? { queued: 0, dead: 0 }, fresh);
    }
    this.#checkValues(places);
  }

  /** Looks into all queues. */
  #find(fresh: boolean): Map<Item, Places> {
    const places = new Map<Item, Places>();
    const at = (key: string) => {
      const item = this.#items.get(key);
      if (item === undefined) throw new Error(`${key} was never published`);
      const found = places.get(item) ?? { queued: 0, dead: 0 };
      places.set(item, found);
      return { item, found };
    };
    for (const queue of NAMES) {
      for (const message of this.broker.queuedMessages({ queue }, { limit: 10_000 })) {
        const { item, found } = at(`${queue}:${message.properties.messageId}`);
        found.queued++;
        const { deliveryCount, retryTime, redelivered } = message;
        if (fresh) this.#restoreReturns(item);
        const what = `${item.queue}:${item.name}`;
        const known = item.returns.filter((step) => step <= this.#synced).length;
        if (deliveryCount > item.returns.length || deliveryCount < known) {
          throw new Error(
            `${what} came back ${deliveryCount} times, not ${known} to ${item.returns.length}`,
          );
        }
        if (deliveryCount > LIMITS.get(queue)!) throw new Error(`${what} came back too often`);
        if (deliveryCount > 0 && !redelivered) throw new Error(`${what} is not redelivered`);
        if (fresh) {
          item.notBefore = retryTime?.getTime() ?? 0;
          this.#foundReturns(item, deliveryCount);
          if (deliveryCount > 0 && queue === "retry" && retryTime === undefined) {
            throw new Error(`${what} does not wait for its next try`);
          }
        }
        if (retryTime !== undefined && retryTime.getTime() < item.notBefore) {
          throw new Error(`${what} is tried again too early`);
        }
      }
    }
    for (const { properties } of this.broker.queuedMessages({ queue: "dead" }, { limit: 10_000 })) {
      const [death] = properties.headers!["x-death"] as FieldTable[];
      const { item, found } = at(`${death!["queue"]}:${properties.messageId}`);
      found.dead++;
      if (!item.mayDie && !this.#mayDieByItself(item)) {
        throw new Error(`${item.queue}:${item.name} died of ${death!["reason"]}`);
      }
      item.mayDie = true;
    }
    return places;
  }

  /** What a restart did not find may be there after the next crash, if nothing was synced meanwhile. */
  #restoreReturns(item: Item): void {
    const { lost } = item;
    if (lost === undefined || lost.at <= this.#synced) return;
    if (lost.returns.length > item.returns.length) item.returns = lost.returns;
  }

  /**
   * So many were found after a crash. That a sync failed, and so what was written before it does not
   * count, may be known to the page cache alone: without that the disk may have more.
   */
  #foundReturns(item: Item, count: number): void {
    const { ending, syncFailed, at } = this.#crash!;
    const { returns } = item;
    if (ending === "power") item.lost = undefined;
    else if (syncFailed && returns.length > count) item.lost = { returns, at };
    item.returns = returns.slice(returns.length - count);
  }

  #mayDieByItself({ queue, time, returns }: Item): boolean {
    return queue === "short" || returns.length > LIMITS.get(queue)! ||
      (queue === "timed" && this.clock.now() >= time + TTL_MS);
  }

  #checkItem(item: Item, { queued, dead }: Places, fresh: boolean): void {
    const inHand = item.unacked ? 1 : 0;
    const what = `${item.queue}:${item.name}, queued ${queued}, dead ${dead}, in hand ${inHand},`;
    const lives = item.kept || item.life === this.life;
    const count = queued + dead + inHand;
    if (!lives && count > 0) throw new Error(`${what} is transient and survived`);
    if (queued + inHand > 1 || (count > 1 && !item.torn)) throw new Error(`${what} is twice there`);
    if (item.acked > 0 && item.acked <= this.#synced && count > 0 && !item.torn) {
      throw new Error(`${what} was acked at ${item.acked}, synced ${this.#synced}, and is back`);
    }
    if (count > 0) {
      if (item.acked > 0 && fresh) item.unsettled = this.#now;
      if (fresh) item.acked = 0;
      return;
    }
    item.mayDie ||= this.#mayDieByItself(item);
    // it may be back without its ack, and dead at once
    if (fresh && item.acked > 0 && item.mayDie && this.#dying(item.queue) > 0) {
      item.acked = PENDING;
    }
    if (!lives || !item.confirmed || item.acked > 0 || item.mayBeDuplicate) return;
    if (item.unsettled > this.#synced) return;
    if (item.mayDie && (!item.atLeastOnce || this.#dying(item.queue) > 0)) return;
    // what died as a transient one is no more than that where it went
    if (item.mayDie && !item.persistent) return;
    throw new Error(`${what} is missing`);
  }

  /** How many are dead and wait until somebody takes them. */
  #dying(queue: string): number {
    const found = [...this.broker.queues()].find(({ name }) => name === queue)!;
    const { messages, messagesReady, messagesRetrying, messagesUnacknowledged } = found;
    return messages - messagesReady - messagesRetrying - messagesUnacknowledged;
  }

  /** Of each value that was confirmed one message is there, or was taken. */
  #checkValues(places: ReadonlyMap<Item, Places>): void {
    const isThere = (item: Item) => item.unacked || (places.get(item)?.queued ?? 0) > 0;
    const duplicates = [...this.#items.values()].filter(({ mayBeDuplicate }) => mayBeDuplicate);
    const rows = Map.groupBy(duplicates, ({ queue, value }) => `${queue} ${value}`);
    for (const [value, items] of rows) {
      const there = items.filter((item) => isThere(item));
      // an exchange remembers a value whatever becomes of the message, a queue only while it has it
      const fromNow = there.filter(({ life, through, queue, mayBeOut }) =>
        life === this.life && (through === "single" || (queue === "once" && !mayBeOut))
      );
      if (fromNow.length > 1) {
        throw new Error(`${value} is there twice: ${fromNow.map(({ name }) => name)}`);
      }
      if (there.length > 0) continue;
      const missing = items.find(({ confirmed, persistent, unsettled }) =>
        confirmed && persistent && unsettled <= this.#synced
      );
      if (missing !== undefined && !items.some(({ acked }) => acked > 0)) {
        throw new Error(`${value} is missing: ${missing.name}`);
      }
    }
  }

  protected override async checkAtRest(): Promise<void> {
    await this.#stopConsuming();
    for (let round = 0; round < 40; round++) {
      await this.#drainDead();
      await this.#settle();
      this.clock.advance(LONG_MS);
      await this.#settle();
    }
    const dying = NAMES.filter((queue) => this.#dying(queue) > 0);
    if (dying.length > 0) throw new Error(`dead ones of ${dying} wait for ever`);
    await this.check();
    for (const queue of ["retry", "timed"]) {
      const left = this.broker.queuedMessages({ queue }).find(({ state, expireTime }) =>
        state === "retrying" || (expireTime?.getTime() ?? Infinity) < this.clock.now()
      );
      if (left !== undefined) throw new Error(`${left.properties.messageId} waits for ever`);
    }
  }

  async #settle(): Promise<void> {
    for (let count = 0; count < 4; count++) {
      await turn();
      for (let syncs = 0; this.files.pendingSyncs > 0; syncs++) {
        if (syncs > 2000) throw new Error("the disk never comes to rest");
        this.files.finishSync();
        await turn();
      }
    }
    this.#now++;
  }

  async #drainDead(): Promise<void> {
    const connection = await this.broker.connect();
    const channel = await connection.openChannel();
    for (;;) {
      const delivery = await this.pump(channel.basicGet("dead"));
      if (delivery === undefined) break;
      this.#ackDead(delivery);
    }
    await this.pump(connection.close());
  }

  /** Takes all out, in the order in which it goes out. */
  protected override async finish(): Promise<void> {
    const connection = await this.broker.connect();
    const channel = await connection.openChannel();
    for (const queue of GETTABLE) {
      const taken: Item[] = [];
      for (;;) {
        const delivery = await this.pump(channel.basicGet(queue));
        if (delivery === undefined) break;
        const item = this.#items.get(`${queue}:${delivery.properties.messageId}`)!;
        this.#ack(item);
        delivery.ack();
        taken.push(item);
      }
      if (queue === "urgent") checkPriorities(taken);
    }
    await this.pump(channel.basicConsume("retry", {}, (delivery) => {
      this.#ack(this.#items.get(`retry:${delivery.properties.messageId}`)!);
      delivery.ack();
    }));
    await this.#settle();
    await this.pump(connection.close());
    await this.#settle();
    await this.check();
    for (const item of this.#items.values()) {
      if (item.confirmed && item.acked === 0 && item.persistent && item.atLeastOnce) {
        throw new Error(`${item.queue}:${item.name} was never acked`);
      }
    }
  }

  // ---- what happens

  protected override operate(): void {
    const dice = this.#dice();
    if (dice < 0.4) this.#publish();
    else if (dice < 0.7) this.#settleOne();
    else if (dice < 0.8) this.#consume();
    else if (dice < 0.85) this.#takeDead();
    else if (dice < 0.95) this.#transact();
    else this.answered(this.#stopConsuming(), () => {});
  }

  #dice(): number {
    return this.below(1000) / 1000;
  }

  /** The broker knows of it when a turn is over. */
  #soon(note: (now: number) => void): void {
    const life = this.life;
    turn().then(() => {
      if (life === this.life) note(++this.#now);
    });
  }

  #ack(item: Item): void {
    item.unacked = false;
    item.acked = PENDING;
    this.#soon((now) => {
      if (item.acked === PENDING) item.acked = now;
    });
  }

  #send(
    channel: Channel,
    { transacted }: { readonly transacted: boolean },
  ): { items: Item[]; answer: Promise<void> | undefined } {
    const name = `${++this.#count}`;
    const exchange = this.pick(["", "", "", "", "single", "each"]);
    const isForAll = exchange === "each";
    const queues = isForAll ? NAMES : exchange === "single" ? ["plain"] : [this.pick(NAMES)];
    const routingKey = queues[0]!;
    // of duplicates the first one counts, which must not be lost
    const persistent = exchange === "single" || routingKey === "once" || this.chance(0.85);
    // without the header it is no duplicate
    const value = isForAll ? undefined : `v${this.below(8)}`;
    const priority = this.below(PRIORITIES + 1);
    const { life } = this;
    const time = this.clock.now();
    const items = queues.map((queue) =>
      new Item({
        ...{ name, queue, priority, persistent, life, time, transacted },
        value: value ?? `of ${name} alone`,
        through: exchange,
      })
    );
    for (const item of items) this.#items.set(`${item.queue}:${name}`, item);
    this.trace(`${this.#now} publish ${name} to ${queues}`);
    const properties = {
      ...{ deliveryMode: persistent ? 2 : 1, messageId: name, priority },
      ...(value === undefined ? {} : { headers: { "x-deduplication-header": value } }),
    };
    const body = ".".repeat(this.below(this.#bodySizeMax));
    const answer = channel.basicPublish({ exchange, routingKey, properties }, body) ?? undefined;
    return { items, answer };
  }

  #publish(): void {
    const { items, answer } = this.#send(this.channel, { transacted: false });
    this.#answeredSafe(answer!, items);
  }

  #answeredSafe(answer: Promise<unknown>, items: readonly Item[]): void {
    const at = this.#now;
    this.answered(answer, () => {
      this.trace(`confirmed ${items.map(({ name, queue }) => `${queue}:${name}`)}`);
      for (const item of items) item.confirmed = true;
      if (items.some(({ kept }) => kept)) this.#synced = Math.max(this.#synced, at);
      this.tally.confirms++;
    });
  }

  /** Some messages go out together, with an ack of one that was got. */
  #transact(): void {
    if (this.#txBusy) return;
    this.#txBusy = true;
    const tx = this.#tx;
    const life = this.life;
    const run = async () => {
      const queue = this.pick(GETTABLE);
      const delivery = this.chance(0.5) ? await tx.basicGet(queue) : undefined;
      if (life !== this.life) return;
      const taken = delivery === undefined
        ? undefined
        : this.#items.get(`${queue}:${delivery.properties.messageId}`)!;
      if (taken !== undefined) taken.unacked = true;
      const sent: Item[] = [];
      for (let count = this.below(4); count > 0; count--) {
        const { items, answer } = this.#send(tx, { transacted: true });
        answer?.catch(() => {});
        sent.push(...items);
      }
      if (delivery !== undefined) delivery.ack();
      if (taken !== undefined) taken.acked = PENDING;
      this.trace(`${this.#now} commit of ${sent.map(({ name }) => name)}, taken ${taken?.name}`);
      const at = this.#now;
      try {
        await tx.txCommit();
      } catch (error) {
        if (life !== this.life) return;
        this.trace(`commit: ${error}`);
        if (taken !== undefined) {
          // it went back with its channel, or all was done but what a queue refused
          taken.unacked = false;
          taken.acked = PENDING;
          this.#cameBack(taken);
        }
        await this.#openTx();
        return;
      }
      if (life !== this.life) return;
      this.trace(`committed ${sent.map(({ name }) => name)}`);
      for (const item of sent) item.confirmed = true;
      if (taken !== undefined) {
        taken.unacked = false;
        taken.acked = ++this.#now;
      }
      if (sent.some(({ kept }) => kept) || taken?.kept) this.#synced = Math.max(this.#synced, at);
    };
    this.answered(run().finally(() => this.#txBusy = false), () => {});
  }

  #consume(): void {
    const queue = this.pick(NAMES);
    if (this.#consumers.filter((consumer) => consumer.queue === queue).length > 1) return;
    const life = this.life;
    const prefetchCount = 1 + this.below(4);
    const consuming = this.#consuming;
    const start = async () => {
      const channel = await consuming.openChannel();
      if (life !== this.life) return;
      const consumer = { channel, queue };
      this.#consumers.push(consumer);
      await channel.basicQos({ prefetchCount });
      await channel.basicConsume(queue, {}, (delivery) => {
        if (life === this.life) this.#deliver(consumer, delivery);
      });
    };
    this.trace(`consume ${queue}`);
    this.answered(start(), () => {});
  }

  #deliver({ channel, queue }: Consumer, delivery: Delivery): void {
    const item = this.#items.get(`${queue}:${delivery.properties.messageId}`)!;
    this.trace(`delivered ${queue}:${item.name}`);
    this.#inHand.push({ channel, delivery, item });
    const wasUnacked = item.unacked;
    const wasEarly = this.clock.now() < item.notBefore;
    // thrown where it is noticed
    this.answered(Promise.resolve(), () => {
      if (wasUnacked) throw new Error(`${queue}:${item.name} is delivered while it is unacked`);
      if (wasEarly) throw new Error(`${queue}:${item.name} is delivered too early`);
    });
    item.unacked = true;
  }

  #settleOne(): void {
    if (this.#inHand.length === 0) return;
    const [{ delivery, item }] = this.#inHand.splice(
      this.below(this.#inHand.length),
      1,
    ) as unknown as [
      { delivery: Delivery; item: Item },
    ];
    const dice = this.#dice();
    this.trace(`${this.#now} settle ${item.queue}:${item.name} ${dice}`);
    if (dice < 0.4) {
      this.#ack(item);
      delivery.ack();
      return;
    }
    item.unacked = false;
    if (dice < 0.5) {
      item.mayDie = true;
      if (QUEUES[item.queue]!["x-dead-letter-exchange"] === undefined) item.acked = PENDING;
      delivery.reject({ requeue: false });
      return;
    }
    this.#cameBack(item);
    if (dice < 0.75) delivery.nack({ requeue: true });
    else delivery.reject({ requeue: true });
  }

  #cameBack(item: Item): void {
    const index = this.#mayComeBack(item);
    this.#soon((now) => item.returns[index] = now);
    if (item.queue === "retry") item.notBefore = this.clock.now() + RETRY_MIN_MS;
  }

  #mayComeBack({ returns }: Item): number {
    return returns.push(PENDING) - 1;
  }

  async #stopConsuming(): Promise<void> {
    if (this.#consumers.length === 0) return;
    const consumers = this.#consumers.splice(0);
    this.trace("consumers go");
    for (const { channel, queue } of consumers) {
      // another one may get what this one gives back
      const mine = this.#inHand.filter((one) => one.channel === channel);
      this.#inHand = this.#inHand.filter((one) => one.channel !== channel);
      for (const { item } of mine) {
        item.unacked = false;
        this.#cameBack(item);
      }
      // others may be on their way to it
      for (const item of this.#items.values()) {
        if (item.queue === queue && item.acked === 0 && !item.unacked) this.#mayComeBack(item);
      }
      await this.pump(channel.close());
    }
  }

  #takeDead(): void {
    if (this.#deadBusy) return;
    this.#deadBusy = true;
    const life = this.life;
    const run = async () => {
      const connection = await this.broker.connect();
      const channel = await connection.openChannel();
      for (let count = this.below(5); count > 0; count--) {
        const delivery = await channel.basicGet("dead");
        if (life !== this.life || delivery === undefined) break;
        this.#ackDead(delivery);
      }
      await connection.close();
    };
    this.answered(run().finally(() => this.#deadBusy = false), () => {});
  }

  #ackDead(delivery: Delivery): void {
    const { headers, messageId } = delivery.properties;
    const [death] = headers!["x-death"] as FieldTable[];
    const item = this.#items.get(`${death!["queue"]}:${messageId}`)!;
    this.trace(`${this.#now} dead ${item.queue}:${item.name} acked`);
    item.mayDie = true;
    this.#ack(item);
    delivery.ack();
  }
}
