import { assertEquals } from "@std/assert";
import { basicConsume, queueDelete } from "../../broker/amqp/methods/mod.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { declare } from "./long_work.ts";
import { ServedBroker } from "./support.ts";

for (const durable of [false, true]) {
  Deno.test(`Whoever deletes a ${durable ? "durable" : "transient"} queue has the reply before its own consumers of it are cancelled, others do not wait`, async () => {
    await using served = await ServedBroker.start(new SimulatedDisk().options());
    const [peer, other] = [await served.login(), await served.login()];
    await declare(peer, { queue: "q", durable });
    for (const consumerTag of ["a", "b"]) {
      await peer.send(1, basicConsume({ queue: "q", consumerTag }));
      await peer.expect(1, "basic.consume-ok");
    }
    await other.send(1, basicConsume({ queue: "q", consumerTag: "c" }));
    await other.expect(1, "basic.consume-ok");

    await peer.send(1, queueDelete({ queue: "q" }));
    const cancel = await other.expect(1, "basic.cancel");
    assertEquals(cancel.consumerTag, "c");
    await peer.expect(1, "queue.delete-ok");
    for (const consumerTag of ["a", "b"]) {
      assertEquals((await peer.expect(1, "basic.cancel")).consumerTag, consumerTag);
    }

    // from now on they are told at once again
    await declare(peer, { queue: "again", durable });
    await peer.send(1, basicConsume({ queue: "again", consumerTag: "a" }));
    await peer.expect(1, "basic.consume-ok");
    await other.send(1, queueDelete({ queue: "again" }));
    await peer.expect(1, "basic.cancel");
    await other.expect(1, "queue.delete-ok");
  });
}

Deno.test("Whoever deletes a queue has the reply first, however many consumers of his it had", async () => {
  await using served = await ServedBroker.start(new SimulatedDisk().options());
  const peer = await served.login();
  await declare(peer, { queue: "q", durable: true });
  // more than are cancelled at once
  const count = 1500;
  for (let consumer = 0; consumer < count; consumer++) {
    await peer.send(1, basicConsume({ queue: "q", consumerTag: `${consumer}`, noWait: true }));
  }
  await peer.send(1, queueDelete({ queue: "q" }));
  await peer.expect(1, "queue.delete-ok");
  for (let consumer = 0; consumer < count; consumer++) {
    assertEquals((await peer.expect(1, "basic.cancel")).consumerTag, `${consumer}`);
  }
});
