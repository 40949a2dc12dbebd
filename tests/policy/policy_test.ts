import { assertEquals, assertThrows } from "@std/assert";
import { DefinitionError } from "../../broker/policy/error.ts";
import type { JsonObject } from "../../broker/policy/json.ts";
import { checkPolicy, type PolicyKind } from "../../broker/policy/policy.ts";

const AT = { name: "p", vhost: "/" };

function check(definition: unknown, kind: PolicyKind = "policy", more: JsonObject = {}) {
  return checkPolicy(kind, AT, { pattern: "^x", ...more, definition } as JsonObject).policy;
}

function problem(definition: unknown, kind: PolicyKind = "policy", more: JsonObject = {}): string {
  const error = assertThrows(() => check(definition, kind, more), DefinitionError);
  assertEquals(error.code, "invalid");
  const [, text] = /^Validation failed\n\n([^]*)$/.exec(error.message) ?? [];
  return text ?? error.message;
}

Deno.test("checkPolicy() takes each key with a value that it can have", () => {
  const definitions: JsonObject[] = [
    { "alternate-exchange": "ae" },
    { "consumer-timeout": 0, "consumer-disconnected-timeout": 1 },
    { "dead-letter-exchange": "", "dead-letter-routing-key": "k" },
    { "dead-letter-strategy": "at-least-once" },
    { "message-ttl": 0, expires: 1 },
    { "max-length": 0, "max-length-bytes": 0 },
    { "max-in-memory-length": 0, "max-in-memory-bytes": 0 },
    { "queue-mode": "lazy", "queue-version": 2 },
    { overflow: "reject-publish-dlx" },
    { "delivery-limit": -1 },
    { "max-age": "7D", "stream-max-segment-size-bytes": 3_000_000_000 },
    { "stream-filter-size-bytes": 255, "initial-cluster-size": 3 },
    { "queue-leader-locator": "balanced", "queue-master-locator": "min-masters" },
    { "target-group-size": 3, "member-placement-tag": "fast" },
    { "delayed-retry-type": "all", "delayed-retry-min": 5, "delayed-retry-max": 5 },
    { "federation-upstream-set": "all" },
    { "federation-upstream-pattern": "^up" },
    { "ha-mode": "exactly", "ha-params": 2, "ha-sync-mode": "automatic" },
  ];
  for (const definition of definitions) assertEquals(check(definition).definition, definition);
});

