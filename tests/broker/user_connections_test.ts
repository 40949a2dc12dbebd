import { assert, assertEquals, assertGreater, assertLess, assertThrows } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { Authorization } from "../../broker/auth/authorization.ts";
import { Users } from "../../broker/auth/users.ts";
import { Broker } from "../../broker/broker.ts";
import { BrokerConnection } from "../../broker/connection/connection.ts";
import { NodeChannels } from "../../broker/connection/node_channels.ts";
import { BrokerEvents } from "../../broker/events.ts";
import { UserConnections } from "../../broker/user_connections.ts";
import type { Restrictions } from "../../broker/auth/restrictions.ts";
import { computedMs } from "../support/computed.ts";
import { ManualClock } from "../support/manual_clock.ts";

const ALL = { configure: ".*", write: ".*", read: ".*" };

function withUser(name: string) {
  const users = new Users({ events: new BrokerEvents(new ManualClock(), () => {}) });
  users.add(name, undefined);
  users.setPermissions({ user: name, vhost: "/", ...ALL });
  const authorization = new Authorization(users, true);
  const connections = new UserConnections(() => authorization);
  users.observe(connections);
  return { users, connections };
}

/** As much of a connection as is looked at when something changes. */
function connectionOf(name: string, access?: () => { permits: () => boolean }) {
  const seen = { restrictions: undefined as Restrictions | undefined, changes: 0 };
  const connection = Object.create(BrokerConnection.prototype, {
    user: { value: { name, ...access === undefined ? {} : { access } } },
    vhost: { value: VHOST },
    setRights: {
      value: ({ restrictions }: { restrictions: Restrictions | undefined }) => {
        seen.restrictions = restrictions;
        seen.changes++;
      },
    },
  }) as BrokerConnection;
  return { connection, seen };
}

const VHOST = { name: "/" };

Deno.test("a change reaches all of a user's connections, each of which has a memory of its own", () => {
  const { users, connections } = withUser("alice");
  const [one, two, other] = ["alice", "alice", "bob"].map((name) => connectionOf(name));
  const token = connectionOf("alice", () => ({ permits: () => true }));
  for (const { connection } of [one!, two!, other!, token]) connections.add(connection);
  users.setPermissions({ user: "alice", vhost: "/", ...ALL, write: "^a" });
  const [first, second] = [one!.seen.restrictions!, two!.seen.restrictions!];
  assertEquals([first.permits("write", "queue", "a"), second.permits("write", "queue", "b")], [
    true,
    false,
  ]);
  first.requirePublish("a");
  assertThrows(() => second.requirePublish("b"), AmqpError);
  assertEquals([other!.seen.changes, token.seen.changes], [0, 0]);
  users.setPermissions({ user: "alice", vhost: "/", ...ALL });
  assertEquals([one!.seen.restrictions, two!.seen.restrictions], [undefined, undefined]);
});

Deno.test("a change of one user keeps nobody waiting, however many connections it has", () => {
  const { users, connections } = withUser("alice");
  const expressions = { configure: "^(a|b|c)+x", write: "^(a|b|c)+y", read: "^(a|b|c)+z" };
  for (let count = 0; count < 50_000; count++) connections.add(connectionOf("alice").connection);
  const took: number[] = [];
  for (let round = 0; round < 5; round++) {
    const began = computedMs();
    users.setPermissions({ user: "alice", vhost: "/", ...expressions, read: `^${round}` });
    took.push(computedMs() - began);
  }
  // to make expressions for each of them took seconds
  assertLess(Math.min(...took), 200);
});

Deno.test("the connections of a user who is deleted are closed some at a time", async () => {
  const { users, connections } = withUser("alice");
  const COUNT = 500;
  let closed = 0;
  const whenAll = new Promise<void>((resolve) => {
    const close = { value: () => ++closed === COUNT && resolve() };
    for (let count = 0; count < COUNT; count++) {
      connections.add(Object.create(connectionOf("alice").connection, { close }));
    }
  });
  users.delete("alice");
  assertGreater(closed, 0);
  assertLess(closed, 100);
  // there may be one of this name again before they are all closed
  const close = { value: () => assert(false) };
  connections.add(Object.create(connectionOf("alice").connection, { close }));
  await whenAll;
});

Deno.test("channels of a user are counted as they come and go, whatever ends them", async () => {
  await using broker = new Broker({ passwordHashing: "rabbitmq-sha256", channelMaxPerNode: 5 });
  await broker.addUser("alice", { limits: { maxChannels: 3 } });
  await broker.setPermissions({ user: "alice", ...ALL });
  const dial = () => broker.connect({ user: "alice" });
  const refusal = async () => {
    await using connection = await dial();
    return await connection.openChannel().then(() => "open", ({ message }) => message);
  };
  const full = "NOT_ALLOWED - number of channels opened for user 'alice' has reached the maximum " +
    "allowed user limit of 3";
  for (let round = 0; round < 3; round++) {
    const one = await dial();
    const [closed, failed] = [await one.openChannel(), await one.openChannel()];
    await one.openChannel();
    assertEquals(await refusal(), full);
    await closed.close();
    assertEquals(await refusal(), "open");
    await failed.queueDeclare("nope", { passive: true }).catch(() => {});
    await using other = await dial();
    await other.openChannel();
    await other.openChannel();
    assertEquals(await refusal(), full);
    await one.close();
    assertEquals(await refusal(), "open");
  }
  // another limit that refuses them does not count
  await using guest = await broker.connect({ user: "guest" });
  for (let count = 0; count < 5; count++) await guest.openChannel();
  for (let count = 0; count < 5; count++) {
    assertEquals(
      await refusal(),
      "NOT_ALLOWED - number of channels opened on node 'warren@localhost' has reached the maximum " +
        "allowed limit of 5",
    );
  }
  await guest.close();
  assertEquals(await refusal(), "open");
});

Deno.test("to open a channel takes no longer the more connections its user has", () => {
  const { users, connections } = withUser("alice");
  users.setLimits("alice", { maxChannels: 3 });
  const user = { name: "alice" };
  // nobody looks into them: they have nothing to look into
  for (let count = 0; count < 1000; count++) connections.add(connectionOf("alice").connection);
  const channels = connections.channelsOf(user, new NodeChannels("node", Infinity));
  for (let count = 0; count < 3; count++) {
    connections.checkChannels(user);
    channels.open();
  }
  assertThrows(() => connections.checkChannels(user), AmqpError, "user limit of 3");
  channels.close();
  connections.checkChannels(user);
});
