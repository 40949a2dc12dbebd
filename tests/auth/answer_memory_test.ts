import {
  assert,
  assertEquals,
  assertGreater,
  assertNotStrictEquals,
  assertStrictEquals,
} from "@std/assert";
import { AnswerMemory } from "../../broker/auth/answer_memory.ts";
import { Authorization } from "../../broker/auth/authorization.ts";
import type { Access } from "../../broker/auth/access.ts";
import { Broker } from "../../broker/broker.ts";
import { Users } from "../../broker/auth/users.ts";
import { BrokerEvents } from "../../broker/events.ts";
import { closing } from "../behaviour/observe.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** What is remembered of permissions is the clients' to choose, and bounded. */

const MIB = 1024 * 1024;

function usersWithAlice(bytesMax: number) {
  const answers = new AnswerMemory(bytesMax);
  const users = new Users({ events: new BrokerEvents(new ManualClock(), () => {}), answers });
  users.add("alice", undefined);
  users.setPermissions({ user: "alice", vhost: "/", configure: "^a", write: "^a", read: "^a" });
  return { answers, users, authorization: new Authorization(users, true) };
}

Deno.test("AnswerMemory forgets what is known for longest when it is full", () => {
  const memory = new AnswerMemory(1000);
  const [first, second] = [new Map<string, boolean>(), new Map<string, boolean>()];
  memory.remember(first, "a", true);
  memory.remember(first, "b", false);
  assertEquals([...first], [["a", true], ["b", false]]);
  memory.remember(second, "c", true);
  assertEquals([first.size, second.size], [2, 1]);
  memory.remember(second, "d".repeat(100), true);
  assertEquals([first.size, second.size], [0, 2]);
  memory.forget(second);
  assertEquals([second.size, memory.bytes], [0, 0]);
});

Deno.test("AnswerMemory keeps a thousand answers of a kind, and never more than it may", () => {
  const memory = new AnswerMemory(MIB);
  const kind = new Map<string, boolean>();
  for (let at = 0; at < 5000; at++) {
    memory.remember(kind, `name ${at}`, true);
    assert(kind.size <= 1000 && memory.bytes <= MIB);
  }
  const many = Array.from({ length: 1000 }, () => new Map<string, boolean>());
  for (const one of many) {
    for (let at = 0; at < 20; at++) memory.remember(one, `${at}`.padEnd(255), true);
    assert(memory.bytes <= MIB);
  }
  // a careful estimate: what is there is not more than was counted
  const there = many.reduce((sum, one) => sum + [...one.keys()].join("").length, 0);
  assertGreater(memory.bytes, there);
  assertGreater(there, MIB / 4);
});

Deno.test("all connections of a user share what is known of it", () => {
  const { answers, users, authorization } = usersWithAlice(MIB);
  const connections = Array.from(
    { length: 1000 },
    () => authorization.rights({ name: "alice" }, "/").restrictions!,
  );
  connections[0]!.permits("read", "queue", "a");
  const { bytes } = answers;
  for (const one of connections) assertEquals(one.permits("read", "queue", "a"), true);
  assertEquals(answers.bytes, bytes);
  for (const [at, one] of connections.entries()) {
    for (let name = 0; name < 30; name++) {
      assertEquals(one.permits("configure", "queue", `b${at} ${name}`.padEnd(255)), false);
    }
    assert(answers.bytes <= MIB);
  }
  assertStrictEquals(users.rules("alice", "/"), users.rules("alice", "/"));
});

Deno.test("what is known of a user goes with each change of what it may do", () => {
  const { users } = usersWithAlice(MIB);
  const permits = (name: string) => users.rules("alice", "/")?.things.queue.write.permits(name);
  assertEquals([permits("a"), permits("b")], [true, false]);
  const changes: readonly (() => void)[] = [
    () => users.setPermissions({ user: "alice", vhost: "/", configure: "", write: "^b", read: "" }),
    () =>
      users.setTopicPermissions({ user: "alice", vhost: "/", exchange: "t", write: "", read: "" }),
    () => users.clearTopicPermissions("alice", "/", "t"),
    () => users.clearPermissions("alice", "/"),
  ];
  for (const change of changes) {
    const before = users.rules("alice", "/");
    change();
    assertNotStrictEquals(users.rules("alice", "/"), before);
    assertEquals(permits("a"), false);
  }
  users.setPermissions({ user: "alice", vhost: "/", configure: "", write: "^a", read: "" });
  assertEquals(permits("a"), true);
  users.delete("alice");
  assertEquals(permits("a"), false);
  users.add("alice", undefined);
  assertEquals(permits("a"), false, "another one of the same name");
});

Deno.test("what programs say of names and routing keys is remembered within the same bound", () => {
  const { answers, authorization } = usersWithAlice(MIB);
  const access: Access = { permits: () => true, permitsTopic: (_, exchange) => exchange !== "no" };
  for (let login = 0; login < 50; login++) {
    const { restrictions } = authorization.rights({ name: "token", access: () => access }, "/");
    for (let at = 0; at < 200; at++) {
      const exchange = `exchange ${at}`.padEnd(255);
      restrictions!.requirePublish(exchange);
      restrictions!.requireTopic("write", exchange, `key ${at}`.padEnd(255));
      assert(answers.bytes <= MIB);
    }
  }
  assertGreater(answers.bytes, MIB / 2);
});

Deno.test("a change of permissions counts on all open connections, whatever was known there", async () => {
  await using broker = new Broker({ passwordHashing: "rabbitmq-sha256" });
  await broker.addUser("alice", {});
  const only = async (letter: string) =>
    await broker.setPermissions({ user: "alice", configure: `^${letter}`, write: "", read: "" });
  await only("a");
  const channels = [];
  for (let count = 0; count < 3; count++) {
    const connection = await broker.connect({ user: "alice" });
    channels.push(await connection.openChannel());
  }
  for (const channel of channels) {
    for (let at = 0; at < 20; at++) await channel.queueDelete(`a${at}`);
  }
  await only("b");
  for (const channel of channels) {
    await channel.queueDelete("b");
    channel.queueDelete("a0").catch(() => {});
    assertEquals((await closing(channel)).slice(0, 2), [
      403,
      "ACCESS_REFUSED - configure access to queue 'a0' in vhost '/' refused for user 'alice'",
    ]);
  }
});
