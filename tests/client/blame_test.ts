/**
 * Who is blamed when a broker closes connections again and again, while others publish too, and while it
 * takes its time.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { connectionBlocked, connectionUnblocked } from "../../broker/amqp/methods/connection.ts";
import { PoisonMessageError } from "../../mod.ts";
import { within } from "../support/within.ts";
import { PlayedBroker } from "./played.ts";

const LATE_MS = 20_000;
/** So long a connection is watched without a suspect. */
const SUSPECT_MS = 3000;
/** So long a broker has to take one. */
const TRIALS_MS = 20_000;

/** Lets time pass until something is so, in steps that keep connections and trials going, but not while
 * the program is at work. */
async function passUntil(
  played: PlayedBroker,
  isSo: () => boolean,
  isAtWork = () => false,
): Promise<void> {
  const passing = (async () => {
    while (!isSo()) {
      await played.settle();
      if (isSo() || isAtWork()) continue;
      played.clock.advance(played.connection.state === "reconnecting" ? 1 : SUSPECT_MS);
    }
  })();
  await within(LATE_MS, passing, () => `${played.connections}: ${played.texts().join()}`);
}

const CULPRITS = ["a server's reply", "a publish of a plain channel"] as const;
for (const culprit of CULPRITS) {
  Deno.test(`a message that is alone under way whenever ${culprit} ends the connection is not blamed`, async () => {
    await using played = await PlayedBroker.open();
    const { connection } = played;
    const isHere = (text: string) =>
      played.arrivals.some((one) => one.text === text && one.connection === played.connections);
    let ends = 0;
    let isAtWork = false;
    played.answer = (text) => {
      if (ends === 8) return "confirm";
      if (text !== "culprit") return "hang";
      ends++;
      return "end";
    };
    if (culprit === "a server's reply") {
      played.request = "request";
      await connection.serve("requests", async () => {
        const on = played.connections;
        while (!isHere("innocent") && played.connections === on && ends < 8) await played.settle();
        return "culprit";
      }, { concurrency: 100 });
    } else {
      const channel = await connection.openChannel();
      const publish = async () => {
        isAtWork = true;
        for (let round = 0; round < 10 && !isHere("innocent"); round++) await played.settle();
        isAtWork = false;
        if (connection.state === "open") channel.basicPublish({ routingKey: "q" }, "culprit");
      };
      connection.on("recovered", () => void publish());
      publish();
    }
    const publisher = await connection.publisher({ routingKey: "q" });
    let outcome = "pending";
    publisher.publish("innocent").then(
      () => outcome = "confirmed",
      (error) => outcome = `${error}`,
    );
    await passUntil(played, () => outcome !== "pending", () => isAtWork);
    assertEquals([outcome, ends], ["confirmed", 8]);
    // what is not to blame is not kept back either
    const sentOn = played.arrivals.filter(({ text }) => text === "innocent")
      .map(({ connection }) => connection);
    assert(sentOn.includes(5), sentOn.join());
  });
}

Deno.test("a message that ends each connection is found beside a plain channel that publishes all the time", async () => {
  await using played = await PlayedBroker.open();
  const { connection } = played;
  const channel = await connection.openChannel();
  const publisher = await connection.publisher({ routingKey: "q" });
  const other = await connection.publisher({ routingKey: "q" });
  played.answer = (text) => text === "poison" ? "end" : "confirm";
  const publishPlain = () => channel.basicPublish({ routingKey: "q" }, "plain");
  publishPlain();
  // before publishers have their channels, which `recovered` waits for
  connection.on("lost", () => void connection.whenConnected().then(publishPlain));
  const poison = publisher.publish("poison");
  const found = assertRejects(() => poison, PoisonMessageError, "4 times in a row");
  await passUntil(played, () => played.connections === 4 && connection.state === "open");
  await played.settle();
  // this connection is watched without it
  const sentOther = other.publish("other");
  played.clock.advance(SUSPECT_MS - 100);
  await played.settle();
  assertEquals(played.texts(4), ["plain"]);
  await passUntil(played, () => played.connections === 5);
  assertEquals(played.texts(4).slice(0, 3), ["plain", "poison", "plain"]);
  await found;
  await passUntil(played, () => played.texts(5).includes("other"));
  await sentOther;
});

Deno.test("a message for which a broker that takes its time ends each connection is found", async () => {
  await using played = await PlayedBroker.open();
  const publisher = await played.connection.publisher({ routingKey: "q" });
  const other = await played.connection.publisher({ routingKey: "q" });
  played.answer = (text) => text === "poison" ? "hang" : "confirm";
  const found = assertRejects(() => publisher.publish("poison"), PoisonMessageError, "3 times");
  for (const connection of [1, 2, 3]) {
    await played.until(() => played.texts(connection).includes("poison"));
    if (connection === 3) {
      const sent = other.publish("other");
      // what a broker that is blocked does not read takes no time
      await played.peer.send(0, connectionBlocked({ reason: "low on memory" }));
      await played.settle();
      played.clock.advance(10 * TRIALS_MS);
      await played.peer.send(0, connectionUnblocked());
      await played.settle();
      played.clock.advance(TRIALS_MS - 100);
      await played.settle();
      assertEquals(played.texts(3), ["poison"]);
      await played.end();
      await found;
      await played.until(() => played.texts(4).includes("other"));
      await sent;
    } else {
      played.clock.advance(TRIALS_MS - 100);
      await played.end();
    }
  }
  assertEquals(played.texts(4), ["other"]);
});

Deno.test("a broker that takes nothing holds up the other publishers for a while only", async () => {
  await using played = await PlayedBroker.open();
  const publisher = await played.connection.publisher({ routingKey: "q" });
  const other = await played.connection.publisher({ routingKey: "q" });
  played.answer = (text) => {
    if (text !== "suspect") return "confirm";
    return played.connections <= 2 ? "end" : "hang";
  };
  const suspect = publisher.publish("suspect");
  suspect.catch(() => {});
  await played.until(() => played.texts(3).includes("suspect"));
  const sent = other.publish("other");
  played.clock.advance(TRIALS_MS - 100);
  await played.settle();
  assertEquals(played.texts(3), ["suspect"]);
  played.clock.advance(100);
  await played.until(() => played.texts(3).includes("other"));
  await sent;
  await publisher.close({ signal: AbortSignal.abort() }).catch(() => {});
});

Deno.test("a message that the broker has taken is not blamed for what ends the connection after that", async () => {
  await using played = await PlayedBroker.open();
  const publisher = await played.connection.publisher({ routingKey: "q" });
  played.answer = () => played.connections < 8 ? "nothing" : "confirm";
  const sent = publisher.publish("innocent");
  for (let connection = 1; connection < 8; connection++) {
    await played.until(() => played.texts(connection).includes("innocent"));
    await played.settle();
    await played.end();
    await played.until(() => played.connections > connection);
  }
  await sent;
  assert(played.texts(8).includes("innocent"));
});
