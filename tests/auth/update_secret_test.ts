import { assertEquals, assertMatch } from "@std/assert";
import {
  basicConsume,
  connectionCloseOk,
  connectionUpdateSecret,
  queueDeclare,
} from "../../broker/amqp/methods/mod.ts";
import type { Access } from "../../broker/auth/access.ts";
import type { Authenticator, User } from "../../broker/auth/authenticator.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import { ServedBroker, settle } from "../connection/support.ts";

/** RabbitMQ, `connection.update-secret`: rabbit_reader and rabbit_channel. */

const HOUR = 3_600_000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** May do in `/` what is about names that begin with the token. */
function access(token: string): Access {
  return { permits: (_permission, _kind, name) => name.startsWith(token) || name === "" };
}

function owner(token: string, expiresAt: number | undefined, vhost = "/"): User {
  return {
    name: "alice",
    access: (name) => name === vhost ? access(token) : undefined,
    ...expiresAt === undefined ? {} : { expiresAt },
  };
}

/** Lets `alice` in for an hour, and then with whatever token `renew` makes a user of. */
function tokens(renew?: Authenticator["renew"]): Authenticator {
  return {
    mechanisms: ["PLAIN"],
    authenticate: () => owner("a", HOUR),
    ...renew === undefined ? {} : { renew },
  };
}

async function update(peer: RawPeer, secret: string): Promise<void> {
  const newSecret = encoder.encode(secret);
  await peer.send(0, connectionUpdateSecret({ newSecret, reason: "it is time" }));
}

async function refusal(peer: RawPeer): Promise<unknown[]> {
  const { replyCode, replyText, classId, methodId } = await peer.expect(0, "connection.close");
  await peer.send(0, connectionCloseOk());
  return [replyCode, replyText, classId, methodId];
}

Deno.test("a connection ends with 320 when what its user has shown expires", async () => {
  await using served = await ServedBroker.start({ authenticator: tokens() });
  const peer = await served.login();
  served.clock.advance(HOUR - 1);
  await peer.send(1, queueDeclare({ queue: "a" }));
  await peer.expect(1, "queue.declare-ok");
  served.clock.advance(1);
  assertEquals(await refusal(peer), [320, "CONNECTION_FORCED - credential expired", 0, 0]);
  assertMatch(served.logger.of("warning").join(), /credential of user 'alice' has expired/);
});

Deno.test("what has expired before the vhost was entered counts no more", async () => {
  const authenticator = { mechanisms: ["PLAIN"], authenticate: () => owner("a", -1) };
  await using served = await ServedBroker.start({ authenticator });
  const peer = await served.login();
  served.clock.advance(0);
  assertEquals((await refusal(peer))[1], "CONNECTION_FORCED - credential expired");
});

Deno.test("a secret that expires in months needs more than one timer, and does not expire before", async () => {
  const year = 365 * 24 * HOUR;
  const authenticator = { mechanisms: ["PLAIN"], authenticate: () => owner("a", year) };
  await using served = await ServedBroker.start({ authenticator });
  const peer = await served.login();
  served.clock.advance(year - 1);
  await peer.send(1, queueDeclare({ queue: "a" }));
  await peer.expect(1, "queue.declare-ok");
  served.clock.advance(1);
  assertEquals((await refusal(peer))[0], 320);
});

Deno.test("connection.update-secret puts a new expiry and new rights in place of the old ones", async () => {
  const seen: string[] = [];
  await using served = await ServedBroker.start({
    authenticator: tokens((user, secret) => {
      seen.push(`${user.name} ${decoder.decode(secret)}`);
      return owner(decoder.decode(secret), 2 * HOUR);
    }),
  });
  const peer = await served.login();
  await peer.send(1, queueDeclare({ queue: "a1" }));
  await peer.expect(1, "queue.declare-ok");
  await update(peer, "b");
  await peer.expect(0, "connection.update-secret-ok");
  assertEquals(seen, ["alice b"]);
  served.clock.advance(HOUR);
  await peer.send(1, queueDeclare({ queue: "b1" }));
  await peer.expect(1, "queue.declare-ok");
  await peer.send(1, queueDeclare({ queue: "a2" }));
  const { replyCode, replyText } = await peer.expect(1, "channel.close");
  assertEquals([replyCode, replyText], [
    403,
    "ACCESS_REFUSED - configure access to queue 'a2' in vhost '/' refused for user 'alice'",
  ]);
  served.clock.advance(HOUR);
  assertEquals((await refusal(peer))[1], "CONNECTION_FORCED - credential expired");
});

