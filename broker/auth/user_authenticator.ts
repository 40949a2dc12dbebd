import type { Clock } from "../amqp/clock.ts";
import { type PasswordCredentials, readAmqplainResponse, readPlainResponse } from "../amqp/sasl.ts";
import {
  type Authenticator,
  isLoopback,
  type LoginAttempt,
  type Refusal,
  type User,
} from "./authenticator.ts";
import { sourceOf } from "./login_failures.ts";
import { isSlow, type PasswordHashing, verifyPassword } from "./password.ts";
import { Turns } from "./turns.ts";
import type { Users } from "./users.ts";
import { VerifiedLogins } from "./verified_logins.ts";

/** So many slow hashes are computed at once: each takes a thread and 32 MiB. */
const HASHES_AT_ONCE = 2;
/** So many logins of one address may wait for theirs. */
const WAITING_MAX = 1000;

const MECHANISMS: ReadonlyMap<
  string,
  (response: Uint8Array) => PasswordCredentials | undefined
> = new Map([["AMQPLAIN", readAmqplainResponse], ["PLAIN", readPlainResponse]]);

/** What users are let in by. */
export interface UserAuthenticatorOptions {
  /** Those who may only come from this machine. */
  readonly loopbackUsers: readonly string[];
  /** What new passwords are hashed with. */
  readonly hashing: PasswordHashing;
  /** A handshake takes no longer, in milliseconds. */
  readonly timeoutMs: number;
  /** Time. */
  readonly clock: Clock;
}

/** Lets in the broker's users, by their passwords. */
export class UserAuthenticator implements Authenticator {
  readonly mechanisms = [...MECHANISMS.keys()];
  readonly #users: Users;
  readonly #options: UserAuthenticatorOptions;
  readonly #turns: Turns;
  readonly #verified = new VerifiedLogins();

  constructor(users: Users, options: UserAuthenticatorOptions) {
    this.#users = users;
    this.#options = options;
    this.#turns = new Turns({
      atOnce: HASHES_AT_ONCE,
      waitingMax: WAITING_MAX,
      waitMaxMs: options.timeoutMs,
      clock: options.clock,
    });
  }

  authenticate(
    { mechanism, response, peerHostname }: LoginAttempt,
  ): Refusal | Promise<User | Refusal> {
    const read = MECHANISMS.get(mechanism);
    if (read === undefined) return { refused: `mechanism ${mechanism} is not offered` };
    const login = read(response);
    if (login === undefined) return { refused: "the response is malformed" };
    return this.#login(login, peerHostname);
  }

  /**
   * Tells whether a password is the one of a user.
   *
   * @param hostname Whose turn it is to wait, if many are to be looked at.
   */
  async verify(name: string, password: string, hostname: string): Promise<boolean | undefined> {
    const { hashing } = this.#options;
    if (password === "") return false;
    const kept = this.#users.find(name)?.password;
    if (kept !== undefined && this.#verified.has(kept, password)) return true;
    // who has no password is not found out by a quicker answer
    const slow = kept === undefined ? hashing === "scrypt" : isSlow(kept);
    if (kept === undefined && !slow) return false;
    const right = slow
      ? await this.#turns.take(sourceOf(hostname), () => verifyPassword(password, kept))
      : await verifyPassword(password, kept);
    // it may have been changed meanwhile
    if (right !== true || this.#users.find(name)?.password !== kept) return right && false;
    if (slow) this.#verified.add(kept!, password);
    return true;
  }

  /** Lets nobody in any more. Resolves when nothing is computed any more. */
  close(): Promise<void> {
    return this.#turns.close();
  }

  async #login({ username, password }: PasswordCredentials, peer: string): Promise<User | Refusal> {
    const refuse = (why: string) => ({ refused: `user '${username}'${why}`, name: username });
    if (password === "") return refuse(" attempted to log in with a blank password");
    const right = await this.verify(username, password, peer);
    if (right === undefined) return refuse(": too many logins wait at once");
    if (!right) return refuse(": invalid credentials");
    if (!isLoopback(peer) && this.#options.loopbackUsers.includes(username)) {
      return { ...refuse(" can only connect via localhost"), loopbackOnly: true };
    }
    return { name: username, tags: this.#users.get(username).tags };
  }
}
