import type { Clock } from "../amqp/clock.ts";
import { PROTOCOL_HEADER } from "../amqp/constants.ts";
import { AmqpError } from "../amqp/error.ts";
import type { FieldTable } from "../amqp/field_table.ts";
import type { Logger } from "../amqp/logger.ts";
import { sourceOf } from "../amqp/source.ts";
import type { SparseLog } from "../amqp/sparse_log.ts";
import {
  connectionClose,
  connectionCloseOk,
  connectionOpenOk,
  connectionStart,
  connectionTune,
} from "../amqp/methods/connection.ts";
import { type Method, type MethodName, METHODS } from "../amqp/methods/mod.ts";
import { endpointName } from "../amqp/transport.ts";
import { checkTuneOk, type Tuning } from "../amqp/tuning.ts";
import type { WireLink } from "../amqp/wire_link.ts";
import type { User } from "../auth/authenticator.ts";
import type { LoginGuard } from "../auth/login_guard.ts";
import { type PeerCertificate, readPeerCertificate } from "../auth/peer_certificate.ts";
import type { Profile } from "../profiles.ts";
import type { VirtualHost } from "../vhost/vhost.ts";
import { type Capabilities, readCapabilities } from "./capabilities.ts";
import { closeFields } from "./connection.ts";

/** How long a client whose login was refused waits for the news, as in RabbitMQ. */
const REFUSED_LOGIN_MS = 3_000;

/** What the handshake needs from the broker. */
export interface HandshakeOptions {
  /** Time. */
  readonly clock: Clock;
  /** How long all of it may take. */
  readonly timeoutMs: number;
  /** The connection's name. */
  readonly name: string;
  /** Who decides about logins. */
  readonly guard: LoginGuard;
  /** What the broker says about itself. */
  readonly serverProperties: FieldTable;
  /** The limits that it offers. */
  readonly offered: Tuning;
  /** What differs between versions of RabbitMQ. */
  readonly profile: Pick<Profile, "frameMaxLeast" | "headerReply">;
  /** Finds the vhost that a user wants to enter; throws what there is against it. */
  readonly enterVhost: (name: string, user: User) => VirtualHost;
  /** Where refusals are logged. */
  readonly logger: Logger;
  /** The same for what a client need not have logged in for, and may do as often as it likes. */
  readonly sparseLog: SparseLog;
}

/** What the two ends have agreed on. */
export interface Handshake {
  /** Who logged in. */
  readonly user: User;
  /** The certificate that he has shown. */
  readonly certificate: PeerCertificate | undefined;
  /** By which SASL mechanism. */
  readonly mechanism: string;
  /** Where to. */
  readonly vhost: VirtualHost;
  /** Limits and heartbeat. */
  readonly tuned: Tuning;
  /** What the client told about itself. */
  readonly clientProperties: FieldTable;
  /** What it understands. */
  readonly capabilities: Capabilities;
}

/**
 * The opening of a connection, as the specification draws it (section 2.2.4):
 *
 * ```text
 * client                      broker
 *   "AMQP" 0 0 9 1   ------>
 *                    <------  start     what can be used
 *   start-ok         ------>            who I am
 *                    <------  tune      limits
 *   tune-ok          ------>
 *   open             ------>            which vhost
 *                    <------  open-ok
 * ```
 *
 * Tells what was agreed on; undefined when the connection came to nothing. The link is closed then.
 */
export async function shakeHands(
  link: WireLink,
  options: HandshakeOptions,
): Promise<Handshake | undefined> {
  const { clock, logger, sparseLog, timeoutMs } = options;
  const peer = endpointName(link.transport.peer);
  const source = sourceOf(link.transport.peer.hostname);
  const stopTimer = clock.after(timeoutMs, () => {
    sparseLog.warn(source, `connection ${peer}: no handshake within ${timeoutMs} ms`);
    link.abort();
  });
  try {
    return await converse(link, options);
  } catch (cause) {
    // the stream ended, or was no AMQP; a load balancer that only looks does this all the time
    logger.log("debug", `connection ${peer}: ${cause instanceof Error ? cause.message : cause}`);
    if (cause instanceof AmqpError) await refuse(link, cause, clock);
    else link.abort();
    return undefined;
  } finally {
    stopTimer();
  }
}

async function converse(
  link: WireLink,
  options: HandshakeOptions,
): Promise<Handshake | undefined> {
  const { clock, guard, offered, profile } = options;
  const header = await link.readProtocolHeader();
  if (header === undefined) {
    link.abort();
    return undefined;
  }
  if (!isOurs(header)) {
    link.sendProtocolHeader(replyTo(header, profile));
    link.close();
    return undefined;
  }

  const { peer, tls } = link.transport;
  const certificate = readPeerCertificate(tls?.peerCertificate);
  link.send(
    0,
    connectionStart({
      versionMajor: 0,
      versionMinor: 9,
      serverProperties: options.serverProperties,
      mechanisms: guard.mechanismsFor(certificate).join(" "),
      locales: "en_US",
    }),
  );
  const startOk = await expect(link, "connection.start-ok");
  if (startOk === undefined) return undefined;
  const { clientProperties, mechanism, response } = startOk;
  const capabilities = readCapabilities(clientProperties);
  const departure = new Departure(link);
  const attempt = {
    mechanism,
    response,
    peerHostname: peer.hostname,
    certificate,
    get gone() {
      return departure.signal;
    },
  };
  const work = guard.login(attempt, options.name, endpointName(peer));
  const login = await orEnd(link, work).finally(() => departure.stopWatching());
  if (login === undefined) {
    departure.happened();
    link.abort();
    return undefined;
  }
  if ("refusedAfterMs" in login) {
    await refuseLogin(link, mechanism, capabilities, { clock, afterMs: login.refusedAfterMs });
    return undefined;
  }
  const { user } = login;

  link.send(0, connectionTune(offered));
  const tuned = await expect(link, "connection.tune-ok");
  if (tuned === undefined) return undefined;
  // RabbitMQ blames the method that was answered
  during("connection.tune", () => checkTuneOk(offered, tuned, profile.frameMaxLeast));
  link.tune(tuned);

  const open = await expect(link, "connection.open");
  if (open === undefined) return undefined;
  const vhost = during("connection.open", () => options.enterVhost(open.virtualHost, user));
  link.send(0, connectionOpenOk());
  return { user, certificate, mechanism, vhost, tuned, clientProperties, capabilities };
}

