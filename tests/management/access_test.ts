import { assertEquals } from "@std/assert";
import { manage } from "../../broker/management/mod.ts";
import { Broker } from "../../mod.ts";
import { certificate } from "../support/certificates.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { OAuth2Authenticator } from "../../broker/oauth/mod.ts";
import { Issuer } from "../oauth/tokens.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { turns } from "../support/turns.ts";
import { ManagedBroker } from "./support.ts";

Deno.test("a request without credentials is asked for some, and told nothing else", async () => {
  await using managed = new ManagedBroker();
  const { status, headers, body } = await managed.ask("GET", "/overview", { user: "" });
  assertEquals([status, body], [401, undefined]);
  assertEquals(headers.get("www-authenticate"), 'Basic realm="RabbitMQ Management"');
  assertEquals((await managed.ask("GET", "/auth", { user: "" })).status, 200);
});

Deno.test("a wrong password is refused and logged, without the password", async () => {
  await using managed = new ManagedBroker();
  const { status, body } = await managed.ask("GET", "/whoami", { user: "guest:s3cret-guess" });
  assertEquals(status, 401);
  assertEquals(body, { error: "not_authorized", reason: "Not_Authorized" });
  assertEquals(managed.logger.of("warning"), [
    "warning: connection 127.0.0.1:40000: user 'guest': invalid credentials",
  ]);
});

Deno.test("guest is told that it may come from this machine alone", async () => {
  await using managed = new ManagedBroker();
  const { status, body } = await managed.ask("GET", "/whoami", { from: "192.0.2.1" });
  assertEquals(status, 401);
  assertEquals(body, {
    error: "not_authorised",
    reason: "User can only log in via localhost",
  });
});

Deno.test("GET /whoami tells name and tags", async () => {
  await using managed = new ManagedBroker();
  assertEquals(await managed.get("/whoami"), {
    name: "guest",
    tags: ["administrator"],
    is_internal_user: true,
  });
});

/** What users of each kind get, as RabbitMQ 3.10.8 answered. */
const STATUS: readonly (readonly [path: string, ...statuses: readonly number[]])[] = [
  // management, policymaker, monitoring, administrator, none
  ["/overview", 200, 200, 200, 200, 401],
  ["/nodes", 401, 401, 200, 200, 401],
  ["/connections", 200, 200, 200, 200, 401],
  ["/channels", 200, 200, 200, 200, 401],
  ["/consumers", 200, 200, 200, 200, 401],
  ["/exchanges", 200, 200, 200, 200, 401],
  ["/queues", 200, 200, 200, 200, 401],
  ["/queues/%2F", 200, 200, 200, 200, 401],
  ["/queues/other", 401, 401, 401, 200, 401],
  ["/bindings", 200, 200, 200, 200, 401],
  ["/vhosts", 200, 200, 200, 200, 401],
  ["/vhosts/%2F", 401, 401, 401, 200, 401],
  ["/users", 401, 401, 401, 200, 401],
  ["/users/guest/permissions", 401, 401, 401, 200, 401],
  ["/permissions", 401, 401, 401, 200, 401],
  ["/topic-permissions", 401, 401, 401, 200, 401],
  ["/policies", 200, 200, 200, 200, 401],
  ["/operator-policies", 200, 200, 200, 200, 401],
  ["/parameters", 401, 200, 401, 200, 401],
  ["/global-parameters", 401, 200, 401, 200, 401],
  ["/definitions", 401, 401, 401, 200, 401],
  ["/definitions/%2F", 401, 401, 401, 200, 401],
  ["/definition-counts", 401, 401, 401, 200, 401],
  ["/definition-counts/%2F", 401, 401, 401, 200, 401],
  ["/cluster-name", 200, 200, 200, 200, 401],
  ["/vhost-limits", 200, 200, 200, 200, 401],
  ["/user-limits", 401, 401, 401, 200, 401],
  ["/extensions", 200, 200, 200, 200, 401],
  ["/health/checks/alarms", 200, 200, 200, 200, 401],
  ["/aliveness-test/%2F", 200, 200, 200, 200, 401],
  ["/feature-flags", 401, 401, 401, 200, 401],
  ["/whoami", 200, 200, 200, 200, 401],
];

Deno.test("tags decide what may be seen, as in RabbitMQ", async () => {
  await using managed = new ManagedBroker();
  await managed.broker.addVhost("other");
  const tags = ["management", "policymaker", "monitoring", "administrator", ""];
  for (const tag of tags) await managed.addUser(tag || "none", tag);
  const seen: unknown[] = [];
  for (const [path] of STATUS) {
    const statuses: number[] = [];
    for (const tag of tags) {
      statuses.push((await managed.ask("GET", path, { user: `${tag || "none"}:p` })).status);
    }
    seen.push([path, ...statuses]);
  }
  assertEquals(seen, [...STATUS]);
});

