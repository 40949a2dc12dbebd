/**
 * Delayed messages through crashes and failures: a program publishes them, calls them off and sends
 * them early, while the disk forgets, tears, fails and fills up, and the broker crashes and is started
 * again. What was confirmed must be in one place, waiting or in its queue, and in both only after a
 * write that was torn. A run is decided by its seed alone.
 *
 * @module
 */
import { standingTime } from "../support/standing_time.ts";
import type { Ending } from "./broker_model.ts";
import { type BrokerTally, turn } from "./broker_simulation.ts";
import { LONG_MS, SimulatedLives } from "./lives.ts";

const LATER = { exchange: "later" } as const;
const DELAYS_MS = [1, 50, 3000, 20_000, 100_000];

/** Runs one simulation. Rejects when a message is not where it must be. */
export async function simulateDelayed(
  seed: number,
  tally: BrokerTally,
  trace: (line: string) => void = () => {},
): Promise<void> {
  await turn();
  // how long a slow machine takes must not change what a seed does
  using _still = standingTime();
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

class DelayedSimulation extends SimulatedLives {
  readonly #sent = new Map<string, Sent>();
  readonly #bodySizeMax = this.pick([20, 200, 1500]);

  protected override async declare(): Promise<void> {
    const { channel } = this;
    await this.pump(channel.exchangeDeclare("later", "x-delayed-message", {
      durable: true,
      arguments: { "x-delayed-type": "fanout" },
    }));
    await this.pump(channel.queueDeclare("q", { durable: true }));
    await this.pump(channel.queueBind({ queue: "q", exchange: "later" }));
    await this.pump(channel.exchangeDeclare("front", "fanout", { durable: true }));
    await this.pump(channel.exchangeBind({ source: "front", destination: "later" }));
  }

  protected override crashed(_ending: Ending): void {
    // a batch that is too large for its segment is written in parts, so a kill can tear it too
    for (const sent of this.#sent.values()) sent.torn = true;
  }

  protected override async checkAtRest(): Promise<void> {
    const late = this.#delayed().find(({ dueTime }) => dueTime.getTime() <= this.clock.now());
    if (late !== undefined) throw new Error(`${late.properties.messageId} is late`);
    await this.check();
  }

  protected override async finish(): Promise<void> {
    for (let round = 0; round < 6; round++) {
      this.clock.advance(LONG_MS);
      await this.comeToRest();
    }
    if (this.broker.delayedMessageCount(LATER) > 0) throw new Error("something waits for ever");
  }

  // ---- what must be where

  protected override async check(): Promise<void> {
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
    const lives = sent.persistent || sent.life === this.life;
    if (!lives && count > 0) throw new Error(`${what} is transient and survived`);
    if (count > 1 && !(sent.torn && sent.persistent && delayed <= 1)) {
      throw new Error(`${what} is there too often`);
    }
    if (sent.cancelled === "yes" && count > 0) throw new Error(`${what} was cancelled`);
    if (lives && confirmed && sent.cancelled === "no" && count === 0) {
      throw new Error(`${what} is missing`);
    }
    if (queued > 0 && !sent.early && this.clock.now() < (sent.due ?? sent.earliest)) {
      throw new Error(`${what} came too early`);
    }
  }

  #delayed() {
    return this.broker.delayedMessages(LATER, { limit: 10_000 });
  }

  /** What is in the queue; it goes back. */
  async #queued(): Promise<string[]> {
    const connection = await this.broker.connect();
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

  protected override operate(): void {
    if (this.chance(0.6)) this.#publish();
    else if (this.chance(0.5)) this.#cancel();
    else this.#publishEarly();
  }

  #publish(): void {
    const life = this.life;
    const delay = this.pick(DELAYS_MS);
    const sent: Sent = {
      name: `m${this.#sent.size + 1}`,
      persistent: this.chance(0.85),
      earliest: this.clock.now() + delay,
      life,
      confirmed: false,
      due: undefined,
      cancelled: "no",
      early: false,
      torn: false,
    };
    this.#sent.set(sent.name, sent);
    this.trace(`publish ${sent.name}, due at ${sent.earliest}, ${sent.persistent}`);
    const answer = this.channel.basicPublish({
      exchange: this.pick(["later", "front"]),
      properties: {
        deliveryMode: sent.persistent ? 2 : 1,
        messageId: sent.name,
        headers: { "x-delay": delay },
      },
    }, ".".repeat(this.below(this.#bodySizeMax)));
    this.answered(answer!, () => {
      this.trace(`confirmed ${sent.name}`);
      sent.confirmed = true;
      this.tally.confirms++;
    });
  }

  #cancel(): void {
    const waiting = this.#delayed();
    if (waiting.length === 0) return;
    const { id, properties } = this.pick(waiting);
    const sent = this.#sent.get(properties.messageId!)!;
    this.trace(`cancel ${sent.name}`);
    sent.cancelled = "maybe";
    this.answered(this.broker.cancelDelayedMessages(LATER, [id]), (count) => {
      if (count !== 1) throw new Error(`${count} messages were cancelled`);
      this.trace(`cancelled ${sent.name}`);
      // one that went on in a torn write is in the queue as well
      if (!sent.torn) sent.cancelled = "yes";
    });
  }

  #publishEarly(): void {
    const some = this.#delayed().filter(() => this.chance(0.3)).slice(0, 5);
    const ids = some.map(({ id }) => id);
    for (const { properties } of some) {
      this.trace(`publish early ${properties.messageId}`);
      this.#sent.get(properties.messageId!)!.early = true;
    }
    this.answered(this.broker.publishDelayedMessages(LATER, ids), () => {});
  }
}