Deno.test("consumers of queues that may be read no more are cancelled, and others go on", async () => {
  const authenticator = tokens((_, secret) => owner(decoder.decode(secret), 2 * HOUR));
  await using served = await ServedBroker.start({ authenticator });
  await using program = await served.broker.connect();
  const channel = await program.openChannel();
  for (const queue of ["a", "ab"]) await channel.queueDeclare(queue);
  const peer = await served.login();
  for (const queue of ["a", "ab"]) {
    await peer.send(1, basicConsume({ queue, consumerTag: `of ${queue}`, noAck: true }));
    await peer.expect(1, "basic.consume-ok");
  }
  await update(peer, "ab");
  const { consumerTag, noWait } = await peer.expect(1, "basic.cancel");
  assertEquals([consumerTag, noWait], ["of a", true]);
  await peer.expect(0, "connection.update-secret-ok");
  for (const queue of ["a", "ab"]) await channel.basicPublish({ routingKey: queue }, queue);
  assertEquals((await peer.expectContent(1, "basic.deliver")).text, "ab");
  assertEquals((await channel.queueDeclare("a", { passive: true })).messageCount, 1);
  assertMatch(served.logger.of("warning").join(), /cancelling consumer 'of a' on queue 'a'/);
});

const REFUSALS: readonly (readonly [name: string, Authenticator["renew"], text: string])[] = [
  [
    "that is refused",
    () => ({ refused: "it is old" }),
    "New secret was refused by one of the backends",
  ],
  [
    "of somebody else",
    () => ({ ...owner("a", HOUR), name: "bob" }),
    "New secret was refused by one of the backends",
  ],
  ["that nobody can judge", undefined, "New secret was refused by one of the backends"],
  ["whose judge fails", () => Promise.reject(new Error("down")), "Secret update failed"],
  [
    "that does not permit the vhost",
    () => owner("a", HOUR, "elsewhere"),
    "access to vhost '/' refused for user 'alice'",
  ],
];

for (const [name, renew, text] of REFUSALS) {
  Deno.test(`a new secret ${name} closes the connection with 530`, async () => {
    await using served = await ServedBroker.start({ authenticator: tokens(renew) });
    const peer = await served.login();
    await update(peer, "x");
    assertEquals(await refusal(peer), [530, `NOT_ALLOWED - ${text}`, 10, 70]);
  });
}

Deno.test("what comes after a new secret is judged by it, however long it is looked at", async () => {
  const looked = Promise.withResolvers<User>();
  await using served = await ServedBroker.start({ authenticator: tokens(() => looked.promise) });
  const peer = await served.login();
  await update(peer, "b");
  await peer.send(1, queueDeclare({ queue: "b" }));
  await settle();
  looked.resolve(owner("b", HOUR));
  await peer.expect(0, "connection.update-secret-ok");
  await peer.expect(1, "queue.declare-ok");
});

Deno.test("new secrets are looked at one after another", async () => {
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  await using served = await ServedBroker.start({
    authenticator: tokens(async (_, secret) => {
      const token = decoder.decode(secret);
      if (token === "b") await first.promise;
      order.push(token);
      return owner(token, HOUR);
    }),
  });
  const peer = await served.login();
  await update(peer, "b");
  await update(peer, "c");
  await settle();
  assertEquals(order, []);
  first.resolve();
  await peer.expect(0, "connection.update-secret-ok");
  await peer.expect(0, "connection.update-secret-ok");
  assertEquals(order, ["b", "c"]);
  await peer.send(1, queueDeclare({ queue: "c" }));
  await peer.expect(1, "queue.declare-ok");
});

Deno.test("a client that goes while its secret is looked at is no trouble", async () => {
  const looked = Promise.withResolvers<User>();
  await using served = await ServedBroker.start({ authenticator: tokens(() => looked.promise) });
  const peer = await served.login();
  await update(peer, "b");
  await settle();
  peer.close();
  await settle();
  looked.resolve(owner("b", HOUR));
  await settle();
  assertEquals(served.logger.of("error"), []);
});

Deno.test("a user who never expires has its rights looked at again, and its secret not at all", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await peer.send(1, queueDeclare({ queue: "q" }));
  await peer.expect(1, "queue.declare-ok");
  await peer.send(1, basicConsume({ queue: "q", consumerTag: "c" }));
  await peer.expect(1, "basic.consume-ok");
  await served.broker.setPermissions({ user: "guest", configure: ".*", write: ".*", read: "" });
  // as in RabbitMQ it stays until then
  await peer.send(1, queueDeclare({ queue: "q" }));
  await peer.expect(1, "queue.declare-ok");
  await update(peer, "not the password");
  assertEquals((await peer.expect(1, "basic.cancel")).consumerTag, "c");
  await peer.expect(0, "connection.update-secret-ok");
  await served.broker.clearPermissions("guest");
  await update(peer, "");
  assertEquals(await refusal(peer), [
    530,
    "NOT_ALLOWED - access to vhost '/' refused for user 'guest'",
    10,
    70,
  ]);
});

Deno.test("a program's own connection may send connection.update-secret, too", async () => {
  await using served = await ServedBroker.start();
  await using connection = await served.broker.connect();
  await connection.updateSecret("anything");
  await (await connection.openChannel()).queueDeclare("q");
});
