/**
 * Vhosts that come and go, by themselves or with a file of definitions, through crashes and failures: one
 * that was deleted leaves nothing to the next one of its name, and what a file brought is there as soon
 * as that was said. A reset leaves all or nothing. A run is decided by its seed alone.
 *
 * @module
 */
import type { Channel, JsonObject } from "../../mod.ts";
import { standingTime } from "../support/standing_time.ts";
import { type Crash, type Ending, History } from "./broker_model.ts";
import { type BrokerTally, turn } from "./broker_simulation.ts";
import { SimulatedLives } from "./lives.ts";

const VHOSTS = ["a", "b"];
const QUEUES = ["q0", "q1", "q2", "q3"];

/** Runs one simulation. Rejects when a vhost has not what it must have. */
export async function simulateVhosts(
  seed: number,
  tally: BrokerTally,
  trace: (line: string) => void = () => {},
): Promise<void> {
  await turn();
  // how long a slow machine takes must not change what a seed does
  using _still = standingTime();
  await new VhostSimulation(seed, tally, trace).run();
}

/** A vhost from its beginning to its end. */
class VhostLife {
  /** Tells it from others of its name: its description. */
  readonly number: number;
  /** What was published to it, by body, and whether that was confirmed. */
  readonly sent = new Map<string, boolean>();
  /** True once a file has brought all that is to be in it. */
  filled = false;
  channel: Channel | undefined;

  constructor(number: number) {
    this.number = number;
  }
}

