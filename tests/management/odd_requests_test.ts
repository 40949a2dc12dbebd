import { assert, assertEquals } from "@std/assert";
import { ManagedBroker } from "./support.ts";

/** What is in a path, a query or a page has meanings of its own for some of these. */
const NAMES = [
  "a/b",
  "a%2Fb",
  "%2F",
  "a%zz",
  "a?b#c",
  "ü€😀",
  "a b+c",
  "\"<>&'`",
  "...",
  "a\\b",
  "a;b=c,d:e@f&g",
  "~",
  "e",
  "bindings",
  "__proto__",
  "{x}",
  ":queue",
];

for (const name of NAMES) {
  Deno.test(`things that are called ${name} are made, found, listed and deleted`, async () => {
    await using managed = new ManagedBroker();
    const own = encodeURIComponent(name);
    const expect = async (status: number, method: string, path: string, body?: unknown) => {
      const answered = await managed.ask(method, path, body === undefined ? {} : { body });
      const told = `${method} ${path}: ${JSON.stringify(answered.body)}`;
      assertEquals(answered.status, status, told);
      return answered.body;
    };
    await expect(201, "PUT", `/vhosts/${own}`, {});
    await expect(201, "PUT", `/users/${own}`, { password: "x", tags: "" });
    const all = { configure: ".*", write: ".*", read: ".*" };
    // who made it may do everything in it
    await expect(204, "PUT", `/permissions/${own}/guest`, all);
    const policy = { pattern: "x", definition: { "max-length": 1 } };
    const things: readonly (readonly [list: string, path: string, body: unknown, key?: string])[] =
      [
        ["/vhosts", "/vhosts", {}],
        ["/users", "/users", { password: "x", tags: "" }],
        [`/queues/${own}`, `/queues/${own}`, {}],
        [`/exchanges/${own}`, `/exchanges/${own}`, { type: "headers" }],
        [`/policies/${own}`, `/policies/${own}`, policy],
        ["/operator-policies", `/operator-policies/${own}`, policy],
        ["/global-parameters", "/global-parameters", { value: 1 }],
        ["/permissions", `/permissions/${own}`, all, "user"],
      ];
    for (const [list, path, body, key = "name"] of things) {
      const isThere = list === "/vhosts" || list === "/users";
      await expect(isThere ? 204 : 201, "PUT", `${path}/${own}`, body);
      assertEquals((await expect(200, "GET", `${path}/${own}`))[key], name);
      const listed = await managed.get(`${list}?columns=${key}&sort=${key}`);
      assert(listed.some((row: Record<string, unknown>) => row[key] === name), list);
      if (key !== "name") continue;
      const { items } = await managed.get(`${list}?page=1&name=${own}`);
      assert(
        items.some((row: Record<string, unknown>) => row["name"] === name),
        `pages of ${list}`,
      );
    }

    const queue = `/queues/${own}/${own}`;
    const message = { routing_key: name, payload: name, payload_encoding: "string" };
    const published = { ...message, properties: { headers: { [name]: name } } };
    const publish = `/exchanges/${own}/amq.default/publish`;
    assertEquals(await expect(200, "POST", publish, published), { routed: true });
    const get = { count: 1, ackmode: "ack_requeue_false", encoding: "auto" };
    const [got] = await expect(200, "POST", `${queue}/get`, get);
    assertEquals([got.payload, got.properties.headers], [name, { [name]: name }]);
    assertEquals(await expect(200, "GET", `${queue}/messages`), []);
    const between = `/bindings/${own}/e/${own}/q/${own}`;
    for (const made of [{}, { [name]: name }]) {
      await expect(201, "POST", between, { routing_key: name, arguments: made });
      const [{ properties_key: key }] = await expect(200, "GET", between);
      const path = `${between}/${encodeURIComponent(key)}`;
      assertEquals((await expect(200, "GET", path)).routing_key, name);
      await expect(204, "DELETE", path);
    }
    const definitions = await expect(200, "GET", `/definitions/${own}`);
    await expect(204, "POST", `/definitions/${own}`, definitions);
    for (const [, path] of things.toReversed()) {
      await expect(204, "DELETE", `${path}/${own}`);
      await expect(404, "GET", `${path}/${own}`);
    }
  });
}

