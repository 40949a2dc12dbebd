import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { encodeContentHead } from "../../broker/amqp/content_codec.ts";
import { PAGE_SIZE, PagePool } from "../../broker/pages.ts";
import { DROP_IN } from "../../broker/profiles.ts";
import { Backlog } from "../../broker/queue/backlog.ts";
import { QueueEntry } from "../../broker/queue/entry.ts";
import { FifoReadyList } from "../../broker/queue/fifo_ready_list.ts";
import { PriorityReadyList } from "../../broker/queue/priority_ready_list.ts";
import type { ReadyList } from "../../broker/queue/ready_list.ts";
import { NO_SETTINGS, type QueueSettings } from "../../broker/queue/queue_settings.ts";
import { Placement } from "../../broker/store/placement.ts";
import {
  AskedSet,
  bodyOf,
  heldMessage,
  memoryStorage,
  messageOf,
  TestConsumer,
  TestQueue,
} from "./support.ts";
import { StoringPlace } from "./storing.ts";

function fill(list: ReadyList, first: number, last: number): void {
  for (let position = first; position <= last; position++) {
    list.push(messageOf(`${position}`), position, false);
  }
}

function takeAll(list: ReadyList): QueueEntry[] {
  const entries: QueueEntry[] = [];
  for (let entry = list.shift(); entry !== undefined; entry = list.shift()) entries.push(entry);
  return entries;
}

for (const windowMax of [2, 4096]) {
  const title = `FifoReadyList with a window of ${windowMax}`;

  Deno.test(`${title} gives returned ones in the order of their return, if told to`, () => {
    const list = new FifoReadyList(memoryStorage(), { windowMax, inOrderOfReturn: true });
    fill(list, 1, 6);
    const taken = [list.shift()!, list.shift()!, list.shift()!];
    list.putBack([taken[2]!]);
    list.putBack([taken[0]!, taken[1]!]);
    assertEquals(list.length, 6);
    assertEquals(takeAll(list).map(({ position }) => position), [3, 1, 2, 4, 5, 6]);
  });

  Deno.test(`${title} puts returned ones back in that order`, () => {
    const list = new FifoReadyList(memoryStorage(), { windowMax, inOrderOfReturn: true });
    fill(list, 1, 6);
    const [one, two, three] = [list.shift()!, list.shift()!, list.shift()!];
    list.putBack([three, one, two]);
    const { messages, putBack } = list.take(new Set([1, 5]));
    putBack(messages.map(({ entry }) => entry!));
    list.putFirst([list.shift()!, list.shift()!]);
    assertEquals(takeAll(list).map(({ position }) => position), [3, 1, 2, 4, 5, 6]);
    assertEquals([list.length, list.bytes], [0, 0]);
  });

  Deno.test(`${title} puts entries last as they are`, () => {
    const list = new FifoReadyList(memoryStorage(), { windowMax });
    fill(list, 1, 6);
    const taken = [list.shift()!, list.shift()!];
    for (const entry of taken) {
      entry.redelivered = true;
      entry.deliveryCount = 7;
    }
    list.putLast(taken);
    fill(list, 7, 8);
    assertEquals([list.length, list.bytes], [8, 8]);
    const all = takeAll(list);
    assertEquals(all.map(({ position }) => position), [3, 4, 5, 6, 1, 2, 7, 8]);
    assertEquals(all.map(({ deliveryCount }) => deliveryCount), [0, 0, 0, 0, 7, 7, 0, 0]);
    assertEquals(all.map(({ message }) => bodyOf(message)).join(""), "34561278");
    assert(all[4] === taken[0]);
    assertEquals([list.length, list.bytes], [0, 0]);
  });

  Deno.test(`${title} drops entries that were put last`, () => {
    const storage = memoryStorage();
    const list = new FifoReadyList(storage, { windowMax });
    const messages = ["1", "2", "3", "4"].map(messageOf);
    messages.forEach((message, index) => {
      list.push(message, index + 1, false);
      message.routed(storage.pages);
    });
    list.putLast([list.shift()!]);
    list.drop(Infinity, () => {});
    assertEquals([list.length, bodyOf(messages[0]!)], [0, ""]);
  });
}

