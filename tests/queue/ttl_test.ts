import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { atEndOfTurn } from "../../broker/amqp/turn.ts";
import type { QueueEntry } from "../../broker/queue/entry.ts";
import type { DeathReason, Queue, QueueOptions } from "../../broker/queue/queue.ts";
import { NO_SETTINGS, type QueueSettings } from "../../broker/queue/queue_settings.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { bodyOf, messageOf, TestConsumer, TestQueue } from "./support.ts";

/** What a timer of 32 bits can take. */
const TIMER_MAX_MS = 0x7fff_ffff;
/** So many messages may go at once before others get a chance. */
const BATCH = 1000;

/** A clock that remembers how long its timers were, and how much happened in each. */
class WatchedClock extends ManualClock {
  readonly delays: number[] = [];
  /** Called around each timer's work. */
  watch: (work: () => void) => void = (work) => work();

  override after(delayMs: number, callback: () => void): () => void {
    this.delays.push(delayMs);
    return super.after(delayMs, () => this.watch(callback));
  }
}

/** A queue with settings of its own that remembers its dead. */
class MortalQueue extends TestQueue {
  readonly clock: WatchedClock;
  readonly dead: string[];

  constructor(settings: Partial<QueueSettings>, options: Partial<QueueOptions> = {}) {
    const dead: string[] = [];
    const clock = new WatchedClock();
    const onDeath = (queue: Queue, entry: QueueEntry, reason: DeathReason) => {
      dead.push(`${bodyOf(entry.message)} ${reason}`);
      queue.bury(entry);
    };
    super({
      clock,
      onDeath,
      settings: { ...NO_SETTINGS, deadLetterExchange: "dlx", ...settings },
      ...options,
    });
    this.clock = clock;
    this.dead = dead;
  }

  /** Pushes a message with an expiration of its own. */
  publishFor(expirationMs: number, body = "x"): void {
    const message = messageOf(body);
    message.expirationMs = expirationMs;
    this.push(message);
    message.routed(this.pages);
  }
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => atEndOfTurn(resolve));
}

Deno.test("Queue sets one timer for all deadlines, and none when it is empty", () => {
  const queue = new MortalQueue({ messageTtlMs: 100 });
  for (let time = 0; time < 50; time++) {
    queue.publishFor(1000 - time);
    queue.clock.advance(1);
    assertEquals(queue.clock.timers, 1);
  }
  queue.clock.advance(100);
  assertEquals([queue.messageCount, queue.dead.length, queue.clock.timers], [0, 50, 0]);
});

Deno.test("Queue without deadlines sets no timer", () => {
  const queue = new MortalQueue({});
  queue.publish("1", "2");
  queue.drain();
  assertEquals(queue.clock.delays, []);
});

Deno.test("Queue lets each message go at its time, not before", () => {
  const queue = new MortalQueue({ messageTtlMs: 100 });
  queue.publish("1");
  queue.clock.advance(60);
  queue.publish("2");
  queue.clock.advance(39);
  assertEquals(queue.dead, []);
  queue.clock.advance(1);
  assertEquals(queue.dead, ["1 expired"]);
  queue.clock.advance(59);
  assertEquals(queue.dead.length, 1);
  queue.clock.advance(1);
  assertEquals(queue.dead, ["1 expired", "2 expired"]);
});

Deno.test("Queue looks at the head alone, and at the next one as soon as that has left", () => {
  const queue = new MortalQueue({});
  queue.publishFor(1000, "long");
  queue.publishFor(10, "short");
  queue.publishFor(2000, "longer");
  queue.clock.advance(500);
  assertEquals([queue.dead, queue.messageCount], [[], 3]);
  const long = queue.take()!;
  queue.clock.advance(0);
  assertEquals([bodyOf(long.message), queue.dead], ["long", ["short expired"]]);
  assertEquals([queue.messageCount, queue.clock.timers], [1, 1]);
});

Deno.test("Queue knows times beyond those of timers", () => {
  const ttlMs = 3 * TIMER_MAX_MS + 5;
  const queue = new MortalQueue({ messageTtlMs: ttlMs });
  queue.publish("1");
  queue.clock.advance(ttlMs - 1);
  assertEquals(queue.dead, []);
  queue.clock.advance(1);
  assertEquals([queue.dead, queue.clock.timers], [["1 expired"], 0]);
  for (const delay of queue.clock.delays) assertLessOrEqual(delay, TIMER_MAX_MS);
  assertEquals(queue.clock.delays.length, 4);
});

