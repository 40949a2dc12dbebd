import { assertEquals, assertMatch } from "@std/assert";
import { ManualClock } from "../support/manual_clock.ts";
import { manage, serveManagement } from "../../broker/management/mod.ts";
import { Broker, connect } from "../../mod.ts";
import { ServedBroker } from "../connection/support.ts";
import { ManagedBroker } from "./support.ts";

Deno.test("serveManagement() answers on a port, and stops", async () => {
  await using broker = new Broker();
  const server = await serveManagement(broker, { port: 0 });
  const headers = { authorization: `Basic ${btoa("guest:guest")}` };
  const response = await fetch(`${server.url}/api/overview`, { headers });
  const overview = await response.json();
  assertEquals(overview.listeners, [{
    node: "warren@localhost",
    protocol: "http",
    ip_address: "127.0.0.1",
    port: server.port,
    tls: false,
  }]);
  const slashes = await fetch(`${server.url}/api/bindings/%2F/e//q/none`, { headers });
  assertEquals(await slashes.json(), []);
  await server.close();
  await using again = await serveManagement(broker, { port: server.port });
  assertEquals(again.port, server.port);
});

Deno.test("a binding is made, found and deleted by its properties key", async () => {
  await using managed = new ManagedBroker();
  await managed.broker.declareQueue({ queue: "q" });
  const path = "/bindings/%2F/e/amq.topic/q/q";
  const keys = new Map<string, object>([
    ["a.b", { routing_key: "a.b" }],
    ["~", {}],
    ["with+space%7Eand%2F%C3%A9", { routing_key: "with space~and/é" }],
  ]);
  for (const [key, body] of keys) {
    const { status, headers } = await managed.ask("POST", path, { body });
    assertEquals([status, headers.get("location")], [201, `q/${encodeURIComponent(key)}`]);
    const found = await managed.get(`${path}/${encodeURIComponent(key)}`);
    assertEquals(found.properties_key, key);
  }
  await managed.ask("POST", path, { body: { routing_key: "k", arguments: { x: 1, y: "z" } } });
  const [withArguments] = (await managed.get(path))
    .filter(({ routing_key }: { routing_key: string }) => routing_key === "k");
  assertMatch(withArguments.properties_key, /^k~[\w-]{6}$/);
  assertEquals(withArguments.arguments, { x: 1, y: "z" });
  const key = encodeURIComponent(withArguments.properties_key);
  assertEquals((await managed.ask("DELETE", `${path}/${key}`)).status, 204);
  assertEquals((await managed.ask("DELETE", `${path}/${key}`)).status, 404);
  assertEquals((await managed.get(path)).length, 3);
  // as some clients write it
  assertEquals((await managed.ask("DELETE", `${path}/a.b`)).status, 204);
});

Deno.test("arguments that are nothing are told as RabbitMQ does, and exported as they are", async () => {
  await using managed = new ManagedBroker();
  const args = { none: null, deep: { list: [null, 1, true], text: "null" } };
  const told = { none: "undefined", deep: { list: ["undefined", 1, true], text: "null" } };
  await managed.broker.declareQueue({ queue: "q", arguments: args });
  await managed.broker.declareExchange({ exchange: "e", type: "topic", arguments: args });
  const binding = { routing_key: "k", arguments: args };
  await managed.ask("POST", "/bindings/%2F/e/e/q/q", { body: binding });
  await using connection = await managed.broker.connect();
  const channel = await connection.openChannel();
  await channel.basicConsume("q", { arguments: args }, () => {});
  const paths = ["/queues/%2F/q", "/exchanges/%2F/e"];
  for (const path of paths) assertEquals((await managed.get(path)).arguments, told, path);
  const [bound] = await managed.get("/bindings/%2F/e/e/q/q");
  assertEquals(bound.arguments, told);
  const [consumer] = await managed.get("/consumers");
  assertEquals(consumer.arguments, told);
  const { queues, exchanges, bindings } = await managed.get("/definitions");
  assertEquals([queues, exchanges, bindings].map(([one]) => one.arguments), [args, args, args]);
});

