import { assertEquals } from "@std/assert";
import { ManagedBroker } from "./support.ts";

for (const component of ["shovel", "federation-upstream", "nope"]) {
  Deno.test(`a ${component} is refused, for nobody here would start it`, async () => {
    await using managed = new ManagedBroker();
    const path = `/parameters/${component}/%2F/p`;
    const put = await managed.ask("PUT", path, { body: { value: { uri: "amqp://" } } });
    assertEquals([put.status, put.body], [400, {
      error: "bad_request",
      reason: `Validation failed\n\ncomponent ${component} not found\n`,
    }]);
    assertEquals((await managed.ask("GET", path)).status, 404);
  });
}

Deno.test("a shovel in a file of definitions is kept and exported, is not changed, and can be deleted", async () => {
  await using managed = new ManagedBroker();
  const value = {
    "src-uri": "amqp://",
    "src-queue": "a",
    "dest-uri": "amqp://",
    "dest-queue": "b",
  };
  const shovel = { vhost: "/", component: "shovel", name: "move", value };
  const imported = await managed.ask("POST", "/definitions", { body: { parameters: [shovel] } });
  assertEquals(imported.status, 204);
  const path = "/parameters/shovel/%2F/move";
  assertEquals((await managed.ask("PUT", path, { body: { value: {} } })).status, 400);
  assertEquals(await managed.get(path), shovel);
  assertEquals((await managed.get("/definitions")).parameters, [shovel]);
  assertEquals((await managed.ask("DELETE", path)).status, 204);
  assertEquals((await managed.ask("DELETE", path)).status, 404);
});

Deno.test("what the broker itself is told by parameters is set as such", async () => {
  await using managed = new ManagedBroker();
  const value = {
    pattern: "^q",
    definition: { "max-length": 5 },
    priority: 1,
    "apply-to": "queues",
  };
  const put = (path: string, value: unknown) =>
    managed.ask("PUT", `/parameters/${path}`, { body: { value } });
  assertEquals((await put("operator_policy/%2F/o", value)).status, 201);
  assertEquals((await put("vhost-limits/%2F/limits", { "max-queues": 9 })).status, 201);
  assertEquals(await managed.get("/operator-policies"), [{ vhost: "/", name: "o", ...value }]);
  assertEquals(await managed.get("/vhost-limits"), [{ vhost: "/", value: { "max-queues": 9 } }]);
  const { status, body } = await put("policy/%2F/p", value);
  assertEquals([status, body.reason], [400, "policies may not be set using this method"]);
});
