import { assertEquals } from "@std/assert";
import { ManagedBroker } from "./support.ts";

const WATERMARK = "/nodes/warren@localhost/memory-high-watermark";
const DISK = "/nodes/warren@localhost/disk-free-limit";

Deno.test("the memory watermark is set as a fraction, or in bytes", async () => {
  await using managed = new ManagedBroker();
  const { broker } = managed;
  const path = `/nodes/${broker.node().name}/memory-high-watermark`;
  assertEquals((await managed.ask("PUT", path, { body: { value: 0 } })).status, 204);
  assertEquals(broker.alarms.map(({ source }) => source), ["memory"]);
  // no more than there is
  const absolute = Math.floor(Deno.systemMemoryInfo().total / 2);
  const body = { value: { absolute } };
  assertEquals((await managed.ask("PUT", path, { body })).status, 204);
  assertEquals(broker.alarms, []);
  assertEquals(broker.node().memoryLimit, absolute);
});

Deno.test("the disk limit is set in bytes, or by the memory of the machine", async () => {
  const dataDir = await Deno.makeTempDir();
  await using managed = new ManagedBroker({ dataDir });
  const { broker } = managed;
  const path = `/nodes/${broker.node().name}/disk-free-limit`;
  assertEquals((await managed.ask("PUT", path, { body: { value: 5_000_000 } })).status, 204);
  assertEquals(broker.node().diskFreeLimit, 5_000_000);
  assertEquals((await managed.ask("PUT", path, { body: { value: { memory: 0.5 } } })).status, 204);
  assertEquals(broker.node().diskFreeLimit, Math.round(Deno.systemMemoryInfo().total / 2));
  await broker.close();
  await Deno.remove(dataDir, { recursive: true });
});

for (
  const [path, value] of [
    [WATERMARK, 2],
    [WATERMARK, "much"],
    [WATERMARK, { absolute: 0.5 }],
    [WATERMARK, -1],
    [DISK, "much"],
    [DISK, -1],
    [DISK, { memory: -1 }],
  ] as const
) {
  Deno.test(`PUT ${path} refuses ${JSON.stringify(value)}`, async () => {
    await using managed = new ManagedBroker();
    const at = path.replace("warren@localhost", managed.broker.node().name);
    assertEquals((await managed.ask("PUT", at, { body: { value } })).status, 400);
  });
}

Deno.test("a password is tried without a login, by administrators", async () => {
  await using managed = new ManagedBroker();
  await managed.addUser("alice", "monitoring");
  const asks = (password: string, user = "guest:guest") =>
    managed.ask("POST", "/users/alice/authenticate", { body: { password }, user });
  assertEquals((await asks("p")).body, { authenticated: true });
  assertEquals((await asks("q")).body, { authenticated: false });
  assertEquals((await asks("p", "alice:p")).status, 401);
  const nobody = await managed.ask("POST", "/users/nobody/authenticate", {
    body: { password: "" },
  });
  assertEquals(nobody.status, 404);
  const body = { value: 0.5 };
  assertEquals((await managed.ask("PUT", WATERMARK, { body, user: "alice:p" })).status, 401);
  assertEquals((await managed.ask("PUT", "/nodes/other/disk-free-limit", { body })).status, 404);
});

