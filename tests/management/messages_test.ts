import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect } from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { turns } from "../support/turns.ts";
import { ManagedBroker } from "./support.ts";

const publish = (fields: object) => ({
  properties: {},
  routing_key: "orders",
  payload: "hi",
  payload_encoding: "string",
  ...fields,
});

async function withQueue(): Promise<ManagedBroker> {
  const managed = new ManagedBroker();
  await managed.broker.declareQueue({ queue: "orders" });
  return managed;
}

Deno.test("a message goes in with its properties, and comes out with them", async () => {
  await using managed = await withQueue();
  const properties = {
    content_type: "text/plain",
    delivery_mode: 2,
    priority: 3,
    timestamp: 1_700_000_000,
    headers: { a: 1, b: "c", d: true, e: 1.5, g: [1, "2"], h: { i: null } },
  };
  const { body: routed } = await managed.ask(
    "POST",
    "/exchanges/%2F/amq.default/publish",
    { body: publish({ payload: "grüße", properties }) },
  );
  assertEquals(routed, { routed: true });
  const get = { count: 5, ackmode: "ack_requeue_true", encoding: "auto" };
  for (const redelivered of [false, true]) {
    const { body } = await managed.ask("POST", "/queues/%2F/orders/get", { body: get });
    assertEquals(body, [{
      payload_bytes: 7,
      redelivered,
      exchange: "",
      routing_key: "orders",
      message_count: 0,
      properties,
      payload: "grüße",
      payload_encoding: "string",
    }]);
  }
});

Deno.test("headers come out with all digits of their integers", async () => {
  await using managed = await withQueue();
  const channel = await (await managed.broker.connect()).openChannel();
  const headers = { max: 2n ** 63n - 1n, deep: [{ min: -(2n ** 63n) }], safe: 2 ** 53 - 1 };
  await channel.basicPublish({ routingKey: "orders", properties: { headers } }, "x");
  const get = { count: 1, ackmode: "ack_requeue_true", encoding: "auto" };
  const { text } = await managed.ask("POST", "/queues/%2F/orders/get", { body: get });
  assertStringIncludes(
    text,
    '"headers":{"max":9223372036854775807,"deep":[{"min":-9223372036854775808}],' +
      '"safe":9007199254740991}',
  );
});

Deno.test("headers go in with all digits of their integers, and what is no header is told as it is", async () => {
  await using managed = await withQueue();
  const channel = await (await managed.broker.connect()).openChannel();
  const headers = '{"id":1234567890123456789,"deep":[{"min":-9223372036854775808}],"float":1e300}';
  const publishing = (properties: string, key = '"orders"') =>
    managed.ask("POST", "/exchanges/%2F/amq.default/publish", {
      body: `{"routing_key":${key},"payload":"1111222233334444","payload_encoding":"string",` +
        `"properties":${properties}}`,
    });
  assertEquals((await publishing(`{"headers":${headers}}`)).body, { routed: true });
  const delivery = await channel.basicGet("orders");
  assertEquals(delivery?.properties.headers, {
    id: 1234567890123456789n,
    deep: [{ min: -(2n ** 63n) }],
    float: 1e300,
  });
  for (
    const [properties, key] of [
      ['{"headers":{"id":9223372036854775808}}', '"orders"'],
      ['{"delivery_mode":12345678901234567890,"headers":{}}', '"orders"'],
      ["12345678901234567890", '"orders"'],
      ['{"headers":{}}', "[12345678901234567890]"],
    ] as const
  ) assertEquals((await publishing(properties, key)).status, 400);
});

Deno.test("of an integer in headers no more digits are read than say that it is none of 64 bits", async () => {
  await using managed = await withQueue();
  for (const sign of ["", "-"]) {
    const { status, body } = await managed.ask("POST", "/exchanges/%2F/amq.default/publish", {
      body: `{"routing_key":"orders","payload":"","payload_encoding":"string",` +
        `"properties":{"headers":{"id":${sign}${"9".repeat(100_000)}}}}`,
    });
    assertEquals(status, 400);
    // each digit that was read is told
    assertEquals(body.reason.length < 200, true);
  }
});

