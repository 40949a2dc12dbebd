import { assert, assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { concat } from "@std/bytes";
import { Broker } from "../../broker/broker.ts";
import { RandomValues } from "../amqp/random_values.ts";
import { clean } from "../support/broker_program.ts";
import { type Kind, Phrases, SAID, STRUCTURAL } from "./mutations.ts";
import { verdictOf } from "./verdict.ts";

Deno.test("what counts as mutated is so, and what is wrong with it is of every kind", () => {
  const kinds = new Map<Kind, number>();
  let mutated = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const random = new RandomValues(seed);
    // one phrase alone, so that it is known what it would have been
    const phrases = new Phrases(random, 1);
    const right = new Set<string>();
    const wrong = new Set<string>();
    for (let count = 0; count < 100; count++) {
      const { frames, kind } = phrases.next(random, 1);
      (kind === undefined ? right : wrong).add(concat(frames).join());
      if (kind === undefined) continue;
      mutated++;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    assertEquals(right.size, 1, `with seed ${seed}`);
    assertEquals(right.intersection(wrong).size, 0, `with seed ${seed}`);
  }
  for (const kind of [...STRUCTURAL, ...SAID]) assertGreater(kinds.get(kind) ?? 0, 10, kind);
  const structural = STRUCTURAL.reduce((sum, kind) => sum + kinds.get(kind)!, 0) / mutated;
  assert(structural > 0.05 && structural < 0.1, `${structural}`);
});

Deno.test("a run that did not see all that it was asked for is not taken for a good one", () => {
  const whole = { failed: false, frames: 10, read: 11, judged: true, judgeable: 8 };
  assertEquals(verdictOf(whole), { text: "nothing found", status: 0 });
  assertEquals(verdictOf({ ...whole, failed: true, read: 1 }).status, 1);
  const early = verdictOf({ ...whole, read: 9 });
  assertEquals(early, { text: "not judged: 9 of 10 mutated frames were read", status: 2 });
  assertEquals(verdictOf({ ...whole, judged: false }), { text: "not judged: memory", status: 2 });
  // nobody asked for it
  const short = verdictOf({ ...whole, judged: false, judgeable: 12 });
  assertEquals(short.status, 0);
  assertNotEquals(short.text, "nothing found");
  const none = verdictOf({ ...whole, frames: 0, read: 0, judged: false });
  assertEquals(none, { text: "nothing found", status: 0 });
});

Deno.test("after a round nothing is left of what was bound between the broker's own exchanges", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("kept-q");
  await channel.queueBind({ queue: "kept-q", exchange: "amq.direct", routingKey: "k" });
  await channel.queueDeclare("q");
  await channel.queueBind({ queue: "q", exchange: "amq.direct", routingKey: "k" });
  await channel.exchangeBind({ source: "amq.direct", destination: "amq.fanout", routingKey: "a" });
  await channel.exchangeBind({
    source: "amq.headers",
    destination: "amq.topic",
    routingKey: "",
    arguments: { "x-match": "any", a: 1 },
  });
  await clean(broker, "kept");
  const left = [...broker.bindings()].map(({ source, destination }) => `${source} ${destination}`);
  assertEquals(left.toSorted(), [" kept-q", "amq.direct kept-q"]);
});
