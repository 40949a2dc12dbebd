import type { Clock } from "../amqp/clock.ts";
import { type PasswordCredentials, readAmqplainResponse, readPlainResponse } from "../amqp/sasl.ts";
import { sourceOf } from "../amqp/source.ts";
import {
  type Authenticator,
  isLoopback,
  isUserName,
  type LoginAttempt,
  type Refusal,
  type User,
} from "./authenticator.ts";
import { KnownOrigins } from "./known_origins.ts";
import type { CertificateLogin } from "./peer_certificate.ts";
import { isSlow, type PasswordHashing, PublicPassword, verifyPassword } from "./password.ts";
import { Turns } from "./turns.ts";
import type { Users } from "./users.ts";
import { VerifiedLogins } from "./verified_logins.ts";

/** So many slow hashes are computed at once: each takes a thread and 32 MiB. */
const HASHES_AT_ONCE = 2;
/** So many logins of one address may wait for theirs. */
const WAITING_MAX = 1000;

/** A SASL mechanism by which users of the broker can log in. */
export type Mechanism = "AMQPLAIN" | "PLAIN" | "EXTERNAL";

/** All of them. */
export const MECHANISMS: readonly Mechanism[] = ["AMQPLAIN", "PLAIN", "EXTERNAL"];

/** Those by a password. */
const BY_PASSWORD: ReadonlyMap<
  string,
  (response: Uint8Array) => PasswordCredentials | undefined
> = new Map([["AMQPLAIN", readAmqplainResponse], ["PLAIN", readPlainResponse]]);

/** What users are let in by. */
export interface UserAuthenticatorOptions {
  /** The ways that are offered. */
  readonly mechanisms: readonly Mechanism[];
  /** What of a certificate is the name of a user. */
  readonly certificateLogin: CertificateLogin;
  /** Those who may only come from this machine. */
  readonly loopbackUsers: readonly string[];
  /** Who comes in without a password; undefined: nobody. */
  readonly anonymousUser?: string | undefined;
  /** What new passwords are hashed with. */
  readonly hashing: PasswordHashing;
  /** A handshake takes no longer, in milliseconds. */
  readonly timeoutMs: number;
  /** Time. */
  readonly clock: Clock;
}

/** Lets in the broker's users, by their passwords or their certificates. */
export class UserAuthenticator implements Authenticator {
  readonly mechanisms: readonly string[];
  readonly #users: Users;
  readonly #options: UserAuthenticatorOptions;
  readonly #turns: Turns;
  readonly #verified = new VerifiedLogins();
  readonly #origins: KnownOrigins;

