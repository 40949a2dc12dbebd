import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { plainResponse } from "../../broker/amqp/sasl.ts";
import { Broker } from "../../broker/broker.ts";
import type { BrokerOptions } from "../../broker/options.ts";
import { OAuth2Authenticator, type OAuth2Options } from "../../broker/oauth/mod.ts";
import { connect } from "../../client/connect.ts";
import type { Connection } from "../../client/connection.ts";
import { closing } from "../behaviour/observe.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { EVERYTHING, Issuer } from "./tokens.ts";

const issuer = await Issuer.make();
const other = await Issuer.make("two");

function judge(options: Partial<OAuth2Options> = {}): OAuth2Authenticator {
  const keys = { jwks: { keys: [issuer.jwk] } };
  return new OAuth2Authenticator({ resourceServerId: "rabbitmq", keys, ...options });
}

async function served(options: BrokerOptions = {}) {
  const logger = new RecordingLogger();
  const broker = new Broker({ authenticator: [judge(), "users"], logger, ...options });
  const { port } = await broker.listen({ port: 0 });
  const dial = (password: string, vhost = "/", username = "whoever"): Promise<Connection> =>
    connect({ hostname: "127.0.0.1", port, username, password, vhost, recovery: false });
  return { broker, logger, dial, [Symbol.asyncDispose]: () => broker.close() };
}

/** What an authenticator says of a token: whom it lets in, or why not. */
async function judged(authenticator: OAuth2Authenticator, token: string): Promise<string> {
  const response = plainResponse({ username: "whoever", password: token });
  const login = await authenticator.authenticate({
    mechanism: "PLAIN",
    response,
    peerHostname: "127.0.0.1",
  });
  return "refused" in login ? `refused: ${login.refused}` : login.name;
}

Deno.test("a token lets in whom it names, to what its scopes permit, and no further", async () => {
  await using house = await served({ vhosts: ["/", "v"] });
  const scope =
    "rabbitmq.configure:%2F/mine-* rabbitmq.write:%2F/amq.default rabbitmq.read:%2F/mine-*";
  await using connection = await house.dial(await issuer.token({ scope }));
  const channel = await connection.openChannel();
  await channel.queueDeclare("mine-1");
  await channel.confirmSelect();
  await channel.basicPublish({ routingKey: "mine-1", properties: { userId: "alice" } }, "hello");
  assertEquals((await channel.basicGet("mine-1", { noAck: true }))?.text(), "hello");
  channel.queueDeclare("yours").catch(() => {});
  assertEquals(await closing(channel), [
    403,
    "ACCESS_REFUSED - configure access to queue 'yours' in vhost '/' refused for user 'alice'",
    "queue.declare",
  ]);
  const error = await assertRejects(
    async () => house.dial(await issuer.token({ scope }), "v"),
    AmqpError,
  );
  assertEquals(error.message, "NOT_ALLOWED - access to vhost 'v' refused for user 'alice'");
});

Deno.test("a token that names a user of the broker is not that user", async () => {
  await using house = await served();
  const scope = "rabbitmq.read:%2F/q";
  await using connection = await house.dial(await issuer.token({ sub: "guest", scope }));
  const channel = await connection.openChannel();
  channel.queueDeclare("q").catch(() => {});
  assertEquals((await closing(channel))[0], 403);
});

Deno.test("tags of a token count: an impersonator publishes in the name of others", async () => {
  await using house = await served();
  const publish = async (scope: string) => {
    await using connection = await house.dial(await issuer.token({ scope }));
    const channel = await connection.openChannel();
    await channel.confirmSelect();
    await channel.basicPublish({ routingKey: "q", properties: { userId: "bob" } }, "");
  };
  await publish(`${EVERYTHING} rabbitmq.tag:impersonator`);
  const error = await assertRejects(() => publish(EVERYTHING), AmqpError);
  assertMatch(error.message, /user_id property set to 'bob' but authenticated user was 'alice'/);
});

