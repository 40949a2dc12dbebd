import { assertEquals, assertLess, assertStrictEquals } from "@std/assert";
import { Dispatcher } from "../../broker/queue/dispatcher.ts";
import { forSeeds } from "../amqp/random_values.ts";
import { computedMs } from "../support/computed.ts";
import { TestConsumer } from "./support.ts";

/** Lets a dispatcher choose so many times; each choice takes one room. */
function choices(dispatcher: Dispatcher, count: number, names: readonly TestConsumer[]): string {
  let chosen = "";
  for (let choice = 0; choice < count; choice++) {
    const consumer = dispatcher.next() as TestConsumer | undefined;
    if (consumer !== undefined) consumer.room--;
    chosen += consumer === undefined ? "-" : "abcdefgh"[names.indexOf(consumer)];
  }
  return chosen;
}

function withConsumers(
  ...options: readonly ConstructorParameters<typeof TestConsumer>[0][]
): [Dispatcher, TestConsumer[]] {
  const dispatcher = new Dispatcher();
  const consumers = options.map((one) => new TestConsumer(one));
  for (const consumer of consumers) dispatcher.add(consumer);
  return [dispatcher, consumers];
}

Deno.test("Dispatcher without consumers chooses nobody", () => {
  const dispatcher = new Dispatcher();
  assertEquals([dispatcher.next(), dispatcher.size, [...dispatcher]], [undefined, 0, []]);
  assertEquals(dispatcher.remove(new TestConsumer()), false);
});

Deno.test("Dispatcher gives each consumer its turn", () => {
  const [dispatcher, all] = withConsumers({}, {}, {});
  assertEquals(choices(dispatcher, 7, all), "abcabca");
});

Deno.test("Dispatcher lets a consumer that joins wait for the end of the row", () => {
  const [dispatcher, all] = withConsumers({}, {});
  assertEquals(choices(dispatcher, 1, all), "a");
  all.push(new TestConsumer());
  dispatcher.add(all[2]!);
  assertEquals(choices(dispatcher, 6, all), "bacbac");
});

Deno.test("Dispatcher goes on with the next one when a consumer leaves", () => {
  const [dispatcher, all] = withConsumers({}, {}, {}, {});
  assertEquals(choices(dispatcher, 2, all), "ab");
  assertEquals(dispatcher.remove(all[2]!), true);
  assertEquals(choices(dispatcher, 4, all), "dabd");
  assertEquals(dispatcher.remove(all[0]!), true);
  assertEquals(choices(dispatcher, 3, all), "bdb");
  assertEquals(dispatcher.remove(all[0]!), false);
  assertEquals([dispatcher.size, dispatcher.has(all[0]!), dispatcher.has(all[1]!)], [
    2,
    false,
    true,
  ]);
});

Deno.test("Dispatcher passes over consumers without room until they say that they have some", () => {
  const [dispatcher, all] = withConsumers({ room: 1 }, { room: 2 }, {});
  assertEquals(choices(dispatcher, 6, all), "abcbcc");
  all[0]!.room = 2;
  assertEquals(choices(dispatcher, 2, all), "cc", "it has not told");
  dispatcher.rejoin(all[0]!);
  dispatcher.rejoin(all[0]!);
  assertEquals(choices(dispatcher, 5, all), "cacac");
});

Deno.test("Dispatcher asks a busy consumer once, however often it chooses", () => {
  const busy = Array.from({ length: 1000 }, () => ({ room: 0 }));
  const [dispatcher, all] = withConsumers(...busy, {});
  for (let choice = 0; choice < 1000; choice++) {
    assertStrictEquals(dispatcher.next(), all[1000]);
  }
  assertEquals(all.slice(0, 1000).every(({ asked }) => asked === 1), true);
  assertEquals(dispatcher.size, 1001, "busy ones are still consumers");
});

Deno.test("Dispatcher serves the highest priority first, in turn, and others when that is busy", () => {
  const [dispatcher, all] = withConsumers(
    { priority: 0 },
    { priority: 5, room: 2 },
    { priority: -1 },
    { priority: 5, room: 1 },
    { priority: 0 },
  );
  assertEquals(choices(dispatcher, 8, all), "bdbaeaea");
  all[0]!.room = all[4]!.room = 0;
  assertEquals(choices(dispatcher, 2, all), "cc");
  all[3]!.room = 1;
  dispatcher.rejoin(all[3]!);
  assertEquals(choices(dispatcher, 2, all), "dc");
});

Deno.test("Dispatcher does not take back a consumer that has left", () => {
  const [dispatcher, all] = withConsumers({ room: 0 }, { room: 0 });
  assertEquals(choices(dispatcher, 1, all), "-");
  dispatcher.remove(all[0]!);
  all[0]!.room = all[1]!.room = 5;
  dispatcher.rejoin(all[0]!);
  dispatcher.rejoin(all[1]!);
  assertEquals(choices(dispatcher, 2, all), "bb");
});

Deno.test("Dispatcher lists its consumers oldest first, busy ones included", () => {
  const [dispatcher, all] = withConsumers({ priority: 1 }, { room: 0 }, { priority: 2 });
  dispatcher.next();
  assertEquals([...dispatcher], all);
});

