import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { atEndOfTurn } from "../../broker/amqp/turn.ts";
import { Broker, type Channel, connect } from "../../mod.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import { standingTime } from "../support/standing_time.ts";

/** So much time passes each time somebody looks, on whatever machine: a chain is long after some hundred
 * turns, and the loop goes round 64 times before others have worked for too long. */
const LOOK_MS = 0.1;

Deno.test("atEndOfTurn() calls back after the code that runs, in the order asked for", async () => {
  const calls: number[] = [];
  for (const number of [1, 2, 3]) atEndOfTurn(() => calls.push(number));
  assertEquals(calls, []);
  await endOfTurn();
  assertEquals(calls, [1, 2, 3]);
});

Deno.test("atEndOfTurn() shares one end with all microtasks that ran before it", async () => {
  const calls: string[] = [];
  queueMicrotask(() => atEndOfTurn(() => calls.push("from a microtask")));
  atEndOfTurn(() => calls.push("first"));
  await endOfTurn();
  assertEquals(calls, ["first", "from a microtask"]);
});

Deno.test("atEndOfTurn() from a callback comes in the next end of turn", async () => {
  const calls: string[] = [];
  const done = Promise.withResolvers<void>();
  atEndOfTurn(() => {
    calls.push("a");
    atEndOfTurn(() => {
      calls.push("a again");
      done.resolve();
    });
  });
  atEndOfTurn(() => calls.push("b"));
  await done.promise;
  assertEquals(calls, ["a", "b", "a again"]);
});

Deno.test("atEndOfTurn() goes on after a callback that throws, which is reported", async () => {
  const calls: string[] = [];
  const reported = Promise.withResolvers<unknown>();
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    reported.resolve(event.error);
  };
  globalThis.addEventListener("error", onError);
  const bug = new Error("a bug of the callback");
  atEndOfTurn(() => calls.push("before"));
  atEndOfTurn(() => {
    throw bug;
  });
  atEndOfTurn(() => calls.push("after"));
  assertEquals(await reported.promise, bug);
  await endOfTurn();
  assertEquals(calls, ["before", "after"]);
  globalThis.removeEventListener("error", onError);
});

Deno.test("atEndOfTurn() lets timers through a chain of turns that feeds itself", async () => {
  using _time = standingTime(LOOK_MS);
  let turns = 0;
  let stopped = false;
  const feed = () => {
    turns++;
    if (!stopped) atEndOfTurn(feed);
  };
  atEndOfTurn(feed);
  // would never come if the chain stayed in microtasks
  for (let round = 0; round < 3; round++) {
    await new Promise<void>((resolve) => setTimeout(resolve));
  }
  stopped = true;
  const before = turns;
  await endOfTurn();
  assertGreater(before, 64, "many turns run between two rounds of the loop");
  assert(turns - before <= 1, "and the chain ends when nothing feeds it");
});

Deno.test("atEndOfTurn() calls back in microtasks again after a long chain", async () => {
  using _time = standingTime(LOOK_MS);
  let stopped = false;
  const feed = () => {
    if (!stopped) atEndOfTurn(feed);
  };
  atEndOfTurn(feed);
  await new Promise<void>((resolve) => setTimeout(resolve));
  stopped = true;
  await endOfTurn();
  await new Promise<void>((resolve) => setTimeout(resolve));

  let called = false;
  atEndOfTurn(() => called = true);
  for (let microtask = 0; microtask < 3; microtask++) await Promise.resolve();
  assert(called);
});

Deno.test("a loop that awaits answers within the process lets timers through", async () => {
  using _time = standingTime(LOOK_MS);
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  await channel.queueDeclare("q");
  const publish = () => channel.basicPublish({ routingKey: "q" }, "x")!;
  const get = () => channel.basicGet("q", { noAck: true });
  for (const ask of [publish, get]) {
    let passed = false;
    const timer = setTimeout(() => passed = true);
    const started = performance.now();
    // a second is long for a timer that is due at once
    while (!passed && performance.now() - started < 1000) await ask();
    clearTimeout(timer);
    assert(passed);
  }
});

/** Rather than hold the loop for ever, a chain ends by itself after so long. */
const CHAIN_MAX_MS = 3000;

/** A queue with a few messages, and a channel that gets a few of them at a time. */
async function withMessages(broker: Broker): Promise<Channel> {
  const channel = await (await broker.connect()).openChannel();
  await channel.queueDeclare("q");
  for (let count = 0; count < 20; count++) channel.basicPublish({ routingKey: "q" }, "x");
  await channel.basicQos({ prefetchCount: 10 });
  return channel;
}

/** Does something over and over, until told to stop. */
function repeat(step: () => unknown): () => void {
  const end = performance.now() + CHAIN_MAX_MS;
  let stopped = false;
  void (async () => {
    while (!stopped && performance.now() < end) await step();
  })();
  return () => stopped = true;
}

