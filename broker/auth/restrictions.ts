import { AmqpError } from "../amqp/error.ts";
import type { Access, ResourceKind } from "./access.ts";
import {
  compilePermission,
  compileTopicPermission,
  type Permission,
  type Permissions,
  type TopicPermissions,
} from "./permissions.ts";

/** So many answers are remembered of each kind. */
const REMEMBERED_MAX = 1000;
/** A longer routing key can only come from a header, and the expressions were judged by such names. */
const KEY_MAX = 255;
/** Of so many topic exchanges answers are remembered, where a program decides about each. */
const TOPICS_MAX = 16;

/** Nothing of it is permitted. */
const NOTHING = () => false;

/** What a user may do with the routing keys of a topic exchange. */
interface TopicRules {
  readonly write: Rule;
  readonly read: Rule;
}

/** Says what a user may do with a topic exchange; undefined: all. */
interface TopicAccess {
  has(exchange: string): boolean;
  get(exchange: string): TopicRules | undefined;
}

/**
 * What a user may do in a vhost, when that is not everything: who may do everything has none of these,
 * and so pays nothing.
 *
 * Names are looked at once: answers are remembered. A change of permissions makes new restrictions.
 */
export class Restrictions {
  readonly #user: string;
  readonly #vhost: string;
  readonly #rules: Readonly<Record<ResourceKind, Readonly<Record<Permission, Rule>>>>;
  readonly #topics: TopicAccess;
  /** True when routing keys matter for some exchange. */
  readonly looksAtTopics: boolean;
  /** The exchange that was written to last: publishers seldom use two. */
  #lastWritten: string | undefined;

  /**
   * @param user Whose they are.
   * @param vhost Where they hold.
   * @param permitted What is permitted; undefined: nothing.
   * @param topics What is permitted of topic exchanges; those that are not among them are free. It
   * counts where `permitted` does not say so itself.
   */
  constructor(
    user: string,
    vhost: string,
    permitted: Permissions | Access | undefined,
    topics: Iterable<Omit<TopicPermissions, "user" | "vhost">> = [],
  ) {
    this.#user = user;
    this.#vhost = vhost;
    if (permitted !== undefined && "permits" in permitted) {
      this.#rules = {
        queue: askedOf(permitted, "queue"),
        exchange: askedOf(permitted, "exchange"),
      };
      this.#topics = new AskedTopics(permitted);
      this.looksAtTopics = permitted.permitsTopic !== undefined;
      return;
    }
    const rule = (permission: Permission) =>
      permitted === undefined
        ? new Rule(NOTHING)
        : ruleOf(() => compilePermission(permitted[permission]));
    const rules = { configure: rule("configure"), write: rule("write"), read: rule("read") };
    this.#rules = { queue: rules, exchange: rules };
    const variables = { username: user, vhost };
    const known = new Map<string, TopicRules>();
    for (const { exchange, write, read } of topics) {
      known.set(exchange, {
        write: ruleOf(() => compileTopicPermission(write, variables)),
        read: ruleOf(() => compileTopicPermission(read, variables)),
      });
    }
    this.#topics = known;
    this.looksAtTopics = known.size > 0;
  }

  /** True when something is permitted. */
  permits(permission: Permission, kind: ResourceKind, name: string): boolean {
    return this.#rules[kind][permission].permits(knownAs(kind, name));
  }

  /**
   * Asks whether something is permitted.
   *
   * @throws {AmqpError} 403 when it is not.
   */
  require(permission: Permission, kind: ResourceKind, name: string): void {
    if (this.permits(permission, kind, name)) return;
    throw this.#refused(permission, this.#textOf(kind, name));
  }

  /**
   * Asks for one of the three, which is enough to know that something exists.
   *
   * @throws {AmqpError} 403 when there is none.
   */
  requireAny(kind: ResourceKind, name: string): void {
    for (const permission of ["read", "write"] as const) {
      if (this.permits(permission, kind, name)) return;
    }
    this.require("configure", kind, name);
  }

  /**
   * Asks whether messages may be published to an exchange.
   *
   * @throws {AmqpError} 403 when not.
   */
  requirePublish(exchange: string): void {
    if (exchange === this.#lastWritten) return;
    this.require("write", "exchange", exchange);
    this.#lastWritten = exchange;
  }

  /** True when routing keys matter for this exchange, should it be a topic exchange. */
  looksAtTopicsOf(exchange: string): boolean {
    return this.#topics.has(exchange);
  }

  /**
   * Asks whether a routing key may be used with a topic exchange.
   *
   * @throws {AmqpError} 403 when not.
   */
  requireTopic(permission: "write" | "read", exchange: string, routingKey: string): void {
    const rules = this.#topics.get(exchange);
    if (rules === undefined || rules[permission].permits(routingKey)) return;
    const where = this.#textOf("exchange", exchange);
    throw this.#refused(permission, `topic '${routingKey}' in ${where}`);
  }

  /** What declaring queues asks. */
  readonly queues: DeclarePermit = this.#declarePermit("queue");
  /** What declaring exchanges asks. */
  readonly exchanges: DeclarePermit = this.#declarePermit("exchange");

  #declarePermit(kind: ResourceKind): DeclarePermit {
    return {
      declare: (name) => this.require("configure", kind, name),
      forward: (name, exchange) => {
        this.require("read", kind, name);
        this.require("write", "exchange", exchange);
      },
    };
  }

  #refused(permission: Permission, what: string): AmqpError {
    return new AmqpError(403, `${permission} access to ${what} refused for user '${this.#user}'`);
  }

  #textOf(kind: ResourceKind, name: string): string {
    return `${kind} '${knownAs(kind, name)}' in vhost '${this.#vhost}'`;
  }
}

