/**
 * What a program gets wrong is told at once, in words that say what to do instead, and does no harm: the
 * connection goes on.
 *
 * @module
 */
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { AmqpError, Broker, ClosedError, CodecError, connect, EncodeError } from "../../mod.ts";
import type { Channel, Connection } from "../../mod.ts";

type Misuse = (connection: Connection, channel: Channel) => unknown;
// deno-lint-ignore no-explicit-any -- its constructor takes whatever it takes
type ErrorType = new (...args: any[]) => Error;
// deno-lint-ignore no-explicit-any -- what a program without types may give
const wrong = (value: unknown) => value as any;

const csv = { encode: String, decode: String };

const MISUSES: readonly (readonly [ErrorType, string, Misuse])[] = [
  // events
  [TypeError, 'no event "lots", only lost, reconnecting', (c) => c.on(wrong("lots"), () => {})],
  [TypeError, 'no event "error"; "lost" and "closed"', (c) => c.on(wrong("error"), () => {})],
  [TypeError, 'no event "close", it is called "closed"', (c) => c.on(wrong("close"), () => {})],
  [TypeError, "listen to lost: listener is undefined", (c) => c.on("lost", wrong(undefined))],
  // callbacks
  [TypeError, "handler is string, not a function", (c) => c.consumer({ queue: "q" }, wrong("f"))],
  [TypeError, "serve: handler is undefined", (c) => c.serve("calls", wrong(undefined))],
  [TypeError, "validate is boolean", (c) => c.serve("calls", () => 1, { validate: wrong(true) })],
  [TypeError, "callback is Object", (_, channel) => channel.basicConsume("q", {}, wrong({}))],
  [
    TypeError,
    "onCancel is number",
    (_, channel) => channel.basicConsume("q", { onCancel: wrong(1) }),
  ],
  [TypeError, "onReturn is string, not a function", (_, ch) => ch.onReturn = wrong("f")],
  [TypeError, "onError is Object, not a function", (c) => c.onError = wrong({})],
  [TypeError, "onBlocked is boolean, not a function", (c) => c.onBlocked = wrong(true)],
  [TypeError, "onUnblocked is null, not a function", (c) => c.onUnblocked = wrong(null)],
  [TypeError, "dial is string, not a function", () => connect({ dial: wrong("tcp") })],
  [TypeError, "delay is number", () => connect({ recovery: { delay: wrong(5) } })],
  [TypeError, "random is number", () => connect({ recovery: { random: wrong(0.5) } })],
  // codecs
  [TypeError, "contentType is undefined", (c) => c.publisher({ codecs: wrong([{}]) })],
  [TypeError, "they are Object, not an array", (c) => c.rpc("q", { codecs: wrong({}) })],
  [TypeError, "one is null", (c) => c.serve("calls", () => 1, { codecs: wrong([null]) })],
  [
    TypeError,
    "use codec for x/y: decode is undefined",
    (c) => c.consumer({ queue: "q", codecs: wrong([{ contentType: "x/y", encode: String }]) }),
  ],
  [
    TypeError,
    'contentType is "text/csv; header=present"; write "text/csv"',
    (c) => c.publisher({ codecs: [{ contentType: "text/csv; header=present", ...csv }] }),
  ],
  [
    TypeError,
    'contentType is " text/csv"; write "text/csv"',
    (c) => c.rpc("q", { codecs: [{ contentType: " text/csv", ...csv }] }),
  ],
  // options
  [
    TypeError,
    "options are null, not an object; there are passive",
    (_, channel) => channel.queueDeclare("q", wrong(null)),
  ],
  [TypeError, "options are boolean", (_, channel) => channel.queueDeclare("q", wrong(true))],
  [
    TypeError,
    "signal is AbortController, not an AbortSignal; give the controller's",
    (_, channel) => channel.queueDeclare("q", { signal: wrong(new AbortController()) }),
  ],
  [TypeError, "signal is number", (c) => c.publisher({ signal: wrong(5) })],
  [
    TypeError,
    'no option "persistent"; write properties: { deliveryMode: 2 }',
    (_, channel) => channel.basicPublish(wrong({ routingKey: "q", persistent: true }), "x"),
  ],
  // properties and tables
  [
    EncodeError,
    '"persistent": there is no such property; write `deliveryMode: 2`',
    (_, channel) => channel.basicPublish({ properties: wrong({ persistent: true }) }, "x"),
  ],
  [
    EncodeError,
    "out of the range of 64 bits; write it as a string",
    (_, channel) => channel.queueDeclare("other", { arguments: { "x-id": 2n ** 64n } }),
  ],
  [
    EncodeError,
    "date is invalid",
    (_, channel) => channel.basicPublish({ properties: { headers: { at: new Date(NaN) } } }, "x"),
  ],
  [
    EncodeError,
    "body is Object, not a Uint8Array or a string",
    (_, channel) => channel.basicPublish({ routingKey: "q" }, wrong({ id: 1 })),
  ],
  [TypeError, "Cannot update secret: it is number; give a string", (c) => c.updateSecret(wrong(5))],
  [TypeError, "it is undefined; give a string", (c) => c.updateSecret(wrong(undefined))],
  // what was not awaited, and what has no names: all of it would be without effect
  [
    TypeError,
    "Cannot declare queue: options are Promise, not an object; there are passive",
    (_, channel) => channel.queueDeclare("q", wrong(Promise.resolve({ durable: true }))),
  ],
  [TypeError, "options are Array", (_, channel) => channel.basicConsume("q", wrong([]), () => {})],
  [TypeError, "options are Map", (_, channel) => channel.basicPublish(wrong(new Map()), "x")],
  [
    EncodeError,
    "Cannot publish: properties are Map, not an object",
    (_, channel) =>
      channel.basicPublish({ properties: wrong(new Map([["deliveryMode", 2]])) }, "x"),
  ],
  [
    EncodeError,
    "Cannot publish: properties are Promise",
    async (c) => {
      await using publisher = await c.publisher({ routingKey: "q" });
      await publisher.publish("x", { properties: wrong(Promise.resolve({ deliveryMode: 2 })) });
    },
  ],
  [
    EncodeError,
    "Cannot make publisher: properties are number",
    (c) => c.publisher({ properties: wrong(2) }),
  ],
  [EncodeError, "make RPC client: properties are", (c) => c.rpc("q", { properties: wrong([]) })],
  [
    EncodeError,
    "serve: properties are Date",
    (c) => c.serve("calls", () => 1, { properties: wrong(new Date()) }),
  ],
  [
    EncodeError,
    'Cannot encode property "contentType": Map is not a string',
    async (c) => {
      await using publisher = await c.publisher({ routingKey: "q" });
      await publisher.publish({ id: 1 }, { properties: { contentType: wrong(new Map()) } });
    },
  ],
  [
    EncodeError,
    'Cannot encode property "contentEncoding": null is not a string',
    async (c) => {
      await using publisher = await c.publisher({ routingKey: "q" });
      await publisher.publish("x", { properties: { contentEncoding: wrong(null) } });
    },
  ],
  [CodecError, "Cannot write undefined: write bytes, a text, or", async (c) => {
    await using publisher = await c.publisher({ routingKey: "q" });
    await publisher.writable().getWriter().write(wrong(undefined));
  }],
  // what would be found out later, in words about something else
  [TypeError, "username is number, not a string", () => connect({ username: wrong(5) })],
  [TypeError, "connectionName is Object", () => connect({ connectionName: wrong({}) })],
  [
    TypeError,
    "clientProperties are Map, not an object",
    () => connect({ clientProperties: wrong(new Map()) }),
  ],
  [
    EncodeError,
    'at ["f"]: function is not a field value',
    () => connect({ clientProperties: { f: wrong(() => {}) } }),
  ],
  [TypeError, "clock is Date, which has no after()", () => connect({ clock: wrong(new Date()) })],
  [TypeError, "tracer is Object, which has no begin()", () => connect({ tracer: wrong({}) })],
  [
    RangeError,
    "prefetchCount: symbol is not a whole number",
    (_, channel) => channel.basicQos({ prefetchCount: wrong(Symbol()) }),
  ],
  [TypeError, 'no event "Symbol(lost)"', (c) => c.on(wrong(Symbol("lost")), () => {})],
  // what is closed
  [ClosedError, "channel is closed; open another", async (c) => {
    const channel = await c.openChannel();
    await channel.close();
    await channel.basicPublish({ routingKey: "q" }, "x");
  }],
  [
    AmqpError,
    "Cannot publish: the broker closed the channel with NOT_FOUND - no exchange 'gone' in vhost '/'; " +
    "open another with connection.openChannel()",
    async (c) => {
      const channel = await c.openChannel();
      channel.basicPublish({ exchange: "gone" }, "x");
      const reason = await channel.closed;
      try {
        await channel.basicPublish({ routingKey: "q" }, "x");
      } catch (error) {
        assertInstanceOf(error, AmqpError);
        const { replyCode, classId, methodId, hard, cause } = error;
        assertEquals([replyCode, classId, methodId, hard, cause], [404, 60, 40, false, reason]);
        throw error;
      }
    },
  ],
  [AmqpError, "closed the connection with CONNECTION_FORCED - out; make another with", async () => {
    await using broker = new Broker();
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    await broker.closeConnection([...broker.connections()][0]!.name, "out");
    await channel.closed;
    await channel.queueDeclare("q");
  }],
  // bodies
  [CodecError, "JSON has no bigint; write it as a string", async (c) => {
    await using publisher = await c.publisher({ routingKey: "q" });
    await publisher.publish({ id: 1n });
  }],
];

