import { assert, assertEquals, assertLess } from "@std/assert";
import { loopRound } from "../../broker/amqp/turn.ts";
import type { Message } from "../../broker/message.ts";
import { PAGE_SIZE, type PageSpace } from "../../broker/pages.ts";
import { FifoReadyList } from "../../broker/queue/fifo_ready_list.ts";
import { PageMoves } from "../../broker/queue/page_moves.ts";
import { READS_AT_ONCE } from "../../broker/reading_turns.ts";
import { RandomValues } from "../amqp/random_values.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { standingTime } from "../support/standing_time.ts";
import { StoringPlace } from "./storing.ts";
import { bodyOf, messageOf } from "./support.ts";

/** A disk that knows how many pages lie on it. */
class CountedSpace implements PageSpace {
  readonly #space: PageSpace;
  readonly blocks = new Set<number>();

  constructor(space: PageSpace) {
    this.#space = space;
  }

  get takes(): boolean {
    return this.#space.takes;
  }

  write(bytes: Uint8Array, length: number): number {
    const block = this.#space.write(bytes, length);
    if (block > 0) this.blocks.add(block);
    return block;
  }

  read(block: number, bytes: Uint8Array): void {
    this.#space.read(block, bytes);
  }

  free(block: number): void {
    assert(this.blocks.delete(block), "it is freed once");
    this.#space.free(block);
  }
}

/** A place without memory, where what is left in pages moves. */
class MovingPlace extends StoringPlace {
  readonly space: CountedSpace;
  readonly clock = new ManualClock();
  readonly moves: PageMoves;
  #last = 0;

  constructor(budget = 0) {
    super(budget, true);
    this.space = new CountedSpace(this.pages.space!);
    this.pages.space = this.space;
    this.moves = new PageMoves(this.pages, this.clock);
  }

  /** Publishes a message to some lists and tells its position. */
  publish(body: string, ...lists: FifoReadyList[]): number {
    const message = messageOf(body);
    const position = ++this.#last;
    for (const list of lists) list.push(message, position, false);
    message.routed(this.pages);
    return position;
  }

  /** Waits until nothing has moved for a while. */
  async settle(): Promise<void> {
    using _time = standingTime(); // a slow machine would rest so often that nothing moves for long
    let { reads } = this.pages;
    for (let quiet = 0; quiet < 300; quiet++) {
      await loopRound();
      if (this.pages.reads !== reads) quiet = 0;
      reads = this.pages.reads;
    }
  }

  drain(list: FifoReadyList): string[] {
    const bodies: string[] = [];
    for (let entry = list.shift(); entry !== undefined; entry = list.shift()) {
      bodies.push(brief(bodyOf(entry.message)));
      entry.message.release(this.pages);
    }
    return bodies;
  }
}

/** A body without its filling. */
function brief(body: string): string {
  return body.replace(/x+$/, (filling) => `${filling.length}`);
}

/** Fills so many pages, each with a few messages for lists that stay and many for one that goes, and lets
 * those go. */
function fillAndEmpty(place: MovingPlace, pages: number, ...staying: FifoReadyList[]): string[] {
  const going = new FifoReadyList(place);
  const bodies: string[] = [];
  for (let index = 0; index < pages * 50; index++) {
    const body = `${index} `.padEnd(20_000, "x");
    if (index % 50 === 7) {
      bodies.push(brief(body));
      place.publish(body, ...staying);
    } else place.publish(body, going);
  }
  assertLess(pages * 0.8, place.space.blocks.size);
  going.drop(Infinity, () => {});
  return bodies;
}

Deno.test("what is left in many pages on disk moves together, a few pages a turn", async () => {
  using _time = standingTime(); // a slow machine would rest so often that nothing moves for long
  const place = new MovingPlace();
  const list = new FifoReadyList(place);
  const bodies = fillAndEmpty(place, 100, list);
  const onDisk = { ...list.onDisk };
  let most = 0;
  for (let quiet = 0; quiet < 300; quiet++) {
    const { reads } = place.pages;
    await loopRound();
    most = Math.max(most, place.pages.reads - reads);
    if (place.pages.reads > reads) quiet = 0;
  }
  assert(most > 0 && most < READS_AT_ONCE, `${most} reads in a turn`);
  // 100 messages of 20 kB, and the pages that are filled; so few that are nearly empty may stay
  assertLess(place.space.blocks.size, 2 + 2 + 16);
  assertEquals({ ...list.onDisk }, onDisk);
  assertEquals(place.drain(list), bodies);
  assertEquals([place.space.blocks.size, place.pages.keepers.size], [0, 0]);
});