Deno.test("PriorityReadyList puts entries last among those of their priority", () => {
  const list = new PriorityReadyList(memoryStorage(), 5);
  for (const [position, priority] of [[1, 1], [2, 9], [3, 5], [4, 1]] as const) {
    list.push(messageOf(`${position}`), position, false, 0, priority);
  }
  list.putLast([list.shift()!]);
  assertEquals(takeAll(list).map(({ position }) => position), [3, 2, 1, 4]);
});

Deno.test("PriorityReadyList of ranks gives returned ones first, and those taken out are put back", () => {
  const usual = new FifoReadyList(memoryStorage(), { inOrderOfReturn: true });
  fill(usual, 1, 3);
  const list = PriorityReadyList.ofRanks(memoryStorage(), usual);
  assertEquals([list.length, list.bytes], [3, 3]);
  const push = (position: number, rank: number) =>
    list.push(messageOf(`${position}`), position, false, 0, rank);
  for (const [position, rank] of [[4, 9], [5, 32], [6, 9], [7, 0], [8, 1]] as const) {
    push(position, rank);
  }
  const [one, two] = [list.shift()!, list.shift()!];
  list.putBack([two, one]);
  assertEquals(list.head, two);
  const { messages, putBack } = list.take(new Set([4, 5, 6, 2]));
  assertEquals(messages.length, 4);
  assertEquals(list.length, 4);
  putBack(messages.map(({ entry }) => entry!));
  list.putFirst([list.shift()!]);
  assertEquals(list.browse(0, 9).map(({ position }) => position), [1, 2, 3, 4, 5, 6, 7, 8]);
  assertEquals(takeAll(list).map(({ position }) => position), [6, 4, 1, 2, 3, 7, 8, 5]);
  assertEquals([list.length, list.bytes], [0, 0]);
});

Deno.test("PriorityReadyList of ranks lets higher ones and those that come back pass what was put first", () => {
  const list = PriorityReadyList.ofRanks(
    memoryStorage(),
    new FifoReadyList(memoryStorage(), { inOrderOfReturn: true }),
  );
  for (const [position, rank] of [[1, 0], [2, 0], [3, 5], [4, 32]] as const) {
    list.push(messageOf(`${position}`), position, false, 0, rank);
  }
  const [three, one] = [list.shift()!, list.shift()!];
  list.putBack([three]);
  list.putFirst([list.shift()!, list.shift()!, list.shift()!], 1);
  list.push(messageOf("5"), 5, false, 0, 9);
  list.putBack([one]);
  assertEquals(takeAll(list).map(({ position }) => position), [3, 1, 5, 2, 4]);
  assertEquals([list.length, list.bytes], [0, 0]);
});

Deno.test("Queue of type quorum returns ahead of what waits, or behind it without a limit", () => {
  const arguments_ = { "x-queue-type": "quorum" };
  for (const [deliveryLimit, expected] of [[5, "2134"], [Infinity, "3421"]] as const) {
    const queue = new TestQueue({
      arguments: arguments_,
      settings: { ...NO_SETTINGS, deliveryLimit },
    });
    queue.publish("1", "2", "3", "4");
    const taken = [queue.take()!, queue.take()!];
    queue.requeue([taken[1]!]);
    queue.requeue([taken[0]!]);
    assertEquals(queue.drain().join(""), expected);
  }
});

/** Publishes one of this priority. */
function publishRanked(queue: TestQueue, body: string, priority: number): void {
  const message = messageOf(body);
  message.properties = { priority };
  queue.push(message);
  message.routed(queue.pages);
}

Deno.test("Queue of type quorum counts what cannot be moved where its first other priority comes meanwhile", () => {
  for (const which of [new Set([1, 2]), 2]) {
    const queue = new TestQueue({ arguments: { "x-queue-type": "quorum" } });
    queue.publish("1", "2");
    const publish = () => {
      publishRanked(queue, "9", 9);
      return false;
    };
    assertEquals(queue.moveOut(which, publish).count, 0);
    assertEquals([queue.messageCount, queue.messageBytes], [3, 3]);
    assertEquals(queue.drain(), ["9", "1", "2"]);
  }
});