Deno.test("each mistake is told at once with what to do, and does no harm", async (t) => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  for (const [type, text, misuse] of MISUSES) {
    await t.step(text, async () => {
      const error = await assertRejects(
        async () => await misuse(connection, channel),
        Error,
        text,
      );
      assertInstanceOf(error, type);
    });
  }
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, 0);
  assertEquals(connection.state, "open");
});

Deno.test("options and properties may be whatever has names", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  class Fields {
    durable = true;
  }
  class Getters {
    get durable() {
      return true;
    }
  }
  class Tagged extends Fields {
    get [Symbol.toStringTag]() {
      return "Settings";
    }
  }
  const module = (text: string) => import(`data:text/javascript,${text}`);
  const all = [
    new Fields(),
    new Getters(),
    new Tagged(),
    Object.assign(Object.create(null), { durable: true }),
    Object.create({ durable: true }),
    new Proxy({ durable: true }, {}),
    await module("export const durable = true"),
  ];
  for (const [index, options] of all.entries()) {
    await channel.queueDeclare(`q${index}`, options);
    await channel.queueDeclare(`q${index}`, { durable: true });
  }
  const properties = await module("export const type = 't'");
  await channel.basicPublish({ routingKey: "q0", properties }, "x");
  assertEquals((await channel.basicGet("q0"))?.properties, { type: "t" });
});
