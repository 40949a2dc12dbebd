import { assertEquals, assertLessOrEqual } from "@std/assert";
import { pollSockets } from "../../broker/amqp/turn.ts";
import { Dying } from "../../broker/queue/dying.ts";
import { QueueEntry } from "../../broker/queue/entry.ts";
import type { DeathReason } from "../../broker/queue/queue.ts";
import { NO_SETTINGS } from "../../broker/queue/queue_settings.ts";
import type { QueueStorage } from "../../broker/queue/storage.ts";
import { bodyOf, heldMessage, memoryStorage, TestQueue } from "./support.ts";
import { StoringPlace } from "./storing.ts";

const REASONS: readonly DeathReason[] = ["rejected", "expired", "delivery_limit", "maxlen"];

/** Adds messages of which some die of the same in a row. */
function fill(
  dying: Dying,
  { pages }: QueueStorage,
  first: number,
  last: number,
  store?: StoringPlace,
) {
  const told: string[] = [];
  for (let number = first; number <= last; number++) {
    const reason = REASONS[(number >> 3) % 4 * (number % 5) % 4]!;
    const message = heldMessage(pages, `body ${number};`);
    // not in the order in which they came
    const position = number % 2 === 0 ? number : 10_000 - number;
    store?.append(message, position);
    dying.add(new QueueEntry(message, position, store !== undefined), reason);
    told.push(`body ${number}; ${reason}`);
  }
  return told;
}

for (const where of ["memory", "the store"]) {
  Deno.test(`Dying keeps in ${where} what has died, and of what, in order, while more die`, () => {
    const store = where === "memory" ? undefined : new StoringPlace();
    const place = store ?? memoryStorage();
    const dying = new Dying(place, () => {});
    const told = fill(dying, place, 1, 1500, store);
    assertEquals([dying.length, [...dying.heldEntries()].length], [1500, 0]);
    const found: string[] = [];
    const take = () =>
      dying.take(({ message, stored }, reason) => {
        found.push(`${bodyOf(message)} ${reason}`);
        assertEquals(stored, store !== undefined);
        message.release(place.pages);
      });
    while (found.length < 1000) assertEquals(take(), true);
    told.push(...fill(dying, place, 1501, 2000, store));
    while (dying.length > 0) assertEquals(take(), true);
    assertEquals(found, told);
    const more = fill(dying, place, 2001, 2400, store);
    assertEquals(dying.length, more.length);
    const drop = dying.dropping();
    assertEquals([drop(300), dying.length, drop(300), dying.length], [false, 100, true, 0]);
    for (let id = 1; id < 3; id++) assertEquals(place.pages.page(id)?.messages ?? 0, 0);
  });
}

Deno.test("Dying passes over what is damaged, and still knows of what the others died", () => {
  const store = new StoringPlace();
  let lost = 0;
  const dying = new Dying(store, () => lost++);
  const told = fill(dying, store, 1, 100, store);
  store.harness.settle();
  const { files } = store.harness;
  const [file] = files.list().filter((name) => name.endsWith(".segment"));
  const text = new TextDecoder("latin1").decode(files.contents(file!));
  files.damage(file!, text.indexOf("body 50;"), new Uint8Array([0x2d]));
  const found: string[] = [];
  while (dying.length > 0) {
    dying.take(({ message }, reason) => found.push(`${bodyOf(message)} ${reason}`));
  }
  assertEquals(found, told.filter((each) => !each.startsWith("body 50;")));
  assertEquals([lost, store.unreadable], [1, [50]]);
});

Deno.test("Dying tells once of a damaged page on disk, and gives what was in others", () => {
  const place = new StoringPlace(0, true);
  let lost = 0;
  const dying = new Dying(place, () => lost++);
  const count = 40;
  for (let position = 1; position <= count; position++) {
    const body = `${position} `.padEnd(60_000, "x");
    dying.add(new QueueEntry(heldMessage(place.pages, body), position), "rejected");
  }
  const { files } = place.harness;
  const spill = files.list().find((name) => name.endsWith(".spill"))!;
  files.damage(spill, 5, new Uint8Array([0xff, 0xff]));
  const found: string[] = [];
  while (dying.length > 0) {
    dying.take(({ message }) => {
      found.push(bodyOf(message).split(" ")[0]!);
      message.release(place.pages);
    });
  }
  assertEquals([found.length + lost, found.at(-1)], [count, `${count}`]);
  assertEquals([lost > 1, place.unreadable.length], [true, 1]);
});

Deno.test("Queue takes as much as before once all that it kept is gone, though some of it was damaged", async () => {
  const place = new StoringPlace(0, true);
  let isFull = true;
  let told = 0;
  const maxLengthBytes = 10_000_000;
  const queue = new TestQueue({
    arguments: { "x-queue-type": "quorum" },
    pages: place.pages,
    settings: {
      ...NO_SETTINGS,
      ...{ maxLengthBytes, overflow: "reject-publish" },
      ...{ deadLetterExchange: "", deadLetterAtLeastOnce: true },
    },
    mustKeepDead: () => isFull,
    onDeath: (queue, entry) => queue.bury(entry),
    onUnreadable: () => told++,
  });
  for (let number = 1; number <= 40; number++) {
    queue.publish("".padEnd(number < 20 ? 60_000 : 100, "x"));
    queue.reject(queue.take()!);
  }
  assertEquals([queue.dyingCount, queue.refuses(maxLengthBytes)], [40, true]);
  const { files } = place.harness;
  const spill = files.list().find((name) => name.endsWith(".spill"))!;
  files.damage(spill, 5, new Uint8Array([0xff, 0xff]));
  isFull = false;
  queue.buryOn();
  for (let turn = 0; queue.dyingCount > 0 && turn < 40; turn++) await pollSockets();
  assertEquals(told, 1);
  assertEquals([queue.dyingCount, queue.refuses(maxLengthBytes)], [0, false]);
  assertEquals(queue.refuses(maxLengthBytes + 1), true);
});

Deno.test("Dying has read what it hands on before anybody who takes it reads something else", () => {
  const store = new StoringPlace();
  const dying = new Dying(store, () => {});
  const told = fill(dying, store, 1, 100, store);
  store.harness.settle();
  const found: string[] = [];
  while (dying.length > 0) {
    dying.take(({ message }, reason) => {
      found.push(`${bodyOf(message)} ${reason}`);
      // as a queue does that it is published to, and that is full
      store.harness.store.readMany(store.durability.stored, [98, 100, 9901, 9903], () => {});
    });
  }
  assertEquals([found, store.unreadable], [told, []]);
});

Deno.test("Queue hands on what it kept that has died, few at a time", async () => {
  let isFull = true;
  const dead: string[] = [];
  const settings = { ...NO_SETTINGS, deadLetterExchange: "dlx", deadLetterAtLeastOnce: true };
  const queue = new TestQueue({
    arguments: { "x-queue-type": "quorum" },
    settings,
    mustKeepDead: () => isFull,
    onDeath: (from, entry) => {
      dead.push(bodyOf(entry.message));
      from.bury(entry);
    },
  });
  const bodies = Array.from({ length: 1000 }, (_, number) => `${number}`);
  queue.publish(...bodies);
  for (const _ of bodies) queue.reject(queue.take()!);
  assertEquals([dead.length, queue.dyingCount], [0, bodies.length]);
  isFull = false;
  queue.buryOn();
  // each may have others published that wait
  assertLessOrEqual(dead.length, 100);
  for (let turn = 0; dead.length < bodies.length && turn < bodies.length; turn++) {
    await pollSockets();
  }
  assertEquals([dead, queue.dyingCount], [bodies, 0]);
});
