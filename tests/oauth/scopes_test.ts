import { assertEquals, assertThrows } from "@std/assert";
import { isFor, scopesOf, type ScopeSources, usernameOf } from "../../broker/oauth/claims.ts";
import { accessTo, tagsOf } from "../../broker/oauth/scopes.ts";
import { wildcard } from "../../broker/oauth/wildcard.ts";

/** RabbitMQ's rabbitmq_auth_backend_oauth2: what its scopes say, and where they are in a token. */

const SOURCES: ScopeSources = {
  resourceServerId: "rabbitmq",
  scopePrefix: "rabbitmq.",
  scopeAliases: {},
  extraScopeClaims: [],
  resourceServerType: undefined,
};

const PATTERNS: readonly (readonly [pattern: string, fits: string[], not: string[]])[] = [
  ["*", ["", "a", "a/b"], []],
  ["abc", ["abc"], ["", "ab", "abcd", "xabc"]],
  ["a*", ["a", "abc"], ["", "ba"]],
  ["*a", ["a", "ba"], ["", "ab", "aba"]],
  ["a*c", ["ac", "abc"], ["abcd", "a"]],
  ["a**c", ["ac", "abbc"], ["ab"]],
  ["*b*", ["b", "abc"], ["ac"]],
  ["%2F", ["/"], ["%2F"]],
  ["a%2Ab", ["a*b"], ["axb"]],
  ["a+b", ["a b"], ["a+b"]],
  ["a%2Bb", ["a+b"], ["a b"]],
  ["%zz*", [], ["", "zz", "%zz"]],
  ["", [""], ["a"]],
];

for (const [pattern, fits, not] of PATTERNS) {
  Deno.test(`the pattern '${pattern}' fits what it fits in RabbitMQ`, () => {
    const matches = wildcard(pattern);
    assertEquals([...fits, ...not].filter(matches), fits);
  });
}

Deno.test("scopes permit by vhost and name, and enter the vhosts that they are about", () => {
  const scopes = ["read:v1/q*", "configure:*/mine", "write:%2F/amq.default", "tag:management"];
  const v1 = accessTo(scopes, {}, "v1")!;
  assertEquals(v1.permits("read", "queue", "q1"), true);
  assertEquals(v1.permits("read", "queue", "other"), false);
  assertEquals(v1.permits("write", "queue", "q1"), false);
  assertEquals(v1.permits("configure", "exchange", "mine"), true);
  assertEquals(v1.permits("write", "exchange", "amq.default"), false);
  assertEquals(accessTo(scopes, {}, "/")!.permits("write", "exchange", "amq.default"), true);
  assertEquals(accessTo(["read:v1/q"], {}, "v2"), undefined);
  assertEquals(accessTo(["tag:administrator"], {}, "v1"), undefined);
});

Deno.test("what is no scope of three known forms permits nothing", () => {
  const scopes = ["read:v", "read:v/q/k/x", "delete:v/q", "readv/q", "", "read"];
  assertEquals(accessTo(scopes, {}, "v"), undefined);
});

Deno.test("topic exchanges need a scope with a pattern for routing keys, as in RabbitMQ", () => {
  const access = accessTo(["write:v/plain", "write:v/t/orders.*", "read:v/t/*"], {}, "v")!;
  assertEquals(access.permits("write", "exchange", "t"), true);
  assertEquals(access.permitsTopic!("write", "t", "orders.new"), true);
  assertEquals(access.permitsTopic!("write", "t", "bills.new"), false);
  assertEquals(access.permitsTopic!("read", "t", "anything"), true);
  assertEquals(access.permitsTopic!("write", "plain", "orders.new"), false);
});

Deno.test("variables in scopes are claims of the token, and the vhost", () => {
  const claims = { sub: "alice", n: 7 };
  const permits = (scope: string, name: string, vhost = "v") =>
    accessTo([scope], claims, vhost)?.permits("read", "queue", name);
  assertEquals(permits("read:v/{sub}-*", "alice-1"), true);
  assertEquals(permits("read:v/{sub}-*", "bob-1"), false);
  assertEquals(permits("read:{vhost}/{vhost}.q", "w.q", "w"), true);
  // a claim that is missing, or no text, is its own name
  assertEquals(permits("read:v/{nobody}", "nobody"), true);
  assertEquals(permits("read:v/{n}", "n"), true);
  assertEquals(permits("read:v/{toString}", "toString"), true);
  assertEquals(permits("read:v/{sub", "alice"), undefined);
  assertEquals(permits("read:v/{a.b}", "a.b"), undefined);
});

