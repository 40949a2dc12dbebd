import { assert, assertEquals, assertLess, assertMatch, assertRejects } from "@std/assert";
import { completeLimits } from "../../broker/http/limits.ts";
import { listenHttp } from "../../broker/http/listen.ts";
import { systemClock } from "../../broker/amqp/clock.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { GET, RawClient, serveHttp } from "./support.ts";

/** Short enough for a test, long enough for a busy machine. */
const SOON_MS = 500;

const hello = () => new Response("hello");

/** Answers with what it was sent. */
const echo = async (request: Request) => new Response(await request.text());

/** A stream that has no end; tells how much was made, and when nobody wants more. */
function endless() {
  const chunk = new Uint8Array(64 * 1024);
  const cancelled = Promise.withResolvers<void>();
  let chunks = 0;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      chunks++;
      controller.enqueue(chunk);
    },
    cancel: () => cancelled.resolve(),
  }, { highWaterMark: 1 });
  return { body, cancelled: cancelled.promise, made: () => chunks };
}

Deno.test("an HTTP server answers several requests on a connection, also when they come at once", async () => {
  await using served = await serveHttp(echo);
  using client = await RawClient.connect(served.server);
  const post = (body: string) =>
    `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  await client.send(post("one"));
  assertMatch(await client.until("one"), /^HTTP\/1\.1 200 OK\r\n/);
  await client.send(post("two") + post("three"));
  assertMatch(await client.until("three"), /\r\n\r\ntwoHTTP\/1\.1 200 OK\r\n/);
});

Deno.test("an HTTP server tells who asks, and takes and gives chunks", async () => {
  await using served = await serveHttp(async (request, peer) => {
    const body = `${peer.hostname} ${await request.text()}`;
    const parts = ["<", body, ">"].map((text) => new TextEncoder().encode(text));
    return new Response(
      new ReadableStream({
        pull(controller) {
          const part = parts.shift();
          if (part === undefined) controller.close();
          else controller.enqueue(part);
        },
      }),
    );
  });
  const body = new Blob(["a".repeat(100_000), "b"]).stream();
  const answer = await fetch(served.server.url, { method: "POST", body });
  assertEquals(await answer.text(), `<127.0.0.1 ${"a".repeat(100_000)}b>`);
  const head = await fetch(served.server.url, { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
});

Deno.test("an HTTP server answers 500 when its handler fails, and says why in the log", async () => {
  await using served = await serveHttp(() => {
    throw new Error("no carrots left");
  });
  const answer = await fetch(served.server.url);
  assertEquals([answer.status, await answer.text()], [500, ""]);
  assertMatch(served.logger.of("error").join(), /internal error: Error: no carrots left/);
});

Deno.test("an HTTP server answers 400 to what is no request", async () => {
  await using served = await serveHttp(hello);
  for (const text of ["\x00\x01AMQP\r\n\r\n", "GET / HTTP/1.1\r\nHost: a b/c\r\n\r\n"]) {
    using client = await RawClient.connect(served.server);
    await client.send(text);
    assertMatch(await client.some() ?? "", /^HTTP\/1\.1 400 Bad Request\r\n/);
  }
});

Deno.test("a connection on which no request comes is closed", async () => {
  await using served = await serveHttp(hello, { limits: { headTimeoutMs: SOON_MS } });
  using client = await RawClient.connect(served.server);
  await client.rest();
  assertEquals(await (await fetch(served.server.url)).text(), "hello");
});

Deno.test("a request whose head comes octet by octet is given up", async () => {
  await using served = await serveHttp(hello, { limits: { headTimeoutMs: SOON_MS } });
  using client = await RawClient.connect(served.server);
  await client.send("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
  const ended = client.rest();
  let isOver = false;
  void ended.then(() => isOver = true);
  while (!isOver) {
    await client.send("a").catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, SOON_MS / 10));
  }
  assertMatch(await ended, /^(HTTP\/1\.1 408 Request Timeout\r\n.*)?$/s);
  assertMatch(
    served.logger.lines.join("\n"),
    /^warning: HTTP connection 127\.0\.0\.1:\d+: its request was not there in time$/m,
  );
});

Deno.test("a connection that waits for its next request too long is closed", async () => {
  await using served = await serveHttp(hello, { limits: { idleTimeoutMs: 1 } });
  using client = await RawClient.connect(served.server);
  await client.send(GET);
  assertMatch(await client.rest(), /hello$/);
});

Deno.test("a request with a long head is answered 431", async () => {
  await using served = await serveHttp(hello, { limits: { headSizeMax: 4096 } });
  using client = await RawClient.connect(served.server);
  const send = client.send(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"a".repeat(5000)}\r\n`);
  assertMatch(await client.rest(), /^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
  await send.catch(() => {});
  const headers = { "x-long": "a".repeat(3000) };
  assertEquals(await (await fetch(served.server.url, { headers })).text(), "hello");
});

for (const limit of ["connectionMax", "connectionMaxPerAddress"] as const) {
  Deno.test(`with ${limit} connections more are closed, until one of them goes`, async () => {
    await using served = await serveHttp(hello, { limits: { [limit]: 2 } });
    const ask = async () => {
      const client = await RawClient.connect(served.server);
      await client.send(GET).catch(() => {});
      return { client, answer: await client.some() };
    };
    const first = await ask();
    using second = (await ask()).client;
    const third = await ask();
    third.client[Symbol.dispose]();
    assertEquals(third.answer, undefined);
    const why = limit === "connectionMax" ? "there are 2" : "its address has 2";
    assertMatch(
      served.logger.lines.join("\n"),
      new RegExp(`^warning: HTTP connection 127\\.0\\.0\\.1:\\d+: refused, since ${why} `, "m"),
    );
    first.client[Symbol.dispose]();
    // that it has gone is known a moment later
    let fourth = await ask();
    while (fourth.answer === undefined) {
      fourth.client[Symbol.dispose]();
      fourth = await ask();
    }
    assertMatch(fourth.answer, /hello$/);
    fourth.client[Symbol.dispose]();
    await second.send(GET);
    assertMatch(await second.until("hello"), /^HTTP\/1\.1 200 OK/);
  });
}