  constructor(users: Users, options: UserAuthenticatorOptions) {
    this.#users = users;
    this.#options = options;
    this.#origins = new KnownOrigins(options.clock);
    // whatever the order of the options
    const offered = MECHANISMS.filter((one) => options.mechanisms.includes(one));
    const anonymous = options.anonymousUser === undefined ? [] : ["ANONYMOUS"];
    this.mechanisms = [...offered, ...anonymous];
    this.#turns = new Turns({
      atOnce: HASHES_AT_ONCE,
      waitingMax: WAITING_MAX,
      waitMaxMs: options.timeoutMs,
      clock: options.clock,
    });
  }

  authenticate(
    attempt: LoginAttempt,
  ): User | Refusal | Promise<User | Refusal> {
    const { mechanism, response } = attempt;
    if (!this.mechanisms.includes(mechanism)) {
      return { refused: `mechanism ${mechanism} is not offered` };
    }
    const read = BY_PASSWORD.get(mechanism);
    if (read === undefined) return this.#loginWithoutPassword(attempt);
    const login = read(response);
    if (login === undefined) return { refused: "the response is malformed" };
    return this.#login(login, attempt);
  }

  /**
   * What is no secret need not wait, nor a certificate, nor a password that was right before and comes from
   * the same source. What is refused in any case waits: nothing is cheaper to show.
   */
  mayBeGuessed(attempt: LoginAttempt): boolean {
    const { mechanism, response, peerHostname } = attempt;
    if (!this.mechanisms.includes(mechanism)) return true;
    const login = BY_PASSWORD.get(mechanism)?.(response);
    if (login === undefined) {
      if (BY_PASSWORD.has(mechanism)) return true;
      return "refused" in this.#loginWithoutPassword(attempt);
    }
    const { username, password } = login;
    if (this.#isKeptOut(username, peerHostname)) return true;
    const kept = this.#users.find(username)?.password;
    if (kept === undefined) return true;
    if (kept instanceof PublicPassword) return !kept.is(password);
    const source = sourceOf(peerHostname);
    if (!this.#origins.mayCompare(source, username, kept)) return true;
    if (this.#verified.has(kept, password)) return false;
    this.#origins.noteWrong(source, username);
    return true;
  }

  /**
   * Tells whether a password is the one of a user.
   *
   * @param hostname Whose turn it is to wait, if many are to be looked at.
   * @param waiter Tells when nobody waits for it any more.
   */
  async verify(
    name: string,
    password: string,
    hostname: string,
    waiter: Pick<LoginAttempt, "gone"> = {},
  ): Promise<boolean | undefined> {
    return await this.#verify(name, password, hostname, waiter, true);
  }

  /** @param counts False: it is wrong whatever it is, which takes as long as with one that is. */
  async #verify(
    name: string,
    password: string,
    hostname: string,
    waiter: Pick<LoginAttempt, "gone">,
    counts: boolean,
  ): Promise<boolean | undefined> {
    if (password === "") return false;
    const kept = this.#users.find(name)?.password;
    if (kept instanceof PublicPassword) {
      if (counts && kept.is(password)) return true;
    } else if (kept !== undefined && counts && this.#verified.has(kept, password)) {
      this.#origins.noteRight(sourceOf(hostname), name, kept);
      return true;
    }
    const takeTurn = (work: () => Promise<boolean>) =>
      this.#takeTurn(sourceOf(hostname), work, waiter);
    // by how long a refusal takes nobody finds out who has a password, nor how it is kept
    const others = this.#users.hashKinds.others(this.#options.hashing, kept);
    let right: boolean | undefined;
    if (kept !== undefined && isSlow(kept)) {
      // another one with the same password may have been looked at while this one waited
      const known = () => counts && this.#verified.has(kept, password);
      right = await takeTurn(async () =>
        known() || (await verifyPassword(password, kept) && counts) ||
        await others.compute(password)
      );
    } else {
      right = kept !== undefined && await verifyPassword(password, kept) && counts;
      if (!right) {
        const compute = () => others.compute(password);
        right = others.slow ? await takeTurn(compute) : await compute();
      }
    }
    // it may have been changed meanwhile
    if (right !== true || this.#users.find(name)?.password !== kept) return right && false;
    this.#verified.add(kept!, password);
    this.#origins.noteRight(sourceOf(hostname), name, kept!);
    return true;
  }

  #takeTurn(
    source: string,
    work: () => Promise<boolean>,
    waiter: Pick<LoginAttempt, "gone">,
  ): Promise<boolean | undefined> {
    return this.#turns.take(source, work, this.#turns.isFree(source) ? undefined : waiter.gone);
  }

  /** Lets nobody in any more. Resolves when nothing is computed any more. */
  close(): Promise<void> {
    return this.#turns.close();
  }

  #loginWithoutPassword(attempt: LoginAttempt): User | Refusal {
    return attempt.mechanism === "ANONYMOUS"
      ? this.#admit(this.#options.anonymousUser!, attempt.peerHostname)
      : this.#loginByCertificate(attempt);
  }

  /** The response is not looked at, as in RabbitMQ: the certificate alone says who it is. */
  #loginByCertificate({ certificate, peerHostname }: LoginAttempt): User | Refusal {
    const name = certificate?.loginName(this.#options.certificateLogin);
    if (name === undefined) return { refused: "the client certificate names no user" };
    if (this.#users.find(name) === undefined) {
      return refusal(name, ", whom the client certificate names, does not exist");
    }
    return this.#admit(name, peerHostname);
  }

  async #login(
    { username, password }: PasswordCredentials,
    attempt: LoginAttempt,
  ): Promise<User | Refusal> {
    const { peerHostname: peer } = attempt;
    if (!isUserName(username)) return { refused: "what came as a user's name is none" };
    const refuse = (why: string) => refusal(username, why);
    if (password === "") return refuse(" attempted to log in with a blank password");
    const isKeptOut = this.#isKeptOut(username, peer);
    const right = await this.#verify(username, password, peer, attempt, !isKeptOut);
    if (right === undefined) return refuse(": too many logins wait at once");
    // neither by what is said nor by when anybody finds out whether the password was right
    if (isKeptOut) return keptOut(username);
    if (!right) return refuse(": invalid credentials");
    return this.#admit(username, peer);
  }

  /** Who it is, is known; but he may not come from everywhere. */
  #admit(name: string, peer: string): User | Refusal {
    const user = this.#users.find(name);
    if (user === undefined) return refusal(name, " does not exist");
    if (this.#isKeptOut(name, peer)) return keptOut(name);
    return { name, tags: user.tags };
  }

  /** True when a user of this name may not come from there, whether or not there is one. */
  #isKeptOut(name: string, peer: string): boolean {
    return !isLoopback(peer) && this.#options.loopbackUsers.includes(name);
  }
}

function keptOut(name: string): Refusal {
  return { ...refusal(name, " can only connect via localhost"), loopbackOnly: true };
}

function refusal(name: string, why: string): Refusal {
  return { refused: `user '${name}'${why}`, name };
}