Deno.test("messages that wait are sorted by integers of 64 bits, and these have no fields", async () => {
  await using managed = await withQueue();
  const channel = await (await managed.broker.connect()).openChannel();
  for (const at of [2n ** 63n - 1n, 5, -(2n ** 63n), 2n ** 63n - 2n]) {
    const properties = { headers: { at, list: [at] } };
    await channel.basicPublish({ routingKey: "orders", properties }, `${at}`);
  }
  const path = "/queues/%2F/orders/messages?columns=payload&sort=properties.headers";
  const sorted = await managed.get(`${path}.at`);
  assertEquals(
    sorted.map(({ payload }: { payload: string }) => payload),
    ["-9223372036854775808", "5", "9223372036854775806", "9223372036854775807"],
  );
  assertEquals((await managed.get(`${path}.list`)).length, 4);
  const { text } = await managed.ask(
    "GET",
    "/queues/%2F/orders/messages?limit=1&columns=properties.headers.at.rawJSON",
  );
  assertEquals(text, '[{"properties":{"headers":{"at":9223372036854775807}}}]');
});

Deno.test("a body in base64 has whole groups of characters, between which there may be space", async () => {
  await using managed = await withQueue();
  const status = async (payload: string) => {
    const body = publish({ payload, payload_encoding: "base64" });
    return (await managed.ask("POST", "/exchanges/%2F/amq.default/publish", { body })).status;
  };
  for (const payload of ["", "YWJj", "YWI=", "YQ==", "YQ= =\n", " Y W\tJj\r\n"]) {
    assertEquals([payload, await status(payload)], [payload, 200]);
  }
  for (const payload of ["flibble", "YWI", "YQ", "YQ=", "Y", "@@@@", "YWJjYQ\n"]) {
    assertEquals([payload, await status(payload)], [payload, 400]);
  }
});

Deno.test("a body that is no text comes out in base64, and can be cut", async () => {
  await using managed = await withQueue();
  await managed.ask("POST", "/exchanges/%2F/amq.default/publish", {
    body: publish({ payload: "//79", payload_encoding: "base64" }),
  });
  const get = { count: 1, ackmode: "ack_requeue_false", encoding: "auto", truncate: 2 };
  const { body } = await managed.ask("POST", "/queues/%2F/orders/get", { body: get });
  assertEquals(
    [body[0].payload, body[0].payload_encoding, body[0].payload_bytes],
    ["//4=", "base64", 3],
  );
  assertEquals((await managed.ask("POST", "/queues/%2F/orders/get", { body: get })).body, []);
});

Deno.test("a message that goes nowhere is not routed, and one that may not be is refused", async () => {
  await using managed = await withQueue();
  const post = (exchange: string, fields: object) =>
    managed.ask("POST", `/exchanges/%2F/${exchange}/publish`, { body: publish(fields) });
  assertEquals((await post("amq.default", { routing_key: "none" })).body, { routed: false });
  const missing = await post("none", {});
  assertEquals(missing.body.reason, "404 NOT_FOUND - no exchange 'none' in vhost '/'");
  const other = await post("amq.default", { properties: { user_id: "other" } });
  assertEquals(
    other.body.reason,
    "406 PRECONDITION_FAILED - user_id property set to 'other' but authenticated user was 'guest'",
  );
});

Deno.test("a message that a queue refuses is told to be rejected, in RabbitMQ's words", async () => {
  await using managed = new ManagedBroker();
  const full = { "x-max-length": 1, "x-overflow": "reject-publish" };
  await managed.ask("PUT", "/queues/%2F/full", { body: { arguments: full } });
  const publish = () =>
    managed.ask("POST", "/exchanges/%2F/amq.default/publish", {
      body: { routing_key: "full", properties: {}, payload: "x", payload_encoding: "string" },
    });
  assertEquals((await publish()).body, { routed: true });
  const { status, body } = await publish();
  assertEquals([status, body], [400, {
    error: "bad_request",
    reason: "rejected Unable to publish message. Check queue limits.",
  }]);
});

