import { assertEquals } from "@std/assert";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { type ProfileName, profileOf } from "../../broker/profiles.ts";
import { queueSettings } from "../../broker/queue/queue_settings.ts";

Deno.test("of limits in a queue's arguments and its policy the smaller one counts", () => {
  const limits = ["message-ttl", "expires", "max-length", "max-length-bytes"] as const;
  const of = (argument: number | undefined, policy: number | undefined) =>
    limits.map((name) => {
      const settings = queueSettings(
        argument === undefined ? {} : { [`x-${name}`]: argument },
        policy === undefined ? {} : { [name]: policy },
      );
      const { messageTtlMs, expiresMs, maxLength, maxLengthBytes } = settings;
      return { messageTtlMs, expiresMs, maxLength, maxLengthBytes }[
        ({
          "message-ttl": "messageTtlMs",
          expires: "expiresMs",
          "max-length": "maxLength",
          "max-length-bytes": "maxLengthBytes",
        } as const)[name]
      ];
    });
  assertEquals(of(5, 9), [5, 5, 5, 5]);
  assertEquals(of(9, 5), [5, 5, 5, 5]);
  assertEquals(of(undefined, 5), [5, 5, 5, 5]);
  assertEquals(of(5, undefined), [5, 5, 5, 5]);
  assertEquals(of(undefined, undefined), Array(4).fill(Infinity));
});

Deno.test("of all else the argument counts, but a quorum queue's overflow is the policy's", () => {
  const arguments_ = { "x-dead-letter-exchange": "mine", "x-overflow": "reject-publish" };
  const policy = {
    "dead-letter-exchange": "theirs",
    "dead-letter-routing-key": "k",
    overflow: "drop-head",
  };
  const classic = queueSettings(arguments_, policy);
  assertEquals(
    [classic.deadLetterExchange, classic.deadLetterRoutingKey, classic.overflow],
    ["mine", "k", "reject-publish"],
  );
  const quorum = queueSettings({ ...arguments_, "x-queue-type": "quorum" }, policy);
  assertEquals(quorum.overflow, "drop-head");
  assertEquals(queueSettings({}, policy).overflow, "drop-head");
});

Deno.test("a delivery limit below zero is none, and any other is less than that", () => {
  const limit = (argument: number | undefined, policy: number | undefined) =>
    queueSettings(
      {
        "x-queue-type": "quorum",
        ...argument === undefined ? {} : { "x-delivery-limit": argument },
      },
      policy === undefined ? {} : { "delivery-limit": policy },
    ).deliveryLimit;
  assertEquals(limit(undefined, undefined), 20);
  assertEquals(
    [limit(-1, undefined), limit(undefined, -1), limit(-1, -1)],
    Array(3).fill(Infinity),
  );
  assertEquals([limit(-1, 5), limit(5, -1), limit(5, 7), limit(0, 7)], [5, 5, 5, 0]);
});

Deno.test("at least once holds for a quorum queue that has somewhere to send to and refuses what is too much", () => {
  const wanted = {
    "x-queue-type": "quorum",
    "x-dead-letter-exchange": "dlx",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
  };
  const holds = (arguments_: FieldTable, policy: FieldTable = {}) =>
    queueSettings(arguments_, policy).deadLetterAtLeastOnce;
  const without = (name: keyof typeof wanted) =>
    Object.fromEntries(Object.entries(wanted).filter(([each]) => each !== name));
  assertEquals(holds(wanted), true);
  for (const name of Object.keys(wanted) as (keyof typeof wanted)[]) {
    assertEquals(holds(without(name)), false, name);
    const { [name]: value } = wanted;
    if (name !== "x-queue-type") {
      assertEquals(holds(without(name), { [name.slice(2)]: value }), true);
    }
  }
  for (const overflow of ["drop-head", "reject-publish-dlx"]) {
    assertEquals(holds({ ...wanted, "x-overflow": overflow }), false);
    assertEquals(holds(wanted, { overflow }), false);
  }
  assertEquals(holds({ ...wanted, "x-dead-letter-strategy": "at-most-once" }), false);
});

Deno.test("a quorum queue knows no reject-publish-dlx and drops its oldest", () => {
  const of = (type: string) =>
    queueSettings({ "x-queue-type": type, "x-overflow": "reject-publish-dlx" }).overflow;
  assertEquals([of("quorum"), of("classic")], ["drop-head", "reject-publish-dlx"]);
});

Deno.test("of timeouts of consumers the smaller one counts, where the queue's type has any", () => {
  const timeout = (
    argument: number | undefined,
    policy: number | undefined,
    type = "classic",
    profile: ProfileName = "drop-in",
  ) =>
    queueSettings(
      { "x-queue-type": type, ...argument === undefined ? {} : { "x-consumer-timeout": argument } },
      policy === undefined ? {} : { "consumer-timeout": policy },
      profileOf(profile),
    ).consumerTimeoutMs;
  assertEquals([timeout(5, 9), timeout(9, 5), timeout(undefined, 0)], [5, 5, 0]);
  assertEquals([timeout(5, undefined), timeout(undefined, undefined)], [5, undefined]);
  assertEquals(timeout(5, 9, "quorum", "rabbitmq-4.3"), 5);
  assertEquals(timeout(undefined, undefined, "quorum", "rabbitmq-4.3"), undefined);
  assertEquals(timeout(undefined, 9, "classic", "rabbitmq-4.3"), Infinity);
});

Deno.test("a dead letter routing key that no delivery can tell is none", () => {
  const keyOf = (argument: string) =>
    queueSettings({ "x-dead-letter-routing-key": argument }, {}).deadLetterRoutingKey;
  assertEquals([keyOf("k".repeat(255)), keyOf("é".repeat(128))], ["k".repeat(255), undefined]);
  const policy = { "dead-letter-routing-key": "k".repeat(256) };
  assertEquals(queueSettings({}, policy).deadLetterRoutingKey, undefined);
});
