import { assertEquals } from "@std/assert";
import { type CoreTimes, parseCoreTimes, untilQuiet } from "../../bench/support/compare/quiet.ts";

Deno.test("a comparison waits until what a broker still does is done", async () => {
  const looks: CoreTimes[] = [
    { idle: 100, all: 200 },
    { idle: 120, all: 260 },
    { idle: 150, all: 320 },
    { idle: 207, all: 380 },
    { idle: 207, all: 440 },
  ];
  let looked = 0;
  await untilQuiet(() => looks[looked++]);
  assertEquals(looked, 4);
});

Deno.test("a machine that does not tell what it does is not waited for", async () => {
  let looked = 0;
  await untilQuiet(() => {
    looked++;
    return undefined;
  });
  assertEquals(looked, 1);
});

Deno.test("waiting for a disk is not idle time", () => {
  const stat = "cpu  10 1 20 300 40 5 6 7 0 0\ncpu0 5 0 10 150 20 2 3 3 0 0\n";
  assertEquals(parseCoreTimes(stat), { idle: 300, all: 389 });
  assertEquals(parseCoreTimes("nothing of the kind"), undefined);
});
