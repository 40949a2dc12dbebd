import type { BrokerEventMap, BrokerEventName, BrokerEvents } from "../events.ts";
import { DefinitionError } from "../policy/error.ts";
import { checkNameSize } from "../policy/names.ts";
import type { Account } from "./account.ts";
import { AnswerMemory } from "./answer_memory.ts";
import { HashKinds } from "./hash_kinds.ts";
import type { PasswordHash } from "./password.ts";
import {
  ALL_PERMISSIONS,
  compilePermission,
  compileTopicPermission,
  type Permissions,
  permitsAll,
  type TopicPermissions,
  type UserPermissions,
} from "./permissions.ts";
import { Rules } from "./rules.ts";
import { type UserLimits, userLimitsValue } from "./user_limits.ts";
import {
  BEGUN_KEY,
  permissionKey,
  topicPermissionKey,
  userKey,
  type UserRecords,
  userValue,
} from "./user_records.ts";

/** Who wants to know when something about a user changes. */
export interface UserObserver {
  /** What it may do has changed. */
  changed(user: string): void;
  /** There is no such user any more. */
  deleted(user: string): void;
}

/** What users are surrounded by. */
export interface UsersOptions {
  /** Who is told what happens. */
  readonly events: BrokerEvents;
  /** Where they survive a restart; undefined when they do not. */
  readonly records?: UserRecords | undefined;
  /** Those that did. */
  readonly accounts?: Iterable<Account>;
  /** What is remembered of what they may do. */
  readonly answers?: AnswerMemory;
}

/** The users of a broker, and what each may do in which vhost. */
export class Users {
  readonly #events: BrokerEvents;
  readonly #records: UserRecords | undefined;
  readonly #byName = new Map<string, Account>();
  readonly #observers = new Set<UserObserver>();
  /** What those may do who may not do everything, by vhost, until it is changed. */
  readonly #rules = new WeakMap<Account, Map<string, Rules>>();
  #quiet = false;
  /** How their passwords are kept. */
  readonly hashKinds: HashKinds = new HashKinds();
  /** What is remembered of what they may do. */
  readonly answers: AnswerMemory;

  constructor(
    { events, records, accounts = [], answers = new AnswerMemory() }: UsersOptions,
  ) {
    this.#events = events;
    this.answers = answers;
    this.#records = records;
    for (const account of accounts) {
      this.#byName.set(account.name, account);
      this.hashKinds.add(account.password);
    }
  }

  /** Tells somebody of changes. */
  observe(observer: UserObserver): void {
    this.#observers.add(observer);
  }

  /**
   * Adds the user that a new broker begins with, who may do everything in its vhosts unless something
   * else is said. Nobody is told: it was always there.
   */
  begin(
    name: string,
    password: PasswordHash | undefined,
    { vhosts, tags = ["administrator"], permissions = {} }: {
      readonly vhosts: Iterable<string>;
      readonly tags?: readonly string[] | undefined;
      readonly permissions?: Partial<Permissions> | undefined;
    },
  ): void {
    this.#quiet = true;
    this.add(name, password, tags);
    for (const vhost of vhosts) {
      this.setPermissions({ user: name, vhost, ...ALL_PERMISSIONS, ...permissions });
    }
    this.#records?.set(BEGUN_KEY, true);
    this.#quiet = false;
  }

  // ---- who there is

  /** Finds a user. */
  find(name: string): Account | undefined {
    return this.#byName.get(name);
  }

  /** @throws {DefinitionError} When there is no such user. */
  get(name: string): Account {
    const account = this.#byName.get(name);
    if (account === undefined) {
      throw new DefinitionError("not-found", `User '${name}' does not exist`);
    }
    return account;
  }

  /** All of them, in no order. */
  get accounts(): Iterable<Account> {
    return this.#byName.values();
  }

