import { assertEquals } from "@std/assert";
import { Broker } from "../../mod.ts";
import type { BrokerOptions } from "../../broker/options.ts";
import { DiskFileSystem } from "../../broker/store/file_system.ts";
import { Store } from "../../broker/store/store.ts";
import { DurableSettings } from "../../broker/vhost/durable_settings.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

const ALL = { configure: ".*", write: ".*", read: ".*" };

/** A directory of its own, brokers on it, and its end. */
function temporaryDirectory(): AsyncDisposable & {
  readonly path: string;
  broker(options?: BrokerOptions): Broker;
} {
  const path = Deno.makeTempDirSync({ prefix: "warren-" });
  return {
    path,
    broker: (options) =>
      new Broker({ dataDir: path, passwordHashing: "rabbitmq-sha512", ...options }),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

Deno.test("users, passwords, tags, limits and permissions survive a restart", async () => {
  await using directory = temporaryDirectory();
  let before: unknown;
  {
    await using broker = directory.broker();
    await broker.addVhost("v");
    await broker.addUser("alice", { password: "s3cret", tags: ["a"], limits: { maxChannels: 3 } });
    await broker.setPermissions({
      user: "alice",
      vhost: "v",
      configure: "",
      write: "w",
      read: "r",
    });
    const topic = { user: "alice", vhost: "v", exchange: "x", write: "^{username}", read: "" };
    await broker.setTopicPermissions(topic);
    await broker.addUser("none");
    await broker.addUser("gone", { password: "s3cret" });
    await broker.setPermissions({ user: "gone", ...ALL });
    await broker.setTopicPermissions({ user: "gone", exchange: "x", write: "", read: "" });
    await broker.deleteUser("gone");
    await broker.deleteUser("guest");
    before = broker.exportDefinitions();
  }
  await using broker = directory.broker();
  assertEquals(broker.exportDefinitions(), before);
  assertEquals(broker.users().map(({ name }) => name), ["alice", "none"]);
  assertEquals(await broker.authenticateUser("alice", "s3cret"), true);
  assertEquals(await broker.authenticateUser("guest", "guest"), false, "it does not come back");
  // one of the old name is another one
  await broker.addUser("gone");
  assertEquals(broker.permissions({ user: "gone" }), []);
  assertEquals(broker.topicPermissions({ user: "gone" }), []);
});

Deno.test("guest does not come back to a damaged store that has users", async () => {
  await using directory = temporaryDirectory();
  {
    await using broker = directory.broker();
    await broker.addUser("alice", { password: "s3cret" });
    await broker.deleteUser("guest");
  }
  const store = new Store({ files: new DiskFileSystem(directory.path) });
  store.undefine(JSON.stringify(["users-begun"]));
  await store.close();
  await using broker = directory.broker();
  assertEquals(broker.users().map(({ name }) => name), ["alice"]);
});

Deno.test("a default user is added to a new directory, and to no other", async () => {
  await using directory = temporaryDirectory();
  const logger = new RecordingLogger();
  const defaultUser = { name: "ops", password: "s3cret" };
  {
    await using broker = directory.broker({ defaultUser, logger });
    assertEquals(await broker.authenticateUser("ops", "s3cret"), true);
    await broker.changePassword("ops", "better");
  }
  {
    await using broker = directory.broker({ defaultUser, logger });
    assertEquals(await broker.authenticateUser("ops", "better"), true);
    assertEquals(logger.of("warning"), []);
    await broker.addUser("other");
    await broker.deleteUser("ops");
  }
  await using broker = directory.broker({ defaultUser, logger });
  assertEquals(broker.users().map(({ name }) => name), ["other"]);
  assertEquals(logger.of("warning"), [
    "warning: user 'ops' is not added: only a new data directory begins with a default user",
  ]);
});

Deno.test("a directory of a version without users begins with guest, for all of its vhosts", async () => {
  await using directory = temporaryDirectory();
  const store = new Store({ files: new DiskFileSystem(directory.path) });
  const durable = new DurableSettings(store);
  durable.begin();
  durable.setVhost("/", {});
  durable.setVhost("v", {});
  await store.close();
  await using broker = directory.broker();
  assertEquals(broker.permissions(), [
    { user: "guest", vhost: "/", ...ALL },
    { user: "guest", vhost: "v", ...ALL },
  ]);
});

Deno.test("what of users cannot be read permits nothing, and keeps no broker from starting", async () => {
  await using directory = temporaryDirectory();
  {
    await using broker = directory.broker();
    await broker.addUser("alice", { password: "s3cret" });
    await broker.addUser("bob", { password: "s3cret" });
    await broker.setPermissions({ user: "bob", ...ALL });
  }
  const store = new Store({ files: new DiskFileSystem(directory.path) });
  const durable = new DurableSettings(store);
  durable.set(["user", "odd"], { limits: { "max-foo": 1 } });
  durable.set(["user", "alice"], { hashing_algorithm: "of the future", password_hash: "x" });
  durable.set(["permission", "alice", "/"], { configure: "^(a+)+$", write: ".*", read: ".*" });
  durable.set(["permission", "bob", "/"], { configure: ".*", write: ".*" });
  durable.set(["topic-permission", "bob", "/", "amq.topic"], 7);
  durable.set(["permission", "nobody", "/"], ALL);
  await store.close();

  const logger = new RecordingLogger();
  await using broker = directory.broker({ logger });
  assertEquals(logger.of("error").map((line) => line.slice(0, 40)), [
    "error: user 'odd': Validation failed  Un",
    "error: permissions of user 'alice': regu",
  ]);
  assertEquals(broker.users().map(({ name }) => name), ["alice", "bob", "guest"]);
  assertEquals(await broker.authenticateUser("alice", "s3cret"), false);
  assertEquals(broker.permissions({ user: "alice" }), []);
  assertEquals(broker.permissions({ user: "bob" }), [
    { user: "bob", vhost: "/", configure: ".*", write: ".*", read: "" },
  ]);
  assertEquals(broker.topicPermissions({ user: "bob" }).map(({ write }) => write), [""]);
});

Deno.test("a password is nowhere in the data directory", async () => {
  await using directory = temporaryDirectory();
  {
    await using broker = directory.broker({ defaultUser: { name: "ops", password: "0ps-s3cret" } });
    await broker.addUser("alice", { password: "alice-s3cret" });
    await broker.changePassword("alice", "other-s3cret");
    await broker.authenticateUser("alice", "other-s3cret");
  }
  for await (const { name } of Deno.readDir(directory.path)) {
    const text = new TextDecoder("latin1").decode(
      await Deno.readFile(`${directory.path}/${name}`),
    );
    assertEquals(text.includes("s3cret"), false, name);
  }
});
