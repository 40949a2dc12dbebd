import { assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { builtIn } from "../../broker/amqp/built_in.ts";
import { channelOpen, connectionOpen, connectionTuneOk } from "../../broker/amqp/methods/mod.ts";
import { amqplainResponse, plainResponse } from "../../broker/amqp/sasl.ts";
import type { Authenticator } from "../../broker/auth/authenticator.ts";
import { logIn, sendStartOk, ServedBroker, settle } from "../connection/support.ts";
import { closing } from "../behaviour/observe.ts";
import { connect } from "../../client/connect.ts";
import { Broker } from "../../broker/broker.ts";
import type { BrokerOptions } from "../../broker/options.ts";
import type { RawPeer } from "../support/raw_peer.ts";

const ALL = { configure: ".*", write: ".*", read: ".*" };
/** Quick, where it does not matter. */
const QUICK: BrokerOptions = { passwordHashing: "rabbitmq-sha256" };

async function servedWith(
  users: Readonly<Record<string, string | undefined>>,
  options: BrokerOptions = {},
): Promise<ServedBroker> {
  const served = await ServedBroker.start({ ...QUICK, ...options });
  for (const [name, password] of Object.entries(users)) {
    await served.broker.addUser(name, password === undefined ? {} : { password });
    await served.broker.setPermissions({ user: name, ...ALL });
  }
  return served;
}

/** Logs in and tells whether that worked. */
async function enters(
  served: ServedBroker,
  username: string,
  password: string,
  hostname = "127.0.0.1",
): Promise<boolean> {
  const peer = served.dial({ hostname });
  await sendStartOk(peer, { response: plainResponse({ username, password }) });
  return await isLetIn(peer);
}

async function isLetIn(peer: RawPeer): Promise<boolean> {
  const next = await peer.next();
  peer.close();
  return next?.method.name === "connection.tune";
}

Deno.test("a user comes in with its password, by both mechanisms and from anywhere", async () => {
  await using served = await servedWith({ alice: "sëcret" });
  const credentials = { username: "alice", password: "sëcret" };
  for (const hostname of ["127.0.0.1", "192.0.2.1"]) {
    const plain = served.dial({ hostname });
    await sendStartOk(plain, { response: plainResponse(credentials) });
    assertEquals(await isLetIn(plain), true);
    const amqplain = served.dial({ hostname });
    const response = amqplainResponse(credentials);
    await sendStartOk(amqplain, { mechanism: "AMQPLAIN", response });
    assertEquals(await isLetIn(amqplain), true);
  }
});

Deno.test("a blank password lets nobody in, not even one who has none", async () => {
  await using served = await servedWith({ alice: "secret", nopassword: undefined });
  for (const [at, user] of ["alice", "nopassword", "nobody", "guest"].entries()) {
    // elsewhere each time: who fails often has to wait
    assertEquals(await enters(served, user, "", `192.0.2.${at}`), false, user);
  }
  assertMatch(served.logger.of("warning")[0]!, /user 'alice' attempted to log in with a blank/);
  assertEquals(await enters(served, "nopassword", "secret"), false);
});

Deno.test("guest comes from loopback alone, unless the broker is told otherwise", async () => {
  await using served = await servedWith({ alice: "secret" }, { loopbackUsers: ["alice"] });
  assertEquals(await enters(served, "guest", "guest", "192.0.2.1"), true);
  assertEquals(await enters(served, "alice", "secret", "192.0.2.1"), false);
  assertEquals(await enters(served, "alice", "secret", "::1"), true);
});

Deno.test("a changed password counts at once, and connections stay", async () => {
  await using served = await servedWith({ alice: "old" }, { passwordHashing: "scrypt" });
  const { broker } = served;
  const peer = served.dial();
  await logInAs(peer, "alice", "old");
  await broker.changePassword("alice", "new");
  assertEquals(await enters(served, "alice", "old"), false);
  assertEquals(await enters(served, "alice", "new"), true);
  await opensChannel(peer);
});

Deno.test("who has no password any more does not come in", async () => {
  await using served = await servedWith({ alice: "secret" });
  assertEquals(await enters(served, "alice", "secret"), true);
  await served.broker.changePassword("alice", null);
  assertEquals(await enters(served, "alice", "secret"), false);
  assertEquals(await enters(served, "alice", ""), false);
});

async function opensChannel(peer: RawPeer): Promise<void> {
  await peer.send(2, channelOpen());
  await peer.expect(2, "channel.open-ok");
}

async function logInAs(peer: RawPeer, username: string, password: string): Promise<void> {
  await logIn(peer, { response: plainResponse({ username, password }) });
}

Deno.test("a deleted user's connections are closed, and nobody comes in under its name", async () => {
  await using served = await servedWith({ alice: "secret", bob: "secret" });
  const [alice, bob] = [served.dial(), served.dial()];
  await logInAs(alice, "alice", "secret");
  await logInAs(bob, "bob", "secret");
  await using inProcess = await served.broker.connect({ user: "alice" });
  await served.broker.deleteUser("alice");
  const { replyCode, replyText } = await alice.expect(0, "connection.close");
  assertEquals([replyCode, replyText], [320, "CONNECTION_FORCED - user 'alice' is deleted"]);
  assertMatch(String(await inProcess.closed), /user 'alice' is deleted/);
  assertEquals(await enters(served, "alice", "secret"), false);
  await opensChannel(bob);
});

Deno.test("a user that is deleted during its handshake does not get in", async () => {
  await using served = await servedWith({ alice: "secret" });
  const peer = served.dial();
  await sendStartOk(peer, { response: plainResponse({ username: "alice", password: "secret" }) });
  const offered = await peer.expect(0, "connection.tune");
  await served.broker.deleteUser("alice");
  await peer.send(0, connectionTuneOk(offered));
  await peer.send(0, connectionOpen({ virtualHost: "/" }));
  const { replyCode, replyText } = await peer.expect(0, "connection.close");
  assertEquals([replyCode, replyText], [
    530,
    "NOT_ALLOWED - access to vhost '/' refused for user 'alice'",
  ]);
});

Deno.test("who guesses waits longer each time, and nobody else does", async () => {
  await using served = await servedWith({ alice: "secret" });
  const guess = async (hostname: string) => {
    const peer = served.dial({ hostname });
    const response = plainResponse({ username: "alice", password: "guess" });
    await sendStartOk(peer, { response });
    return peer;
  };
  for (let count = 0; count < 3; count++) {
    await (await guess("192.0.2.1")).expect(0, "connection.close");
  }
  const peer = await guess("192.0.2.1");
  let told = false;
  const news = peer.expect(0, "connection.close").then(() => told = true);
  await settle();
  served.clock.advance(249);
  await settle();
  assertEquals(told, false);
  served.clock.advance(1);
  await news;
  assertEquals(
    await enters(served, "alice", "secret", "192.0.2.1"),
    true,
    "he who knows may enter",
  );
  await (await guess("192.0.2.2")).expect(0, "connection.close");
});

/** Guesses a password from one address; the client stays. */
async function guess(served: ServedBroker, username = "alice"): Promise<RawPeer> {
  const peer = served.dial({ hostname: "192.0.2.1" });
  await sendStartOk(peer, { response: plainResponse({ username, password: "guess" }) });
  await settle();
  return peer;
}

/** How many passwords were looked at and found wrong. */
function wrongOnes({ logger }: ServedBroker): number {
  return logger.lines.filter((line) => line.includes("invalid credentials")).length;
}

Deno.test("who hangs up does not guess faster", async () => {
  await using served = await servedWith({ alice: "secret" });
  for (let count = 0; count < 20; count++) (await guess(served)).close();
  await settle();
  // three cost nothing, and after the fourth its address waits
  assertEquals(wrongOnes(served), 4);
  for (const [ms, more] of [[249, 0], [1, 1], [499, 0], [1, 1], [1000, 1]] as const) {
    const before = wrongOnes(served);
    served.clock.advance(ms);
    (await guess(served)).close();
    await settle();
    assertEquals(wrongOnes(served) - before, more, `after ${ms} ms`);
  }
});

Deno.test("guesses that wait are looked at one after another, and others come in meanwhile", async () => {
  await using served = await servedWith({ alice: "secret", bob: "secret" });
  assertEquals(await enters(served, "bob", "secret", "192.0.2.1"), true);
  for (let count = 0; count < 8; count++) await guess(served);
  assertEquals(wrongOnes(served), 4);
  // what was right there before does not wait, nor does another address
  assertEquals(await enters(served, "bob", "secret", "192.0.2.1"), true);
  assertEquals(await enters(served, "alice", "secret", "192.0.2.2"), true);
  served.clock.advance(250);
  await settle();
  assertEquals(wrongOnes(served), 5);
  served.clock.advance(500);
  await settle();
  assertEquals(wrongOnes(served), 6);
});

Deno.test("who has gone is not waited for by others of its address", async () => {
  await using served = await servedWith({ alice: "secret" });
  const guessing = [];
  for (let count = 0; count < 50; count++) guessing.push(await guess(served));
  for (const peer of guessing) peer.close();
  await settle();
  const entering = enters(served, "alice", "secret", "192.0.2.1");
  await settle();
  served.clock.advance(250);
  assertEquals(await entering, true);
  assertEquals(wrongOnes(served), 4);
});

Deno.test("who hangs up behind what it has sent ahead has gone, too", async () => {
  await using served = await servedWith({ alice: "secret" });
  for (let count = 0; count < 4; count++) await guess(served);
  const [one, other] = [await guess(served), await guess(served)];
  await one.send(0, connectionTuneOk({ channelMax: 0, frameMax: 0, heartbeat: 0 }));
  await settle();
  one.close();
  // no client has as much to say before it is let in
  await other.sendBytes(new Uint8Array(2000));
  await other.expectEnd();
  const entering = enters(served, "alice", "secret", "192.0.2.1");
  await settle();
  served.clock.advance(250);
  assertEquals(await entering, true);
  assertEquals(wrongOnes(served), 4);
});

Deno.test("a client that sends all of its handshake at once gets in", async () => {
  await using served = await servedWith({ alice: "secret" }, { passwordHashing: "scrypt" });
  const peer = served.dial();
  await sendStartOk(peer, { response: plainResponse({ username: "alice", password: "secret" }) });
  await peer.send(0, connectionTuneOk({ channelMax: 9, frameMax: 4096, heartbeat: 0 }));
  await peer.send(0, connectionOpen({ virtualHost: "/" }));
  await peer.send(1, channelOpen());
  await peer.expect(0, "connection.tune");
  await peer.expect(0, "connection.open-ok");
  await peer.expect(1, "channel.open-ok");
  await opensChannel(peer);
});

Deno.test("logins over HTTP wait for the same turns, and leave them", async () => {
  await using served = await servedWith({ alice: "secret" });
  const { broker } = served;
  const ask = (password: string, gone?: AbortSignal) =>
    broker.login({
      name: "alice",
      password,
      peerHostname: "192.0.2.1",
      ...gone === undefined ? {} : { gone },
    });
  for (let count = 0; count < 4; count++) await ask("guess");
  const gone = new AbortController();
  const left = ask("guess", gone.signal);
  const right = ask("secret");
  gone.abort();
  assertEquals(await left, { refusedAfterMs: 0, loopbackOnly: false, gone: true });
  await settle();
  served.clock.advance(250);
  assertEquals("session" in await right, true);
  assertEquals(wrongOnes(served), 4);
});

/** An authenticator that a test answers for. */
function askedByHand() {
  const asked: ((user: { name: string } | { refused: string }) => void)[] = [];
  const authenticator: Authenticator = {
    mechanisms: ["PLAIN"],
    authenticate: () => new Promise((resolve) => asked.push(resolve)),
  };
  return { asked, authenticator };
}

Deno.test("guesses that come all at once are looked at no faster than one after the other", async () => {
  const { asked, authenticator } = askedByHand();
  await using served = await ServedBroker.start({ authenticator });
  for (let count = 0; count < 40; count++) await guess(served);
  assertEquals(asked.length, 4);
  for (const answer of asked.splice(0)) answer({ refused: "no" });
  await settle();
  // they have used up what costs nothing, so that nobody follows
  assertEquals(asked.length, 0);
  for (const ms of [250, 500, 1000]) {
    served.clock.advance(ms - 1);
    await settle();
    assertEquals(asked.length, 0);
    served.clock.advance(1);
    await settle();
    assertEquals(asked.length, 1);
    asked.pop()!({ refused: "no" });
    await settle();
  }
});

Deno.test("clients that come all at once and know their password are let in by more and more at a time", async () => {
  const { asked, authenticator } = askedByHand();
  await using served = await ServedBroker.start({ authenticator });
  for (let count = 0; count < 80; count++) await guess(served);
  const together: number[] = [];
  while (asked.length > 0) {
    together.push(asked.length);
    for (const answer of asked.splice(0)) answer({ name: "a" });
    await settle();
  }
  assertEquals(together, [4, 4, 8, 16, 32, 16]);
  // that was with an address that has never failed; one failure, and it is looked at closely again
  await guess(served);
  asked.pop()!({ refused: "no" });
  await settle();
  for (let count = 0; count < 40; count++) await guess(served);
  assertEquals(asked.length, 3);
});

Deno.test("a client that goes while it waits for the news, and a broker that closes, are no trouble", async () => {
  await using served = await servedWith({});
  const peers = [];
  for (let count = 0; count < 6; count++) {
    const peer = served.dial();
    peers.push(peer);
    await sendStartOk(peer, { response: plainResponse({ username: "guest", password: "x" }) });
    await settle();
  }
  peers[4]!.close();
  await settle();
  assertEquals(served.logger.of("error"), []);
});

Deno.test("each login is told to those who listen, without its password", async () => {
  await using served = await servedWith({ alice: "s3cret" });
  const seen: unknown[] = [];
  const all = Promise.withResolvers<void>();
  for (const name of ["user.authentication.success", "user.authentication.failure"] as const) {
    served.broker.on(name, ({ connectionName: _, ...fields }) => {
      seen.push([name, fields]);
      if (seen.length === 3) all.resolve();
    });
  }
  await enters(served, "alice", "s3cret");
  await enters(served, "alice", "s3cre7", "192.0.2.1");
  const peer = served.dial();
  await sendStartOk(peer, { mechanism: "EXTERNAL" });
  await isLetIn(peer);
  await all.promise;
  const facts = { connectionType: "network", peerHost: "127.0.0.1", authMechanism: "PLAIN" };
  assertEquals(seen, [
    ["user.authentication.success", { name: "alice", ...facts }],
    ["user.authentication.failure", {
      name: "alice",
      ...facts,
      peerHost: "192.0.2.1",
      error: "user 'alice': invalid credentials",
    }],
    ["user.authentication.failure", {
      ...facts,
      authMechanism: "EXTERNAL",
      error: "mechanism EXTERNAL is not offered",
    }],
  ]);
  assertEquals(served.logger.lines.some((line) => line.includes("s3cre")), false);
});

Deno.test("clients of one user that come back cost no slow hash", async () => {
  await using served = await servedWith({ alice: "secret" }, { passwordHashing: "scrypt" });
  assertEquals(await enters(served, "alice", "secret"), true);
  // no thread answers within a few turns, so these can only be known
  for (let count = 0; count < 50; count++) {
    const peer = served.dial();
    await sendStartOk(peer, { response: plainResponse({ username: "alice", password: "secret" }) });
    let first: string | undefined;
    peer.next().then((next) => first = next?.method.name);
    await settle();
    assertEquals(first, "connection.tune");
    peer.close();
  }
});

Deno.test("an authenticator may take its time, and says what its users may do", async () => {
  const authenticator: Authenticator = {
    mechanisms: ["PLAIN"],
    async authenticate() {
      await new Promise((resolve) => setTimeout(resolve));
      const permissions = { "/": { configure: "^mine", write: "", read: "" } };
      return { name: "token", permissions };
    },
  };
  await using broker = new Broker({ authenticator, vhosts: ["/", "v"] });
  await using server = await broker.listen({ port: 0 });
  const uri = `amqp://x:y@127.0.0.1:${server.port}`;
  await using connection = await connect(uri, { recovery: false });
  const channel = await connection.openChannel();
  await channel.queueDeclare("mine");
  channel.queueDeclare("other").catch(() => {});
  assertEquals(await closing(channel), [
    403,
    "ACCESS_REFUSED - configure access to queue 'other' in vhost '/' refused for user 'token'",
    "queue.declare",
  ]);
  const refused = await connect(`${uri}/v`).catch((error) => error.message);
  assertEquals(refused, "NOT_ALLOWED - access to vhost 'v' refused for user 'token'");
});

Deno.test("who listens to the world with guest in the house is warned", async () => {
  await using served = await servedWith({});
  await using _local = await served.broker.listen({ port: 0 });
  assertEquals(served.logger.of("warning"), []);
  await using _open = await served.broker.listen({ port: 0, hostname: "0.0.0.0" });
  assertMatch(
    served.logger.of("warning").join(),
    /can be reached from elsewhere, and there is a user/,
  );
  await served.broker.changePassword("guest", "better");
  await using _again = await served.broker.listen({ port: 0, hostname: "0.0.0.0" });
  assertEquals(served.logger.of("warning").length, 1);
});

Deno.test("a broker that closes waits for no authenticator, and for no queue of logins", async () => {
  const asked = Promise.withResolvers<void>();
  const authenticator: Authenticator = {
    mechanisms: ["PLAIN"],
    authenticate() {
      asked.resolve();
      return new Promise(() => {});
    },
  };
  {
    await using served = await ServedBroker.start({ authenticator });
    const peer = served.dial();
    await sendStartOk(peer);
    await asked.promise;
  }
  await using served = await servedWith({}, { passwordHashing: "scrypt" });
  for (let count = 0; count < 50; count++) {
    const response = plainResponse({ username: `nobody${count}`, password: "x" });
    await sendStartOk(served.dial(), { response });
  }
});

Deno.test("an authenticator that takes longer than a handshake may lets nobody in", async () => {
  const late = Promise.withResolvers<{ name: string }>();
  const asked = Promise.withResolvers<void>();
  const authenticator: Authenticator = {
    mechanisms: ["PLAIN"],
    authenticate() {
      asked.resolve();
      return late.promise;
    },
  };
  await using served = await ServedBroker.start({ authenticator });
  const peer = served.dial();
  await sendStartOk(peer);
  await asked.promise;
  served.clock.advance(10_000);
  await peer.expectEnd();
  late.resolve({ name: "late" });
  await settle();
});

Deno.test("no more connections of a user come in at the same time than it may have", async () => {
  await using served = await servedWith({ alice: "secret" });
  await served.broker.setUserLimits("alice", { maxConnections: 2 });
  const entered = await Promise.all(Array.from({ length: 5 }, async () => {
    const peer = served.dial();
    try {
      await logInAs(peer, "alice", "secret");
      return true;
    } catch {
      return false;
    }
  }));
  assertEquals(entered.filter(Boolean).length, 2);
});

Deno.test("clients of one user that come all at once wait for few hashes", async () => {
  await using served = await servedWith({ alice: "secret" }, { passwordHashing: "scrypt" });
  assertEquals(await enters(served, "alice", "wrong", "192.0.2.2"), false);
  using hashes = new HeldHashes();
  const all = await Promise.all(
    Array.from({ length: 40 }, () => enters(served, "alice", "secret")),
  );
  assertEquals(all.filter(Boolean).length, 40);
  assertLess(hashes.count, 20, "a hash for each would be forty");
});

Deno.test("messages come and go while a password is hashed", async () => {
  await using served = await servedWith({ alice: "secret" }, { passwordHashing: "scrypt" });
  await using connection = await served.broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  await channel.confirmSelect();
  const peer = served.dial();
  await sendStartOk(peer, { response: plainResponse({ username: "alice", password: "guess" }) });
  let isAnswered = false;
  const done = Promise.withResolvers<void>();
  // however slow this thread is, the other one is slower
  using _hashes = new HeldHashes(done.promise);
  const answer = peer.expect(0, "connection.close").then(() => isAnswered = true);
  await settle();
  for (let count = 0; count < 20; count++) {
    await channel.basicPublish({ routingKey: "q" }, `${count}`);
    await channel.waitForConfirms();
    assertEquals((await channel.basicGet("q", { noAck: true }))?.text(), `${count}`);
  }
  assertEquals(isAnswered, false);
  done.resolve();
  await answer;
});

/** Counts the hashes of scrypt that another thread computes, which all wait for something first. */
class HeldHashes implements Disposable {
  count = 0;
  readonly #crypto = builtIn("crypto") as Mutable<Pick<Crypto, "scrypt">>;
  readonly #scrypt = this.#crypto.scrypt;

  constructor(until: Promise<void> = Promise.resolve()) {
    this.#crypto.scrypt = ((...terms: Parameters<Crypto["scrypt"]>) => {
      this.count++;
      void until.then(() => this.#scrypt(...terms));
    }) as Crypto["scrypt"];
  }

  [Symbol.dispose](): void {
    this.#crypto.scrypt = this.#scrypt;
  }
}

