/**
 * What publishers, consumers and RPC show to a user, whatever carries the conversation: each case runs
 * in process, over TCP and over WebSocket, and none of it is Warren's alone, so it runs against a
 * RabbitMQ too (`deno task interop`).
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { EncodeError } from "../../broker/amqp/field_value.ts";
import {
  type Codec,
  CodecError,
  type Connection,
  ConnectionLostError,
  type ExchangeBindOptions,
  type Message,
  type MessageOptions,
  PublishNackedError,
  type QueueBindOptions,
  RpcError,
  UnroutableError,
} from "../../client/mod.ts";
import { within } from "../support/within.ts";

/** Waits until there is no such queue: RabbitMQ 4 deletes one without consumers when it comes to it. */
async function gone(connection: Connection, queue: string): Promise<void> {
  for (;;) {
    const channel = await connection.openChannel();
    try {
      await channel.queueDeclare(queue, { passive: true });
    } catch (error) {
      if (error instanceof AmqpError && error.replyCode === 404) return;
      throw error;
    }
    await channel.close();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A case: a rule, and what shows it. */
export interface MessagingCase {
  readonly name: string;
  readonly run: (connection: Connection) => Promise<void>;
}

const encoder = new TextEncoder();

/** A queue of this connection alone. */
async function newQueue(connection: Connection): Promise<string> {
  const channel = await connection.openChannel();
  return (await channel.queueDeclare("", { exclusive: true })).queue;
}

/** Collects messages until there are so many. */
function collector<Body>(count: number): {
  readonly take: (message: Message<Body>) => void;
  readonly all: Promise<Message<Body>[]>;
} {
  const seen: Message<Body>[] = [];
  const { promise, resolve } = Promise.withResolvers<Message<Body>[]>();
  const take = (message: Message<Body>) => {
    if (seen.push(message) === count) resolve(seen);
  };
  return { take, all: promise };
}

/** All cases. */
export const messaging: readonly MessagingCase[] = [
  {
    name: "nothing is handed out any more once the connection is closed",
    async run(connection) {
      await using publisher = await connection.publisher();
      const going = Promise.withResolvers<void>();
      const handled: unknown[] = [];
      const consumers = [];
      for (const noAck of [false, true]) {
        for (const isIterated of [false, true]) {
          const queue = await newQueue(connection);
          for (const body of ["1", "2", "3"]) await publisher.publish(body, { routingKey: queue });
          const options = { queue, prefetch: 10, noAck };
          if (isIterated) {
            const consumer = await connection.consumer(options);
            assertEquals((await consumer.next()).value?.body, "1");
            consumers.push(consumer);
          } else {
            const started = Promise.withResolvers<void>();
            await connection.consumer(options, ({ body }) => {
              handled.push(body);
              started.resolve();
              return going.promise;
            });
            await started.promise;
          }
        }
      }
      // time for those sent ahead
      for (let count = 0; count < 5; count++) await newQueue(connection);
      await connection.close();
      going.resolve();
      for (const consumer of consumers) {
        assertEquals(await consumer.next(), { done: true, value: undefined });
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
      assertEquals(handled, ["1", "1"]);
    },
  },
  {
    name: "bytes in buffers that are shared or can be resized are sent and compressed like others",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ routingKey: queue });
      const buffers = [new SharedArrayBuffer(3), new ArrayBuffer(3, { maxByteLength: 9 })];
      const expected = new Uint8Array([1, 2, 3]);
      for (const buffer of buffers) {
        const bytes = new Uint8Array(buffer as ArrayBuffer);
        bytes.set(expected);
        const gzip = { contentEncoding: "gzip" };
        await publisher.publish(bytes);
        await publisher.publish(bytes, { properties: gzip });
      }
      const { take, all } = collector<Uint8Array>(4);
      await using _consumer = await connection.consumer<Uint8Array>({ queue }, take);
      assertEquals((await all).map(({ body }) => body), Array(4).fill(expected));
    },
  },
  {
    name: "a message that comes back is known by an id that does not arrive as it was given",
    async run(connection) {
      await using publisher = await connection.publisher({ mandatory: true });
      const routingKey = `nowhere-${crypto.randomUUID()}`;
      for (const messageId of ["sound", "lone \ud800", ""]) {
        const properties = { messageId };
        await assertRejects(
          () => publisher.publish("x", { routingKey, properties }),
          UnroutableError,
        );
      }
    },
  },
  {
    name: "bodies arrive as their content types say",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ routingKey: queue });
      const gzip = { contentEncoding: "gzip" };
      await publisher.publish({ a: [1, null] });
      await publisher.publish("grüße");
      await publisher.publish(new Uint8Array([0, 255]));
      await publisher.publish("{}", { properties: { contentType: "application/json" } });
      await publisher.publish({ b: "x".repeat(1000) }, { properties: gzip });
      await publisher.publish(encoder.encode("plain"), {
        properties: { ...gzip, contentType: "text/plain; charset=utf-8" },
      });
      await publisher.publish(new Uint8Array([0xfc]), {
        properties: { contentType: "text/plain; charset=iso-8859-1" },
      });
      await publisher.publish("<a/>", { properties: { contentType: "application/xml" } });
      const { take, all } = collector(8);
      await using _ = await connection.consumer({ queue, noAck: true }, take);
      const messages = await all;
      assertEquals(messages.map(({ body }) => body), [
        { a: [1, null] },
        "grüße",
        new Uint8Array([0, 255]),
        {},
        { b: "x".repeat(1000) },
        "plain",
        "ü",
        encoder.encode("<a/>"),
      ]);
      assertEquals(messages.slice(0, 3).map(({ properties }) => properties.contentType), [
        "application/json",
        "text/plain",
        undefined,
      ]);
      assert(messages[4]!.delivery.bodySize < 100, "it is compressed");
      const ids = new Set(messages.map(({ properties }) => properties.messageId));
      assertEquals([ids.size, ids.has(undefined)], [8, false]);
    },
  },
  {
    name: "what cannot be encoded rejects, and nothing is sent",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ routingKey: queue });
      await assertRejects(() => publisher.publish({ n: 1n }), CodecError, "application/json");
      await assertRejects(() => publisher.publish(undefined), CodecError, "JSON has no undefined");
      const unknown = { properties: { contentType: "image/png" } };
      await assertRejects(() => publisher.publish({}, unknown), CodecError, "`codecs`");
      const misspelt = { properties: { contenttype: "text/plain" } as object };
      await assertRejects(() => publisher.publish("x", misspelt), TypeError, "contentType");
      const header = { properties: { headers: { f: (() => 1) as unknown as string } } };
      await assertRejects(() => publisher.publish("x", header), TypeError, '["f"]');
      const long = { routingKey: "k".repeat(256) };
      await assertRejects(() => publisher.publish("x", long), TypeError, "255 octets");
      assertEquals([publisher.buffered, publisher.unconfirmedCount], [0, 0]);
      const channel = await connection.openChannel();
      assertEquals((await channel.queueDeclare(queue, { passive: true })).messageCount, 0);
    },
  },
  {
    name: "a value that no table takes is told of at once, with what to do",
    async run(connection) {
      const queue = await newQueue(connection);
      const channel = await connection.openChannel();
      await using publisher = await connection.publisher({ routingKey: queue });
      const cycle: { self?: unknown } = {};
      cycle.self = [cycle];
      const values: readonly (readonly [unknown, string])[] = [
        [2n ** 63n, "out of the range of 64 bits; write it as a string"],
        [-(2n ** 63n) - 1n, "out of the range of 64 bits"],
        [new Date(NaN), "date is invalid; leave it out"],
        [() => 1, "function is not a field value; use a string"],
        [Symbol("s"), "symbol is not a field value"],
        [new Map(), "Map is not a field value"],
        [cycle, "or one contains itself"],
        [{ list: [1, { deep: new Set() }] }, '["v"]["list"][1]["deep"]: Set'],
      ];
      for (const [value, text] of values) {
        const v = value as string;
        const properties = { headers: { v } };
        const told = (call: () => Promise<unknown>) => assertRejects(call, EncodeError, text);
        await told(() => publisher.publish("x", { properties }));
        await told(() => connection.publisher({ properties }));
        await told(() => channel.queueDeclare("", { arguments: { v } }));
        await told(() => channel.queueBind({ queue, exchange: "amq.headers", arguments: { v } }));
        await told(() => connection.consumer({ queue, arguments: { v } }));
        // deno-lint-ignore require-await -- what it throws
        await told(async () => channel.basicPublish({ routingKey: queue, properties }, "x"));
      }
      // nothing was sent: the channel is open, and the queue is empty
      assertEquals((await channel.queueDeclare(queue, { passive: true })).messageCount, 0);
      const headers = { most: 2n ** 63n - 1n, least: -(2n ** 63n), at: new Date(5000), none: null };
      await publisher.publish("x", { properties: { headers } });
      assertEquals((await channel.basicGet(queue))?.properties.headers, headers);
    },
  },
  {
    name: "a body of which JSON keeps nothing is refused",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ routingKey: queue });
      const bodies: readonly unknown[] = [
        new ArrayBuffer(1),
        new Uint16Array(1),
        new DataView(new ArrayBuffer(1)),
        new Blob(["x"]),
        new Map([[1, 2]]),
        new Set([1]),
        Promise.resolve("not awaited"),
        new Error("no text"),
        new Date(NaN),
        NaN,
        -Infinity,
        () => 1,
        Symbol("s"),
        new URLSearchParams("a=1"),
        new Headers({ a: "1" }),
        new FormData(),
        new SharedArrayBuffer(1),
        new WeakMap(),
      ];
      for (const body of bodies) {
        await assertRejects(() => publisher.publish(body), CodecError, "JSON has no");
        const nested = { id: 1, list: ["x", { deep: body, more: 2 }] };
        await assertRejects(() => publisher.publish(nested), CodecError, "JSON has no");
      }
      const bytes = { image: new Uint8Array([1]) };
      await assertRejects(() => publisher.publish(bytes), CodecError, "JSON has no Uint8Array");
      await assertRejects(() => publisher.publish(() => 1), CodecError, "JSON has no function");
      const own = { toJSON: () => null };
      const sound: readonly unknown[] = [
        {},
        [],
        0,
        null,
        false,
        new Date(0),
        { empty: {}, none: null, text: "{} null", at: [new Date(0)], unset: undefined, own },
        [undefined, Object.create(null)],
        { 0: "a key like that of a view" },
        Object.assign(new Error("no text"), { code: 1 }),
      ];
      for (const body of sound) await publisher.publish(body);
    },
  },
  {
    name: "what has no text of its own is refused as one",
    async run(connection) {
      const queue = await newQueue(connection);
      const properties = { contentType: "text/plain" };
      await using publisher = await connection.publisher({ routingKey: queue, properties });
      const bodies: readonly unknown[] = [
        { a: 1 },
        [1, { a: 1 }],
        Object.create(null),
        new Map(),
        Promise.resolve("not awaited"),
        new Uint16Array(1),
        null,
        undefined,
        Symbol("s"),
        () => 1,
      ];
      for (const body of bodies) {
        await assertRejects(() => publisher.publish(body), CodecError, "is no text; publish");
      }
      const texts = [5, 2n ** 70n, true, new URL("http://localhost/a"), new Error("why")];
      for (const body of texts) await publisher.publish(body);
      const { take, all } = collector(texts.length);
      await using _ = await connection.consumer({ queue, noAck: true }, take);
      assertEquals((await all).map(({ body }) => body), texts.map(String));
    },
  },
  {
    name: "a text whose content type names a charset that it is not sent in is refused",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ routingKey: queue });
      const publish = (body: unknown, contentType: string) =>
        publisher.publish(body, { properties: { contentType } });
      const latin = "text/plain; charset=ISO-8859-1";
      await assertRejects(() => publish("grün", latin), CodecError, "publish the bytes");
      await assertRejects(() => publish("grün", 'text/x; a=b;charset="us-ascii"'), CodecError);
      await assertRejects(() => publish(5, latin), CodecError, "iso-8859-1");
      const json = "application/json; charset=utf-16";
      await assertRejects(() => publish({ a: 1 }, json), CodecError, "UTF-8");
      await publish("grün", 'text/plain; charset="UTF-8"');
      await publish("plain", "text/plain; charset=us-ascii");
      await publish(new Uint8Array([0x67, 0xfc]), latin);
      await publish({ a: "ü" }, "application/json; charset=utf-8");
      const { take, all } = collector(4);
      await using _ = await connection.consumer({ queue, noAck: true }, take);
      const bodies = (await all).map(({ body }) => body);
      assertEquals(bodies, ["grün", "plain", "gü", { a: "ü" }]);
    },
  },
  {
    name: "a content encoding that nobody knows is told of, one that changes nothing is not",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ routingKey: queue });
      const brotli = { contentEncoding: "br", contentType: "application/json" };
      const refused = publisher.publish({ a: 1 }, { properties: brotli });
      await assertRejects(() => refused, CodecError, "no codec for content encoding br");
      await publisher.publish(encoder.encode("{"), { properties: brotli });
      await publisher.publish({ a: 2 }, { properties: { contentEncoding: "utf-8" } });
      const opaque = { contentEncoding: "br", contentType: "image/x-unknown" };
      await publisher.publish(new Uint8Array([1]), { properties: opaque });
      const errors: unknown[] = [];
      const own: Codec = {
        contentType: "x/y",
        encode: () => 5 as unknown as string,
        decode: String,
      };
      const consumer = await connection.consumer({
        queue,
        onFailure(error) {
          errors.push((error as Error).message);
          return "ack";
        },
      });
      assertEquals((await consumer.next()).value?.body, { a: 2 });
      assertEquals((await consumer.next()).value?.body, new Uint8Array([1]));
      assertEquals(errors.length, 1);
      assert(String(errors[0]).includes("no codec for content encoding br"), String(errors[0]));
      await consumer.close();
      await using wrong = await connection.publisher({ routingKey: queue, codecs: [own] });
      const unfit = wrong.publish({}, { properties: { contentType: "x/y" } });
      await assertRejects(() => unfit, CodecError, "its codec made number of it");
    },
  },
  {
    name: "an error of a handler that nobody decides about is told, and so is one of who decides",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ routingKey: queue });
      const told: string[] = [];
      connection.onError = (error, delivery) => {
        assertEquals(delivery, undefined); // it is settled as its consumer says
        told.push(String(error));
      };
      const wrong = "later" as "ack";
      const decisions = [
        "reject" as const,
        () => "ack" as const,
        () => {
          throw new Error("undecided");
        },
        () => wrong,
      ];
      for (const onFailure of decisions) {
        const failed = Promise.withResolvers<void>();
        const consumer = await connection.consumer({ queue, onFailure }, ({ redelivered }) => {
          if (redelivered) return failed.resolve();
          if (typeof onFailure === "string") failed.resolve();
          else if (decisions.indexOf(onFailure) === 1) failed.resolve();
          throw new Error("unable");
        });
        await publisher.publish("x");
        await failed.promise;
        await consumer.close();
      }
      assertEquals(told, [
        "Error: unable",
        "Error: undecided",
        'TypeError: Cannot settle by onFailure: it gave "later", not requeue, reject or ack',
      ]);
    },
  },
  {
    name: "a codec is found whatever the case of its content type, and with whatever parameters",
    async run(connection) {
      const queue = await newQueue(connection);
      const own: Codec = {
        contentType: "Application/X-Numbers",
        encode: (value) => (value as number[]).join(),
        decode: (bytes) => new TextDecoder().decode(bytes).split(",").map(Number),
      };
      await using publisher = await connection.publisher({ routingKey: queue, codecs: [own] });
      const types = ["Application/X-Numbers", "application/x-numbers; base=10"];
      for (const contentType of types) {
        await publisher.publish([1, 2], { properties: { contentType } });
      }
      const consumer = await connection.consumer({ queue, codecs: [own], noAck: true });
      for (const contentType of types) {
        const { value } = await consumer.next();
        assertEquals([value?.body, value?.properties.contentType], [[1, 2], contentType]);
      }
      await consumer.close();
    },
  },
  {
    name: "a mandatory message that no queue takes rejects, the others do not",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ mandatory: true });
      const sent = [queue, "nowhere", queue].map((routingKey) =>
        publisher.publish("x", { routingKey, properties: { messageId: "same" } })
      );
      const outcomes = await Promise.allSettled(sent);
      assertEquals(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
      const error = await assertRejects(() => sent[1]!, UnroutableError);
      assertEquals([error.exchange, error.routingKey], ["", "nowhere"]);
      await publisher.publish("x", { routingKey: "nowhere", mandatory: false });
    },
  },
  {
    name: "a message that is nacked rejects",
    async run(connection) {
      const channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", {
        exclusive: true,
        arguments: { "x-max-length": 1, "x-overflow": "reject-publish" },
      });
      await using publisher = await connection.publisher({ routingKey: queue });
      await publisher.publish("1");
      await assertRejects(() => publisher.publish("2"), PublishNackedError);
      await publisher.flush();
    },
  },
  {
    name: "a missing exchange rejects the messages to it, and no others",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ routingKey: queue });
      const recovered = Promise.withResolvers<Error>();
      connection.on("channel.recovered", ({ reason }) => recovered.resolve(reason));
      const sent = ["", "missing-1", "", "missing-2", "", ""].map((exchange, index) =>
        publisher.publish(`${index}`, { exchange })
      );
      const outcomes = await Promise.allSettled(sent);
      assertEquals(
        outcomes.map((outcome) => outcome.status === "rejected" ? outcome.reason.replyCode : 0),
        [0, 404, 0, 404, 0, 0],
      );
      assertInstanceOf(await recovered.promise, AmqpError);
      const bodies = new Set<unknown>();
      for await (const { body, ack } of await pending(connection, queue)) {
        bodies.add(body);
        ack();
        if (bodies.size === 4) break;
      }
      assertEquals([...bodies].sort(), ["0", "2", "4", "5"]);
      await publisher.publish("after");
    },
  },
  {
    name: "of those that reject, only what the broker's words quote is told that it was refused",
    async run(connection) {
      const queue = await newQueue(connection);
      const internal = `internal-${crypto.randomUUID()}`;
      const channel = await connection.openChannel();
      await channel.exchangeDeclare(internal, "fanout", { internal: true });
      const cases: readonly (readonly [MessageOptions, number, string])[] = [
        [{ exchange: "missing" }, 404, "no exchange 'missing'"],
        [{ exchange: internal }, 403, `internal exchange '${internal}'`],
        [{ properties: { userId: "somebody" } }, 406, "user_id property set to 'somebody'"],
        [{ properties: { expiration: "soon" } }, 406, "invalid expiration 'soon'"],
      ];
      const good = { properties: { userId: "guest", expiration: "60000" } };
      let arrived = 0;
      await using publisher = await connection.publisher({
        routingKey: queue,
        unconfirmed: "reject",
      });
      for (const [bad, replyCode, words] of cases) {
        const outcomes = await Promise.allSettled(
          [good, bad, good, bad].map((options) => publisher.publish("x", options)),
        );
        const reasons = outcomes.map((one) => (one as PromiseRejectedResult).reason);
        for (const n of [1, 3]) {
          assertInstanceOf(reasons[n], AmqpError, words);
          assertEquals(
            [reasons[n].replyCode, reasons[n].message.includes(words)],
            [replyCode, true],
            reasons[n].message,
          );
        }
        for (const n of [0, 2]) {
          if (reasons[n] === undefined) {
            arrived++; // it was confirmed before its channel went
            continue;
          }
          assertInstanceOf(reasons[n], ConnectionLostError, words);
          assert(reasons[n].message.endsWith("the channel was closed before its confirm"), words);
          assertEquals(reasons[n].cause, reasons[1]);
        }
        await publisher.publish("after");
        arrived++;
      }
      const { messageCount } = await channel.queueDeclare(queue, { passive: true });
      assert(messageCount >= arrived, `${messageCount} of ${arrived}`);
      await channel.exchangeDelete(internal);
    },
  },
  {
    name:
      "messages of one publisher leave in the order in which they were published, compressed or not",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ routingKey: queue });
      const bodies = Array.from({ length: 40 }, (_, n) => `${n} ${"x".repeat(n % 5 * 5000)}`);
      const encodings = [undefined, "gzip", "deflate", undefined];
      const sent = bodies.map((body, n) => {
        const contentEncoding = encodings[n % 4];
        return publisher.publish(body, {
          properties: contentEncoding === undefined ? {} : { contentEncoding },
        });
      });
      await Promise.all(sent);
      const seen: unknown[] = [];
      for await (const { body, ack } of await pending(connection, queue)) {
        seen.push(body);
        ack();
        if (seen.length === bodies.length) break;
      }
      assertEquals(seen, bodies);
    },
  },
  {
    name: "a signal that aborts while a body is compressed takes the message back",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ routingKey: queue });
      const gzip = { properties: { contentEncoding: "gzip" } };
      const controller = new AbortController();
      const sent = publisher.publish("x".repeat(100_000), { ...gzip, signal: controller.signal });
      controller.abort(new Error("no more"));
      await assertRejects(() => sent, Error, "no more");
      await publisher.flush();
      await publisher.publish("after", gzip);
      const consumer = await pending(connection, queue);
      for await (const { body, ack } of consumer) {
        assertEquals(body, "after");
        ack();
        break;
      }
    },
  },
  {
    name: "flush() waits for what was published before, however it is encoded and however it ends",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ routingKey: queue });
      const gzip = { properties: { contentEncoding: "gzip" } };
      const settled: string[] = [];
      const note = (name: string) => () => void settled.push(name);
      publisher.publish("plain").then(note("plain"));
      publisher.publish("packed", gzip).then(note("packed"));
      publisher.publish({ n: 1n }, gzip).catch(note("refused"));
      publisher.publish("lost", { ...gzip, routingKey: "nowhere", mandatory: true })
        .catch(note("lost"));
      const flushed = publisher.flush();
      let going = true;
      const others = (async () => {
        while (going) await publisher.publish("later");
      })();
      await flushed;
      going = false;
      assertEquals(settled.sort(), ["lost", "packed", "plain", "refused"]);
      await others;
    },
  },
  {
    name: "whoever gives up waiting for a message leaves it to the next one",
    async run(connection) {
      const queue = await newQueue(connection);
      const channel = await connection.openChannel();
      await using publisher = await connection.publisher({ routingKey: queue });
      const packed = { properties: { contentEncoding: "gzip" } };
      await using messages = await connection.consumer({ queue, prefetch: 1 });
      const deliveries = await channel.basicConsume(queue);
      await channel.basicCancel(deliveries.consumerTag);
      assertEquals((await deliveries.next()).done, true);
      for (const options of [{}, packed]) {
        const controller = new AbortController();
        const given = messages.next({ signal: controller.signal });
        controller.abort(new Error("not now"));
        await assertRejects(() => given, Error, "not now");
        const next = messages.next();
        await publisher.publish("one", options);
        const { value } = await next;
        assertEquals(value?.body, "one");
        // while it is being decompressed, or just after it came: once it is given it is given
        const late = new AbortController();
        await publisher.publish("two", options);
        value?.ack();
        const hasty = messages.next({ signal: late.signal });
        await Promise.resolve();
        late.abort(new Error("too late"));
        const body = await hasty.then(
          ({ value }) => value,
          async () => (await messages.next()).value,
        );
        assertEquals(body?.body, "two");
        body?.ack();
      }
    },
  },
  {
    name: "a long row of messages that are handled at once needs no stack",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ routingKey: queue, confirm: false });
      const count = 12_000;
      for (let index = 0; index < count; index++) await publisher.publish("x");
      const channel = await connection.openChannel();
      const gate = Promise.withResolvers<void>();
      let handled = 0;
      const all = Promise.withResolvers<void>();
      await using _ = await connection.consumer({ queue, prefetch: 0 }, () => {
        if (++handled === count) all.resolve();
        return handled === 1 ? gate.promise : undefined;
      });
      // whatever comes has come before this is answered
      for (let round = 0; round < 5; round++) await channel.queueDeclare(queue, { passive: true });
      gate.resolve();
      await all.promise;
    },
  },
  {
    name: "without confirms a publish waits for room alone",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ routingKey: queue, confirm: false });
      for (let index = 0; index < 1000; index++) await publisher.publish("x");
      await publisher.flush();
      const { take, all } = collector(1000);
      await using _ = await connection.consumer({ queue, prefetch: 100 }, take);
      const messages = await all;
      assertEquals(messages[0]!.properties.messageId, undefined);
    },
  },
  {
    name: "a consumer handles as many messages at once as it may",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ routingKey: queue });
      for (let index = 0; index < 7; index++) publisher.publish(`${index}`);
      await publisher.flush();
      const gates: (() => void)[] = [];
      let started = Promise.withResolvers<void>();
      let atOnce = 0;
      let most = 0;
      let done = 0;
      const all = Promise.withResolvers<void>();
      await using consumer = await connection.consumer({ queue, concurrency: 3 }, async () => {
        most = Math.max(most, ++atOnce);
        await new Promise<void>((resolve) => {
          gates.push(resolve);
          started.resolve();
        });
        atOnce--;
        if (++done === 7) all.resolve();
      });
      for (let over = 0; over < 7; over++) {
        // as many as may be at work, or all that are left, before one of them ends
        while (gates.length < Math.min(3, 7 - over)) {
          started = Promise.withResolvers();
          await within(120_000, started.promise, () => `${atOnce} are handled, ${over} were`);
        }
        gates.shift()!();
      }
      await all.promise;
      assertEquals(most, 3);
      await consumer.close();
      const channel = await connection.openChannel();
      assertEquals((await channel.queueDeclare(queue, { passive: true })).messageCount, 0);
    },
  },
  {
    name: "what a handler fails at is requeued, rejected or acked as chosen",
    async run(connection) {
      const channel = await connection.openChannel();
      const { queue: dead } = await channel.queueDeclare("", { exclusive: true });
      const { queue } = await channel.queueDeclare("", {
        exclusive: true,
        arguments: { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead },
      });
      await using publisher = await connection.publisher({ routingKey: queue });
      const seen: unknown[] = [];
      const finished = Promise.withResolvers<void>();
      await using consumer = await connection.consumer({
        queue,
        requeueDelayMs: 0,
        onFailure: (error) => (error as { how: "requeue" | "reject" | "ack" }).how,
      }, (message) => {
        seen.push([message.body, message.redelivered]);
        if (message.body === "last") return finished.resolve();
        if (message.body === "settled") return message.reject({ requeue: false });
        throw { how: message.redelivered ? "ack" : message.body };
      });
      for (const body of ["requeue", "reject", "ack", "settled", "last"]) {
        await publisher.publish(body);
      }
      await finished.promise;
      await consumer.close();
      assertEquals(
        seen.filter((one) => (one as unknown[])[0] === "requeue").map((one) =>
          (one as unknown[])[1]
        ),
        [false, true],
      );
      const bodies: unknown[] = [];
      for await (const message of await connection.consumer({ queue: dead })) {
        bodies.push(message.body);
        message.ack();
        if (bodies.length === 2) break;
      }
      assertEquals(bodies, ["reject", "settled"]);
      assertEquals((await channel.queueDeclare(queue, { passive: true })).messageCount, 0);
    },
  },
  {
    name: "a body that cannot be decoded is a failure of its handler",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ routingKey: queue });
      const json = { contentType: "application/json" };
      const errors: unknown[] = [];
      await publisher.publish("{", { properties: json });
      await publisher.publish("fine");
      await publisher.publish(new Uint8Array([1, 2, 3]));
      const consumer = await connection.consumer({
        queue,
        onFailure(error) {
          errors.push(error);
          return "reject";
        },
      });
      const first = await consumer.next();
      assertEquals(first.value?.body, "fine");
      first.value?.ack();
      assertInstanceOf(errors[0], CodecError);
      const second = await consumer.next();
      assertEquals(second.value?.body, new Uint8Array([1, 2, 3]));
      await consumer.close();
      assertEquals(await consumer.closed, undefined);
      assertEquals((await consumer.next()).done, true);
      const channel = await connection.openChannel();
      // what was handed out and not settled is there again
      assertEquals((await channel.queueDeclare(queue, { passive: true })).messageCount, 1);
    },
  },
  {
    name: "streams carry messages both ways and honour prefetch",
    async run(connection) {
      const queue = await newQueue(connection);
      await using publisher = await connection.publisher({ maxUnconfirmed: 2 });
      const chunks = Array.from({ length: 10 }, (_, index) => ({
        routingKey: queue,
        body: { index },
      }));
      await ReadableStream.from(chunks).pipeTo(publisher.writable());
      const consumer = await connection.consumer<{ index: number }>({ queue, prefetch: 2 });
      const reader = consumer.readable().getReader();
      const first = await reader.read();
      const channel = await connection.openChannel();
      assertEquals((await channel.queueDeclare(queue, { passive: true })).messageCount, 8);
      first.value?.ack();
      const indices = [first.value?.body.index];
      while (indices.length < 10) {
        const { value } = await reader.read();
        indices.push(value?.body.index);
        value?.ack();
      }
      assertEquals(indices, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      await reader.cancel();
      assertEquals(await consumer.closed, undefined);
      const writer = publisher.writable().getWriter();
      await writer.write({ body: "x", routingKey: "nowhere", mandatory: true });
      writer.close().catch(() => {}); // it may have failed by now
      await assertRejects(() => writer.closed, UnroutableError);
    },
  },
  {
    name: "RPC: replies, errors, bounds, and no server",
    async run(connection) {
      const name = `rpc-${crypto.randomUUID()}`;
      await using client = await connection.rpc<unknown, unknown>(name, { timeout: 10_000 });
      const error = await assertRejects(() => client.call(1), UnroutableError);
      assertEquals(
        error.message,
        `Cannot call: no server of queue ${name} is running, there is no such queue`,
      );
      {
        await using _server = await connection.serve<number[]>(
          name,
          (numbers) => numbers.reduce((sum, n) => sum + n, 0),
          {
            concurrency: 4,
            maxRequestBytes: 100,
            validate(request) {
              if (!Array.isArray(request)) throw new TypeError("give me numbers");
              return request;
            },
          },
        );
        const sums = await Promise.all([1, 2, 3].map((n) => client.call([n, n])));
        assertEquals(sums, [2, 4, 6]);
        const refused = await assertRejects(() => client.call("x"), RpcError, "give me numbers");
        assertEquals(refused.remoteName, "TypeError");
        await assertRejects(() => client.call("x".repeat(101)), RpcError, "larger than 100 bytes");
        const malformed = client.call(encoder.encode("{"), {
          properties: { contentType: "application/json" },
        });
        await assertRejects(() => malformed, RpcError, "Cannot decode body");
        assertEquals(client.calls, 0);
      }
      await gone(connection, name);
      await assertRejects(() => client.call([1]), UnroutableError);
    },
  },
  {
    name: "RPC: any reply and any error comes back, compressed or not",
    async run(connection) {
      const name = `rpc-${crypto.randomUUID()}`;
      const thrown: Readonly<Record<string, () => unknown>> = {
        text: () => "just a text",
        nothing: () => undefined,
        named: () => Object.assign(new Error("no"), { name: 5 }),
        unspeakable: () => Object.create(null),
        abort: () => new DOMException("gone", "AbortError"),
      };
      await using _ = await connection.serve<string>(name, (request) => {
        if (request in thrown) throw thrown[request]!();
        if (request === "null") return null;
        if (request === "promise in vain") return { [Symbol.toStringTag]: "x", then: 5 };
        if (request === "circle") return new Map();
        return { request };
      }, { properties: { contentEncoding: "gzip" }, maxRequestBytes: 100 });
      await using client = await connection.rpc<string>(name);
      assertEquals(await client.call("x"), { request: "x" });
      assertEquals(await client.call("null"), null);
      const outcomes: unknown[] = [];
      for (const request of [...Object.keys(thrown), "circle"]) {
        const error = await assertRejects(() => client.call(request), RpcError);
        outcomes.push([error.remoteName, error.message.slice(0, 24)]);
      }
      assertEquals(outcomes, [
        ["Error", "just a text"],
        ["Error", "undefined"],
        ["5", "no"],
        ["Error", "the handler threw object"],
        ["AbortError", "gone"],
        ["CodecError", "Cannot encode body as ap"],
      ]);
      // small when it comes, and large when it is unpacked
      const bomb = client.call("x".repeat(10_000), { properties: { contentEncoding: "gzip" } });
      await assertRejects(() => bomb, RpcError, "larger than 100 bytes");
    },
  },
  {
    name: "RPC: time-outs and signals",
    async run(connection) {
      const name = `rpc-${crypto.randomUUID()}`;
      const gate = Promise.withResolvers<void>();
      await using _server = await connection.serve(name, () => gate.promise);
      await using client = await connection.rpc(name, { maxCalls: 2 });
      const late = await assertRejects(() => client.call("x", { timeout: 20 }), DOMException);
      assertEquals(late.name, "TimeoutError");
      const controller = new AbortController();
      const calls = [client.call("x", { signal: controller.signal }), client.call("y")];
      await assertRejects(() => client.call("z"), RangeError, "maxCalls");
      controller.abort(new Error("never mind"));
      await assertRejects(() => calls[0]!, Error, "never mind");
      gate.resolve();
      assertEquals(await calls[1], "");
      const aborted = { signal: AbortSignal.abort(new Error("at once")) };
      await assertRejects(() => client.call("x", aborted), Error, "at once");
      await assertRejects(() => connection.rpc(name, aborted), Error, "at once");
      await client.close();
      await assertRejects(() => client.call("x"), TypeError, "connection.rpc()");
    },
  },
  {
    name: "every call that waits can be given up",
    async run(connection) {
      const signal = AbortSignal.abort(new Error("enough"));
      const channel = await connection.openChannel();
      const queue = await newQueue(connection);
      const calls = [
        () => connection.openChannel({ signal }),
        () => connection.whenConnected({ signal }),
        () => connection.publisher({ signal }),
        () => connection.consumer({ queue, signal }),
        () => channel.queueDeclare("", { signal }),
        () => channel.exchangeDeclare("e", "fanout", { signal }),
        () => channel.basicConsume(queue, { signal }),
        () => channel.basicGet(queue, { signal }),
        () => channel.basicQos({ prefetchCount: 1, signal }),
        () => channel.confirmSelect({ signal }),
        () => channel.queuePurge(queue, { signal }),
        () => channel.basicCancel("c", { signal }),
        () => channel.txSelect({ signal }),
        // deno-lint-ignore require-await -- what it throws
        async () => channel.basicPublish({ signal }, "x"),
      ];
      for (const call of calls) await assertRejects(call, Error, "enough", call.toString());
      const controller = new AbortController();
      const consumer = await connection.consumer({ queue, signal: controller.signal });
      const waiting = consumer.next();
      controller.abort();
      assertEquals((await waiting).done, true);
      assertEquals(await consumer.closed, undefined);
      const { consumerCount } = await channel.queueDeclare(queue, { passive: true });
      assertEquals(consumerCount, 0);
    },
  },
  {
    name: "mistakes in usage are told at once",
    async run(connection) {
      const queue = await newQueue(connection);
      await assertRejects(
        () => connection.consumer({ queue: "no-such-queue" }),
        AmqpError,
        "NOT_FOUND",
      );
      const wrong = [
        () => connection.publisher({ unconfirmed: "maybe" as "retry" }),
        () => connection.publisher({ maxUnconfirmed: 0 }),
        () => connection.publisher({ maxBuffered: -1 }),
        () => connection.publisher({ properties: { deliveryMode: "2" as unknown as number } }),
        () => connection.consumer({ queue, concurrency: 0 }),
        () => connection.consumer({ queue, prefetch: 70_000 }),
        () => connection.consumer({ queue, onFailure: "retry" as "reject" }),
        () => connection.rpc(queue, { timeout: 1.5 }),
        () => connection.serve(queue, () => 1, { maxRequestBytes: NaN }),
        () => connection.publisher({ confirms: true } as object),
        () => connection.consumer({ queue, Prefetch: 1 } as { queue: string }),
        () => connection.rpc(queue, { timeoutMs: 1 } as object),
        () => connection.serve(queue, () => 1, { durable: true } as object),
      ];
      for (const call of wrong) {
        const error = await assertRejects(call, Error, "Cannot", call.toString());
        assert(error instanceof TypeError || error instanceof RangeError, call.toString());
      }
      const publisher = await connection.publisher();
      const options: readonly (readonly [object, string])[] = [
        [{ persistent: true }, 'no option "persistent"; write properties: { deliveryMode: 2 }'],
        [{ contentType: "text/plain" }, "it goes into `properties`"],
        [{ routing_key: "q" }, 'it is called "routingKey"'],
      ];
      for (const [wrong, text] of options) {
        await assertRejects(() => publisher.publish("x", wrong), TypeError, text);
      }
      const channel = await connection.openChannel();
      const misspelt: readonly (readonly [() => Promise<unknown>, string])[] = [
        [
          () => channel.exchangeDeclare("e", "fanout", { auto_delete: true } as object),
          "autoDelete",
        ],
        [() => channel.exchangeDelete("e", { ifunused: true } as object), "ifUnused"],
        [() => channel.queueDeclare("", { durabel: true } as object), "only passive, durable,"],
        [() => channel.queueDeclare("", { "x-max-length": 1 } as object), "into `arguments`"],
        [
          () => channel.queueDeclare("", { messageTtl: 1 } as object),
          '"messageTtl"; write arguments: { "x-message-ttl": milliseconds }',
        ],
        [
          () => channel.exchangeDeclare("e", "fanout", { alternateExchange: "a" } as object),
          'write arguments: { "alternate-exchange": name }',
        ],
        [() => channel.queueDelete("", { ifempty: true } as object), "ifEmpty"],
        [
          () => channel.basicQos({ prefetchCount: 1, prefetch: 2 } as { prefetchCount: number }),
          "only",
        ],
        [() => channel.basicConsume(queue, { no_ack: true } as object), "noAck"],
        [() => channel.basicGet(queue, { noack: true } as object), "noAck"],
        [
          () =>
            channel.queueBind(
              { queue, exchange: "amq.direct", routing_key: "a" } as QueueBindOptions,
            ),
          'bind queue: there is no option "routing_key", it is called "routingKey"',
        ],
        [
          () =>
            channel.queueUnbind({ queue, exchange: "amq.direct", key: "a" } as QueueBindOptions),
          'unbind queue: there is no option "key", only queue, exchange, routingKey',
        ],
        [
          () =>
            channel.exchangeBind(
              { destination: "a", source: "b", args: {} } as ExchangeBindOptions,
            ),
          'bind exchange: there is no option "args"; write arguments: { … }',
        ],
        [
          () =>
            channel.exchangeUnbind(
              { destination: "a", source: "b", "x-match": "any" } as
                & ExchangeBindOptions
                & object,
            ),
          'unbind exchange: there is no option "x-match"; it goes into `arguments`',
        ],
        [() => channel.basicRecover({ requeu: true } as object), "only requeue, signal"],
        [() => channel.channelFlow({ active: true, on: 1 } as { active: true }), "only active"],
        [() => channel.queuePurge(queue, { timeout: 1 } as object), "only signal"],
        [() => channel.confirmSelect({ noWait: true } as object), "only signal"],
        [() => channel.txSelect({ noWait: true } as object), "only signal"],
        [() => channel.close({ code: 200 } as object), "only signal"],
        [() => connection.openChannel({ confirm: true } as object), "only signal"],
        [() => connection.close({ code: 200 } as object), "only replyCode, replyText, signal"],
        [() => publisher.flush({ timeout: 1 } as object), "only signal"],
        [
          () =>
            connection.serve(`${queue}-calls`, () => 1, { queueOptions: { auto: 1 } as object }),
          "only passive,",
        ],
      ];
      for (const [call, text] of misspelt) {
        await assertRejects(call, TypeError, text, call.toString());
      }
      await publisher.publish("x", { routingKey: queue });
      const delivery = (await channel.basicGet(queue))!;
      const dropping = { reque: false } as object;
      assertThrows(() => delivery.nack(dropping), TypeError, "only multiple, requeue");
      assertThrows(() => delivery.reject(dropping), TypeError, "only requeue");
      const all = { mutliple: true } as object;
      assertThrows(() => delivery.ack(all), TypeError, "only multiple");
      assertThrows(() => channel.basicAck(1, all), TypeError, "only multiple");
      // as amqplib's ack(message, allUpTo)
      const upTo = true as unknown as object;
      const text = "Cannot ack: options are boolean, not an object; there are multiple";
      assertThrows(() => channel.basicAck(1, upTo), TypeError, text);
      const publish = (options: object) => () => channel.basicPublish(options, "x");
      assertThrows(publish({ routing_key: queue }), TypeError, 'it is called "routingKey"');
      assertThrows(publish({ routingKey: queue, persistent: true }), TypeError, "deliveryMode: 2");
      const expiring = { routingKey: queue, properties: { expiration: 60_000 } };
      assertThrows(publish(expiring), TypeError, 'of milliseconds, such as "60000"');
      assertThrows(publish({ routingKey: queue, expiration: "1" }), TypeError, "into `properties`");
      assertThrows(
        publish(queue as unknown as object),
        TypeError,
        "options are string, not an object",
      );
      assertThrows(() => channel.basicNack(1, dropping), TypeError, "only multiple, requeue");
      assertThrows(() => channel.basicReject(1, dropping), TypeError, "only requeue");
      assertEquals(delivery.settled, false);
      delivery.reject({ requeue: false });
      await channel.close();
      await publisher.close();
      await assertRejects(() => publisher.publish("x"), TypeError, "connection.publisher()");
      await using consumer = await connection.consumer({ queue }, () => {});
      await assertRejects(() => consumer.next(), TypeError, "has a handler");
    },
  },
];

/** Messages of a queue, with an ack that can be taken apart. */
async function pending(connection: Connection, queue: string) {
  const consumer = await connection.consumer<string>({ queue, prefetch: 10 });
  return consumer.readable().pipeThrough(
    new TransformStream<Message<string>, { body: string; ack: () => void }>(
      {
        transform(message, controller) {
          controller.enqueue({ body: message.body, ack: () => message.ack() });
        },
      },
      undefined,
      { highWaterMark: 0 },
    ),
  );
}