Deno.test("messages that wait are looked at, deleted and moved where they are", async () => {
  await using managed = await withQueue();
  await managed.broker.declareQueue({ queue: "parked" });
  for (const payload of ["1", "broken", "2"]) {
    await managed.ask("POST", "/exchanges/%2F/amq.default/publish", { body: publish({ payload }) });
  }
  const path = "/queues/%2F/orders";
  const page = await managed.get(`${path}/messages?limit=2`);
  assertEquals(page.map(({ payload }: { payload: string }) => payload), ["1", "broken"]);
  const gone = await managed.ask("DELETE", `${path}/messages`, { body: { ids: [page[1].id] } });
  assertEquals(gone.body, { deleted: 1 });
  const next = await managed.get(`${path}/messages?after=${page[0].id}`);
  assertEquals(next.map(({ payload }: { payload: string }) => payload), ["2"]);
  const to = { ids: "all", exchange: "", routing_key: "parked" };
  assertEquals((await managed.ask("POST", `${path}/move`, { body: to })).body, { moved: 2 });
  assertEquals((await managed.get("/queues/%2F/parked")).messages, 2);
  assertEquals((await managed.get(path)).messages, 0);

  await managed.addUser("ann", "management");
  const mine = "^ann\\.";
  await managed.broker.setPermissions({ user: "ann", configure: mine, write: mine, read: mine });
  const user = "ann:p";
  assertEquals((await managed.ask("GET", `${path}/messages`, { user })).status, 401);
  assertEquals((await managed.ask("POST", `${path}/move`, { user, body: to })).status, 401);
});

Deno.test("messages that an exchange holds back are listed and cancelled", async () => {
  await using managed = await withQueue();
  await managed.broker.declareExchange({
    exchange: "later",
    type: "x-delayed-message",
    arguments: { "x-delayed-type": "fanout" },
  });
  await managed.broker.bind({ source: "later", destination: "orders" });
  for (const delay of [60_000, 90_000]) {
    const properties = { headers: { "x-delay": delay } };
    await managed.ask("POST", "/exchanges/%2F/later/publish", { body: publish({ properties }) });
  }
  const path = "/exchanges/%2F/later/delayed";
  const waiting = await managed.get(path);
  assertEquals(waiting.length, 2);
  const gone = await managed.ask("DELETE", path, { body: { ids: [waiting[0].id] } });
  assertEquals(gone.body, { deleted: 1 });
  const sent = await managed.ask("POST", `${path}/publish`, { body: { ids: "all" } });
  assertEquals(sent.body, { published: 1 });
  assertEquals((await managed.get("/queues/%2F/orders")).messages, 1);
});

Deno.test("a message that an alarm holds back is waited for, but not for ever", async () => {
  const clock = new ManualClock(1_700_000_000_000);
  await using managed = new ManagedBroker({ clock });
  const { broker } = managed;
  await broker.declareQueue({ queue: "orders" });
  const body = { routing_key: "orders", properties: {}, payload: "x", payload_encoding: "string" };
  const post = () => managed.ask("POST", "/exchanges/%2F/amq.default/publish", { body });
  const heldBack = async () => {
    while (![...broker.connections()].some(({ state }) => state === "blocked")) {
      await new Promise((resolve) => setTimeout(resolve));
    }
  };
  const waiting = () => [...broker.queues()][0]!.messages;
  broker.setMemoryHighWatermark(0);
  const late = post();
  await heldBack();
  clock.advance(30_000);
  const { status, body: { reason } } = await late;
  assertEquals([status, reason], [503, "publishing is held back: low on memory"]);
  // whoever was told so may publish it again: it is not there as well when the alarm has ended
  assertEquals([...broker.connections()], []);
  broker.setMemoryHighWatermark(Infinity);
  assertEquals((await post()).body, { routed: true });
  assertEquals(waiting(), 1);

  broker.setMemoryHighWatermark(0);
  const patient = post();
  await heldBack();
  broker.setMemoryHighWatermark(Infinity);
  assertEquals((await patient).body, { routed: true });
  assertEquals(waiting(), 2);
});

