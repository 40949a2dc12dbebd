import { assertEquals, assertStrictEquals } from "@std/assert";
import { systemClock } from "../../broker/amqp/clock.ts";
import type { Steps } from "../../broker/amqp/long_work.ts";
import { BrokerEvents } from "../../broker/events.ts";
import { Background } from "../../broker/vhost/background.ts";

const BUG = new Error("Cannot go on");
/** What no slice has room for after it. */
const A_SLICE = 512;

function start() {
  const errors: unknown[] = [];
  const events = new BrokerEvents(systemClock, () => {});
  const background = new Background(events, (error) => errors.push(error));
  return { background, errors, events };
}

/** Work of so many slices; the last of them fails, if it is to. */
function* work(slices: number, onSlice: (left: number) => void, fails = false): Steps {
  while (slices-- > 0) {
    onSlice(slices);
    if (fails && slices === 0) throw BUG;
    yield A_SLICE;
  }
}

Deno.test("Background does what is little at once, and what is much in slices", async () => {
  const { background, errors } = start();
  let calls = 0;
  background.begin(work(0, () => {}), () => calls++);
  assertEquals(calls, 1);
  let left = 4;
  const done = new Promise<unknown>((resolve) =>
    background.begin(work(4, (slices) => left = slices), resolve)
  );
  assertEquals(left, 3);
  assertEquals([await done, left, errors], [undefined, 0, []]);
});

for (const slices of [1, 4]) {
  Deno.test(`Background tells whoever waits, and the log, what went wrong in slice ${slices}`, async () => {
    const { background, errors } = start();
    const outcome = await new Promise<unknown>((resolve) =>
      background.begin(work(slices, () => {}, true), resolve)
    );
    assertStrictEquals(outcome, BUG);
    assertEquals(errors, [BUG]);
  });
}

Deno.test("Background.finish() does all that is left at once, what goes wrong included", async () => {
  const { background, errors } = start();
  const left = [0, 0, 0];
  const outcomes = left.map((_, at) =>
    new Promise<unknown>((resolve) =>
      background.begin(work(10, (slices) => left[at] = slices, at === 1), resolve)
    )
  );
  assertEquals(left, [9, 9, 9]);
  background.finish();
  assertEquals([left, errors], [[0, 0, 0], [BUG]]);
  assertEquals(await Promise.all(outcomes), [undefined, BUG, undefined]);
  assertEquals(errors, [BUG]);
  background.finish();
});

Deno.test("What Background does is the doing of whoever began it, in each slice", async () => {
  const { background, events } = start();
  events.listen(() => {});
  const users: (string | undefined)[] = [];
  const done = new Promise<unknown>((resolve) =>
    events.by("alice", () => background.begin(work(3, () => users.push(events.user)), resolve))
  );
  await done;
  assertEquals(users, ["alice", "alice", "alice"]);
});