Deno.test("a consumer tells how long it may take for an ack", async () => {
  const timeouts = async (options: { consumerTimeoutMs?: number }) => {
    await using managed = new ManagedBroker(options);
    await using server = await managed.broker.listen({ port: 0 });
    await using connection = await connect(server.url);
    const channel = await connection.openChannel();
    await channel.queueDeclare("a");
    await channel.queueDeclare("b", { arguments: { "x-consumer-timeout": 90_000 } });
    const ofConsumer = { "x-consumer-timeout": 70_000 };
    await channel.basicConsume("a", { consumerTag: "1" }, () => {});
    await channel.basicConsume("b", { consumerTag: "2" }, () => {});
    await channel.basicConsume("b", { consumerTag: "3", arguments: ofConsumer }, () => {});
    const told = await managed.get("/consumers");
    return told.map((consumer: { consumer_timeout: unknown }) => consumer.consumer_timeout);
  };
  // one in the same process may take as long as it wants
  await using managed = new ManagedBroker();
  await using connection = await managed.broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  await channel.basicConsume("q", {}, () => {});
  const [{ consumer_timeout }] = await managed.get("/consumers");
  assertEquals(consumer_timeout, 0);
  assertEquals(await timeouts({}), [1_800_000, 90_000, 70_000]);
  // 0 is what an option says that never gives up on anybody
  assertEquals(await timeouts({ consumerTimeoutMs: 0 }), [0, 90_000, 70_000]);
});

Deno.test("a queue is declared once, again, and not otherwise", async () => {
  await using managed = new ManagedBroker();
  const path = "/queues/%2F/q%2F%25é";
  const put = (body: object) => managed.ask("PUT", path, { body });
  assertEquals((await put({ durable: true })).status, 201);
  assertEquals((await put({ durable: "true" })).status, 204);
  const other = await put({ durable: false });
  assertEquals([other.status, other.body.reason], [
    400,
    "inequivalent arg 'durable' for queue 'q/%é' in vhost '/': " +
    "received 'false' but current is 'true'",
  ]);
  assertEquals((await managed.get(path)).name, "q/%é");
  assertEquals((await managed.ask("DELETE", path)).status, 204);
  assertEquals((await managed.ask("DELETE", path)).status, 404);
});

Deno.test("a hash that does not say what it was made with was made with what new ones are", async () => {
  const hashes = new Map<string, string>();
  for (const passwordHashing of ["rabbitmq-sha512", "rabbitmq-sha256"] as const) {
    await using managed = new ManagedBroker({ passwordHashing });
    const put = (name: string, body: object) => managed.ask("PUT", `/users/${name}`, { body });
    await put("ann", { password: "p1", tags: "management" });
    const { password_hash } = await managed.get("/users/ann");
    assertEquals((await put("bob", { password_hash, tags: "management" })).status, 201);
    assertEquals((await managed.get("/whoami", { user: "bob:p1" })).name, "bob");
    hashes.set(passwordHashing, password_hash);
  }
  // where new ones are of no kind that RabbitMQ has, it is RabbitMQ's usual one
  await using managed = new ManagedBroker({ passwordHashing: "scrypt" });
  const status = async (hashing: string) => {
    const body = { password_hash: hashes.get(hashing), tags: "" };
    return (await managed.ask("PUT", "/users/cid", { body })).status;
  };
  assertEquals(await status("rabbitmq-sha256"), 201);
  assertEquals(await status("rabbitmq-sha512"), 400);
});

Deno.test("a vhost whose limits were all taken away is listed with none", async () => {
  await using managed = new ManagedBroker({ vhosts: ["/", "other"] });
  assertEquals(await managed.get("/vhost-limits"), []);
  const path = "/vhost-limits/%2F";
  await managed.ask("PUT", `${path}/max-queues`, { body: { value: 5 } });
  assertEquals(await managed.get("/vhost-limits"), [{ vhost: "/", value: { "max-queues": 5 } }]);
  assertEquals((await managed.ask("DELETE", `${path}/max-queues`)).status, 204);
  assertEquals(await managed.get("/vhost-limits"), [{ vhost: "/", value: {} }]);
  assertEquals(await managed.get(path), []);
  await managed.ask("DELETE", "/parameters/vhost-limits/%2F/limits");
  assertEquals(await managed.get("/vhost-limits"), []);
});

