import { AmqpError } from "../amqp/error.ts";
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

/** What can be declared, bound, written to. */
export type ResourceKind = "queue" | "exchange";

/** Matches nothing: what it stands for is not permitted. */
const NOTHING = /(?!)/;

/** What a user may do with the routing keys of a topic exchange. */
interface TopicRules {
  readonly write: Rule;
  readonly read: Rule;
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
  readonly #rules: Readonly<Record<Permission, Rule>>;
  readonly #topics = new Map<string, TopicRules>();
  /** True when routing keys matter for some exchange. */
  readonly looksAtTopics: boolean;
  /** The exchange that was written to last: publishers seldom use two. */
  #lastWritten: string | undefined;

  /**
   * @param user Whose they are.
   * @param vhost Where they hold.
   * @param permissions What is permitted; undefined: nothing.
   * @param topics What is permitted of topic exchanges; those that are not among them are free.
   */
  constructor(
    user: string,
    vhost: string,
    permissions: Permissions | undefined,
    topics: Iterable<Omit<TopicPermissions, "user" | "vhost">> = [],
  ) {
    this.#user = user;
    this.#vhost = vhost;
    const rule = (permission: Permission) =>
      ruleOf(() =>
        permissions === undefined ? NOTHING : compilePermission(permissions[permission])
      );
    this.#rules = { configure: rule("configure"), write: rule("write"), read: rule("read") };
    const variables = { username: user, vhost };
    for (const { exchange, write, read } of topics) {
      this.#topics.set(exchange, {
        write: ruleOf(() => compileTopicPermission(write, variables)),
        read: ruleOf(() => compileTopicPermission(read, variables)),
      });
    }
    this.looksAtTopics = this.#topics.size > 0;
  }

  /**
   * Asks whether something is permitted.
   *
   * @throws {AmqpError} 403 when it is not.
   */
  require(permission: Permission, kind: ResourceKind, name: string): void {
    if (this.#permits(permission, kind, name)) return;
    throw this.#refused(permission, this.#textOf(kind, name));
  }

  /**
   * Asks for one of the three, which is enough to know that something exists.
   *
   * @throws {AmqpError} 403 when there is none.
   */
  requireAny(kind: ResourceKind, name: string): void {
    for (const permission of ["read", "write"] as const) {
      if (this.#permits(permission, kind, name)) return;
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

  #permits(permission: Permission, kind: ResourceKind, name: string): boolean {
    return this.#rules[permission].permits(knownAs(kind, name));
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
    return new Rule(compile());
  } catch {
    return new Rule(NOTHING);
  }
}

/** An expression and what it has said. */
class Rule {
  readonly #expression: RegExp;
  readonly #answers = new Map<string, boolean>();

  constructor(expression: RegExp) {
    this.#expression = expression;
  }

  permits(name: string): boolean {
    const known = this.#answers.get(name);
    if (known !== undefined) return known;
    if (name.length > KEY_MAX) return false;
    const answer = this.#expression.test(name);
    if (this.#answers.size === REMEMBERED_MAX) this.#answers.clear();
    this.#answers.set(name, answer);
    return answer;
  }
}
