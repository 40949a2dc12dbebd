/**
 * What each operation asks of a user's permissions, as data: with exactly that it works, and with one
 * of it missing it is refused. The same cases run in process, over TCP, and against RabbitMQ.
 *
 * @module
 */
import type { Permission, Permissions } from "../../broker/auth/permissions.ts";
import type { JsonObject } from "../../broker/policy/json.ts";
import type { Channel } from "../../client/channel.ts";
import type { Connection } from "../../client/connection.ts";
import { attempt, type Refusal } from "../behaviour/observe.ts";

/** The password of all users here. */
export const PASSWORD = "secret";
/** Its hash as RabbitMQ has it. */
const PASSWORD_HASH = "AAECAygv0e1JvWmb/yuFkkS4o6/ym7l2VIDl94ohKiVGBwMk";

/** Something that an operation needs. */
interface Need {
  readonly permission: Permission;
  /** How the text of a refusal calls what it is for. */
  readonly what: string;
  /** What has to match. */
  readonly name: string;
}

/** An operation. Names end with the number of its case, so that cases leave each other alone. */
interface Operation {
  readonly name: string;
  readonly needs: (named: (label: string) => string) => readonly Need[];
  /** Does it, and waits until it is known what came of it. */
  readonly run: (channel: Channel, named: (label: string) => string) => Promise<unknown>;
  /** Any one of the needs is enough. */
  readonly any?: boolean;
  /** What the user may do with topic exchanges. */
  readonly topic?: { readonly exchange: string; readonly write: string; readonly read: string };
  /** What is seen when nothing is missing. Default: `ok`. */
  readonly otherwise?: string;
}

const queue = (permission: Permission, name: string): Need => ({
  permission,
  what: `queue '${name}' in vhost '/'`,
  name,
});
const exchange = (permission: Permission, name: string): Need => ({
  permission,
  what: `exchange '${name}' in vhost '/'`,
  name,
});

