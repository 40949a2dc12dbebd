import { Heartbeat } from "../broker/amqp/heartbeat.ts";
import type { Transport } from "../broker/amqp/transport.ts";
import { WireLink } from "../broker/amqp/wire_link.ts";
import { describe } from "../broker/amqp/field_value.ts";
import { abortable } from "./abortable.ts";
import { ClientEvents } from "./client_events.ts";
import { Connection } from "./connection.ts";
import { ConnectionCore } from "./connection_core.ts";
import { ConnectionLostError } from "./errors.ts";
import { type Agreement, shakeHands } from "./handshake.ts";
import type { ResolvedOptions } from "./options.ts";
import { type Reached, Recovery } from "./recovery/recovery.ts";
import { resolveRecovery } from "./recovery/recovery_options.ts";
import { ClientTracing } from "./tracing.ts";

/** So many bytes are read though a program publishes far ahead of its broker: more than what is mostly under way
 * before `connection.blocked`, and so little that callbacks which answer to it all do not fill the memory. */
const READS_ON = 4 * 1024 * 1024;

/** One host, and how it is reached. */
export interface Host {
  /** Everything, with its defaults. */
  readonly options: ResolvedOptions;
  /** Reaches it, until the signal says to give up. */
  readonly dial: (signal: AbortSignal) => Promise<Transport>;
  /** What it is called. */
  readonly name: string;
}

/**
 * Opens a connection: reaches the first of the hosts that answers, then logs in. Unless that is not
 * wanted, it is made anew when it is lost.
 *
 * @param hosts At least one; the first one's options say what is not about hosts.
 * @throws {Error} What the last one said.
 */
export async function open(hosts: readonly Host[]): Promise<Connection> {
  const { signal, recovery, clock } = hosts[0]!.options;
  let latest = 0;
  const reach = async (signal: AbortSignal | undefined, events: ClientEvents): Promise<Reached> => {
    for (let tried = 1;; tried++) {
      const host = hosts[latest]!;
      try {
        return { core: await openHost(host, signal, events), host: host.name };
      } catch (error) {
        latest = (latest + 1) % hosts.length;
        if (tried === hosts.length || signal?.aborted) throw error;
      }
    }
  };
  const { core } = await reach(signal, new ClientEvents());
  const options = resolveRecovery(recovery);
  const mayChange = hosts.some(({ options }) => typeof options.password === "function");
  return new Connection(core, options && new Recovery(core, { options, clock, reach, mayChange }));
}

async function openHost(
  { options, dial }: Host,
  signal: AbortSignal | undefined,
  events: ClientEvents,
): Promise<ConnectionCore> {
  const bounds = { ...options, signal };
  const transport = await bounded(bounds, "connectTimeoutMs", dial);
  return await logIn(transport, bounds, events);
}

/** Logs in over a transport, which belongs to the connection from then on. There will be no other. */
export async function connectOver(
  transport: Transport,
  options: ResolvedOptions,
): Promise<Connection> {
  return new Connection(await logIn(transport, options, new ClientEvents()));
}

/** Options, and what gives up. */
type Bounds = Omit<ResolvedOptions, "signal"> & { readonly signal?: AbortSignal | undefined };

async function logIn(
  transport: Transport,
  options: Bounds,
  events: ClientEvents,
): Promise<ConnectionCore> {
  const link = new WireLink(transport, { readsOn: READS_ON });
  try {
    const agreement = await bounded(options, "handshakeTimeoutMs", (signal) => {
      signal.addEventListener("abort", () => link.abort());
      return logInOver(link, options as ResolvedOptions, signal);
    });
    return start(link, agreement, options, events);
  } catch (error) {
    link.abort();
    throw error;
  }
}

async function logInOver(
  link: WireLink,
  options: ResolvedOptions,
  signal: AbortSignal,
): Promise<Agreement> {
  const { password } = options;
  if (typeof password === "string") return await shakeHands(link, { ...options, password });
  // nobody knows how long the program takes
  const given = await abortable(Promise.resolve().then(password), signal);
  if (typeof given === "string") return await shakeHands(link, { ...options, password: given });
  throw new TypeError(
    `Cannot log in: the password is ${describe(given)}, not a string; let the function give one`,
  );
}

function start(
  link: WireLink,
  agreement: Agreement,
  options: Bounds,
  events: ClientEvents,
): ConnectionCore {
  const { tuning, serverProperties } = agreement;
  const { clock, closeTimeoutMs } = options;
  const core = new ConnectionCore(link, {
    channelMax: tuning.channelMax,
    frameMax: tuning.frameMax,
    heartbeatSeconds: tuning.heartbeat,
    serverProperties,
    clock,
    closeTimeoutMs,
    events,
    tracing: tracingOf(options),
    abort: (error) => link.abort(error),
  });
  const heartbeat = new Heartbeat({
    clock,
    intervalSeconds: tuning.heartbeat,
    link,
    reading: () => !core.intake.throttled && link.reading,
    dead: () => core.lost(new ConnectionLostError("Connection was lost: the broker fell silent")),
  });
  core.whenClosed.then(() => heartbeat.stop());
  link.run(core);
  return core;
}

function tracingOf(
  { tracer, webSocketUrl, path, hostname, port }: Bounds,
): ClientTracing | undefined {
  if (tracer === undefined) return undefined;
  const address = webSocketUrl ?? path;
  return new ClientTracing(
    tracer,
    address === undefined ? { address: hostname, port } : { address },
  );
}

/** What is bounded by which option. */
const STEPS = { connectTimeoutMs: "reach the host", handshakeTimeoutMs: "log in" } as const;

/** Runs a step of connecting that ends in time, or when the user gives up. */
async function bounded<Result>(
  { clock, signal, ...options }: Bounds,
  option: keyof typeof STEPS,
  run: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  const limitMs = options[option];
  const controller = new AbortController();
  const giveUp = () => controller.abort(signal?.reason);
  signal?.addEventListener("abort", giveUp);
  const cancelTimer = clock.after(limitMs, () => {
    const text = `Cannot connect: it took over ${limitMs} ms to ${
      STEPS[option]
    }; raise ${option} if it may`;
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
