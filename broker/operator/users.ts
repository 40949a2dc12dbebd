import { type UserInfo, userInfo } from "../auth/account.ts";
import { hashPassword, type PasswordHash, type PasswordHashing } from "../auth/password.ts";
import type { UserAuthenticator } from "../auth/user_authenticator.ts";
import { checkUserLimits, type UserLimits, userLimitsValue } from "../auth/user_limits.ts";
import { userEntry } from "../auth/user_definitions.ts";
import type { Users } from "../auth/users.ts";
import type { UserOptions } from "../operator_options.ts";
import { DefinitionError } from "../policy/error.ts";
import type { JsonObject } from "../policy/json.ts";
import type { Changes } from "./changes.ts";

/** What operators do with users. `Broker` tells what each of it means. */
export class UserOperations {
  readonly #users: Users;
  readonly #changes: Changes;
  readonly #authenticator: UserAuthenticator;
  readonly #hashing: PasswordHashing;

  /**
   * @param users The users.
   * @param changes How they are changed.
   * @param authenticator What knows their passwords.
   * @param hashing What new passwords are hashed with.
   */
  constructor(
    users: Users,
    changes: Changes,
    authenticator: UserAuthenticator,
    hashing: PasswordHashing,
  ) {
    this.#users = users;
    this.#changes = changes;
    this.#authenticator = authenticator;
    this.#hashing = hashing;
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

  list(): UserInfo[] {
    return [...this.#users].map(userInfo);
  }

  definitions(): JsonObject[] {
    return [...this.#users].map(userEntry);
  }

  async authenticate(name: string, password: string): Promise<boolean> {
    return await this.#authenticator.verify(name, password, "") ?? false;
  }

  #hash(password: unknown): Promise<PasswordHash> {
    if (typeof password === "string" && password !== "") {
      return hashPassword(password, this.#hashing);
    }
    throw new DefinitionError("invalid", "a password has to be a text that is not empty");
  }
}