Deno.test("Queue of type quorum lets a single consumer settle before a higher one is served", () => {
  class Careful extends TestConsumer {
    override get unackedCount(): number {
      return this.entries.length;
    }
  }
  const queue = new TestQueue({
    arguments: { "x-queue-type": "quorum", "x-single-active-consumer": true },
  });
  const [low, high, higher] = [0, 1, 2].map((priority) => new Careful({ priority }));
  queue.addConsumer(low!, { exclusive: false });
  queue.publish("1", "2");
  queue.addConsumer(high!, { exclusive: false });
  queue.publish("3");
  queue.addConsumer(higher!, { exclusive: false });
  queue.settle(low!.entries.shift()!);
  queue.consumerHasRoom(low!);
  assertEquals([low!.bodies, higher!.bodies, queue.messageCount], [["1", "2"], [], 1]);
  queue.settle(low!.entries.shift()!);
  queue.consumerHasRoom(low!);
  assertEquals([low!.bodies, high!.bodies, higher!.bodies], [["1", "2"], [], ["3"]]);
  queue.removeConsumer(higher!);
  queue.publish("4");
  assertEquals(high!.bodies, ["4"]);
});

Deno.test("Of very many that came back those that stay do not become objects when some are taken or put back", () => {
  const storage = memoryStorage();
  const list = new FifoReadyList(storage, { inOrderOfReturn: true });
  for (let position = 1; position <= 12_000; position++) {
    const message = heldMessage(storage.pages, "x");
    list.putBack([new QueueEntry(message, position)]);
  }
  const held = [...list.heldEntries()].length;
  const { messages, putBack } = list.take(new Set([10, 9000, 9001]));
  assertEquals(messages.map(({ position }) => position), [10, 9000, 9001]);
  assertEquals([[...list.heldEntries()].length, list.length], [held - 1, 11_997]);
  putBack([messages[1]!.entry!]);
  assertEquals([[...list.heldEntries()].length, list.length], [held, 11_998]);
  const rest = takeAll(list);
  assertEquals(rest.map(({ position }) => position).slice(8995, 9000), [
    8997,
    8998,
    8999,
    9000,
    9002,
  ]);
  for (const { message } of rest) message.release(storage.pages);
  for (const { entry } of [messages[0]!, messages[2]!]) entry!.message.release(storage.pages);
});

for (const where of ["memory", "the store"]) {
  Deno.test(`FifoReadyList keeps very many that are put last in ${where} without objects, and loses nothing of them`, () => {
    const place = where === "memory" ? undefined : new StoringPlace();
    const list = new FifoReadyList(place ?? memoryStorage(), { windowMax: 2 });
    const count = 3000;
    const stored = place !== undefined;
    for (let position = 1; position <= count; position++) {
      const message = messageOf(`${position}`);
      place?.append(message, position);
      list.push(message, position, stored, stored ? 0 : position % 3);
    }
    const all = takeAll(list);
    assertEquals(all.length, count);
    // not in order, and some were never delivered
    const returned = [...all.slice(1000), ...all.slice(0, 1000)];
    for (const entry of returned) {
      if (entry.position % 5 === 0) continue;
      entry.redelivered = true;
      entry.deliveryCount = entry.position % 7;
      entry.acquiredCount = entry.position;
    }
    const told = (entry: QueueEntry) => {
      const { position, redelivered, deliveryCount, acquiredCount, deadline, message } = entry;
      return { position, redelivered, deliveryCount, acquiredCount, deadline, is: bodyOf(message) };
    };
    const before = returned.map(told);
    list.putLast(returned);
    assertLessOrEqual(list.objects, count / 2);
    const browsed = list.browse(0, count).map(({ position, entry }) => [
      position,
      entry?.deliveryCount ?? 0,
    ]);
    if (!stored) {
      assertEquals(
        browsed,
        Array.from(all, ({ position }) => [position, position % 5 && position % 7]),
      );
    }
    const [taken] = list.take(new Set([500])).messages;
    assertEquals(taken!.entry?.deliveryCount, stored ? undefined : 500 % 5 && 500 % 7);
    assertEquals(takeAll(list).map(told), before.filter(({ position }) => position !== 500));
    assertEquals([list.length, list.bytes], [0, 0]);
  });
}

