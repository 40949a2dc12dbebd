/**
 * A queue with everything at once beside a model of it: an array that is searched.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { QueueEntry } from "../../broker/queue/entry.ts";
import type { DeathReason, Queue } from "../../broker/queue/queue.ts";
import { NO_SETTINGS } from "../../broker/queue/queue_settings.ts";
import { forSeeds } from "../amqp/random_values.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { bodyOf, messageOf, TestQueue } from "./support.ts";

const LEVELS = 3;

interface Waiting {
  readonly body: string;
  readonly position: number;
  readonly priority: number;
  /** Infinity: never. */
  readonly deadline: number;
  returns: number;
}

interface Limits {
  readonly maxLength: number;
  readonly deliveryLimit: number;
}

/** What a queue is meant to do. */
class Model {
  ready: Waiting[] = [];
  readonly dead: string[] = [];
  #now = 0;
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  push(message: Waiting): void {
    this.ready.push(message);
    this.#trim();
    this.#bury();
  }

  take(): Waiting | undefined {
    const next = this.#order()[0];
    if (next !== undefined) this.#remove(next);
    this.#bury();
    return next;
  }

  requeue(message: Waiting): void {
    if (++message.returns > this.#limits.deliveryLimit) this.#die(message, "delivery_limit");
    else this.ready.push(message);
    this.#bury();
    this.#trim();
    this.#bury();
  }

  advance(ms: number): void {
    for (let step = 0; step < ms; step++) {
      this.#now++;
      this.#bury();
    }
  }

  #order(): Waiting[] {
    return this.ready.toSorted((a, b) => b.priority - a.priority || a.position - b.position);
  }

  #trim(): void {
    while (this.ready.length > this.#limits.maxLength) {
      const [next] = this.#order();
      this.#remove(next!);
      this.#die(next!, "maxlen");
    }
  }

  #bury(): void {
    for (let priority = 0; priority <= LEVELS; priority++) {
      for (;;) {
        const head = this.#order().find((message) => message.priority === priority);
        if (head === undefined || head.deadline > this.#now) break;
        this.#remove(head);
        this.#die(head, "expired");
      }
    }
  }

  #die({ body }: Waiting, reason: DeathReason): void {
    this.dead.push(`${body} ${reason}`);
  }

  #remove(message: Waiting): void {
    this.ready = this.ready.filter((other) => other !== message);
  }
}

Deno.test("Queue with priorities, deadlines and limits does what its model does", () => {
  forSeeds(200, (random) => {
    const clock = new ManualClock();
    const start = 1_000_000;
    clock.advance(start);
    const dead: string[] = [];
    const limits = {
      maxLength: random.pick([5, 20, Infinity]),
      deliveryLimit: random.pick([1, 3, Infinity]),
    };
    const queue = new TestQueue({
      arguments: { "x-max-priority": LEVELS },
      clock,
      settings: { ...NO_SETTINGS, ...limits, deadLetterExchange: "dlx" },
      onDeath: (from: Queue, entry: QueueEntry, reason: DeathReason) => {
        dead.push(`${bodyOf(entry.message)} ${reason}`);
        from.bury(entry);
      },
    });
    const model = new Model(limits);
    const out: [QueueEntry, Waiting][] = [];
    let position = 0;
    for (let step = 0; step < 150; step++) {
      const action = random.below(10);
      if (action < 4) {
        const priority = random.below(LEVELS + 3);
        const expirationMs = random.pick([Infinity, Infinity, 0, 5, 30]);
        const message = messageOf(`m${++position}`);
        message.properties = { priority };
        message.expirationMs = expirationMs;
        queue.push(message);
        message.routed(queue.pages);
        model.push({
          body: `m${position}`,
          position,
          priority: Math.min(priority, LEVELS),
          deadline: clock.now() - start + expirationMs,
          returns: 0,
        });
      } else if (action < 6) {
        const [taken, expected] = [queue.take(), model.take()];
        assertEquals(taken && bodyOf(taken.message), expected?.body);
        if (taken !== undefined) out.push([taken, expected!]);
      } else if (action < 7) {
        const ms = 1 + random.below(10);
        clock.advance(ms);
        model.advance(ms);
      } else if (out.length > 0) {
        const [[entry, waiting]] = out.splice(random.below(out.length), 1) as [
          [QueueEntry, Waiting],
        ];
        if (action < 9) {
          queue.requeue([entry]);
          model.requeue(waiting);
        } else queue.settle(entry);
      }
      clock.advance(0); // what came to the head and is too old goes in the next turn
      assertEquals(dead.toSorted(), model.dead.toSorted());
      assertEquals([queue.messageCount, queue.unackedCount], [model.ready.length, out.length]);
    }
    for (const [entry] of out) queue.settle(entry);
    queue.delete();
    assertEquals([queue.messageCount, queue.messageBytes, clock.timers], [0, 0, 0]);
  });
});