/** Notes what hashes are computed until it is disposed of; those of scrypt are not, and wrong. */
class WatchedHashes implements Disposable {
  readonly computed: string[] = [];
  readonly #crypto = builtIn("crypto") as Mutable<Pick<Crypto, "scrypt" | "createHash">>;
  readonly #before = { scrypt: this.#crypto.scrypt, createHash: this.#crypto.createHash };

  constructor() {
    this.#crypto.createHash = ((algorithm: string) => {
      this.computed.push(algorithm);
      return this.#before.createHash(algorithm);
    }) as Crypto["createHash"];
    this.#crypto.scrypt = ((
      _password: string,
      _salt: Uint8Array,
      size: number,
      { N, r, p }: { N: number; r: number; p: number },
      callback: (error: null, key: Uint8Array) => void,
    ) => {
      this.computed.push(`scrypt ${N} ${r} ${p} ${size}`);
      queueMicrotask(() => callback(null, new Uint8Array(size)));
    }) as unknown as Crypto["scrypt"];
  }

  [Symbol.dispose](): void {
    Object.assign(this.#crypto, this.#before);
  }
}

type Crypto = typeof import("node:crypto");
type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** Of the password `secret`, by RabbitMQ, by older versions of it, and by scrypt with other terms. */
const IMPORTED = [
  ["rabbit_password_hashing_sha256", "AAECAygv0e1JvWmb/yuFkkS4o6/ym7l2VIDl94ohKiVGBwMk"],
  [
    "rabbit_password_hashing_sha512",
    "AAECA8E8qImwAohm2g9WqocOEsJQ6Q7SrRSRHK6hksny7uc+EvAjwG3+nOoYWG6Cefh+jrPW7+if4xBGwl07HeWQl0w=",
  ],
  ["rabbit_password_hashing_md5", "AAECA9drPwJybJWdQ4E2lw0vaUU="],
  ["scrypt", "16$8$1$AAECAwQFBgcICQoLDA0ODw==$FBYrbyejpsRMOOxNjJ4WhxLlIIkIxp/izmMfHJ7w9YU="],
] as const;

