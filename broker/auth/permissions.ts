import { compilePattern, PATTERN_MAX } from "../pattern/pattern.ts";
import { DefinitionError } from "../policy/error.ts";

/** What a user may do in a vhost: three regular expressions for the names of queues and exchanges. They
 * are looked for anywhere in a name; an empty one fits nothing. */
export interface Permissions {
  /** What it may declare and delete. */
  readonly configure: string;
  /** What it may publish to, or bind to something. */
  readonly write: string;
  /** What it may take messages from, or bind something to. */
  readonly read: string;
}

/** What can be permitted. */
export type Permission = keyof Permissions;

/** What a user may do in a vhost. */
export interface UserPermissions extends Permissions {
  /** The user. */
  readonly user: string;
  /** The vhost. */
  readonly vhost: string;
}

/** Which routing keys a user may use with a topic exchange: regular expressions in which `{username}`
 * and `{vhost}` stand for themselves. */
export interface TopicPermissions {
  /** The user. */
  readonly user: string;
  /** The vhost. */
  readonly vhost: string;
  /** The exchange. */
  readonly exchange: string;
  /** The routing keys that it may publish with. */
  readonly write: string;
  /** The routing keys that it may bind something with. */
  readonly read: string;
}

/** What a user may do in a vhost, as it is asked for. */
export interface PermissionOptions extends Permissions {
  /** The user. */
  readonly user: string;
  /** The vhost. Default: `/`. */
  readonly vhost?: string;
}

/** Which routing keys a user may use, as it is asked for. */
export interface TopicPermissionOptions extends Omit<TopicPermissions, "vhost"> {
  /** The vhost. Default: `/`. */
  readonly vhost?: string;
}

/** What words in topic permissions stand for. */
export type TopicVariables = Readonly<Record<string, string>>;

/** Everything, as a new user `guest` may do in `/`. */
export const ALL_PERMISSIONS: Permissions = Object.freeze({
  configure: ".*",
  write: ".*",
  read: ".*",
});

/** True when all is permitted, in the form that everybody writes it. */
export function permitsAll({ configure, write, read }: Permissions): boolean {
  return configure === ".*" && write === ".*" && read === ".*";
}

const EVERYTHING = /^(?:.*)/;

/**
 * Makes the expression for names that are permitted.
 *
 * @throws {DefinitionError} When it is malformed, or could take too long.
 */
export function compilePermission(pattern: unknown): RegExp {
  if (typeof pattern !== "string") {
    throw new DefinitionError("invalid", "a permission has to be a regular expression");
  }
  // what nearly every permission is: there is nothing to look at
  if (pattern === ".*") return EVERYTHING;
  try {
    return compilePattern(pattern === "" ? "^$" : pattern);
  } catch (cause) {
    const why = cause instanceof RangeError
      ? `it has more than ${PATTERN_MAX} bytes`
      : (cause as Error).message;
    throw new DefinitionError("invalid", `regular expression '${pattern}' is invalid: ${why}`, {
      cause,
    });
  }
}

/**
 * The same for routing keys. What a variable stands for is taken letter by letter, where RabbitMQ takes
 * it for a part of the expression: a user `.*` would be permitted everything.
 */
export function compileTopicPermission(pattern: unknown, variables: TopicVariables): RegExp {
  if (typeof pattern !== "string") return compilePermission(pattern);
  return compilePermission(
    pattern.replace(
      /\{(username|vhost|client_id)\}/g,
      (word, name: string) => escaped(variables[name] ?? word),
    ),
  );
}

/** Inside of brackets as well, where `-` makes a range and `:` a class. */
function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|:-]/g, "\\$&");
}