const OPERATIONS: readonly Operation[] = [
  {
    name: "queue.declare of a new queue",
    needs: (named) => [queue("configure", named("new"))],
    run: (channel, named) => channel.queueDeclare(named("new")),
  },
  {
    name: "queue.declare of a queue that exists",
    needs: (named) => [queue("configure", named("q"))],
    run: (channel, named) => channel.queueDeclare(named("q")),
  },
  {
    name: "queue.declare with a dead letter exchange",
    needs: (named) => [
      queue("configure", named("new")),
      queue("read", named("new")),
      exchange("write", named("nowhere")),
    ],
    run: (channel, named) =>
      channel.queueDeclare(named("new"), {
        arguments: { "x-dead-letter-exchange": named("nowhere") },
      }),
  },
  {
    name: "queue.declare that only asks",
    any: true,
    needs: (named) =>
      (["configure", "write", "read"] as const).map((permission) => queue(permission, named("q"))),
    run: (channel, named) => channel.queueDeclare(named("q"), { passive: true }),
  },
  {
    name: "queue.delete",
    needs: (named) => [queue("configure", named("q"))],
    run: (channel, named) => channel.queueDelete(named("q")),
  },
  {
    name: "queue.delete of no queue",
    needs: (named) => [queue("configure", named("new"))],
    run: (channel, named) => channel.queueDelete(named("new")),
  },
  {
    name: "queue.purge",
    needs: (named) => [queue("read", named("q"))],
    run: (channel, named) => channel.queuePurge(named("q")),
  },
  {
    name: "queue.purge of no queue",
    needs: (named) => [queue("read", named("new"))],
    run: (channel, named) => channel.queuePurge(named("new")),
    otherwise: "NOT_FOUND - no queue 'new' in vhost '/'",
  },
  {
    name: "queue.bind",
    needs: (named) => [queue("write", named("q")), exchange("read", named("direct"))],
    run: (channel, named) => channel.queueBind({ queue: named("q"), exchange: named("direct") }),
  },
  {
    name: "queue.unbind",
    needs: (named) => [queue("write", named("q")), exchange("read", named("direct"))],
    run: (channel, named) => channel.queueUnbind({ queue: named("q"), exchange: named("direct") }),
  },
  {
    name: "queue.bind to the default exchange",
    needs: (named) => [queue("write", named("q"))],
    run: (channel, named) => channel.queueBind({ queue: named("q"), exchange: "" }),
    otherwise: "ACCESS_REFUSED - operation not permitted on the default exchange",
  },
  {
    name: "queue.bind to no exchange",
    needs: (named) => [queue("write", named("q")), exchange("read", named("new"))],
    run: (channel, named) => channel.queueBind({ queue: named("q"), exchange: named("new") }),
    otherwise: "NOT_FOUND - no exchange 'new' in vhost '/'",
  },
  {
    name: "queue.bind with a routing key that is permitted",
    topic: { exchange: "topic", write: "", read: "^{username}\\." },
    needs: (named) => [queue("write", named("q")), exchange("read", named("topic"))],
    run: (channel, named) =>
      channel.queueBind({
        queue: named("q"),
        exchange: named("topic"),
        routingKey: `${named("user")}.x`,
      }),
  },
  {
    name: "queue.bind with a routing key that is not",
    topic: { exchange: "topic", write: ".*", read: "^{username}\\." },
    needs: (named) => [queue("write", named("q")), exchange("read", named("topic"))],
    run: (channel, named) =>
      channel.queueBind({ queue: named("q"), exchange: named("topic"), routingKey: "other.x" }),
    otherwise: "ACCESS_REFUSED - read access to topic 'other.x' in exchange 'topic' in vhost '/' " +
      "refused for user 'user'",
  },
  {
    name: "queue.unbind with a routing key that is permitted",
    topic: { exchange: "topic", write: "", read: "^{username}\\." },
    needs: (named) => [queue("write", named("q")), exchange("read", named("topic"))],
    run: (channel, named) =>
      channel.queueUnbind({
        queue: named("q"),
        exchange: named("topic"),
        routingKey: `${named("user")}.x`,
      }),
  },
  {
    name: "queue.unbind with a routing key that is not",
    topic: { exchange: "topic", write: ".*", read: "^{username}\\." },
    needs: (named) => [queue("write", named("q")), exchange("read", named("topic"))],
    run: (channel, named) =>
      channel.queueUnbind({ queue: named("q"), exchange: named("topic"), routingKey: "other.x" }),
    otherwise: "ACCESS_REFUSED - read access to topic 'other.x' in exchange 'topic' in vhost '/' " +
      "refused for user 'user'",
  },
  {
    name: "queue.bind of no queue",
    needs: (named) => [queue("write", named("new")), exchange("read", named("direct"))],
    run: (channel, named) => channel.queueBind({ queue: named("new"), exchange: named("direct") }),
    otherwise: "NOT_FOUND - no queue 'new' in vhost '/'",
  },
  {
    name: "exchange.declare of a new exchange",
    needs: (named) => [exchange("configure", named("new"))],
    run: (channel, named) => channel.exchangeDeclare(named("new"), "direct"),
  },
  {
    name: "exchange.declare of an exchange that exists",
    needs: (named) => [exchange("configure", named("direct"))],
    run: (channel, named) => channel.exchangeDeclare(named("direct"), "direct"),
  },
  {
    name: "exchange.declare with an alternate exchange",
    needs: (named) => [
      exchange("configure", named("new")),
      exchange("read", named("new")),
      exchange("write", named("nowhere")),
    ],
    run: (channel, named) =>
      channel.exchangeDeclare(named("new"), "direct", {
        arguments: { "alternate-exchange": named("nowhere") },
      }),
  },
  {
    name: "exchange.declare that only asks",
    any: true,
    needs: (named) =>
      (["configure", "write", "read"] as const).map((one) => exchange(one, named("direct"))),
    run: (channel, named) => channel.exchangeDeclare(named("direct"), "direct", { passive: true }),
  },
  {
    name: "exchange.delete",
    needs: (named) => [exchange("configure", named("direct"))],
    run: (channel, named) => channel.exchangeDelete(named("direct")),
  },
  {
    name: "exchange.delete of no exchange",
    needs: (named) => [exchange("configure", named("new"))],
    run: (channel, named) => channel.exchangeDelete(named("new")),
  },
  {
    name: "exchange.delete of the broker's own",
    needs: () => [],
    run: (channel) => channel.exchangeDelete("amq.topic"),
    otherwise: "ACCESS_REFUSED - deletion of system exchange 'amq.topic' in vhost '/' not allowed",
  },
  {
    name: "exchange.bind",
    needs: (named) => [exchange("write", named("fanout")), exchange("read", named("direct"))],
    run: (channel, named) =>
      channel.exchangeBind({ source: named("direct"), destination: named("fanout") }),
  },
  {
    name: "exchange.bind to no exchange",
    needs: (named) => [exchange("write", named("new")), exchange("read", named("direct"))],
    run: (channel, named) =>
      channel.exchangeBind({ source: named("direct"), destination: named("new") }),
    otherwise: "NOT_FOUND - no exchange 'new' in vhost '/'",
  },
  {
    name: "exchange.bind with a routing key that is permitted",
    topic: { exchange: "topic", write: "", read: "^{username}\\." },
    needs: (named) => [exchange("write", named("fanout")), exchange("read", named("topic"))],
    run: (channel, named) =>
      channel.exchangeBind({
        source: named("topic"),
        destination: named("fanout"),
        routingKey: `${named("user")}.x`,
      }),
  },
  {
    name: "exchange.bind with a routing key that is not",
    topic: { exchange: "topic", write: ".*", read: "^{username}\\." },
    needs: (named) => [exchange("write", named("fanout")), exchange("read", named("topic"))],
    run: (channel, named) =>
      channel.exchangeBind({
        source: named("topic"),
        destination: named("fanout"),
        routingKey: "other.x",
      }),
    otherwise: "ACCESS_REFUSED - read access to topic 'other.x' in exchange 'topic' in vhost '/' " +
      "refused for user 'user'",
  },
  {
    name: "exchange.unbind",
    needs: (named) => [exchange("write", named("fanout")), exchange("read", named("direct"))],
    run: (channel, named) =>
      channel.exchangeUnbind({ source: named("direct"), destination: named("fanout") }),
  },
  {
    name: "basic.publish",
    needs: (named) => [exchange("write", named("direct"))],
    run: (channel, named) => publish(channel, named("direct")),
  },
  {
    name: "basic.publish to the default exchange",
    needs: () => [exchange("write", "amq.default")],
    run: (channel) => publish(channel, ""),
  },
  {
    name: "basic.publish to no exchange",
    needs: (named) => [exchange("write", named("new"))],
    run: (channel, named) => publish(channel, named("new")),
    otherwise: "NOT_FOUND - no exchange 'new' in vhost '/'",
  },
  {
    name: "basic.publish in a transaction",
    needs: (named) => [exchange("write", named("direct"))],
    async run(channel, named) {
      await channel.txSelect();
      await channel.basicPublish({ exchange: named("direct") }, "");
      await channel.txCommit();
    },
  },
  {
    name: "basic.publish with a routing key that is permitted",
    topic: { exchange: "topic", write: "^{username}\\.", read: "" },
    needs: (named) => [exchange("write", named("topic"))],
    run: (channel, named) => publish(channel, named("topic"), `${named("user")}.x`),
  },
  {
    name: "basic.publish with a routing key that is not",
    topic: { exchange: "topic", write: "^{username}\\.", read: ".*" },
    needs: (named) => [exchange("write", named("topic"))],
    run: (channel, named) => publish(channel, named("topic"), "other.x"),
    otherwise:
      "ACCESS_REFUSED - write access to topic 'other.x' in exchange 'topic' in vhost '/' " +
      "refused for user 'user'",
  },
  {
    name: "basic.publish with a copy to a routing key that is not",
    topic: { exchange: "topic", write: "^{username}\\.", read: ".*" },
    needs: (named) => [exchange("write", named("topic"))],
    async run(channel, named) {
      await channel.confirmSelect();
      await channel.basicPublish({
        exchange: named("topic"),
        routingKey: `${named("user")}.x`,
        properties: { headers: { CC: ["other.x"] } },
      }, "");
      await channel.waitForConfirms();
    },
    otherwise:
      "ACCESS_REFUSED - write access to topic 'other.x' in exchange 'topic' in vhost '/' " +
      "refused for user 'user'",
  },
  {
    name: "basic.publish of a direct reply",
    needs: () => [exchange("write", "amq.default")],
    run: (channel) => publish(channel, "", "amq.rabbitmq.reply-to.nobody"),
  },
  {
    name: "basic.publish with a key in a vhost's name",
    topic: { exchange: "topic", write: "^{vhost}$", read: "" },
    needs: (named) => [exchange("write", named("topic"))],
    run: (channel, named) => publish(channel, named("topic"), "/"),
  },
  {
    name: "basic.publish with topic permissions of an exchange that is no topic exchange",
    topic: { exchange: "direct", write: "", read: "" },
    needs: (named) => [exchange("write", named("direct"))],
    run: (channel, named) => publish(channel, named("direct"), "x"),
  },
  {
    name: "basic.get",
    needs: (named) => [queue("read", named("q"))],
    run: (channel, named) => channel.basicGet(named("q")),
  },
  {
    name: "basic.get of no queue",
    needs: (named) => [queue("read", named("new"))],
    run: (channel, named) => channel.basicGet(named("new")),
    otherwise: "NOT_FOUND - no queue 'new' in vhost '/'",
  },
  {
    name: "basic.consume",
    needs: (named) => [queue("read", named("q"))],
    run: (channel, named) => channel.basicConsume(named("q"), {}, () => {}),
  },
  {
    name: "basic.consume of no queue",
    needs: (named) => [queue("read", named("new"))],
    run: (channel, named) => channel.basicConsume(named("new"), {}, () => {}),
    otherwise: "NOT_FOUND - no queue 'new' in vhost '/'",
  },
  {
    name: "basic.consume that wants to be the only one",
    needs: (named) => [queue("read", named("q"))],
    run: (channel, named) => channel.basicConsume(named("q"), { exclusive: true }, () => {}),
  },
  {
    name: "what is about no queue and no exchange",
    needs: () => [],
    async run(channel) {
      await channel.basicQos({ prefetchCount: 1 });
      await channel.basicRecover();
      await channel.basicConsume("amq.rabbitmq.reply-to", { noAck: true }, () => {});
      await channel.confirmSelect();
    },
  },
];