Deno.test("connection.update-secret takes a newer token of the same user alone", async () => {
  await using house = await served();
  const first = await issuer.token({ scope: "rabbitmq.configure:%2F/a" });
  await using connection = await house.dial(first);
  const channel = await connection.openChannel();
  await channel.queueDeclare("a");
  await connection.updateSecret(await issuer.token({ scope: "rabbitmq.configure:%2F/b" }));
  await channel.queueDeclare("b");
  channel.queueDeclare("a").catch(() => {});
  assertEquals((await closing(channel))[0], 403);
  const error = await assertRejects(
    async () => connection.updateSecret(await issuer.token({ sub: "bob", scope: EVERYTHING })),
    AmqpError,
  );
  assertEquals(
    [error.replyCode, error.message],
    [530, "NOT_ALLOWED - New secret was refused by one of the backends"],
  );
  assertMatch(house.logger.of("error").join(), /Not allowed to change username on refreshed token/);
});

Deno.test("a connection ends with the time of its token", async () => {
  const clock = new ManualClock(1000 * Math.floor(Date.now() / 1000));
  await using house = await served({ authenticator: [judge({ clock }), "users"], clock });
  const exp = clock.now() / 1000 + 2;
  await using connection = await house.dial(await issuer.token({ exp, scope: EVERYTHING }));
  clock.advance(1999);
  await (await connection.openChannel()).close();
  assertEquals(connection.state, "open");
  clock.advance(1);
  const reason = await connection.closed;
  assertMatch(String(reason), /CONNECTION_FORCED - credential expired/);
});

const HOUR_AGO = Math.floor(Date.now() / 1000) - 3600;

const REFUSED: readonly (readonly [name: string, token: () => Promise<string>])[] = [
  ["is none", () => Promise.resolve("guest")],
  ["is signed by somebody else", () => other.token()],
  ["is signed by somebody else who lies about the key", () => other.token({}, { kid: "one" })],
  ["has expired", () => issuer.token({ exp: HOUR_AGO })],
  ["never expires", () => issuer.token({ exp: undefined })],
  ["expires at no time", () => issuer.token({ exp: "tomorrow" })],
  ["is for somebody else", () => issuer.token({ aud: "elsewhere" })],
  ["is for nobody", () => issuer.token({ aud: undefined })],
  ["is not signed", async () => {
    const [, claims] = (await issuer.token()).split(".");
    return `${btoa('{"alg":"none"}').replaceAll("=", "")}.${claims}.`;
  }],
  ["was changed", async () => {
    const [header, , signature] = (await issuer.token()).split(".");
    const [, claims] = (await issuer.token({ sub: "bob" })).split(".");
    return `${header}.${claims}.${signature}`;
  }],
];

for (const [name, token] of REFUSED) {
  Deno.test(`a token that ${name} lets nobody in, and is in no log`, async () => {
    await using house = await served();
    const text = await token();
    const error = await assertRejects(() => house.dial(text), AmqpError);
    assertEquals(error.replyCode, 403);
    const log = house.logger.lines.join("\n");
    assertMatch(log, /the token is/);
    if (text.length > 10) assertEquals(log.includes(text.slice(-20)), false);
  });
}

