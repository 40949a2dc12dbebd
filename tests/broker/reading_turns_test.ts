import { assertEquals } from "@std/assert";
import { loopRound } from "../../broker/amqp/turn.ts";
import { ReadingTurns, READS_AT_ONCE } from "../../broker/reading_turns.ts";

Deno.test("ReadingTurns let so many pages be read until the loop has gone round", async () => {
  const turns = new ReadingTurns();
  for (let count = 0; count < READS_AT_ONCE; count++) {
    assertEquals(turns.open, true);
    turns.count();
  }
  assertEquals(turns.open, false);
  // one who must not wait
  turns.count();
  await loopRound();
  await loopRound();
  assertEquals(turns.open, true);
});

Deno.test("ReadingTurns serve those who wait one after another, and who waits again comes last", async () => {
  const turns = new ReadingTurns();
  const served: string[] = [];
  const work = (name: string, pages: number) => {
    turns.wait(() => {
      served.push(name);
      for (; pages > 0 && turns.open; pages--) turns.count();
      if (pages > 0) work(name, pages);
    });
  };
  work("large", 3 * READS_AT_ONCE);
  work("small", 2);
  work("other", READS_AT_ONCE);
  assertEquals(served, [], "not within the call");
  while (served.length < 7) await loopRound();
  // what `small` left was for `other`, which then waits for the rest
  assertEquals(served.join(), "large,small,other,large,other,large,large");
});
