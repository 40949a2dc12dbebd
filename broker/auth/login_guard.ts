import type { Clock } from "../amqp/clock.ts";
import type { Logger } from "../amqp/logger.ts";
import type { BrokerEvents } from "../events.ts";
import type { Authenticator, LoginAttempt, Refusal, User } from "./authenticator.ts";
import { LoginFailures } from "./login_failures.ts";
import type { PeerCertificate } from "./peer_certificate.ts";

/** Somebody was let in, or was not, and should be told that after a while. */
export type LoginOutcome =
  | { readonly user: User }
  | { readonly refusedAfterMs: number; readonly loopbackOnly: boolean };

/** What came of a new secret: who has shown it, or whether it was looked at at all. */
export type RenewalOutcome = { readonly user: User } | { readonly not: "refused" | "failed" };

/** What the guard is surrounded by. */
export interface LoginGuardOptions {
  /** Who decides. */
  readonly authenticator: Authenticator;
  /** Who is told. */
  readonly events: BrokerEvents;
  /** Where refusals are logged. */
  readonly logger: Logger;
  /** Time. */
  readonly clock: Clock;
}

/** Stands in front of an authenticator: tells of each login, and makes guessing take time. */
export class LoginGuard {
  readonly #options: LoginGuardOptions;
  readonly #failures: LoginFailures;

  constructor(options: LoginGuardOptions) {
    this.#options = options;
    this.#failures = new LoginFailures(options.clock);
  }

  /** All SASL mechanisms that are offered to anybody. */
  get mechanisms(): readonly string[] {
    return this.#options.authenticator.mechanisms;
  }

  /** The SASL mechanisms that are offered to a client, which may have shown a certificate. */
  mechanismsFor(certificate: PeerCertificate | undefined): readonly string[] {
    const { mechanisms } = this.#options.authenticator;
    return certificate === undefined ? mechanisms.filter((one) => one !== "EXTERNAL") : mechanisms;
  }

  /**
   * Lets a client in, or does not.
   *
   * @param attempt What it has shown; when it is `quiet`, nobody is told of its success: over HTTP each
   * request is a login.
   * @param connection Its name.
   * @param peer Its address, for the log.
   */
  async login(
    attempt: LoginAttempt & { readonly quiet?: boolean },
    connection: string,
    peer: string,
  ): Promise<LoginOutcome> {
    const { events, logger } = this.#options;
    const { mechanism, peerHostname, quiet = false } = attempt;
    const facts = {
      connectionType: "network",
      connectionName: connection,
      peerHost: peerHostname,
      authMechanism: mechanism,
    } as const;
    const login = await this.#authenticate(attempt);
    if (!("refused" in login)) {
      if (!quiet) events.emit("user.authentication.success", { name: login.name, ...facts });
      return { user: login };
    }
    const { refused, name, loopbackOnly = false } = login;
    logger.log("warning", `connection ${peer}: ${refused}`);
    events.emit("user.authentication.failure", {
      ...name === undefined ? {} : { name },
      ...facts,
      error: refused,
    });
    return { refusedAfterMs: this.#failures.note(peerHostname), loopbackOnly };
  }

  /**
   * Looks at what a client shows in place of what it logged in with.
   *
   * @param user Who it is.
   * @param secret What it shows.
   * @param connection Its name.
   */
  async renew(user: User, secret: Uint8Array, connection: string): Promise<RenewalOutcome> {
    const { authenticator, logger } = this.#options;
    const log = (text: string) =>
      logger.log(
        "error",
        `connection ${connection}: secret update for user '${user.name}' ${text}`,
      );
    try {
      const renewed = await authenticator.renew?.(user, secret);
      if (renewed !== undefined && !("refused" in renewed)) {
        if (renewed.name === user.name) return { user: renewed };
        log(`was refused: it names another user, '${renewed.name}'`);
      } else log(`was refused: ${renewed?.refused ?? "its secret cannot be replaced"}`);
      return { not: "refused" };
    } catch (cause) {
      log(`failed: ${cause instanceof Error ? cause.stack ?? cause.message : cause}`);
      return { not: "failed" };
    }
  }

  /** Authenticators may be somebody else's code: one that fails lets nobody in. */
  async #authenticate(attempt: LoginAttempt): Promise<User | Refusal> {
    const { authenticator, logger } = this.#options;
    const { mechanism, certificate } = attempt;
    const external = mechanism === "EXTERNAL" && authenticator.mechanisms.includes(mechanism);
    if (external && certificate === undefined) {
      return { refused: "connection peer presented no TLS (x.509) certificate" };
    }
    try {
      return await authenticator.authenticate(attempt);
    } catch (cause) {
      const text = cause instanceof Error ? cause.stack ?? cause.message : String(cause);
      logger.log("error", `internal error: ${text}`);
      return { refused: "the authenticator failed" };
    }
  }
}
