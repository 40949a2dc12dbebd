import { assertEquals, assertLess } from "@std/assert";
import { FirstOnes } from "../../broker/queue/waiting.ts";

const COUNT = 10_000;

const upwards = Array.from({ length: COUNT }, (_, at) => at + 1);
const mixed = upwards.map((position) => position * 7919 % (COUNT + 7));

for (
  const [order, positions] of [
    ["upwards", upwards],
    ["downwards", upwards.toReversed()],
    ["in no order", mixed],
  ] as const
) {
  Deno.test(`FirstOnes finds the first ones of those that come ${order}`, () => {
    const sorted = positions.toSorted((one, other) => one - other);
    for (const after of [-1, 500, COUNT - 3, COUNT + 7]) {
      for (const count of [0, 1, 100, 2 * COUNT]) {
        const first = new FirstOnes<{ readonly position: number }>(after, count);
        for (const position of positions) if (first.wants(position)) first.add({ position });
        assertEquals(
          first.found().map(({ position }) => position),
          sorted.filter((position) => position > after).slice(0, count),
        );
      }
    }
  });
}

Deno.test("FirstOnes wants few of those that come in order", () => {
  const first = new FirstOnes<{ readonly position: number }>(0, 100);
  let wanted = 0;
  for (const position of upwards) {
    if (!first.wants(position)) continue;
    first.add({ position });
    wanted++;
  }
  assertLess(wanted, 300);
});
