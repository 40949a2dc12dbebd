import { Heartbeat } from "../broker/amqp/heartbeat.ts";
import type { Transport } from "../broker/amqp/transport.ts";
import { WireLink } from "../broker/amqp/wire_link.ts";
import { Connection } from "./connection.ts";
import { ConnectionCore } from "./connection_core.ts";
import { ConnectionLostError } from "./errors.ts";
import { type Agreement, shakeHands } from "./handshake.ts";
import type { ResolvedOptions } from "./options.ts";

/**
 * Opens a connection: reaches the broker, then logs in.
 *
 * @param options Everything, with its defaults.
 * @param dial Reaches the broker, until the signal says to give up.
 */
export async function open(
  options: ResolvedOptions,
  dial: (signal: AbortSignal) => Promise<Transport>,
): Promise<Connection> {
  const transport = await bounded(options, options.connectTimeoutMs, "reach the host", dial);
  return await connectOver(transport, options);
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
