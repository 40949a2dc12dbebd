import { assertEquals } from "@std/assert";
import { doBatch } from "../../broker/amqp/batches.ts";
import { systemClock } from "../../broker/amqp/clock.ts";
import { DeadlineTimer } from "../../broker/queue/deadline_timer.ts";
import { standingTime } from "../support/standing_time.ts";

/** Longer than batches may go on. */
const LONG_MS = 10;
/** Longer than it counts how long they took. */
const LONG_AGO_MS = 1000;

function spin(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

/** Resolves when all batches are done that wait now. */
function batches(): Promise<void> {
  return new Promise((resolve) => doBatch(resolve));
}

Deno.test("doBatch() does one at once, and those that come after a long one in their order", async () => {
  using time = standingTime();
  await batches();
  time.pass(LONG_AGO_MS);
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

Deno.test("a deadline's owner that ends while it waits for its turn is not called", async () => {
  await batches();
  const done: string[] = [];
  await new Promise<void>((resolve) => {
    const owner = (onDue: () => void) => new DeadlineTimer(systemClock, onDue);
    const timers = [
      owner(() => {
        spin(LONG_MS);
        done.push("long");
        timers[1]!.stop();
        // it is due already
        timers[2]!.watch(systemClock.now() - 1);
      }),
      owner(() => done.push("stopped")),
      owner(() => {
        done.push("next");
        resolve();
      }),
    ];
    const deadline = systemClock.now() + 1;
    for (const timer of timers) timer.watch(deadline);
  });
  assertEquals(done, ["long", "next"]);
});
