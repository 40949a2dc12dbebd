import { assertEquals } from "@std/assert";
import { Inbox, type Recipient } from "../../client/inbox.ts";
import { endOfTurn } from "../support/end_of_turn.ts";

Deno.test("Inbox hands out all in order, each to its recipient, also what comes meanwhile", async () => {
  const seen: string[] = [];
  const expected: string[] = [];
  const inbox = new Inbox({ collectAcks() {} });
  const { promise: emptied, resolve } = Promise.withResolvers<void>();
  let left = 5000;
  let number = 0;
  const recipients: Recipient<number>[] = ["a", "b", "c"].map((name) => ({
    take: (item) => {
      seen.push(`${name}${item}`);
      // as a callback that publishes, of which sometimes more comes than was taken
      for (let more = item % 3; more > 0 && left > 0; more--) push();
      if (left === 0 && inbox.size === 0) resolve();
    },
  }));
  const push = () => {
    left--;
    const item = ++number;
    const at = item % 7 % 3;
    expected.push(`${"abc"[at]}${item}`);
    inbox.push(recipients[at]!, item);
  };
  for (let count = 0; count < 700; count++) push();
  assertEquals([inbox.size, seen], [700, []], "nothing within the turn");
  await emptied;
  assertEquals(seen, expected);
});

Deno.test("Inbox that was emptied begins anew, however much was in it", async () => {
  for (const count of [1, 7, 8, 9, 23, 24, 25, 300, 1, 2000, 3]) {
    const inbox = new Inbox({ collectAcks() {} });
    for (let round = 0; round < 3; round++) {
      const seen: number[] = [];
      const recipient = { take: (item: number) => seen.push(item) };
      for (let item = 0; item < count; item++) inbox.push(recipient, item);
      while (inbox.size > 0) await endOfTurn();
      assertEquals(seen, Array.from({ length: count }, (_, index) => index));
    }
  }
});