for (const alarmEndsFirst of [false, true]) {
  const when = alarmEndsFirst ? "as the alarm ends" : "as it is given up";
  Deno.test(`a message that is held back arrives if its client is told so and not otherwise, ${when} too`, async () => {
    const clock = new ManualClock(1_700_000_000_000);
    await using managed = new ManagedBroker({ clock });
    const { broker } = managed;
    await broker.declareQueue({ queue: "orders" });
    const body = {
      routing_key: "orders",
      properties: {},
      payload: "x",
      payload_encoding: "string",
    };
    const isBlocked = () => [...broker.connections()].some(({ state }) => state === "blocked");
    broker.setMemoryHighWatermark(0);
    const late = managed.ask("POST", "/exchanges/%2F/amq.default/publish", { body });
    while (!isBlocked()) await new Promise((resolve) => setTimeout(resolve));
    if (alarmEndsFirst) {
      broker.setMemoryHighWatermark(Infinity);
      // the message is taken in this turn, and its confirm comes at the end of it
      while (isBlocked()) await endOfTurn();
    }
    clock.advance(30_000);
    broker.setMemoryHighWatermark(Infinity);
    assertEquals((await late).status, alarmEndsFirst ? 200 : 503);
    while (broker.count("connection") > 0) await new Promise((resolve) => setTimeout(resolve));
    assertEquals([...broker.queues()][0]!.messages, alarmEndsFirst ? 1 : 0);
  });
}

Deno.test("messages that lie all over the disk are seen, moved and deleted as many as are asked for", async () => {
  await using managed = new ManagedBroker(new SimulatedDisk().options({ messageMemory: 1 }));
  const { broker } = managed;
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  for (const queue of ["a", "b", "to"]) await channel.queueDeclare(queue);
  // not more than one message of `a` in a page
  const fill = "x".repeat(4000);
  for (let number = 0; number < 60; number++) {
    for (let count = 0; count < 265; count++) channel.basicPublish({ routingKey: "b" }, fill);
    await channel.basicPublish({ routingKey: "a" }, `${number} ${fill}`);
  }
  const look = (queue: string) =>
    managed.ask("GET", `/queues/%2F/${queue}/messages?limit=500&truncate=10`);
  const numbers = (body: { payload: string }[]) => body.map(({ payload }) => parseInt(payload));
  const { body: all } = await look("a");
  assertEquals(numbers(all), Array.from({ length: 60 }, (_, number) => number));
  assert(broker.queuedMessages({ queue: "a" }, { limit: 500, bodyBytes: 10 }).length < 60);

  const ids = all.slice(10, 50).map(({ id }: { id: number }) => id);
  const to = { exchange: "", routing_key: "to" };
  const { body: moved } = await managed.ask("POST", "/queues/%2F/a/move", {
    body: { ids, ...to },
  });
  const { body: deleted } = await managed.ask("DELETE", "/queues/%2F/a/messages", {
    body: { ids: all.slice(0, 20).map(({ id }: { id: number }) => id) },
  });
  assertEquals([moved, deleted], [{ moved: 40 }, { deleted: 10 }]);
  const { body: rest } = await managed.ask("POST", "/queues/%2F/a/move", {
    body: { ids: "all", ...to },
  });
  assertEquals([rest, (await look("a")).body], [{ moved: 10 }, []]);
  assertEquals(numbers((await look("to")).body), Array.from({ length: 50 }, (_, at) => at + 10));
});

Deno.test("very many messages are told in pieces, and go back as is asked for", async () => {
  await using managed = new ManagedBroker();
  await using connection = await managed.broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  for (let number = 0; number < 5000; number++) {
    channel.basicPublish({ routingKey: "q", properties: { headers: { number } } }, 'é\n"');
  }
  for (const ackmode of ["ack_requeue_true", "reject_requeue_true", "ack_requeue_false"]) {
    const pieces = await managed.pieces("/queues/%2F/q/get", {
      ...{ ackmode, count: 4000, encoding: "auto" },
    });
    assert(pieces.length >= 10, `${pieces.length} pieces`);
    const told = JSON.parse(await new Blob(pieces as BlobPart[]).text());
    assertEquals(told.length, 4000);
    assertEquals(told.at(-1), {
      payload_bytes: 4,
      redelivered: ackmode !== "ack_requeue_true",
      exchange: "",
      routing_key: "q",
      message_count: 1000,
      properties: { headers: { number: 3999 } },
      payload: 'é\n"',
      payload_encoding: "string",
    });
  }
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, 1000);
});

