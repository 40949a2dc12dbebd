import { assertEquals } from "@std/assert";
import { type CoreTimes, parseCoreTimes, untilQuiet } from "../../bench/support/compare/quiet.ts";

/** Looks of four cores, of which so many are busy from one to the next. */
function looksOf(...busy: readonly number[]): CoreTimes[] {
  let idle = 0;
  return [0, ...busy].map((cores, index) => {
    idle += index === 0 ? 0 : (4 - cores) * 100;
    return { cores: 4, idle, all: index * 400 };
  });
}

Deno.test("a comparison waits until what a broker still does is done", async () => {
  const looks = looksOf(1, 0.5, 0.1, 1);
  let looked = 0;
  const isIdle = await untilQuiet(() => looks[looked++]);
  assertEquals([looked, isIdle], [4, true]);
});

Deno.test("a machine that does not tell what it does is not waited for", async () => {
  let looked = 0;
  const isIdle = await untilQuiet(() => {
    looked++;
    return undefined;
  });
  assertEquals([looked, isIdle], [1, true]);
});

Deno.test("waiting for a disk is not idle time, and what a host takes is no time", () => {
  const stat = "cpu  10 1 20 300 40 5 6 7 8 0\ncpu0 5 0 10 150 20 2 3 3 0 0\ncpu1 5 1 10 150 20\n";
  assertEquals(parseCoreTimes(stat), { cores: 2, idle: 300, all: 382 });
  assertEquals(parseCoreTimes("nothing of the kind"), undefined);
});
