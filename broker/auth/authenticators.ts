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

/** Who decides about an attempt of somebody who has to wait. */
export interface SplitAuthenticator {
  /** To whom it can be no guess; undefined: to nobody. */
  readonly atOnce: Authenticator | undefined;
  /** To whom it may be one; undefined: to nobody. */
  readonly inTurn: Authenticator | undefined;
}

/** Tells who may decide about an attempt before its turn. To be asked once about each. */
export function splitAuthenticator(
  authenticator: Authenticator,
  attempt: LoginAttempt,
): SplitAuthenticator {
  if (authenticator instanceof Authenticators) return authenticator.split(attempt);
  return mayBeGuessed(authenticator, attempt)
    ? { atOnce: undefined, inTurn: authenticator }
    : { atOnce: authenticator, inTurn: undefined };
}

function mayBeGuessed(authenticator: Authenticator, attempt: LoginAttempt): boolean {
  try {
    return authenticator.mayBeGuessed?.(attempt) ?? true;
  } catch {
    return true; // it will fail once more where that is logged
  }
}

/** Several that decide about logins, asked one after another until one lets the client in. */
export class Authenticators implements Authenticator {
  /** All that one of them knows, in the order in which they are asked. */
  readonly mechanisms: readonly string[];
  readonly #members: readonly Authenticator[];
  readonly #listed: Authenticator;
  /** Who let whom in: the same decides about what comes later. */
  readonly #admitted: WeakMap<User, Authenticator>;

  /**
   * @param members Whom to ask, in this order.
   * @param listed Which of them lets in the broker's own users.
   * @param admitted Whom they have let in already.
   */
  constructor(
    members: readonly Authenticator[],
    listed: Authenticator,
    admitted: WeakMap<User, Authenticator> = new WeakMap(),
  ) {
    this.#members = members;
    this.#listed = listed;
    this.#admitted = admitted;
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

  /** Each of them says for itself whether an attempt may be a guess. */
  split(attempt: LoginAttempt): SplitAuthenticator {
    const [atOnce, inTurn]: [Authenticator[], Authenticator[]] = [[], []];
    for (const member of this.#members) {
      if (!member.mechanisms.includes(attempt.mechanism)) continue;
      (mayBeGuessed(member, attempt) ? inTurn : atOnce).push(member);
    }
    const of = (members: readonly Authenticator[]) =>
      new Authenticators(members, this.#listed, this.#admitted);
    if (atOnce.length === 0) return { atOnce: undefined, inTurn: of(inTurn) };
    return { atOnce: of(atOnce), inTurn: inTurn.length === 0 ? undefined : of(inTurn) };
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