Deno.test("what messages have besides their bodies counts for how much is told at once", async () => {
  await using managed = new ManagedBroker();
  await using connection = await managed.broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const properties = { headers: { long: "h".repeat(100_000) } };
  for (let number = 0; number < 400; number++) {
    void channel.basicPublish({ routingKey: "q", properties }, "");
  }
  const told = await managed.ask("POST", "/queues/%2F/q/get", {
    body: { ackmode: "ack_requeue_true", count: 400, encoding: "auto" },
  });
  assertEquals(told.body.length, Math.ceil(32 * 1024 * 1024 / 100_151));
  // the rest is there, and so is what was told
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, 400);
});

Deno.test("a long body is told as a short one, wherever its parts end", async () => {
  await using managed = new ManagedBroker();
  await using connection = await managed.broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const text = 'x"\n€𝄞'.repeat(30_000);
  const bytes = new TextEncoder().encode(text);
  const get = async (more: Record<string, unknown>) =>
    (await managed.ask("POST", "/queues/%2F/q/get", {
      body: { ackmode: "ack_requeue_true", count: 1, encoding: "auto", ...more },
    })).body[0];
  await channel.basicPublish({ routingKey: "q" }, bytes);
  const asText = await get({});
  assertEquals([asText.payload_encoding, asText.payload === text], ["string", true]);
  const encoded = await get({ encoding: "base64" });
  assertEquals([encoded.payload_encoding, encoded.payload === bytes.toBase64()], ["base64", true]);
  // it ends within a character
  const cut = await get({ truncate: 100_009 });
  assertEquals(cut.payload_encoding, "base64");
  assertEquals(Uint8Array.fromBase64(cut.payload), bytes.slice(0, 100_009));
  await channel.queuePurge("q");
  await channel.basicPublish({ routingKey: "q" }, new Uint8Array([...bytes, 0xff]));
  assertEquals((await get({})).payload_encoding, "base64");
});

Deno.test("headers that fit no frame are refused: no consumer would keep its connection", async () => {
  await using managed = await withQueue();
  const post = (long: string) =>
    managed.ask("POST", "/exchanges/%2F/amq.default/publish", {
      body: publish({ properties: { headers: { long } } }),
    });
  assertEquals((await post("x".repeat(130_000))).body, { routed: true });
  const refused = await post("x".repeat(132_000));
  assertEquals([refused.status, refused.body.error], [400, "bad_request"]);
  await using server = await managed.broker.listen({ port: 0 });
  await using connection = await connect(`amqp://127.0.0.1:${server.port}`);
  const delivery = await (await connection.openChannel()).basicGet("orders", { noAck: true });
  assertEquals(delivery?.properties.headers?.["long"], "x".repeat(130_000));
});

Deno.test("headers have to fit the frame together with the other properties", async () => {
  await using managed = await withQueue();
  // just fits
  const headers = { long: "x".repeat(131_072 - 8 - 12 - 2 - 4 - 10) };
  const post = (others: object) =>
    managed.ask("POST", "/exchanges/%2F/amq.default/publish", {
      body: publish({ properties: { headers, ...others } }),
    });
  const refused = await post({ message_id: "m" });
  assertEquals([refused.status, refused.body.error], [400, "bad_request"]);
  assertEquals((await post({})).body, { routed: true });
  await using server = await managed.broker.listen({ port: 0 });
  await using connection = await connect(`amqp://127.0.0.1:${server.port}`);
  const delivery = await (await connection.openChannel()).basicGet("orders", { noAck: true });
  assertEquals(delivery?.properties.headers, headers);
});

