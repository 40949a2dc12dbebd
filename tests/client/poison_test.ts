/**
 * Messages for which a broker closes connections: they are found, and nobody else is blamed.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { indexOfNeedle } from "@std/bytes";
import { AmqpError, PoisonMessageError } from "../../mod.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import type { Mischief } from "../support/tcp_proxy.ts";
import { within } from "../support/within.ts";
import { Stage } from "./stage.ts";
import { mayBeForMessage } from "../../client/messaging/suspects.ts";

const POISON = "POISON";
const marker = new TextEncoder().encode(POISON);
const LATE_MS = 20_000;

/** Spoils the end of the frame that such a body is in, so that the broker closes the connection by 501. */
const poisoned: Mischief = {
  // deno-lint-ignore require-await -- others take time
  async mangle(piece) {
    const spoiled = piece.slice();
    const at = indexOfNeedle(spoiled, marker);
    if (at >= 0) spoiled[at + marker.length] = 0;
    return [spoiled];
  },
};

/** A stage on which such bodies end connections, and how many were ended. */
async function openStage(): Promise<{ readonly stage: Stage; readonly ends: () => number }> {
  const stage = await Stage.open();
  const ended: unknown[] = [];
  stage.connection.on("lost", ({ reason }) => ended.push((reason as AmqpError).replyCode));
  stage.proxy.choose = () => ({ up: poisoned });
  await stage.broker.declareQueue({ queue: "q" });
  await stage.cut();
  ended.length = 0;
  return {
    stage,
    ends() {
      assert(ended.every((code) => code === 501), ended.join());
      return ended.length;
    },
  };
}

async function assertPoison(sent: Promise<unknown>): Promise<void> {
  const error = await assertRejects(() => sent, PoisonMessageError, "3 times in a row while only");
  assertEquals(error.ends, 3);
  assertInstanceOf(error.cause, AmqpError);
  assertEquals(error.cause.replyCode, 501);
  await endOfTurn(); // the end that it was found by is told then
}

Deno.test("a message that ends each connection is rejected after three, and the others go on", async () => {
  const { stage, ends } = await openStage();
  await using _ = stage;
  const publisher = await stage.connection.publisher({ routingKey: "q" });
  await within(LATE_MS, assertPoison(publisher.publish(POISON)), () => `${ends()} ends`);
  assertEquals(ends(), 3);
  await publisher.publish("after");
  assertEquals([publisher.buffered, publisher.unconfirmedCount], [0, 0]);
});

Deno.test("of many that are under way, the one that ends each connection is found by publishing them alone", async () => {
  const { stage, ends } = await openStage();
  await using _ = stage;
  const publisher = await stage.connection.publisher({ routingKey: "q" });
  const sent = Array.from({ length: 30 }, (_, n) => publisher.publish(n === 20 ? POISON : `${n}`));
  const [poison] = sent.splice(20, 1);
  sent.push(publisher.publish("more"));
  await within(LATE_MS, assertPoison(poison!), () => `${ends()} ends`);
  await within(LATE_MS, Promise.all(sent), () => "the others are not confirmed");
  assertEquals(ends(), 5);
  await Promise.all(Array.from({ length: 30 }, () => publisher.publish("after")));
  assertEquals(ends(), 5);
});

Deno.test("what is alone under way whenever another publisher's message ends the connection is not blamed", async () => {
  const { stage, ends } = await openStage();
  await using _ = stage;
  const { connection } = stage;
  const server = await connection.serve<number>("double", (n) => 2 * n);
  const client = await connection.rpc<number, number>("double", {
    unanswered: "retry",
    timeout: 2 * LATE_MS,
  });
  const innocents = await Promise.all(
    Array.from({ length: 3 }, () => connection.publisher({ routingKey: "q" })),
  );
  const publisher = await connection.publisher({ routingKey: "q" });
  const sent = innocents.map((one) => one.publish("first"));
  const calls: Promise<number>[] = [];
  // each has one under way alone on each connection
  connection.on("lost", () => {
    for (const one of innocents) sent.push(one.publish(`${sent.length}`));
    calls.push(client.call(calls.length));
  });
  const poisons = [publisher.publish(POISON), innocents[0]!.publish(POISON)];
  await within(LATE_MS, Promise.all(poisons.map(assertPoison)), () => `${ends()} ends`);
  await within(LATE_MS, Promise.all(sent), () => "others are not confirmed");
  const answers = await within(LATE_MS, Promise.all(calls), () => "calls are not answered");
  assertEquals(answers, calls.map((_, n) => 2 * n));
  assert(ends() <= 12, `${ends()}`);
  await client.close();
  await server.close();
});

Deno.test("a call that ends each connection is found among others, which are answered", async () => {
  const { stage, ends } = await openStage();
  await using _ = stage;
  await using near = await stage.broker.connect();
  await using _server = await near.serve("calls", (request) => request, { concurrency: 10 });
  const options = { unanswered: "retry", timeout: 2 * LATE_MS } as const;
  const client = await stage.connection.rpc("calls", options);
  const other = await stage.connection.rpc("calls", options);
  const publisher = await stage.connection.publisher({ routingKey: "q" });
  const calls = ["1", POISON, "3", "4"].map((body) => client.call(body));
  const [poison] = calls.splice(1, 1);
  calls.push(other.call("5"));
  const sent = publisher.publish("x");
  await within(LATE_MS, assertPoison(poison!), () => `${ends()} ends`);
  const answers = await within(LATE_MS, Promise.all(calls), () => "calls are not answered");
  assertEquals(answers, ["1", "3", "4", "5"]);
  await within(LATE_MS, sent, () => "the message is not confirmed");
  assert(ends() <= 6, `${ends()}`);
  assertEquals(await client.call("after"), "after");
  await Promise.all([client.close(), other.close()]);
});

Deno.test("an operator who closes connections blames no message", () => {
  const codes = [501, 502, 505, 541, 320, 404, 406];
  assertEquals(codes.filter((code) => mayBeForMessage(new AmqpError(code, ""))), [
    501,
    502,
    505,
    541,
  ]);
});

Deno.test("a message whose confirm is damaged each time is not blamed, and confirmed in the end", async () => {
  await using stage = await Stage.open();
  const { connection, proxy, broker } = stage;
  await broker.declareQueue({ queue: "q" });
  const ack = new Uint8Array([0, 60, 0, 80]);
  const nonsense = new Uint8Array([1, 0, 0, 0, 0, 0, 4, 0, 99, 0, 99, 0xce]);
  let damaged = 0;
  proxy.choose = () => ({
    down: {
      // deno-lint-ignore require-await -- others take time
      async mangle(piece) {
        if (damaged === 4 || indexOfNeedle(piece, ack) < 0) return [piece];
        damaged++;
        return [nonsense, piece];
      },
    },
  });
  await stage.cut();
  const reasons: unknown[] = [];
  connection.on("lost", ({ reason }) => reasons.push((reason as AmqpError).replyCode));
  const publisher = await connection.publisher({ routingKey: "q" });
  await within(LATE_MS, publisher.publish("x"), () => `${damaged} were damaged`);
  assertEquals(reasons, [503, 503, 503, 503]);
});