for (const passwordHashing of ["scrypt", "rabbitmq-sha256"] as const) {
  Deno.test(`with ${passwordHashing}, a refusal costs the same hashes whoever is named and however that password is kept`, async () => {
    await using served = await servedWith({ nopassword: undefined }, { passwordHashing });
    await served.broker.importDefinitions({
      users: IMPORTED.map(([hashing_algorithm, password_hash]) => ({
        ...{ name: hashing_algorithm, hashing_algorithm, password_hash, tags: [] },
      })),
    });
    const expected = ["md5", "sha256", "sha512", "scrypt 16 8 1 32"];
    if (passwordHashing === "scrypt") expected.push("scrypt 32768 8 3 32");
    const names = ["nobody", "nopassword", "guest", ...IMPORTED.map(([name]) => name)];
    for (const [at, name] of names.entries()) {
      using hashes = new WatchedHashes();
      // elsewhere each time: who fails often has to wait
      assertEquals(await enters(served, name, "guess", `192.0.2.${at}`), false, name);
      assertEquals(hashes.computed.toSorted(), expected.toSorted(), name);
    }
    // a kind that nobody has any more costs nothing
    for (const [name] of IMPORTED) await served.broker.deleteUser(name);
    using hashes = new WatchedHashes();
    assertEquals(await enters(served, "nobody", "guess", "192.0.2.100"), false);
    assertEquals(hashes.computed.length, 1);
  });
}

