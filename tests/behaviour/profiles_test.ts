import { assertEquals } from "@std/assert";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { Broker } from "../../broker/broker.ts";
import { type Profile, type ProfileName, profileOf } from "../../broker/profiles.ts";
import type { Channel } from "../../client/channel.ts";
import type { Connection } from "../../client/connection.ts";
import { testEachWay, type Way } from "../support/ways.ts";
import {
  closing,
  Collector,
  deadTo,
  deathsOf,
  drain,
  drainMarked,
  fill,
  outcome,
  quorumWith,
  settled,
  take,
  untilReady,
} from "./observe.ts";

/**
 * Where versions of RabbitMQ differ: what a broker does under each profile. What only bytes show is in
 * `tests/connection/profiles_test.ts`.
 *
 * @module
 */

/** Makes a test of each profile and way. */
function testProfiles<Expected>(
  name: string,
  expected: Readonly<Record<ProfileName, Expected>>,
  run: (way: Way, expected: Expected, profile: ProfileName) => Promise<void>,
): void {
  for (const [key, value] of Object.entries(expected)) {
    const profile = key as ProfileName;
    testEachWay(`${name}: ${profile}`, { profile }, (way) => run(way, value as Expected, profile));
  }
}

/** The same for those who do it, and those who do not. */
function testEither(
  name: string,
  profiles: Pick<Record<ProfileName, boolean>, ProfileName>,
  run: (way: Way, yes: boolean) => Promise<void>,
): void {
  testProfiles(name, profiles, run);
}

/** How many messages reached nobody and were not returned. */
const dropped = (broker: Broker): number =>
  [...broker.meters("vhost")][0]!.values["dropUnroutable"]!;

const OLD = { "drop-in": true, "rabbitmq-3.13": true, "rabbitmq-4.3": false };

Deno.test("rabbitmq-4.3 differs from rabbitmq-3.13 in each line of the table", () => {
  const [old, latest] = [profileOf("rabbitmq-3.13"), profileOf("rabbitmq-4.3")];
  const same = Object.keys(old).filter((key) =>
    old[key as keyof Profile] === latest[key as keyof Profile]
  );
  assertEquals(same, []);
});

testProfiles("the broker tells its version", {
  "drop-in": "3.13.7",
  "rabbitmq-3.13": "3.13.7",
  "rabbitmq-4.3": "4.3.6",
}, async (way, version) => {
  const { serverProperties } = await way.connect();
  assertEquals([serverProperties["product"], serverProperties["version"]], ["RabbitMQ", version]);
  assertEquals(way.broker.exportDefinitions()["rabbitmq_version"], version);
});

testEither("a body may have more than 16 MiB unless the broker is told otherwise", OLD, async (
  way,
  yes,
) => {
  const channel = await way.openChannel();
  const body = new Uint8Array(16 * 1024 * 1024 + 1);
  await channel.confirmSelect();
  assertEquals(
    await outcome(channel.basicPublish({ routingKey: "nobody", transfer: true }, body)),
    yes ? "ok" : [
      406,
      "PRECONDITION_FAILED - message size 16777217 is larger than configured max size 16777216",
      "basic.publish",
    ],
  );
});

testEither("basic.qos limits a whole channel", OLD, async (way, yes) => {
  const channel = await way.openChannel();
  await channel.queueDeclare("q", { durable: true });
  await channel.basicQos({ prefetchCount: 1, global: true });
  const consumers = [await Collector.start(channel, "q"), await Collector.start(channel, "q")];
  await fill(channel, "q", "1 2 3 4");
  await settled("q", channel);
  assertEquals(consumers.map(({ bodies }) => bodies), yes ? [["1"], []] : [["1"], ["2"]]);
});

testEither("a quorum queue refuses a channel with such a limit", OLD, async (way, yes) => {
  const channel = await way.openChannel();
  await channel.queueDeclare("q", quorumWith());
  await channel.basicQos({ prefetchCount: 1, global: true });
  const refusal = [
    540,
    "NOT_IMPLEMENTED - queue 'q' in vhost '/' does not support global qos",
    "basic.consume",
  ];
  assertEquals(
    await outcome(channel.basicConsume("q", {}, () => {})),
    yes ? refusal as never : "ok",
  );
});

const ASKING = { "drop-in": true, "rabbitmq-3.13": false, "rabbitmq-4.3": true };