/** Each takes some 80 KB on the wire, and far more as an object. */
const LARGE_HEADERS = Object.fromEntries(
  Array.from({ length: 12_000 }, (_, index) => [`h${index}`, true]),
);

for (const where of ["a queue", "a queue on disk", "a stream"]) {
  Deno.test(`messages of ${where} with large headers are looked at a few at a time`, async () => {
    await using managed = where === "a queue on disk"
      ? new ManagedBroker(new SimulatedDisk().options({ messageMemory: 1 }))
      : new ManagedBroker();
    const type = where === "a stream" ? { "x-queue-type": "stream" } : {};
    const durable = where !== "a queue";
    await managed.broker.declareQueue({ queue: "orders", durable, arguments: type });
    await publishLarge(managed, { routingKey: "orders" }, 40);
    const found: number[] = [];
    const pages: number[] = [];
    for (let after = -1;;) {
      const path = `/queues/%2F/orders/messages?columns=id&limit=500&after=${after}`;
      const ids = (await managed.get(path)).map(({ id }: { id: number }) => id);
      if (ids.length === 0) break;
      pages.push(ids.length);
      found.push(...ids);
      after = ids.at(-1)!;
    }
    assertEquals(new Set(found).size, 40);
    assert(Math.max(...pages) < 38, `${pages}`);
    // a turn makes objects of a few
    assert(managed.broker.queuedMessages({ queue: "orders" }, { limit: 500 }).length < 15);
  });
}

Deno.test("messages with large headers that are held back are looked at a few at a time", async () => {
  await using managed = new ManagedBroker();
  await managed.broker.declareExchange({
    exchange: "later",
    type: "x-delayed-message",
    arguments: { "x-delayed-type": "fanout" },
  });
  await publishLarge(managed, { exchange: "later" }, 70);
  const found: number[] = [];
  const pages: number[] = [];
  for (;;) {
    const path = `/exchanges/%2F/later/delayed?columns=id&limit=500&offset=${found.length}`;
    const ids = (await managed.get(path)).map(({ id }: { id: number }) => id);
    if (ids.length === 0) break;
    pages.push(ids.length);
    found.push(...ids);
  }
  assertEquals(new Set(found).size, 70);
  assert(Math.max(...pages) < 60, `${pages}`);
});

Deno.test("who waits for his turn to look at messages has not looked at them yet", async () => {
  await using managed = await withQueue();
  const { broker } = managed;
  const look = broker.queuedMessages.bind(broker);
  let looks = 0;
  broker.queuedMessages = (...how) => {
    looks++;
    return look(...how);
  };
  // more than a stream makes before it is read
  const body = publish({ payload: "x".repeat(60_000) });
  for (let count = 0; count < 5; count++) {
    await managed.ask("POST", "/exchanges/%2F/amq.default/publish", { body });
  }
  const path = "/queues/%2F/orders/messages";
  const unread: Response[] = [];
  for (let count = 0; count < 4; count++) unread.push(await managed.response(path));
  const before = looks;
  const fifth = managed.get(path);
  await turns(20);
  assertEquals(looks, before);
  for (const response of unread) await response.body!.cancel();
  assertEquals((await fifth).length, 5);
});

Deno.test("messages that nobody waits for any more are not taken", async () => {
  await using managed = await withQueue();
  for (let count = 0; count < 3; count++) {
    await managed.ask("POST", "/exchanges/%2F/amq.default/publish", { body: publish({}) });
  }
  const body = { count: 5, ackmode: "ack_requeue_false", encoding: "auto" };
  await managed.ask("POST", "/queues/%2F/orders/get", { body, gone: AbortSignal.abort() });
  assertEquals((await managed.get("/queues/%2F/orders")).messages, 3);
});

async function publishLarge(
  { broker }: ManagedBroker,
  where: { exchange?: string; routingKey?: string },
  count: number,
): Promise<void> {
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  const headers = { ...LARGE_HEADERS, "x-delay": 600_000 };
  const properties = { headers, deliveryMode: 2 };
  for (let index = 0; index < count; index++) {
    await channel.basicPublish({ ...where, properties }, "x");
  }
}
