import { assertEquals, assertGreater } from "@std/assert";
import { Broker } from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { loopRound } from "./long_work.ts";

/** More than go in one turn. */
const OLD = 20_000;

/** A broker with a queue in which very many messages are too old, and one behind them is not. */
async function start() {
  const clock = new ManualClock();
  const broker = new Broker({ clock });
  const connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const publish = (body: string, expiration?: string) =>
    channel.basicPublish({
      routingKey: "q",
      properties: expiration === undefined ? {} : { expiration },
    }, body);
  await publish("first");
  for (let count = 0; count < OLD; count++) await publish("old", "10");
  await publish("last");
  // the first one is not too old, so nobody waits for the others behind it
  clock.advance(20);
  assertEquals((await channel.basicGet("q", { noAck: true }))?.text(), "first");
  return {
    connection,
    channel,
    waiting: () => [...broker.queues()][0]!.messagesReady,
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}

Deno.test("basic.get lets very many go that are too old over several turns, and what comes after it waits", async () => {
  await using test = await start();
  const { channel, waiting } = test;
  const answers: string[] = [];
  const got = channel.basicGet("q").then((message) => answers.push(message?.text() ?? "none"));
  const asked = channel.queueDeclare("q", { passive: true })
    .then(({ messageCount }) => answers.push(`${messageCount} wait`));
  const seen = new Set<number>();
  while (waiting() > 0) {
    seen.add(waiting());
    await loopRound();
  }
  assertGreater(seen.size, 2);
  await Promise.all([got, asked]);
  assertEquals(answers, ["last", "0 wait"]);
  assertEquals(await channel.basicGet("q"), undefined);
});

Deno.test("a channel may close while basic.get lets very many go that are too old", async () => {
  await using test = await start();
  const { channel, connection, waiting } = test;
  const got = channel.basicGet("q").then(() => "answered", () => "failed");
  while (waiting() > OLD) await loopRound();
  await channel.close();
  await got;
  const other = await connection.openChannel();
  assertEquals((await other.basicGet("q"))?.text(), "last");
});
