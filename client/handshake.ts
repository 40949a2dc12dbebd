import type { Clock } from "../broker/amqp/clock.ts";
import { FRAME_MIN_SIZE } from "../broker/amqp/constants.ts";
import { AmqpError } from "../broker/amqp/error.ts";
import { type FieldTable, normaliseTable } from "../broker/amqp/field_table.ts";
import {
  connectionCloseOk,
  connectionOpen,
  type ConnectionStart,
  connectionStartOk,
  connectionTuneOk,
} from "../broker/amqp/methods/connection.ts";
import { amqplainResponse, externalResponse, plainResponse } from "../broker/amqp/sasl.ts";
import { chooseTuning, type Tuning } from "../broker/amqp/tuning.ts";
import type { WireLink } from "../broker/amqp/wire_link.ts";
import type { ResolvedOptions } from "./options.ts";
import type { MethodName, MethodNamed } from "./pending_replies.ts";

/** How long a broker that refuses gets to hang up. */
const HANG_UP_MS = 3000;

/** What the handshake found out. */
export interface Agreement {
  /** The limits that both ends keep from now on. */
  readonly tuning: Tuning;
  /** What the broker told about itself. */
  readonly serverProperties: FieldTable;
}

/** Options of one login. */
export type LoginOptions = ResolvedOptions & { readonly password: string };

/** What this client can do; the broker behaves differently without some of it. */
const CAPABILITIES: FieldTable = {
  publisher_confirms: true,
  exchange_exchange_bindings: true,
  "basic.nack": true,
  consumer_cancel_notify: true,
  "connection.blocked": true,
  authentication_failure_close: true,
};

/**
 * Opens a connection over a wire: the specification's sequence (section 2.2.4), top to bottom.
 *
 * ```text
 *   client                          broker
 *   "AMQP" 0 0 9 1 --------------->
 *                  <--------------- connection.start
 *   start-ok ---------------------->
 *                  <--------------- connection.tune
 *   tune-ok, open ---------------->
 *                  <--------------- open-ok
 * ```
 *
 * @throws {AmqpError} When the broker refuses: 403 for the login, 530 for the vhost.
 * @throws {Error} When the stream ends.
 */
export async function shakeHands(link: WireLink, options: LoginOptions): Promise<Agreement> {
  link.sendProtocolHeader();
  const start = await firstMethod(link, options);
  link.send(0, startOk(start, options));
  const tune = await expectMethod(link, options, "connection.tune");
  const tuning = chooseTuning(tune, wishes(options));
  if (tuning.frameMax > 0 && tuning.frameMax < FRAME_MIN_SIZE) {
    // every peer takes as much (specification, section 4.2.3), and a message would be thousands of frames
    throw new AmqpError(
      530,
      `the broker offers frame_max = ${tune.frameMax}, less than ${FRAME_MIN_SIZE}`,
    );
  }
  link.send(0, connectionTuneOk(tuning));
  link.tune(tuning);
  link.send(0, connectionOpen({ virtualHost: options.vhost }));
  await expectMethod(link, options, "connection.open-ok");
  return { tuning, serverProperties: start.serverProperties };
}

/** Who does not accept our certificate closes the stream, mostly without a word, once TLS is done. */
async function firstMethod(
  link: WireLink,
  options: ResolvedOptions,
): Promise<MethodNamed<"connection.start">> {
  try {
    return await expectMethod(link, options, "connection.start");
  } catch (cause) {
    const isSilent = cause instanceof Error && cause.cause === undefined &&
      !(cause instanceof AmqpError);
    if (link.transport.tls === undefined || !isSilent) throw cause;
    const guess = options.tls && options.tls.cert !== undefined
      ? "it may not accept the client's certificate"
      : "it may want a certificate of the client";
    throw new Error(`${cause.message}: ${guess}`, { cause });
  }
}

async function expectMethod<Name extends MethodName>(
  link: WireLink,
  { clock }: ResolvedOptions,
  name: Name,
): Promise<MethodNamed<Name>> {
  const { channel, method } = await link.next();
  if (channel === 0 && method.name === name) return method as MethodNamed<Name>;
  if (method.name === "connection.close") {
    link.send(0, connectionCloseOk());
    await hungUp(link, clock);
    throw AmqpError.fromClose(method);
  }
  throw new AmqpError(503, `expected ${name}, got ${method.name} on channel ${channel}`);
}

/** Waits until the broker hangs up after our last word, which it would miss if we did; not for long. */
async function hungUp(link: WireLink, clock: Clock): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const cancelTimer = clock.after(HANG_UP_MS, resolve);
  await Promise.race([link.next().catch(() => {}), late]);
  cancelTimer();
}

function startOk(start: ConnectionStart, options: LoginOptions) {
  const mechanism = chooseMechanism(start.mechanisms, options);
  return connectionStartOk({
    clientProperties: clientProperties(options),
    mechanism,
    response: RESPONSES[mechanism](options),
    locale: "en_US",
  });
}

const RESPONSES = {
  PLAIN: plainResponse,
  AMQPLAIN: amqplainResponse,
  // whoever the certificate names: a broker looks at nothing else
  EXTERNAL: () => externalResponse(),
};

function chooseMechanism(offered: string, { mechanism }: ResolvedOptions): keyof typeof RESPONSES {
  const all = offered.split(" ");
  if (mechanism !== undefined) {
    if (all.includes(mechanism)) return mechanism;
    throw new AmqpError(403, `the broker offers no login by ${mechanism}, only ${offered}`);
  }
  if (all.includes("PLAIN")) return "PLAIN";
  if (all.includes("AMQPLAIN")) return "AMQPLAIN";
  throw new AmqpError(403, `the broker offers no login by password, only ${offered}`);
}

function clientProperties({ clientProperties = {}, connectionName }: ResolvedOptions): FieldTable {
  return normaliseTable({
    product: "Warren client",
    platform: "Deno",
    ...clientProperties,
    ...(connectionName === undefined ? {} : { connection_name: connectionName }),
    capabilities: CAPABILITIES,
  });
}

function wishes({ channelMax, frameMax, heartbeatSeconds }: ResolvedOptions): Partial<Tuning> {
  return {
    ...(channelMax === undefined ? {} : { channelMax }),
    ...(frameMax === undefined ? {} : { frameMax }),
    ...(heartbeatSeconds === undefined ? {} : { heartbeat: heartbeatSeconds }),
  };
}