Deno.test("what several queues share is still shared when it has moved", async () => {
  const place = new MovingPlace();
  const lists = Array.from({ length: 11 }, () => new FifoReadyList(place));
  const bodies = fillAndEmpty(place, 100, ...lists);
  await place.settle();
  assertLess(place.space.blocks.size, 2 + 2 + 16);
  for (const list of lists) assertEquals(place.drain(list), bodies);
  assertEquals(place.space.blocks.size, 0);
});

Deno.test("what is left in pages on disk comes back to memory when that has room", async () => {
  const place = new MovingPlace(10 * PAGE_SIZE);
  const first = new FifoReadyList(place);
  for (let count = 0; count < 600; count++) place.publish("x".repeat(20_000), first);
  const list = new FifoReadyList(place);
  const bodies = fillAndEmpty(place, 100, list);
  first.drop(Infinity, () => {});
  await place.settle();
  assertLess(place.space.blocks.size, 16);
  assertLess(list.onDisk.count, 16);
  assertLess(list.onDisk.bytes, 16 * 20_000);
  assertEquals(place.drain(list), bodies);
  assertEquals([list.onDisk.count, list.onDisk.bytes], [0, 0]);
});

Deno.test("pages that are well filled stay where they are", async () => {
  const place = new MovingPlace();
  const list = new FifoReadyList(place);
  const going = new FifoReadyList(place);
  for (let index = 0; index < 50 * 40; index++) {
    place.publish("x".repeat(20_000), index % 3 === 0 ? list : going);
  }
  going.drop(Infinity, () => {});
  const { reads } = place.pages;
  await place.settle();
  assertEquals(place.pages.reads, reads);
});

Deno.test("a few large messages that are gone leave pages nearly empty, however many small ones stay", async () => {
  const place = new MovingPlace();
  const list = new FifoReadyList(place);
  const going = new FifoReadyList(place);
  for (let index = 0; index < 17 * 40; index++) {
    place.publish("x".repeat(60_000), going);
    for (let count = 0; count < 3; count++) place.publish(`${index}.${count}`, list);
  }
  going.drop(Infinity, () => {});
  await place.settle();
  assertLess(place.space.blocks.size, 17);
  assertEquals(place.drain(list).length, 3 * 17 * 40);
});

Deno.test("small messages with large heads leave pages nearly empty as well when they are dropped", async () => {
  const place = new MovingPlace();
  const list = new FifoReadyList(place);
  const going = new FifoReadyList(place);
  for (let index = 0; index < 6000; index++) {
    const message = messageOf("x".repeat(100));
    // not that of the one before, so that none is shared
    message.properties = { headers: { number: index, text: "h".repeat(6000) } };
    (index % 50 === 0 ? list : going).push(message, index, false);
    message.routed(place.pages);
  }
  assertLess(25, place.space.blocks.size);
  going.drop(Infinity, () => {});
  await place.settle();
  assertLess(place.space.blocks.size, 17);
  assertEquals(place.drain(list).length, 120);
});

Deno.test("what cannot be read now moves later, and what is damaged stays until its turn comes", async () => {
  const place = new MovingPlace();
  const list = new FifoReadyList(place);
  place.harness.files.faults = { failReads: true };
  const bodies = fillAndEmpty(place, 40, list);
  await place.settle();
  assertLess(35, place.space.blocks.size);
  place.harness.files.faults = {};
  const file = place.harness.files.list().find((name) => name.endsWith(".spill"))!;
  place.harness.files.damage(file, 3 * PAGE_SIZE + 5, new Uint8Array([0xfe]));
  place.clock.advance(1000);
  await place.settle();
  assertLess(place.space.blocks.size, 17);
  const drained = place.drain(list);
  const lost = bodies.findIndex((body, index) => body !== drained[index]);
  assertEquals(drained, bodies.filter((_, index) => index !== lost));
  assertEquals([place.unreadable.length, place.space.blocks.size], [1, 0]);
});

