import { assertEquals, assertGreater, assertLess, assertThrows } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { Unacked, type UnackedDelivery } from "../../broker/connection/unacked.ts";
import { entryAt, TestQueue } from "../queue/support.ts";
import { computedMs } from "../support/computed.ts";

const QUEUE = new TestQueue();

function delivery(deliveryTag: number): UnackedDelivery {
  return {
    deliveryTag,
    entry: entryAt(deliveryTag),
    queue: QUEUE,
    consumer: undefined,
    deliveredAt: 0,
  };
}

function unackedOf(...tags: readonly number[]): Unacked {
  const unacked = new Unacked();
  for (const tag of tags) unacked.add(delivery(tag));
  return unacked;
}

function tags(deliveries: readonly UnackedDelivery[]): number[] {
  return deliveries.map(({ deliveryTag }) => deliveryTag);
}

Deno.test("Unacked.takeOne() takes each delivery once, in any order", () => {
  const unacked = unackedOf(1, 2, 3);
  assertEquals([unacked.takeOne(2).deliveryTag, unacked.takeOne(3).deliveryTag], [2, 3]);
  assertEquals(unacked.size, 1);
  for (const tag of [2, 0, 4]) {
    const error = assertThrows(() => unacked.takeOne(tag), AmqpError);
    assertEquals(
      [error.replyCode, error.message],
      [406, `PRECONDITION_FAILED - unknown delivery tag ${tag}`],
    );
  }
  assertEquals(unacked.size, 1);
});

Deno.test("Unacked.takeUpTo() takes all up to a tag, in the order of their tags", () => {
  const unacked = unackedOf(1, 2, 3, 4, 5);
  unacked.takeOne(2);
  assertEquals(tags(unacked.takeUpTo(4)), [1, 3, 4]);
  assertEquals(tags(unacked.takeUpTo(0)), [5]);
  assertEquals(tags(unacked.takeUpTo(0)), [], "0 stands for all, also for none");
});

Deno.test("Unacked.takeUpTo() refuses a tag that is not outstanding, and takes nothing", () => {
  const unacked = unackedOf(1, 2, 3);
  unacked.takeOne(2);
  assertThrows(() => unacked.takeUpTo(2), AmqpError);
  assertThrows(() => unacked.takeUpTo(9), AmqpError);
  assertEquals(tags(unacked.takeAll()), [1, 3]);
});

Deno.test("Unacked.putBack() puts deliveries back between those that came meanwhile", () => {
  const unacked = unackedOf(1, 2, 3, 4);
  const taken = [unacked.takeOne(3), unacked.takeOne(1)];
  unacked.add(delivery(5));
  unacked.putBack(taken);
  assertEquals(tags(unacked.takeUpTo(3)), [1, 2, 3]);
  assertEquals(tags(unacked.takeAll()), [4, 5]);
  assertEquals(unacked.size, 0);
});

Deno.test("Unacked.takeEach() takes all up to a tag while others come and stragglers move out of the ring", () => {
  for (const stragglers of [0, 3, 500]) {
    const unacked = new Unacked();
    let next = 0;
    const add = () => unacked.add(delivery(++next));
    for (let count = 0; count < stragglers; count++) add();
    // one of ten stays
    for (let count = 0; count < 20_000; count++) {
      add();
      if (count % 10 > 0) unacked.takeOne(next);
    }
    const expected = tags([...unacked]);
    const last = expected.at(-101)!;
    assertGreater(unacked.atMostUpTo(last), expected.length - 102);
    const taken: number[] = [];
    for (const { deliveryTag } of unacked.takeEach(last)) {
      taken.push(deliveryTag);
      for (let count = 0; count < 20; count++) {
        add();
        if (count > 0) unacked.takeOne(next);
      }
    }
    assertEquals(taken, expected.slice(0, -100));
    assertEquals(unacked.size, 100 + taken.length, "what came meanwhile stays");
    assertThrows(() => unacked.require(last), AmqpError);
    unacked.require(next - 19);
    assertEquals([...unacked.takeEach(Infinity)].length, 100 + taken.length);
    assertEquals([unacked.size, [...unacked.takeEach(Infinity)]], [0, []]);
  }
});

