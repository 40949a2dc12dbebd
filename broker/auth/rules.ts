import type { Access, ResourceKind } from "./access.ts";
import { AnswerMemory } from "./answer_memory.ts";
import {
  compilePermission,
  compileTopicPermission,
  type Permission,
  type Permissions,
  type TopicPermissions,
} from "./permissions.ts";

/** A longer routing key can only come from a header, and the expressions were judged by such names. */
const KEY_MAX = 255;
/** Of so many topic exchanges answers are remembered, where a program decides about each. */
const TOPICS_MAX = 16;

/** Nothing of it is permitted. */
const NOTHING = () => false;

/** Says what a user may do with the routing keys of topic exchanges. */
interface TopicAccess {
  /** False where all of them may be used. */
  has(exchange: string): boolean;
  permits(permission: "write" | "read", exchange: string, routingKey: string): boolean;
}

/**
 * What a user may do in a vhost, and what was found out of it. All connections of a user of the list share
 * it; a change of permissions makes another one.
 */
export class Rules {
  /** Whose they are. */
  readonly user: string;
  /** Where they hold. */
  readonly vhost: string;
  /** What they say of routing keys. */
  readonly topics: TopicAccess;
  /** True when routing keys matter for some exchange. */
  readonly looksAtTopics: boolean;
  /** What they say of things by their names. */
  readonly things: Readonly<Record<ResourceKind, Readonly<Record<Permission, Rule>>>>;

  /**
   * @param user Whose they are.
   * @param vhost Where they hold.
   * @param permitted What is permitted; undefined: nothing.
   * @param topics What is permitted of topic exchanges; those that are not among them are free. It
   * counts where `permitted` does not say so itself.
   * @param memory What is remembered by all of them together.
   */
  constructor(
    user: string,
    vhost: string,
    permitted: Permissions | Access | undefined,
    topics: Iterable<Omit<TopicPermissions, "user" | "vhost">> = [],
    memory: AnswerMemory = new AnswerMemory(),
  ) {
    this.user = user;
    this.vhost = vhost;
    if (permitted !== undefined && "permits" in permitted) {
      this.things = {
        queue: askedOf(permitted, "queue", memory),
        exchange: askedOf(permitted, "exchange", memory),
      };
      this.topics = new AskedTopics(permitted, memory);
      this.looksAtTopics = permitted.permitsTopic !== undefined;
      return;
    }
    const rule = (permission: Permission) =>
      permitted === undefined
        ? new Rule(NOTHING, memory)
        : ruleOf(() => compilePermission(permitted[permission]), memory);
    const rules = { configure: rule("configure"), write: rule("write"), read: rule("read") };
    this.things = { queue: rules, exchange: rules };
    const listed = new ListedTopics(topics, { username: user, vhost }, memory);
    this.topics = listed;
    this.looksAtTopics = listed.size > 0;
  }
}

/** An expression that nobody has looked at before, or that is too long once its variables are filled
 * in, permits nothing. */
function ruleOf(compile: () => RegExp, memory: AnswerMemory): Rule {
  try {
    const expression = compile();
    return new Rule((name) => expression.test(name), memory);
  } catch {
    return new Rule(NOTHING, memory);
  }
}

/** What a program permits of one kind of thing. */
function askedOf(
  access: Access,
  kind: ResourceKind,
  memory: AnswerMemory,
): Readonly<Record<Permission, Rule>> {
  const rule = (permission: Permission) =>
    new Rule((name) => access.permits(permission, kind, name), memory);
  return { configure: rule("configure"), write: rule("write"), read: rule("read") };
}

/** What the list of users says of topic exchanges. */
class ListedTopics implements TopicAccess {
  readonly #byExchange = new Map<string, Readonly<Record<"write" | "read", Rule>>>();

  constructor(
    topics: Iterable<Omit<TopicPermissions, "user" | "vhost">>,
    variables: { readonly username: string; readonly vhost: string },
    memory: AnswerMemory,
  ) {
    for (const { exchange, write, read } of topics) {
      this.#byExchange.set(exchange, {
        write: ruleOf(() => compileTopicPermission(write, variables), memory),
        read: ruleOf(() => compileTopicPermission(read, variables), memory),
      });
    }
  }

  get size(): number {
    return this.#byExchange.size;
  }

  has(exchange: string): boolean {
    return this.#byExchange.has(exchange);
  }

  permits(permission: "write" | "read", exchange: string, routingKey: string): boolean {
    return this.#byExchange.get(exchange)?.[permission].permits(routingKey) ?? true;
  }
}

/** What a program permits of topic exchanges. */
class AskedTopics implements TopicAccess {
  readonly #access: Access;
  readonly #memory: AnswerMemory;
  /** By exchange, permission and routing key. */
  readonly #known: Readonly<Record<"write" | "read", Map<string, Map<string, boolean>>>> = {
    write: new Map(),
    read: new Map(),
  };

  constructor(access: Access, memory: AnswerMemory) {
    this.#access = access;
    this.#memory = memory;
  }

  has(): boolean {
    return this.#access.permitsTopic !== undefined;
  }

  permits(permission: "write" | "read", exchange: string, routingKey: string): boolean {
    const access = this.#access;
    if (access.permitsTopic === undefined) return true;
    const byExchange = this.#known[permission];
    let answers = byExchange.get(exchange);
    const known = answers?.get(routingKey);
    if (known !== undefined) return known;
    if (routingKey.length > KEY_MAX) return false;
    const answer = access.permitsTopic(permission, exchange, routingKey);
    if (answers === undefined) {
      answers = new Map();
      // somebody who may make exchanges could make it remember without end
      if (byExchange.size >= TOPICS_MAX) this.#memory.forget(byExchange);
      this.#memory.remember(byExchange, exchange, answers);
    }
    this.#memory.remember(answers, routingKey, answer);
    return answer;
  }
}

/** Nothing is known of most rules. */
const NO_ANSWERS: ReadonlyMap<string, boolean> = new Map();

/** What decides, and what it has said. */
export class Rule {
  readonly #decide: (name: string) => boolean;
  readonly #memory: AnswerMemory;
  #answers = NO_ANSWERS;

  /**
   * @param decide What decides, and always in the same way.
   * @param memory What is remembered of it.
   */
  constructor(decide: (name: string) => boolean, memory: AnswerMemory) {
    this.#decide = decide;
    this.#memory = memory;
  }

  /** Asks, unless it is known. */
  permits(name: string): boolean {
    const known = this.#answers.get(name);
    if (known !== undefined) return known;
    if (name.length > KEY_MAX || this.#decide === NOTHING) return false;
    const answer = this.#decide(name);
    const answers = this.#answers === NO_ANSWERS ? new Map<string, boolean>() : this.#answers;
    this.#memory.remember(answers as Map<string, boolean>, name, answer);
    this.#answers = answers;
    return answer;
  }
}
