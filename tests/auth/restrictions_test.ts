import { assertEquals, assertThrows } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { compilePermission, compileTopicPermission } from "../../broker/auth/permissions.ts";
import { Restrictions } from "../../broker/auth/restrictions.ts";
import { Rules } from "../../broker/auth/rules.ts";
import { DefinitionError } from "../../broker/policy/error.ts";

const NONE = { configure: "", write: "", read: "" };

function restrictionsOf(...rules: ConstructorParameters<typeof Rules>): Restrictions {
  return new Restrictions(new Rules(...rules));
}

function refused(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (!(error instanceof AmqpError)) throw error;
    return error.message;
  }
}

Deno.test("Restrictions look for an expression anywhere in a name, and nothing fits an empty one", () => {
  const restrictions = restrictionsOf("u", "v", { configure: "b", write: "^a|c$", read: "" });
  assertEquals(refused(() => restrictions.require("configure", "queue", "abc")), undefined);
  assertEquals(refused(() => restrictions.require("write", "exchange", "a")), undefined);
  assertEquals(
    refused(() => restrictions.require("write", "exchange", "b")),
    "ACCESS_REFUSED - write access to exchange 'b' in vhost 'v' refused for user 'u'",
  );
  assertEquals(
    refused(() => restrictions.require("read", "queue", "abc")),
    "ACCESS_REFUSED - read access to queue 'abc' in vhost 'v' refused for user 'u'",
  );
});

Deno.test("Restrictions call the default exchange amq.default, and a queue without a name nothing", () => {
  const restrictions = restrictionsOf("u", "/", { ...NONE, write: "^amq\\.default$" });
  assertEquals(refused(() => restrictions.require("write", "exchange", "")), undefined);
  assertEquals(
    refused(() => restrictions.require("write", "queue", "")),
    "ACCESS_REFUSED - write access to queue '' in vhost '/' refused for user 'u'",
  );
});

Deno.test("Restrictions give the same answer however often they are asked, and for many names", () => {
  const restrictions = restrictionsOf("u", "/", { ...NONE, write: "^.*7$" });
  for (let round = 0; round < 2; round++) {
    for (let number = 0; number < 2500; number++) {
      const seen = refused(() => restrictions.requirePublish(`x${number}`));
      assertEquals(seen === undefined, number % 10 === 7, `x${number}`);
      assertEquals(refused(() => restrictions.requirePublish(`x${number}`)), seen);
    }
  }
});

Deno.test("Restrictions without a record permit nothing", () => {
  const restrictions = restrictionsOf("u", "/", undefined);
  for (const permission of ["configure", "write", "read"] as const) {
    assertEquals(refused(() => restrictions.require(permission, "queue", "")) === undefined, false);
  }
});

Deno.test("Restrictions know topics only where there is a rule for them", () => {
  const restrictions = restrictionsOf("al.ice", "/", NONE, [
    { exchange: "t", write: "^{username}\\.", read: "^{vhost}x{client_id}$" },
  ]);
  const asked = (permission: "write" | "read", exchange: string, key: string) =>
    refused(() => restrictions.requireTopic(permission, exchange, key));
  assertEquals([restrictions.looksAtTopicsOf("t"), restrictions.looksAtTopicsOf("u")], [
    true,
    false,
  ]);
  assertEquals(asked("write", "u", "anything"), undefined);
  assertEquals(asked("write", "t", "al.ice.x"), undefined);
  assertEquals(
    asked("write", "t", "alxice.x"),
    "ACCESS_REFUSED - write access to topic 'alxice.x' in exchange 't' in vhost '/' refused for " +
      "user 'al.ice'",
    "what a variable stands for is no expression",
  );
  // nobody says what the client's id is
  assertEquals(asked("read", "t", "/x{client_id}"), undefined);
  assertEquals(asked("read", "t", "/x") === undefined, false);
});

Deno.test("nor is it where a permission has it between brackets", () => {
  for (
    const [name, write] of [["a-z", "^[{username}]$"], [":alpha:", "^[[{username}]]$"]] as const
  ) {
    const topics = [{ exchange: "t", write, read: "" }];
    const restrictions = restrictionsOf(name, "/", NONE, topics);
    const permitted = ["a", "b", "l", "q", "-", ":", "z"].filter((key) =>
      refused(() => restrictions.requireTopic("write", "t", key)) === undefined
    );
    assertEquals(permitted, ["a-z".includes(name) ? ["a", "-", "z"] : []].flat());
  }
});

Deno.test("a user's name is no way to permit oneself more", () => {
  for (const name of [".*", "a|b", "(", "[", "\\", "a{1,9}"]) {
    const topics = [{ exchange: "t", write: "^{username}$", read: "" }];
    const restrictions = restrictionsOf(name, "/", NONE, topics);
    assertEquals(refused(() => restrictions.requireTopic("write", "t", name)), undefined);
    for (const key of ["", "x", "a", "b", "aa"]) {
      assertEquals(
        refused(() => restrictions.requireTopic("write", "t", key)) === undefined,
        false,
      );
    }
  }
});

Deno.test("a routing key that is longer than any that AMQP can say is not looked at", () => {
  const topics = [{ exchange: "t", write: ".*a.*b.*c", read: "" }];
  const restrictions = restrictionsOf("u", "/", NONE, topics);
  const key = `${"ab".repeat(1_000_000)}c`;
  assertEquals(refused(() => restrictions.requireTopic("write", "t", key)) === undefined, false);
  assertEquals(refused(() => restrictions.requireTopic("write", "t", "abc")), undefined);
});

Deno.test("a permission that is malformed or could take too long is refused", () => {
  const cases: readonly (readonly [pattern: unknown, text: RegExp])[] = [
    ["(", /^regular expression '\(' is invalid: /],
    ["^(a+)+$", /^regular expression .* is invalid: it could take too long/],
    ["a".repeat(1025), /is invalid: it has more than 1024 bytes$/],
    [7, /^a permission has to be a regular expression$/],
  ];
  for (const [pattern, text] of cases) {
    for (const compile of [compilePermission, compileTopicPermission]) {
      const error = assertThrows(() => compile(pattern, {}), DefinitionError);
      assertEquals([error.code, text.test(error.message)], ["invalid", true], error.message);
    }
  }
});