Deno.test("Unacked does as a sorted map does, with stragglers among thousands", () => {
  for (let seed = 1; seed <= 20; seed++) {
    let state = seed * 7919;
    const random = () => (state = state * 48_271 % 2_147_483_647) / 2_147_483_647;
    const unacked = new Unacked();
    const model = new Map<number, UnackedDelivery>();
    let next = 1;
    for (let step = 0; step < 6000; step++) {
      const kind = random();
      if (kind < 0.5) {
        next += random() < 0.05 ? 1 + Math.floor(random() * 50) : 1; // no-ack deliveries count as well
        const added = delivery(next);
        unacked.add(added);
        model.set(next, added);
      } else if (kind < 0.995) {
        // mostly the newest ones, so that a few old ones stay for long
        const outstanding = [...model.keys()].slice(random() < 0.02 ? 0 : -20);
        const tag = outstanding[Math.floor(random() * outstanding.length)];
        if (tag === undefined) continue;
        assertEquals(unacked.takeOne(tag).deliveryTag, tag);
        model.delete(tag);
      } else {
        const outstanding = [...model.keys()];
        const tag = outstanding[Math.floor(random() * outstanding.length / 4)];
        if (tag === undefined) continue;
        const expected = outstanding.filter((one) => one <= tag);
        assertEquals(tags(unacked.takeUpTo(tag)), expected, `seed ${seed}`);
        for (const one of expected) model.delete(one);
      }
      assertEquals(unacked.size, model.size, `seed ${seed}`);
    }
    assertEquals(tags(unacked.takeAll()), [...model.keys()], `seed ${seed}`);
  }
});

Deno.test("Unacked keeps what stays while its ring comes round, and goes on with those that look at it", () => {
  for (const prefetch of [1, 10, 200, 1000, 1500]) {
    const unacked = new Unacked();
    let next = 0;
    const add = () => unacked.add(delivery(++next));
    while (next < prefetch) add();
    const looking = unacked[Symbol.iterator]();
    assertEquals(looking.next().value?.deliveryTag, 1);
    for (let round = 0; round < 5 * prefetch; round++) {
      assertEquals(unacked.takeOne(next - prefetch + 1).entry.position, next - prefetch + 1);
      add();
    }
    const expected = Array.from({ length: prefetch }, (_, index) => next - prefetch + 1 + index);
    const left: number[] = [];
    for (let one = looking.next(); !one.done; one = looking.next()) {
      left.push(one.value.deliveryTag);
    }
    assertEquals(left, expected);
    assertEquals(tags(unacked.takeAll()), expected);
  }
});

Deno.test("Unacked does not grow with what comes and goes after one that stays", () => {
  const unacked = unackedOf(1);
  for (let tag = 2; tag < 200_000; tag++) {
    unacked.add(delivery(tag));
    unacked.takeOne(tag);
  }
  assertEquals(tags(unacked.takeAll()), [1]);
});

Deno.test("Unacked.disown() leaves a delivery that settles nothing, wherever it is kept", () => {
  const unacked = new Unacked();
  // the first ones are moved out of the ring when thousands come and go after them
  for (let tag = 1; tag <= 20_000; tag++) {
    unacked.add(delivery(tag));
    if (tag > 3 && tag < 20_000) unacked.takeOne(tag);
  }
  for (const kept of [...unacked]) if (kept.deliveryTag !== 2) unacked.disown(kept);
  assertEquals([...unacked].map(({ deliveryTag }) => deliveryTag), [1, 2, 3, 20_000]);
  const queues = [...unacked].map(({ queue }) => queue === QUEUE);
  assertEquals(queues, [false, true, false, false]);
  for (const { queue, entry } of unacked.takeAll()) {
    if (queue === QUEUE) continue;
    queue.settle(entry);
    queue.reject(entry);
    queue.requeue([entry]);
    assertEquals(queue.consumerTimeoutMs, Infinity);
  }
  assertEquals(QUEUE.unackedCount, 0);
});

Deno.test("Unacked knows when its bodies are too much, whatever comes and goes", () => {
  for (let seed = 1; seed <= 50; seed++) {
    let state = seed * 7919;
    const random = () => (state = state * 48_271 % 2_147_483_647) / 2_147_483_647;
    const bytesMax = 1500;
    const unacked = new Unacked(bytesMax);
    const sizes = new Map<number, number>();
    const seen = { room: 0, full: 0 };
    let next = 1;
    for (let step = 0; step < 2000; step++) {
      const kind = random();
      const outstanding = [...sizes.keys()];
      const any = outstanding[Math.floor(random() * outstanding.length)];
      if (kind < 0.5) {
        const size = Math.floor(random() * (random() < 0.1 ? 5000 : 50));
        unacked.add({ ...delivery(next), entry: { message: { size } } as never });
        sizes.set(next++, size);
      } else if (any !== undefined && kind < 0.9) {
        unacked.takeOne(any);
        sizes.delete(any);
      } else if (any !== undefined && kind < 0.93) {
        for (const one of unacked) if (one.deliveryTag === any) unacked.disown(one);
        sizes.set(any, 0);
      } else if (any !== undefined && kind < 0.97) {
        for (const { deliveryTag } of unacked.takeUpTo(any)) sizes.delete(deliveryTag);
      } else if (kind < 0.98) {
        unacked.takeAll();
        sizes.clear();
      }
      const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
      assertEquals(unacked.full, bytes >= bytesMax, `seed ${seed}`);
      seen[bytes < bytesMax ? "room" : "full"]++;
      if (random() < 0.01) assertEquals(unacked.bytes, bytes, `seed ${seed}`);
    }
    assertGreater(Math.min(seen.room, seen.full), 0, `seed ${seed}`);
  }
});

