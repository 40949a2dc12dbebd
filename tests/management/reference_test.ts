import { assertEquals } from "@std/assert";
import { ManagedBroker } from "./support.ts";

/**
 * The paths of RabbitMQ's reference of its HTTP API: that of 3.10.8, line by line, and what later
 * versions have added. Names are of things that the test makes.
 */
const REFERENCE = `
GET /overview
GET PUT /cluster-name
GET /nodes
GET /nodes/NODE
GET /nodes/NODE/memory
GET /nodes/NODE/memory/relative
GET /nodes/NODE/memory/ets
GET /nodes/NODE/memory/ets/rabbit
GET /nodes/NODE/memory/ets/relative
GET /nodes/NODE/memory/ets/rabbit/relative
GET /extensions
GET POST /definitions
GET POST /all-configuration
GET POST /definitions/%2F
GET /connections
GET /vhosts/%2F/connections
GET DELETE /connections/CONNECTION
GET DELETE /connections/username/guest
GET /connections/CONNECTION/channels
GET /channels
GET /vhosts/%2F/channels
GET /channels/CONNECTION%20(1)
GET /consumers
GET /consumers/%2F
GET /exchanges
GET /exchanges/%2F
GET PUT DELETE /exchanges/%2F/ex
GET /exchanges/%2F/ex/bindings/source
GET /exchanges/%2F/ex/bindings/destination
POST /exchanges/%2F/ex/publish
GET /queues
GET /queues/detailed
GET /queues/%2F
DELETE /queues/%2F/q/contents
GET PUT DELETE /queues/%2F/q
GET /queues/%2F/q/bindings
POST /queues/%2F/q/actions
POST /queues/%2F/q/get
GET /bindings
GET /bindings/%2F
GET POST /bindings/%2F/e/ex/q/q
GET DELETE /bindings/%2F/e/ex/q/q/key
GET POST /bindings/%2F/e/ex/e/amq.fanout
GET DELETE /bindings/%2F/e/ex/e/amq.fanout/key
GET /vhosts
POST DELETE /vhosts/v/deletion/protection
GET PUT DELETE /vhosts/v
GET /vhosts/v/permissions
GET /vhosts/v/topic-permissions
POST /vhosts/v/start/NODE
GET /users/
GET /users/without-permissions
POST /users/bulk-delete
GET PUT DELETE /users/ann
GET /users/ann/permissions
GET /users/ann/topic-permissions
GET /user-limits
GET /user-limits/ann
PUT DELETE /user-limits/ann/max-connections
GET /whoami
GET /version
GET /permissions
GET PUT DELETE /permissions/%2F/ann
GET /topic-permissions
GET PUT DELETE /topic-permissions/%2F/ann
GET /parameters
GET /parameters/operator_policy
GET /parameters/operator_policy/%2F
GET PUT DELETE /parameters/operator_policy/%2F/p
GET /global-parameters
GET PUT DELETE /global-parameters/g
GET /policies
GET /policies/%2F
GET PUT DELETE /policies/%2F/pol
GET /operator-policies
GET /operator-policies/%2F
GET PUT DELETE /operator-policies/%2F/op
GET /aliveness-test/%2F
GET /health/checks/alarms
GET /health/checks/local-alarms
GET /health/checks/certificate-expiration/1/weeks
GET /health/checks/port-listener/PORT
GET /health/checks/protocol-listener/amqp
GET /health/checks/virtual-hosts
GET /health/checks/node-is-mirror-sync-critical
GET /health/checks/node-is-quorum-critical
GET /health/checks/is-in-service
GET /health/checks/below-node-connection-limit
GET /health/checks/ready-to-serve-clients
GET /health/checks/metadata-store/initialized
GET /health/checks/metadata-store/initialized/with-data
GET /health/checks/reached-target-cluster-size
GET /health/checks/quorum-queues-without-elected-leaders/all-vhosts/
GET /health/checks/quorum-queues-without-elected-leaders/vhost/%2F/
GET /health/checks/quorum-queues-without-elected-leaders/all-vhosts
GET /health/checks/quorum-queues-without-elected-leaders/all-vhosts/pattern/.*
GET /health/checks/quorum-queues-without-elected-leaders/vhost/%2F/pattern/.*
GET /vhost-limits
GET /vhost-limits/%2F
PUT DELETE /vhost-limits/%2F/max-queues
GET /auth
GET DELETE /auth/attempts/NODE
GET DELETE /auth/attempts/NODE/source
GET /auth/hash_password/secret
POST DELETE /login
POST /rebalance/queues
DELETE /reset
DELETE /reset/NODE
GET /feature-flags
PUT /feature-flags/FLAG/enable
GET /deprecated-features
GET /deprecated-features/used
`.trim().split("\n");

