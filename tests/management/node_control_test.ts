import { assertEquals } from "@std/assert";
import { manage } from "../../broker/management/mod.ts";
import { Broker } from "../../mod.ts";
import { ManagedBroker } from "./support.ts";

const NODE = "/nodes/warren@localhost";
const STOPPED = { error: "service_unavailable", reason: "the broker is stopped" };

Deno.test({
  name: "how many files there may be is told where the system tells it",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using managed = new ManagedBroker();
    for (const node of [(await managed.get("/nodes"))[0], await managed.get(NODE)]) {
      const { fd_used: used, fd_total: total, sockets_total: sockets } = node;
      assertEquals([used > 0, used < total, sockets], [true, true, total]);
    }
  },
});

Deno.test("a broker that is stopped answers little more than that, until it is started", async () => {
  await using managed = new ManagedBroker();
  const { broker } = managed;
  await using server = await broker.listen({ port: 0 });
  const set = (what: string, value: unknown) =>
    managed.ask("PUT", `${NODE}/${what}`, { body: { value } });
  const checks = ["is-in-service", "ready-to-serve-clients"];
  assertEquals((await set("serving", false)).status, 204);
  assertEquals(broker.serving, false);
  for (const path of ["/queues", "/vhosts/%2F", "/health/checks/alarms", "/definitions"]) {
    const { status, body } = await managed.ask("GET", path);
    assertEquals([path, status, body], [path, 503, STOPPED]);
  }
  assertEquals((await managed.ask("PUT", "/vhosts/v1")).status, 503);
  for (const path of ["/overview", "/whoami", NODE]) {
    assertEquals((await managed.ask("GET", path)).status, 200, path);
  }
  assertEquals((await managed.get("/nodes"))[0].running, false);
  assertEquals((await managed.get("/overview")).listeners, []);
  for (const check of checks) {
    const { status, body } = await managed.ask("GET", `/health/checks/${check}`);
    const reason = "this rabbit node is not currently available to serve";
    assertEquals([status, body], [503, { status: "failed", reason }]);
  }
  assertEquals((await set("serving", true)).status, 204);
  for (const path of ["/queues", ...checks.map((check) => `/health/checks/${check}`)]) {
    assertEquals((await managed.ask("GET", path)).status, 200, path);
  }
  assertEquals((await managed.get("/nodes"))[0].running, true);
  assertEquals((await managed.get(`/health/checks/port-listener/${server.port}`)).status, "ok");
});

Deno.test("listeners are suspended and resumed, and what cannot be resumed is told", async () => {
  await using managed = new ManagedBroker();
  await using server = await managed.broker.listen({ port: 0 });
  const { port } = server;
  const set = (value: boolean) => managed.ask("PUT", `${NODE}/listening`, { body: { value } });
  const check = async () =>
    (await managed.ask("GET", `/health/checks/port-listener/${port}`)).status;
  assertEquals([(await set(false)).status, await check()], [204, 503]);
  const taken = Deno.listen({ hostname: "127.0.0.1", port });
  const { status, body } = await set(true);
  assertEquals([status, body.error], [409, "conflict"]);
  taken.close();
  assertEquals([(await set(true)).status, await check()], [204, 200]);
});

for (
  const [path, value] of [["serving", 1], ["listening", "no"], ["log-level", "loud"]] as const
) {
  Deno.test(`PUT ${NODE}/${path} refuses ${JSON.stringify(value)}`, async () => {
    await using managed = new ManagedBroker();
    assertEquals((await managed.ask("PUT", `${NODE}/${path}`, { body: { value } })).status, 400);
    assertEquals((await managed.ask("PUT", `${NODE}/${path}`, { body: {} })).status, 400);
  });
}

Deno.test("only administrators stop anything, and no page of another site does", async () => {
  await using managed = new ManagedBroker();
  await managed.addUser("mo", "monitoring");
  const requests = [
    ["PUT", "serving", { value: false }],
    ["PUT", "listening", { value: false }],
    ["PUT", "log-level", { value: "debug" }],
    ["POST", "shutdown", {}],
    ["POST", "reset", {}],
  ] as const;
  for (const [method, path, body] of requests) {
    const asked = await managed.ask(method, `${NODE}/${path}`, { body, user: "mo:p" });
    assertEquals(asked.status, 401, path);
    const headers = { "sec-fetch-site": "cross-site" };
    const foreign = await managed.ask(method, `${NODE}/${path}`, { body, headers });
    assertEquals(foreign.status, 403, path);
    assertEquals((await managed.ask(method, `/nodes/other/${path}`, { body })).status, 404, path);
  }
  assertEquals(managed.broker.serving, true);
});

Deno.test("a broker is reset when it is stopped, and not before", async () => {
  await using managed = new ManagedBroker();
  const { broker } = managed;
  await managed.addUser("ann", "administrator");
  await broker.declareQueue({ queue: "orders" });
  const reset = () => managed.ask("POST", `${NODE}/reset`, { user: "ann:p" });
  const early = await reset();
  assertEquals([early.status, early.body], [
    409,
    { error: "conflict", reason: "the broker has to be stopped first" },
  ]);
  assertEquals([...broker.queues()].length, 1);
  await broker.stopServing();
  assertEquals((await reset()).status, 204);
  // whoever asked is forgotten as well
  assertEquals((await reset()).status, 401);
  assertEquals(
    (await managed.ask("PUT", `${NODE}/serving`, { body: { value: true } })).status,
    204,
  );
  assertEquals(await managed.get("/queues"), []);
});

Deno.test("a program that says nothing of it is not ended, and logs what it logged", async () => {
  await using managed = new ManagedBroker();
  const ended = await managed.ask("POST", `${NODE}/shutdown`, { body: {} });
  assertEquals([ended.status, ended.body.error], [501, "not_implemented"]);
  const body = { value: "debug" };
  assertEquals((await managed.ask("PUT", `${NODE}/log-level`, { body })).status, 501);
});

Deno.test("a program is ended when the one who asked has got the answer", async () => {
  await using broker = new Broker();
  const told: string[] = [];
  const ended = Promise.withResolvers<string>();
  using management = manage(broker, {
    program: { shutDown: ended.resolve, setLogLevel: (level) => told.push(level) },
  });
  await using server = await management.serve({ port: 0 });
  const ask = (method: string, path: string, body: unknown) =>
    fetch(`${server.url}/api${NODE}/${path}`, {
      method,
      headers: { authorization: `Basic ${btoa("guest:guest")}` },
      body: JSON.stringify(body),
    });
  assertEquals((await ask("PUT", "log-level", { value: "error" })).status, 204);
  assertEquals(told, ["error"]);
  const response = await ask("POST", "shutdown", {});
  assertEquals(response.status, 204);
  assertEquals(await ended.promise, "guest");
});
