import { assertEquals } from "@std/assert";
import { type Duplex, PassThrough } from "node:stream";
import type { TLSSocket } from "node:tls";
import { systemClock } from "../../broker/amqp/clock.ts";
import { TlsStream } from "../../broker/amqp/tls_stream.ts";
import { loopRound } from "../../broker/amqp/turn.ts";
import { ScriptedTransport } from "../support/scripted_transport.ts";

const encoder = new TextEncoder();

Deno.test("what comes while nobody decrypts stays as it came", async () => {
  const parts = ["first ", "second ", "third"];
  const below = new ScriptedTransport(parts.map((part) => encoder.encode(part)), {
    staysOpen: true,
  });
  let encrypted: Duplex | undefined;
  const socket = Object.assign(new PassThrough(), {
    getProtocol: () => "TLSv1.3",
    getCipher: () => undefined,
  });
  const stream = await TlsStream.open(below, {
    open(duplex) {
      encrypted = duplex;
      queueMicrotask(() => socket.emit("secure"));
      return socket as unknown as TLSSocket;
    },
    event: "secure",
    verify: () => undefined,
    clock: systemClock,
  });
  encrypted!.read(0);
  while (below.reads <= parts.length) await loopRound();
  let came = "";
  for (let part; (part = encrypted!.read()) !== null;) came += part;
  assertEquals(came, "first second third");
  encrypted!.destroy();
  socket.destroy();
  await stream!.close();
});
