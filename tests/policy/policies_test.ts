import { assertEquals } from "@std/assert";
import type { JsonObject } from "../../broker/policy/json.ts";
import { NO_POLICY, Policies, type PolicySubject } from "../../broker/policy/policies.ts";
import { checkPolicy, type PolicyKind } from "../../broker/policy/policy.ts";

/** Policies, and a short way to say them. */
class TestPolicies extends Policies {
  add(name: string, definition: JsonObject, more: JsonObject = {}, kind: PolicyKind = "policy") {
    const value = { pattern: "", ...more, definition };
    this.set(kind, checkPolicy(kind, { name, vhost: "/" }, value));
  }

  operator(name: string, definition: JsonObject, more: JsonObject = {}) {
    this.add(name, definition, more, "operator_policy");
  }
}

const QUEUE: PolicySubject = { kind: "queue", name: "q", type: "classic" };
const QUORUM: PolicySubject = { kind: "queue", name: "q", type: "quorum" };
const STREAM: PolicySubject = { kind: "queue", name: "q", type: "stream" };
const EXCHANGE: PolicySubject = { kind: "exchange", name: "x" };

Deno.test("Policies.appliedTo() gives the highest priority alone, nothing is merged", () => {
  const policies = new TestPolicies();
  policies.add("low", { "max-length": 1, expires: 5 });
  policies.add("high", { "message-ttl": 7 }, { priority: 10 });
  policies.add("elsewhere", { "message-ttl": 1 }, { priority: 99, pattern: "^other" });
  assertEquals(policies.appliedTo(QUEUE), {
    policy: "high",
    operatorPolicy: undefined,
    definition: { "message-ttl": 7 },
  });
  assertEquals(policies.delete("policy", "high"), true);
  assertEquals(policies.appliedTo(QUEUE).policy, "low");
  assertEquals(policies.delete("policy", "high"), false);
  policies.delete("policy", "low");
  assertEquals(policies.appliedTo(QUEUE), NO_POLICY);
});

Deno.test("Policies.appliedTo() gives the first by name of those with one priority", () => {
  const policies = new TestPolicies();
  for (const name of ["b", "a", "c"]) policies.add(name, { "max-length": 1 }, { priority: 3 });
  assertEquals(policies.appliedTo(QUEUE).policy, "a");
  policies.add("b", { "max-length": 2 }, { priority: 4 });
  assertEquals(policies.appliedTo(QUEUE).definition, { "max-length": 2 });
});

Deno.test("Policies.appliedTo() goes by what a policy is for", () => {
  const targets = [
    "all",
    "queues",
    "classic_queues",
    "quorum_queues",
    "streams",
    "exchanges",
  ];
  const meant = targets.map((target) => {
    const policies = new TestPolicies();
    policies.add("p", { "max-length-bytes": 1 }, { "apply-to": target });
    return [QUEUE, QUORUM, STREAM, EXCHANGE].map((subject) =>
      policies.appliedTo(subject).policy === "p"
    );
  });
  assertEquals(meant, [
    [true, true, true, true],
    [true, true, true, false],
    [true, false, false, false],
    [false, true, false, false],
    [false, false, true, false],
    [false, false, false, true],
  ]);
});

Deno.test("a policy with a key that a queue's type does not know is passed over as a whole", () => {
  const policies = new TestPolicies();
  policies.add("plain", { "max-length": 9 });
  policies.add("quorum", { "max-length": 5, "delivery-limit": 3 }, { priority: 1 });
  policies.add("stream", { "max-age": "1D" }, { priority: 2 });
  assertEquals(
    [QUEUE, QUORUM, STREAM].map((subject) => policies.appliedTo(subject).policy),
    ["plain", "quorum", "stream"],
  );
});

Deno.test("the best operator policy is merged over the best policy", () => {
  const policies = new TestPolicies();
  policies.operator("op", {
    "message-ttl": 5,
    "max-length": 100,
    overflow: "reject-publish",
    "delivery-limit": 7,
    "target-group-size": 5,
    expires: 1000,
  });
  policies.operator("worse", { "max-length": 1 }, { priority: -1 });
  assertEquals(policies.appliedTo(QUORUM).policy, undefined);
  assertEquals(policies.appliedTo(QUORUM).definition["max-length"], 100);
  policies.add("user", {
    "message-ttl": 10,
    "max-length": 50,
    overflow: "drop-head",
    "delivery-limit": -1,
    "target-group-size": 3,
    "dead-letter-exchange": "dlx",
  });
  assertEquals(policies.appliedTo(QUORUM), {
    policy: "user",
    operatorPolicy: "op",
    definition: {
      "message-ttl": 5,
      "max-length": 50,
      overflow: "reject-publish",
      "delivery-limit": 7,
      "target-group-size": 5,
      "dead-letter-exchange": "dlx",
      expires: 1000,
    },
  });
});

Deno.test("Policies.list() is sorted by name and keeps the kinds apart", () => {
  const policies = new TestPolicies();
  policies.add("b", { expires: 1 }, { priority: 5 });
  policies.add("a", { expires: 1 });
  policies.operator("c", { expires: 1 });
  assertEquals(policies.list("policy").map(({ name }) => name), ["a", "b"]);
  assertEquals(policies.list("operator_policy"), [{
    name: "c",
    vhost: "/",
    pattern: "",
    applyTo: "all",
    priority: 0,
    definition: { expires: 1 },
  }]);
});

Deno.test("Policies.appliedAfter() comes to what appliedTo() gives, however changes overlap", () => {
  const subjects: PolicySubject[] = [QUEUE, QUORUM, STREAM, EXCHANGE].flatMap((subject) =>
    ["a", "ab", "abc", "c"].map((name) => ({ ...subject, name }))
  );
  const random = randomOf(7);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  for (let round = 0; round < 300; round++) {
    const policies = new TestPolicies();
    const applied = subjects.map(() => NO_POLICY);
    const pass = function* (kind: PolicyKind, name: string): Generator<void> {
      for (const [at, subject] of subjects.entries()) {
        applied[at] = policies.appliedAfter(applied[at]!, { kind, name }, subject);
        yield;
      }
    };
    let passes: Generator<void>[] = [];
    for (let change = 0; change < 12; change++) {
      const [kind, name] = [pick<PolicyKind>(["policy", "operator_policy"]), pick(["x", "y", "z"])];
      if (random() < 0.3) policies.delete(kind, name);
      else {
        const more = {
          pattern: pick(["a", "b", "c", "^a$"]),
          priority: pick([0, 1, 2]),
          "apply-to": pick(["all", "queues", "streams"]),
        };
        policies.add(name, { "max-length-bytes": change + 1 }, more, kind);
      }
      passes.push(pass(kind, name));
      for (let step = 0; step < 20 && passes.length > 0; step++) {
        const going = pick(passes);
        if (going.next().done === true) passes = passes.filter((other) => other !== going);
      }
    }
    while (passes.length > 0) passes = passes.filter((going) => going.next().done !== true);
    assertEquals(applied, subjects.map((subject) => policies.appliedTo(subject)), `${round}`);
  }
});

/** Numbers from 0 to 1 that look like random ones. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 0x7fff_ffff) / 0x7fff_ffff;
}
