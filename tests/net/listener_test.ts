import { assert, assertEquals, assertGreater, assertMatch, assertRejects } from "@std/assert";
import { endpointName } from "../../broker/amqp/transport.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { listen, readAll } from "./support.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

Deno.test("Listener on port 0 takes any free port and tells which", async () => {
  await using one = await listen();
  await using other = await listen();
  const [port, otherPort] = [one.listener.port, other.listener.port];
  assert(port > 0 && otherPort > 0 && port !== otherPort);
  assertEquals(one.listener.hostname, "127.0.0.1");
  assertEquals(one.listener.url, `amqp://127.0.0.1:${port}`);
});

Deno.test("Listener hands on each connection with both of its addresses", async () => {
  await using listening = await listen();
  const { accepted, listener } = listening;
  for (let count = 0; count < 3; count++) {
    const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.port });
    const transport = await accepted.next();
    const { hostname, port } = client.localAddr as Deno.NetAddr;
    assertEquals(transport.peer, { hostname, port });
    assertEquals(transport.local, { hostname: "127.0.0.1", port: listener.port });
    transport.close();
    client.close();
  }
});

Deno.test("Listener refuses a port on which somebody listens", async () => {
  await using listening = await listen();
  const { port } = listening.listener;
  await assertRejects(() => listen({ port }), Deno.errors.AddrInUse);
});

Deno.test("Listener.close() frees the port, and may come twice", async () => {
  const { listener } = await listen();
  await listener.close();
  await listener.close();
  await assertRejects(
    () => Deno.connect({ hostname: "127.0.0.1", port: listener.port }),
    Deno.errors.ConnectionRefused,
  );
  await using again = await listen({ port: listener.port });
  assertEquals(again.listener.port, listener.port);
});

Deno.test("Listener goes on after a connection that could not be accepted", async () => {
  const realListen = Deno.listen;
  let failures = 0;
  // as when no file descriptor is left
  const failing = (options: Deno.ListenOptions) => {
    const listener = realListen({ ...options, transport: "tcp" });
    const accept = listener.accept.bind(listener);
    listener.accept = () =>
      failures++ < 2 ? Promise.reject(new Error("Too many open files (os error 24)")) : accept();
    return listener;
  };
  Object.defineProperty(Deno, "listen", { value: failing, configurable: true, writable: true });
  await using listening = await listen();
  const { accepted, listener } = listening;
  Object.defineProperty(Deno, "listen", { value: realListen, configurable: true, writable: true });

  const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.port });
  const transport = await accepted.next();
  assertGreater(failures, 2);
  transport.close();
  client.close();
});

Deno.test("Listener takes IPv4 and IPv6 on the address for all, and names both ends", async () => {
  await using listening = await listen({ hostname: "::", port: 0 });
  const { accepted, listener } = listening;
  assertEquals(listener.url, `amqp://[::]:${listener.port}`);
  for (const hostname of ["127.0.0.1", "::1"]) {
    const client = await Deno.connect({ hostname, port: listener.port });
    const transport = await accepted.next();
    assertEquals(transport.peer.hostname.replace("::ffff:", ""), hostname);
    transport.close();
    client.close();
  }
  assertEquals(endpointName({ hostname: "::1", port: 7 }), "[::1]:7");
  assertEquals(endpointName({ hostname: "127.0.0.1", port: 7 }), "127.0.0.1:7");
});

const odd: readonly (readonly [string, Parameters<typeof listen>[0]])[] = [
  ["a path and a port", { path: "/tmp/x.sock", port: 1 }],
  ["an empty path", { path: "" }],
  ["the mode of a port", { port: 0, mode: 0o600 }],
  ["origins without WebSocket", { port: 0, origins: ["*"] }],
  ["an origin with a path", { port: 0, websocket: true, origins: ["https://a.example/x"] }],
  ["no trusted proxy", { port: 0, proxyProtocol: { trusted: [] } }],
  ["a trusted proxy by name", { port: 0, proxyProtocol: { trusted: ["proxy.example"] } }],
];