Deno.test("the overview counts what is in vhosts that a user may enter, and monitors see the rest", async () => {
  await using managed = new ManagedBroker();
  const { broker } = managed;
  await broker.addVhost("secret");
  await broker.setPermissions({
    ...{ user: "guest", vhost: "secret" },
    ...{ configure: ".*", write: ".*", read: ".*" },
  });
  await managed.addUser("ann", "management");
  await managed.addUser("mo", "monitoring");
  const publish = { routing_key: "q", properties: {}, payload: "x", payload_encoding: "string" };
  for (const [vhost, times] of [["%2F", 1], ["secret", 2]] as const) {
    await managed.ask("PUT", `/queues/${vhost}/q`, { body: {} });
    for (let at = 0; at < times; at++) {
      await managed.ask("POST", `/exchanges/${vhost}/amq.default/publish`, { body: publish });
    }
  }
  await using _connection = await broker.connect();

  const span = "msg_rates_age=10&msg_rates_incr=5";
  const seen = async (user: string) => {
    const told = await managed.get(`/overview?${span}`, { user: `${user}:p` });
    const { queue_totals: lengths, object_totals: objects, message_stats: messages } = told;
    return [
      ["node", "listeners", "contexts"].map((name) => name in told),
      [lengths.messages, messages.publish, messages.publish_details.samples.length],
      [objects.queues, objects.exchanges, objects.connections, objects.consumers],
    ];
  };
  assertEquals(await seen("ann"), [[false, false, false], [1, 1, 3], [1, 9, 0, 0]]);
  assertEquals(await seen("mo"), [[true, true, true], [3, 3, 3], [2, 16, 1, 0]]);
});

Deno.test("a user with a tag changes only what its permissions let it", async () => {
  await using managed = new ManagedBroker();
  await managed.addUser("ann", "management");
  const mine = "^ann\\.";
  await managed.broker.setPermissions({ user: "ann", configure: mine, write: mine, read: mine });
  const asAnn = (method: string, path: string, body?: unknown) =>
    managed.ask(method, path, { user: "ann:p", body });
  const refused = { error: "not_authorised", reason: "Access refused." };

  assertEquals((await asAnn("PUT", "/queues/%2F/ann.jobs", {})).status, 201);
  const other = await asAnn("PUT", "/queues/%2F/orders", {});
  assertEquals([other.status, other.body], [401, refused]);
  await managed.broker.declareQueue({ queue: "orders" });
  assertEquals((await asAnn("DELETE", "/queues/%2F/orders")).status, 401);
  assertEquals((await asAnn("DELETE", "/queues/%2F/orders/contents")).status, 401);
  const get = { count: 1, ackmode: "ack_requeue_true", encoding: "auto" };
  assertEquals((await asAnn("POST", "/queues/%2F/orders/get", get)).status, 401);
  for (
    const [method, path] of [
      ["PUT", "/users/eve"],
      ["PUT", "/vhosts/more"],
      ["PUT", "/permissions/%2F/ann"],
      ["POST", "/definitions"],
      ["PUT", "/policies/%2F/p"],
      // lists of them are for all; RabbitMQ says that of one by itself before it looks for it
      ["GET", "/policies/%2F/p"],
      ["GET", "/operator-policies/%2F/p"],
      ["PUT", "/operator-policies/%2F/p"],
      ["PUT", "/global-parameters/p"],
      ["DELETE", "/users/guest"],
      ["DELETE", "/vhosts/%2F"],
      ["PUT", "/vhost-limits/%2F/max-queues"],
      ["PUT", "/user-limits/ann/max-connections"],
    ] as const
  ) {
    const answer = await asAnn(method, path, method === "GET" ? undefined : {});
    assertEquals(answer.status, 401, `${method} ${path}`);
  }
});

Deno.test("a vhost that does not exist is 404, and one that a user may not enter 401", async () => {
  await using managed = new ManagedBroker();
  await managed.broker.addVhost("other");
  await managed.addUser("ann", "management");
  assertEquals((await managed.ask("GET", "/queues/nowhere")).body, {
    error: "Object Not Found",
    reason: "Not Found",
  });
  const put = await managed.ask("PUT", "/queues/nowhere/q", { body: {} });
  assertEquals([put.status, put.body.reason], [404, "vhost_not_found"]);
  const other = await managed.ask("PUT", "/queues/other/q", { body: {}, user: "ann:p" });
  assertEquals(other.body, {
    error: "not_authorised",
    reason: "User not authorised to access virtual host",
  });
});

