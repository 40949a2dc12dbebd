// deno-lint-ignore-file no-console -- a program of its own
/**
 * Accepts sockets and waits for each to say something: what a connection costs this runtime before a
 * broker adds anything to it.
 *
 * @module
 */

/** What a broker has for a peer that says nothing. */
const READ_BUFFER = 512;

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(`amqp://127.0.0.1:${listener.addr.port}`);
for await (const socket of listener) read(socket);

async function read(socket: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(READ_BUFFER);
  while (await socket.read(buffer).catch(() => null) !== null);
  socket.close();
}