for (const passwordHashing of ["scrypt", "rabbitmq-sha256"] as const) {
  Deno.test(`with ${passwordHashing}, who may come from loopback alone costs the same hashes with the right password as with a wrong one`, async () => {
    const names = ["guest", "alice", "imported", "nobody"];
    const options = { passwordHashing, loopbackUsers: names };
    await using served = await servedWith({ alice: "secret" }, options);
    const [hashing_algorithm, password_hash] = IMPORTED[0];
    await served.broker.importDefinitions({
      users: [{ name: "imported", hashing_algorithm, password_hash, tags: [] }],
      permissions: [{ user: "imported", vhost: "/", ...ALL }],
    });
    // what was right before is remembered, but not for who may not come
    for (const name of ["alice", "imported"]) {
      assertEquals(await enters(served, name, "secret"), true, name);
    }
    let address = 0;
    for (const name of names) {
      const computed: string[][] = [];
      for (const password of [name === "guest" ? "guest" : "secret", "wrong"]) {
        using hashes = new WatchedHashes();
        assertEquals(await enters(served, name, password, `192.0.2.${++address}`), false, name);
        computed.push(hashes.computed.toSorted());
      }
      assertEquals(computed[0], computed[1], name);
      assertGreater(computed[0]!.length, 0, name);
    }
    // nor does the log, or what is told over HTTP, tell one from the other
    assertEquals(
      served.logger.of("warning").map((line) => line.replace(/^.*: user/, "user")),
      names.flatMap((name) => Array(2).fill(`user '${name}' can only connect via localhost`)),
    );
  });
}