class VhostSimulation extends SimulatedLives {
  readonly #histories = new Map(
    VHOSTS.map((name) => [name, new History<VhostLife | undefined>(undefined)]),
  );
  /** A tail that was given up counts again when what tells so is lost, as long as nothing is safe. */
  readonly #givenUp = new Set<VhostLife>();
  /** All that there ever were. */
  readonly #lives: VhostLife[] = [];
  readonly #bodySizeMax = this.pick([20, 200, 1500]);
  /** How many bindings a file has. */
  readonly #bindings = this.pick([1, 40, 300]);
  #now = 1;
  #synced = 0;
  #crash: Crash | undefined;
  #failedSyncs = 0;
  /** Something is being changed, since when. */
  #busy = false;
  #begun = 0;
  #count = 0;

  protected override declare(): Promise<void> {
    this.#busy = false;
    return Promise.resolve();
  }

  protected override crashed(ending: Ending): void {
    const { failedSyncs } = this.files;
    this.#crash = { ending, syncFailed: failedSyncs > this.#failedSyncs, at: ++this.#now };
    this.#failedSyncs = failedSyncs;
    for (const life of this.#lives) life.channel = undefined;
  }

  // ---- what must be where

  protected override async check(): Promise<void> {
    await turn();
    this.#now++;
    const crash = this.#crash;
    this.#crash = undefined;
    const there = new Map(this.broker.vhosts().map(({ name, description }) => [name, description]));
    for (const [name, history] of this.#histories) {
      const description = there.get(name);
      if (crash !== undefined) this.#recover(name, history, description, crash);
      // what is being changed is one or the other
      else if (!this.#busy && description !== describe(history.current)) {
        throw new Error(`vhost ${name} is ${description}, not ${describe(history.current)}`);
      }
      if (description !== undefined && !this.#busy) this.#checkVhost(name, history.current!);
    }
  }

  #recover(
    name: string,
    history: History<VhostLife | undefined>,
    description: string | undefined,
    crash: Crash,
  ): void {
    const { possible } = history;
    const isThis = (life: VhostLife | undefined) => describe(life) === description;
    const found = [...this.#givenUp, ...possible].findLast(isThis);
    // its deletion had begun, so a part of it may be gone
    const isPart = found !== history.current;
    if (possible.some(isThis)) history.found(found, crash);
    else if (found !== undefined) history.set(this.#now, found);
    else throw new Error(`vhost ${name} is ${description}, not ${possible.map(describe)}`);
    for (const life of possible) if (life !== undefined) this.#givenUp.add(life);
    if (found === undefined || !isPart) return;
    found.filled = false;
    for (const text of found.sent.keys()) found.sent.set(text, false);
  }

  /** Only messages of its own life are in it, and those that were confirmed. */
  #checkVhost(vhost: string, life: VhostLife): void {
    const found = new Set<string>();
    const queues = new Set([...this.broker.queues({ vhost })].map(({ name }) => name));
    for (const queue of queues) {
      for (const { body } of this.broker.queuedMessages({ vhost, queue }, { limit: 10_000 })) {
        const [text] = new TextDecoder().decode(body).split(":");
        if (!life.sent.has(text!)) throw new Error(`${vhost}/${queue} has ${text} of another life`);
        if (found.has(text!)) throw new Error(`${vhost}/${queue} has ${text} twice`);
        found.add(text!);
      }
    }
    if (!life.filled) return;
    const missing = QUEUES.find((queue) => !queues.has(queue));
    if (missing !== undefined) throw new Error(`${vhost} has no queue ${missing}`);
    const bindings = [...this.broker.bindings({ vhost })].filter(({ source }) => source === "e");
    if (bindings.length !== this.#bindings) {
      throw new Error(`${vhost} has ${bindings.length} bindings, not ${this.#bindings}`);
    }
    if (this.broker.policies({ vhost }).length !== 1) throw new Error(`${vhost} has no policy`);
    for (const [text, confirmed] of life.sent) {
      if (confirmed && !found.has(text)) throw new Error(`${vhost} has lost ${text}`);
    }
  }

  protected override async checkAtRest(): Promise<void> {
    await this.check();
  }

  /** When all is deleted the disk has next to nothing. */
  protected override async finish(): Promise<void> {
    for (const name of VHOSTS) {
      if (this.broker.hasVhost(name)) {
        this.#histories.get(name)!.set(this.#now, undefined);
        await this.pump(this.broker.deleteVhost(name));
      }
    }
    await this.comeToRest();
    const left = [...this.broker.queues()].length + [...this.broker.policies()].length;
    if (left > 0) throw new Error(`${left} things are left of nothing`);
    const used = this.files.used;
    // the last segment begins with what there was, and may be twice as long
    if (used > 4 * 32768 + VHOSTS.length * 2 * 400 * this.#bindings) {
      throw new Error(`${used} bytes are used for nothing`);
    }
  }

  // ---- what happens

  protected override operate(): void {
    const dice = this.below(100);
    if (dice < 70) this.#publish();
    else if (!this.#busy) this.#manage();
  }

  #manage(): void {
    const name = this.pick(VHOSTS);
    const dice = this.below(100);
    if (dice < 2) this.#reset();
    else if (this.#histories.get(name)!.current === undefined) this.#add(name);
    else if (dice < 40) this.#delete(name);
    else this.#fill(name);
  }

  #do(what: string, action: Promise<unknown>, ok: () => void = () => {}): void {
    const at = this.#now;
    this.trace(`${at} ${what}`);
    this.#busy = true;
    this.#begun = at;
    this.answered(action.then(() => turn()), () => {
      this.#now++;
      this.#busy = false;
      this.trace(`done: ${what}`);
      this.#confirm(at);
      ok();
    }, () => {
      this.#busy = false;
      this.#lookAgain();
    });
  }

  /** What could not be written may have been done, or not. */
  #lookAgain(): void {
    const there = new Map(this.broker.vhosts().map(({ name, description }) => [name, description]));
    for (const [name, history] of this.#histories) {
      const found = history.possible.findLast((life) => describe(life) === there.get(name));
      history.set(++this.#now, found);
    }
  }

  #confirm(at: number): void {
    this.#synced = Math.max(this.#synced, at);
    this.#givenUp.clear();
    for (const history of this.#histories.values()) history.confirm(this.#synced);
    this.tally.confirms++;
  }

  #new(name: string): VhostLife {
    const life = new VhostLife(this.#lives.length + 1);
    this.#lives.push(life);
    this.#histories.get(name)!.set(++this.#now, life);
    return life;
  }

  #add(name: string): void {
    const life = this.#new(name);
    if (this.chance(0.5)) {
      this.#do(`add ${name}`, this.broker.addVhost(name, { description: describe(life)! }));
    } else this.#import(name, life);
  }

  #fill(name: string): void {
    this.#import(name, this.#histories.get(name)!.current!);
  }

  #import(vhost: string, life: VhostLife): void {
    const definitions: JsonObject = {
      vhosts: [{ name: vhost, metadata: { description: describe(life)! } }],
      policies: [
        { vhost, name: "p", pattern: "^q", definition: { "max-length": 1000 }, priority: 0 },
      ],
      exchanges: [
        { vhost, name: "e", type: "direct", durable: true, auto_delete: false, arguments: {} },
      ],
      queues: QUEUES.map((name) => ({
        ...{ vhost, name, durable: true, auto_delete: false, arguments: {} },
      })),
      bindings: Array.from({ length: this.#bindings }, (_, index) => ({
        ...{ vhost, source: "e", destination: "q0", destination_type: "queue" },
        ...{ routing_key: `${index}`, arguments: {} },
      })),
    };
    this.#do(`import ${vhost}`, this.broker.importDefinitions(definitions), () => {
      life.filled = true;
    });
  }

  #delete(name: string): void {
    this.#histories.get(name)!.set(++this.#now, undefined);
    this.#do(`delete ${name}`, this.broker.deleteVhost(name));
  }

  /** Either all is gone afterwards, or nothing. */
  #reset(): void {
    this.#now++;
    for (const history of this.#histories.values()) history.set(this.#now, undefined);
    const { broker } = this;
    const reset = async () => {
      await broker.stopServing();
      for (const life of this.#lives) life.channel = undefined;
      await broker.reset();
      await broker.startServing();
    };
    this.#do("reset", reset());
  }

  #publish(): void {
    const name = this.pick(VHOSTS);
    const life = this.#histories.get(name)!.current;
    if (life === undefined || !this.broker.hasVhost(name)) return;
    if (life.channel === undefined) {
      this.answered(this.#open(name), (channel) => life.channel = channel);
      return;
    }
    const text = `m${++this.#count}`;
    life.sent.set(text, false);
    // else there may be no queue for it
    const { filled } = life;
    const { channel } = life;
    const routingKey = this.pick(QUEUES);
    const body = `${text}:${".".repeat(this.below(this.#bodySizeMax))}`;
    // it throws when its connection was closed meanwhile
    const send = async () =>
      await channel.basicPublish({ routingKey, properties: { deliveryMode: 2 } }, body);
    // what is being changed may be changed later than this
    const at = this.#busy ? this.#begun - 1 : this.#now;
    this.trace(`${at} publish ${text} to ${name}`);
    this.answered(send(), () => {
      this.trace(`confirmed ${text}`);
      life.sent.set(text, filled);
      if (filled) this.#confirm(at);
    }, () => life.channel = undefined);
  }

  async #open(vhost: string): Promise<Channel> {
    const connection = await this.broker.connect({ vhost });
    const channel = await connection.openChannel();
    await channel.confirmSelect();
    return channel;
  }
}

function describe(life: VhostLife | undefined): string | undefined {
  return life === undefined ? undefined : `life ${life.number}`;
}