async function publish(channel: Channel, to: string, routingKey = ""): Promise<void> {
  await channel.confirmSelect();
  await channel.basicPublish({ exchange: to, routingKey }, "");
  await channel.waitForConfirms();
}

/** A user with permissions, what it does, and what it sees. */
export interface PermissionCase {
  readonly title: string;
  readonly user: string;
  readonly permissions: Permissions;
  readonly topic:
    | { readonly exchange: string; readonly write: string; readonly read: string }
    | undefined;
  readonly run: (connection: Connection) => Promise<string>;
  readonly expect: string;
}

/** All cases. */
export const PERMISSION_CASES: readonly PermissionCase[] = OPERATIONS.flatMap(casesOf);

function casesOf(operation: Operation, number: number): PermissionCase[] {
  const { needs, any, otherwise = "ok" } = operation;
  const count = needs((label) => label).length;
  const whole = (): PermissionCase =>
    caseOf(operation, `${number}-all`, "all it needs", () => true, otherwise);
  if (any === true) {
    return [
      ...Array.from(
        { length: count },
        (_, at) =>
          caseOf(operation, `${number}-${at}`, `only ${at}`, (index) => index === at, "ok"),
      ),
      caseOf(operation, `${number}-none`, "nothing", () => false, refusal(operation, 0)),
    ];
  }
  return [
    whole(),
    ...Array.from(
      { length: count },
      (_, at) =>
        caseOf(
          operation,
          `${number}-${at}`,
          `all but ${at}`,
          (index) => index !== at,
          refusal(operation, at),
        ),
    ),
  ];
}

