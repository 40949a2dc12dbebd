import { assertEquals } from "@std/assert";
import { doBatch } from "../../broker/amqp/batches.ts";
import { systemClock } from "../../broker/amqp/clock.ts";

/** Longer than batches may go on. */
const LONG_MS = 10;

function spin(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

/** Resolves when all batches are done that wait now. */
function batches(): Promise<void> {
  return new Promise((resolve) => doBatch(resolve));
}

Deno.test("doBatch() does one at once, and those that come after a long one in their order", async () => {
  await batches();
  const done: string[] = [];
  doBatch(() => {
    spin(LONG_MS);
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

Deno.test("a timer that is cancelled while it waits for its turn does not go off", async () => {
  const done: string[] = [];
  await new Promise<void>((resolve) => {
    systemClock.after(0, () => {
      spin(LONG_MS);
      done.push("long");
      cancel();
    });
    const cancel = systemClock.after(0, () => done.push("cancelled"));
    systemClock.after(0, () => {
      done.push("next");
      resolve();
    });
  });
  assertEquals(done, ["long", "next"]);
});
