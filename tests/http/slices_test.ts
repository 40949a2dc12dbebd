import { assertEquals, assertLess, assertRejects } from "@std/assert";
import { jsonList } from "../../broker/http/json_stream.ts";
import { gather, Slices } from "../../broker/http/slices.ts";
import { inSlices } from "../../broker/operator/slices.ts";
import { eachRound } from "../support/each_round.ts";
import { standingTime } from "../support/standing_time.ts";

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

function* spun(spin: () => boolean): Generator<void> {
  for (let step = 0; step < 400; step++) yield void spin();
}

for (
  const [what, work] of [
    ["lists", (spin: () => boolean) => gather(Array(400).keys(), spin)],
    ["changes", (spin: () => boolean) => inSlices(spun(spin), { check() {} })],
  ] as const
) {
  Deno.test(`a hundred long ${what} are no long turn`, async () => {
    using time = standingTime();
    let [inTurn, most] = [0, 0];
    using _turns = eachRound(() => inTurn = 0);
    // counted, not measured: a machine that is busy elsewhere makes a turn long, but puts no more into it
    const spin = () => {
      most = Math.max(most, ++inTurn);
      time.pass(0.05);
      return true;
    };
    // each of them is 20 ms of work: a round of two milliseconds of each would be four thousand of these
    await Promise.all(Array.from({ length: 100 }, () => work(spin)));
    assertLess(most, 1000);
  });
}

Deno.test("a list that cannot be told is over, as one that was", async () => {
  const ended: string[] = [];
  const describe = (row: number) => {
    if (row === 2) throw new Error("a bug");
    return row;
  };
  const told = new Response(jsonList([1, 2, 3], describe, () => ended.push("failed")));
  await assertRejects(() => told.text(), Error, "a bug");
  assertEquals(ended, ["failed"]);
  assertEquals(await new Response(jsonList([1], describe, () => ended.push("told"))).json(), [1]);
  assertEquals(ended, ["failed", "told"]);
});