testEither(
  "asking whether something exists takes a permission",
  ASKING,
  async ({ broker }, yes) => {
    await broker.declareQueue({ queue: "q" });
    const permissions = { user: "guest", configure: "", write: "", read: "" };
    await broker.setPermissions(permissions);
    const connection = await broker.connect({ user: "guest" });
    const askForQueue = async (name = "q") => {
      const channel = await connection.openChannel();
      return await outcome(channel.queueDeclare(name, { passive: true }));
    };
    const askForExchange = async (name = "amq.topic") => {
      const channel = await connection.openChannel();
      return await outcome(channel.exchangeDeclare(name, "topic", { passive: true }));
    };
    const refusal = (what: string, method: string) => [
      403,
      `ACCESS_REFUSED - configure access to ${what} in vhost '/' refused for user 'guest'`,
      method,
    ];
    assertEquals(
      [await askForQueue(), await askForExchange()] as unknown[],
      yes
        ? [
          refusal("queue 'q'", "queue.declare"),
          refusal("exchange 'amq.topic'", "exchange.declare"),
        ]
        : ["ok", "ok"],
    );
    // what is not there is no other secret than what is
    const missing = [await askForQueue("none"), await askForExchange("none")];
    assertEquals(missing.map((seen) => seen[0]), yes ? [403, 403] : [404, 404]);
    for (const permission of ["configure", "write", "read"]) {
      await broker.setPermissions({ ...permissions, [permission]: ".*" });
      assertEquals([await askForQueue(), await askForExchange()], ["ok", "ok"]);
    }
  },
);

/** Takes a message and gives it back so often; tells what it told of that. */
async function giveBack(
  channel: Channel,
  times: number,
  how: "nack" | "reject",
): Promise<FieldTable[]> {
  const told: FieldTable[] = [];
  for (let count = 0; count < times; count++) {
    await untilReady(channel, "q", 1);
    const delivery = await take(channel, "q");
    told.push({ ...delivery.properties.headers, redelivered: delivery.redelivered });
    delivery[how]({ requeue: true });
  }
  await settled("q", channel);
  return told;
}

async function ready(channel: Channel, queue = "q"): Promise<number> {
  return (await channel.queueDeclare(queue, { passive: true })).messageCount;
}

testEither("a quorum queue has a delivery limit by itself", {
  "drop-in": true,
  "rabbitmq-3.13": false,
  "rabbitmq-4.3": true,
}, async (way, yes) => {
  const channel = await way.openChannel();
  await channel.queueDeclare("q", quorumWith());
  await fill(channel, "q", "1");
  await giveBack(channel, 20, "reject");
  assertEquals(await ready(channel), 1);
  await giveBack(channel, 1, "reject");
  assertEquals(await ready(channel), yes ? 0 : 1);
});

testEither("basic.nack counts towards the delivery limit, as basic.reject does", OLD, async (
  way,
  yes,
) => {
  const channel = await way.openChannel();
  await channel.queueDeclare("q", quorumWith({ "x-delivery-limit": 2 }));
  await fill(channel, "q", "1");
  await giveBack(channel, 2, "nack");
  assertEquals(await ready(channel), 1);
  await giveBack(channel, 1, "nack");
  assertEquals(await ready(channel), yes ? 0 : 1);
  if (yes) return;
  await giveBack(channel, 2, "reject");
  assertEquals(await ready(channel), 1);
  await giveBack(channel, 1, "reject");
  assertEquals(await ready(channel), 0);
});

testEither("basic.recover counts towards it", OLD, async (way, yes) => {
  const channel = await way.openChannel();
  await channel.queueDeclare("q", quorumWith({ "x-delivery-limit": 0 }));
  await fill(channel, "q", "1");
  await take(channel, "q");
  await channel.basicRecover();
  await settled("q", channel);
  assertEquals(await ready(channel), yes ? 0 : 1);
});

testProfiles("a channel that ends counts towards it", {
  "drop-in": 0,
  "rabbitmq-3.13": 0,
  "rabbitmq-4.3": 0,
}, async (way, left) => {
  const connection = await way.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q", quorumWith({ "x-delivery-limit": 0 }));
  await fill(channel, "q", "1");
  const other = await connection.openChannel();
  await take(other, "q");
  await other.close();
  await settled("q", channel);
  assertEquals(await ready(channel), left);
});

