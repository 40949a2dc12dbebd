import type { Connection } from "./connection.ts";
import {
  checkConnect,
  type ConnectOptions,
  type ResolvedOptions,
  resolveOptions,
} from "./options.ts";
import { parseUri } from "./uri.ts";

/**
 * Connects to a broker: Warren, RabbitMQ, or any other that speaks AMQP 0-9-1.
 *
 * @param address An address such as `amqp://user:password@host:5672/vhost?heartbeat=10`,
 * `amqps://host`, `amqp+unix:///run/warren.sock?vhost=orders` or `ws://host:15670/?vhost=orders` (see
 * {@linkcode parseUri}), or options. Several addresses are several hosts of one broker: the first that
 * answers is taken, now and whenever the connection is made anew.
 * @param options More options; they win over the address.
 * @returns The open connection.
 * @throws {AmqpError} 403 when the broker refuses the login, 530 when it refuses the vhost.
 * @throws {DOMException} `TimeoutError` when it took too long; the signal's reason when it aborted.
 * @throws {TlsError} When TLS fails, or the broker's certificate is not trusted.
 * @throws {TypeError} When the address or an option makes no sense.
 * @throws {Error} When the host cannot be reached, as the runtime says, or the other end is no AMQP
 * broker.
 *
 * @example Over TCP
 * ```ts
 * import { Broker, connect } from "@warren/amqp";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using server = await broker.listen({ port: 0 });
 *
 * await using connection = await connect(`amqp://guest:guest@127.0.0.1:${server.port}/`);
 * const channel = await connection.openChannel();
 * const { queue } = await channel.queueDeclare();
 * await channel.basicPublish({ routingKey: queue }, "hello");
 * assertEquals((await channel.basicGet(queue))?.text(), "hello");
 * ```
 *
 * @example Over TLS, to a broker whose certificate is signed by an authority of one's own
 * ```ts ignore
 * import { connect } from "@warren/amqp";
 *
 * const [ca, cert, key] = await Promise.all(
 *   ["ca.pem", "ann.pem", "ann.key"].map((file) => Deno.readTextFile(file)),
 * );
 * await using connection = await connect("amqps://broker.example/orders", {
 *   tls: { ca, cert, key },
 *   mechanism: "EXTERNAL", // the certificate says who logs in
 * });
 * ```
 *
 * @example Several hosts, and how a connection that was lost is made anew
 * ```ts ignore
 * import { connect } from "@warren/amqp";
 *
 * const connection = await connect(["amqp://ann:secret@one", "amqp://ann:secret@two"], {
 *   recovery: { initialDelayMs: 500, maxDelayMs: 10_000 },
 * });
 * connection.on("lost", ({ reason }) => console.warn(reason.message));
 * connection.on("recovered", ({ host }) => console.info(`connected to ${host}`));
 * ```
 */
export async function connect(
  address: string | ConnectOptions | readonly string[] = {},
  options: ConnectOptions = {},
): Promise<Connection> {
  // what is no object would be lost among those of the address
  checkConnect(options);
  const addresses = typeof address === "string" || !isList(address) ? [address] : address;
  if (addresses.length === 0) {
    throw new TypeError("Cannot connect: the list of addresses is empty; give one");
  }
  const hosts = addresses.map((one) => resolve(one, options));
  // a program that connects to its own broker alone does not load what speaks to sockets
  const { openHosts } = await import("./hosts.ts");
  return await openHosts(hosts);
}

function resolve(address: string | ConnectOptions, options: ConnectOptions): ResolvedOptions {
  return resolveOptions({
    ...(typeof address === "string" ? parseUri(address) : address),
    ...options,
  });
}

/** `Array.isArray` does not tell read-only ones. */
function isList(address: ConnectOptions | readonly string[]): address is readonly string[] {
  return Array.isArray(address);
}
