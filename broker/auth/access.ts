import type { Permission } from "./permissions.ts";

/** What can be declared, bound, written to. */
export type ResourceKind = "queue" | "exchange";

/**
 * What somebody may do in one vhost, decided by a program instead of three regular expressions. It is
 * asked on an operation, and its answers are remembered: `connection.update-secret`, or another login,
 * makes it be asked again.
 */
export interface Access {
  /**
   * Whether something is permitted. What needs which permission is RabbitMQ's table.
   *
   * @param permission What is to be done.
   * @param kind With what kind of thing.
   * @param name Its name; `amq.default` for the default exchange.
   */
  permits(permission: Permission, kind: ResourceKind, name: string): boolean;
  /**
   * Whether a routing key may be used with a topic exchange, once that itself is permitted: `write` to
   * publish with it, `read` to bind with it. Missing: all may.
   */
  permitsTopic?(permission: "write" | "read", exchange: string, routingKey: string): boolean;
}
