import { assertEquals } from "@std/assert";
import type { Method } from "../../broker/amqp/methods/mod.ts";
import { atEndOfTurn } from "../../broker/amqp/turn.ts";
import type { BrokerChannel } from "../../broker/connection/channel.ts";
import { PublisherConfirms } from "../../broker/connection/confirms.ts";
import { RandomValues } from "../amqp/random_values.ts";

/** Whatever becomes of a channel's messages, in whatever order: each is confirmed, none before it is safe, and none
 * in two ways. */

type Fate = "in memory" | "stored" | "returned" | "refused";

interface Sent {
  readonly fate: Fate;
  /** Nothing is to be waited for. */
  safe: boolean;
  told: string;
}

class ConfirmsModel {
  readonly #random: RandomValues;
  readonly #messages: Sent[] = [];
  readonly #problems: string[] = [];
  readonly #waiters: ((error?: Error) => void)[] = [];
  readonly #confirms: PublisherConfirms;
  /** As clients do that keep a list of what is not confirmed yet, such as amqplib. */
  #mark = 1;
  /** What of the list has been confirmed out of its turn. */
  readonly #ahead = new Set<number>();
  #returned = false;

  constructor(seed: number) {
    this.#random = new RandomValues(seed);
    const store = { whenSynced: (callback: () => void) => void this.#waiters.push(callback) };
    this.#confirms = new PublisherConfirms(
      {
        ended: false,
        connection: { vhost: { store } },
        send: (method: Method) => this.#take(method),
      } as unknown as BrokerChannel,
    );
  }

  async run(): Promise<void> {
    const random = this.#random;
    const fates = random.pick<readonly Fate[]>([
      ["in memory", "stored", "returned", "refused"],
      ["stored", "returned"],
      ["in memory", "returned", "refused"],
      ["stored", "returned", "returned", "returned", "refused"],
    ]);
    for (let step = 0; step < 60; step++) {
      const what = random.below(8);
      if (what === 0) await new Promise<void>((resolve) => atEndOfTurn(resolve));
      else if (what === 1) this.#sync();
      else this.#publish(random.pick(fates));
    }
    await new Promise<void>((resolve) => atEndOfTurn(resolve));
    this.#sync();
    const untold = this.#messages.flatMap(({ told }, at) => told === "" ? [at + 1] : []);
    const { unconfirmed, told } = this.#confirms;
    assertEquals([this.#problems, untold, unconfirmed, told], [[], [], 0, this.#messages.length]);
  }

  #publish(fate: Fate): void {
    const confirms = this.#confirms;
    const message: Sent = { fate, safe: fate !== "stored", told: "" };
    if (fate === "returned") {
      confirms.confirmTaken();
      this.#messages.push(message);
      this.#returned = true;
      confirms.confirmReturned();
      if (this.#returned) this.#problems.push(`${this.#messages.length} came back unconfirmed`);
      return;
    }
    this.#messages.push(message);
    if (fate === "refused") confirms.refuseNext();
    else confirms.confirmNext(fate === "stored");
  }

  /** The disk has all that was written before. */
  #sync(): void {
    for (const message of this.#messages) message.safe = true;
    for (const callback of this.#waiters.splice(0)) callback();
  }

  #take(method: Method): void {
    if (method.name !== "basic.ack" && method.name !== "basic.nack") throw new Error(method.name);
    const { name, deliveryTag, multiple } = method;
    const problem = (text: string) =>
      this.#problems.push(`${name} ${deliveryTag} ${multiple}: ${text}`);
    if (this.#messages[deliveryTag - 1]?.told !== "") problem("told before, or not sent");
    if (this.#returned && (multiple || deliveryTag !== this.#messages.length)) {
      problem("before what came back");
    }
    this.#returned = false;
    for (let tag = multiple ? 1 : deliveryTag; tag <= deliveryTag; tag++) {
      const message = this.#messages[tag - 1]!;
      if (!message.safe) problem(`${tag} is not safe`);
      // what all up to a number were told before need not be told again, and an ack of them is harmless
      if (tag < this.#mark && name === "basic.ack") continue;
      if ((message.fate === "refused") !== (name === "basic.nack")) {
        problem(`${tag} is ${message.fate}`);
      }
      message.told ||= name;
    }
    this.#count(deliveryTag, multiple);
  }

  #count(deliveryTag: number, multiple: boolean): void {
    if (multiple) this.#mark = deliveryTag + 1;
    else this.#ahead.add(deliveryTag);
    while (this.#ahead.has(this.#mark)) this.#mark++;
  }
}

Deno.test("PublisherConfirms confirms each message once it is safe, and in one way", async () => {
  const first = Math.floor(Math.random() * 2 ** 31);
  for (let seed = first; seed < first + 300; seed++) {
    try {
      await new ConfirmsModel(seed).run();
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  }
});