/** Waits for something, but no longer than the link is there; undefined when it went before. */
function orEnd<Result>(link: WireLink, work: Promise<Result>): Promise<Result | undefined> {
  return new Promise((resolve, reject) => {
    link.onEnd = () => resolve(undefined);
    work.then(resolve, reject).finally(() => link.onEnd = undefined);
  });
}

/** Tells whoever decides about a login, and has to wait with it, that the client has gone. Until somebody
 * asks, nothing is read and nothing is made: most logins are decided at once. */
class Departure {
  readonly #link: WireLink;
  #controller: AbortController | undefined;
  #stop: (() => void) | undefined;
  #hasHappened = false;

  constructor(link: WireLink) {
    this.#link = link;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#hasHappened) this.#controller.abort();
      else this.#stop = this.#link.watchForEnd();
    }
    return this.#controller.signal;
  }

  stopWatching(): void {
    this.#stop?.();
  }

  happened(): void {
    this.#hasHappened = true;
    this.#controller?.abort();
  }
}

/** "AMQP" 0 0 9 1, or 1 1 0 9, by which clients of AMQP 0-9 began. */
function isOurs(header: Uint8Array): boolean {
  const [a, b, c, d] = header.subarray(4);
  const named = header.subarray(0, 4).every((octet, at) => octet === PROTOCOL_HEADER[at]);
  return named && ((a === 0 && b === 0 && c === 9 && d === 1) ||
    (a === 1 && b === 1 && c === 0 && d === 9));
}

/**
 * Which protocol to speak instead. RabbitMQ 4 names AMQP 1.0, which is not spoken here: whoever begins
 * with it would take that for a yes, so it gets 0-9-1, and so does a client of another 0-9.
 */
function replyTo(
  header: Uint8Array,
  { headerReply }: HandshakeOptions["profile"],
): readonly number[] {
  const version = header.subarray(4);
  const named = header.subarray(0, 4).every((octet, at) => octet === PROTOCOL_HEADER[at]);
  const is091 = version[0] === 0 && version[1] === 0 && version[2]! >= 9;
  const isWhole = named && headerReply.every((octet, at) => octet === version[at]);
  return named && (is091 || isWhole) ? [0, 0, 9, 1] : headerReply;
}

/** The next method if it is the one that is due; undefined when the client closes instead. */
async function expect<N extends MethodName>(
  link: WireLink,
  name: N,
): Promise<Extract<Method, { name: N }> | undefined> {
  const { channel, method } = await link.next();
  if (channel === 0 && method.name === name) return method as Extract<Method, { name: N }>;
  if (channel === 0 && method.name === "connection.close") {
    link.send(0, connectionCloseOk());
    link.close();
    return undefined;
  }
  const state = name === "connection.start-ok"
    ? "starting"
    : name === "connection.tune-ok"
    ? "tuning"
    : "opening";
  throw new AmqpError(504, `unexpected method in connection state ${state}`)
    .during(METHODS[method.name]);
}

/** Does something because of a method; what goes wrong is blamed on it. */
function during<T>(name: MethodName, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw cause instanceof AmqpError ? cause.during(METHODS[name]) : cause;
  }
}

/** A client that asked for it is told that its login was refused; another one just loses its link,
 * after a while, so that guessing passwords takes time. */
async function refuseLogin(
  link: WireLink,
  mechanism: string,
  capabilities: Capabilities,
  { clock, afterMs }: { readonly clock: Clock; readonly afterMs: number },
): Promise<void> {
  if (capabilities.authenticationFailureClose) {
    const error = new AmqpError(
      403,
      `Login was refused using authentication mechanism ${mechanism}. For details see the broker ` +
        "logfile.",
    );
    await refuse(link, error, clock, afterMs);
  } else {
    await untilGone(link, clock, afterMs);
    link.abort();
  }
}

/** Says why, after a while, and gives the client a moment to confirm that it knows. */
async function refuse(
  link: WireLink,
  error: AmqpError,
  clock: Clock,
  afterMs = 0,
): Promise<void> {
  const tell = () => link.send(0, connectionClose(closeFields(error)));
  const stopTimer = afterMs > 0 ? clock.after(afterMs, tell) : tell();
  await untilGone(link, clock, afterMs);
  stopTimer?.();
  link.close();
}

/** Waits until the client confirms a close, is gone, speaks no AMQP at all, or has taken too long. */
async function untilGone(link: WireLink, clock: Clock, afterMs: number): Promise<void> {
  const stopTimer = clock.after(afterMs + REFUSED_LOGIN_MS, () => link.abort());
  try {
    while ((await link.next()).method.name !== "connection.close-ok");
  } catch {
    // What is left unread when the link closes could cost the peer the news.
    await link.discard();
  } finally {
    stopTimer();
  }
}