Deno.test("who may not enter a vhost is told so, whatever else he may see of it", async () => {
  await using managed = new ManagedBroker();
  const { broker } = managed;
  await broker.addVhost("other");
  await broker.declareQueue({ queue: "q", vhost: "other" });
  const message = { routing_key: "q", properties: {}, payload: "x", payload_encoding: "string" };
  const get = { count: 1, ackmode: "ack_requeue_true", encoding: "auto" };
  // an administrator without an entry
  await broker.addUser("adm", { password: "p", tags: ["administrator"] });
  for (
    const [path, body] of [
      ["/exchanges/other/amq.default/publish", message],
      ["/queues/other/q/get", get],
      ["/queues/other/none/get", get],
    ] as const
  ) {
    const { status, body: told } = await managed.ask("POST", path, { body, user: "adm:p" });
    assertEquals([status, told.reason], [401, "Access refused."], path);
  }
  await managed.addUser("pol", "policymaker");
  for (const path of ["/policies/other/p", "/parameters/vhost-limits/other/limits"]) {
    for (const method of ["GET", "PUT", "DELETE"]) {
      const asking = { user: "pol:p", ...method === "PUT" ? { body: {} } : {} };
      const { status, body } = await managed.ask(method, path, asking);
      assertEquals([status, body.reason], [401, "User not authorised to access object"]);
    }
  }
});

Deno.test("mirrors are brought up to date by administrators alone", async () => {
  await using managed = new ManagedBroker();
  await managed.broker.declareQueue({ queue: "q" });
  await managed.addUser("ann", "monitoring");
  const ask = (user: string) =>
    managed.ask("POST", "/queues/%2F/q/actions", { user, body: { action: "sync" } });
  const { status, body } = await ask("ann:p");
  assertEquals([status, body?.reason], [401, "Not administrator user"]);
  assertEquals((await ask("guest:guest")).status, 204);
});

Deno.test("with profile 4.3 nobody hears of a vhost that he may not enter", async () => {
  await using managed = new ManagedBroker({ profile: "rabbitmq-4.3" });
  await managed.broker.addVhost("other");
  await managed.addUser("ann", "policymaker");
  for (const method of ["GET", "PUT", "DELETE"]) {
    const [other, nowhere] = await Promise.all(
      ["other", "nowhere"].map((vhost) =>
        managed.ask(method, `/queues/${vhost}/q`, {
          user: "ann:p",
          ...method === "PUT" ? { body: {} } : {},
        })
      ),
    );
    assertEquals([other!.status, other!.body], [404, nowhere!.body]);
  }
});

Deno.test("a page of another site can change nothing, whoever uses the browser", async () => {
  await using managed = new ManagedBroker();
  const from = (headers: Record<string, string>) =>
    managed.ask("PUT", "/queues/%2F/q", { body: {}, headers });
  assertEquals((await from({ origin: "https://evil.example" })).status, 403);
  assertEquals((await from({ origin: "null" })).status, 403);
  assertEquals((await from({ "sec-fetch-site": "cross-site" })).status, 403);
  assertEquals((await from({ origin: "http://localhost:15672" })).status, 201);
});

Deno.test("every answer has headers that keep browsers from doing more than they should", async () => {
  await using managed = new ManagedBroker();
  for (const path of ["/overview", "/nowhere", "/queues/%2F/none"]) {
    const { headers } = await managed.ask("GET", path);
    assertEquals(headers.get("x-content-type-options"), "nosniff", path);
    assertEquals(headers.get("x-frame-options"), "DENY", path);
    assertEquals(headers.get("cache-control"), "no-store", path);
    assertEquals(headers.has("access-control-allow-origin"), false, path);
  }
});

Deno.test("a method that a path does not know is 405 with those that it knows", async () => {
  await using managed = new ManagedBroker();
  const { status, headers } = await managed.ask("POST", "/queues");
  assertEquals([status, headers.get("allow")], [405, "HEAD, GET, OPTIONS"]);
  const options = await managed.ask("OPTIONS", "/queues/%2F/q");
  assertEquals([options.status, options.headers.get("allow")], [
    200,
    "HEAD, GET, PUT, DELETE, OPTIONS",
  ]);
  assertEquals((await managed.ask("GET", "/nowhere")).status, 404);
  // every answer tells them, as since RabbitMQ 4; a word in its place is nobody's name
  for (
    const [method, path, expected] of [
      ["GET", "/queues/%2F/none", "HEAD, GET, PUT, DELETE, OPTIONS"],
      ["PUT", "/users/bulk-delete", "POST, OPTIONS"],
      ["GET", "/users/without-permissions", "HEAD, GET, OPTIONS"],
    ] as const
  ) assertEquals((await managed.ask(method, path)).headers.get("allow"), expected, path);
  assertEquals((await managed.ask("PUT", "/users/bulk-delete", { body: {} })).status, 405);
});