/** Gives back all that comes, of which each comes again, until told to stop. */
function giveBack(messages: AsyncIterable<{ nack(): void }>): () => void {
  const end = performance.now() + CHAIN_MAX_MS;
  let stopped = false;
  void (async () => {
    for await (const message of messages) {
      message.nack();
      if (stopped || performance.now() > end) break;
    }
  })();
  return () => stopped = true;
}

/** What feeds itself within the process; the result stops it. */
const CHAINS: Readonly<Record<string, (broker: Broker) => Promise<() => void>>> = {
  "a loop that awaits answers": async (broker) => {
    const channel = await (await broker.connect()).openChannel();
    await channel.queueDeclare("q");
    return repeat(() => channel.queueDeclare("q", { passive: true }));
  },
  "a loop that opens and closes channels": async (broker) => {
    const connection = await broker.connect();
    return repeat(async () => await (await connection.openChannel()).close());
  },
  "a loop that awaits refusals": async (broker) => {
    const connection = await broker.connect();
    return repeat(async () => {
      const channel = await connection.openChannel();
      await channel.queueDeclare("nowhere", { passive: true }).catch(() => {});
    });
  },
  "a loop that awaits publishes": async (broker) => {
    const channel = await (await broker.connect()).openChannel();
    return repeat(() => channel.basicPublish({ routingKey: "nowhere" }, "x"));
  },
  "a loop over deliveries that come at once": async (broker) =>
    giveBack(await (await withMessages(broker)).basicConsume("q")),
  "a loop over messages that come at once": async (broker) => {
    await withMessages(broker);
    return giveBack(await (await broker.connect()).consumer({ queue: "q", prefetch: 10 }));
  },
  // deno-lint-ignore require-await -- the other one takes time
  "a chain of turns": async () => {
    let stopped = false;
    const feed = () => {
      if (!stopped) atEndOfTurn(feed);
    };
    atEndOfTurn(feed);
    return () => stopped = true;
  },
};

for (const [what, begin] of Object.entries(CHAINS)) {
  Deno.test(`${what} within the process lets sockets through as often as timers`, async () => {
    using _time = standingTime(LOOK_MS);
    await using broker = new Broker();
    const { port } = await broker.listen({ port: 0 });
    await using connection = await connect({ hostname: "127.0.0.1", port });
    const channel = await connection.openChannel();
    await channel.queueDeclare("asked for");
    const stop = await begin(broker);
    const started = performance.now();
    for (let count = 0; count < 10; count++) {
      await channel.queueDeclare("asked for", { passive: true });
    }
    stop();
    // some 10 ms each; in the 61 rounds after which the runtime looks at sockets by itself it is 600 ms
    assertLess(performance.now() - started, 2000);
  });
}

Deno.test("answers on a channel come in the order of what they answer, whatever waits for the loop", async () => {
  using time = standingTime();
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  let random = 1;
  for (let round = 0; round < 5000; round++) {
    const answers: number[] = [];
    // as on a machine that is busy now and then: now this one waits, now that one
    const ask = (number: number) => {
      time.pass((random = random * 16_807 % 0x7fff_ffff) % 3000 / 1000);
      return channel.queueDeclare("q", { passive: true }).then(() => answers.push(number));
    };
    const numbers = Array.from({ length: 2 + round % 5 }, (_, at) => at);
    await Promise.all(numbers.map(ask));
    assertEquals(answers, numbers);
  }
});

Deno.test("what is told at the end of a turn is told before the answer, whatever waits for the loop", async () => {
  using time = standingTime();
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  let told = 0;
  broker.on("queue.deleted", () => void told++);
  let random = 1;
  for (let round = 1; round <= 2000; round++) {
    await channel.queueDeclare("q");
    time.pass((random = random * 16_807 % 0x7fff_ffff) % 3000 / 1000);
    await channel.queueDelete("q");
    assertEquals(told, round);
  }
});

Deno.test("callbacks that take long let timers through after a few of them", async () => {
  using time = standingTime();
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  for (let count = 0; count < 500; count++) channel.basicPublish({ routingKey: "q" }, "x");
  const passed = Promise.withResolvers<void>();
  let called = 0;
  await channel.basicConsume("q", { noAck: true }, () => {
    if (++called === 1) setTimeout(passed.resolve);
    time.pass(1);
  });
  await passed.promise;
  assertLess(called, 200);
});

Deno.test("publishing in process looks at the clock once in many publishes, with keys that never come again as well", async () => {
  await using broker = new Broker();
  const connection = await broker.connect();
  const channel = await connection.openChannel();
  // the first ones are looked at more closely
  for (let count = 0; count < 2000; count++) {
    await channel.basicPublish({ routingKey: `${count}` }, "");
  }
  const { now } = performance;
  const standing = now.call(performance);
  let looks = 0;
  performance.now = () => {
    looks++;
    return standing;
  };
  try {
    for (let count = 0; count < 3000; count++) {
      await channel.basicPublish({ routingKey: `new ${count}` }, "");
    }
  } finally {
    performance.now = now;
  }
  assertLess(looks, 500);
  assertGreater(looks, 0);
});
