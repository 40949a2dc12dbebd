/**
 * A reply that the broker does not take, or that cannot be sent at all: its caller is told, and nobody
 * else notices. Each request is handled once and answered once.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  Broker,
  type BrokerOptions,
  type Channel,
  connect,
  type Connection,
  type Delivery,
  RpcError,
  type ServeOptions,
} from "../../mod.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { next, Stage } from "./stage.ts";

const TOO_LARGE = "message size 2000 is larger than configured max size 1000";

/** Takes a hundred calls: of which answers are too large, and which come late, it says itself. */
class Answers {
  readonly handled: string[] = [];
  readonly #gate = Promise.withResolvers<void>();

  handler = (request: unknown): unknown => {
    const text = String(request);
    this.handled.push(text);
    if (text.startsWith("large")) return "x".repeat(2000);
    if (text.startsWith("bytes")) return new Uint8Array(50).fill(7);
    return text.startsWith("late") ? this.#gate.promise.then(() => text) : text;
  };

  letGo(): void {
    this.#gate.resolve();
  }
}

/** A caller as pika's tutorial has it: a queue of its own for the replies, requests without an end. */
class PlainCaller {
  readonly replies: Delivery[] = [];
  readonly #queue: string;
  readonly #channel: Channel;
  #woken = Promise.withResolvers<void>();

  private constructor(channel: Channel, queue: string) {
    this.#channel = channel;
    this.#queue = queue;
  }

  static async open(connection: Connection): Promise<PlainCaller> {
    const channel = await connection.openChannel();
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    const caller = new PlainCaller(channel, queue);
    await channel.basicConsume(queue, { noAck: true }, (delivery) => {
      caller.replies.push(delivery);
      caller.#woken.resolve();
    });
    return caller;
  }

