import { AmqpError } from "../amqp/error.ts";
import type { ResourceKind } from "./access.ts";
import type { Permission } from "./permissions.ts";
import type { Rules } from "./rules.ts";

/**
 * What a connection may do, when that is not everything: one that may do everything has none of these, and
 * so pays nothing. What its user may do is shared with all other connections of the user; only what this
 * one did last is its own.
 */
export class Restrictions {
  readonly #rules: Rules;
  readonly #things: Rules["things"];
  /** The exchange that was written to last: publishers seldom use two. */
  #lastWritten: string | undefined;
  /** True when routing keys matter for some exchange. */
  readonly looksAtTopics: boolean;

  /** @param rules What its user may do. */
  constructor(rules: Rules) {
    this.#rules = rules;
    this.#things = rules.things;
    this.looksAtTopics = rules.looksAtTopics;
  }

  /** The same for another connection. */
  again(): Restrictions {
    return new Restrictions(this.#rules);
  }

  /** True when something is permitted. */
  permits(permission: Permission, kind: ResourceKind, name: string): boolean {
    return this.#things[kind][permission].permits(knownAs(kind, name));
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
    return this.#rules.topics.has(exchange);
  }

  /**
   * Asks whether a routing key may be used with a topic exchange.
   *
   * @throws {AmqpError} 403 when not.
   */
  requireTopic(permission: "write" | "read", exchange: string, routingKey: string): void {
    if (this.#rules.topics.permits(permission, exchange, routingKey)) return;
    const where = this.#textOf("exchange", exchange);
    throw this.#refused(permission, `topic '${routingKey}' in ${where}`);
  }

  /** What declaring queues asks. */
  get queues(): DeclarePermit {
    return this.#declarePermit("queue");
  }

  /** What declaring exchanges asks. */
  get exchanges(): DeclarePermit {
    return this.#declarePermit("exchange");
  }

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
    return new AmqpError(
      403,
      `${permission} access to ${what} refused for user '${this.#rules.user}'`,
    );
  }

  #textOf(kind: ResourceKind, name: string): string {
    return `${kind} '${knownAs(kind, name)}' in vhost '${this.#rules.vhost}'`;
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