Deno.test("what a variable stands for is no pattern, and no further part of a scope", () => {
  const permits = (scope: string, sub: string, name: string, vhost = "v") =>
    accessTo([scope], { sub }, vhost)?.permits("read", "queue", name) ?? false;
  for (const sub of ["*", "a*", "q/*", "100%", "%2A", "a+b", "é", "{sub}"]) {
    assertEquals(permits("read:v/{sub}", sub, sub), true, sub);
    for (const name of ["x", "ab", "q", "100", "a b"]) {
      assertEquals(permits("read:v/{sub}", sub, name), false, `${sub} ${name}`);
    }
  }
  assertEquals(permits("read:v/{sub}*", "\ud800", "x"), false);
  // nor is a queue's scope one for a topic exchange
  const topics = accessTo(["write:v/{sub}"], { sub: "x/*" }, "v");
  assertEquals(topics?.permitsTopic?.("write", "x", "anything"), false);
  assertEquals(permits("read:{vhost}/q", "a", "q", "/"), true);
});

Deno.test("scopes come as a text or a list, and only those with the prefix count", () => {
  const expected = ["read:v/q", "tag:management"];
  const both = "rabbitmq.tag:management rabbitmq.read:v/q  other.read:v/q rabbitmq.read:v/q";
  assertEquals(scopesOf({ scope: both }, SOURCES), expected);
  assertEquals(scopesOf({ scope: both.split(" ") }, SOURCES), expected);
  assertEquals(scopesOf({ scope: [1, null, "rabbitmq.read:v/q"] }, SOURCES), ["read:v/q"]);
  assertEquals(scopesOf({}, SOURCES), []);
  assertEquals(scopesOf({ scope: "read:v/q" }, { ...SOURCES, scopePrefix: "" }), ["read:v/q"]);
  assertEquals(tagsOf(expected), ["management"]);
});

Deno.test("scope aliases stand for scopes beside themselves", () => {
  const scopeAliases = {
    admin: ["rabbitmq.tag:administrator", "rabbitmq.read:*/*"],
    reader: "rabbitmq.read:v/q",
  };
  const sources = { ...SOURCES, scopeAliases };
  assertEquals(scopesOf({ scope: "admin reader constructor" }, sources), [
    "read:*/*",
    "read:v/q",
    "tag:administrator",
  ]);
});

Deno.test("scopes may be in other claims, at paths, and in requesting party tokens", () => {
  const sources = { ...SOURCES, extraScopeClaims: ["roles", "a.b"] };
  const claims = {
    roles: { rabbitmq: ["read:v/1"], other: ["read:v/no"] },
    a: [{ b: "rabbitmq.read:v/2" }, { b: ["rabbitmq.read:v/3"] }, { c: 1 }, {
      b: { rabbitmq: "x" },
    }],
    authorization: { permissions: [{ scopes: ["rabbitmq.read:v/4"] }, {}] },
  };
  assertEquals(scopesOf(claims, sources), ["read:v/1", "read:v/2", "read:v/3", "read:v/4"]);
  assertEquals(scopesOf({ roles: "rabbitmq.read:v/5 x" }, sources), ["read:v/5"]);
});

Deno.test("rich authorization requests are scopes of those whose type they name", () => {
  const sources = { ...SOURCES, resourceServerType: "broker" };
  const detail = (actions: unknown, locations: unknown, type = "broker") => ({
    authorization_details: [{ type, actions, locations }, 7],
  });
  assertEquals(
    scopesOf(detail(["read", "dance"], ["cluster:rabbit*/vhost:v/queue:q"]), sources),
    ["read:v/q/*"],
  );
  assertEquals(scopesOf(detail("write", "cluster:*/exchange:e/routing-key:k"), sources), [
    "write:*/e/k",
  ]);
  assertEquals(scopesOf(detail("administrator", "cluster:rabbitmq"), sources), [
    "tag:administrator",
  ]);
  assertEquals(scopesOf(detail("read", "cluster:other"), sources), []);
  assertEquals(scopesOf(detail("read", "vhost:v"), sources), []);
  assertEquals(scopesOf(detail("read", "cluster:*/queue:a/exchange:b"), sources), []);
  assertEquals(scopesOf(detail("read", "cluster:*", "other"), sources), []);
  assertEquals(scopesOf(detail("read", "cluster:*"), SOURCES), []);
});

Deno.test("a token with more scopes than RabbitMQ takes is refused", () => {
  const scope = (count: number) =>
    Array.from({ length: count }, (_, at) => `rabbitmq.read:v/${at}`);
  assertEquals(scopesOf({ scope: scope(2048) }, SOURCES).length, 2048);
  assertThrows(() => scopesOf({ scope: scope(2049) }, SOURCES), RangeError, "too many scopes");
});

Deno.test("an audience is a text, several in one text, or a list", () => {
  for (const aud of ["rabbitmq", "other rabbitmq", ["x", "rabbitmq"]]) {
    assertEquals(isFor({ aud }, "rabbitmq"), true);
  }
  for (const aud of [undefined, "", "rabbit", [], 7, { rabbitmq: true }]) {
    assertEquals(isFor({ aud }, "rabbitmq"), false);
  }
});

Deno.test("the user is named by the first claim that is a text", () => {
  const names = ["sub", "client_id"];
  assertEquals(usernameOf({ sub: "a", client_id: "b" }, names), "a");
  assertEquals(usernameOf({ sub: 7, client_id: "b" }, names), "b");
  assertEquals(usernameOf({}, names), "unknown");
});