Deno.test("tools that divide what is used of a node by what there is have both", async () => {
  await using managed = new ManagedBroker();
  const { name } = managed.broker.node();
  const before = await managed.get(`/nodes/${name}`);
  assertEquals([before.proc_used, before.proc_total], [1, 1_048_576]);
  await using connection = await managed.broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  assertEquals((await managed.get(`/nodes/${name}`)).proc_used, 4);
});

Deno.test("a user is made, changed and deleted, and its hash can be carried elsewhere", async () => {
  await using managed = new ManagedBroker();
  const put = (name: string, body: object) => managed.ask("PUT", `/users/${name}`, { body });
  assertEquals((await put("ann", { password: "p1", tags: "management" })).status, 201);
  const { password_hash, hashing_algorithm } = await managed.get("/users/ann");
  assertEquals(hashing_algorithm, "rabbit_password_hashing_sha256");
  assertEquals((await put("bob", { password_hash, tags: ["management"] })).status, 201);
  assertEquals(await managed.get("/whoami", { user: "bob:p1" }), {
    name: "bob",
    tags: ["management"],
    is_internal_user: true,
  });
  assertEquals((await put("ann", { password: "p2", tags: "" })).status, 204);
  assertEquals((await managed.ask("GET", "/whoami", { user: "ann:p1" })).status, 401);
  assertEquals((await managed.get("/users/ann")).tags, []);
  const { body: { ok } } = await managed.ask("GET", "/auth/hash_password/other");
  assertEquals((await put("eve", { password_hash: ok, tags: "monitoring" })).status, 201);
  assertEquals((await managed.ask("GET", "/whoami", { user: "eve:other" })).status, 200);
  for (const name of ["ann", "bob"]) {
    assertEquals((await managed.ask("DELETE", `/users/${name}`)).status, 204);
  }
  assertEquals((await managed.ask("GET", "/whoami", { user: "bob:p1" })).status, 401);
  assertEquals(managed.logger.lines.some((line) => /p1|p2|other/.test(line)), false);
});

Deno.test("definitions come out and go in, whole, by vhost, and from a form, as often as one likes", async () => {
  await using managed = new ManagedBroker();
  await managed.broker.declareQueue({ queue: "q", arguments: { "x-max-length": 5 } });
  // who imports it may use it as well
  assertEquals((await managed.ask("PUT", "/vhosts/v")).status, 201);
  await managed.broker.declareQueue({ queue: "w", vhost: "v" });
  const whole = await managed.get("/definitions");
  const ofVhost = await managed.get("/definitions/v");
  await using other = new ManagedBroker();
  for (let time = 0; time < 2; time++) {
    assertEquals((await other.ask("POST", "/definitions", { body: whole })).status, 204);
  }
  assertEquals(await other.get("/definitions"), whole);
  assertEquals((await other.ask("POST", "/definitions/%2F", { body: ofVhost })).status, 204);
  assertEquals((await other.get("/queues/%2F/w")).durable, true);
  const form = new FormData();
  form.set("file", new Blob([JSON.stringify({ vhosts: [{ name: "x" }] })]), "file.json");
  const sent = new Request("http://localhost/", { method: "POST", body: form });
  const body = await sent.text();
  const headers = { "content-type": sent.headers.get("content-type")! };
  assertEquals((await other.ask("POST", "/definitions", { body, headers })).status, 204);
  assertEquals((await other.get("/vhosts/x")).name, "x");
  const broken = await other.ask("POST", "/definitions", { body: "{" });
  assertEquals([broken.status, broken.body.reason], [400, "failed_to_parse_json"]);
});

