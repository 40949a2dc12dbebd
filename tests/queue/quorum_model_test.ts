/**
 * A quorum queue with priorities, limits, deadlines, moves and restarts beside a model of it: arrays that
 * are searched.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { encodeContentHead } from "../../broker/amqp/content_codec.ts";
import type { Message } from "../../broker/message.ts";
import type { QueueEntry } from "../../broker/queue/entry.ts";
import type { DeathReason, Queue } from "../../broker/queue/queue.ts";
import { NO_SETTINGS } from "../../broker/queue/queue_settings.ts";
import { Placement } from "../../broker/store/placement.ts";
import { forSeeds, type RandomValues } from "../amqp/random_values.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { StoringPlace } from "./storing.ts";
import { bodyOf, messageOf, TestQueue } from "./support.ts";

/** What a message says its priority is. */
const SAID = [undefined, undefined, 0, 3, 4, 5, 31, 40];

interface Limits {
  readonly maxLength: number;
  readonly deliveryLimit: number;
}

interface Waiting {
  readonly body: string;
  readonly position: number;
  readonly level: number;
  /** Infinity: never. */
  readonly deadline: number;
  returns: number;
}

/** What a quorum queue is meant to do. */
class Model {
  returned: Waiting[] = [];
  readonly levels: Waiting[][] = Array.from({ length: 32 }, () => []);
  readonly dead: string[] = [];
  #now = 0;
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get order(): Waiting[] {
    return [this.returned, ...this.levels.toReversed()].flat();
  }

  push(message: Waiting): void {
    this.levels[message.level]!.push(message);
    this.#trim();
    this.bury();
  }

  take(): Waiting | undefined {
    const [next] = this.order;
    if (next !== undefined) this.remove(next);
    this.bury();
    return next;
  }

  requeue(messages: readonly Waiting[], left: boolean): void {
    const { deliveryLimit } = this.#limits;
    for (const message of messages) {
      if (++message.returns > deliveryLimit) this.#die(message, "delivery_limit");
      else if (deliveryLimit === Infinity && !left) this.levels[message.level]!.push(message);
      else this.returned.push(message);
    }
    this.bury();
    this.#trim();
    this.bury();
  }

  advance(ms: number): void {
    for (let step = 0; step < ms; step++) {
      this.#now++;
      this.bury();
    }
  }

  /** Those at the head of each priority go when they are too old; of the usual one the returned ones come first. */
  bury(): void {
    for (let buried = true; buried;) {
      buried = false;
      for (const [level, messages] of this.levels.entries()) {
        const head = level === 4 ? this.returned[0] ?? messages[0] : messages[0];
        if (head === undefined || head.deadline > this.#now) continue;
        this.remove(head);
        this.#die(head, "expired");
        buried = true;
      }
    }
  }

  remove(message: Waiting): void {
    for (const list of [this.returned, ...this.levels]) {
      const index = list.indexOf(message);
      if (index >= 0) list.splice(index, 1);
    }
  }

  clear(): void {
    for (const list of [this.returned, ...this.levels]) list.length = 0;
  }

  /** All that wait, also what consumers had, is back by position. */
  restart(all: readonly Waiting[]): void {
    this.clear();
    for (const message of all.toSorted((a, b) => a.position - b.position)) {
      this.levels[message.level]!.push(message);
    }
    this.#trim();
    this.bury();
  }

  #trim(): void {
    while (this.order.length > this.#limits.maxLength) {
      const [next] = this.order;
      this.remove(next!);
      this.#die(next!, "maxlen");
    }
  }

  #die({ body }: Waiting, reason: DeathReason): void {
    this.dead.push(`${body} ${reason}`);
  }
}

function levelOf(said: number | undefined): number {
  return Math.min(said ?? 4, 31);
}

function some<One>(random: RandomValues, all: readonly One[], most: number): One[] {
  const left = [...all];
  const chosen: One[] = [];
  while (left.length > 0 && chosen.length < most) {
    chosen.push(...left.splice(random.below(left.length), 1));
  }
  return chosen;
}

