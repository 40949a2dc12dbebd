import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { Unacked, type UnackedDelivery } from "../../broker/connection/unacked.ts";
import { PagePool } from "../../broker/pages.ts";
import { QueueEntry } from "../../broker/queue/entry.ts";
import { bodyOf, heldMessage, TestQueue } from "../queue/support.ts";
import { seededRandom } from "../routing/support.ts";

/** Of more than so many the later ones are no objects. */
const OBJECTS = 16_384;
/** More than that, and not a number of whole blocks. */
const MANY = 20_100;
const QUEUE = new TestQueue();

/** A message that its queue and its channel hold in a page. */
function entryOf(pages: PagePool, position: number): QueueEntry {
  const message = heldMessage(pages, `message ${position}`);
  const stored = position % 3 === 0;
  const deadline = position % 5 === 0 ? 1e12 + position : 0;
  const entry = new QueueEntry(message, position, stored, deadline, position % 7 % 4);
  if (position % 11 === 0) {
    entry.redelivered = true;
    entry.deliveryCount = position % 13;
    entry.acquiredCount = 1 + position % 17;
  }
  // it came back too often to be a number
  if (position % 1000 === 0) entry.acquiredCount = 2 ** 20;
  return entry;
}

/** All that an entry says. */
function allOf(entry: QueueEntry): unknown {
  const { deadline, priority, redelivered, deliveryCount, acquiredCount } = entry;
  const { position, stored, message } = entry;
  const { exchange, routingKey } = message;
  return {
    ...{ position, stored, deadline, priority, redelivered, deliveryCount, acquiredCount },
    ...{ exchange, routingKey, body: bodyOf(message) },
  };
}

function deliveryOf(pages: PagePool, deliveryTag: number): UnackedDelivery {
  const entry = entryOf(pages, deliveryTag);
  return { deliveryTag, entry, queue: QUEUE, consumer: undefined, deliveredAt: deliveryTag };
}

function filled(pages: PagePool, count = MANY): Unacked {
  const unacked = new Unacked();
  for (let tag = 1; tag <= count; tag++) unacked.add(deliveryOf(pages, tag));
  return unacked;
}

/** What is told of an entry that was never kept by anybody. */
function expected(tag: number): unknown {
  return allOf(entryOf(new PagePool(), tag));
}

Deno.test("Of very many unacked deliveries the later ones are no objects, and say all that they said", () => {
  const pages = new PagePool();
  const unacked = filled(pages);
  assertEquals(unacked.size, MANY);
  assertLess([...unacked.heldEntries()].length, OBJECTS + 300);
  for (const tag of [1, OBJECTS, OBJECTS + 1, 19_000, 19_001, 19_003, MANY - 1, MANY]) {
    const { entry, deliveredAt, ...rest } = unacked.takeOne(tag);
    assertEquals(allOf(entry), expected(tag));
    assertEquals(deliveredAt, tag);
    assertEquals(rest, { deliveryTag: tag, queue: QUEUE, consumer: undefined });
    entry.message.release(pages);
  }
  let count = 0;
  for (const { deliveryTag, entry } of unacked.takeEach(Infinity)) {
    if (deliveryTag % 97 === 0) assertEquals(allOf(entry), expected(deliveryTag));
    entry.message.release(pages);
    count++;
  }
  assertEquals([count, unacked.size], [MANY - 8, 0]);
  assertLess(pages.bytes, 2 * 1024 * 1024, "all of it is gone");
});

Deno.test("A look at very many unacked deliveries takes nothing, and knows how much they are", () => {
  const pages = new PagePool();
  const unacked = filled(pages);
  const seen = [...unacked].map(({ deliveryTag, entry }) => {
    assertEquals(entry.position, deliveryTag);
    return bodyOf(entry.message).length;
  });
  assertEquals([seen.length, unacked.size], [MANY, MANY]);
  const bytes = seen.reduce((sum, size) => sum + size, 0);
  assertEquals(unacked.bytes, bytes);
  const one = unacked.takeOne(MANY - 300);
  assertEquals(unacked.bytes, bytes - one.entry.message.size);
  assertEquals([unacked.has(one), unacked.size], [false, MANY - 1]);
});

Deno.test("Very many unacked deliveries do as a sorted map does, whatever comes and goes", () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = seededRandom(seed);
    const pages = new PagePool();
    const unacked = new Unacked();
    const model = new Set<number>();
    let next = 0;
    const settle = ({ deliveryTag, entry }: UnackedDelivery) => {
      assertEquals([entry.position, bodyOf(entry.message)], [
        deliveryTag,
        `message ${deliveryTag}`,
      ]);
      assertEquals(model.delete(deliveryTag), true);
      entry.message.release(pages);
    };
    for (let round = 0; round < 12; round++) {
      // some deliveries between them need no ack
      for (let count = Math.floor(random() * 12_000); count > 0; count--) {
        next += random() < 0.001 ? 1 + Math.floor(random() * 3000) : 1;
        unacked.add(deliveryOf(pages, next));
        model.add(next);
      }
      const part = random();
      for (const tag of [...model]) if (random() < part) settle(unacked.takeOne(tag));
      const outstanding = [...model];
      if (random() < 0.5 && outstanding.length > 0) {
        const tag = outstanding[Math.floor(random() * outstanding.length)]!;
        const most = unacked.atMostUpTo(tag);
        let taken = 0;
        for (const delivery of unacked.takeEach(tag)) {
          settle(delivery);
          taken++;
        }
        assertEquals(taken, outstanding.filter((one) => one <= tag).length, `seed ${seed}`);
        assertGreater(most, taken - 1);
      }
      assertEquals(unacked.size, model.size);
      assertEquals([...unacked].map(({ deliveryTag }) => deliveryTag), [...model], `seed ${seed}`);
    }
    for (const delivery of unacked.takeAll()) settle(delivery);
    assertEquals([unacked.size, model.size], [0, 0]);
    assertLess(pages.bytes, 2 * 1024 * 1024);
  }
});