Deno.test("a page that can never be read keeps no others from moving", async () => {
  const place = new MovingPlace();
  const list = new FifoReadyList(place);
  const failReadsAt = (name: string, position: number) =>
    name === "0000000001.spill" && position === PAGE_SIZE;
  place.harness.files.faults = { failReadsAt };
  for (let round = 0; round < 2; round++) {
    fillAndEmpty(place, 100, list);
    await place.settle();
    assertLess(place.space.blocks.size, 30);
  }
  place.harness.files.faults = {};
  assertEquals(place.drain(list).length, 200);
});

Deno.test("many pages that can never be read are tried again once a second", async () => {
  const place = new MovingPlace();
  const list = new FifoReadyList(place);
  place.harness.files.faults = { failReads: true };
  fillAndEmpty(place, 100, list);
  await place.settle();
  const { reads } = place.pages;
  for (let second = 0; second < 10; second++) {
    place.clock.advance(1000);
    await place.settle();
  }
  assertLess(place.pages.reads - reads, 10 * 8);
  assertLess(reads, place.pages.reads);
  place.moves.stop();
  assertEquals(place.clock.timers, 0);
  place.harness.files.faults = {};
  assertEquals(place.drain(list).length, 100);
});

Deno.test("small messages that many lists share take what they need where they went, beside large ones", async () => {
  const place = new MovingPlace();
  const large = new FifoReadyList(place);
  const going = new FifoReadyList(place);
  const sharing = Array.from({ length: 11 }, () => new FifoReadyList(place));
  for (let page = 0; page < 200; page++) {
    for (let count = 0; count < 10; count++) place.publish("x".repeat(30), ...sharing);
    for (let count = 0; count < 10; count++) place.publish("x".repeat(20_000), large);
    for (let count = 0; count < 41; count++) place.publish("x".repeat(20_000), going);
  }
  going.drop(Infinity, () => {});
  await place.settle();
  place.drain(large);
  await place.settle();
  assertLess(place.space.blocks.size, 17);
  for (const list of sharing) assertEquals(place.drain(list).length, 2000);
});

Deno.test("lists give each message back as it was, whatever moves meanwhile", async () => {
  // a slow machine would rest so often that little moves in the rounds that there are
  using _time = standingTime(0.1);
  let moved = 0;
  for (let seed = 1; seed <= 8; seed++) {
    const random = new RandomValues(seed);
    const place = new MovingPlace();
    const going = new FifoReadyList(place);
    const lists = Array.from({ length: 3 }, () => new FifoReadyList(place, { windowMax: 2 }));
    const models: Map<number, string>[] = lists.map(() => new Map());
    const take = (index: number, position: number, message: Message) => {
      assertEquals(brief(bodyOf(message)), models[index]!.get(position));
      models[index]!.delete(position);
      message.release(place.pages);
    };
    for (let step = 0; step < 150; step++) {
      for (let count = random.below(40); count > 0; count--) {
        place.publish("x".repeat(40_000), going);
        if (random.below(6) > 0) continue;
        const body = `${step} ${count} `.padEnd(random.pick([0, 10, 3000, 20_000, 65_000]), "x");
        const indexes = [0, 1, 2].filter(() => random.below(2) === 0);
        const position = place.publish(body, ...indexes.map((index) => lists[index]!));
        for (const index of indexes) models[index]!.set(position, brief(body));
      }
      if (random.below(25) === 0) place.drain(going);
      for (const [index, list] of lists.entries()) {
        for (let count = random.below(3); count > 0 && list.length > 0; count--) {
          const { position, message } = list.shift()!;
          assertEquals(position, [...models[index]!.keys()][0]);
          take(index, position, message);
        }
        if (random.below(50) > 0) continue;
        const some = new Set([...models[index]!.keys()].filter(() => random.below(3) > 0));
        for (const { position, entry } of some.size === 0 ? [] : list.take(some).messages) {
          take(index, position, entry!.message);
        }
      }
      const { reads } = place.pages;
      for (let rounds = random.below(100); rounds > 0; rounds--) await loopRound();
      if (place.pages.reads > reads) moved++;
    }
    place.drain(going);
    for (const [index, list] of lists.entries()) {
      assertEquals(list.length, models[index]!.size);
      assertEquals(place.drain(list), [...models[index]!.values()]);
    }
    await place.settle();
    assertEquals([place.space.blocks.size, place.pages.keepers.size], [0, 0]);
    assertLess(place.pages.bytes, 3 * PAGE_SIZE, "nothing holds a page or a buffer any more");
  }
  assertLess(20, moved, "something moved at all");
});
