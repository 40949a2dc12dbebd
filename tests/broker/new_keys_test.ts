/**
 * A routing key that never came before stays octets until somebody needs a text (`Content.keyText`): all who
 * look at it must see it all the same.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import {
  AmqpError,
  Broker,
  type BrokerOptions,
  type Channel,
  connect,
  type Delivery,
} from "@warren/amqp";

/** So many messages of a kind; each has a key of its own. */
const COUNT = 40;

/** A broker, and a channel that comes to it over TCP: in process nothing is octets. */
async function start(options: BrokerOptions = {}) {
  const stack = new AsyncDisposableStack();
  const broker = stack.use(new Broker(options));
  const { url } = stack.use(await broker.listen({ port: 0 }));
  const connection = stack.use(await connect(url));
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  return { broker, url, channel, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Connects as a user who may publish to keys that match a pattern. */
async function connectAsAnn({ broker, url }: { broker: Broker; url: string }, write: string) {
  await broker.addUser("ann", { password: "secret" });
  await broker.setPermissions({ user: "ann", configure: "", write: ".*", read: "" });
  await broker.setTopicPermissions({ user: "ann", exchange: "amq.topic", write, read: "" });
  return await connect(url.replace("//", "//ann:secret@"));
}

let id = 0;

/** Keys that were never used in this process. */
function newKeys(count = COUNT): string[] {
  return Array.from({ length: count }, () => `order.${++id}.paid`);
}

/** Publishes in one turn, so that they come in one read. */
async function publish(channel: Channel, exchange: string, keys: readonly string[], rest = {}) {
  await Promise.all(
    keys.map((routingKey) => channel.basicPublish({ exchange, routingKey, ...rest }, routingKey)),
  );
}

/** Takes all of a queue by `basic.get`: each must have the key that its body tells. */
async function drain(channel: Channel, queue: string): Promise<string[]> {
  const keys: string[] = [];
  for (let next = await get(channel, queue); next !== undefined; next = await get(channel, queue)) {
    keys.push(next.routingKey);
  }
  return keys;
}

async function get(channel: Channel, queue: string): Promise<Delivery | undefined> {
  const delivery = await channel.basicGet(queue, { noAck: true });
  if (delivery !== undefined) assertEquals(delivery.text(), delivery.routingKey);
  return delivery;
}

for (
  const [type, binding, exchangeArguments] of [
    ["topic", "order.*.paid", {}],
    ["topic", "order.#", {}],
    ["fanout", "", {}],
    ["headers", "", {}],
    ["x-consistent-hash", "1", {}],
    ["x-random", "", {}],
    ["x-recent-history", "", {}],
    ["x-delayed-message", "order.*.*", { "x-delayed-type": "topic" }],
    ["x-message-deduplication", "", { "x-cache-size": 10 }],
  ] as const
) {
  Deno.test(`new keys go through an exchange of type ${type}, bound by '${binding}'`, async () => {
    await using set = await start();
    const { channel } = set;
    await channel.exchangeDeclare("e", type, { arguments: exchangeArguments });
    await channel.queueDeclare("q");
    await channel.queueBind({ queue: "q", exchange: "e", routingKey: binding });
    for (let round = 0; round < 3; round++) {
      const keys = newKeys();
      await publish(channel, "e", keys);
      assertEquals(await drain(channel, "q"), keys);
      // and the same once more: some are known by now
      await publish(channel, "e", keys);
      assertEquals(await drain(channel, "q"), keys);
    }
  });
}

Deno.test("new keys reach a consumer over TCP and one in the same process", async () => {
  await using set = await start();
  const { channel, broker } = set;
  await using inside = await broker.connect();
  const other = await inside.openChannel();
  const seen: string[][] = [[], []];
  for (const [index, consuming] of [channel, other].entries()) {
    const { queue } = await consuming.queueDeclare("", { exclusive: true });
    await consuming.queueBind({ queue, exchange: "amq.topic", routingKey: "order.#" });
    await consuming.basicConsume(queue, { noAck: true }, (delivery) => {
      assertEquals(delivery.text(), delivery.routingKey);
      seen[index]!.push(delivery.routingKey);
    });
  }
  const keys = newKeys();
  await publish(channel, "amq.topic", keys);
  await channel.queueDeclare("", { exclusive: true }); // its answer comes behind all deliveries
  assertEquals(seen, [keys, keys]);
});

Deno.test("new keys lead to the queues of these names, and to nobody's", async () => {
  await using set = await start();
  const { channel } = set;
  const keys = newKeys(5);
  for (const key of keys) await channel.queueDeclare(key);
  const returned: string[] = [];
  channel.onReturn = ({ routingKey, replyText }) => returned.push(`${routingKey} ${replyText}`);
  const nobody = newKeys(5);
  await publish(channel, "", [...keys, ...nobody], { mandatory: true });
  for (const key of keys) assertEquals(await drain(channel, key), [key]);
  assertEquals(returned, nobody.map((key) => `${key} NO_ROUTE`));
});

Deno.test("new keys of a direct exchange lead where they are bound to", async () => {
  await using set = await start();
  const { channel } = set;
  const keys = newKeys(20);
  for (const queue of ["even", "odd"]) await channel.queueDeclare(queue);
  for (const [index, routingKey] of keys.entries()) {
    const queue = index % 2 === 0 ? "even" : "odd";
    await channel.queueBind({ queue, exchange: "amq.direct", routingKey });
  }
  await publish(channel, "amq.direct", [...newKeys(3), ...keys, ...newKeys(3)]);
  assertEquals(await drain(channel, "even"), keys.filter((_, index) => index % 2 === 0));
  assertEquals(await drain(channel, "odd"), keys.filter((_, index) => index % 2 === 1));
});

Deno.test("new keys go on to alternate exchanges and from exchange to exchange", async () => {
  await using set = await start();
  const { channel } = set;
  await channel.exchangeDeclare("others", "topic");
  await channel.exchangeDeclare("e", "topic", { arguments: { "alternate-exchange": "others" } });
  await channel.exchangeDeclare("behind", "topic");
  await channel.exchangeBind({ source: "e", destination: "behind", routingKey: "order.#" });
  for (const [queue, exchange, routingKey] of [["q", "behind", "*.*.paid"], ["o", "others", "#"]]) {
    await channel.queueDeclare(queue!);
    await channel.queueBind({ queue: queue!, exchange: exchange!, routingKey: routingKey! });
  }
  const keys = newKeys();
  const others = keys.map((key) => `else.${key}`);
  await publish(channel, "e", [...keys, ...others]);
  assertEquals(await drain(channel, "q"), keys);
  assertEquals(await drain(channel, "o"), others);
});

Deno.test("a dead letter tells the new key that it was published with", async () => {
  await using set = await start();
  const { channel } = set;
  await channel.queueDeclare("dead");
  const dlx = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead" };
  await channel.queueDeclare("q", { arguments: dlx });
  await channel.queueBind({ queue: "q", exchange: "amq.topic", routingKey: "order.*.paid" });
  const keys = newKeys();
  await publish(channel, "amq.topic", keys);
  for (const _ of keys) (await channel.basicGet("q"))!.reject({ requeue: false });
  for (const key of keys) {
    const { properties } = (await channel.basicGet("dead", { noAck: true }))!;
    const [death] = properties.headers!["x-death"] as { "routing-keys": string[] }[];
    assertEquals(death!["routing-keys"], [key]);
  }
});

Deno.test("messages with CC, of a transaction, and those that come back keep their new keys", async () => {
  await using set = await start();
  const { channel } = set;
  await channel.queueDeclare("q");
  await channel.queueDeclare("copies");
  await channel.queueBind({ queue: "q", exchange: "amq.topic", routingKey: "order.*.paid" });
  await channel.queueBind({ queue: "copies", exchange: "amq.topic", routingKey: "copy" });
  const keys = newKeys();
  await publish(channel, "amq.topic", keys, { properties: { headers: { CC: ["copy"] } } });
  assertEquals(await drain(channel, "copies"), keys);
  const deliveries = await Promise.all(keys.map(() => channel.basicGet("q")));
  for (const delivery of deliveries) delivery!.nack();
  assertEquals(await drain(channel, "q"), keys);

  await using connection = await connect(set.url);
  const committing = await connection.openChannel();
  await committing.txSelect();
  const committed = newKeys();
  for (const routingKey of committed) {
    committing.basicPublish({ exchange: "amq.topic", routingKey }, routingKey);
  }
  await committing.txCommit();
  assertEquals(await drain(channel, "q"), committed);
});

Deno.test("new keys are seen by whoever watches, and by what may be published", async () => {
  await using set = await start();
  const { channel, broker } = set;
  await channel.queueDeclare("trace");
  await channel.queueBind({ queue: "trace", exchange: "amq.rabbitmq.trace", routingKey: "#" });
  await channel.queueDeclare("q");
  await channel.queueBind({ queue: "q", exchange: "amq.topic", routingKey: "order.#" });
  await broker.setTracing("/", true);
  const keys = newKeys(5);
  await publish(channel, "amq.topic", keys);
  await broker.setTracing("/", false);
  const traced: unknown[] = [];
  for (const _ of keys) {
    const { properties } = (await channel.basicGet("trace", { noAck: true }))!;
    traced.push(...properties.headers!["routing_keys"] as string[]);
  }
  assertEquals(traced, keys);

  await using connection = await connectAsAnn(set, "^order\\.\\d+\\.paid$");
  const limited = await connection.openChannel();
  await limited.confirmSelect();
  await drain(channel, "q");
  const more = newKeys();
  await publish(limited, "amq.topic", more);
  assertEquals(await drain(channel, "q"), more);
  const error = await assertRejects(
    async () =>
      await limited.basicPublish({ exchange: "amq.topic", routingKey: "order.x.paid" }, ""),
    AmqpError,
  );
  assertEquals(error.replyCode, 403);
});

/** Publishes to a queue for even ids and to one for odd ids in turn; each must get its own. */
async function assertApart(channel: Channel, publisher: Channel): Promise<void> {
  for (const queue of ["even", "odd"]) {
    await channel.queueDeclare(queue);
    await channel.queueBind({ queue, exchange: "amq.topic", routingKey: `*.${queue}` });
  }
  for (let round = 0; round < 4; round++) {
    const keys = newKeys().map((_, index) => `${++id}.${index % 2 === 0 ? "even" : "odd"}`);
    await publish(publisher, "amq.topic", keys);
    for (const queue of ["even", "odd"]) {
      assertEquals(await drain(channel, queue), keys.filter((key) => key.endsWith(queue)));
    }
  }
}

Deno.test("new keys are told apart where they are looked at before they are routed", async () => {
  await using set = await start();
  await using connection = await connectAsAnn(set, "^\\d+\\.(even|odd)$");
  const publisher = await connection.openChannel();
  await publisher.confirmSelect();
  await assertApart(set.channel, publisher);
});

Deno.test("new keys are told apart where a tracer writes its headers into messages", async () => {
  const tracer: BrokerOptions["tracer"] = {
    begin: () => ({
      headers: { traceparent: "00-1" },
      run: (callback) => callback(),
      end: () => {},
    }),
  };
  await using set = await start({ tracer });
  await assertApart(set.channel, set.channel);
});

Deno.test("a queue longer than its window, kept in pages, gives new keys back", async () => {
  await using set = await start();
  const { channel } = set;
  await channel.queueDeclare("q");
  await channel.queueBind({ queue: "q", exchange: "amq.topic", routingKey: "order.*.paid" });
  const keys = newKeys(20_000);
  await publish(channel, "amq.topic", keys);
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, keys.length);
  const seen: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  await channel.basicConsume("q", { noAck: true }, (delivery) => {
    assertEquals(delivery.text(), delivery.routingKey);
    if (seen.push(delivery.routingKey) === keys.length) resolve();
  });
  await promise;
  assertEquals(seen, keys);
});

Deno.test("a request with a new key and a direct reply-to keeps its key", async () => {
  await using set = await start();
  const { channel } = set;
  await channel.queueDeclare("q");
  await channel.queueBind({ queue: "q", exchange: "amq.topic", routingKey: "order.*.paid" });
  await channel.basicConsume("amq.rabbitmq.reply-to", { noAck: true }, () => {});
  const keys = newKeys();
  await publish(channel, "amq.topic", keys, { properties: { replyTo: "amq.rabbitmq.reply-to" } });
  assertEquals(await drain(channel, "q"), keys);
});

Deno.test("new keys that are not ASCII are keys like others", async () => {
  await using set = await start();
  const { channel } = set;
  await channel.queueDeclare("q");
  await channel.queueBind({ queue: "q", exchange: "amq.topic", routingKey: "#" });
  const keys = ["é.1", "order.é.2", "日本.3"];
  await publish(channel, "amq.topic", keys);
  assertEquals(await drain(channel, "q"), keys);
});