Deno.test("checkPolicy() says in RabbitMQ's words what is wrong with a value", () => {
  const cases: readonly (readonly [definition: unknown, text: string])[] = [
    [{ "message-ttl": -1 }, "-1 is not a valid message TTL"],
    [{ "message-ttl": true }, "true is not a valid message TTL"],
    [{ "message-ttl": null }, "null is not a valid message TTL"],
    [{ "message-ttl": [1, 2] }, "[1,2] is not a valid message TTL"],
    [{ "message-ttl": { a: "b" } }, '#{<<"a">> => <<"b">>} is not a valid message TTL'],
    [{ expires: 0 }, "0 is not a valid queue expiry"],
    [{ "max-length": "a" }, '<<"a">> is not a valid maximum length'],
    [{ "max-length": 1.5 }, "1.5 is not a valid maximum length"],
    [{ "max-length-bytes": -1 }, "-1 is not a valid maximum length in bytes"],
    [{ "max-in-memory-length": -1 }, "-1 is not a valid maximum memory in bytes"],
    [{ overflow: "nope" }, '<<"nope">> is not a valid overflow value'],
    [{ "dead-letter-exchange": 1 }, "1 is not a valid dead letter exchange name"],
    [{ "dead-letter-routing-key": 1 }, "1 is not a valid dead letter routing key"],
    [{ "dead-letter-strategy": "x" }, '<<"x">> is not a valid dead letter strategy'],
    [{ "alternate-exchange": 1 }, "1 is not a valid alternate exchange name"],
    [{ "queue-mode": "x" }, '<<"x">> is not a valid queue-mode value'],
    [{ "queue-version": 3 }, "3 is not a valid queue-version value"],
    [{ "delivery-count": 1 }, "1 is not a valid delivery count value"],
    [{ "delivery-limit": "1" }, '<<"1">> is not a valid delivery limit'],
    [{ "max-age": "1x" }, '<<"1x">> is not a valid max age'],
    [{ "max-age": "0s" }, '<<"0s">> is not a valid max age'],
    [{ "max-age": "é" }, '<<"é"/utf8>> is not a valid max age'],
    [{ "stream-max-segment-size-bytes": 3e9 + 1 }, "3000000001 is not a valid segment size"],
    [
      { "stream-filter-size-bytes": 15 },
      "15 is not a valid filter size. Valid range is 16-255",
    ],
    [{ "queue-leader-locator": "x" }, '<<"x">> is not a valid queue leader locator value'],
    [{ "initial-cluster-size": -1 }, "-1 is not a valid cluster size"],
    [{ "target-group-size": 0 }, "0 is not a valid qq target count value"],
    [
      { "delayed-retry-type": "all" },
      "delayed-retry-min is required when delayed-retry-type is all",
    ],
    [
      { "delayed-retry-min": 5, "delayed-retry-max": 4 },
      "delayed-retry-max (4) must not be smaller than delayed-retry-min (5)",
    ],
    [
      { "federation-upstream": "a", "federation-upstream-set": "b" },
      "cannot specify federation-upstream, federation-upstream-set or " +
      "federation-upstream-pattern together",
    ],
    [
      { "federation-upstream-pattern": "(" },
      "could not compile pattern ( to a regular expression. " +
      "Error: missing ) at 1",
    ],
    [{ foo: 1 }, '[{<<"foo">>,1}] are not recognised policy settings'],
    [
      { foo: 1, bar: "x", "max-length": 1 },
      '[{<<"bar">>,<<"x">>},{<<"foo">>,1}] are not recognised policy settings',
    ],
    [JSON.parse('{"__proto__": 1}'), '[{<<"__proto__">>,1}] are not recognised policy settings'],
    [{ "max-priority": 5 }, '[{<<"max-priority">>,5}] are not recognised policy settings'],
    [{}, "no policy provided"],
    ["x", 'definition must be a dictionary: <<"x">>'],
    [undefined, 'Key "definition" not found in p'],
  ];
  for (const [definition, text] of cases) assertEquals(problem(definition), text);
});

Deno.test("checkPolicy() says what is wrong with the rest, all of it at once", () => {
  const good = { "max-length": 1 };
  assertEquals(
    problem(good, "policy", { pattern: "(" }),
    "pattern should be regular expression but is invalid: missing ) at 1",
  );
  assertEquals(
    problem(good, "policy", { pattern: "a".repeat(2000) }),
    "pattern must not exceed 1024 bytes",
  );
  assertEquals(problem(good, "policy", { pattern: 5 }), "pattern should be a binary but was 5");
  assertEquals(
    problem(good, "policy", { "apply-to": "foo" }),
    "apply-to 'foo' unrecognised; should be one of: 'queues', 'classic_queues', 'quorum_queues', " +
      "'streams', 'exchanges', or 'all'",
  );
  assertEquals(
    problem(good, "policy", { priority: "a" }),
    'priority should be a number, actually was <<"a">>',
  );
  assertEquals(problem(good, "policy", { color: 1 }), 'Unrecognised terms [{<<"color">>,1}] in p');
  assertEquals(problem({ expires: 0 }, "policy", { priority: "a", pattern: 1 }).split("\n"), [
    "0 is not a valid queue expiry",
    "pattern should be a binary but was 1",
    'priority should be a number, actually was <<"a">>',
  ]);
});

Deno.test("checkPolicy() takes limits alone from operators", () => {
  for (const key of ["dead-letter-exchange", "max-age", "ha-mode", "queue-mode"]) {
    assertEquals(
      problem({ [key]: "x" }, "operator_policy"),
      `[{<<"${key}">>,<<"x">>}] are not recognised policy settings`,
    );
  }
  const limits = { expires: 1, "message-ttl": 1, "max-length": 1, overflow: "drop-head" };
  assertEquals(check(limits, "operator_policy").definition, limits);
});

Deno.test("checkPolicy() reads a definition that is a list of pairs, as RabbitMQ exports some", () => {
  assertEquals(check([["max-length", 1], ["overflow", "drop-head"]]).definition, {
    "max-length": 1,
    overflow: "drop-head",
  });
  assertEquals(
    problem([["max-length"]]),
    'definition must be a dictionary: [[<<"max-length">>]]',
  );
});