async function furnished() {
  const managed = new ManagedBroker();
  const { broker } = managed;
  const server = await broker.listen({ port: 0 });
  const connection = await broker.connect({ user: "guest" });
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  await channel.exchangeDeclare("ex", "topic");
  await channel.queueBind({ queue: "q", exchange: "ex", routingKey: "key" });
  await channel.exchangeBind({ source: "ex", destination: "amq.fanout", routingKey: "key" });
  await broker.addVhost("v");
  await broker.addUser("ann", { password: "secret" });
  const write = { configure: "", write: "", read: "" };
  await broker.setPermissions({ vhost: "/", user: "ann", ...write });
  await managed.ask("PUT", "/topic-permissions/%2F/ann", {
    body: { exchange: "amq.topic", write: ".*", read: ".*" },
  });
  await managed.ask("PUT", "/global-parameters/g", { body: { value: 1 } });
  const definition = { pattern: ".*", definition: { "max-length": 9 } };
  await managed.ask("PUT", "/parameters/operator_policy/%2F/p", { body: { value: definition } });
  await managed.ask("PUT", "/policies/%2F/pol", { body: definition });
  await managed.ask("PUT", "/operator-policies/%2F/op", { body: definition });
  const [{ name }] = await managed.get("/connections");
  const fill = (path: string) =>
    path.replace("NODE", broker.node().name).replace("PORT", `${server.port}`)
      .replace("CONNECTION", encodeURIComponent(name));
  return { managed, fill };
}

Deno.test("each path of RabbitMQ's reference answers, with the methods that it has there", async () => {
  const { managed, fill } = await furnished();
  await using _managed = managed;
  const wrong: string[] = [];
  // what is deleted is asked for before
  const order = ["GET", "PUT", "POST", "DELETE"];
  const requests = REFERENCE.flatMap((line) => {
    const words = line.split(" ");
    return words.slice(0, -1).map((method) => ({ method, path: words.at(-1)! }));
  }).sort((one, other) => order.indexOf(one.method) - order.indexOf(other.method));
  for (const { method, path } of requests) {
    const { status, body } = await managed.ask(method, fill(path), {
      ...method === "PUT" || method === "POST" ? { body: {} } : {},
      ...path === "/login"
        ? {
          user: "",
          headers: { "content-type": "application/x-www-form-urlencoded" },
          body: "username=guest&password=guest",
        }
        : {},
    });
    // what lacks something is told so, and a flag that there is not is not found
    const known = status < 300 || status === 400 || path.startsWith("/feature-flags/");
    // deleted with what it belonged to, a moment before
    const gone = method === "DELETE" && status === 404 && /bindings|permissions|limits/.test(path);
    if (!known && !gone) wrong.push(`${method} ${path}: ${status} ${JSON.stringify(body)}`);
    if (method === "GET" && status !== 200) wrong.push(`${method} ${path}: ${status}`);
  }
  assertEquals(wrong, []);
});

Deno.test("a login as a form is answered as RabbitMQ does it, and gives no cookie", async () => {
  await using managed = new ManagedBroker();
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const logIn = (body: string, more: Readonly<Record<string, string>> = headers) =>
    managed.ask("POST", "/login", { user: "", headers: more, body });
  const good = await logIn("username=guest&password=guest");
  assertEquals([good.status, good.body, good.headers.get("set-cookie")], [200, "ok", null]);
  assertEquals((await logIn("username=guest&password=wrong")).status, 401);
  assertEquals((await logIn("")).status, 401);
  assertEquals((await logIn("{}", { "content-type": "application/json" })).status, 415);
  await managed.broker.addUser("ann", { password: "secret" });
  assertEquals((await logIn("username=ann&password=secret")).status, 401, "she has no tag");
});

Deno.test("a login as a form is short, or not read to its end: anybody may send one", async () => {
  await using managed = new ManagedBroker();
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const logIn = async (length: number) => {
    const body = "username=guest&password=guest&rest=".padEnd(length, "x");
    return (await managed.ask("POST", "/login", { user: "", headers, body })).status;
  };
  assertEquals(await logIn(64 * 1024), 200);
  assertEquals(await logIn(64 * 1024 + 1), 413);
});

Deno.test("logins are counted by protocol, until somebody begins anew", async () => {
  await using managed = new ManagedBroker();
  const { broker } = managed;
  const node = broker.node().name;
  const { connect } = await import("../../mod.ts");
  const server = await broker.listen({ port: 0 });
  await using _connection = await connect(server.url, { recovery: false });
  await connect(server.url, { recovery: false, password: "wrong" }).catch(() => {});
  await managed.ask("GET", "/whoami", { user: "guest:wrong" });
  const told = async () =>
    Object.fromEntries(
      (await managed.get(`/auth/attempts/${node}`)).map((
        // deno-lint-ignore no-explicit-any -- it is what came back
        { protocol, auth_attempts, auth_attempts_failed, auth_attempts_succeeded }: any,
      ) => [protocol, [auth_attempts, auth_attempts_failed, auth_attempts_succeeded]]),
    );
  assertEquals(await told(), { amqp091: [2, 1, 1], http: [2, 1, 1] });
  await managed.addUser("mo", "monitoring");
  const refused = await managed.ask("DELETE", `/auth/attempts/${node}`, { user: "mo:p" });
  assertEquals([refused.status, refused.body.reason], [401, "Not administrator user"]);
  assertEquals((await managed.ask("DELETE", `/auth/attempts/${node}`)).status, 204);
  assertEquals(await told(), { amqp091: [0, 0, 0], http: [1, 0, 1] });
  assertEquals(await managed.get(`/auth/attempts/${node}/source`), []);
  assertEquals((await managed.ask("GET", "/auth/attempts/nope")).status, 404);
});
