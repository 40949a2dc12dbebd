import { assert, assertEquals } from "@std/assert";
import type { JsonValue } from "../../mod.ts";
import { ManagedBroker } from "./support.ts";

/** What RabbitMQ has, and what became of it here. */
interface Route {
  readonly mark: "=" | "~" | "-";
  readonly methods: readonly string[];
  readonly path: string;
}

/** A path that a line of the documentation names, and perhaps all below it. */
interface Named {
  readonly pattern: string;
  readonly withBelow: boolean;
  readonly why: string;
}

const read = (path: string) => Deno.readTextFile(new URL(path, import.meta.url));

async function readRoutes(): Promise<Route[]> {
  const lines = (await read("rabbitmq_routes.txt")).split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
    const words = line.split(" ");
    const mark = words[0] as Route["mark"];
    assert("=~-".includes(mark), line);
    return { mark, methods: words.slice(1, -1), path: words.at(-1)! };
  });
}

/** The paths in the table under a heading of `docs/http_api.md`. */
async function namedUnder(heading: string): Promise<Named[]> {
  const text = await read("../../docs/http_api.md");
  const [, rest = ""] = text.split(`## ${heading}\n`);
  const [section = ""] = rest.split("\n## ");
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  assert(rows.length > 5, heading);
  return rows.flatMap((row) => {
    const [, paths = "", why = ""] = row.split("|");
    return [...paths.matchAll(/(\/api\/[^`]+)`/g)].map((match) => ({
      pattern: general(match[1]!.slice("/api".length)),
      withBelow: paths.includes("and below"),
      why: why.trim(),
    }));
  });
}

/** The same for `:vhost` of RabbitMQ's routes and `_vhost_` of the documentation. */
function general(path: string): string {
  return path.replaceAll(/:\w+|\/_[a-z]+_/g, (part) => part.startsWith("/") ? "/*" : "*")
    .replace(/\/$/, "");
}

function isNamed(path: string, { pattern, withBelow }: Named): boolean {
  const own = general(path);
  return own === pattern || withBelow && own.startsWith(`${pattern}/`);
}

/** Something to ask for: what stands for a name is of the kind that the route takes. */
function filled(path: string): string {
  return path.replace(":dtype", "q").replaceAll(/:\w+/g, "x");
}

Deno.test("every route of RabbitMQ's is there, with its methods, or the documentation says why not", async () => {
  await using managed = new ManagedBroker();
  const [gone, little] = [
    await namedUnder("What is not there"),
    await namedUnder("What answers, and does little"),
  ];
  const wrong: string[] = [];
  for (const { mark, methods, path } of await readRoutes()) {
    const { status, headers } = await managed.ask("OPTIONS", filled(path));
    const allowed = (headers.get("allow") ?? "").split(", ");
    const missing = methods.filter((method) => !allowed.includes(method));
    if (mark === "-" && status !== 404) wrong.push(`${path} is there`);
    if (mark !== "-" && missing.length > 0) wrong.push(`${path} lacks ${missing}`);
    for (const [sign, named] of [["-", gone], ["~", little]] as const) {
      const isDocumented = named.some((one) => isNamed(path, one));
      if (isDocumented !== (mark === sign)) {
        wrong.push(
          `${path} is marked ${mark} and ${isDocumented ? "" : "not "}in the list of ${sign}`,
        );
      }
    }
  }
  assertEquals(wrong, []);
});

Deno.test("what the documentation says of RabbitMQ's routes is about routes that there are, and tells why", async () => {
  const routes = await readRoutes();
  for (const heading of ["What is not there", "What answers, and does little"]) {
    for (const named of await namedUnder(heading)) {
      assert(routes.some(({ path }) => isNamed(path, named)), `${named.pattern}: no such route`);
      assert(named.why.length > 10, named.pattern);
    }
  }
});

Deno.test("what is not there is not found, whichever method asks", async () => {
  await using managed = new ManagedBroker();
  for (const { mark, methods, path } of await readRoutes()) {
    if (mark !== "-") continue;
    for (const method of methods) {
      const { status, body } = await managed.ask(method, filled(path));
      assertEquals([status, body], [404, { error: "Object Not Found", reason: "Not Found" }], path);
    }
  }
});

/** What answers and does little: what it answers, whatever there is in the broker. */
const LITTLE: readonly (readonly [request: string, status: number, body?: JsonValue])[] = [
  ["GET /auth", 200, { oauth_enabled: false, enable_uaa: false }],
  ["DELETE /login", 204],
  ["GET /auth/attempts/NODE/source", 200, []],
  ["DELETE /auth/attempts/NODE/source", 204],
  ["POST /queues/%2F/q/actions", 204],
  ["POST /rebalance/queues", 204],
  ["DELETE /reset", 204],
  ["DELETE /reset/NODE", 204],
  ["GET /extensions", 200, []],
  ...["", "/relative", "/rabbit", "/rabbit/relative"].map((below) =>
    [`GET /nodes/NODE/memory/ets${below}`, 200, { ets_tables_memory: "no_tables" }] as const
  ),
  ["POST /vhosts/%2F/start/NODE", 204],
  ["GET /feature-flags", 200, []],
  ["PUT /feature-flags/quorum_queue/enable", 404, {
    error: "Object Not Found",
    reason: "Not Found",
  }],
  ["GET /deprecated-features", 200, []],
  ["GET /deprecated-features/used", 200, []],
  ["GET /healthchecks/node", 200, { status: "ok" }],
  ["GET /healthchecks/node/NODE", 200, { status: "ok" }],
  ["GET /health/checks/virtual-hosts", 200, { status: "ok" }],
  ["GET /health/checks/metadata-store/initialized", 200, { status: "ok" }],
  ["GET /health/checks/metadata-store/initialized/with-data", 200, { status: "ok" }],
  ["GET /health/checks/reached-target-cluster-size", 200, { status: "ok" }],
  ["GET /health/checks/node-is-mirror-sync-critical", 200, {
    status: "ok",
    reason: "single node cluster",
  }],
  ["GET /health/checks/node-is-quorum-critical", 200, {
    status: "ok",
    reason: "single node cluster",
  }],
  ["GET /health/checks/quorum-queues-without-elected-leaders/all-vhosts", 200, { status: "ok" }],
  ["GET /health/checks/quorum-queues-without-elected-leaders/vhost/%2F/pattern/.*", 200, {
    status: "ok",
  }],
];

Deno.test("what does little answers the same whatever there is, and changes nothing", async () => {
  await using managed = new ManagedBroker();
  const { broker } = managed;
  const connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  await channel.confirmSelect();
  await channel.basicPublish({ routingKey: "q" }, "x");
  const node = broker.node().name;
  for (const [request, status, body] of LITTLE) {
    const [method = "", path = ""] = request.replace("NODE", node).split(" ");
    const answered = await managed.ask(method, path, {
      ...method === "POST" ? { body: { action: "sync" } } : {},
    });
    assertEquals([answered.status, answered.body], [status, body], request);
  }
  assertEquals((await managed.get("/queues/%2F/q")).messages, 1);
  const { memory } = await managed.get(`/nodes/${node}/memory`);
  const { strategy, total, ...parts } = memory;
  assertEquals(strategy, "rss");
  assert(total.rss > 1_000_000, `${total.rss} bytes`);
  // tools in languages with types read all of them
  assertEquals(
    Object.keys(parts).sort(),
    "allocated_unused atom binary code connection_channels connection_other connection_readers connection_writers metadata_store metadata_store_ets metrics mgmt_db mnesia msg_index other_ets other_proc other_system plugins queue_procs quorum_ets quorum_queue_dlx_procs quorum_queue_procs reserved_unallocated stream_queue_coordinator_procs stream_queue_procs stream_queue_replica_reader_procs"
      .split(" "),
  );
  const sizes = Object.values<number>(parts);
  assert(sizes.every((size) => Number.isSafeInteger(size) && size >= 0), `${sizes}`);
  const sum = sizes.reduce((all, size) => all + size, 0);
  assertEquals(sum, Math.max(total.rss, total.allocated));
  assertEquals(parts.other_proc + parts.binary, total.erlang);
});

Deno.test("GET /api/nodes/NODE/memory/relative tells the same parts in percent, and of what there is at least one", async () => {
  await using managed = new ManagedBroker();
  const path = "/nodes/warren@localhost/memory";
  const { strategy: _, total: __, ...sizes } = (await managed.get(path)).memory;
  const { total, ...percents } = (await managed.get(`${path}/relative`)).memory;
  assertEquals([total, Object.keys(percents)], [100, Object.keys(sizes)]);
  const sum = Object.values<number>(percents).reduce((all, percent) => all + percent, 0);
  // each is rounded up
  assert(sum >= 100 && sum <= 100 + Object.keys(sizes).length, `${sum} percent`);
  for (const name of ["other_proc", "binary"]) {
    assert(Number.isInteger(percents[name]) && percents[name] > 0, `${percents[name]} of ${name}`);
  }
  assertEquals(percents.code, 0);
});

Deno.test("what is asked of a node that there is not is not found", async () => {
  await using managed = new ManagedBroker();
  for (const below of ["", "/memory", "/memory/relative", "/memory/ets"]) {
    assertEquals((await managed.ask("GET", `/nodes/nope${below}`)).status, 404, below);
  }
  assertEquals((await managed.ask("GET", "/healthchecks/node/nope")).status, 404);
});

Deno.test("PUT /api/topic-permissions with an exchange at its end sets those of the exchange in its body", async () => {
  await using managed = new ManagedBroker();
  const body = { exchange: "amq.topic", write: "w", read: "r" };
  const path = "/topic-permissions/%2F/guest";
  assertEquals((await managed.ask("PUT", `${path}/other`, { body })).status, 201);
  assertEquals((await managed.ask("PUT", `${path}/other`, { body })).status, 204);
  assertEquals(await managed.get(path), [{ vhost: "/", user: "guest", ...body }]);
});

Deno.test("a node tells the versions that the overview tells", async () => {
  await using managed = new ManagedBroker();
  const overview = await managed.get("/overview");
  const [node] = await managed.get("/nodes");
  for (const name of ["rabbitmq_version", "erlang_version", "erlang_full_version"]) {
    assertEquals(typeof node[name], "string", name);
    assertEquals(node[name], overview[name]);
  }
});

Deno.test("GET /api/version gives RabbitMQ's version to who has logged in", async () => {
  await using managed = new ManagedBroker();
  const { status, headers, body } = await managed.ask("GET", "/version");
  assertEquals([status, body], [200, (await managed.get("/overview")).rabbitmq_version]);
  assertEquals(headers.get("content-type"), "application/json");
  assertEquals((await managed.ask("GET", "/version", { user: "" })).status, 401);
});
