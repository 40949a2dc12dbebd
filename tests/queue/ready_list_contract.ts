import { assertEquals, AssertionError } from "@std/assert";
import { QueueEntry } from "../../broker/queue/entry.ts";
import type { ReadyList } from "../../broker/queue/ready_list.ts";
import { forSeeds } from "../amqp/random_values.ts";
import { messageOf } from "./support.ts";

/** So much is asked of a list for each seed. */
const STEPS = 500;

/** Registers what holds for every {@linkcode ReadyList}, for one of its implementations. */
export function testReadyList(name: string, create: () => ReadyList): void {
  Deno.test(`${name} gives out what came first first`, () => {
    const list = create();
    assertEquals([list.length, list.peek(), list.shift()], [0, undefined, undefined]);
    push(list, 1, 5);
    assertEquals([list.length, list.peek()?.position], [5, 1]);
    assertEquals(positions(shift(list, 2)), [1, 2]);
    push(list, 6, 6);
    assertEquals(positions(shift(list, 10)), [3, 4, 5, 6]);
    assertEquals([list.length, list.peek()], [0, undefined]);
  });

  Deno.test(`${name} gives an entry that is put back its old place`, () => {
    const list = create();
    push(list, 1, 5);
    const [first, second, third] = shift(list, 3);
    list.putBack([second!]);
    assertEquals([list.length, list.peek()?.position], [3, 2]);
    list.putBack([third!]);
    list.putBack([first!]);
    assertEquals(positions(shift(list, 10)), [1, 2, 3, 4, 5]);
  });

  Deno.test(`${name} merges entries put back together with those put back before`, () => {
    const list = create();
    push(list, 1, 10);
    const taken = shift(list, 9);
    list.putBack(pick(taken, 2, 5, 8));
    list.putBack([]);
    list.putBack(pick(taken, 1, 3, 6, 9));
    list.putBack(pick(taken, 4, 7));
    assertEquals(list.length, 10);
    assertEquals(positions(shift(list, 20)), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  Deno.test(`${name} puts entries back that are older and newer than all others there`, () => {
    const list = create();
    push(list, 1, 6);
    const taken = shift(list, 6);
    list.putBack(pick(taken, 3, 4));
    list.putBack(pick(taken, 1, 2, 5, 6));
    assertEquals(positions(shift(list, 10)), [1, 2, 3, 4, 5, 6]);
  });

  Deno.test(`${name} holds any number and gives the room back`, () => {
    const list = create();
    for (const count of [1, 15, 16, 17, 31, 33, 1000, 10_000]) {
      push(list, 1, count);
      assertEquals(list.length, count);
      // some go and come, so that a ring would wrap
      const early = shift(list, count >> 1);
      push(list, count + 1, count + early.length);
      const rest = shift(list, Infinity);
      assertEquals(rest.length, count);
      assertEquals(
        [...early, ...rest].every(({ position }, index) => position === index + 1),
        true,
      );
    }
  });

  Deno.test(`${name} puts back what was taken out of the middle where it was`, () => {
    forSeeds(40, (random) => {
      const list = create();
      let model: number[] = [];
      let last = 0;
      const add = (count: number) => {
        for (; count > 0; count--) {
          list.push(messageOf(""), ++last, false);
          model.push(last);
        }
      };
      for (let step = 0; step < 20; step++) {
        add(random.below(12));
        const out = shift(list, random.below(5));
        list.putBack(out.filter(() => random.below(2) === 0));
        model = positionsIn(list);
        const some = new Set(model.filter(() => random.below(3) === 0));
        if (some.size === 0) continue;
        const { messages, putBack } = list.take(some);
        assertEquals(messages.map(({ position }) => position).sort(byNumber), [...some]);
        model = model.filter((position) => !some.has(position));
        // some go and others come meanwhile
        model = model.slice(shift(list, random.pick([0, 0, 1, 9])).length);
        add(random.below(3));
        const stay = messages.filter(() => random.below(3) > 0)
          .map(({ position, entry }) => entry ?? new QueueEntry(messageOf(""), position, true))
          .sort((one, other) => one.position - other.position);
        putBack(stay);
        model = [...model, ...positions(stay)].sort(byNumber);
        assertEquals([list.length, list.peek()?.position], [model.length, model[0]]);
      }
      assertEquals(positions(shift(list, Infinity)), model);
    });
  });

  Deno.test(`${name} puts back first what would have gone out next`, () => {
    const list = create();
    push(list, 1, 9);
    const taken = shift(list, 6);
    list.putBack(taken.slice(3));
    list.putFirst(taken.slice(0, 3));
    assertEquals(positions(shift(list, 10)), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  Deno.test(`${name} does what a sorted array does, whatever is asked of it`, () => {
    forSeeds(60, (random) => {
      const list = create();
      let model: number[] = [];
      // by position, since to make sets of them at each step takes most of the time: which are in the model,
      // and at which step each was last seen as an object
      const waiting = new Uint8Array(STEPS * 40);
      const seen = new Int32Array(STEPS * 40).fill(-1);
      const out: QueueEntry[] = [];
      let last = 0;
      for (let step = 0; step < STEPS; step++) {
        const choice = random.below(10);
        if (choice < random.pick([2, 6])) {
          for (let count = random.below(random.pick([2, 40])); count > 0; count--) {
            list.push(messageOf(""), ++last, false);
            model.push(last);
            waiting[last] = 1;
          }
        } else if (choice < 8) {
          for (let count = random.below(random.pick([2, 40])); count > 0; count--) {
            assertEquals(list.peek()?.position, model[0]);
            const entry = list.shift();
            assertEquals(entry?.position, model.shift());
            if (entry !== undefined) {
              out.push(entry);
              waiting[entry.position] = 0;
            }
          }
        } else {
          const back = out.filter(() => random.below(3) === 0)
            .sort((a, b) => a.position - b.position);
          for (const entry of back) out.splice(out.indexOf(entry), 1);
          list.putBack(back);
          model = [...model, ...positions(back)].sort((a, b) => a - b);
          for (const { position } of back) waiting[position] = 1;
        }
        assertEquals(list.length, model.length);
        let objects = 0;
        for (const { position } of list.heldEntries()) {
          if (seen[position] === step || waiting[position] === 0) {
            throw new AssertionError(`${position} is twice, or not there, after step ${step}`);
          }
          seen[position] = step;
          objects++;
        }
        assertEquals(objects, list.objects);
      }
      assertEquals(positions(shift(list, Infinity)), model);
    });
  });
}

function push(list: ReadyList, first: number, last: number): void {
  for (let position = first; position <= last; position++) {
    list.push(messageOf(""), position, false);
  }
}

function positionsIn(list: ReadyList): number[] {
  return list.browse(-1, Infinity).map(({ position }) => position);
}

function byNumber(one: number, other: number): number {
  return one - other;
}

function shift(list: ReadyList, most: number): QueueEntry[] {
  const entries: QueueEntry[] = [];
  while (entries.length < most) {
    const entry = list.shift();
    if (entry === undefined) break;
    entries.push(entry);
  }
  return entries;
}

function pick(entries: readonly QueueEntry[], ...wanted: readonly number[]): QueueEntry[] {
  return wanted.map((position) => entries.find((entry) => entry.position === position)!);
}

function positions(entries: readonly QueueEntry[]): number[] {
  return entries.map(({ position }) => position);
}
