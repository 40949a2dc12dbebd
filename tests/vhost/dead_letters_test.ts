import { assert, assertEquals, assertGreater, assertLess, assertLessOrEqual } from "@std/assert";
import { doBatch } from "../../broker/amqp/batches.ts";
import { finish } from "../../broker/amqp/long_work.ts";
import { pollSockets } from "../../broker/amqp/turn.ts";
import type { QueueEntry } from "../../broker/queue/entry.ts";
import type { Queue } from "../../broker/queue/queue.ts";
import {
  type Burial,
  type DeadLetterLimits,
  DeadLetters,
  type DeadMessage,
} from "../../broker/vhost/dead_letters.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { standingTime } from "../support/standing_time.ts";

/** A message that has died in some queues. */
interface Died extends QueueEntry {
  readonly deaths: number;
}

function died(deaths: number, size = 1): QueueEntry {
  return { deaths, message: { size } } as unknown as QueueEntry;
}

/** Queues that hand what dies in them to a row of dead letters, and what it does with them. */
class Row {
  readonly logger = new RecordingLogger();
  readonly clock = new ManualClock();
  readonly published: string[] = [];
  readonly letters: DeadLetters;
  buried = 0;
  /** Queues that were told that they may let go of more. */
  readonly buriedOn: string[] = [];
  waitingMost = 0;

  constructor(
    publish: (row: Row, dead: DeadMessage, deathsMax: number) => Burial,
    limits: DeadLetterLimits = {},
  ) {
    const { clock, logger } = this;
    this.letters = new DeadLetters({
      publish: (dead, deathsMax) => {
        this.published.push(dead.queue.name);
        const burial = publish(this, dead, deathsMax);
        this.waitingMost = Math.max(this.waitingMost, this.letters.waiting);
        return burial;
      },
      ...{ clock, logger },
      ...limits,
    });
  }

  queue(name: string): Queue {
    return {
      name,
      deleted: false,
      messageCount: 0,
      bury: () => this.buried++,
      buryOn: () => this.buriedOn.push(name),
    } as unknown as Queue;
  }

  die(queue: Queue, deaths: number, size = 1): void {
    this.letters.add(queue, died(deaths, size), "maxlen");
  }

  async end(): Promise<void> {
    while (this.letters.waiting > 0) await pollSockets();
  }

  /** Waits until queues were told that they may let go of more, which is a batch after the end of the turn. */
  async told(): Promise<void> {
    await endOfTurn();
    await new Promise<void>((resolve) => doBatch(resolve));
  }
}

Deno.test("DeadLetters lets those go that die often when each death leads to more", async () => {
  const multipliedMax = 1000;
  // without end: each one comes to five queues in which it dies again
  const row = new Row(({ letters }, { entry }, deathsMax) => {
    const { deaths } = entry as Died;
    if (deaths >= deathsMax) return "dropped";
    for (const queue of queues) letters.add(queue, died(deaths + 1), "maxlen");
    return "done";
  }, { multipliedMax });
  const queues = [..."abcde"].map((name) => row.queue(name));
  row.die(queues[0]!, 1);
  row.letters.goOn();
  let turns = 0;
  // it never ends by itself, but what waits is bounded, and others have their turn
  while (turns < 20) {
    await pollSockets();
    turns++;
  }
  assertLessOrEqual(row.waitingMost, multipliedMax + 50);
  row.letters.stop();
  const [told = ""] = row.logger.lines;
  assert(/^warning: dead messages multiply: .* in queue '[a-e]'$/.test(told), told);
});

for (
  const [what, isShort, max] of [["", false, 2000], [
    " while memory is short",
    true,
    200_000,
  ]] as const
) {
  Deno.test(`DeadLetters lets those go that have died often when more than may wait${what}`, async () => {
    const row = new Row(
      (_, { entry }, deathsMax) => (entry as Died).deaths >= deathsMax ? "dropped" : "done",
      {
        max,
        isShort: () => isShort,
      },
    );
    const queue = row.queue("a");
    for (let count = 0; count < 2500; count++) row.die(queue, 9);
    row.letters.goOn();
    await row.end();
    const [told = ""] = row.logger.lines;
    assert(/^warning: dead messages multiply: /.test(told), told);
    const fewer = new Row(
      (_, { entry }, deathsMax) => (entry as Died).deaths >= deathsMax ? "dropped" : "done",
      {
        max,
        isShort: () => isShort,
      },
    );
    for (let count = 0; count < 2000; count++) fewer.die(fewer.queue("a"), 9);
    fewer.letters.goOn();
    await fewer.end();
    assertEquals(fewer.logger.lines, []);
  });
}

