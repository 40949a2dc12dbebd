import { assert, assertEquals } from "@std/assert";
import { ManagedBroker } from "./support.ts";

/** A broker with something in most of the sections. */
async function furnished(): Promise<ManagedBroker> {
  const managed = new ManagedBroker();
  const { broker } = managed;
  await broker.addVhost("v");
  await managed.addUser("bob", "monitoring");
  await broker.setTopicPermissions({ user: "bob", exchange: "amq.topic", write: "^b", read: "" });
  await broker.setPolicy({ name: "short", pattern: "^q", definition: { "max-length": 5 } });
  await broker.setParameter({ component: "shovel", name: "s", value: { "src-uri": "amqp://" } });
  await broker.setGlobalParameter("cluster_name", "burrow");
  await broker.declareExchange({ exchange: "x", type: "topic" });
  for (const queue of ["q2", "q1"]) {
    await broker.declareQueue({ queue, arguments: { "x-max-length": 5 } });
    await broker.bind({ source: "x", destination: queue, routingKey: "k" });
  }
  await broker.declareQueue({ queue: "w", vhost: "v" });
  return managed;
}

Deno.test("GET /api/definition-counts tells how long the sections of a file are", async () => {
  await using managed = await furnished();
  // neither is in a file
  await using connection = await managed.broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("mine", { exclusive: true });
  await channel.queueDeclare("");
  for (const where of ["", "/%2F", "/v"]) {
    const file: Record<string, unknown> = await managed.get(`/definitions${where}`);
    const counts = await managed.get(`/definition-counts${where}`);
    const lists = Object.entries(file).filter(([, value]) => Array.isArray(value));
    assertEquals(
      counts,
      Object.fromEntries(lists.map(([name, list]) => [name, (list as unknown[]).length])),
    );
    assert(lists.length >= 5, where);
  }
  assertEquals((await managed.get("/definition-counts"))["queues"], 3);
  assertEquals((await managed.ask("GET", "/definition-counts/nope")).status, 404);
  assertEquals(await managed.get("/definition-counts?columns=users"), { users: 2 });
});

Deno.test("counting definitions does not warn of passwords that RabbitMQ cannot verify", async () => {
  await using managed = new ManagedBroker({ passwordHashing: "scrypt" });
  await managed.broker.addUser("slow", { password: "p" });
  const warned = () => managed.logger.lines.filter((line) => /passwords of/.test(line)).length;
  await managed.get("/definition-counts");
  assertEquals(warned(), 0);
  await managed.get("/definitions");
  assertEquals(warned(), 1);
});

Deno.test("GET /api/definitions with columns gives that part of a file, in order", async () => {
  await using managed = await furnished();
  const part = (columns: string, where = "") =>
    managed.get(`/definitions${where}?columns=${columns}`);
  assertEquals(await part("queues.name,rabbit_version"), {
    rabbit_version: "3.13.7",
    queues: [{ name: "q1" }, { name: "q2" }, { name: "w" }],
  });
  assertEquals(await part("policies.definition.max-length,users.name,permissions.user"), {
    users: [{ name: "bob" }, { name: "guest" }],
    permissions: [{ user: "bob" }, { user: "guest" }],
    policies: [{ definition: { "max-length": 5 } }],
  });
  assertEquals(await part("queues.name,bindings.destination", "/%2F"), {
    queues: [{ name: "q1" }, { name: "q2" }],
    bindings: [{ destination: "q1" }, { destination: "q2" }],
  });
  const whole = await managed.get("/definitions");
  assertEquals(await part("queues.name,queues"), { queues: whole.queues });
  // as Erlang tells of nothing
  for (const columns of ["", "nope"]) assertEquals(await part(columns), []);
  assertEquals(await part("queues.nope,policies.definition.nope", "/%2F"), {
    queues: [[], []],
    policies: [{ definition: [] }],
  });
  // what has no fields, and what somebody has written, is given whole
  assertEquals(await part("queues.arguments.x,users.tags.x", "/%2F"), {
    queues: [{ arguments: { "x-max-length": 5 } }, { arguments: { "x-max-length": 5 } }],
  });
  assertEquals(await part("product_name.x,vhosts.name.x"), {
    product_name: "Warren",
    vhosts: [{ name: "/" }, { name: "v" }],
  });
});

Deno.test("POST /api/definitions takes a file from a form, and says when there is none", async () => {
  await using managed = new ManagedBroker();
  const upload = (field: string, file: string, more = "") => {
    const body = `--b\r\nContent-Disposition: form-data; name="${field}"; filename="f"\r\n\r\n` +
      `${file}\r\n--b--\r\n`;
    const headers = { "content-type": "multipart/form-data; boundary=b" };
    return managed.ask("POST", `/definitions${more}`, { body, headers });
  };
  const file = JSON.stringify({ queues: [{ name: "q", vhost: "/", durable: true }] });
  assertEquals((await upload("file", file)).status, 204);
  assertEquals((await managed.get("/queues/%2F/q")).durable, true);
  const { status, headers } = await upload("file", "{}", "?redirect=/#definitions");
  assertEquals([status, headers.get("location")], [303, "/"]);
  const none = await upload("other", file);
  assertEquals([none.status, none.body.reason], [400, "no file was sent"]);
  const broken = await upload("file", "{");
  assertEquals([broken.status, broken.body.reason], [400, "failed_to_parse_json"]);
});

Deno.test("who imports a vhost may do everything in it, unless the file says otherwise", async () => {
  await using managed = new ManagedBroker();
  await managed.addUser("ann", "administrator");
  await managed.broker.addVhost("old");
  const post = async (body: unknown, query = "") => {
    const { status } = await managed.ask("POST", `/definitions${query}`, { body, user: "ann:p" });
    assertEquals(status, 204);
  };
  const own = { user: "ann", vhost: "own", configure: "", write: "", read: "^mine$" };
  await post({
    vhosts: [{ name: "old" }, { name: "new" }, { name: "own" }],
    permissions: [own],
  });
  // what is there already lets nobody in
  await post({ vhosts: [{ name: "old" }] });
  // as rabbitmqctl asks, which is nobody
  await post({ vhosts: [{ name: "unseen" }] }, "?grant=false");
  assertEquals(await managed.get("/users/ann/permissions"), [
    { user: "ann", vhost: "/", configure: ".*", write: ".*", read: ".*" },
    { user: "ann", vhost: "new", configure: ".*", write: ".*", read: ".*" },
    own,
  ]);
});
