/**
 * Whoever tries its messages alone, because one of them may be what the broker closes connections for,
 * holds up the others no longer than it must.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Home } from "../../client/messaging/lasting_channel.ts";
import { Trials } from "../../client/messaging/trials.ts";
import { PoisonMessageError, Publisher, RpcClient } from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { within } from "../support/within.ts";
import { type Answer, PlayedBroker } from "./played.ts";

const LATE_MS = 20_000;
/** So long a connection must live for a message that was sent on it to be no culprit. */
const SUSPECT_MS = 3000;

/** Two connections in a row end while "suspect" is under way, so that its publisher has its turn on the
 * third; what becomes of it there is told. */
async function openTrial(onThird: Answer): Promise<{
  readonly played: PlayedBroker;
  readonly holder: Publisher;
  readonly other: Publisher;
}> {
  const played = await PlayedBroker.open();
  const holder = await played.connection.publisher({ routingKey: "q" });
  const other = await played.connection.publisher({ routingKey: "q" });
  played.answer = (text) => {
    if (text !== "suspect") return "confirm";
    return played.connections <= 2 ? "end" : onThird;
  };
  return { played, holder, other };
}

/** Waits for a message of the other publisher, or fails. */
async function assertArrives(played: PlayedBroker, text: string): Promise<void> {
  const arrived = played.until(() => played.texts(3).includes(text));
  await within(LATE_MS, arrived, () => `only ${played.texts(3).join()} came`);
}

interface Leaving {
  readonly name: string;
  readonly leave: (holder: Publisher, played: PlayedBroker, abort: () => void) => void;
}

const LEAVING: readonly Leaving[] = [
  {
    name: "whose publisher is closed at once",
    leave: (holder) => void holder.close({ signal: AbortSignal.abort() }).catch(() => {}),
  },
  {
    name: "that nobody waits for any more",
    leave(_, { clock }, abort) {
      abort();
      clock.advance(SUSPECT_MS);
    },
  },
  {
    name: "that the broker never confirms",
    leave: (_, { clock }) => clock.advance(SUSPECT_MS),
  },
];

for (const { name, leave } of LEAVING) {
  Deno.test(`a suspect ${name} lets the others go on`, async () => {
    const { played, holder, other } = await openTrial("nothing");
    await using _ = played;
    const client = await played.connection.rpc("calls", { unanswered: "retry" });
    const controller = new AbortController();
    const sent = holder.publish("suspect", { signal: controller.signal });
    sent.catch(() => {});
    await assertArrives(played, "suspect");
    const published = other.publish("other");
    const call = client.call("call");
    call.catch(() => {}); // nobody answers it
    await played.settle();
    assertEquals(played.texts(3), ["suspect"]);
    leave(holder, played, () => controller.abort());
    await assertArrives(played, "other");
    await assertArrives(played, "call");
    await published;
    assertEquals(played.connections, 3);
  });
}

Deno.test("a suspect whose publisher is closed while there is no connection lets the others go on", async () => {
  const { played, holder, other } = await openTrial("nothing");
  await using _ = played;
  const sent = holder.publish("suspect");
  sent.catch(() => {});
  await played.until(() => played.texts(2).length === 1);
  while (played.connection.state !== "reconnecting") await played.settle();
  await holder.close();
  await assertRejects(() => sent, TypeError, "publisher is closed");
  const published = other.publish("other");
  await assertArrives(played, "other");
  await published;
});

Deno.test("a publisher that gets no channel any more lets the others go on", async () => {
  const { played, holder, other } = await openTrial("confirm");
  await using _ = played;
  // the holder is the first that asks
  played.opens = (before) => played.connections < 3 || before > 0;
  holder.publish("suspect");
  await played.until(() => played.connections === 3 && played.connection.state === "open");
  const published = other.publish("other");
  await played.settle();
  assertEquals(played.texts(3), []);
  played.clock.advance(SUSPECT_MS);
  await assertArrives(played, "other");
  await published;
  await holder.close({ signal: AbortSignal.abort() }).catch(() => {});
});

Deno.test("a message that the broker never confirms hides no other one for which it ends connections", async () => {
  await using played = await PlayedBroker.open();
  const publisher = await played.connection.publisher({ routingKey: "q" });
  played.answer = (text) => text === "poison" ? "end" : "nothing";
  const stalled = publisher.publish("stalled");
  const poison = assertRejects(() => publisher.publish("poison"), PoisonMessageError, "3 times");
  await played.until(() => played.texts(3).length === 1);
  await played.settle();
  played.clock.advance(SUSPECT_MS);
  await within(LATE_MS, played.until(() => played.connections === 7), () => played.texts().join());
  await poison;
  assertEquals(
    [1, 2, 3, 4, 5, 6].map((n) =>
      played.arrivals.filter(({ connection }) => connection === n).map(({ text }) => text)
    ),
    [
      ["stalled", "poison"],
      ["stalled", "poison"],
      ["stalled", "poison"],
      ["poison"],
      ["poison"],
      ["poison"],
    ],
  );
  await played.until(() => played.texts(7).length === 1);
  stalled.catch(() => {});
  await publisher.close({ signal: AbortSignal.abort() }).catch(() => {});
});

Deno.test("very many suspects that the broker never confirms hold up the others for a while only", async () => {
  const { played, holder, other } = await openTrial("nothing");
  await using _ = played;
  const sent = Array.from({ length: 50 }, () => holder.publish("suspect"));
  for (const one of sent) one.catch(() => {});
  await played.until(() => played.texts(3).length === 1);
  const published = other.publish("other");
  const before = played.clock.elapsed();
  while (!played.texts(3).includes("other")) {
    played.clock.advance(SUSPECT_MS);
    await played.settle();
    assert(played.clock.elapsed() - before < 30_000, played.texts(3).join());
  }
  await published;
  assertEquals(played.texts(3).filter((text) => text === "suspect").length, 50);
  await holder.close({ signal: AbortSignal.abort() }).catch(() => {});
});

Deno.test("a publisher or client that could not be opened is let go of", async () => {
  let watchers = 0;
  const trials = new Trials();
  const watch = trials.watch.bind(trials);
  trials.watch = (goOn) => {
    watchers++;
    const end = watch(goOn);
    return () => {
      watchers--;
      end();
    };
  };
  const home = {
    trials,
    clock: new ManualClock(),
    whenConnected: () => Promise.resolve(),
    returning: () => () => {},
    isReconnecting: () => false,
    lossWatch: () => () => false,
    openCore: () => Promise.reject(new RangeError("no channel is left")),
  } as unknown as Home;
  await assertRejects(() => Publisher.open(home, {}), RangeError, "no channel is left");
  await assertRejects(() => RpcClient.open(home, "q", {}), RangeError, "no channel is left");
  assertEquals(watchers, 0);
});

Deno.test("a publisher that is closing does not wait for a connection that is lost meanwhile", async () => {
  const { played, holder } = await openTrial("confirm");
  await using _ = played;
  const gate = Promise.withResolvers<void>();
  played.connection.on("lost", () => gate.resolve());
  const sent = holder.publish("suspect"); // ends the connection
  sent.catch(() => {});
  // time stands still, so no other connection is made
  const closed = holder.close();
  await gate.promise;
  await within(LATE_MS, closed, () => "it waits for a connection");
  await assertRejects(() => sent, TypeError, "publisher is closed");
  assertEquals(played.connections, 1);
});