Deno.test("Dispatcher forgets priorities that nobody has any more", () => {
  const dispatcher = new Dispatcher();
  const stays = new TestConsumer({ priority: -1 });
  dispatcher.add(stays);
  const started = computedMs();
  for (let priority = 0; priority < 50_000; priority++) {
    const consumer = new TestConsumer({ priority, room: priority % 2 });
    dispatcher.add(consumer);
    dispatcher.next();
    dispatcher.remove(consumer);
  }
  for (let choice = 0; choice < 20_000; choice++) assertStrictEquals(dispatcher.next(), stays);
  // looking through a row for each of them takes seconds
  assertLess(computedMs() - started, 1000);
});

Deno.test("Dispatcher chooses as a row that is searched would, whoever comes, goes or is busy", () => {
  forSeeds(60, (random) => {
    const dispatcher = new Dispatcher();
    /** Who stands in the row, in order; the model of what is chosen. */
    let row: TestConsumer[] = [];
    const all = new Set<TestConsumer>();
    for (let step = 0; step < 300; step++) {
      const some = [...all];
      switch (random.below(6)) {
        case 0: {
          const consumer = new TestConsumer({
            priority: random.below(7),
            room: random.below(4),
          });
          dispatcher.add(consumer);
          all.add(consumer);
          row.push(consumer);
          break;
        }
        case 1:
          if (some.length > 12) {
            const leaving = random.pick(some);
            assertEquals(dispatcher.remove(leaving), true);
            all.delete(leaving);
            row = row.filter((one) => one !== leaving);
          }
          break;
        case 2:
          if (some.length > 0) {
            const relieved = random.pick(some);
            relieved.room += random.below(3);
            dispatcher.rejoin(relieved);
            if (!row.includes(relieved)) row.push(relieved);
          }
          break;
        default: {
          const highest = [6, 5, 4, 3, 2, 1, 0];
          let expected: TestConsumer | undefined;
          for (const priority of highest) {
            for (const consumer of row.filter((one) => one.priority === priority)) {
              row = row.filter((one) => one !== consumer);
              if (consumer.room === 0) continue;
              row.push(consumer);
              expected = consumer;
              break;
            }
            if (expected !== undefined) break;
          }
          const chosen = dispatcher.next();
          assertStrictEquals(chosen, expected);
          if (expected !== undefined) expected.room--;
        }
      }
      assertEquals(dispatcher.size, all.size);
    }
  });
});

Deno.test("Dispatcher of one at a time does not look at all who wait when one leaves", () => {
  let looks = 0;
  const dispatcher = new Dispatcher({ single: true });
  const consumers = Array.from({ length: 1000 }, () => {
    const look = () => (looks++, 0);
    return Object.defineProperty(new TestConsumer(), "priority", { get: look });
  });
  for (const consumer of consumers) dispatcher.add(consumer);
  looks = 0;
  for (const consumer of consumers) {
    assertStrictEquals(dispatcher.active, consumer);
    dispatcher.remove(consumer);
  }
  assertEquals([dispatcher.active, dispatcher.size], [undefined, 0]);
  assertLess(looks, 10 * consumers.length);
});

Deno.test("Dispatcher does not look at all of very many priorities for each that joins, is busy or has room again", () => {
  let looks = 0;
  const dispatcher = new Dispatcher();
  const count = 1000;
  const consumers = Array.from({ length: count }, (_, at) => {
    const priority = { valueOf: () => (looks++, at) } as unknown as number;
    return new TestConsumer({ priority, room: 1 });
  });
  for (const consumer of consumers) dispatcher.add(consumer);
  for (const consumer of consumers.toReversed()) {
    assertStrictEquals(dispatcher.next(), consumer);
    consumer.room--;
  }
  for (const consumer of consumers) {
    assertStrictEquals(dispatcher.next(), undefined);
    consumer.room++;
    dispatcher.rejoin(consumer);
    assertStrictEquals(dispatcher.next(), consumer);
    consumer.room--;
  }
  for (const consumer of consumers) dispatcher.remove(consumer);
  assertEquals(dispatcher.size, 0);
  // each time at about the logarithm of how many there are
  assertLess(looks, 100 * count);
});

/** How many maps something makes. */
function mapsOf(action: () => void): number {
  const { Map: builtIn } = globalThis;
  let made = 0;
  globalThis.Map = class<Key, Value> extends builtIn<Key, Value> {
    constructor(entries?: Iterable<readonly [Key, Value]>) {
      super(entries);
      made++;
    }
  } as MapConstructor;
  try {
    action();
  } finally {
    globalThis.Map = builtIn;
  }
  return made;
}

Deno.test("Dispatcher has no map of priorities while all its consumers have the same one", () => {
  const dispatcher = new Dispatcher();
  const all = [3, 3, 1, 2].map((priority) => new TestConsumer({ priority }));
  const [a, b, c, d] = all as [TestConsumer, TestConsumer, TestConsumer, TestConsumer];
  let chosen = "";
  const one = mapsOf(() => {
    for (const consumer of [a, b]) dispatcher.add(consumer);
    chosen += choices(dispatcher, 3, all);
    for (const consumer of [a, b]) dispatcher.remove(consumer);
    dispatcher.add(c);
    chosen += choices(dispatcher, 1, all);
  });
  const two = mapsOf(() => {
    dispatcher.add(d);
    chosen += choices(dispatcher, 2, all);
    dispatcher.remove(d);
    chosen += choices(dispatcher, 2, all);
  });
  assertEquals([one, two, chosen], [0, 1, "abacddcc"]);
});
