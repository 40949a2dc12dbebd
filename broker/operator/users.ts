import { type UserInfo, userInfo } from "../auth/account.ts";
import { hashPassword, type PasswordHash, type PasswordHashing } from "../auth/password.ts";
import type { UserAuthenticator } from "../auth/user_authenticator.ts";
import { checkUserLimits, type UserLimits, userLimitsValue } from "../auth/user_limits.ts";
import { userEntry } from "../auth/user_definitions.ts";
import type { Users } from "../auth/users.ts";
import type { OfUser, UserOptions } from "../operator_options.ts";
import { DefinitionError } from "../policy/error.ts";
import type { JsonObject } from "../policy/json.ts";
import type { Changes } from "./changes.ts";

/** What becomes of users' passwords. */
export interface UserOperationsOptions {
  /** What knows them. */
  readonly authenticator: UserAuthenticator;
  /** False when users and their passwords let nobody in. */
  readonly admitsUsers: boolean;
  /** What new ones are hashed with. */
  readonly passwordHashing: PasswordHashing;
}

/** What operators do with users. `Broker` tells what each of it means. */
export class UserOperations {
  readonly #users: Users;
  readonly #changes: Changes;
  readonly #options: UserOperationsOptions;

  /**
   * @param users The users.
   * @param changes How they are changed.
   * @param options What becomes of their passwords.
   */
  constructor(users: Users, changes: Changes, options: UserOperationsOptions) {
    this.#users = users;
    this.#changes = changes;
    this.#options = options;
  }

  async add(name: string, { password, tags = [], limits = {} }: UserOptions): Promise<void> {
    const checked = checkUserLimits(userLimitsValue(limits));
    const hash = password === undefined ? undefined : await this.#hash(password);
    return this.#changes.make(() => this.#users.add(name, hash, tags, checked));
  }

  async changePassword(name: string, password: string | null): Promise<void> {
    this.#users.get(name);
    const hash = password === null ? undefined : await this.#hash(password);
    return this.#changes.make(() => this.#users.setPassword(name, hash));
  }

  delete(name: string): Promise<void> {
    return this.#changes.make(() => this.#users.delete(name));
  }

  setTags(name: string, tags: readonly string[]): Promise<void> {
    return this.#changes.make(() => this.#users.setTags(name, tags));
  }

  setLimits(name: string, limits: UserLimits): Promise<void> {
    return this.#changes.make(() =>
      this.#users.setLimits(name, checkUserLimits(userLimitsValue(limits)))
    );
  }

  has(name: string): boolean {
    return this.#users.find(name) !== undefined;
  }

  list({ user }: Pick<OfUser, "user">): UserInfo[] {
    return this.#users.some(user).map(userInfo);
  }

  definitions({ user }: Pick<OfUser, "user">): JsonObject[] {
    return this.#users.some(user).map(userEntry);
  }

  async authenticate(name: string, password: string): Promise<boolean> {
    return await this.#options.authenticator.verify(name, password, "") ?? false;
  }

  async admitsGuest(): Promise<boolean> {
    if (!this.#options.admitsUsers || this.#users.find("guest") === undefined) return false;
    return await this.authenticate("guest", "guest");
  }

  #hash(password: unknown): Promise<PasswordHash> {
    if (typeof password === "string" && password !== "") {
      return hashPassword(password, this.#options.passwordHashing);
    }
    throw new DefinitionError("invalid", "a password has to be a text that is not empty");
  }
}