Deno.test("Unacked.putBackSlowly() puts them back step by step, before all that comes meanwhile", () => {
  const unacked = unackedOf(...Array.from({ length: 3000 }, (_, at) => at + 1));
  const taken = Array.from({ length: 2999 }, (_, at) => unacked.takeOne(3000 - at));
  let [steps, next] = [0, 3001];
  for (const _ of unacked.putBackSlowly(taken)) {
    steps++;
    // a few, far from one another, since others need no ack: the ring that they are in stays sparse
    if (steps < 6) unacked.add(delivery(next += 5000));
  }
  assertGreater(steps, 20);
  assertEquals([...unacked].map(({ deliveryTag }) => deliveryTag), [
    ...Array.from({ length: 3000 }, (_, at) => at + 1),
    ...Array.from({ length: 5 }, (_, at) => 3001 + (at + 1) * 5000),
  ]);
  assertEquals(unacked.takeOne(17).deliveryTag, 17);
  assertEquals([...unacked.takeEach(3001)].length, 2999);
  assertEquals(unacked.size, 5);
});

Deno.test("Unacked.takeEach() does not pass over what was taken before, each time again", () => {
  const unacked = new Unacked();
  const count = 100_000;
  const put = Array.from({ length: count }, (_, index) => delivery(index + 1));
  for (const one of put) unacked.add(one);
  for (const _ of unacked.putBackSlowly(unacked.takeAll())) { /* all of it */ }
  const from = computedMs();
  let taken = 0;
  for (let tag = 1; tag <= count; tag++) taken += [...unacked.takeEach(tag)].length;
  assertEquals([taken, unacked.size], [count, 0]);
  // with a look at what has gone it takes some seconds
  assertLess(computedMs() - from, 1000);
});

Deno.test("Unacked takes tags with gaps of any size, as deliveries leave them that need no ack", () => {
  for (const gap of [1, 15, 16, 17, 1023, 1025, 2048, 3000, 100_000]) {
    const unacked = new Unacked();
    const expected: number[] = [];
    let tag = 1;
    for (const step of [1, gap, 1, gap, gap, 1, gap]) {
      unacked.add(delivery(tag));
      expected.push(tag);
      tag += step;
    }
    assertEquals(unacked.size, expected.length);
    assertEquals(tags([...unacked]), expected, `${gap}`);
    assertEquals(unacked.takeOne(expected[2]!).deliveryTag, expected[2]);
    assertEquals(tags(unacked.takeUpTo(0)), expected.filter((_, index) => index !== 2));
    unacked.add(delivery(tag + gap));
    assertEquals(tags(unacked.takeAll()), [tag + gap]);
  }
});

Deno.test("Unacked puts back the first and the last of thousands", () => {
  const unacked = new Unacked();
  for (let tag = 1; tag <= 5001; tag++) unacked.add(delivery(tag));
  for (let tag = 2; tag <= 5000; tag++) unacked.takeOne(tag);
  const taken = [unacked.takeOne(1), unacked.takeOne(5001)];
  unacked.putBack(taken);
  assertEquals(tags([...unacked]), [1, 5001]);
});

Deno.test("Unacked begins anew when a great many are gone, and puts back what is far apart soon", () => {
  const unacked = new Unacked();
  const count = 300_000;
  for (let tag = 1; tag <= count; tag++) unacked.add(delivery(tag));
  assertEquals(unacked.takeUpTo(count - 1).length, count - 1);
  assertEquals(unacked.takeOne(count).deliveryTag, count);
  const far = 5_000_000_000;
  unacked.putBack([delivery(far), delivery(1)]);
  unacked.putBack([delivery(2)]);
  assertEquals(tags([...unacked]), [1, 2, far]);
});
