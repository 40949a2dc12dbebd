import { assertEquals, assertLess } from "@std/assert";
import { gather, Slices } from "../../broker/http/slices.ts";

Deno.test("Slices go on one after another, however many rest", async () => {
  const seen: string[] = [];
  const work = async (name: string) => {
    const slices = new Slices();
    for (let part = 0; part < 3; part++) {
      await slices.rest();
      seen.push(`${name}${part}`);
      // what comes at once with it would be in the same turn
      await Promise.resolve();
      seen.push("-");
    }
  };
  await Promise.all(["a", "b", "c"].map(work));
  const turns = ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"];
  assertEquals(seen, turns.flatMap((name) => [name, "-"]));
});

Deno.test("a hundred long works are no long turn", async () => {
  let isOver = false;
  let longest = 0;
  const watch = (async () => {
    for (let last = performance.now(); !isOver;) {
      await new Promise((resolve) => setTimeout(resolve));
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }
  })();
  const spin = () => {
    for (const end = performance.now() + 0.05; performance.now() < end;);
    return true;
  };
  // each of them is 20 ms of work: in one round of two milliseconds each it would be two hundred
  await Promise.all(Array.from({ length: 100 }, () => gather(Array(400).keys(), spin)));
  isOver = true;
  await watch;
  assertLess(longest, 100);
});