Deno.test("a connection is closed with the reason that is given", async () => {
  await using managed = new ManagedBroker();
  await using server = await managed.broker.listen({ port: 0 });
  const { connect } = await import("../../mod.ts");
  await using connection = await connect(`amqp://127.0.0.1:${server.port}`, { recovery: false });
  const [{ name }] = await managed.get("/connections");
  const path = `/connections/${encodeURIComponent(name)}`;
  assertEquals((await managed.get(path)).user, "guest");
  await managed.addUser("ann", "monitoring");
  assertEquals((await managed.ask("DELETE", path, { user: "ann:p" })).status, 401);
  const headers = { "x-reason": "go home" };
  assertEquals((await managed.ask("DELETE", path, { headers })).status, 204);
  assertMatch(`${await connection.closed}`, /320|CONNECTION_FORCED - go home/);
  assertEquals((await managed.ask("DELETE", path)).status, 404);
});

Deno.test("who closes a connection does not wait long for a client that never answers", async () => {
  await using served = await ServedBroker.start({ passwordHashing: "rabbitmq-sha256" });
  using management = manage(served.broker, { clock: served.clock });
  const headers = { authorization: `Basic ${btoa("guest:guest")}` };
  for (const which of ["its name", "its user"]) {
    const peer = await served.login();
    const [found] = served.broker.connections();
    const path = which === "its user" ? "username/guest" : encodeURIComponent(found!.name);
    const url = `http://localhost/api/connections/${path}`;
    const request = new Request(url, { method: "DELETE", headers });
    const answered = management.handle(request, { hostname: "127.0.0.1", port: 40_000 });
    await peer.expect(0, "connection.close");
    served.clock.advance(500);
    assertEquals((await answered).status, 204);
    assertEquals([...served.broker.connections()].map(({ state }) => state), ["closing"]);
    served.clock.advance(9_500);
    await peer.expectEnd();
    assertEquals([...served.broker.connections()], []);
  }
});

Deno.test("a single channel is closed with the reason that is given, and the others go on", async () => {
  await using managed = new ManagedBroker();
  await using server = await managed.broker.listen({ port: 0 });
  const { connect } = await import("../../mod.ts");
  await using connection = await connect(`amqp://127.0.0.1:${server.port}`, { recovery: false });
  const [stuck, other] = [await connection.openChannel(), await connection.openChannel()];
  await stuck.queueDeclare("q");
  await stuck.basicPublish({ routingKey: "q" }, "held");
  const held = Promise.withResolvers<void>();
  await stuck.basicConsume("q", {}, () => held.resolve());
  await held.promise;
  const [{ name }] = await managed.get("/channels?sort=number");
  const path = `/channels/${encodeURIComponent(name)}`;
  await managed.addUser("ann", "monitoring");
  assertEquals((await managed.ask("DELETE", path, { user: "ann:p" })).status, 401);
  const headers = { "x-reason": "does not get on" };
  assertEquals((await managed.ask("DELETE", path, { headers })).status, 204);
  assertMatch(`${await stuck.closed}`, /PRECONDITION_FAILED - does not get on/);
  // what it held has come back, and its number can be had again
  const { messageCount } = await other.queueDeclare("q", { passive: true });
  assertEquals(messageCount, 1);
  assertEquals((await managed.ask("DELETE", path)).status, 404);
  assertEquals((await managed.ask("DELETE", "/channels/nope%20(1)")).status, 404);
  await (await connection.openChannel()).queueDeclare("r");
});

Deno.test("health checks tell of alarms and of listeners", async () => {
  await using managed = new ManagedBroker();
  await using server = await managed.broker.listen({ port: 0 });
  const status = async (path: string) =>
    (await managed.ask("GET", `/health/checks/${path}`)).status;
  assertEquals(await status("alarms"), 200);
  assertEquals(await status(`port-listener/${server.port}`), 200);
  assertEquals(await status("port-listener/1"), 503);
  assertEquals(await status("protocol-listener/amqp"), 200);
  assertEquals(await status("protocol-listener/mqtt"), 503);
  managed.broker.setMemoryHighWatermark(0);
  const { status: raised, body } = await managed.ask("GET", "/health/checks/alarms");
  assertEquals(raised, 503);
  assertEquals(body.alarms, [{ node: "warren@localhost", resource: "memory" }]);
});

