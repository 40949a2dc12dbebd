import { assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../broker/amqp/clock.ts";
import type { Steps } from "../../broker/amqp/long_work.ts";
import { BrokerEvents } from "../../broker/events.ts";
import { Changes } from "../../broker/operator/changes.ts";
import { TopologyOperations } from "../../broker/operator/topology.ts";
import { Background } from "../../broker/vhost/background.ts";
import type { VirtualHosts } from "../../broker/virtual_hosts.ts";

/** A vhost in which everything is deleted in slices, and the third one goes wrong. */
function brokenVhosts(): VirtualHosts {
  const background = new Background(new BrokerEvents(systemClock, () => {}), () => {});
  const thing = { name: "x", owner: undefined, purging: false };
  function* steps(): Steps {
    yield 512;
    yield 512;
    throw new Error("Cannot go on");
  }
  const vhost = {
    exchanges: new Map([["x", thing]]),
    queues: new Map([["x", thing]]),
    beginDeletingExchange: steps,
    beginDeletingQueue: () => ({ steps: steps(), dropped: 0 }),
    inBackground: (steps: Steps, onDone: (error?: unknown) => void) =>
      background.begin(steps, onDone),
  };
  return { get: () => vhost } as unknown as VirtualHosts;
}

Deno.test("An operator is told that a long deletion went wrong", async () => {
  const operations = new TopologyOperations(brokenVhosts(), new Changes(undefined));
  for (
    const remove of [
      () => operations.deleteExchange({ exchange: "x" }),
      () => operations.deleteQueue({ queue: "x" }),
    ]
  ) {
    const error = await assertRejects(remove, Error);
    assertEquals(error.message, "Cannot go on");
  }
});
