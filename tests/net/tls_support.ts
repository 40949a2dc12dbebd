import { tcpTransport, type Transport } from "../../broker/amqp/transport.ts";
import { systemClock } from "../../broker/amqp/clock.ts";
import type { TlsOptions } from "../../broker/net/tls_context.ts";
import { encrypt } from "../../client/dial_tls.ts";
import type { ClientTlsOptions } from "../../client/options.ts";
import { CA, certificate } from "../support/certificates.ts";

/** How a listener of a test speaks TLS, if it asks for nobody's certificate. */
export const PLAIN_TLS: TlsOptions = certificate("server");

/** The same for one that asks. */
export const MUTUAL_TLS: TlsOptions = { ...PLAIN_TLS, ca: CA, verifyPeer: "yes" };

/** Connects without a word. */
export async function dialTcp(port: number): Promise<Transport> {
  return tcpTransport(await Deno.connect({ hostname: "127.0.0.1", port }));
}

/** Connects and encrypts. */
export async function dialTls(port: number, options: ClientTlsOptions = {}): Promise<Transport> {
  const signal = new AbortController().signal;
  return await encrypt(await dialTcp(port), "localhost", { ca: CA, ...options }, {
    clock: systemClock,
    signal,
  });
}

/** The first octets of a client's TLS, up to the end of its hello. */
export async function clientHello(): Promise<Uint8Array> {
  await using listener = new AsyncDisposableStack();
  const socket = listener.adopt(
    Deno.listen({ hostname: "127.0.0.1", port: 0 }),
    (socket) => socket.close(),
  );
  const dialling = dialTls(socket.addr.port).catch(() => {});
  const accepted = await socket.accept();
  const bytes = new Uint8Array(4096);
  const count = await accepted.read(bytes);
  accepted.close();
  await dialling;
  return bytes.subarray(0, count ?? 0);
}
