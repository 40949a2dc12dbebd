import { assertEquals } from "@std/assert";
import { ManagedBroker } from "./support.ts";

Deno.test("a user with the tag protected is neither changed nor deleted, but by who says so", async () => {
  await using managed = new ManagedBroker();
  const body = { password: "p", tags: "management,protected" };
  assertEquals((await managed.ask("PUT", "/users/ann", { body })).status, 201);
  await managed.addUser("bob", "management");

  const refusal = {
    error: "bad_request",
    reason: "Protected users cannot be modified via the HTTP API",
  };
  const change = { password: "q", tags: "" };
  for (
    const [method, path, asking] of [
      ["PUT", "/users/ann", { body: change }],
      ["PUT", "/users/ann/tags", { body: change }],
      ["DELETE", "/users/ann", {}],
    ] as const
  ) {
    const answer = await managed.ask(method, path, asking);
    assertEquals([method, path, answer.status, answer.body], [method, path, 400, refusal]);
  }
  // the others of a list go
  const users = ["ann", "bob"];
  assertEquals((await managed.ask("POST", "/users/bulk-delete", { body: { users } })).status, 204);
  assertEquals(managed.broker.users().map(({ name }) => name), ["ann", "guest"]);
  assertEquals((await managed.ask("GET", "/whoami", { user: "ann:p" })).status, 200);

  const said = { body: { password: "q", tags: "management,protected" } };
  assertEquals((await managed.ask("PUT", "/users/ann?protected=true", said)).status, 204);
  assertEquals((await managed.ask("GET", "/whoami", { user: "ann:q" })).status, 200);
  const tags = { body: { tags: "protected" } };
  assertEquals((await managed.ask("PUT", "/users/ann/tags?protected=true", tags)).status, 204);
  assertEquals((await managed.ask("DELETE", "/users/ann?protected=true")).status, 204);

  // spaces around a tag do not count, as in RabbitMQ
  const spaced = { body: { password: "p", tags: [" protected "] } };
  assertEquals((await managed.ask("PUT", "/users/cid", spaced)).status, 201);
  assertEquals((await managed.ask("DELETE", "/users/cid")).status, 400);
});

Deno.test("a list of users to delete may name some that are gone", async () => {
  await using managed = new ManagedBroker();
  await managed.addUser("ann", "");
  const body = { users: ["bob", "ann"] };
  assertEquals((await managed.ask("POST", "/users/bulk-delete", { body })).status, 204);
  assertEquals(managed.broker.users().map(({ name }) => name), ["guest"]);
});

Deno.test("a list of users to delete has texts in it, and what is none is no user of that spelling", async () => {
  await using managed = new ManagedBroker();
  const spelt = ["null", "5", "ann"];
  for (const name of spelt) await managed.addUser(name, "");
  for (const odd of [null, 5, ["ann"]]) {
    const body = { users: ["ann", odd] };
    const { status, body: told } = await managed.ask("POST", "/users/bulk-delete", { body });
    assertEquals([status, told?.reason], [400, ["not_a_string", odd]]);
  }
  for (const name of spelt) assertEquals(managed.broker.hasUser(name), true, name);
});

Deno.test("a password that is no text makes no user", async () => {
  await using managed = new ManagedBroker();
  for (const password of [1, true, ["p"], { p: 1 }, null]) {
    const body = { password, tags: "" };
    const { status, body: told } = await managed.ask("PUT", "/users/ann", { body });
    assertEquals([status, told], [400, {
      error: "bad_request",
      reason: ["not_a_string", password],
    }]);
  }
  assertEquals(managed.broker.hasUser("ann"), false);
});

Deno.test("a new user brings its permissions and limits", async () => {
  await using managed = new ManagedBroker();
  await managed.broker.addVhost("v");
  const permissions = {
    v: { configure: "a", write: "b", read: "c" },
    "/": { configure: "", write: "", read: ".*" },
  };
  const body = { password: "p", tags: "management", permissions, limits: { "max-channels": 3 } };
  const put = (more: object = {}) =>
    managed.ask("PUT", "/users/ann", { body: { ...body, ...more } });
  const nowhere = await put({ permissions: { nowhere: permissions.v } });
  assertEquals([nowhere.status, nowhere.body.reason], [400, ["no_such_vhost", "nowhere"]]);
  assertEquals((await put({ permissions: { v: {} } })).status, 400);
  assertEquals((await put({ permissions: [] })).status, 400);
  const wrong = { ...permissions, "/": { ...permissions["/"], read: "[" } };
  assertEquals((await put({ permissions: wrong })).status, 400);
  assertEquals((await put({ limits: 5 })).status, 400);
  const both = await put({ password_hash: "" });
  assertEquals(
    [both.status, both.body.reason],
    [400, "both_password_and_password_hash_are_provided"],
  );
  assertEquals(managed.broker.hasUser("ann"), false);

  assertEquals((await put()).status, 201);
  assertEquals(await managed.get("/users/ann/permissions"), [
    { user: "ann", vhost: "/", ...permissions["/"] },
    { user: "ann", vhost: "v", ...permissions.v },
  ]);
  assertEquals((await managed.get("/users/ann")).limits, { "max-channels": 3 });

  // of one that is there already they stay as they are
  const other = { v: { configure: "", write: "", read: "" } };
  assertEquals((await put({ permissions: other, limits: { "max-connections": 4 } })).status, 204);
  assertEquals((await managed.get("/permissions/v/ann")).configure, "a");
  assertEquals((await managed.get("/users/ann")).limits, {
    "max-connections": 4,
    "max-channels": 3,
  });
});