const COUNTED = (delivery: number, acquired: number) => ({
  ...delivery > 0 ? { "x-delivery-count": delivery } : {},
  ...acquired > 0 ? { "x-acquired-count": acquired } : {},
  redelivered: delivery + acquired > 0,
});

testProfiles("a quorum queue tells how often a message came back", {
  "drop-in": [COUNTED(0, 0), COUNTED(1, 1), COUNTED(2, 2), COUNTED(3, 3)],
  "rabbitmq-3.13": [COUNTED(0, 0), COUNTED(1, 0), COUNTED(2, 0), COUNTED(3, 0)],
  "rabbitmq-4.3": [COUNTED(0, 0), COUNTED(0, 1), COUNTED(0, 2), COUNTED(1, 3)],
}, async (way, counts) => {
  const channel = await way.openChannel();
  await channel.queueDeclare("q", quorumWith({ "x-delivery-limit": 5 }));
  await fill(channel, "q", "1");
  const told = [
    ...await giveBack(channel, 2, "nack"),
    ...await giveBack(channel, 2, "reject"),
  ];
  assertEquals(told, counts);
  // to a consumer as well, whether it acks or not
  const consumer = await Collector.start(channel, "q");
  await consumer.until(1);
  const acking = consumer.deliveries[0]!;
  const { redelivered: _, ...fourth } = counts[3]!;
  const next = Object.fromEntries(
    Object.entries(fourth).map(([name, count]) => [name, count as number + 1]),
  );
  assertEquals(acking.properties.headers, next);
  await consumer.consumer.cancel();
  acking.nack({ requeue: true });
  await untilReady(channel, "q", 1);
  const forgetting = await Collector.start(channel, "q", { noAck: true });
  await forgetting.until(1);
  const last = forgetting.deliveries[0]!.properties.headers!;
  assertEquals(Object.keys(last).sort(), Object.keys(next).sort());
});

testEither("a binding key may have more than two #", OLD, async (way, yes) => {
  const connection = await way.connect();
  for (
    const [exchange, type, arguments_] of [
      ["topics", "topic", {}],
      ["later", "x-delayed-message", { "x-delayed-type": "topic" }],
    ] as const
  ) {
    const channel = await connection.openChannel();
    await channel.exchangeDeclare(exchange, type, { arguments: arguments_ });
    await channel.queueDeclare("q", { durable: true });
    const bind = (routingKey: string) =>
      outcome(channel.queueBind({ queue: "q", exchange, routingKey }));
    assertEquals(await bind("#.a.#"), "ok");
    assertEquals(await bind("a#.#b.##.#"), "ok");
    assertEquals(
      await bind("#.a.#.b.#"),
      yes ? "ok" : [
        406,
        "PRECONDITION_FAILED - Topic binding key '#.a.#.b.#' uses 3 '#' wildcards, at most 2 are " +
        "allowed",
        "queue.bind",
      ],
    );
    const next = await connection.openChannel();
    await next.exchangeDeclare("other", "fanout");
    const toExchange = await outcome(
      next.exchangeBind({ source: exchange, destination: "other", routingKey: "#.#.#" }),
    );
    assertEquals(toExchange === "ok" ? toExchange : toExchange[0], yes ? "ok" : 406);
    await (await connection.openChannel()).exchangeDelete("other");
  }
});