  /** All of them, by name. */
  [Symbol.iterator](): Iterator<Account> {
    return [...this.#byName.values()].sort((a, b) => a.name < b.name ? -1 : 1).values();
  }

  /**
   * One of them, or all by name.
   *
   * @throws {DefinitionError} When there is no such user.
   */
  some(user: string | undefined): Account[] {
    return user === undefined ? [...this] : [this.get(user)];
  }

  /**
   * Adds a user.
   *
   * @throws {DefinitionError} When there is one of this name, or something about it is wrong.
   */
  add(
    name: string,
    password: PasswordHash | undefined,
    tags: readonly string[] = [],
    limits: UserLimits = {},
  ): void {
    if (typeof name !== "string") throw new TypeError("Cannot add user: its name is no text");
    if (name === "" || new TextEncoder().encode(name).length > 255) {
      throw new DefinitionError("invalid", "name of user must have 1 to 255 bytes");
    }
    if (this.#byName.has(name)) {
      throw new DefinitionError("exists", `User '${name}' already exists`);
    }
    const account: Account = {
      name,
      password,
      tags: checkTags(tags),
      limits,
      permissions: new Map(),
      topics: new Map(),
    };
    this.#byName.set(name, account);
    this.hashKinds.add(password);
    this.#write(account);
    this.#tell("user.created", { name });
    if (tags.length > 0) this.#tell("user.tags.set", { name, tags: account.tags });
    if (Object.keys(limits).length > 0) this.#tellLimits(account);
  }

  /** Sets a password in place of the old one; undefined: none lets the user in any more. */
  setPassword(name: string, password: PasswordHash | undefined): void {
    const account = this.get(name);
    this.hashKinds.remove(account.password);
    account.password = password;
    this.hashKinds.add(password);
    this.#write(account);
    this.#tell(
      password === undefined ? "user.password.cleared" : "user.password.changed",
      { name },
    );
  }

  /** Sets tags in place of the old ones. */
  setTags(name: string, tags: readonly string[]): void {
    const account = this.get(name);
    account.tags = checkTags(tags);
    this.#write(account);
    this.#tell("user.tags.set", { name, tags: account.tags });
    this.#changed(name);
  }

  /** Sets limits in place of the old ones. What is open already stays. */
  setLimits(name: string, limits: UserLimits): void {
    const account = this.get(name);
    account.limits = limits;
    this.#write(account);
    this.#tellLimits(account);
  }

