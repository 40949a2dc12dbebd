import { assertEquals } from "@std/assert";
import { EntryFifo } from "../../broker/queue/entry_fifo.ts";
import type { QueueEntry } from "../../broker/queue/entry.ts";
import { seededRandom } from "../../broker/testing/simulated_file_system.ts";
import { entryAt } from "./support.ts";

function positions(fifo: EntryFifo): number[] {
  const found: number[] = [];
  for (const { position } of fifo.values()) found.push(position);
  return found;
}

Deno.test("EntryFifo does as an array does, empty, short and long", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const fifo = new EntryFifo();
    let model: QueueEntry[] = [];
    let position = 0;
    for (let step = 0; step < 200; step++) {
      // it grows to a few chunks and is emptied again and again
      const pushes = Math.floor(random() * (random() < 0.1 ? 1000 : 20));
      for (let count = 0; count < pushes; count++) {
        const entry = entryAt(++position);
        fifo.push(entry);
        model.push(entry);
      }
      const shifts = Math.floor(random() * (random() < 0.3 ? model.length + 3 : 20));
      for (let count = 0; count < shifts; count++) {
        assertEquals(fifo.peek() === model[0], true, `seed ${seed}`);
        assertEquals(fifo.shift() === model.shift(), true, `seed ${seed}`);
      }
      assertEquals(fifo.length, model.length, `seed ${seed}`);
      if (random() < 0.1) {
        const wanted = new Set(model.filter(() => random() < 0.2).map((entry) => entry.position));
        const order = model;
        const { entries, putBack } = fifo.take(wanted);
        assertEquals(entries.map((entry) => entry.position), [...wanted]);
        model = model.filter((entry) => !wanted.has(entry.position));
        assertEquals([fifo.length, fifo.peek() === model[0]], [model.length, true], `seed ${seed}`);
        // some go and others come meanwhile
        const gone = Math.floor(random() * (random() < 0.3 ? model.length + 1 : 3));
        for (let count = 0; count < gone; count++) fifo.shift();
        model.splice(0, gone);
        const come = Array.from({ length: Math.floor(random() * 9) }, () => entryAt(++position));
        for (const entry of come) fifo.push(entry);
        const back = new Set(entries.filter(() => random() < 0.5));
        putBack(new Set([...back, ...come]));
        const stay = new Set([...model, ...back]);
        model = order.filter((entry) => stay.has(entry));
        model.push(...come);
      }
      if (random() < 0.1) {
        const first = Array.from({ length: Math.floor(random() * 9) }, () => entryAt(0));
        fifo.putFirst(first);
        model.unshift(...first);
        while (model[0]?.position === 0) {
          assertEquals(fifo.shift() === model.shift(), true, `seed ${seed}`);
        }
      }
      if (random() < 0.1) {
        // places between the positions of others
        const some = model.filter(() => random() < 0.1)
          .map((entry) => entryAt(entry.position - random() / 2))
          .sort((one, other) => one.position - other.position);
        fifo.insert(some);
        for (const entry of some) {
          const at = model.findIndex((other) => other.position > entry.position);
          model.splice(at < 0 ? model.length : at, 0, entry);
        }
      }
      if (random() < 0.1) assertEquals(positions(fifo), model.map((entry) => entry.position));
    }
    while (model.length > 0) assertEquals(fifo.shift() === model.shift(), true, `seed ${seed}`);
    assertEquals([fifo.shift(), fifo.peek(), fifo.length], [undefined, undefined, 0]);
  }
});
