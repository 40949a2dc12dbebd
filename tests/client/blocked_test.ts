import { assertEquals } from "@std/assert";
import { Broker, connect } from "../../mod.ts";
import { within } from "../support/within.ts";

const MIB = 1024 * 1024;

Deno.test("over TCP, a connection hears that the broker takes no messages, however much it has published", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0 });
  await using connection = await connect({ hostname: "127.0.0.1", port, recovery: false });
  const blocked = Promise.withResolvers<string>();
  const unblocked = Promise.withResolvers<void>();
  connection.onBlocked = blocked.resolve;
  connection.onUnblocked = unblocked.resolve;
  const channel = await connection.openChannel();
  await channel.queueDeclare("q", { arguments: { "x-max-length": 1 } });
  broker.setMemoryHighWatermark(0);
  // what is read first is its answer
  const declared = channel.queueDeclare("q", { passive: true });
  const body = new Uint8Array(MIB / 2);
  // nothing of it is waited for: more than what stops the reading waits behind what is being written
  for (let round = 0; round < 2; round++) {
    for (let count = 0; count < 64; count++) {
      void channel.basicPublish({ routingKey: "q" }, body);
    }
    for (let turn = 0; turn < 4; turn++) await undefined;
  }
  assertEquals(await within(120_000, blocked.promise, () => "blocked"), "low on memory");
  await declared;
  broker.setMemoryHighWatermark(Infinity);
  await within(300_000, unblocked.promise, () => "unblocked");
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, 1);
});
