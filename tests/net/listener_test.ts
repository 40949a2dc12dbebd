import { assert, assertEquals, assertGreater, assertRejects, assertThrows } from "@std/assert";
import type { Transport } from "../../broker/amqp/transport.ts";
import { Listener } from "../../broker/net/listener.ts";

/** Takes transports as they are accepted, one after the other. */
class Accepted {
  readonly #transports: Transport[] = [];
  #next: ((transport: Transport) => void) | undefined;

  readonly take = (transport: Transport): void => {
    if (this.#next === undefined) this.#transports.push(transport);
    else this.#next(transport);
    this.#next = undefined;
  };

  next(): Promise<Transport> {
    const waiting = this.#transports.shift();
    if (waiting !== undefined) return Promise.resolve(waiting);
    return new Promise((resolve) => this.#next = resolve);
  }
}

Deno.test("Listener on port 0 takes any free port and tells which", async () => {
  const one = new Listener({ port: 0 }, () => {});
  const other = new Listener({ port: 0 }, () => {});
  assert(one.port > 0 && other.port > 0 && one.port !== other.port);
  assertEquals(one.hostname, "127.0.0.1");
  await Promise.all([one.close(), other.close()]);
});

Deno.test("Listener hands on each connection with both of its addresses", async () => {
  const accepted = new Accepted();
  const listener = new Listener({ port: 0 }, accepted.take);
  for (let count = 0; count < 3; count++) {
    const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.port });
    const transport = await accepted.next();
    const { hostname, port } = client.localAddr as Deno.NetAddr;
    assertEquals(transport.peer, { hostname, port });
    assertEquals(transport.local, { hostname: "127.0.0.1", port: listener.port });
    transport.close();
    client.close();
  }
  await listener.close();
});

Deno.test("Listener refuses a port on which somebody listens", async () => {
  const listener = new Listener({ port: 0 }, () => {});
  assertThrows(() => new Listener({ port: listener.port }, () => {}), Deno.errors.AddrInUse);
  await listener.close();
});

Deno.test("Listener.close() frees the port, and may come twice", async () => {
  const listener = new Listener({ port: 0 }, () => {});
  await listener.close();
  await listener.close();
  await assertRejects(
    () => Deno.connect({ hostname: "127.0.0.1", port: listener.port }),
    Deno.errors.ConnectionRefused,
  );
  const again = new Listener({ port: listener.port }, () => {});
  await again.close();
});

Deno.test("Listener goes on after a connection that could not be accepted", async () => {
  const accepted = new Accepted();
  const realListen = Deno.listen;
  let failures = 0;
  // as when no file descriptor is left
  const listen = (options: Deno.ListenOptions) => {
    const listener = realListen({ ...options, transport: "tcp" });
    const accept = listener.accept.bind(listener);
    listener.accept = () =>
      failures++ < 2 ? Promise.reject(new Error("Too many open files (os error 24)")) : accept();
    return listener;
  };
  Object.defineProperty(Deno, "listen", { value: listen, configurable: true, writable: true });
  const listener = new Listener({ port: 0 }, accepted.take);
  Object.defineProperty(Deno, "listen", { value: realListen, configurable: true, writable: true });

  const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.port });
  const transport = await accepted.next();
  assertGreater(failures, 2);
  transport.close();
  client.close();
  await listener.close();
});