for (const [what, options] of odd) {
  Deno.test(`Listener refuses ${what}`, async () => {
    await assertRejects(() => listen(options), TypeError, "Cannot listen: ");
  });
}

const windows = Deno.build.os === "windows";

async function socketPath(): Promise<string> {
  return `${await Deno.makeTempDir({ prefix: "warren-net-" })}/amqp.sock`;
}

Deno.test({
  name: "Listener on a socket file carries bytes, sets its mode and removes it when it closes",
  ignore: windows,
  async fn() {
    const path = await socketPath();
    {
      await using listening = await listen({ path, mode: 0o620 });
      const { accepted, listener } = listening;
      assertEquals([listener.hostname, listener.port, listener.path], ["", 0, path]);
      assertEquals(listener.url, `amqp+unix://${path}`);
      assertEquals((await Deno.lstat(path)).mode! & 0o777, 0o620);
      const client = await Deno.connect({ transport: "unix", path });
      const transport = await accepted.next();
      assertEquals([endpointName(transport.peer), endpointName(transport.local)], [
        `${path}#1`,
        path,
      ]);
      assertEquals(transport.peer.hostname, "127.0.0.1", "who can open it is on this machine");
      await client.write(encoder.encode("hello"));
      client.close();
      assertEquals(decoder.decode(await readAll(transport)), "hello");
      transport.close();
    }
    await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
  },
});

Deno.test({
  name: "Listener listens on a path again as soon as it was closed",
  ignore: windows,
  async fn() {
    const path = await socketPath();
    for (let round = 0; round < 20; round++) {
      await using listening = await listen({ path });
      const client = await Deno.connect({ transport: "unix", path });
      (await listening.accepted.next()).close();
      client.close();
    }
  },
});

Deno.test({
  name: "Listener replaces a socket file that nobody listens on, and no other",
  ignore: windows,
  async fn() {
    const path = await socketPath();
    // a program that was killed leaves its file behind
    const dying = new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `Deno.listen({ transport: "unix", path: ${JSON.stringify(path)} });
        Deno.kill(Deno.pid, "SIGKILL");`,
      ],
      stdin: "null",
      stderr: "null",
    });
    await dying.output();
    assertEquals((await Deno.lstat(path)).isSocket, true);
    {
      await using listening = await listen({ path });
      await assertRejects(() => listen({ path }), Deno.errors.AddrInUse);
      // which was found out by connecting to it
      (await listening.accepted.next()).close();
      const client = await Deno.connect({ transport: "unix", path });
      (await listening.accepted.next()).close();
      client.close();
    }

    await Deno.writeTextFile(path, "precious");
    await assertRejects(() => listen({ path }), Deno.errors.AddrInUse, "is no socket");
    assertEquals(await Deno.readTextFile(path), "precious");
  },
});

/** Connects and says something; tells what came of it. */
async function say(port: number, text: string): Promise<Deno.TcpConn> {
  const client = await Deno.connect({ hostname: "127.0.0.1", port });
  await client.write(encoder.encode(text));
  return client;
}

Deno.test("Listener takes the ends of a connection from a trusted proxy", async () => {
  await using listening = await listen({ port: 0, proxyProtocol: { trusted: ["127.0.0.0/8"] } });
  const { accepted, listener } = listening;
  const client = await say(listener.port, "PROXY TCP4 203.0.113.7 192.0.2.1 51234 5672\r\nAMQP");
  const transport = await accepted.next();
  assertEquals(transport.peer, { hostname: "203.0.113.7", port: 51234 });
  assertEquals(transport.local, { hostname: "192.0.2.1", port: 5672 });
  await client.write(encoder.encode(" and more"));
  client.close();
  assertEquals(decoder.decode(await readAll(transport)), "AMQP and more");
  transport.close();
});