Deno.test("DeadLetters lets nobody go on a long way through queues, however many are on it", async () => {
  const names = [..."abcdefgh"];
  const row = new Row(({ letters }, { entry, queue }, deathsMax) => {
    const { deaths } = entry as Died;
    if (deaths >= deathsMax) return "dropped";
    const next = queues[names.indexOf(queue.name) + 1];
    if (next !== undefined) letters.add(next, died(deaths + 1), "maxlen");
    else arrived++;
    return "done";
  }, { multipliedMax: 16 * names.length });
  let arrived = 0;
  const queues = names.map((name) => row.queue(name));
  for (let count = 0; count < 5000; count++) row.die(queues[0]!, 1);
  row.letters.goOn();
  await row.end();
  assertEquals(arrived, 5000);
  assertEquals(row.buried, 5000 * names.length);
  assertEquals(row.logger.lines, []);
});

Deno.test("DeadLetters keeps the order of a queue, and lets queues take turns", async () => {
  const seen = new Map<string, number[]>();
  const row = new Row((_, { entry, queue }) => {
    const { deaths: number } = entry as Died;
    seen.set(queue.name, [...seen.get(queue.name) ?? [], number]);
    return "done";
  });
  const [long, short] = [row.queue("long"), row.queue("short")];
  for (let number = 0; number < 3000; number++) row.die(long, number);
  for (let number = 0; number < 20; number++) row.die(short, number);
  row.letters.goOn();
  await row.end();
  const lastShort = row.published.lastIndexOf("short");
  assertLess(lastShort, 100);
  assertEquals(seen.get("long"), Array.from({ length: 3000 }, (_, number) => number));
  assertEquals(seen.get("short"), Array.from({ length: 20 }, (_, number) => number));
});

Deno.test("DeadLetters keeps the order of a queue when nobody can take what dies in it for long", async () => {
  let isOpen = false;
  const arrived: number[] = [];
  const row = new Row((_, { entry }) => {
    if (!isOpen) return "later";
    arrived.push((entry as Died).deaths);
    return "done";
  });
  const queue = row.queue("q");
  const count = 5000;
  for (let number = 0; number < count; number++) row.die(queue, number);
  row.letters.goOn();
  // some wait for the next second while others wait for their turn
  row.clock.advance(1000);
  await pollSockets();
  row.clock.advance(1000);
  isOpen = true;
  while (arrived.length < count) {
    row.clock.advance(1000);
    await pollSockets();
  }
  assertEquals(arrived, Array.from({ length: count }, (_, number) => number));
  assertEquals([row.buried, row.clock.timers], [count, 0]);
});

Deno.test("DeadLetters lets those go that die often while memory is short, whatever they died of", () => {
  for (const isShort of [false, true]) {
    for (const count of [10_001, 10_002]) {
      let least = Infinity;
      const row = new Row((_, _dead, deathsMax) => {
        least = Math.min(least, deathsMax);
        return "done";
      }, { isShort: () => isShort });
      const queue = row.queue("q");
      for (let number = 0; number < count; number++) row.die(queue, 5);
      row.letters.goOn(1);
      finish(row.letters.ending());
      assertEquals(least, isShort && count > 10_001 ? 4 : Infinity, `${isShort} ${count}`);
    }
  }
});

Deno.test("DeadLetters publishes what is asked for at least, though others have their turn", () => {
  using time = standingTime();
  const row = new Row(() => {
    time.pass(3);
    return "done";
  });
  const queue = row.queue("q");
  for (let number = 0; number < 100; number++) row.die(queue, number);
  // few are not waited for, however long they take
  row.letters.goOn();
  assertEquals(row.published.length, 32);
  row.letters.goOn();
  assertEquals(row.published.length, 32);
  row.letters.goOn(2);
  assertEquals(row.published.length, 34);
  finish(row.letters.ending());
});

Deno.test("DeadLetters tries a few of a queue each second while nobody takes them, not all that wait", async () => {
  const row = new Row(() => "later");
  const queue = row.queue("q");
  for (let number = 0; number < 1000; number++) row.die(queue, number);
  row.letters.goOn();
  for (let second = 0; second < 10; second++) {
    await pollSockets();
    const before = row.published.length;
    row.clock.advance(1000);
    await pollSockets();
    assertLessOrEqual(row.published.length - before, 64);
    assertGreater(row.published.length - before, 0);
    // not even when more come
    const tried = row.published.length;
    row.die(queue, 1000 + second);
    row.letters.goOn();
    assertEquals([row.published.length, row.letters.waiting], [tried, 0]);
  }
  finish(row.letters.ending());
  assertEquals([row.buried, row.clock.timers], [1010, 0]);
});

