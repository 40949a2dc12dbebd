import type { Clock } from "../amqp/clock.ts";
import type { Logger } from "../amqp/logger.ts";
import { sourceOf } from "../amqp/source.ts";
import { SparseLog } from "../amqp/sparse_log.ts";
import type { AuthenticationEvent, BrokerEvents } from "../events.ts";
import type { Authenticator, LoginAttempt, Refusal, User } from "./authenticator.ts";
import { splitAuthenticator } from "./authenticators.ts";
import { LoginFailures } from "./login_failures.ts";
import { LoginWindow } from "./login_window.ts";
import type { PeerCertificate } from "./peer_certificate.ts";
import { Turns } from "./turns.ts";

/** So many logins of one address may wait. */
const WAITING_MAX = 1000;

/** Why a login was not looked at. */
const [TOO_MANY, GONE] = [
  "too many logins wait at once",
  "the client had gone before its login was looked at",
];

/** Who wants to log in. */
interface Client {
  readonly peer: string;
  readonly source: string;
  readonly facts: Omit<AuthenticationEvent, "name" | "error">;
}

/** Somebody was let in, or was not, and should be told that after a while. */
export type LoginOutcome =
  | { readonly user: User }
  | {
    readonly refusedAfterMs: number;
    readonly loopbackOnly: boolean;
    /** True when it was not looked at: the client had gone. */
    readonly gone?: true;
  };

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
  /** A handshake takes no longer, in milliseconds. */
  readonly timeoutMs: number;
  /** Time. */
  readonly clock: Clock;
}

/**
 * Stands in front of an authenticator: tells of each login, and makes guessing take time. An address of
 * which logins are refused has to wait until its next one is looked at, whether or not the client that was
 * refused waits for the news. What cannot be a guess passes by.
 */
export class LoginGuard {
  readonly #options: LoginGuardOptions;
  readonly #failures: LoginFailures;
  readonly #window: LoginWindow;
  readonly #turns: Turns;
  /** Of those who have to wait: nothing keeps them from coming again. */
  readonly #sparse: SparseLog;

  constructor(options: LoginGuardOptions) {
    this.#options = options;
    this.#failures = new LoginFailures(options.clock);
    this.#window = new LoginWindow(this.#failures, options.clock);
    this.#sparse = new SparseLog(options.clock, options.logger);
    this.#turns = new Turns({
      atOnce: Infinity,
      atOnceOf: (source) => this.#window.sizeFor(source),
      waitingMax: WAITING_MAX,
      waitMaxMs: options.timeoutMs,
      clock: options.clock,
    });
  }

  /** Lets nobody in any more who has to wait. What is looked at is not waited for. */
  close(): void {
    void this.#turns.close();
    this.#sparse.close();
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
    const { authenticator, events } = this.#options;
    const { mechanism, peerHostname, quiet = false } = attempt;
    const source = sourceOf(peerHostname);
    const facts = {
      connectionType: "network",
      connectionName: connection,
      peerHost: peerHostname,
      authMechanism: mechanism,
    } as const;
    const client = { peer, source, facts };
    const admit = (user: User): LoginOutcome => {
      if (!quiet) events.emit("user.authentication.success", { name: user.name, ...facts });
      return { user };
    };
    // what it takes to wait is asked for only where one has to
    if (this.#turns.isFree(source)) {
      const login = await this.#turns.take(source, async () => {
        const login = await this.#authenticate(authenticator, attempt);
        return "refused" in login ? this.#refuse(login, client) : admit(login);
      });
      // what comes in without waiting may be what everybody knows, and shows nothing
      return login ?? this.#refuseUnseen(TOO_MANY, client);
    }
    const { atOnce, inTurn } = splitAuthenticator(authenticator, attempt);
    const before = atOnce && await this.#authenticate(atOnce, attempt);
    if (before !== undefined) {
      if (!("refused" in before)) return admit(before);
      if (inTurn === undefined) return this.#refuse(before, client, true);
    }
    const { gone } = attempt;
    const outcome = await this.#turns.take(source, async () => {
      const login = await this.#authenticate(inTurn!, attempt);
      if ("refused" in login) {
        const refused = before === undefined
          ? login.refused
          : `${before.refused}; ${login.refused}`;
        return this.#refuse({ ...login, refused }, client);
      }
      this.#window.noteRight(source);
      return admit(login);
    }, gone);
    if (outcome !== undefined) return outcome;
    return gone?.aborted === true
      ? { ...this.#refuseUnseen(GONE, client), gone: true }
      : this.#refuseUnseen(TOO_MANY, client);
  }

  /**
   * Tells of a login that was wrong, and lets its source wait for it.
   *
   * @param ahead True when it had not to wait itself.
   */
  #refuse(refusal: Refusal, client: Client, ahead = false): LoginOutcome {
    const { source } = client;
    this.#tell(refusal, client, ahead);
    const refusedAfterMs = this.#failures.note(source);
    this.#window.noteWrong(source);
    this.#turns.hold(source, refusedAfterMs);
    return { refusedAfterMs, loopbackOnly: refusal.loopbackOnly ?? false };
  }

  /** Tells of a login that nobody has looked at: its client has found out nothing, and its source, where
   * others may be, need not wait for it. */
  #refuseUnseen(why: string, client: Client): LoginOutcome & { readonly refusedAfterMs: number } {
    this.#tell({ refused: why }, client, true);
    return { refusedAfterMs: 0, loopbackOnly: false };
  }

  /** @param often True when there may be any number of such. */
  #tell({ refused, name }: Refusal, { peer, source, facts }: Client, often: boolean): void {
    const line = `connection ${peer}: ${refused}`;
    if (often) this.#sparse.warn(source, line);
    else this.#options.logger.log("warning", line);
    this.#options.events.emit("user.authentication.failure", {
      ...name === undefined ? {} : { name },
      ...facts,
      error: refused,
    });
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
  async #authenticate(
    authenticator: Authenticator,
    attempt: LoginAttempt,
  ): Promise<User | Refusal> {
    const { logger } = this.#options;
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
