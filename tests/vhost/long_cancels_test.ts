import { assertEquals } from "@std/assert";
import { Broker } from "../../mod.ts";
import { assertSliced, watch } from "../connection/long_work.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** More than are forgotten in one turn. */
const MANY = 5000;
/** No turn forgets so many. */
const A_TURN = 1001;

Deno.test("A great many delayed messages are forgotten by their ids over several turns", async () => {
  await using broker = new Broker({ clock: new ManualClock() });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("later", "x-delayed-message", {
    arguments: { "x-delayed-type": "fanout" },
  });
  for (let count = 0; count < MANY; count++) {
    const headers = { "x-delay": 1000 + count % 7 };
    await channel.basicPublish({ exchange: "later", properties: { headers } }, "x");
  }
  const where = { exchange: "later" };
  const ids = broker.delayedMessages(where, { limit: MANY }).map(({ id }) => id);
  assertEquals(ids.length, MANY);
  const cancelling = broker.cancelDelayedMessages(where, [...ids, ids[0]!]);
  assertSliced(await watch(() => broker.delayedMessageCount(where)), A_TURN);
  assertEquals(await cancelling, MANY);
});