Deno.test("a binding with more than two # that was there stays under 4.3", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "warren-profiles-" });
  const withBroker = async (
    profile: ProfileName,
    action: (connection: Connection) => Promise<void>,
  ) => {
    await using broker = new Broker({ dataDir, profile });
    await action(await broker.connect());
  };
  try {
    await withBroker("drop-in", async (connection) => {
      const channel = await connection.openChannel();
      await channel.exchangeDeclare("topics", "topic", { durable: true });
      await channel.queueDeclare("q", { durable: true });
      await channel.queueBind({ queue: "q", exchange: "topics", routingKey: "#.a.#.b.#" });
    });
    await withBroker("rabbitmq-4.3", async (connection) => {
      const channel = await connection.openChannel();
      await channel.basicPublish({ exchange: "topics", routingKey: "a.b" }, "1");
      assertEquals((await take(channel, "q")).text(), "1");
    });
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

/** Publishes what it got once more, as a client that retries does. */
async function republish(channel: Channel, from: string, to: string): Promise<void> {
  const delivery = await take(channel, from);
  await channel.basicPublish({ routingKey: to, properties: delivery.properties }, delivery.body);
  delivery.ack();
  await settled(from, channel);
}

testEither("the x-death of what a client publishes is its story so far", OLD, async (way, yes) => {
  const channel = await way.openChannel();
  await channel.confirmSelect();
  await channel.queueDeclare("dead", { durable: true });
  await channel.queueDeclare("work", { durable: true, arguments: deadTo("dead") });
  await fill(channel, "work", "1");
  (await take(channel, "work")).reject({ requeue: false });
  await settled("work", channel);
  await untilReady(channel, "dead", 1);
  await republish(channel, "dead", "work");
  const again = await take(channel, "work");
  const [sent] = again.properties.headers!["x-death"] as FieldTable[];
  assertEquals([sent!["queue"], sent!["reason"], sent!["count"]], ["work", "rejected", 1]);
  again.reject({ requeue: false });
  await untilReady(channel, "dead", 1);
  assertEquals(deathsOf(await take(channel, "dead")), [`work rejected ${yes ? 2 : 1}`]);
});

Deno.test("under 4.3 the disk remembers whose story a message has", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "warren-profiles-" });
  const withChannel = async (action: (channel: Channel) => Promise<void>) => {
    await using broker = new Broker({ dataDir, profile: "4.3" });
    await action(await (await broker.connect()).openChannel());
  };
  const reject = async (channel: Channel, queue: string) =>
    (await take(channel, queue)).reject({ requeue: false });
  try {
    await withChannel(async (channel) => {
      await channel.confirmSelect();
      await channel.queueDeclare("work", { durable: true, arguments: deadTo("parked") });
      await channel.queueDeclare("parked", { durable: true, arguments: deadTo("work") });
      const properties = { deliveryMode: 2 };
      await channel.basicPublish({ routingKey: "work", properties }, "1");
      await reject(channel, "work");
      await untilReady(channel, "parked", 1);
    });
    // the broker's own story goes on
    await withChannel(async (channel) => {
      await channel.confirmSelect();
      await reject(channel, "parked");
      await untilReady(channel, "work", 1);
      const delivery = await take(channel, "work");
      assertEquals(deathsOf(delivery), ["parked rejected 1", "work rejected 1"]);
      const { properties, body } = delivery;
      await channel.basicPublish({ routingKey: "work", properties }, body);
      delivery.ack();
      await settled("work", channel);
    });
    // and that of a client does not
    await withChannel(async (channel) => {
      await reject(channel, "work");
      await untilReady(channel, "parked", 1);
      assertEquals(deathsOf(await take(channel, "parked")), ["work rejected 1"]);
    });
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

testEither("what a client makes up of deaths counts, too", OLD, async (way, yes) => {
  const channel = await way.openChannel();
  await channel.confirmSelect();
  await channel.queueDeclare("dead", { durable: true });
  await channel.queueDeclare("work", { durable: true, arguments: deadTo("dead") });
  const headers = {
    "x-death": [{ queue: "work", reason: "rejected", count: 7n }],
    "x-first-death-queue": "elsewhere",
    "x-first-death-reason": "expired",
    "x-first-death-exchange": "there",
    mine: "stays",
  };
  await channel.basicPublish({ routingKey: "work", properties: { headers } }, "");
  const delivery = await take(channel, "work");
  assertEquals(delivery.properties.headers, {
    ...headers,
    "x-death": [
      { queue: "work", reason: "rejected", count: 7 },
    ],
  });
  delivery.reject({ requeue: false });
  await untilReady(channel, "dead", 1);
  const dead = await take(channel, "dead");
  const { "x-first-death-queue": first, mine } = dead.properties.headers!;
  assertEquals([deathsOf(dead), first, mine], [
    [`work rejected ${yes ? 8 : 1}`],
    yes ? "elsewhere" : "work",
    "stays",
  ]);
});

testEither("what the broker tells of deaths goes on in its own queues", {
  "drop-in": true,
  "rabbitmq-3.13": true,
  "rabbitmq-4.3": true,
}, async (way) => {
  const channel = await way.openChannel();
  await channel.confirmSelect();
  await channel.queueDeclare("wait", {
    durable: true,
    arguments: { ...deadTo("work"), "x-message-ttl": 1 },
  });
  await channel.queueDeclare("work", { durable: true, arguments: deadTo("wait") });
  await fill(channel, "work", "1");
  for (let count = 0; count < 2; count++) {
    await untilReady(channel, "work", 1);
    (await take(channel, "work")).reject({ requeue: false });
    await settled("work", channel);
  }
  await untilReady(channel, "work", 1);
  assertEquals(deathsOf(await take(channel, "work")), ["wait expired 2", "work rejected 2"]);
});

testProfiles("an unknown exchange type closes the channel alone", {
  "drop-in": "x-none",
  "rabbitmq-3.13": "x-none",
  "rabbitmq-4.3": "x-none",
}, async (way, type) => {
  const channel = await way.openChannel();
  channel.exchangeDeclare("e", type).catch(() => {});
  assertEquals(await closing(channel), [
    406,
    "PRECONDITION_FAILED - unknown exchange type 'x-none'",
    "exchange.declare",
  ]);
});

testProfiles("a mandatory reply that somebody got comes back, and counts as lost", {
  "drop-in": [[], 0],
  "rabbitmq-3.13": [["pong"], 2],
  "rabbitmq-4.3": [[], 0],
}, async (way, expected) => {
  const [client, server] = [await way.openChannel(), await way.openChannel()];
  const replies = await Collector.start(client, "amq.rabbitmq.reply-to", { noAck: true });
  await client.queueDeclare("requests", { durable: true });
  await client.confirmSelect();
  const properties = { replyTo: "amq.rabbitmq.reply-to" };
  await client.basicPublish({ routingKey: "requests", properties }, "ping");
  const { replyTo } = (await take(server, "requests")).properties;
  const returned: string[] = [];
  server.onReturn = (message) => returned.push(message.text());
  await server.confirmSelect();
  await server.basicPublish({ routingKey: replyTo!, mandatory: true }, "pong");
  await server.basicPublish({ routingKey: replyTo! }, "pong");
  // it is a copy that comes here
  const copies = { headers: { CC: [replyTo!] } };
  await server.basicPublish({ routingKey: "nobody", properties: copies }, "pong");
  await replies.until(3);
  assertEquals([returned, dropped(way.broker)], expected as never);
});

/** Publishes texts to a queue, each with the priority that it is, if it is one. */
async function publishRanked(channel: Channel, queue: string, texts: string): Promise<void> {
  await channel.confirmSelect();
  for (const text of texts.split(" ")) {
    const properties = text === "none" ? {} : { priority: Number(text) };
    await channel.basicPublish({ routingKey: queue, properties }, text);
  }
}

testProfiles("a quorum queue goes by priorities, and what comes back goes out first", {
  "drop-in": "5* 9* 6 none none 0",
  "rabbitmq-3.13": "none 6 5 none 9* 0*",
  "rabbitmq-4.3": "5* 9* 6 none none 0",
}, async (way, expected) => {
  const channel = await way.openChannel();
  await channel.queueDeclare("q", quorumWith());
  if (expected.startsWith("none")) {
    await publishRanked(channel, "q", "9 0 none 6 5 none");
    const [one, two] = [await take(channel, "q"), await take(channel, "q")];
    one.nack({ requeue: true });
    two.nack({ requeue: true });
  } else {
    await publishRanked(channel, "q", "0 none 5 9 none");
    const [one, two] = [await take(channel, "q"), await take(channel, "q")];
    await publishRanked(channel, "q", "6");
    two.nack({ requeue: true });
    one.nack({ requeue: true });
  }
  await settled("q", channel);
  assertEquals((await drainMarked(channel, "q")).join(" "), expected);
});

for (
  const how of ["gives back", "rejects", "rejects and commits", "leaves behind as it goes"] as const
) {
  const profiles = {
    ...OLD,
    ...how === "leaves behind as it goes" ? { "drop-in": false, "rabbitmq-3.13": false } : {},
  };
  testEither(
    `what a client ${how} goes out last without a delivery limit`,
    profiles,
    async (way, yes) => {
      const channel = await way.openChannel();
      await channel.queueDeclare("q", quorumWith({ "x-delivery-limit": -1 }));
      await fill(channel, "q", "1 2 3");
      const other = await way.openChannel();
      if (how === "rejects and commits") await other.txSelect();
      const taken = await take(other, "q");
      if (how === "gives back") taken.nack({ requeue: true });
      else if (how === "leaves behind as it goes") await other.close();
      else taken.reject({ requeue: true });
      if (how === "rejects and commits") await other.txCommit();
      await settled("q", channel);
      const expected = yes ? ["2", "3", "1*"] : ["1*", "2", "3"];
      assertEquals(await drainMarked(channel, "q"), expected);
    },
  );
}

testEachWay(
  "without a delivery limit what comes back to a quorum queue goes behind those of its priority",
  {},
  async (way) => {
    const channel = await way.openChannel();
    await channel.queueDeclare("q", quorumWith({ "x-delivery-limit": -1 }));
    const collector = await Collector.start(channel, "q");
    await publishRanked(channel, "q", "9");
    await collector.until(1);
    await collector.consumer.cancel();
    await publishRanked(channel, "q", "none 0 9 none");
    collector.deliveries[0]!.nack({ requeue: true });
    await settled("q", channel);
    (await take(channel, "q")).nack({ requeue: true });
    await settled("q", channel);
    assertEquals((await drainMarked(channel, "q")).join(" "), "9* 9* none none 0");
  },
);

testEachWay("a full quorum queue drops what would go out next", {}, async (way) => {
  const channel = await way.openChannel();
  await channel.queueDeclare("q", quorumWith({ "x-max-length": 2 }));
  await publishRanked(channel, "q", "0 9 none 7");
  assertEquals(await drain(channel, "q"), ["none", "0"]);
});

testEachWay("messages of any priority may be looked at and dropped", {}, async (way) => {
  const channel = await way.openChannel();
  await channel.queueDeclare("q", quorumWith());
  await publishRanked(channel, "q", "none 0 9 none");
  (await take(channel, "q")).nack({ requeue: true });
  await settled("q", channel);
  const ids = () => way.broker.queuedMessages({ queue: "q" }).map(({ id }) => id);
  assertEquals(ids(), [1, 2, 3, 4]);
  await way.broker.deleteQueuedMessages({ queue: "q" }, [1, 3]);
  assertEquals(ids(), [2, 4]);
  assertEquals(await drain(channel, "q"), ["none", "0"]);
});

Deno.test("the disk remembers priorities of a quorum queue, and which is said to be 0", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "warren-priorities-" });
  const withChannel = async (action: (channel: Channel) => Promise<void>) => {
    await using broker = new Broker({ dataDir });
    await action(await (await broker.connect()).openChannel());
  };
  try {
    await withChannel(async (channel) => {
      await channel.exchangeDeclare("both", "fanout", { durable: true });
      await channel.queueDeclare("q", quorumWith());
      const classic = { durable: true, arguments: { "x-max-priority": 5 } };
      await channel.queueDeclare("classic", classic);
      for (const queue of ["q", "classic"]) await channel.queueBind({ queue, exchange: "both" });
      await channel.confirmSelect();
      for (const text of ["0", "none", "4", "40", "3", "none"]) {
        const properties = text === "none" ? {} : { priority: Number(text) };
        await channel.basicPublish(
          { exchange: "both", properties: { ...properties, deliveryMode: 2 } },
          text,
        );
      }
    });
    await withChannel(async (channel) => {
      assertEquals((await drain(channel, "q")).join(" "), "40 none 4 none 3 0");
      assertEquals((await drain(channel, "classic")).join(" "), "40 4 3 0 none none");
    });
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

testProfiles("an address of direct replies may not be bound to", {
  "drop-in": 403,
  "rabbitmq-3.13": 404,
  "rabbitmq-4.3": 403,
}, async (way, code) => {
  const channel = await way.openChannel();
  const binding = { queue: "amq.rabbitmq.reply-to.x", exchange: "amq.direct", routingKey: "k" };
  const refused = await outcome(channel.queueBind(binding));
  assertEquals(refused === "ok" ? refused : refused[0], code as never);
});

testEither("a classic queue may be of version 1", OLD, async (way, yes) => {
  const channel = await way.openChannel();
  const declare = (queue: string, version: number) => {
    const arguments_ = { "x-queue-version": version };
    return outcome(channel.queueDeclare(queue, { durable: true, arguments: arguments_ }));
  };
  assertEquals(await declare("two", 2), "ok");
  assertEquals(
    await declare("one", 1),
    yes ? "ok" : [
      406,
      "PRECONDITION_FAILED - invalid arg 'x-queue-version' for queue 'one' in vhost '/': " +
      "\"unsupported queue version '1'\"",
      "queue.declare",
    ],
  );
});
