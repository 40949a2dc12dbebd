import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import type { Transport } from "../../broker/amqp/transport.ts";
import { WebSocketStream } from "../../broker/net/websocket_stream.ts";
import { forSeeds } from "../amqp/random_values.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { ScriptedTransport } from "../support/scripted_transport.ts";
import { clientFrame, upgradeRequest, WebSocketClient } from "../support/websocket_client.ts";
import { listen, type Listening, readAll } from "./support.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const WEBSOCKET = { websocket: true, port: 0 };

/** Opens a WebSocket and gives both of its ends. */
async function open(listening: Listening): Promise<[WebSocketClient, Transport]> {
  const client = await WebSocketClient.open(listening.listener.port);
  return [client, await listening.accepted.next()];
}

Deno.test("A WebSocket is opened as in the specification's example", async () => {
  await using listening = await listen(WEBSOCKET);
  const client = await WebSocketClient.dial(listening.listener.port);
  assertEquals(
    await client.request(upgradeRequest()),
    [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
      "",
      "",
    ].join("\r\n"),
  );
  client.close();
  (await listening.accepted.next()).close();
});

const offers: readonly (readonly [offered: string, agreed: string | undefined])[] = [
  ["amqp", "amqp"],
  ["mqtt, AMQP, amqp", "AMQP"],
  ["amqp-0-9-1", "amqp-0-9-1"],
  ["mqtt", undefined],
];

for (const [offered, agreed] of offers) {
  Deno.test(`Of the subprotocols ${offered} a WebSocket agrees to ${agreed ?? "none"}`, async () => {
    await using listening = await listen(WEBSOCKET);
    const client = await WebSocketClient.dial(listening.listener.port);
    const head = await client.request(upgradeRequest({ "Sec-WebSocket-Protocol": offered }));
    assertEquals(/Sec-WebSocket-Protocol: (.*)\r\n/.exec(head)?.[1], agreed);
    client.close();
    (await listening.accepted.next()).close();
  });
}

const refused: readonly (readonly [string, string, string])[] = [
  ["a request for a page", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "426 Upgrade Required"],
  ["a POST", upgradeRequest().replace("GET", "POST"), "426 Upgrade Required"],
  ["another version", upgradeRequest({ "Sec-WebSocket-Version": "8" }), "426 Upgrade Required"],
  ["no key", upgradeRequest({ "Sec-WebSocket-Key": undefined }), "400 Bad Request"],
  ["a key that is too short", upgradeRequest({ "Sec-WebSocket-Key": "YQ==" }), "400 Bad Request"],
  ["HTTP/1.0", upgradeRequest().replace("/1.1", "/1.0"), "400 Bad Request"],
  ["a field on two lines", upgradeRequest().replace("Host:", " Host:"), "400 Bad Request"],
  ["AMQP without WebSocket", "AMQP\0\0\x09\x01", "400 Bad Request"],
  ["too many fields", upgradeRequest({ X: "x".repeat(20_000) }), "431 Request Header Fields"],
  ["a page of elsewhere", upgradeRequest({ Origin: "https://evil.example" }), "403 Forbidden"],
];

for (const [what, request, status] of refused) {
  Deno.test(`A WebSocket is not opened for ${what}`, async () => {
    await using listening = await listen(WEBSOCKET);
    const client = await WebSocketClient.dial(listening.listener.port);
    const head = await client.request(request);
    assert(head.startsWith(`HTTP/1.1 ${status}`), head);
    client.close();
  });
}

Deno.test("A WebSocket carries bytes both ways, whatever the frames are", async () => {
  await using listening = await listen(WEBSOCKET);
  const [client, transport] = await open(listening);
  const large = Uint8Array.from({ length: 100_000 }, (_, at) => at);
  const sent = [
    clientFrame(bytes("one")),
    clientFrame(new Uint8Array(0)),
    clientFrame(bytes("two"), { final: false }),
    clientFrame(bytes("p"), { opcode: 10 }), // a pong that nobody asked for
    clientFrame(bytes("three"), { opcode: 0, final: false }),
    clientFrame(bytes(""), { opcode: 0 }),
    clientFrame(bytes("four"), { sizeBytes: 2 }),
    clientFrame(bytes("five"), { sizeBytes: 8 }),
    clientFrame(large),
  ];
  const reading = readAll(transport, 19 + large.length);
  for (const frame of sent) await client.send(frame);
  const read = await reading;
  assertEquals(new TextDecoder().decode(read.subarray(0, 19)), "onetwothreefourfive");
  assertEquals(read.subarray(19), large);

  for (const size of [0, 125, 126, 65_535, 65_536, 262_144]) {
    const writing = transport.write(large.subarray(0, size % large.length));
    const frame = await client.frame();
    assertEquals([frame?.opcode, frame?.payload], [2, large.subarray(0, size % large.length)]);
    await writing;
  }
  const more = new Uint8Array(1_000_000);
  const [count, frame] = await Promise.all([transport.write(more), client.frame()]);
  assertEquals(count, 262_144, "the rest is for the next call");
  assertEquals(frame?.payload.length, count);
  client.close();
  transport.close();
});