Deno.test("A few that stay of very many unacked deliveries are objects again, and what comes then is as well", () => {
  const pages = new PagePool();
  const unacked = filled(pages);
  for (let tag = 1; tag <= MANY; tag++) {
    if (tag % 1000 > 0) unacked.takeOne(tag).entry.message.release(pages);
  }
  assertEquals([...unacked.heldEntries()].length, 20);
  for (let tag = MANY + 1; tag <= MANY + 9000; tag++) unacked.add(deliveryOf(pages, tag));
  assertEquals([...unacked.heldEntries()].length, 9020);
  assertEquals(unacked.takeOne(MANY + 1).entry.position, MANY + 1);
  assertEquals(unacked.takeUpTo(20_000).map(({ deliveryTag }) => deliveryTag / 1000), [
    ...Array.from({ length: 20 }, (_, index) => index + 1),
  ]);
});

Deno.test("Unacked.disown() leaves one of very many that settles nothing, and gives back what it was", () => {
  const pages = new PagePool();
  const unacked = filled(pages);
  const queues = new Set([QUEUE as unknown]);
  for (const delivery of [...unacked]) {
    if (delivery.deliveryTag % 2 > 0) continue;
    const { deliveryTag, entry, queue } = unacked.disown(delivery);
    assertEquals([entry.position, queue], [deliveryTag, QUEUE]);
    assertEquals(unacked.has(delivery), false);
    entry.message.release(pages);
  }
  assertEquals(unacked.size, MANY);
  // those that were objects until now have others behind them, and the last one is somebody else's now
  const last = deliveryOf(pages, MANY + 1);
  unacked.add(last);
  assertEquals(unacked.disown(last).entry, last.entry);
  for (let tag = MANY + 2; tag <= MANY + 600; tag++) unacked.add(deliveryOf(pages, tag));
  assertEquals(bodyOf(last.entry.message), `message ${MANY + 1}`, "nobody takes it from them");
  last.entry.message.release(pages);
  for (const { deliveryTag, entry, queue } of unacked.takeEach(Infinity)) {
    if (deliveryTag === MANY + 1 || (deliveryTag <= MANY && deliveryTag % 2 === 0)) {
      assertEquals(queues.has(queue), false);
      queue.settle(entry);
    } else entry.message.release(pages);
  }
  assertEquals(QUEUE.unackedCount, 0);
  assertLess(pages.bytes, 2 * 1024 * 1024);
});

Deno.test("Very many unacked deliveries are put back after a rollback, before what came meanwhile", () => {
  const pages = new PagePool();
  const unacked = filled(pages);
  const taken: UnackedDelivery[] = [];
  for (let tag = 2; tag <= MANY; tag += 2) taken.push(unacked.takeOne(tag));
  let next = MANY;
  let steps = 0;
  for (const _ of unacked.putBackSlowly(taken)) {
    if (steps++ < 100) unacked.add(deliveryOf(pages, ++next));
  }
  const tags = [...unacked].map(({ deliveryTag }) => deliveryTag);
  assertEquals(tags, Array.from({ length: next }, (_, index) => index + 1));
  // each is found by its tag
  for (const tag of [MANY, OBJECTS + 1, next]) {
    assertEquals(unacked.takeOne(tag).entry.position, tag);
  }
  assertEquals([...unacked.takeEach(Infinity)].length, next - 3);
  assertEquals(unacked.size, 0);
});

Deno.test("Very many unacked deliveries are put back after a rollback, though nothing came meanwhile", () => {
  const pages = new PagePool();
  const unacked = filled(pages);
  for (const _ of unacked.putBackSlowly([unacked.takeOne(1)])) { /* step by step */ }
  assertEquals(unacked.takeOne(MANY).entry.position, MANY);
  unacked.add(deliveryOf(pages, MANY + 1));
  assertEquals([...unacked.takeEach(Infinity)].length, MANY);
});

Deno.test("A delivery that was looked at when it was no object is taken back as what it is by then", () => {
  const pages = new PagePool();
  const unacked = filled(pages);
  const looked = [...unacked];
  for (const { entry } of unacked.takeEach(MANY - 100)) entry.message.release(pages);
  const { bytes } = unacked;
  const delivery = looked[MANY - 50]!;
  assertEquals(unacked.has(delivery), true);
  const { entry } = unacked.disown(delivery);
  assertEquals(bodyOf(entry.message), `message ${MANY - 49}`);
  assertEquals(unacked.bytes, bytes - entry.message.size);
  entry.message.release(pages);
  for (const { entry } of unacked.takeEach(Infinity)) {
    if (entry.position > 0) entry.message.release(pages);
  }
  // the page that is filled now stays
  assertLess(pages.bytes, 2 * 1024 * 1024);
});

Deno.test("Bytes of very many unacked deliveries are those of their bodies", () => {
  const pages = new PagePool();
  const unacked = filled(pages);
  const sum = () => [...unacked].reduce((bytes, { entry }) => bytes + entry.message.size, 0);
  assertEquals(unacked.bytes, sum());
  unacked.takeOne(MANY - 1);
  const looked = [...unacked];
  unacked.disown(looked.at(-1)!);
  assertEquals(unacked.has(looked.at(-1)!), false);
  assertEquals(unacked.bytes, sum());
});
