import { Heartbeat } from "../broker/amqp/heartbeat.ts";
import type { Transport } from "../broker/amqp/transport.ts";
import { WireLink } from "../broker/amqp/wire_link.ts";
import { Connection } from "./connection.ts";
import { ConnectionCore } from "./connection_core.ts";
import { dial } from "./dial.ts";
import { ConnectionLostError } from "./errors.ts";
import { type Agreement, shakeHands } from "./handshake.ts";
import { type ConnectOptions, type ResolvedOptions, resolveOptions } from "./options.ts";
import { parseUri } from "./uri.ts";

/**
 * Connects to a broker over TCP: Warren, RabbitMQ, or any other that speaks AMQP 0-9-1.
 *
 * @param address An address such as `amqp://user:password@host:5672/vhost?heartbeat=10` (see
 * {@linkcode parseUri}), or options.
 * @param options More options; they win over the address.
 * @returns The open connection.
 * @throws {AmqpError} 403 when the broker refuses the login, 530 when it refuses the vhost.
 * @throws {DOMException} `TimeoutError` when it took too long; the signal's reason when it aborted.
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
 */
export async function connect(
  address: string | ConnectOptions = {},
  options: ConnectOptions = {},
): Promise<Connection> {
  const resolved = resolveOptions({
    ...(typeof address === "string" ? parseUri(address) : address),
    ...options,
  });
  const { hostname, port, connectTimeoutMs } = resolved;
  const transport = await bounded(
    resolved,
    connectTimeoutMs,
    "reach the host",
    (signal) => dial(hostname, port, signal),
  );
  return await connectOver(transport, resolved);
}

/** Logs in over a transport, which belongs to the connection from then on. */
export async function connectOver(
  transport: Transport,
  options: ResolvedOptions,
): Promise<Connection> {
  const link = new WireLink(transport);
  try {
    const agreement = await bounded(options, options.handshakeTimeoutMs, "log in", (signal) => {
      signal.addEventListener("abort", () => link.abort());
      return shakeHands(link, options);
    });
    return start(link, agreement, options);
  } catch (error) {
    link.abort();
    throw error;
  }
}

function start(link: WireLink, agreement: Agreement, options: ResolvedOptions): Connection {
  const { tuning, serverProperties } = agreement;
  const { clock, closeTimeoutMs } = options;
  const core = new ConnectionCore(link, {
    channelMax: tuning.channelMax,
    serverProperties,
    clock,
    closeTimeoutMs,
    abort: (error) => link.abort(error),
  });
  const heartbeat = new Heartbeat({
    clock,
    intervalSeconds: tuning.heartbeat,
    wroteBytes: () => link.bytesWritten,
    readBytes: () => link.bytesRead,
    reading: () => !core.intake.throttled,
    beat: () => link.beat(),
    dead: () => core.lost(new ConnectionLostError("Connection was lost: the broker fell silent")),
  });
  core.whenClosed.then(() => heartbeat.stop());
  link.run(core);
  return new Connection(core);
}

/** Runs a step of connecting that ends in time, or when the user gives up. */
async function bounded<Result>(
  { clock, signal }: ResolvedOptions,
  limitMs: number,
  step: string,
  run: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const giveUp = () => controller.abort(signal?.reason);
  signal?.addEventListener("abort", giveUp);
  const cancelTimer = clock.after(limitMs, () => {
    const text = `Cannot connect: it took over ${limitMs} ms to ${step}`;
    controller.abort(new DOMException(text, "TimeoutError"));
  });
  try {
    return await run(controller.signal);
  } catch (error) {
    // what went wrong because of giving up is no news
    controller.signal.throwIfAborted();
    throw error;
  } finally {
    cancelTimer();
    signal?.removeEventListener("abort", giveUp);
  }
}