Deno.test("Queue lets a great many go a bounded number at a time", () => {
  const count = 100_000;
  const queue = new MortalQueue({ messageTtlMs: 10 });
  for (let index = 0; index < count; index++) queue.publish("x");
  let most = 0;
  queue.clock.watch = (work) => {
    const before = queue.dead.length;
    work();
    most = Math.max(most, queue.dead.length - before);
    assertLessOrEqual(queue.clock.timers, 1);
  };
  queue.clock.advance(10);
  assertEquals([queue.dead.length, queue.messageCount, queue.clock.timers], [count, 0, 0]);
  assertEquals(most, BATCH);
});

Deno.test("Queue never gives out what is too old, however much of it there is", async () => {
  for (const way of ["take", "deliver"]) {
    const queue = new MortalQueue({});
    for (let index = 0; index < 2.5 * BATCH; index++) queue.publishFor(10, "old");
    queue.publish("young");
    // the timer is late
    queue.clock.watch = () => {};
    queue.clock.advance(20);
    if (way === "take") {
      // a bounded number at a time
      for (const left of [1.5 * BATCH, 0.5 * BATCH]) {
        assertEquals([queue.take(), queue.takesLater], [undefined, true]);
        assertEquals(queue.messageCount, left + 1);
      }
      assertEquals(bodyOf(queue.take()!.message), "young");
      assertEquals([queue.take(), queue.takesLater], [undefined, false]);
    } else {
      const consumer = new TestConsumer();
      queue.addConsumer(consumer, { exclusive: false });
      while (queue.messageCount > 0) await endOfTurn();
      await endOfTurn();
      assertEquals(consumer.bodies, ["young"]);
    }
    assertEquals(queue.dead.length, 2.5 * BATCH);
  }
});

Deno.test("Queue that lets old ones go for a consumer does so a bounded number at a time", async () => {
  const queue = new MortalQueue({});
  for (let index = 0; index < 3 * BATCH; index++) queue.publishFor(10, "old");
  queue.clock.watch = () => {};
  queue.clock.advance(20);
  queue.addConsumer(new TestConsumer(), { exclusive: false });
  assertEquals(queue.dead.length, BATCH);
  while (queue.messageCount > 0) await endOfTurn();
  await endOfTurn();
});

Deno.test("Queue keeps the deadline of what was delivered and comes back", () => {
  const queue = new MortalQueue({ messageTtlMs: 100 });
  const consumer = new TestConsumer({ room: 2 });
  queue.addConsumer(consumer, { exclusive: false });
  queue.publish("1", "2");
  queue.removeConsumer(consumer);
  queue.clock.advance(50);
  queue.requeue([consumer.entries[0]!]);
  queue.clock.advance(49);
  assertEquals(queue.dead, []);
  queue.clock.advance(1);
  assertEquals(queue.dead, ["1 expired"]);
  queue.clock.advance(1);
  queue.requeue([consumer.entries[1]!]);
  assertEquals([queue.dead, queue.unackedCount], [["1 expired", "2 expired"], 0]);
});

Deno.test("Queue that is deleted or stopped leaves no timer and sets none", () => {
  for (const end of ["delete", "stop"] as const) {
    const queue = new MortalQueue({ messageTtlMs: 100, expiresMs: 1000 });
    queue.publish("1", "2");
    const entry = queue.take()!;
    assertEquals(queue.clock.timers, 2);
    queue[end]();
    assertEquals(queue.clock.timers, 0);
    queue.requeue([entry]);
    queue.touch();
    queue.removeConsumer(new TestConsumer());
    queue.consumerHasRoom(new TestConsumer());
    assertEquals(queue.clock.timers, 0);
  }
});

Deno.test("Queue that was unused for long enough asks to go, once", () => {
  const queue = new MortalQueue({ expiresMs: 100 });
  queue.publish("1");
  queue.clock.advance(99);
  assertEquals([queue.unused, queue.clock.timers], [[], 1]);
  queue.clock.advance(1);
  assertEquals([queue.unused.length, queue.clock.timers], [1, 0]);
});

Deno.test("Queue counts from its last use, with one timer however often it is used", () => {
  const queue = new MortalQueue({ expiresMs: 100 });
  for (let time = 0; time < 20; time++) {
    queue.clock.advance(50);
    if (time % 2 === 0) queue.touch();
    else queue.take();
    assertEquals([queue.unused.length, queue.clock.timers], [0, 1]);
  }
  assertLessOrEqual(queue.clock.delays.length, 21);
  queue.clock.advance(99);
  assertEquals(queue.unused.length, 0);
  queue.clock.advance(1);
  assertEquals(queue.unused.length, 1);
});

