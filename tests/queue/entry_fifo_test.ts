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
        assertEquals(fifo.take(wanted).map((entry) => entry.position), [...wanted]);
        model = model.filter((entry) => !wanted.has(entry.position));
      }
      if (random() < 0.1) assertEquals(positions(fifo), model.map((entry) => entry.position));
    }
    while (model.length > 0) assertEquals(fifo.shift() === model.shift(), true, `seed ${seed}`);
    assertEquals([fifo.shift(), fifo.peek(), fifo.length], [undefined, undefined, 0]);
  }
});