Deno.test("A WebSocket answers pings while data goes out, the last of many at least", async () => {
  await using listening = await listen(WEBSOCKET);
  const [client, transport] = await open(listening);
  const reading = readAll(transport, 4);
  await client.send(clientFrame(bytes("are you there"), { opcode: 9 }));
  assertEquals(await client.frame(), { opcode: 10, payload: bytes("are you there") });
  await client.send(clientFrame(new Uint8Array(0), { opcode: 9 }));
  assertEquals(await client.frame(), { opcode: 10, payload: new Uint8Array(0) });
  await client.send(clientFrame(bytes("data")));
  assertEquals(await reading, bytes("data"));
  client.close();
  transport.close();
});

const violations: readonly (readonly [string, Uint8Array, number])[] = [
  ["text", clientFrame(bytes("hello"), { opcode: 1 }), 1003],
  ["the first part of a text", clientFrame(bytes("h"), { opcode: 1, final: false }), 1003],
  ["a frame without a mask", clientFrame(bytes("x"), { masked: false }), 1002],
  ["an extension", clientFrame(bytes("x"), { reserved: 4 }), 1002],
  ["a frame of type 3", clientFrame(bytes("x"), { opcode: 3 }), 1002],
  ["a frame of type 11", clientFrame(bytes("x"), { opcode: 11 }), 1002],
  ["a part of nothing", clientFrame(bytes("x"), { opcode: 0 }), 1002],
  [
    "a message inside a message",
    Uint8Array.from([...clientFrame(bytes("x"), { final: false }), ...clientFrame(bytes("y"))]),
    1002,
  ],
  ["a ping in parts", clientFrame(bytes("x"), { opcode: 9, final: false }), 1002],
  ["a ping of 126 bytes", clientFrame(new Uint8Array(126), { opcode: 9 }), 1002],
  ["a frame over 1 GiB", clientFrame(new Uint8Array(0), { size: 2 ** 30 + 1, sizeBytes: 8 }), 1009],
  ["the longest size there is", Uint8Array.from([0x82, ...Array(13).fill(0xff)]), 1009],
  ["a goodbye of one byte", clientFrame(bytes("x"), { opcode: 8 }), 1002],
  ["a goodbye with a code of no meaning", clientFrame(Uint8Array.of(3, 237), { opcode: 8 }), 1002],
];

for (const [what, frame, code] of violations) {
  Deno.test(`A WebSocket closes with ${code} after ${what}`, async () => {
    await using listening = await listen(WEBSOCKET);
    const [client, transport] = await open(listening);
    const reading = readAll(transport);
    await client.send(frame);
    await reading;
    transport.close(); // as a link does at the end of its stream
    while (true) {
      const sent = await client.frame();
      if (sent?.opcode !== 8) continue;
      assertEquals(sent.payload[0]! << 8 | sent.payload[1]!, code);
      break;
    }
    assertEquals(await client.ended(), true);
    client.close();
  });
}

Deno.test("A WebSocket's goodbye is answered, and what was sent before it still comes", async () => {
  await using listening = await listen(WEBSOCKET);
  const [client, transport] = await open(listening);
  const goodbye = clientFrame(Uint8Array.of(3, 233, 0x62, 0x79, 0x65), { opcode: 8 });
  await client.send(Uint8Array.from([...clientFrame(bytes("last words")), ...goodbye]));
  assertEquals(await readAll(transport), bytes("last words"));
  assertEquals(await client.closeCode(), 1001);
  transport.close();
  assertEquals(await client.ended(), true);
  client.close();
});