Deno.test("tags are set beside a password that is hashed in a way of our own", async () => {
  await using managed = new ManagedBroker({ passwordHashing: "scrypt" });
  await managed.addUser("alice", "monitoring");
  await managed.ask("PUT", "/users/bob", { body: { password: "", tags: "" } });
  assertEquals((await managed.get("/users/alice")).has_password, true);
  assertEquals((await managed.get("/users/bob")).has_password, false);
  const set = (user: string, tags: unknown, by = "guest:guest") =>
    managed.ask("PUT", `/users/${user}/tags`, { body: { tags }, user: by });
  assertEquals((await set("alice", ["policymaker"])).status, 204);
  assertEquals((await managed.get("/users/alice")).tags, ["policymaker"]);
  const { body } = await managed.ask("POST", "/users/alice/authenticate", {
    body: { password: "p" },
  });
  assertEquals(body, { authenticated: true });
  assertEquals((await set("alice", "monitoring, own")).status, 204);
  assertEquals((await managed.get("/users/alice")).tags, ["monitoring", "own"]);
  assertEquals((await set("alice", "")).status, 204);
  assertEquals((await managed.get("/users/alice")).tags, []);
  for (const wrong of [{ own: true }, ["own", 1], null, 5]) {
    assertEquals((await set("alice", wrong)).status, 400);
  }
  assertEquals((await set("nobody", [])).status, 404);
  assertEquals((await set("alice", ["administrator"], "alice:p")).status, 401);
});

Deno.test("who makes a vhost may do everything in it, unless they want nothing", async () => {
  await using managed = new ManagedBroker();
  await managed.addUser("ann", "administrator");
  const put = (vhost: string, body: unknown) =>
    managed.ask("PUT", `/vhosts/${vhost}`, { body, user: "ann:p" });
  assertEquals((await put("hers", {})).status, 201);
  assertEquals(await managed.get("/vhosts/hers/permissions"), [
    { user: "ann", vhost: "hers", configure: ".*", write: ".*", read: ".*" },
  ]);
  assertEquals((await put("nobodys", { grant: false })).status, 201);
  await managed.broker.clearPermissions("ann", { vhost: "hers" });
  // what is there already is changed, and nobody let in
  assertEquals((await put("hers", { description: "changed" })).status, 204);
  assertEquals(await managed.get("/vhosts/hers/permissions"), []);
  assertEquals(await managed.get("/vhosts/nobodys/permissions"), []);
});

Deno.test("a vhost's own type of queues can be taken back", async () => {
  await using managed = new ManagedBroker();
  const put = (type: unknown) =>
    managed.ask("PUT", "/vhosts/v", { body: { default_queue_type: type } });
  const told = async () => (await managed.get("/vhosts/v")).default_queue_type;
  for (const none of ["undefined", null, ""]) {
    await put("quorum");
    assertEquals(await told(), "quorum");
    // what is not said stays
    await managed.ask("PUT", "/vhosts/v", { body: { description: "d" } });
    assertEquals(await told(), "quorum");
    assertEquals((await put(none)).status, 204);
    assertEquals(await told(), "undefined");
  }
  assertEquals((await put("no such type")).status, 400);
});

Deno.test("null in what is said of a vhost stands for nothing", async () => {
  await using managed = new ManagedBroker();
  const put = async (body: unknown) => {
    const { status } = await managed.ask("PUT", "/vhosts/v", { body });
    const { description, tags, default_queue_type } = await managed.get("/vhosts/v");
    return [status, description, tags, default_queue_type];
  };
  const nothing = { description: null, tags: null, default_queue_type: null };
  assertEquals(await put(nothing), [201, "", [], "undefined"]);
  const said = { description: "d", tags: ["a"], default_queue_type: "quorum" };
  assertEquals(await put(said), [204, "d", ["a"], "quorum"]);
  assertEquals(await put(nothing), [204, "", [], "undefined"]);
  // as clients of RabbitMQ 3.11 call it
  assertEquals(await put({ defaultqueuetype: "quorum" }), [204, "", [], "quorum"]);
});

Deno.test("the overview tells the cluster's tags, which are a global parameter", async () => {
  await using managed = new ManagedBroker();
  const told = async () => (await managed.get("/overview")).cluster_tags;
  assertEquals(await told(), {});
  const tags = { region: "us-east", environment: "production" };
  await managed.ask("PUT", "/global-parameters/cluster_tags", { body: { value: tags } });
  assertEquals(await told(), tags);
  await managed.ask("PUT", "/global-parameters/cluster_tags", { body: { value: "none" } });
  assertEquals(await told(), {});
});