for (const where of ["memory", "little memory", "the store"]) {
  Deno.test(`Queue of type quorum with priorities in ${where} does what its model does`, () => {
    forSeeds(30, (random) => {
      const clock = new ManualClock();
      const start = 1_000_000;
      clock.advance(start);
      const dead: string[] = [];
      const limits = {
        maxLength: random.pick([6, 20, Infinity]),
        deliveryLimit: random.pick([1, 3, Infinity]),
      };
      const withAges = random.below(2) === 0;
      const budget = random.pick([0, Infinity]);
      const place = where === "memory"
        ? undefined
        : new StoringPlace(where === "the store" ? budget : 0, where === "little memory");
      const make = () =>
        new TestQueue({
          arguments: { "x-queue-type": "quorum" },
          clock,
          settings: { ...NO_SETTINGS, ...limits, deadLetterExchange: "dlx" },
          onDeath: (from: Queue, entry: QueueEntry, reason: DeathReason) => {
            dead.push(`${bodyOf(entry.message)} ${reason}`);
            from.bury(entry);
          },
          ...(place === undefined ? {} : { pages: place.pages }),
          ...(where === "the store" ? { durability: place!.durability, durable: true } : {}),
        });
      let queue = make();
      const pages = place?.pages ?? queue.pages;
      const placement = new Placement();
      const publish = (message: Message) => {
        let stored = false;
        if (where === "the store") {
          placement.clear();
          queue.place(placement, message, true);
          encodeContentHead(message);
          stored = place!.durability.store.append(message, placement);
        }
        queue.push(message, stored);
        message.routed(pages);
      };
      const model = new Model(limits);
      let out: [QueueEntry, Waiting][] = [];
      let position = 0;
      let restarted = false;
      const saidMost = random.below(SAID.length + 1);
      for (let step = 0; step < 150; step++) {
        const action = random.below(40);
        let what = "";
        if (action < 16) {
          const said = SAID[random.below(saidMost + 1)];
          const expirationMs = withAges ? random.pick([Infinity, Infinity, 0, 5, 30]) : Infinity;
          const body = `m${++position}`;
          const message = messageOf(body);
          if (said !== undefined) message.properties = { priority: said };
          message.expirationMs = expirationMs;
          what = `push ${body} ${said} ${expirationMs}`;
          publish(message);
          const deadline = clock.now() - start + expirationMs;
          model.push({ body, position, level: levelOf(said), deadline, returns: 0 });
        } else if (action < 22) {
          const [taken, expected] = [queue.take(), model.take()];
          what = `take ${expected?.body}`;
          assertEquals(taken && bodyOf(taken.message), expected?.body);
          if (taken !== undefined) {
            assertEquals(taken.position, expected!.position);
            assertEquals(taken.redelivered, expected!.returns > 0);
            out.push([taken, expected!]);
          }
        } else if (action < 24) {
          const ms = 1 + random.below(10);
          clock.advance(ms);
          model.advance(ms);
        } else if (action < 26) {
          const chosen = some(random, model.order, 1 + random.below(3));
          what = `discard ${chosen.map((one) => one.body)}`;
          assertEquals(queue.discard(new Set(chosen.map((one) => one.position))), chosen.length);
          for (const one of chosen) model.remove(one);
          model.bury();
        } else if (action < 30) {
          const byPosition = random.below(3) > 0;
          const chosen = byPosition
            ? some(random, model.order, 1 + random.below(4)).toSorted((a, b) =>
              a.position - b.position
            )
            : model.order.slice(0, 1 + random.below(4)).toSorted((a, b) => a.position - b.position);
          const most = byPosition && limits.deliveryLimit === Infinity ? 9 : random.below(4);
          what = `move ${byPosition} ${chosen.map((one) => one.body)} most ${most}`;
          const expected = byPosition ? chosen : model.order.slice(0, chosen.length);
          const seen: string[] = [];
          const { count } = queue.moveOut(
            byPosition ? new Set(chosen.map((one) => one.position)) : chosen.length,
            (entry) => {
              if (seen.length === most) return false;
              seen.push(bodyOf(entry.message));
              return true;
            },
          );
          assertEquals(seen, expected.slice(0, most).map((one) => one.body));
          assertEquals(count, seen.length);
          for (const one of expected.slice(0, most)) model.remove(one);
          model.bury();
        } else if (action < 31 && random.below(4) === 0) {
          what = "purge";
          assertEquals(queue.purge(), model.order.length);
          model.clear();
        } else if (action < 32 && where === "the store" && !withAges) {
          what = "restart";
          restarted = true;
          const all = [...model.order, ...out.map(([, one]) => one)];
          clock.advance(0);
          for (const [{ message }] of out) message.release(pages);
          out = [];
          queue.stop();
          queue = make();
          queue.restore();
          model.restart(all.filter((one) => place!.durability.stored.has(one.position)));
          queue.start();
          clock.advance(0);
        } else if (out.length > 0) {
          if (action < 37) {
            const chosen = some(random, out, 1 + random.below(4))
              .toSorted(([one], [other]) => one.position - other.position);
            const left = random.below(3) === 0;
            what = `${left ? "leave" : "requeue"} ${chosen.map(([, one]) => one.body)}`;
            out = out.filter((one) => !chosen.includes(one));
            queue.requeue(chosen.map(([entry]) => entry), left ? "left" : "givenBack");
            model.requeue(chosen.map(([, one]) => one), left);
          } else {
            const [[entry]] = out.splice(random.below(out.length), 1) as [[QueueEntry, Waiting]];
            queue.settle(entry);
          }
        }
        clock.advance(0);
        assertEquals(dead.toSorted(), model.dead.toSorted(), what);
        assertEquals(
          [queue.messageCount, queue.unackedCount],
          [model.order.length, out.length],
          what,
        );
        const bytes = model.order.reduce((sum, one) => sum + one.body.length, 0);
        assertEquals(queue.messageBytes, bytes, what);
        const browsed = queue.browse({ after: 0, limit: 1000, bodyBytes: 20 });
        assertEquals(
          browsed.map(({ id }) => id),
          model.order.map((one) => one.position).toSorted((a, b) => a - b),
          what,
        );
      }
      for (const [entry] of out) queue.settle(entry);
      const rest: string[] = [];
      for (let next = model.take(); next !== undefined; next = model.take()) rest.push(next.body);
      assertEquals(queue.drain(), rest);
      if (!restarted) assertEquals(pages.objects, 0);
      queue.delete();
      assertEquals([queue.messageCount, queue.messageBytes, clock.timers], [0, 0, 0]);
    });
  });
}
