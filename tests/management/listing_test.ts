import { assert, assertEquals } from "@std/assert";
import { eachRound } from "../support/each_round.ts";
import { standingTime } from "../support/standing_time.ts";
import { ManagedBroker } from "./support.ts";

async function withQueues(...names: readonly string[]): Promise<ManagedBroker> {
  const managed = new ManagedBroker();
  for (const queue of names) await managed.broker.declareQueue({ queue });
  return managed;
}

const namesOf = (rows: readonly { readonly name: string }[]) => rows.map(({ name }) => name);

Deno.test("a list is sorted by name, or as the request says", async () => {
  await using managed = await withQueues("b", "a", "C");
  await using connection = await managed.broker.connect();
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  await channel.basicPublish({ routingKey: "a" }, "x");
  assertEquals(namesOf(await managed.get("/queues")), ["C", "a", "b"]);
  assertEquals(namesOf(await managed.get("/queues?sort_reverse=true")), ["b", "a", "C"]);
  assertEquals(namesOf(await managed.get("/queues?sort=messages")), ["C", "b", "a"]);
  const byStats = "/queues?sort=message_stats.publish&sort_reverse=true";
  assertEquals(namesOf(await managed.get(byStats))[0], "a");
});

Deno.test("a list of queues is sorted by each field that its objects have", async () => {
  await using managed = await withQueues("b", "a", "C");
  await managed.broker.declareQueue({
    queue: "d",
    durable: true,
    arguments: { "x-max-length": 9 },
  });
  await using connection = await managed.broker.connect();
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  for (const queue of ["a", "a", "b"]) await channel.basicPublish({ routingKey: queue }, "xyz");
  await channel.basicConsume("b", {}, () => {});
  await channel.queueDeclare("b", { passive: true });
  const span = "lengths_age=60&lengths_incr=5&msg_rates_age=60&msg_rates_incr=5";
  const all = await managed.get(`/queues?${span}`);
  const paths = new Set<string>();
  for (const queue of all) collect(queue, "", paths);
  assert(paths.has("message_stats.publish_details.avg_rate") && paths.has("messages_details.avg"));
  for (const path of paths) {
    const valued = all.map((queue: unknown) => ({ queue, value: valueOf(queue, path) }));
    if (valued.some(({ value }: Valued) => value !== undefined && typeof value !== "number")) {
      continue;
    }
    // what has none comes first
    valued.sort(({ value: one = -1 }: Valued, { value: other = -1 }: Valued) =>
      Number(one) - Number(other)
    );
    assertEquals(
      namesOf(await managed.get(`/queues?${span}&sort=${path}`)),
      namesOf(valued.map(({ queue }: Valued) => queue)),
      path,
    );
  }
});

interface Valued {
  readonly queue: { readonly name: string };
  readonly value?: unknown;
}

/** The paths to all that is no object in an object. */
function collect(value: object, before: string, paths: Set<string>): void {
  for (const [name, field] of Object.entries(value)) {
    const path = `${before}${name}`;
    if (Array.isArray(field)) continue;
    if (typeof field === "object" && field !== null) collect(field, `${path}.`, paths);
    else paths.add(path);
  }
}

function valueOf(value: unknown, path: string): unknown {
  let found = value;
  for (const name of path.split(".")) {
    found = (found as Record<string, unknown> | undefined)?.[name];
  }
  return found;
}

Deno.test("a page is a part of what matches, with the counts of all", async () => {
  await using managed = await withQueues("jobs.1", "jobs.2", "jobs.3", "news");
  const page = await managed.get("/queues?page=2&page_size=2&name=JOBS&columns=name");
  assertEquals(page, {
    total_count: 4,
    item_count: 1,
    filtered_count: 3,
    page: 2,
    page_size: 2,
    page_count: 2,
    items: [{ name: "jobs.3" }],
  });
  const regex = `/queues?page=1&use_regex=true&name=${encodeURIComponent("^(news|jobs\\.1)$")}`;
  assertEquals(namesOf((await managed.get(regex)).items), ["jobs.1", "news"]);
  const { items, page_count } = await managed.get("/queues?page=1&name=none");
  assertEquals([items, page_count], [[], 0]);
  assertEquals((await managed.ask("GET", "/queues?page=2&name=none")).status, 400);
});