Deno.test("who guesses passwords over HTTP waits longer each time, and so over AMQP; others do not", async () => {
  const clock = new ManualClock();
  await using managed = new ManagedBroker({ clock });
  const guess = async (from = "192.0.2.1") => {
    let answered = false;
    const lines = managed.logger.lines.length;
    const answer = managed.ask("GET", "/whoami", { user: "ann:guess", from })
      .then(({ status }) => answered = status === 401);
    while (managed.logger.lines.length === lines) {
      await new Promise<void>((done) => setTimeout(done));
    }
    await turns(5);
    // those that need not wait are there now
    clock.advance(0);
    await turns(5);
    return { answer, answered: () => answered };
  };
  for (let count = 0; count < 3; count++) assertEquals(await (await guess()).answer, true);
  for (const delayMs of [250, 500, 1000]) {
    const { answer, answered } = await guess();
    assertEquals(answered(), false);
    clock.advance(delayMs - 1);
    await turns(5);
    assertEquals(answered(), false);
    clock.advance(1);
    assertEquals(await answer, true);
  }
  assertEquals(await (await guess("192.0.2.2")).answer, true);
  const over = await managed.broker.login({
    name: "ann",
    password: "guess",
    peerHostname: "192.0.2.1",
  });
  assertEquals("refusedAfterMs" in over && over.refusedAfterMs, 2000);
});

Deno.test("a request may show a token, whose scopes say who and what is asking", async () => {
  const issuer = await Issuer.make();
  const clock = new ManualClock();
  clock.advance(Date.now());
  const tokens = new OAuth2Authenticator({
    resourceServerId: "rabbitmq",
    keys: { jwks: { keys: [issuer.jwk] } },
    clock,
  });
  await using managed = new ManagedBroker({ authenticator: [tokens, "users"], clock });
  const ask = async (token: string, path = "/whoami") =>
    await managed.ask("GET", path, { user: "", headers: { authorization: `Bearer ${token}` } });
  const scope = "rabbitmq.tag:monitoring rabbitmq.read:%2F/*";
  const token = await issuer.token({ scope });
  const { status, body } = await ask(token);
  assertEquals([status, body.name, body.tags], [200, "alice", ["monitoring"]]);
  assertEquals((await ask(token, "/queues/%2F")).status, 200);
  // it may look, but neither set nor add
  assertEquals((await ask(token, "/users")).status, 401);

  const untagged = await issuer.token({ scope: "rabbitmq.read:*/*" });
  assertEquals((await ask(untagged)).status, 401);
  const quiet = managed.logger.lines.length;
  const refused = ask(`${token.slice(0, -10)}AAAAAAAAAA`);
  await elapse(managed, clock, quiet);
  assertEquals((await refused).status, 401);
  const odd = await managed.ask("GET", "/whoami", {
    user: "",
    headers: { authorization: "Bearer a b" },
  });
  assertEquals(odd.status, 401);
  clock.advance(2 * 3_600_000);
  const before = managed.logger.lines.length;
  const expired = ask(token);
  await elapse(managed, clock, before);
  assertEquals((await expired).status, 401);
  assertEquals(managed.logger.lines.filter((line) => line.includes(token.slice(0, 20))), []);
});

/** Waits until one more line is logged, and then for as long as a refusal takes. */
async function elapse({ logger }: ManagedBroker, clock: ManualClock, lines: number): Promise<void> {
  while (logger.lines.length <= lines) await new Promise<void>((done) => setTimeout(done));
  await turns(3);
  clock.advance(60_000);
}

Deno.test("who manages from elsewhere with guest in the house, or without TLS, is warned", async () => {
  const logger = new RecordingLogger();
  await using broker = new Broker({ passwordHashing: "rabbitmq-sha256" });
  using managed = manage(broker, { logger });
  await using _local = await managed.serve({ port: 0 });
  await using _near = await managed.serve({ port: 0, hostname: "localhost" });
  assertEquals(logger.lines, []);
  await using open = await managed.serve({ port: 0, hostname: "0.0.0.0" });
  assertEquals(logger.lines, [
    `warning: ${open.url} can be reached from elsewhere without TLS, and passwords can be read on ` +
    "the way: serve it with TLS, or behind a proxy that does",
    `warning: ${open.url} can be reached from elsewhere, and there is a user guest with the ` +
    "password guest: add a user of your own, and delete guest or change its password",
  ]);
  await broker.changePassword("guest", "better");
  await using _secure = await managed.serve({
    port: 0,
    hostname: "0.0.0.0",
    tls: certificate("server"),
  });
  assertEquals(logger.lines.length, 2);
});