Deno.test("Queue with a consumer is used, and may be unused when that has left", () => {
  const queue = new MortalQueue({ expiresMs: 100 });
  const consumer = new TestConsumer();
  queue.addConsumer(consumer, { exclusive: false });
  queue.clock.advance(1000);
  assertEquals(queue.unused, []);
  queue.removeConsumer(consumer);
  queue.clock.advance(99);
  assertEquals(queue.unused, []);
  queue.clock.advance(1);
  assertEquals(queue.unused.length, 1);
});

Deno.test("Queue may be unused for longer than a timer takes", () => {
  const queue = new MortalQueue({ expiresMs: 2 * TIMER_MAX_MS });
  queue.clock.advance(2 * TIMER_MAX_MS - 1);
  assertEquals(queue.unused, []);
  queue.clock.advance(1);
  assertEquals(queue.unused.length, 1);
});

Deno.test("Queue.configure() begins, changes and ends the time that it may be unused", () => {
  const queue = new MortalQueue({});
  queue.configure({ ...NO_SETTINGS, expiresMs: 100 });
  queue.clock.advance(50);
  queue.configure({ ...NO_SETTINGS, expiresMs: 200 });
  queue.clock.advance(199);
  assertEquals(queue.unused, []);
  queue.configure(NO_SETTINGS);
  queue.clock.advance(1000);
  assertEquals([queue.unused, queue.clock.timers], [[], 0]);
  queue.configure({ ...NO_SETTINGS, expiresMs: 1000 });
  queue.clock.advance(500);
  queue.configure({ ...NO_SETTINGS, expiresMs: 100 });
  queue.clock.advance(100);
  assertEquals(queue.unused.length, 1);
});

Deno.test("Queue.configure() with a limit drops what is too much, a bounded number at a time", async () => {
  const queue = new MortalQueue({});
  for (let index = 0; index < 3 * BATCH + 10; index++) queue.publish(`${index}`);
  queue.configure({ ...NO_SETTINGS, deadLetterExchange: "dlx", maxLength: 10 });
  assertEquals(queue.dead.length, BATCH);
  while (queue.messageCount > 10) await endOfTurn();
  assertEquals(queue.dead.at(-1), `${3 * BATCH - 1} maxlen`);
  assertEquals(queue.drain()[0], `${3 * BATCH}`);
});

Deno.test("Queue that drops its head waits for the deadline of the next one", () => {
  const queue = new MortalQueue({ maxLength: 2 });
  queue.publish("1");
  queue.publishFor(50, "2");
  queue.publish("3");
  queue.clock.advance(50);
  assertEquals(queue.dead, ["1 maxlen", "2 expired"]);
});

Deno.test("Queue waits for the deadline of the next one when its head is dropped or moved by hand", () => {
  for (
    const [what, take] of [
      ["dropped", (queue: MortalQueue) => queue.discard(new Set([1]))],
      [
        "moved by its position",
        (queue: MortalQueue) => queue.moveOut(new Set([1]), () => true).count,
      ],
      ["moved as the next one", (queue: MortalQueue) => queue.moveOut(1, () => true).count],
    ] as const
  ) {
    const queue = new MortalQueue({});
    queue.publish("stays");
    queue.publishFor(10, "goes");
    assertEquals(take(queue), 1, what);
    queue.clock.advance(9);
    assertEquals(queue.dead, [], what);
    queue.clock.advance(1);
    assertEquals(queue.dead, ["goes expired"], what);
  }
});

Deno.test("Queue.start() lets go what grew too old before, and what is too much", () => {
  const queue = new MortalQueue({ messageTtlMs: 10 });
  queue.publish("1", "2");
  queue.clock.watch = () => {};
  queue.clock.advance(10);
  assertEquals(queue.dead, []);
  queue.start();
  assertEquals(queue.dead, ["1 expired", "2 expired"]);
});

Deno.test("Queue gives room back for what expires, is dropped or comes back too often", () => {
  const queue = new MortalQueue({ messageTtlMs: 10, maxLength: 2, deliveryLimit: 0 });
  const bodies = ["a", "b", "c"].map((body) => {
    const message = messageOf(body);
    queue.push(message);
    message.routed(queue.pages);
    return message;
  });
  const taken = queue.take()!;
  queue.requeue([taken]);
  queue.clock.advance(10);
  assertEquals(queue.dead, ["a maxlen", "b delivery_limit", "c expired"]);
  assertEquals(bodies.map(bodyOf), ["", "", ""]);
  assert(queue.messageCount === 0 && queue.messageBytes === 0 && queue.unackedCount === 0);
});