Deno.test("DeadLetters lets others have their turn when each death is a call of its own", async () => {
  using time = standingTime();
  const row = new Row(() => {
    time.pass(0.2);
    return "done";
  });
  const queue = row.queue("q");
  for (let number = 0; number < 200; number++) {
    row.die(queue, number);
    row.letters.goOn();
    time.pass(0.1);
  }
  assertLess(row.published.length, 50);
  await row.end();
  assertEquals(row.published.length, 200);
});

Deno.test("DeadLetters publishes no dead message in the middle of another", () => {
  let isInside = false;
  const row = new Row(({ letters }, { queue }) => {
    assertEquals(isInside, false);
    isInside = true;
    if (queue.name === "a") {
      row.die(b, 1);
      letters.goOn();
    }
    isInside = false;
    return "done";
  });
  const [a, b] = [row.queue("a"), row.queue("b")];
  row.die(a, 1);
  row.letters.goOn();
  assertEquals(row.published, ["a", "b"]);
});

Deno.test("DeadLetters has queues keep what would die in them while many wait, or large ones, but for a turn of each", async () => {
  for (const [count, size] of [[100, 1], [20, 5]] as const) {
    const row = new Row(() => "done", { full: { count: 100, bytes: 100 } });
    const [long, other] = [row.queue("long"), row.queue("other")];
    for (let number = 0; number < count; number++) {
      assertEquals(row.letters.mustKeep(long, number % 2 === 0), false);
      row.die(long, number, size);
    }
    assertEquals([row.letters.mustKeep(long, true), row.letters.mustKeep(long, false)], [
      true,
      true,
    ]);
    for (let number = 0; number < 16; number++) {
      assertEquals(row.letters.mustKeep(other, false), false);
      row.die(other, number, size);
    }
    assertEquals([row.letters.mustKeep(other, false), row.letters.isLong], [true, true]);
    row.letters.goOn(1000);
    assertEquals([row.letters.mustKeep(long, true), row.letters.isLong], [false, false]);
    // not in the middle of it
    assertEquals(row.buriedOn, []);
    await row.told();
    assertEquals(row.buriedOn, ["other", "long"]);
  }
});

Deno.test("DeadLetters tells queues that they may let go of more before nothing waits", async () => {
  using time = standingTime();
  const row = new Row(() => {
    time.pass(0.2);
    return "done";
  }, { full: { count: 100, bytes: Infinity } });
  const queue = row.queue("q");
  for (let number = 0; number < 100; number++) row.die(queue, number);
  assert(row.letters.mustKeep(queue, true));
  row.letters.goOn(51);
  assertEquals([row.letters.waiting, row.letters.isLong], [49, true]);
  await row.told();
  assertEquals(row.buriedOn, ["q"]);
  finish(row.letters.ending());
});

Deno.test("DeadLetters has a queue keep what would die in it while nobody takes what has, unless something waits behind it", async () => {
  let isOpen = false;
  const row = new Row(() => isOpen ? "done" : "later", { full: { count: 100, bytes: Infinity } });
  const queue = row.queue("q");
  for (let number = 0; number < 100; number++) row.die(queue, number);
  assert(row.letters.mustKeep(queue, false));
  row.letters.goOn(1000);
  assertEquals([row.letters.waiting, row.letters.mustKeep(queue, true)], [0, false]);
  await row.told();
  assertEquals(row.buriedOn, ["q"]);
  for (let number = 0; number < 32; number++) row.die(queue, number);
  for (let second = 0; second < 3; second++) {
    assertEquals([row.letters.mustKeep(queue, true), row.letters.mustKeep(queue, false)], [
      true,
      false,
    ]);
    row.clock.advance(1000);
    await row.end();
    await row.told();
  }
  row.letters.mustKeep(queue, true);
  isOpen = true;
  row.buriedOn.length = 0;
  row.clock.advance(1000);
  await row.end();
  await row.told();
  assertEquals([row.buried, row.buriedOn], [132, ["q"]]);
});

Deno.test("DeadLetters counts what queues keep among those that are too many", () => {
  for (const kept of [0, 2000]) {
    using time = standingTime();
    let least = Infinity;
    const row = new Row((_, _dead, deathsMax) => {
      time.pass(1);
      least = Math.min(least, deathsMax);
      return "done";
    }, { full: { count: 100, bytes: Infinity }, max: 2000 });
    const queue = row.queue("q");
    Object.assign(queue, { messageCount: kept });
    for (let number = 0; number < 200; number++) row.die(queue, number);
    assert(row.letters.mustKeep(queue, true));
    row.letters.goOn();
    row.letters.goOn(1);
    assertEquals(least, kept === 0 ? Infinity : 4);
    row.letters.stop();
  }
});
