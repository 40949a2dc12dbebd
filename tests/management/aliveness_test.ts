import { assertEquals } from "@std/assert";
import { ManagedBroker } from "./support.ts";

const EMPTY = [503, { status: "failed", reason: "aliveness-test queue is empty" }];

async function testAliveness(managed: ManagedBroker): Promise<unknown[]> {
  const { status, body } = await managed.ask("GET", "/aliveness-test/%2F");
  return [status, body];
}

Deno.test("GET /api/aliveness-test sends a message through a queue, and gets it back", async () => {
  await using managed = new ManagedBroker();
  for (let count = 0; count < 2; count++) {
    assertEquals(await testAliveness(managed), [200, { status: "ok" }]);
    const { messages, durable } = await managed.get("/queues/%2F/aliveness-test");
    assertEquals([messages, durable], [0, false]);
  }
});

for (const definition of [{ "max-length": 0 }, { "message-ttl": 0 }]) {
  const [key] = Object.keys(definition);
  Deno.test(`GET /api/aliveness-test fails when the message is gone, through ${key}`, async () => {
    await using managed = new ManagedBroker();
    const body = { pattern: "^aliveness", definition };
    await managed.ask("PUT", "/policies/%2F/p", { body });
    assertEquals(await testAliveness(managed), EMPTY);
    await managed.ask("DELETE", "/policies/%2F/p");
    assertEquals(await testAliveness(managed), [200, { status: "ok" }]);
  });
}

Deno.test("GET /api/aliveness-test fails when the queue takes no message", async () => {
  await using managed = new ManagedBroker();
  const definition = { "max-length": 0, overflow: "reject-publish" };
  await managed.ask("PUT", "/policies/%2F/p", { body: { pattern: ".*", definition } });
  assertEquals(await testAliveness(managed), EMPTY);
});

Deno.test("GET /api/aliveness-test fails when somebody else takes the message", async () => {
  await using managed = new ManagedBroker();
  await using connection = await managed.broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("aliveness-test");
  const taken = Promise.withResolvers<string>();
  await channel.basicConsume("aliveness-test", { noAck: true }, (delivery) => {
    taken.resolve(delivery.text());
  });
  assertEquals(await testAliveness(managed), EMPTY);
  assertEquals(await taken.promise, "test_message");
});

Deno.test("GET /api/aliveness-test tells why the queue cannot be used", async () => {
  await using managed = new ManagedBroker();
  await managed.broker.declareQueue({ queue: "aliveness-test", durable: true });
  const { status, body } = await managed.ask("GET", "/aliveness-test/%2F");
  assertEquals([status, body.error, /inequivalent arg 'durable'/.test(body.reason)], [
    400,
    "bad_request",
    true,
  ]);
  assertEquals((await managed.ask("GET", "/aliveness-test/nosuch")).status, 404);
});

Deno.test("GET /api/aliveness-test fails while nobody may publish, rather than wait", async () => {
  await using managed = new ManagedBroker({ memoryHighWatermark: 1 });
  managed.broker.setMemoryHighWatermark(0);
  assertEquals(await testAliveness(managed), [503, {
    status: "failed",
    reason: "publishing is held back: low on memory",
  }]);
  managed.broker.setMemoryHighWatermark(1);
  assertEquals(await testAliveness(managed), [200, { status: "ok" }]);
  assertEquals((await managed.get("/queues/%2F/aliveness-test")).messages, 0);
});