Deno.test("WebSocketStream.close() says goodbye, and goes when the peer has answered", async () => {
  await using listening = await listen(WEBSOCKET);
  const [client, transport] = await open(listening);
  const reading = readAll(transport);
  transport.close();
  transport.close();
  assertEquals(await client.closeCode(), 1000);
  await client.send(clientFrame(bytes("late")));
  await client.send(clientFrame(Uint8Array.of(3, 232), { opcode: 8 }));
  assertEquals(await client.ended(), true);
  assertEquals(await reading, new Uint8Array(0));
  client.close();
});

Deno.test("WebSocketStream.close() waits a second for the peer's goodbye, no longer", async () => {
  const clock = new ManualClock();
  const below = new ScriptedTransport([], { staysOpen: true });
  const stream = new WebSocketStream(below, { clock, onViolation: () => {} });
  stream.close();
  clock.advance(999);
  assertEquals(below.closed, false);
  clock.advance(1);
  assertEquals(below.closed, true);
  await stream.closed;
  assertEquals(clock.timers, 0);
  assertEquals(below.written, [Uint8Array.of(0x88, 2, 3, 232)]);
});

Deno.test("WebSocketStream reads no more than its reader takes", async () => {
  const body = new Uint8Array(65_000);
  const chunks = Array.from({ length: 50 }, () => clientFrame(body));
  const below = new ScriptedTransport(chunks, { staysOpen: true });
  const stream = new WebSocketStream(below, { clock: new ManualClock(), onViolation: () => {} });
  await stream.read(new Uint8Array(100));
  assertLess(below.reads, 3);
  const before = below.reads;
  for (let total = 100; total < 500;) total += (await stream.read(new Uint8Array(100)))!;
  assertLess(below.reads - before, 3);
});

Deno.test("WebSocketStream hands on the same bytes however the frames are torn", async () => {
  const seeds: Promise<void>[] = [];
  forSeeds(200, (random) => {
    const expected = random.bytes(3000);
    const frames: number[] = [];
    let open = false;
    for (let at = 0; at < expected.length;) {
      const size = Math.min(expected.length - at, random.below(random.pick([3, 200, 2000])));
      const final = random.boolean();
      const opcode = open ? 0 : 2;
      frames.push(...clientFrame(expected.subarray(at, at + size), { opcode, final }));
      if (random.below(4) === 0) frames.push(...clientFrame(random.bytes(125), { opcode: 9 }));
      open = !final;
      at += size;
    }
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < frames.length;) {
      const size = 1 + random.below(random.pick([1, 7, 700]));
      chunks.push(Uint8Array.from(frames.slice(at, at + size)));
      at += size;
    }
    const stream = new WebSocketStream(new ScriptedTransport(chunks), {
      clock: new ManualClock(),
      onViolation: (text) => assertEquals(text, ""),
    });
    seeds.push(readAll(stream).then((read) => assertEquals(read, expected)));
  });
  await Promise.all(seeds);
});

Deno.test("WebSocketStream survives random bytes: it ends, and says why when it is no end", async () => {
  const runs: Promise<number>[] = [];
  forSeeds(500, (random) => {
    const start = random.boolean() ? clientFrame(random.bytes(50)) : new Uint8Array(0);
    const noise = Uint8Array.from({ length: 400 }, () => random.below(256));
    const violations: string[] = [];
    const below = new ScriptedTransport([start, noise].filter(({ length }) => length > 0));
    const stream = new WebSocketStream(below, {
      clock: new ManualClock(),
      onViolation: (text) => violations.push(text),
    });
    runs.push(readAll(stream).then(() => violations.length));
  });
  const counts = await Promise.all(runs);
  assert(counts.every((count) => count <= 1));
  assertGreater(counts.filter((count) => count === 1).length, 300);
});

Deno.test("Listener takes a proxy's header before a WebSocket, and names the peer by it", async () => {
  await using listening = await listen({
    ...WEBSOCKET,
    proxyProtocol: { trusted: ["127.0.0.1"] },
  });
  const client = await WebSocketClient.dial(listening.listener.port);
  await client.send(bytes("PROXY TCP4 203.0.113.7 192.0.2.1 51234 80\r\n"));
  assert((await client.request(upgradeRequest())).startsWith("HTTP/1.1 101 "));
  const transport = await listening.accepted.next();
  assertEquals(transport.peer, { hostname: "203.0.113.7", port: 51234 });
  client.close();
  transport.close();
});
