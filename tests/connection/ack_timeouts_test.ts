import { assertEquals } from "@std/assert";
import { basicAck, basicConsume, queueDeclare } from "../../broker/amqp/methods/mod.ts";
import { ServedBroker } from "./support.ts";

const TEXT =
  "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value " +
  "used: 600000 ms. This timeout value can be configured, see consumers doc guide to learn more";

Deno.test("A channel that keeps a delivery without an ack for too long is closed, its message goes back", async () => {
  await using served = await ServedBroker.start({ consumerTimeoutMs: 600_000 });
  await using local = await served.broker.connect();
  const channel = await local.openChannel();
  const peer = await served.login();
  await peer.send(1, queueDeclare({ queue: "q" }));
  await peer.expect(1, "queue.declare-ok");
  await peer.send(1, basicConsume({ queue: "q" }));
  await peer.expect(1, "basic.consume-ok");
  for (const body of ["acked", "kept"]) {
    await channel.basicPublish({ routingKey: "q" }, body);
    await peer.expect(1, "basic.deliver");
  }
  await peer.send(1, basicAck({ deliveryTag: 1 }));
  served.clock.advance(599_000);
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, 0);
  served.clock.advance(62_000);
  const closed = await peer.expect(1, "channel.close");
  assertEquals([closed.replyCode, closed.replyText], [406, TEXT]);
  assertEquals((await channel.basicGet("q", { noAck: true }))?.text(), "kept");
});

Deno.test("Clients in the same process may take their time, and so may all when there is no limit", async () => {
  await using served = await ServedBroker.start({ consumerTimeoutMs: 1000 });
  await using local = await served.broker.connect();
  const channel = await local.openChannel();
  await channel.queueDeclare("q");
  await channel.basicPublish({ routingKey: "q" }, "");
  const delivery = await channel.basicGet("q");
  assertEquals(served.clock.timers, 0, "nobody is watched");
  served.clock.advance(1e9);
  delivery!.ack();
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, 0);

  await using patient = await ServedBroker.start({ consumerTimeoutMs: 0 });
  await patient.login();
  assertEquals(patient.clock.timers, 0);
});
