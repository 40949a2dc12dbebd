import type { Authenticator, LoginAttempt, Refusal, User } from "./authenticator.ts";
import { ListedUser } from "./authenticator.ts";

/** Who decides about logins: one that does it alone, or several in turn, of which `"users"` is the
 * broker's list of users and their passwords. */
export type AuthenticatorOption = Authenticator | readonly (Authenticator | "users")[];

/** Who decides. */
export interface ChosenAuthenticator {
  /** All of them as one. */
  readonly authenticator: Authenticator;
  /** True when somebody may come in whom the broker does not know. */
  readonly admitsOthers: boolean;
  /** True when the broker's users may. */
  readonly admitsUsers: boolean;
}

/** Makes one of what is asked for; the broker's users alone, if nothing is. */
export function chooseAuthenticator(
  option: AuthenticatorOption | undefined,
  listed: Authenticator,
): ChosenAuthenticator {
  if (option === undefined) {
    return { authenticator: listed, admitsOthers: false, admitsUsers: true };
  }
  if ("authenticate" in option) {
    return { authenticator: option, admitsOthers: true, admitsUsers: false };
  }
  const members = option.map((one) => one === "users" ? listed : one);
  return {
    authenticator: new Authenticators(members, listed),
    admitsOthers: true,
    admitsUsers: members.includes(listed),
  };
}

/** Several that decide about logins, asked one after another until one lets the client in. */
export class Authenticators implements Authenticator {
  /** All that one of them knows, in the order in which they are asked. */
  readonly mechanisms: readonly string[];
  readonly #members: readonly Authenticator[];
  readonly #listed: Authenticator;
  /** Who let whom in: the same decides about what comes later. */
  readonly #admitted = new WeakMap<User, Authenticator>();

  /**
   * @param members Whom to ask, in this order.
   * @param listed Which of them lets in the broker's own users.
   */
  constructor(members: readonly Authenticator[], listed: Authenticator) {
    this.#members = members;
    this.#listed = listed;
    this.mechanisms = [...new Set(members.flatMap(({ mechanisms }) => mechanisms))];
  }

  async authenticate(attempt: LoginAttempt): Promise<User | Refusal> {
    const refusals: Refusal[] = [];
    for (const member of this.#members) {
      if (!member.mechanisms.includes(attempt.mechanism)) continue;
      const login = await member.authenticate(attempt);
      if ("refused" in login) refusals.push(login);
      else return this.#note(member, login);
    }
    const last = refusals.at(-1);
    if (last === undefined) return { refused: `mechanism ${attempt.mechanism} is not offered` };
    return { ...last, refused: refusals.map(({ refused }) => refused).join("; ") };
  }

  mayBeGuessed(attempt: LoginAttempt): boolean {
    return this.#members
      .filter(({ mechanisms }) => mechanisms.includes(attempt.mechanism))
      .every((member) => member.mayBeGuessed?.(attempt) ?? true);
  }

  async renew(user: User, secret: Uint8Array): Promise<User | Refusal> {
    const member = this.#admitted.get(user);
    const renewed = await member?.renew?.(user, secret);
    if (renewed === undefined) return { refused: "its secret cannot be replaced" };
    return "refused" in renewed ? renewed : this.#note(member!, renewed);
  }

  #note(member: Authenticator, user: User): User {
    const own = member === this.#listed ? new ListedUser(user.name) : user;
    this.#admitted.set(own, member);
    return own;
  }
}
