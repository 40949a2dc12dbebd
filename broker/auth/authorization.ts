import { permitsAll } from "./permissions.ts";
import { ListedUser, type User } from "./authenticator.ts";
import { Restrictions } from "./restrictions.ts";
import { Rules } from "./rules.ts";
import type { UserLimits } from "./user_limits.ts";
import type { Users } from "./users.ts";

/** What a connection may do. */
export interface Rights {
  /** What it may not do; undefined when it may do everything. */
  readonly restrictions: Restrictions | undefined;
  /** True when it may publish in the name of others. */
  readonly impersonates: boolean;
}

/** May do everything: the program that the broker is part of. */
export const ALL_RIGHTS: Rights = Object.freeze({ restrictions: undefined, impersonates: false });

/**
 * Decides what those may do who have logged in: what the list of users says. Somebody who is not in it
 * was let in by an authenticator of the program's own, which says that as well, or nothing.
 */
export class Authorization {
  readonly #users: Users;
  readonly #admitsOthers: boolean;
  readonly #defaults: UserLimits;

  /**
   * @param users The list.
   * @param admitsOthers True when others are let in as well.
   * @param defaults The limits of those for whom the list says nothing of it.
   */
  constructor(users: Users, admitsOthers: boolean, defaults: UserLimits = {}) {
    this.#users = users;
    this.#admitsOthers = admitsOthers;
    this.#defaults = defaults;
  }

  /** True when somebody may enter a vhost. */
  mayEnter(user: User, vhost: string): boolean {
    if (user.access !== undefined) return user.access(vhost) !== undefined;
    if (!this.#isOther(user)) return this.#users.mayEnter(user.name, vhost);
    return user.permissions === undefined || Object.hasOwn(user.permissions, vhost);
  }

  /** What somebody may do in a vhost. */
  rights(user: User, vhost: string): Rights {
    const rules = this.#rules(user, vhost);
    return {
      restrictions: rules && new Restrictions(rules),
      impersonates: this.tags(user).includes("impersonator"),
    };
  }

  /** True when the list of users says what he may do. */
  isListed(user: User): boolean {
    return !this.#isOther(user);
  }

  /** What somebody is. */
  tags(user: User): readonly string[] {
    return (this.#isOther(user) ? user.tags : this.#users.find(user.name)?.tags) ?? [];
  }

  /** How much somebody may have. */
  limits({ name }: User): UserLimits {
    const limits = this.#users.find(name)?.limits;
    return limits === undefined ? this.#defaults : { ...this.#defaults, ...limits };
  }

  #rules(user: User, vhost: string): Rules | undefined {
    const { answers } = this.#users;
    if (user.access !== undefined) {
      return new Rules(user.name, vhost, user.access(vhost), [], answers);
    }
    if (!this.#isOther(user)) return this.#users.rules(user.name, vhost);
    if (user.permissions === undefined) return undefined;
    const permissions = Object.hasOwn(user.permissions, vhost)
      ? user.permissions[vhost]
      : undefined;
    if (permissions !== undefined && permitsAll(permissions)) return undefined;
    return new Rules(user.name, vhost, permissions, [], answers);
  }

  /** True when the list knows nothing of him, and need not. */
  #isOther(user: User): boolean {
    if (user.access !== undefined) return true;
    return this.#admitsOthers && !(user instanceof ListedUser) &&
      this.#users.find(user.name) === undefined;
  }
}