Deno.test("a token in the place of the user's name is in no log either", async () => {
  const token = await issuer.token({ exp: HOUR_AGO });
  await using house = await served();
  await assertRejects(() => house.dial(token, "/", token), AmqpError);
  assertMatch(house.logger.lines.join(), /the token is refused: .*; what came as a user's name/);
  assertEquals(house.logger.lines.join().includes(token.slice(-20)), false);
  const login = await judge().authenticate({
    mechanism: "PLAIN",
    response: plainResponse({ username: token, password: token }),
    peerHostname: "127.0.0.1",
  });
  assertEquals(JSON.stringify(login).includes(token), false);
});

Deno.test("what is asked of tokens can be less", async () => {
  const token = await issuer.token({ aud: undefined, exp: undefined, sub: undefined, mail: "a@b" });
  assertMatch(await judged(judge(), token), /^refused/);
  const lenient = judge({
    verifyAudience: false,
    requireExpiry: false,
    usernameClaims: ["mail", "sub"],
  });
  assertEquals(await judged(lenient, token), "a@b");
});

Deno.test("keys come as PEM by their ids, or alone, and no symmetric algorithm is taken for them", async () => {
  const [named, nameless] = [await issuer.token(), await issuer.token({}, {})];
  const both = judge({ keys: { pem: { one: issuer.pem, two: other.pem } } });
  assertEquals(await judged(both, named), "alice");
  assertEquals(await judged(both, await other.token()), "alice");
  assertMatch(await judged(both, nameless), /^refused/);
  assertEquals(await judged(judge({ keys: { pem: { x: issuer.pem } } }), nameless), "alice");
  const byDefault = judge({
    keys: { pem: { one: issuer.pem, two: other.pem } },
    defaultKeyId: "one",
  });
  assertEquals(await judged(byDefault, nameless), "alice");
  const { SignJWT } = await import("jose");
  // the public key as a secret: everybody has it
  const forged = await new SignJWT({ aud: "rabbitmq", sub: "eve", exp: HOUR_AGO + 7200 })
    .setProtectedHeader({ alg: "HS256", kid: "one" })
    .sign(new TextEncoder().encode(issuer.pem));
  assertMatch(await judged(both, forged), /^refused/);
  assertMatch(await judged(judge({ algorithms: ["RS256"] }), named), /^refused/);
});

Deno.test("without keys there is nothing to judge by", () => {
  assertThrows(() => judge({ keys: {} }), TypeError, "there are no keys");
  assertThrows(() => judge({ keys: { pem: { x: "y" } } }), TypeError, "neither a public key");
  assertThrows(() => judge({ resourceServerId: "" }), TypeError, "resourceServerId is empty");
});

Deno.test("keys of a server are fetched when a token needs one", async () => {
  let asked = 0;
  const { promise: listening, resolve } = Promise.withResolvers<number>();
  await using _server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => resolve(port),
  }, () => {
    asked++;
    return Response.json({ keys: [issuer.jwk] }, { headers: { connection: "close" } });
  });
  const jwksUrl = `http://127.0.0.1:${await listening}/keys`;
  const remote = judge({ keys: { jwksUrl } });
  assertEquals(asked, 0);
  assertEquals(await judged(remote, await issuer.token()), "alice");
  assertEquals(await judged(remote, await issuer.token({ sub: "bob" })), "bob");
  // one that nobody knows does not make it ask again and again
  for (let count = 0; count < 3; count++) {
    assertMatch(await judged(remote, await other.token()), /^refused/);
  }
  assertEquals(asked, 1);
});

Deno.test("keys of a server that fails go on counting, and it is left alone for a while", async () => {
  let keys: unknown[] = [issuer.jwk];
  let fails = false;
  await using house = await answering(() => fails ? {} : { "/keys": { keys } });
  const clock = new ManualClock();
  clock.advance(Date.now());
  const remote = judge({ keys: { jwksUrl: `${house.address}/keys` }, clock });
  const token = await issuer.token({ exp: Math.floor(Date.now() / 1000) + 36_000 });
  const inAndAsked = async () => [await judged(remote, token), house.asked.length];
  assertEquals(await inAndAsked(), ["alice", 1]);
  fails = true;
  clock.advance(599_999);
  assertEquals(await inAndAsked(), ["alice", 1]);
  clock.advance(1);
  assertEquals(await inAndAsked(), ["alice", 2]);
  clock.advance(29_999);
  assertEquals(await inAndAsked(), ["alice", 2]);
  fails = false;
  clock.advance(1);
  assertEquals(await inAndAsked(), ["alice", 3]);
  // one that is taken back is known when the server has said so
  keys = [other.jwk];
  clock.advance(600_000);
  assertMatch(`${(await inAndAsked())[0]}`, /^refused/);
  assertEquals(await judged(remote, await other.token({ exp: 9_999_999_999 })), "alice");
});