const ROUTES = [
  "PUT /queues/%2F/made",
  "PUT /exchanges/%2F/made",
  "PUT /vhosts/made",
  "PUT /users/made",
  "PUT /permissions/%2F/ann",
  "PUT /topic-permissions/%2F/ann",
  "PUT /policies/%2F/p",
  "PUT /operator-policies/%2F/p",
  "PUT /parameters/shovel/%2F/n",
  "PUT /parameters/federation-upstream/%2F/n",
  "PUT /parameters/vhost-limits/%2F/limits",
  "PUT /global-parameters/g",
  "PUT /vhost-limits/%2F/max-queues",
  "PUT /user-limits/ann/max-channels",
  "PUT /cluster-name",
  "POST /users/bulk-delete",
  "POST /exchanges/%2F/amq.default/publish",
  "POST /queues/%2F/q/get",
  "POST /queues/%2F/q/actions",
  "POST /queues/%2F/q/move",
  "DELETE /queues/%2F/q/messages",
  "POST /bindings/%2F/e/amq.topic/q/q",
  "POST /definitions",
  "POST /definitions/%2F",
  "PUT /nodes/warren@localhost/log-level",
  "DELETE /exchanges/%2F/amq.default/delayed",
];

const LONG = "ü".repeat(128);
const MESSAGE = { routing_key: "q", properties: {}, payload: "x", payload_encoding: "string" };
const GET = { count: 1, ackmode: "ack_requeue_true", encoding: "auto" };

/** No part of one makes sense everywhere, and most of them nowhere. */
const BODIES: readonly unknown[] = [
  "null",
  [],
  5,
  ...[null, 5, {}, [], "x", LONG].flatMap((odd) => [
    { value: odd },
    { name: odd },
    { users: odd },
    { users: [odd, odd] },
    { queues: [odd] },
    { bindings: [odd] },
    { policies: [odd] },
    { parameters: [odd] },
    { tags: odd },
    { tags: "", password: odd },
    { tags: "", password_hash: odd, hashing_algorithm: odd },
    { configure: odd, write: odd, read: odd },
    { exchange: odd, write: odd, read: odd },
    { pattern: odd, definition: odd, priority: odd, "apply-to": odd },
    { pattern: "x", definition: { "max-length": odd } },
    { type: odd, durable: odd, node: odd },
    { arguments: odd },
    { arguments: { [LONG]: odd } },
    { arguments: { "x-max-length": odd, "x-queue-type": odd } },
    { routing_key: odd, arguments: {} },
    { ...MESSAGE, routing_key: odd },
    { ...MESSAGE, properties: odd },
    { ...MESSAGE, properties: { headers: odd, expiration: odd, timestamp: odd, user_id: odd } },
    { ...MESSAGE, payload: odd, payload_encoding: odd },
    { ...GET, count: odd },
    { ...GET, ackmode: odd, encoding: odd },
    { ...GET, truncate: odd },
    { ids: odd },
    { ids: [odd] },
    { ids: "all", exchange: odd },
    { ids: "all", exchange: "", routing_key: odd },
    { action: odd },
    { description: odd, default_queue_type: odd, tracing: odd },
  ]),
];

Deno.test("what makes no sense is told, whatever it is and wherever it is sent, and is no bug", async () => {
  await using managed = new ManagedBroker();
  await managed.addUser("ann", "management");
  await managed.broker.declareQueue({ queue: "q" });
  for (const route of ROUTES) {
    const [method = "", path = ""] = route.split(" ");
    for (const body of BODIES) {
      const { status, body: told } = await managed.ask(method, path, { body });
      const what = `${route} ${JSON.stringify(body)}: ${status} ${JSON.stringify(told)}`;
      assert(status < 500, what);
      assert(status < 400 || told.reason !== undefined, what);
    }
  }
  assertEquals(managed.logger.lines.filter((line) => line.includes("internal error")), []);
});

Deno.test("permissions are texts, and nothing is made into one", async () => {
  await using managed = new ManagedBroker();
  for (const [path, field] of [["permissions", "configure"], ["topic-permissions", "exchange"]]) {
    for (const odd of [null, 5, {}, []]) {
      const body = { [field!]: odd, write: "", read: "" };
      const { status, body: told } = await managed.ask("PUT", `/${path}/%2F/guest`, { body });
      assertEquals([status, told.reason], [400, ["not_a_string", odd]]);
    }
  }
  const { configure } = await managed.get("/permissions/%2F/guest");
  assertEquals([configure, await managed.get("/topic-permissions")], [".*", []]);
});

Deno.test("a user that is named twice is deleted once", async () => {
  await using managed = new ManagedBroker();
  for (const name of ["ann", "bob"]) await managed.addUser(name, "");
  const body = { users: ["ann", "ann", "bob"] };
  assertEquals((await managed.ask("POST", "/users/bulk-delete", { body })).status, 204);
  assertEquals(await managed.get("/users?columns=name"), [{ name: "guest" }]);
});