Deno.test("Backlog makes no more objects for a look than are wanted, in whatever order very many came back", () => {
  const place = memoryStorage();
  const backlog = new Backlog(place, () => {});
  const count = 5000;
  for (let number = 0; number < count; number++) {
    const position = 1 + (number + count / 2) % count;
    const entry = new QueueEntry(heldMessage(place.pages, `${position}`), position);
    entry.redelivered = true;
    backlog.pushEntry(entry);
  }
  const seen = backlog.browse(10, 5).map(({ position, entry }) => [position, entry?.redelivered]);
  assertEquals(seen, [11, 12, 13, 14, 15].map((position) => [position, true]));
});

Deno.test("Of very many in a backlog, in whatever order, few are looked at for some positions", () => {
  const place = memoryStorage();
  const backlog = new Backlog(place, () => {});
  const count = 50_000;
  for (let number = 0; number < count; number++) {
    // two connections end one after the other, each with every second message
    const position = 1 + 2 * number % count + Math.floor(2 * number / count);
    backlog.pushEntry(new QueueEntry(heldMessage(place.pages, `${position}`), position));
  }
  const positions = new AskedSet([7, 25_000, 25_001, count]);
  const places = new Map<number, number>();
  const taken = backlog.take(positions, places).map(({ entry }) => entry!);
  assertEquals(new Set(taken.map(({ position }) => position)), new Set(positions));
  assertLess(positions.asked, 6 * 1024);
  for (const entry of taken) assert(backlog.putBack(entry, places.get(entry.position)!));
  const all: number[] = [];
  while (backlog.length > 0) {
    backlog.load({ count: 1000, bytes: Infinity }, ({ position }) => all.push(position));
  }
  assertEquals(all.slice(24_998, 25_002), [49_997, 49_999, 2, 4]);
  assertEquals(all.length, count);
});

Deno.test("FifoReadyList puts what other queues have too last without a copy, while memory is short", () => {
  const pages = new PagePool(0);
  const lists = Array.from({ length: 8 }, () => {
    return new FifoReadyList({ ...memoryStorage(), pages }, { inOrderOfReturn: true });
  });
  for (let position = 1; position <= 3000; position++) {
    const message = messageOf("x".repeat(1000));
    for (const list of lists) list.push(message, position, false);
    message.routed(pages);
  }
  const before = pages.bytes;
  for (const list of lists) list.putLast(takeAll(list));
  assertLessOrEqual(pages.bytes, before + 2 * PAGE_SIZE);
  for (const list of lists) {
    for (const { message } of takeAll(list)) message.release(pages);
  }
  assertLessOrEqual(pages.bytes, 2 * PAGE_SIZE);
});

/** A queue with very many messages that came back, and that the store has; it counts no returns as failures. */
function returned(settings: Partial<QueueSettings>): TestQueue {
  const place = new StoringPlace(0);
  const queue = new TestQueue({
    pages: place.pages,
    durability: place.durability,
    arguments: { "x-queue-type": "quorum" },
    settings: { ...NO_SETTINGS, ...settings },
    profile: { ...DROP_IN, nackCounts: false },
  });
  const placement = new Placement();
  const entries: QueueEntry[] = [];
  for (let number = 1; number <= 1200; number++) {
    const message = messageOf(`${number}`);
    placement.clear();
    queue.place(placement, message, true);
    encodeContentHead(message);
    queue.push(message, place.durability.store.append(message, placement));
    message.routed(place.pages);
    entries.push(queue.take()!);
  }
  queue.requeue(entries);
  return queue;
}

for (
  const [name, settings] of [
    ["puts last", {}],
    ["lets wait for another try", { retry: { type: "all", minMs: 1000, maxMs: 1000 } }],
  ] satisfies [string, Partial<QueueSettings>][]
) {
  Deno.test(`Queue of type quorum knows what came back of what it ${name}, also where it was looked at or could not be moved`, () => {
    const queue = returned(settings);
    const options = { after: 1180, limit: 10, bodyBytes: 10 };
    for (const { id, redelivered } of queue.browse(options)) assert(redelivered, `${id}`);
    assertEquals(queue.moveOut(new Set([1190]), () => false).count, 0);
    const told: unknown[] = [];
    queue.moveOut(new Set([1189, 1190]), ({ position, redelivered, acquiredCount }) => {
      told.push([position, redelivered, acquiredCount]);
      return true;
    });
    assertEquals(told, [[1189, true, 1], [1190, true, 1]]);
    queue.stop();
  });
}