/** Serves JSON, path by path; others are 404. */
async function answering(pages: (address: string) => Readonly<Record<string, unknown>>) {
  const asked: string[] = [];
  const { promise: listening, resolve } = Promise.withResolvers<string>();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => resolve(`http://127.0.0.1:${port}`),
  }, (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    const page = pages(address)[pathname];
    const headers = { connection: "close" };
    return page === undefined
      ? new Response(null, { status: 404, headers })
      : Response.json(page, { headers });
  });
  const address = await listening;
  return { address, asked, [Symbol.asyncDispose]: () => server.shutdown() };
}

const CONFIGURATION = "/realm/.well-known/openid-configuration";

Deno.test("an issuer tells where its keys are, once", async () => {
  await using house = await answering((address) => ({
    [CONFIGURATION]: { issuer: `${address}/realm`, jwks_uri: `${address}/realm/keys` },
    "/realm/keys": { keys: [issuer.jwk] },
  }));
  for (const address of [`${house.address}/realm`, `${house.address}/realm/`]) {
    const found = judge({ keys: { issuer: address } });
    house.asked.length = 0;
    // a slash at the end is part of the name
    const outcome = address.endsWith("/") ? /^refused: .* is of another one$/ : /^alice$/;
    const token = await issuer.token();
    const all = await Promise.all([judged(found, token), judged(found, token)]);
    for (const one of [...all, await judged(found, token)]) assertMatch(one, outcome);
    assertEquals(house.asked.filter((path) => path === CONFIGURATION).length, 1);
  }
});

const ODD_ISSUERS: readonly (readonly [string, (address: string) => unknown, RegExp])[] = [
  ["says nothing", () => undefined, /the issuer answers 404 when it is asked/],
  ["says that it is another one", (address) => ({
    issuer: "https://id.example",
    jwks_uri: `${address}/keys`,
  }), /is of another one$/],
  [
    "has no keys",
    (address) => ({ issuer: `${address}/realm` }),
    /does not say where its keys are$/,
  ],
  ["has keys where anybody could change them", (address) => ({
    issuer: `${address}/realm`,
    jwks_uri: "http://id.example/keys",
  }), /Cannot trust keys of 'http:\/\/id\.example\/keys'/],
];

for (const [what, configuration, message] of ODD_ISSUERS) {
  Deno.test(`an issuer that ${what} lets nobody in, and is left alone for a while`, async () => {
    await using house = await answering((address) => ({
      [CONFIGURATION]: configuration(address),
      "/keys": { keys: [issuer.jwk] },
    }));
    const clock = new ManualClock();
    clock.advance(Date.now());
    const found = judge({ keys: { issuer: `${house.address}/realm` }, clock });
    for (let count = 0; count < 3; count++) {
      assertMatch(await judged(found, await issuer.token()), message);
    }
    clock.advance(29_999);
    await judged(found, await issuer.token());
    assertEquals(house.asked, [CONFIGURATION]);
    clock.advance(1);
    await judged(found, await issuer.token());
    assertEquals(house.asked, [CONFIGURATION, CONFIGURATION]);
  });
}

Deno.test("keys come by https, or from this machine", () => {
  for (const address of ["http://id.example/keys", "ftp://127.0.0.1/", "keys"]) {
    assertThrows(() => judge({ keys: { jwksUrl: address } }), TypeError, "it takes https");
    assertThrows(() => judge({ keys: { issuer: address } }), TypeError, "it takes https");
  }
  for (const address of ["https://id.example/keys", "http://localhost/", "http://[::1]:80/x"]) {
    judge({ keys: { jwksUrl: address } });
    judge({ keys: { issuer: address } });
  }
});