for (const limit of ["connectionRate", "connectionRatePerAddress"] as const) {
  Deno.test(`with ${limit} so many connections come in a second, and some more at once`, async () => {
    const clock = new ManualClock();
    const limits = { [limit]: 1, connectionBurst: 2 };
    await using served = await serveHttp(hello, { limits, clock });
    const ask = async () => {
      using client = await RawClient.connect(served.server);
      await client.send(GET).catch(() => {});
      return await client.some();
    };
    assertMatch((await ask())!, /hello$/);
    assertMatch((await ask())!, /hello$/);
    assertEquals(await ask(), undefined);
    clock.advance(999);
    assertEquals(await ask(), undefined);
    clock.advance(1);
    assertMatch((await ask())!, /hello$/);
    assertEquals(await ask(), undefined);
    assertMatch(
      served.logger.lines.join("\n"),
      /^warning: HTTP connection 127\.0\.0\.1:\d+: refused, since too many connections /m,
    );
  });
}

Deno.test("a client that does not read a long answer is given up, and no more is made of it", async () => {
  const { body, cancelled, made } = endless();
  await using served = await serveHttp((request) => {
    return request.url.endsWith("/long") ? new Response(body) : hello();
  }, { limits: { writeTimeoutMs: SOON_MS } });
  using client = await RawClient.connect(served.server);
  await client.send(GET.replace("/", "/long"));
  await cancelled;
  assertMatch(
    served.logger.lines.join("\n"),
    /^warning: HTTP connection 127\.0\.0\.1:\d+: took next to none of \d+ bytes that wait for it/m,
  );
  // what the two kernels hold, and a little more
  assertLess(made() * 64, 16 * 1024);
  assertEquals(await (await fetch(served.server.url)).text(), "hello");
});

Deno.test("what is made for a client that hangs up is not made to its end", async () => {
  const { body, cancelled } = endless();
  await using served = await serveHttp(() => new Response(body));
  {
    using client = await RawClient.connect(served.server);
    await client.send(GET);
    assert(await client.some() !== undefined);
  }
  await cancelled;
});

Deno.test("an HTTP server tells its handler that the client has gone", async () => {
  const begun = Promise.withResolvers<AbortSignal>();
  const over = Promise.withResolvers<void>();
  await using served = await serveHttp(async (_request, { gone }) => {
    begun.resolve(gone!);
    await new Promise((resolve) => gone!.addEventListener("abort", resolve));
    over.resolve();
    return hello();
  });
  {
    using client = await RawClient.connect(served.server);
    await client.send(GET);
    assertEquals((await begun.promise).aborted, false);
  }
  await over.promise;
  assertEquals(served.logger.lines, []);
});

Deno.test("an HTTP server that is closed ends what it is about to do", async () => {
  const begun = Promise.withResolvers<void>();
  const { body, cancelled } = endless();
  const served = await serveHttp(() => {
    begun.resolve();
    return new Response(body);
  });
  using client = await RawClient.connect(served.server);
  using idle = await RawClient.connect(served.server);
  await client.send(GET);
  await begun.promise;
  await served.server.close();
  await cancelled;
  assertEquals(await idle.rest(), "");
  await assertRejects(() => RawClient.connect(served.server), Deno.errors.ConnectionRefused);
});

Deno.test("listenHttp() says which port is in use", async () => {
  await using served = await serveHttp(hello);
  const { port } = served.server;
  const options = {
    hostname: "127.0.0.1",
    port,
    clock: systemClock,
    logger: new RecordingLogger(),
  };
  await assertRejects(() => listenHttp(hello, options), Deno.errors.AddrInUse);
});

Deno.test("limits of HTTP that make no sense are refused", async () => {
  const wrong = [
    { connectionMax: 0 },
    { idleTimeoutMs: Infinity },
    { headSizeMax: 1.5 },
    { writeTimeoutMs: NaN },
    { conectionMax: 5 },
    { connectionRate: 0 },
    { connectionBurst: Infinity },
  ];
  for (const limits of wrong) {
    await assertRejects(() => serveHttp(hello, { limits }), TypeError, "Cannot serve HTTP: ");
  }
  assertEquals(completeLimits({ connectionMax: Infinity }).connectionMax, Infinity);
  const { connectionMaxPerAddress, connectionRate, connectionRatePerAddress, connectionBurst } =
    completeLimits({});
  assertEquals(connectionMaxPerAddress, 256);
  assertEquals([connectionRate, connectionRatePerAddress, connectionBurst], [
    1000,
    200,
    1000,
  ]);
});

Deno.test("a request whose body does not come to its end is given up", async () => {
  const failed = Promise.withResolvers<void>();
  await using served = await serveHttp(async (request) => {
    await request.text().catch(() => failed.resolve());
    return hello();
  }, { limits: { requestTimeoutMs: SOON_MS } });
  using client = await RawClient.connect(served.server);
  await client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc");
  assertMatch(await client.rest(), /^(HTTP\/1\.1 408 Request Timeout\r\n.*)?$/s);
  await failed.promise;
});
