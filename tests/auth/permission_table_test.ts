import { assertEquals } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { connect } from "../../client/connect.ts";
import type { Connection } from "../../client/connection.ts";
import { PASSWORD, PERMISSION_CASES, permissionFixture } from "./permission_table.ts";

/** Runs all cases on one broker; tells what each saw, by its title. */
async function seen(dial: (user: string) => Promise<Connection>): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const { title, user, run } of PERMISSION_CASES) {
    await using connection = await dial(user);
    all[title] = await run(connection);
  }
  return all;
}

const EXPECTED = Object.fromEntries(PERMISSION_CASES.map(({ title, expect }) => [title, expect]));

Deno.test("each operation asks for exactly its permissions, in process", async () => {
  await using broker = new Broker();
  await broker.importDefinitions(permissionFixture());
  assertEquals(await seen((user) => broker.connect({ user })), EXPECTED);
});

Deno.test("each operation asks for exactly its permissions, over TCP", async () => {
  await using broker = new Broker();
  await broker.importDefinitions(permissionFixture());
  await using server = await broker.listen({ port: 0 });
  const address = { hostname: "127.0.0.1", port: server.port, password: PASSWORD };
  assertEquals(await seen((username) => connect({ ...address, username })), EXPECTED);
});

Deno.test("who may do everything is asked nothing", async () => {
  const all = { configure: ".*", write: ".*", read: ".*" };
  await using broker = new Broker();
  await broker.importDefinitions(permissionFixture());
  for (const { user } of PERMISSION_CASES) {
    await broker.setPermissions({ user, ...all });
    await broker.clearTopicPermissions(user);
  }
  const results = new Set(Object.values(await seen((user) => broker.connect({ user }))));
  assertEquals([...results].sort(), [
    "403 ACCESS_REFUSED - deletion of system exchange 'amq.topic' in vhost '/' not allowed, to exchange.delete",
    "403 ACCESS_REFUSED - operation not permitted on the default exchange, to queue.bind",
    ...["basic.publish", "exchange.bind", "queue.bind"]
      .map((method) => `404 NOT_FOUND - no exchange 'new' in vhost '/', to ${method}`),
    ...["basic.consume", "basic.get", "queue.bind", "queue.purge"]
      .map((method) => `404 NOT_FOUND - no queue 'new' in vhost '/', to ${method}`),
    "ok",
  ]);
});