/** What a declaration asks as soon as it knows a name. */
export interface DeclarePermit {
  /** Something of this name is declared. */
  declare(name: string): void;
  /** It is new, and what it does not keep is to go on to an exchange. */
  forward(name: string, exchange: string): void;
}

/** The default exchange has no name; permissions have one for it. */
function knownAs(kind: ResourceKind, name: string): string {
  return name === "" && kind === "exchange" ? "amq.default" : name;
}

/** An expression that nobody has looked at before, or that is too long once its variables are filled
 * in, permits nothing. */
function ruleOf(compile: () => RegExp): Rule {
  try {
    const expression = compile();
    return new Rule((name) => expression.test(name));
  } catch {
    return new Rule(NOTHING);
  }
}

/** What a program permits of one kind of thing. */
function askedOf(access: Access, kind: ResourceKind): Readonly<Record<Permission, Rule>> {
  const rule = (permission: Permission) =>
    new Rule((name) => access.permits(permission, kind, name));
  return { configure: rule("configure"), write: rule("write"), read: rule("read") };
}

/** What a program permits of topic exchanges. */
class AskedTopics implements TopicAccess {
  readonly #access: Access;
  readonly #known = new Map<string, TopicRules>();

  constructor(access: Access) {
    this.#access = access;
  }

  has(): boolean {
    return this.#access.permitsTopic !== undefined;
  }

  get(exchange: string): TopicRules | undefined {
    const access = this.#access;
    if (access.permitsTopic === undefined) return undefined;
    let rules = this.#known.get(exchange);
    if (rules === undefined) {
      const rule = (permission: "write" | "read") =>
        new Rule((key) => access.permitsTopic!(permission, exchange, key));
      rules = { write: rule("write"), read: rule("read") };
      // somebody who may make exchanges could make it remember without end
      if (this.#known.size === TOPICS_MAX) this.#known.clear();
      this.#known.set(exchange, rules);
    }
    return rules;
  }
}

/** What decides, and what it has said. */
class Rule {
  readonly #decide: (name: string) => boolean;
  readonly #answers = new Map<string, boolean>();

  constructor(decide: (name: string) => boolean) {
    this.#decide = decide;
  }

  permits(name: string): boolean {
    const known = this.#answers.get(name);
    if (known !== undefined) return known;
    if (name.length > KEY_MAX) return false;
    const answer = this.#decide(name);
    if (this.#answers.size === REMEMBERED_MAX) this.#answers.clear();
    this.#answers.set(name, answer);
    return answer;
  }
}
