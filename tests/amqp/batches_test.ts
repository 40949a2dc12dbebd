import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { doBatch } from "../../broker/amqp/batches.ts";
import { DeadlineTimer } from "../../broker/queue/deadline_timer.ts";
import { heldMemory } from "../support/heap.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { freshTurn } from "../support/standing_time.ts";

/** Longer than batches may go on. */
const LONG_MS = 10;

/** Resolves when all batches are done that wait now. */
function batches(): Promise<void> {
  return new Promise((resolve) => doBatch(resolve));
}

Deno.test("doBatch() does one at once, and those that come after a long one in their order", async () => {
  using time = await freshTurn();
  const done: string[] = [];
  doBatch(() => {
    time.pass(LONG_MS);
    done.push("long");
  });
  doBatch(() => {
    done.push("next");
    doBatch(() => done.push("its own"));
  });
  doBatch(() => done.push("last"));
  assertEquals(done, ["long"]);
  await batches();
  await batches();
  assertEquals(done, ["long", "next", "last", "its own"]);
});

Deno.test("batches that are done are let go, though others wait always", async () => {
  using time = await freshTurn();
  const [count, size] = [1000, 64 * 1024];
  const before = heldMemory();
  let begun = 0;
  let held = 0;
  const add = () => {
    const octets = new Uint8Array(size);
    begun++;
    doBatch(() => {
      if (begun < count && octets.length > 0) add();
      else held = Math.max(held, heldMemory() - before);
    });
  };
  doBatch(() => time.pass(LONG_MS));
  for (let one = 0; one < 2; one++) add();
  while (begun < count) await batches();
  await batches();
  assertGreater(held, 0);
  assertLess(held, count * size / 4);
});

Deno.test("a deadline's owner that ends while it waits for its turn is not called", async () => {
  using time = await freshTurn();
  const clock = Object.assign(new ManualClock(), { inTurn: doBatch });
  const done: string[] = [];
  const owner = (onDue: () => void) => new DeadlineTimer(clock, onDue);
  const timers = [
    owner(() => {
      done.push("first");
      timers[1]!.stop();
      // it is due already
      timers[2]!.watch(clock.now() - 1);
    }),
    owner(() => done.push("stopped")),
    owner(() => done.push("next")),
  ];
  for (const timer of timers) timer.watch(10);
  doBatch(() => time.pass(LONG_MS));
  clock.advance(10);
  assertEquals(done, [], "others took long just now");
  await batches();
  clock.advance(10);
  await batches();
  assertEquals(done, ["first", "next"]);
  assertEquals(clock.timers, 0);
});
