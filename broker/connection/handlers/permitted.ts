import type { ResourceKind } from "../../auth/access.ts";
import type { Message } from "../../message.ts";
import { cleanName } from "../../vhost/names.ts";
import { senderSelectedKeys } from "../../vhost/sender_selected.ts";
import type { BindingDeclaration } from "../../vhost/declarations.ts";
import type { BrokerChannel } from "../channel.ts";

/**
 * What more than one method asks of a user's permissions. RabbitMQ, "Authentication, Authorisation,
 * Access Control".
 *
 * @module
 */

/**
 * Checks that somebody may know whether something exists, as RabbitMQ does since 4.2.
 *
 * @throws {AmqpError} 403 when not.
 */
export function checkAsking(
  { connection: { profile, restrictions } }: BrokerChannel,
  kind: ResourceKind,
  name: string,
): void {
  if (profile.passiveNeedsPermission) restrictions?.requireAny(kind, cleanName(name));
}

/**
 * Checks that somebody may bind something, or unbind it, which takes the same.
 *
 * @throws {AmqpError} 403 when not.
 */
export function checkBinding(
  { connection: { restrictions, vhost } }: BrokerChannel,
  kind: ResourceKind,
  { source, destination, routingKey }: BindingDeclaration,
): void {
  if (restrictions === undefined) return;
  restrictions.require("write", kind, destination);
  // the default exchange is refused to everybody, with other words
  if (source === "" || (kind === "exchange" && destination === "")) return;
  restrictions.require("read", "exchange", source);
  if (vhost.exchanges.get(source)?.type !== "topic") return;
  restrictions.requireTopic("read", source, routingKey);
}

/**
 * Checks that somebody may publish with a message's routing keys, those in its headers included.
 *
 * @throws {AmqpError} 403 when not.
 */
export function checkTopics(
  { connection: { restrictions, vhost } }: BrokerChannel,
  message: Message,
): void {
  const { exchange } = message;
  if (!restrictions?.looksAtTopicsOf(exchange)) return;
  if (vhost.exchanges.get(exchange)?.type !== "topic") return;
  for (const key of [message.routingKey, ...senderSelectedKeys(message) ?? []]) {
    restrictions.requireTopic("write", exchange, key);
  }
}