Deno.test("pages that make no sense are refused in RabbitMQ's words", async () => {
  await using managed = await withQueues("a");
  const refused = async (query: string) => {
    const { status, body } = await managed.ask("GET", `/queues?${query}`);
    return [status, body.error, body.reason];
  };
  assertEquals(await refused("page=x"), [
    400,
    "bad_request",
    "Pagination parameters are invalid",
  ]);
  assertEquals(await refused("page=9&page_size=2"), [
    400,
    "page_out_of_range",
    "Page out of range, page: 9 page size: 2, len: 1",
  ]);
  assertEquals((await refused("page=0"))[1], "invalid_pagination_parameters");
  assertEquals((await refused("page=1&page_size=501"))[1], "invalid_pagination_parameters");
  // neither malformed, nor one that could take for ever
  for (const regex of ["(", "(a+)+$"]) {
    const name = encodeURIComponent(regex);
    assertEquals((await refused(`page=1&use_regex=true&name=${name}`))[0], 400, regex);
  }
});

Deno.test("columns lead into objects and lists", async () => {
  await using managed = await withQueues("a");
  const [queue] = await managed.get("/queues?columns=name,messages_details.rate,nothing.at_all");
  assertEquals(queue, { name: "a", messages_details: { rate: 0 } });
  const binding = await managed.get("/queues/%2F/a/bindings?columns=source,properties_key");
  assertEquals(binding, [{ source: "", properties_key: "a" }]);
});

Deno.test("what was counted is left out of lists when nobody wants it", async () => {
  await using managed = new ManagedBroker();
  await managed.broker.declareQueue({ queue: "q" });
  const message = { routing_key: "q", properties: {}, payload: "x", payload_encoding: "string" };
  await managed.ask("POST", "/exchanges/%2F/amq.default/publish", { body: message });
  for (const path of ["/exchanges", "/exchanges/%2F", "/vhosts", "/vhosts/%2F"]) {
    const first = async (query: string) => [await managed.get(path + query)].flat()[0];
    assertEquals("message_stats" in await first(""), true, path);
    const told = await first("?disable_stats=true");
    const counted = ["message_stats", "messages", "recv_oct"].filter((name) => name in told);
    assertEquals([told.name === undefined, counted], [false, []], path);
  }
});

Deno.test("a long list is streamed whole and in order", async () => {
  const names = Array.from({ length: 2500 }, (_, index) => `q${index}`);
  await using managed = await withQueues(...names);
  assertEquals(namesOf(await managed.get("/queues")), [...names].sort());
  const { headers } = await managed.ask("GET", "/queues?columns=name");
  assertEquals(headers.get("content-type"), "application/json");
  const exchanges = await managed.get("/bindings");
  assertEquals(exchanges.length, 2500);
});

Deno.test("what is not this user's is not listed", async () => {
  await using managed = await withQueues("a");
  await managed.broker.addVhost("other");
  await managed.broker.declareQueue({ queue: "hidden", vhost: "other" });
  await managed.addUser("ann", "management");
  const user = "ann:p";
  assertEquals(namesOf(await managed.get("/queues", { user })), ["a"]);
  assertEquals(namesOf(await managed.get("/queues")), ["a", "hidden"]);
  assertEquals(namesOf(await managed.get("/vhosts", { user })), ["/"]);
  await using _local = await managed.broker.connect();
  await using _hers = await managed.broker.connect({ user: "ann" });
  const connections = await managed.get("/connections", { user });
  assertEquals(connections.length, 1);
  assertEquals(connections[0].user, "ann");
  assert((await managed.get("/connections")).length === 2);
});

Deno.test("bindings are found by a text in their ends or keys, and without the default ones", async () => {
  await using managed = new ManagedBroker();
  for (const queue of ["mail", "billing"]) {
    await managed.ask("PUT", `/queues/%2F/${queue}`, { body: {} });
    const body = { routing_key: `order.${queue.toUpperCase()}` };
    await managed.ask("POST", `/bindings/%2F/e/amq.topic/q/${queue}`, { body });
  }
  const keys = async (path: string) =>
    (await managed.get(path)).map(({ routing_key: key }: { routing_key: string }) => key).sort();
  const all = ["billing", "mail", "order.BILLING", "order.MAIL"];
  for (const at of ["/bindings", "/bindings/%2F"]) {
    assertEquals(await keys(at), all);
    assertEquals(await keys(`${at}?default=false`), ["order.BILLING", "order.MAIL"]);
    assertEquals(await keys(`${at}?search=TOPIC`), ["order.BILLING", "order.MAIL"]);
    assertEquals(await keys(`${at}?search=mail`), ["mail", "order.MAIL"]);
    assertEquals(await keys(`${at}?search=mail&default=false`), ["order.MAIL"]);
    assertEquals(await keys(`${at}?search=none`), []);
  }
  assertEquals(await keys("/queues/%2F/mail/bindings?search=order"), ["order.MAIL"]);
  assertEquals(await keys("/exchanges/%2F/amq.topic/bindings/source?search=bill"), [
    "order.BILLING",
  ]);
  const page = await managed.get("/bindings?search=order&page=1&page_size=1");
  assertEquals([page.total_count, page.filtered_count, page.items.length], [4, 2, 1]);
});