  /**
   * Deletes a user with all that it may do.
   *
   * @throws {DefinitionError} When there is no such user.
   */
  delete(name: string): void {
    const { password, permissions, topics } = this.get(name);
    this.#byName.delete(name);
    this.hashKinds.remove(password);
    for (const vhost of permissions.keys()) this.#records?.delete(permissionKey(name, vhost));
    for (const [vhost, exchanges] of topics) this.#crossOutTopics(name, vhost, exchanges.keys());
    this.#records?.delete(userKey(name));
    this.#tell("user.deleted", { name });
    for (const observer of this.#observers) observer.deleted(name);
  }

  /** Deletes all of them. */
  clear(): void {
    for (const name of [...this.#byName.keys()]) this.delete(name);
  }

  // ---- what they may do

  /** What users may do, by user and vhost. */
  permissions(user?: string, vhost?: string): UserPermissions[] {
    return this.some(user).flatMap(({ name, permissions }) =>
      sorted(permissions)
        .filter(([of]) => vhost === undefined || of === vhost)
        .map(([of, { configure, write, read }]) => ({
          user: name,
          vhost: of,
          configure,
          write,
          read,
        }))
    );
  }

  /**
   * Sets what a user may do in a vhost, in place of what it might before.
   *
   * @throws {DefinitionError} When there is no such user, or an expression cannot be used.
   */
  setPermissions({ user, vhost, configure, write, read }: UserPermissions): void {
    const { permissions } = this.get(user);
    for (const pattern of [configure, write, read]) compilePermission(pattern);
    const set = Object.freeze({ configure, write, read });
    permissions.set(vhost, set);
    this.#records?.set(permissionKey(user, vhost), { ...set });
    this.#tell("permission.created", { user, vhost, ...set });
    this.#changed(user);
  }

  /** A user may do nothing in a vhost any more. */
  clearPermissions(user: string, vhost: string): void {
    if (!this.get(user).permissions.delete(vhost)) return;
    this.#records?.delete(permissionKey(user, vhost));
    this.#tell("permission.deleted", { user, vhost });
    this.#changed(user);
  }

  /** What users may do with topic exchanges, by user, vhost and exchange. */
  topicPermissions(user?: string, vhost?: string): TopicPermissions[] {
    return this.some(user).flatMap(({ name, topics }) =>
      sorted(topics)
        .filter(([of]) => vhost === undefined || of === vhost)
        .flatMap(([of, exchanges]) =>
          sorted(exchanges).map(([exchange, { write, read }]) => ({
            user: name,
            vhost: of,
            exchange,
            write,
            read,
          }))
        )
    );
  }

  /**
   * Sets what a user may do with a topic exchange, in place of what it might before.
   *
   * @throws {DefinitionError} When there is no such user, or an expression cannot be used.
   */
  setTopicPermissions({ user, vhost, exchange, write, read }: TopicPermissions): void {
    const { topics } = this.get(user);
    checkNameSize("exchange", exchange);
    for (const pattern of [write, read]) {
      compileTopicPermission(pattern, { username: user, vhost });
    }
    const exchanges = topics.get(vhost) ?? new Map();
    topics.set(vhost, exchanges);
    const set = Object.freeze({ write, read });
    exchanges.set(exchange, set);
    this.#records?.set(topicPermissionKey(user, vhost, exchange), { ...set });
    this.#tell("topic.permission.created", { user, vhost, exchange, ...set });
    this.#changed(user);
  }

  /**
   * A user may do anything again with a topic exchange.
   *
   * @param exchange Undefined: with any.
   */
  clearTopicPermissions(user: string, vhost: string, exchange?: string): void {
    const { topics } = this.get(user);
    const exchanges = topics.get(vhost);
    if (exchanges === undefined || (exchange !== undefined && !exchanges.has(exchange))) return;
    this.#crossOutTopics(user, vhost, exchange === undefined ? exchanges.keys() : [exchange]);
    if (exchange !== undefined) exchanges.delete(exchange);
    if (exchange === undefined || exchanges.size === 0) topics.delete(vhost);
    this.#tell("topic.permission.deleted", {
      user,
      vhost,
      ...exchange === undefined ? {} : { exchange },
    });
    this.#changed(user);
  }

  /** A vhost is gone, and with it what users might do there. */
  forgetVhost(vhost: string): void {
    for (const { name } of this) {
      this.clearPermissions(name, vhost);
      this.clearTopicPermissions(name, vhost);
    }
  }

  /** True when a user may enter a vhost. */
  mayEnter(user: string, vhost: string): boolean {
    return this.#byName.get(user)?.permissions.has(vhost) ?? false;
  }

  /** What a user may do in a vhost; undefined when it may do everything. All who ask are given the same,
   * until it changes. */
  rules(user: string, vhost: string): Rules | undefined {
    const account = this.#byName.get(user);
    const permissions = account?.permissions.get(vhost);
    const topics = account?.topics.get(vhost);
    if (permissions !== undefined && topics === undefined && permitsAll(permissions)) {
      return undefined;
    }
    if (account === undefined || permissions === undefined) {
      return new Rules(user, vhost, permissions, [], this.answers);
    }
    const byVhost = this.#rules.get(account) ?? new Map<string, Rules>();
    this.#rules.set(account, byVhost);
    let rules = byVhost.get(vhost);
    if (rules === undefined) {
      const listed = [...topics ?? []].map(([exchange, rule]) => ({ exchange, ...rule }));
      rules = new Rules(user, vhost, permissions, listed, this.answers);
      byVhost.set(vhost, rules);
    }
    return rules;
  }

  #write(account: Account): void {
    this.#records?.set(userKey(account.name), userValue(account));
  }

  #crossOutTopics(user: string, vhost: string, exchanges: Iterable<string>): void {
    for (const exchange of [...exchanges]) {
      this.#records?.delete(topicPermissionKey(user, vhost, exchange));
    }
  }

  #tellLimits({ name, limits }: Account): void {
    this.#tell("user.limits.set", { name, limits: userLimitsValue(limits) });
  }

  #tell<Name extends BrokerEventName>(name: Name, fields: BrokerEventMap[Name]): void {
    if (!this.#quiet) this.#events.emit(name, fields);
  }

  #changed(user: string): void {
    const account = this.#byName.get(user);
    if (account !== undefined) this.#rules.delete(account);
    for (const observer of this.#observers) observer.changed(user);
  }
}

function checkTags(tags: readonly string[]): readonly string[] {
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === "string")) {
    return Object.freeze([...new Set(tags)]);
  }
  throw new DefinitionError("invalid", "tags of a user have to be a list of texts");
}

function sorted<Value>(map: ReadonlyMap<string, Value>): [string, Value][] {
  return [...map].sort(([a], [b]) => a < b ? -1 : 1);
}