function refusal({ needs }: Operation, at: number): string {
  const { permission, what } = needs((label) => label)[at]!;
  return `ACCESS_REFUSED - ${permission} access to ${what} refused for user 'user'`;
}

function caseOf(
  { name, needs, run, topic }: Operation,
  suffix: string,
  having: string,
  has: (index: number) => boolean,
  expect: string,
): PermissionCase {
  const named = (label: string) => `${label}~${suffix}`;
  const list = needs(named).filter((_, index) => has(index));
  const pattern = (permission: Permission) =>
    list.filter((need) => need.permission === permission)
      .map((need) => `^${need.name.replaceAll(".", "\\.")}$`).join("|");
  const told = (seen: "ok" | Refusal) =>
    seen === "ok" ? seen : refusedAs(...seen).replaceAll(`~${suffix}`, "");
  return {
    title: `${name}, with ${having}`,
    user: named("user"),
    permissions: {
      configure: pattern("configure"),
      write: pattern("write"),
      read: pattern("read"),
    },
    topic: topic && { ...topic, exchange: named(topic.exchange) },
    // names of operations begin with their methods
    expect: expect === "ok" ? expect : refusedAs(codeOf(expect), expect, name.split(" ")[0]!),
    async run(connection) {
      const channel = await connection.openChannel();
      const seen = await attempt(() => run(channel, named).then(() => {}));
      return told(seen);
    },
  };
}

/** A refusal with its code, its text and the method that the broker blames. */
function refusedAs(code: number, text: string, method: string): string {
  return `${code} ${text}, to ${method}`;
}

/** The code that goes with a text. */
function codeOf(text: string): number {
  return text.startsWith("NOT_FOUND") ? 404 : 403;
}

/** A definitions file with all users of the cases, their permissions, and what they work on. */
export function permissionFixture(): JsonObject {
  const suffixes = PERMISSION_CASES.map(({ user }) => user.slice("user".length));
  const exchanges = ["direct", "fanout", "topic"];
  return {
    users: PERMISSION_CASES.map(({ user }) => ({
      name: user,
      password_hash: PASSWORD_HASH,
      hashing_algorithm: "rabbit_password_hashing_sha256",
      tags: [],
      limits: {},
    })),
    permissions: PERMISSION_CASES.map(({ user, permissions }) => ({
      user,
      vhost: "/",
      ...permissions,
    })),
    topic_permissions: PERMISSION_CASES.flatMap(({ user, topic }) =>
      topic === undefined ? [] : [{ user, vhost: "/", ...topic }]
    ),
    queues: suffixes.map((suffix) => ({
      vhost: "/",
      name: `q${suffix}`,
      durable: false,
      auto_delete: false,
      arguments: {},
    })),
    exchanges: suffixes.flatMap((suffix) =>
      exchanges.map((type) => ({
        vhost: "/",
        name: `${type}${suffix}`,
        type,
        durable: false,
        auto_delete: false,
        internal: false,
        arguments: {},
      }))
    ),
  };
}