Deno.test("a health check tells that there are as many connections as there may be", async () => {
  await using managed = new ManagedBroker({ connectionMax: 1 });
  const check = () => managed.ask("GET", "/health/checks/below-node-connection-limit");
  assertEquals((await check()).status, 200);
  await using _connection = await managed.broker.connect();
  const { status, body } = await check();
  assertEquals(status, 503);
  assertEquals(body, { status: "failed", reason: "node connection limit is reached" });
});

Deno.test("guesses of one address take longer and longer", async () => {
  const clock = new ManualClock();
  await using managed = new ManagedBroker({ clock });
  const guess = () => managed.ask("GET", "/whoami", { user: "guest:wrong" });
  for (let count = 0; count < 3; count++) {
    const answered = guess();
    await until(() => managed.logger.of("warning").length === count + 1);
    clock.advance(0);
    assertEquals((await answered).status, 401);
  }
  let done = false;
  const fourth = guess().then(() => done = true);
  await until(() => managed.logger.of("warning").length === 4);
  clock.advance(249);
  await Promise.resolve();
  assertEquals(done, false);
  clock.advance(1);
  await fourth;
});

/** Waits for something that other parts of this process do. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 0));
  await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("what is no JSON, too deep or not UTF-8 is a bad request", async () => {
  await using managed = new ManagedBroker();
  for (const body of ["{", "[1]", "null", '"text"', "1", "{".repeat(100_000)]) {
    const { status } = await managed.ask("PUT", "/queues/%2F/q", { body });
    assertEquals(status, 400, body.slice(0, 20));
  }
  const deep = `{"arguments":{"x":${"[".repeat(500)}${"]".repeat(500)}}}`;
  assertEquals((await managed.ask("PUT", "/queues/%2F/q", { body: deep })).status, 400);
  const arguments_ = { "x-max-length": "many" };
  const wrong = await managed.ask("PUT", "/queues/%2F/q", { body: { arguments: arguments_ } });
  assertEquals(wrong.status, 400);
  assertEquals(managed.logger.of("error"), []);
});

Deno.test("a path that comes to no text is refused, and makes nothing with a name as it is written", async () => {
  await using managed = new ManagedBroker();
  for (const odd of ["%", "%zz", "a%2", "%ff", "%c3", "%ed%a0%80"]) {
    for (const path of [`/queues/%2F/${odd}`, `/vhosts/${odd}`, `/queues?name=${odd}`]) {
      for (const method of ["GET", "PUT", "DELETE", "OPTIONS"]) {
        const { status, body } = await managed.ask(
          method,
          path,
          method === "PUT" ? { body: {} } : {},
        );
        assertEquals([status, body?.error], [400, "bad_request"], `${method} ${path}`);
      }
    }
  }
  assertEquals(await managed.get("/queues"), []);
  assertEquals((await managed.ask("PUT", "/queues/%2F/100%25", { body: {} })).status, 201);
  assertEquals((await managed.get("/queues/%2F/100%25")).name, "100%");
});

Deno.test("an odd path is answered, and nothing is logged as a bug", async () => {
  await using managed = new ManagedBroker();
  for (
    const path of [
      "/queues/%2F/%ff",
      "/queues/%",
      `/queues/%2F/${"x".repeat(5000)}`,
      "/queues/%00/a",
      "/bindings/%2F/e/a/x/b",
      "//queues",
    ]
  ) {
    for (const method of ["GET", "PUT", "DELETE"]) {
      const { status } = await managed.ask(method, path, method === "PUT" ? { body: {} } : {});
      if (status >= 500) throw new Error(`${method} ${path.slice(0, 50)}: ${status}`);
    }
  }
  assertEquals(managed.logger.of("error"), []);
});