Deno.test("Listener takes the socket's own ends when a proxy speaks for itself", async () => {
  await using listening = await listen({ port: 0, proxyProtocol: { trusted: ["127.0.0.1"] } });
  const { accepted, listener } = listening;
  const client = await say(listener.port, "PROXY UNKNOWN\r\nAMQP");
  const transport = await accepted.next();
  assertEquals(transport.peer.hostname, "127.0.0.1");
  assertEquals(transport.peer.port, client.localAddr.port);
  assertEquals(decoder.decode(await readAll(transport, 4)), "AMQP");
  transport.close();
  client.close();
});

Deno.test("Listener closes a connection of no trusted proxy, and one without a header", async () => {
  for (
    const [trusted, text, reason] of [
      ["10.0.0.0/8", "PROXY UNKNOWN\r\n", "refused, since it is no trusted proxy"],
      ["127.0.0.1", "AMQP\0\0\x09\x01", "refused, since it does not begin with a PROXY header"],
      ["127.0.0.1", "PROXY TCP4 1.2.3.4\r\n", "refused, since the line of its PROXY header"],
    ] as const
  ) {
    await using listening = await listen({ port: 0, proxyProtocol: { trusted: [trusted] } });
    const client = await say(listening.listener.port, text);
    // a reset when it was closed before all was read
    assertEquals(await client.read(new Uint8Array(1)).catch(() => null), null);
    assertEquals(listening.logger.lines.length, 1);
    assert(listening.logger.lines[0]!.includes(reason), listening.logger.lines[0]);
    client.close();
  }
});

Deno.test("Listener does not have its log filled by those whom it refuses", async () => {
  const clock = new ManualClock();
  await using listening = await listen(
    { port: 0, proxyProtocol: { trusted: ["10.0.0.0/8"] } },
    { clock },
  );
  for (let count = 0; count < 50; count++) {
    const client = await Deno.connect({ hostname: "127.0.0.1", port: listening.listener.port });
    assertEquals(await client.read(new Uint8Array(1)).catch(() => null), null);
    client.close();
  }
  assertEquals(listening.logger.lines.length, 20);
  clock.advance(1000);
  assertEquals(listening.logger.lines.length, 21);
  assertMatch(
    listening.logger.lines.at(-1)!,
    /: refused, since it is no trusted proxy \(30 lines like this of its address within a second\)$/,
  );
});

Deno.test("Listener gives a proxy's header so much time and no more", async () => {
  const clock = new ManualClock();
  await using listening = await listen(
    { port: 0, proxyProtocol: { trusted: ["127.0.0.1"] } },
    { clock, timeoutMs: 3000 },
  );
  const quiet = await Deno.connect({ hostname: "127.0.0.1", port: listening.listener.port });
  const client = await say(listening.listener.port, "PROXY UNKNOWN\r\n");
  const transport = await listening.accepted.next(); // so the first one was accepted as well
  assertEquals(clock.timers, 1);
  clock.advance(3000);
  assertEquals(await quiet.read(new Uint8Array(1)), null);
  assertEquals(listening.logger.lines.map((line) => line.replace(/:\d+:/, ":*:")), [
    "warning: connection 127.0.0.1:*: not ready for AMQP within 3000 ms",
  ]);
  for (const one of [quiet, client, transport]) one.close();
});

Deno.test("Listener.close() drops connections whose header has not come", async () => {
  const { listener, accepted } = await listen({
    port: 0,
    proxyProtocol: { trusted: ["127.0.0.1"] },
  });
  const quiet = await say(listener.port, "PROXY ");
  const other = await say(listener.port, "PROXY UNKNOWN\r\n");
  (await accepted.next()).close();
  await listener.close();
  assertEquals(await quiet.read(new Uint8Array(1)).catch(() => null), null);
  quiet.close();
  other.close();
});
