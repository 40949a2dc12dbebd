import type { Clock } from "../broker/amqp/clock.ts";
import { AmqpError } from "../broker/amqp/error.ts";
import { type FieldTable, normaliseTable } from "../broker/amqp/field_table.ts";
import {
  connectionCloseOk,
  connectionOpen,
  type ConnectionStart,
  connectionStartOk,
  connectionTuneOk,
} from "../broker/amqp/methods/connection.ts";
import { amqplainResponse, plainResponse } from "../broker/amqp/sasl.ts";
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
export async function shakeHands(link: WireLink, options: ResolvedOptions): Promise<Agreement> {
  link.sendProtocolHeader();
  const start = await expectMethod(link, options, "connection.start");
  link.send(0, startOk(start, options));
  const tune = await expectMethod(link, options, "connection.tune");
  const tuning = chooseTuning(tune, wishes(options));
  link.send(0, connectionTuneOk(tuning));
  link.tune(tuning);
  link.send(0, connectionOpen({ virtualHost: options.vhost }));
  await expectMethod(link, options, "connection.open-ok");
  return { tuning, serverProperties: start.serverProperties };
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

function startOk(start: ConnectionStart, options: ResolvedOptions) {
  const offered = start.mechanisms.split(" ");
  const plain = offered.includes("PLAIN");
  if (!plain && !offered.includes("AMQPLAIN")) {
    throw new AmqpError(403, `the broker offers no login by password, only ${start.mechanisms}`);
  }
  return connectionStartOk({
    clientProperties: clientProperties(options),
    mechanism: plain ? "PLAIN" : "AMQPLAIN",
    response: plain ? plainResponse(options) : amqplainResponse(options),
    locale: "en_US",
  });
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
