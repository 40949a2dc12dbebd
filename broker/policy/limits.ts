import { validationFailed } from "./error.ts";
import { erlangPairs, erlangTerm } from "./erlang_term.ts";
import type { JsonObject, JsonValue } from "./json.ts";

/** How much a vhost may have. */
export interface VhostLimits {
  /** How many connections may be open at once; 0 for none, less for any number. */
  readonly maxConnections?: number;
  /** How many queues there may be; 0 for none, less for any number. */
  readonly maxQueues?: number;
}

/**
 * Checks the limits of a vhost.
 *
 * @param value As RabbitMQ has it in definitions: `max-connections`, `max-queues`.
 * @throws {DefinitionError} When something about it is wrong, with RabbitMQ's text.
 */
export function checkLimits(value: JsonObject): VhostLimits {
  const { "max-connections": maxConnections, "max-queues": maxQueues, ...others } = value;
  const problems: string[] = [];
  const unknown = Object.entries(others);
  if (unknown.length > 0) problems.push(`Unrecognised terms ${erlangPairs(unknown)} in limits`);
  for (
    const [name, limit] of Object.entries({
      "max-queues": maxQueues,
      "max-connections": maxConnections,
    })
  ) {
    if (limit === undefined || Number.isInteger(limit)) continue;
    problems.push(`${name} should be a number, actually was ${erlangTerm(limit)}`);
  }
  if (problems.length > 0) throw validationFailed(problems);
  return Object.freeze({
    ...maxConnections === undefined ? {} : { maxConnections: Number(maxConnections) },
    ...maxQueues === undefined ? {} : { maxQueues: Number(maxQueues) },
  });
}

/** Limits in the form that definitions have them. */
export function limitsValue({ maxConnections, maxQueues }: VhostLimits): JsonObject {
  const value: Record<string, JsonValue> = {};
  if (maxConnections !== undefined) value["max-connections"] = maxConnections;
  if (maxQueues !== undefined) value["max-queues"] = maxQueues;
  return value;
}

/** The limit that has been reached; undefined when there is room for one more. */
export function reachedLimit(limit: number | undefined, count: number): number | undefined {
  return limit !== undefined && limit >= 0 && count >= limit ? limit : undefined;
}