  call(queue: string, body: string): void {
    const properties = { replyTo: this.#queue, correlationId: body, contentType: "text/plain" };
    this.#channel.basicPublish({ routingKey: queue, properties }, body);
  }

  async until(count: number): Promise<void> {
    while (this.replies.length < count) {
      await this.#woken.promise;
      this.#woken = Promise.withResolvers();
    }
  }

  /** What came back, by request: the names of errors, or the reply. */
  get told(): Record<string, string[]> {
    const told: Record<string, string[]> = {};
    for (const delivery of this.replies) {
      const { correlationId, headers } = delivery.properties;
      (told[correlationId!] ??= []).push(String(headers?.["x-rpc-error"] ?? delivery.text()));
    }
    return told;
  }
}

/** Runs a case in process and over TCP. */
function testBothWays(
  name: string,
  options: BrokerOptions,
  run: (connection: Connection, broker: Broker) => Promise<void>,
): void {
  for (const way of ["in process", "over TCP"]) {
    Deno.test(`${way}: ${name}`, async () => {
      await using broker = new Broker(options);
      await using listener = await broker.listen({ port: 0 });
      await using connection = way === "in process"
        ? await broker.connect()
        : await connect(`amqp://127.0.0.1:${listener.port}`);
      await run(connection, broker);
    });
  }
}

const small: BrokerOptions = { messageSizeMax: 1000 };

testBothWays(
  "a reply that has to wait is sent as it was, though its handler uses its buffer again",
  small,
  async (connection) => {
    const buffer = new Uint8Array(50);
    const handler = (text: string) =>
      text === "large" ? new Uint8Array(2000) : buffer.fill(Number(text));
    await using _server = await connection.serve("octets", handler, { concurrency: 10 });
    await using client = await connection.rpc<string, Uint8Array>("octets", { timeout: 20_000 });
    const refused = assertRejects(() => client.call("large"), RpcError, TOO_LARGE);
    const replies = await Promise.all(["1", "2", "3"].map((text) => client.call(text)));
    assertEquals(replies.map((body) => [...new Set(body)]), [[1], [2], [3]]);
    await refused;
  },
);

testBothWays(
  "a reply that is too large is told to its caller at once, whatever the queue",
  small,
  async (connection) => {
    for (const queueOptions of [{}, { autoDelete: false }]) {
      const answers = new Answers();
      await using _ = await connection.serve("calls", answers.handler, { queueOptions });
      await using client = await connection.rpc("calls", { timeout: 20_000 });
      const error = await assertRejects(() => client.call("large"), RpcError, TOO_LARGE);
      assertEquals(error.remoteName, "AmqpError");
      assert(error.message.startsWith("Cannot send the reply: PRECONDITION_FAILED"), error.message);
      assertEquals(await client.call("after"), "after");
      assertEquals(answers.handled, ["large", "after"]);
    }
  },
);

for (const concurrency of [1, 7]) {
  testBothWays(
    `one reply in ten is too large, ${concurrency} at once: each request is handled and answered once`,
    small,
    async (connection) => {
      const answers = new Answers();
      await using server = await connection.serve("calls", answers.handler, { concurrency });
      await using client = await connection.rpc("calls", { timeout: 20_000 });
      const requests = Array.from(
        { length: 100 },
        (_, n) => `${n % 10 === 4 ? "large" : n % 3 === 0 ? "bytes" : "small"} ${n}`,
      );
      const results = await Promise.allSettled(requests.map((request) => client.call(request)));
      for (const [n, request] of requests.entries()) {
        const result = results[n]!;
        if (request.startsWith("large")) {
          assertEquals(result.status === "rejected" && result.reason instanceof RpcError, true);
        } else {
          const expected = request.startsWith("bytes") ? new Uint8Array(50).fill(7) : request;
          assertEquals(result, { status: "fulfilled", value: expected });
        }
      }
      assertEquals(answers.handled, requests);
      await server.close();
      assertEquals(server.running, 0);
    },
  );
}

testBothWays(
  "requests that are being handled meanwhile are answered once each, to callers that wait for ever",
  small,
  async (connection) => {
    const answers = new Answers();
    const queueOptions = { autoDelete: false };
    const server = await connection.serve("calls", answers.handler, {
      concurrency: 4,
      queueOptions,
    });
    const caller = await PlainCaller.open(connection);
    const recovered = next(connection, "channel.recovered");
    const requests = ["late 1", "large 1", "late 2", "small 1", "large 2", "late 3", "small 2"];
    for (const request of requests) caller.call("calls", request);
    assertEquals((await recovered).reason.message.includes(TOO_LARGE), true);
    answers.letGo();
    await caller.until(requests.length);
    await server.close();
    const told = requests.map((one) => [one, [one.startsWith("large") ? "AmqpError" : one]]);
    assertEquals(caller.told, Object.fromEntries(told));
    assertEquals(answers.handled.toSorted(), requests.toSorted());
    const channel = await connection.openChannel();
    assertEquals((await channel.queueDelete("calls")).messageCount, 0);
  },
);

testBothWays("a broker that takes not even the error gets no other", {
  messageSizeMax: 20,
}, async (connection) => {
  const answers = new Answers();
  await using _ = await connection.serve("calls", answers.handler);
  await using client = await connection.rpc("calls", { timeout: 20_000 });
  const controller = new AbortController();
  const over = assertRejects(
    () => client.call("large", { signal: controller.signal }),
    Error,
    "nothing came",
  );
  assertEquals(await client.call("after"), "after");
  assertEquals(await client.call("next"), "next");
  controller.abort(new Error("nothing came"));
  await over;
  assertEquals(answers.handled, ["large", "after", "next"]);
});

/** What all replies have, and what their callers are told of it. */
const WRONG: readonly (readonly [NonNullable<ServeOptions["properties"]>, string, string])[] = [
  [{ headers: { big: "x".repeat(300_000) } }, "EncodeError", "a frame of this connection has at"],
  [{ userId: "somebody else" }, "AmqpError", "user_id property set to 'somebody else'"],
  [{ expiration: "soon" }, "AmqpError", "expiration"],
];

for (const [properties, name, text] of WRONG) {
  const which = Object.keys(properties)[0];
  Deno.test(`replies whose ${which} nobody takes are answered as errors, each handler running once`, async () => {
    await using broker = new Broker();
    await using listener = await broker.listen({ port: 0 });
    await using connection = await connect(`amqp://127.0.0.1:${listener.port}`);
    const answers = new Answers();
    const options = { properties, concurrency: 3, queueOptions: { autoDelete: false } };
    await using server = await connection.serve("calls", answers.handler, options);
    const caller = await PlainCaller.open(connection);
    const requests = ["late 1", "small 1", "late 2", "small 2", "small 3"];
    for (const request of requests) caller.call("calls", request);
    await caller.until(3);
    answers.letGo();
    await caller.until(5);
    await server.close();
    assertEquals(
      caller.told,
      Object.fromEntries(requests.map((request) => [request, [name]])),
    );
    for (const reply of caller.replies) assert(reply.text().includes(text), reply.text());
    assertEquals(answers.handled.toSorted(), requests.toSorted());
  });
}

Deno.test("a reply that was sent when the connection is lost is not sent again", async () => {
  await using broker = new Broker(small);
  await using listener = await broker.listen({ port: 0 });
  await using connection = await connect(`amqp://127.0.0.1:${listener.port}`, {
    recovery: { initialDelayMs: 0 },
  });
  await using near = await broker.connect();
  const answers = new Answers();
  await using _ = await connection.serve("calls", answers.handler, {
    queueOptions: { autoDelete: false },
  });
  const caller = await PlainCaller.open(near);
  for (let n = 0; n < 5; n++) caller.call("calls", `small ${n}`);
  await caller.until(5);
  const recovered = next(connection, "recovered");
  for (const { name } of broker.connections()) {
    if (name.includes("->")) broker.closeConnection(name);
  }
  await recovered;
  caller.call("calls", "large");
  await caller.until(6);
  caller.call("calls", "small 5");
  await caller.until(7);
  assertEquals(caller.replies.length, 7);
  assertEquals(caller.told["large"], ["AmqpError"]);
});

for (const way of ["in process", "over TCP"]) {
  Deno.test(`${way}: a server that is closed when it has just sent its replies still tells what was refused`, async () => {
    await using broker = new Broker(small);
    await using listener = await broker.listen({ port: 0 });
    await using connection = way === "in process"
      ? await broker.connect()
      : await connect(`amqp://127.0.0.1:${listener.port}`);
    const handled = Promise.withResolvers<void>();
    const server = await connection.serve("calls", (request) => {
      if (request === "last") handled.resolve();
      return "x".repeat(request === "first" ? 2000 : 10);
    });
    await using client = await connection.rpc("calls", { timeout: 20_000 });
    const first = client.call("first");
    const last = client.call("last");
    const told = assertRejects(() => first, RpcError, TOO_LARGE);
    await handled.promise;
    await server.close();
    await told;
    assertEquals(await last, "x".repeat(10));
    assertEquals(await server.closed, undefined);
  });
}

Deno.test("a server that is closed while there is no connection waits for nothing", async () => {
  await using stage = await Stage.open({ recovery: { initialDelayMs: 60_000 } });
  const { connection, broker, proxy } = stage;
  await using near = await broker.connect();
  const gate = Promise.withResolvers<void>();
  const handled = Promise.withResolvers<void>();
  const server = await connection.serve("calls", () => {
    handled.resolve();
    return gate.promise;
  });
  await using client = await near.rpc("calls", { timeout: 20_000 });
  client.call("x").catch(() => {});
  await handled.promise;
  const lost = next(connection, "lost");
  proxy.cut();
  await lost;
  gate.resolve();
  await server.close();
  assertEquals(await server.closed, undefined);
});

/** What a proxy reads at a time, at most. */
const PIECE = 64 * 1024;

Deno.test("a reply that is refused while others wait for room makes no request come again", async () => {
  await using broker = new Broker({ messageSizeMax: 1_000_000 });
  await using server = await broker.listen({ port: 0 });
  let passed = 0;
  const slow = {
    async mangle(piece: Uint8Array) {
      // for so many bytes, since they come in smaller pieces on some machines than on others
      for (passed += piece.length; passed >= PIECE; passed -= PIECE) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return [piece];
    },
  };
  await using proxy = new TcpProxy(server.port, () => ({ up: slow }));
  await using serving = await connect({ hostname: "127.0.0.1", port: proxy.port });
  const handled: string[] = [];
  await serving.serve("calls", (request) => {
    handled.push(String(request));
    return new Uint8Array(request === "large" ? 2_000_000 : 500_000);
  }, { concurrency: 20 });
  await using calling = await broker.connect();
  const client = await calling.rpc("calls");
  const names = Array.from({ length: 12 }, (_, number) => number === 3 ? "large" : `${number}`);
  const answers = await Promise.allSettled(names.map((name) => client.call(name)));
  assertEquals(
    answers.map((answer) =>
      answer.status === "fulfilled" ? (answer.value as Uint8Array).length : answer.reason.name
    ),
    names.map((name) => name === "large" ? "RpcError" : 500_000),
  );
  assertEquals(handled.sort(), names.sort());
  await client.close();
});
