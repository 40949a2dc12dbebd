import { assertEquals } from "@std/assert";
import { ManagedBroker } from "./support.ts";

const MESSAGE = { properties: {}, routing_key: "q", payload: "x", payload_encoding: "string" };
const GET = { count: 1, ackmode: "ack_requeue_true", encoding: "auto" };

Deno.test("with the profile of RabbitMQ 4 what a message is to go to or come from is looked for first", async () => {
  await using managed = new ManagedBroker({ profile: "rabbitmq-4.3" });
  const ask = async (path: string, body: object) => {
    const answer = await managed.ask("POST", path, { body });
    return [answer.status, answer.body];
  };
  const missing = (kind: string) => [404, { error: "not_found", reason: `${kind}_not_found` }];
  assertEquals(await ask("/exchanges/%2F/none/publish", MESSAGE), missing("exchange"));
  assertEquals(await ask("/queues/%2F/none/get", GET), missing("queue"));
  await managed.broker.declareQueue({ queue: "q" });
  assertEquals(await ask("/exchanges/%2F/amq.default/publish", MESSAGE), [200, { routed: true }]);
  const [status, [message]] = await ask("/queues/%2F/q/get", GET) as [
    number,
    [{ payload: string }],
  ];
  assertEquals([status, message.payload], [200, "x"]);
});

Deno.test("a stream tells of how many segments it is", async () => {
  await using managed = new ManagedBroker();
  const body = { durable: true, arguments: { "x-queue-type": "stream" } };
  await managed.ask("PUT", "/queues/%2F/s", { body });
  await managed.ask("PUT", "/queues/%2F/q", { body: {} });
  await managed.ask("POST", "/exchanges/%2F/amq.default/publish", {
    body: { ...MESSAGE, routing_key: "s" },
  });
  assertEquals((await managed.get("/queues/%2F/s")).segments, 1);
  assertEquals("segments" in await managed.get("/queues/%2F/q"), false);
});