Deno.test("who may come from loopback alone waits for his turn with the right password as with a wrong one", async () => {
  await using served = await servedWith({}, { passwordHashing: "rabbitmq-sha256" });
  const looks: number[] = [];
  for (const [at, password] of ["guest", "wrong"].entries()) {
    const attempt = async () => {
      const peer = served.dial({ hostname: `192.0.2.${at}` });
      await sendStartOk(peer, { response: plainResponse({ username: "guest", password }) });
      return peer;
    };
    const before = served.logger.of("warning").length;
    const looked = () => served.logger.of("warning").length - before;
    for (let free = 0; free < 3; free++) await (await attempt()).expect(0, "connection.close");
    const peer = await attempt();
    const next = await attempt();
    await settle();
    looks.push(looked());
    served.clock.advance(250);
    await peer.expect(0, "connection.close");
    await settle();
    looks.push(looked());
    next.close();
  }
  assertEquals(looks, [4, 5, 4, 5]);
});

Deno.test("how long a refusal takes does not tell who there is, nor how a password is kept", async () => {
  await using served = await servedWith({ alice: "secret" }, { passwordHashing: "scrypt" });
  await served.broker.importDefinitions({
    users: [{
      name: "imported",
      password_hash: "AAECAygv0e1JvWmb/yuFkkS4o6/ym7l2VIDl94ohKiVGBwMk",
      hashing_algorithm: "rabbit_password_hashing_sha256",
      tags: [],
    }],
    permissions: [{ user: "imported", vhost: "/", ...ALL }],
  });
  // each from an address of its own, so that none waits for another
  for (const [at, username] of ["alice", "imported", "nobody"].entries()) {
    const peer = served.dial({ hostname: `192.0.2.${at + 1}` });
    await sendStartOk(peer, { response: plainResponse({ username, password: "guess" }) });
    let isAnswered = false;
    const answer = peer.expect(0, "connection.close").then(() => isAnswered = true);
    await settle();
    assertEquals(isAnswered, false, `${username} is hashed for`);
    await answer;
  }
  assertEquals(await enters(served, "imported", "secret"), true);
});
