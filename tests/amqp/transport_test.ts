import { assertEquals, assertRejects } from "@std/assert";
import { tcpTransport } from "../../broker/amqp/transport.ts";

Deno.test("tcpTransport() carries bytes both ways and knows both addresses", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [dialled, accepted] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    listener.accept(),
  ]);
  const [here, there] = [tcpTransport(dialled), tcpTransport(accepted)];
  assertEquals(here.peer, { hostname: "127.0.0.1", port: listener.addr.port });
  assertEquals([here.local, here.peer], [there.peer, there.local]);

  const into = new Uint8Array(8);
  assertEquals(await here.write(Uint8Array.of(1, 2, 3)), 3);
  assertEquals([await there.read(into), into.subarray(0, 3)], [3, Uint8Array.of(1, 2, 3)]);
  await there.write(Uint8Array.of(4));
  assertEquals([await here.read(into), into[0]], [1, 4]);

  there.close();
  assertEquals(await here.read(into), null);
  here.close();
});

Deno.test("tcpTransport() switches Nagle's algorithm off, and the system's look for dead peers on", () => {
  let noDelay = false;
  let keepAlive = false;
  const address = { hostname: "127.0.0.1", port: 1 };
  tcpTransport({
    read: () => Promise.resolve(null),
    write: () => Promise.resolve(0),
    close() {},
    setNoDelay: (on = true) => noDelay = on,
    setKeepAlive: (on = true) => keepAlive = on,
    remoteAddr: address,
    localAddr: address,
  });
  assertEquals([noDelay, keepAlive], [true, true]);
});

Deno.test("tcpTransport() takes a connection whose peer has gone already", async () => {
  const address = { hostname: "127.0.0.1", port: 1 };
  const transport = tcpTransport({
    read: () => Promise.resolve(null),
    write: () => Promise.reject(new Error("Broken pipe (os error 32)")),
    close() {},
    setNoDelay() {
      throw new Error("Invalid argument (os error 22)");
    },
    remoteAddr: address,
    localAddr: address,
  });
  assertEquals(await transport.read(new Uint8Array(1)), null);
});

Deno.test("tcpTransport().close() may come twice, and ends a read that waits", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [dialled, accepted] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    listener.accept(),
  ]);
  const [here, there] = [tcpTransport(dialled), tcpTransport(accepted)];
  const reading = assertRejects(() => here.read(new Uint8Array(1)));
  here.close();
  here.close();
  await reading;
  there.close();
});
