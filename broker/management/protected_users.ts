import type { Broker } from "../mod.ts";
import type { Call } from "./context.ts";
import { badRequest } from "./errors.ts";

/** True for those with the tag `protected`, whom RabbitMQ lets nobody change but rabbitmqctl. */
export function isProtected(broker: Broker, name: string): boolean {
  if (!broker.hasUser(name)) return false;
  const [{ tags } = {}] = broker.userDefinitions({ user: name });
  return Array.isArray(tags) && tags.includes("protected");
}

/**
 * The tool asks here with `protected=true`.
 *
 * @throws {HttpError} 400 when a user is protected, and whoever asks does not say so.
 */
export function requireUnprotected(call: Call, broker: Broker, name: string): void {
  if (call.req.query("protected") === "true" || !isProtected(broker, name)) return;
  throw badRequest("Protected users cannot be modified via the HTTP API");
}
