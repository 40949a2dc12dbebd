import { assertEquals, assertRejects } from "@std/assert";
import { webSocketTransport } from "../../broker/amqp/websocket_transport.ts";
import { ManualClock } from "../support/manual_clock.ts";

const END = { hostname: "127.0.0.1", port: 1 };

/** A WebSocket that does what a test tells it. */
class FakeSocket {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  binaryType = "blob";
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly sent: Uint8Array[] = [];
  readonly closes: unknown[][] = [];

  send(bytes: Uint8Array): void {
    this.sent.push(bytes.slice());
  }

  close(...args: unknown[]): void {
    this.closes.push(args);
    this.readyState = 2;
  }

  receive(...octets: number[]): void {
    this.onmessage?.({ data: Uint8Array.from(octets).buffer });
  }

  end(): void {
    this.readyState = 3;
    this.onclose?.();
  }
}

function open(options: { waitingMax?: number } = {}) {
  const socket = new FakeSocket();
  const clock = new ManualClock();
  const ends = { peer: END, local: END };
  const transport = webSocketTransport(socket as unknown as WebSocket, {
    ...ends,
    clock,
    ...options,
  });
  return { socket, clock, transport };
}

Deno.test("webSocketTransport() reads what came, joined and cut as the reader likes", async () => {
  const { socket, transport } = open();
  assertEquals(socket.binaryType, "arraybuffer");
  socket.receive(1, 2, 3);
  socket.receive();
  socket.receive(4, 5);
  const into = new Uint8Array(4);
  assertEquals([await transport.read(into), [...into]], [4, [1, 2, 3, 4]]);
  assertEquals([await transport.read(into), into[0]], [1, 5]);
  const reading = transport.read(into);
  socket.receive(6);
  assertEquals([await reading, into[0]], [1, 6]);
  socket.receive(7);
  socket.end();
  assertEquals([await transport.read(into), await transport.read(into)], [1, null]);
});

Deno.test("webSocketTransport() keeps order over thousands of messages", async () => {
  const { socket, transport } = open();
  const into = new Uint8Array(3);
  const read: number[] = [];
  for (let index = 0; index < 5000; index++) {
    socket.receive(index & 0xff, index >> 8);
    if (index % 2 === 0) read.push(...into.subarray(0, (await transport.read(into))!));
  }
  socket.end();
  for (let count = await transport.read(into); count !== null; count = await transport.read(into)) {
    read.push(...into.subarray(0, count));
  }
  const expected = Array.from({ length: 5000 }, (_, index) => [index & 0xff, index >> 8]).flat();
  assertEquals(read, expected);
});

Deno.test("webSocketTransport() writes no more while the socket holds much", async () => {
  const { socket, clock, transport } = open();
  assertEquals(await transport.write(Uint8Array.of(1)), 1);
  socket.bufferedAmount = 2_000_000;
  let written = 0;
  const writing = transport.write(new Uint8Array(1_000_000)).then((count) => written = count);
  assertEquals(socket.sent.length, 2);
  clock.advance(4);
  await Promise.resolve();
  assertEquals(written, 0);
  socket.bufferedAmount = 1000;
  clock.advance(4);
  await writing;
  assertEquals(written, 262_144, "the rest is for the next call");
  assertEquals(clock.timers, 0);
});

Deno.test("webSocketTransport() fails to write when the socket is closed, also while it waits", async () => {
  const { socket, clock, transport } = open();
  socket.bufferedAmount = 2_000_000;
  const writing = transport.write(Uint8Array.of(1));
  socket.end();
  clock.advance(4);
  assertEquals(await writing, 1);
  await assertRejects(() => transport.write(Uint8Array.of(2)), Error, "is closed");
});

Deno.test("webSocketTransport() refuses text with 1003, and a flood with 1008", async () => {
  const text = open();
  text.socket.onmessage?.({ data: "hello" });
  assertEquals(text.socket.closes, [[1003, "AMQP is binary"]]);
  assertEquals(await text.transport.read(new Uint8Array(1)), null);

  const flood = open({ waitingMax: 2 * 256 + 4 });
  flood.socket.receive(1, 2, 3);
  assertEquals(flood.socket.closes, []);
  flood.socket.receive(4, 5);
  assertEquals(flood.socket.closes, [[1008, "too much at once"]]);
});

Deno.test("webSocketTransport() counts what each message takes, and forgets those that were read", async () => {
  const { socket, transport } = open({ waitingMax: 1000 * 257 });
  for (let round = 0; round < 3; round++) {
    for (let count = 0; count < 1000; count++) socket.receive(1);
    assertEquals(socket.closes, []);
    assertEquals(await transport.read(new Uint8Array(2000)), 1000);
  }
  for (let count = 0; count < 1001; count++) socket.receive(1);
  assertEquals(socket.closes, [[1008, "too much at once"]]);
});

Deno.test("webSocketTransport().close() resolves when the socket is closed, or after a second", async () => {
  const one = open();
  const closing = one.transport.close();
  assertEquals(one.socket.closes, [[1000]]);
  one.socket.end();
  await closing;
  assertEquals(one.clock.timers, 0);

  const other = open();
  const late = other.transport.close();
  other.clock.advance(1000);
  await late;
  assertEquals(await other.transport.read(new Uint8Array(1)), null);
});