Deno.test("secrets that are shared sign tokens by symmetric algorithms, and nothing else does", async () => {
  const { base64url, SignJWT } = await import("jose");
  const secret = crypto.getRandomValues(new Uint8Array(64));
  const shared = { kty: "oct", kid: "shared", k: base64url.encode(secret) };
  const sign = (alg: string, kid: string | undefined, by = secret) =>
    new SignJWT({ aud: "rabbitmq", sub: "carol", exp: HOUR_AGO + 7200 })
      .setProtectedHeader(kid === undefined ? { alg } : { alg, kid })
      .sign(by);
  const judging = judge({ keys: { jwks: { keys: [shared, issuer.jwk] } } });
  for (const alg of ["HS256", "HS384", "HS512"]) {
    assertEquals(await judged(judging, await sign(alg, "shared")), "carol");
  }
  assertEquals(await judged(judging, await issuer.token()), "alice");
  assertMatch(await judged(judging, await sign("HS256", "one")), /^refused/);
  assertMatch(await judged(judging, await sign("HS256", undefined)), /^refused/);
  const wrong = crypto.getRandomValues(new Uint8Array(64));
  assertMatch(await judged(judging, await sign("HS256", "shared", wrong)), /^refused/);
  const alone = judge({ keys: { jwks: { keys: [shared] } } });
  assertEquals(await judged(alone, await sign("HS256", undefined)), "carol");
  // signed by a private key, it is no secret's
  assertMatch(await judged(alone, await issuer.token({}, { kid: "shared" })), /^refused/);

  const refused = (key: object, why: string) =>
    assertThrows(() => judge({ keys: { jwks: { keys: [key] } } }), TypeError, why);
  refused({ ...shared, k: base64url.encode(secret.subarray(0, 31)) }, "fewer than 32 octets");
  refused({ ...shared, k: "no base64url" }, "its k is no base64url");
  refused({ kty: "oct", k: shared.k }, "it has no kid");
});

Deno.test("of several resource servers a token is for one, whose prefix its scopes have", async () => {
  const judging = judge({ resourceServerId: ["rabbitmq", "orders"] });
  const scope = "rabbitmq.read:*/* orders.write:*/* orders.tag:monitoring";
  const response = async (aud: unknown) =>
    plainResponse({ username: "", password: await issuer.token({ aud, scope }) });
  const login = async (aud: unknown) =>
    await judging.authenticate({
      mechanism: "PLAIN",
      response: await response(aud),
      peerHostname: "127.0.0.1",
    });
  for (
    const [aud, may, tags] of [["rabbitmq", "read", []], [["x", "orders"], "write", [
      "monitoring",
    ]]] as const
  ) {
    const user = await login(aud);
    if ("refused" in user) throw new Error(user.refused);
    const access = user.access!("/")!;
    const permitted = (["read", "write"] as const).filter((one) =>
      access.permits(one, "queue", "q")
    );
    assertEquals([permitted, user.tags], [[may], tags]);
  }
  const refused = async (aud: unknown) => (await login(aud) as { refused: string }).refused;
  assertEquals(await refused("x"), "the token is not for 'rabbitmq', 'orders'");
  assertEquals(
    await refused("rabbitmq orders"),
    "the token is for 'rabbitmq', 'orders', of which it may be for one",
  );
  assertThrows(() => judge({ resourceServerId: [] }), TypeError, "resourceServerId is empty");
});

Deno.test("a server of keys that does not answer keeps users with passwords out of nothing", async () => {
  const tokens = judge({ keys: { jwksUrl: "http://127.0.0.1:1/keys" } });
  await using house = await served({ authenticator: [tokens, "users"] });
  await assertRejects(async () => house.dial(await issuer.token()), AmqpError, "Login was refused");
  await house.broker.addUser("whoever", { password: "secret" });
  await house.broker.setPermissions({ user: "whoever", configure: "", write: "", read: "" });
  await using _connection = await house.dial("secret");
});