Deno.test("lists that nobody asks to sort are in RabbitMQ's order", async () => {
  await using managed = new ManagedBroker();
  const { broker } = managed;
  await broker.addVhost("zz");
  for (const user of ["bob", "ann"]) await broker.addUser(user, { password: "p" });
  const all = { configure: "", write: "", read: "" };
  for (const vhost of ["zz", "/"]) {
    for (const user of ["bob", "ann"]) await broker.setPermissions({ vhost, user, ...all });
  }
  await broker.setTopicPermissions({
    vhost: "zz",
    user: "ann",
    exchange: "b",
    write: "",
    read: "",
  });
  await broker.setTopicPermissions({
    vhost: "zz",
    user: "ann",
    exchange: "a",
    write: "",
    read: "",
  });
  await broker.setTopicPermissions({ vhost: "/", user: "bob", exchange: "z", write: "", read: "" });
  const policy = { pattern: "^q", definition: { "max-length": 1 } };
  for (const [name, vhost, priority] of [["a", "zz", 10], ["c", "zz", 2], ["d", "/", 2]] as const) {
    await broker.setPolicy({ name, vhost, priority, ...policy });
  }
  await broker.setPolicy({ name: "b", priority: -1, ...policy });
  await broker.setPolicy({ name: "e", priority: 1, ...policy });
  const list = async (path: string, ...names: string[]) =>
    (await managed.get(path)).map((row: Record<string, unknown>) => names.map((name) => row[name]));
  assertEquals(await list("/permissions", "vhost", "user"), [
    ["/", "ann"],
    ["/", "bob"],
    ["/", "guest"],
    ["zz", "ann"],
    ["zz", "bob"],
  ]);
  assertEquals(await list("/topic-permissions", "vhost", "user", "exchange"), [
    ["/", "bob", "z"],
    ["zz", "ann", "a"],
    ["zz", "ann", "b"],
  ]);
  assertEquals(await list("/policies", "name", "priority"), [
    ["b", -1],
    ["e", 1],
    ["d", 2],
    ["c", 2],
    ["a", 10],
  ]);
});

Deno.test("an expression that takes long for each name leaves others their turn after each", async () => {
  await using managed = await withQueues(...Array.from({ length: 40 }, (_, at) => `q${at}`));
  using time = standingTime();
  const { test } = RegExp.prototype;
  let [matched, atOnce] = [0, 0];
  RegExp.prototype.test = function (text) {
    if (this.source === "slow") {
      matched++;
      time.pass(10);
    }
    return test.call(this, text);
  };
  using _ = eachRound(() => {
    atOnce = Math.max(atOnce, matched);
    matched = 0;
  });
  try {
    await managed.get("/queues?page=1&name=slow&use_regex=true");
  } finally {
    RegExp.prototype.test = test;
  }
  assert(atOnce <= 2, `${atOnce} names at once`);
});

Deno.test("consumers are listed by their channels, and in each of them by tag", async () => {
  await using managed = await withQueues("z", "a");
  await using connection = await managed.broker.connect();
  const channels = [await connection.openChannel(), await connection.openChannel()];
  for (const channel of channels.toReversed()) {
    for (const [queue, tag] of [["z", "b"], ["a", "c"], ["z", "a"]] as const) {
      const consumerTag = `${channel.number}${tag}`;
      await channel.basicConsume(queue, { consumerTag }, () => {});
    }
  }
  const tags = async (path: string) =>
    (await managed.get(path)).map((row: Record<string, string>) => row["consumer_tag"]);
  assertEquals(await tags("/consumers"), ["1a", "1b", "1c", "2a", "2b", "2c"]);
  assertEquals(await tags("/consumers/%2F"), ["1a", "1b", "1c", "2a", "2b", "2c"]);
});
