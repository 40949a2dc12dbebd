import type { Clock } from "../amqp/clock.ts";
import type { Logger } from "../amqp/logger.ts";
import type { BrokerEvents } from "../events.ts";
import type { Authenticator, LoginAttempt, Refusal, User } from "./authenticator.ts";
import { LoginFailures } from "./login_failures.ts";

/** Somebody was let in, or was not, and should be told that after a while. */
export type LoginOutcome =
  | { readonly user: User }
  | { readonly refusedAfterMs: number; readonly loopbackOnly: boolean };

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

  /** The SASL mechanisms that are offered. */
  get mechanisms(): readonly string[] {
    return this.#options.authenticator.mechanisms;
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

  /** Authenticators may be somebody else's code: one that fails lets nobody in. */
  async #authenticate(attempt: LoginAttempt): Promise<User | Refusal> {
    const { authenticator, logger } = this.#options;
    try {
      return await authenticator.authenticate(attempt);
    } catch (cause) {
      const text = cause instanceof Error ? cause.stack ?? cause.message : String(cause);
      logger.log("error", `internal error: ${text}`);
      return { refused: "the authenticator failed" };
    }
  }
}
