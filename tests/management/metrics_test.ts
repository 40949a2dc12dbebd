import { assert, assertEquals, assertMatch } from "@std/assert";
import { Broker } from "../../mod.ts";
import { manage } from "../../broker/management/mod.ts";
import { exposeMetrics } from "../../broker/prometheus/mod.ts";
import { ManagedBroker } from "./support.ts";

const PEER = { hostname: "127.0.0.1", port: 40_000 };

Deno.test("metrics are on the port of the API for who may see everything, and for nobody else", async () => {
  await using broker = new Broker({ passwordHashing: "rabbitmq-sha256" });
  using metrics = exposeMetrics(broker);
  using managed = manage(broker, { metrics });
  for (const tag of ["management", "policymaker", "monitoring", "own"]) {
    await broker.addUser(tag, { password: "p", tags: [tag] });
  }
  await broker.declareQueue({ queue: "orders" });
  const ask = (path: string, user?: string, more: RequestInit = {}) => {
    const headers = user === undefined ? {} : { authorization: `Basic ${btoa(user)}` };
    const request = new Request(`http://localhost:15672${path}`, { headers, ...more });
    return managed.handle(request, PEER);
  };
  const paths = [
    "/metrics",
    "/metrics/per-object",
    "/metrics/detailed?family=queue_coarse_metrics",
  ];
  for (const path of paths) {
    const nobody = await ask(path);
    assertEquals([nobody.status, await nobody.text()], [401, ""], path);
    assertMatch(nobody.headers.get("www-authenticate")!, /^Basic /);
    for (const user of ["management:p", "policymaker:p", "own:p"]) {
      const refused = await ask(path, user);
      assertEquals(refused.status, 401, `${path} as ${user}`);
      assert(!(await refused.text()).includes("orders"));
    }
    for (const user of ["monitoring:p", "guest:guest"]) {
      const told = await ask(path, user);
      assertEquals(told.status, 200, `${path} as ${user}`);
      assertEquals(told.headers.get("content-type"), "text/plain; version=0.0.4");
      assertEquals(told.headers.get("x-content-type-options"), "nosniff");
      const text = await told.text();
      if (path === "/metrics") assertMatch(text, /^rabbitmq_queues 1$/m);
      else assertMatch(text, /_queue_messages_ready\{.*queue="orders".*\} 0$/m);
    }
  }
  const wrong = await ask("/metrics/nope", "guest:guest");
  assertEquals([wrong.status, await wrong.text()], [404, "Unknown Registry"]);
  const head = await ask("/metrics", undefined, {
    method: "HEAD",
    headers: { authorization: `Basic ${btoa("guest:guest")}` },
  });
  assertEquals([head.status, await head.text()], [200, ""]);
  assertEquals((await ask("/metrics", undefined, { method: "POST" })).status, 404);
});

Deno.test("who exposes none has none on the port of the API", async () => {
  await using managed = new ManagedBroker();
  const request = new Request("http://localhost:15672/metrics", {
    headers: { authorization: `Basic ${btoa("guest:guest")}` },
  });
  using api = manage(managed.broker);
  const response = await api.handle(request, PEER);
  assertEquals([response.status, (await response.json()).error], [404, "Object Not Found"]);
});
