import { validationFailed } from "../policy/error.ts";
import { erlangPairs, erlangTerm } from "../policy/erlang_term.ts";
import type { JsonObject, JsonValue } from "../policy/json.ts";

/** How much a user may have. */
export interface UserLimits {
  /** How many connections may be open at once; 0 for none, less for any number. */
  readonly maxConnections?: number;
  /** How many channels may be open at once, on all of them; 0 for none, less for any number. */
  readonly maxChannels?: number;
}

/**
 * Checks the limits of a user.
 *
 * @param value As RabbitMQ has it in definitions: `max-connections`, `max-channels`.
 * @throws {DefinitionError} When something about it is wrong, with RabbitMQ's text.
 */
export function checkUserLimits(value: JsonObject): UserLimits {
  const { "max-connections": maxConnections, "max-channels": maxChannels, ...others } = value;
  const problems: string[] = [];
  const unknown = Object.entries(others);
  if (unknown.length > 0) {
    problems.push(`Unrecognised terms ${erlangPairs(unknown)} in user-limits`);
  }
  for (
    const [name, limit] of [
      ["max-connections", maxConnections],
      ["max-channels", maxChannels],
    ] as const
  ) {
    if (limit === undefined || Number.isInteger(limit)) continue;
    problems.push(`${name} should be a number, actually was ${erlangTerm(limit)}`);
  }
  if (problems.length > 0) throw validationFailed(problems);
  return Object.freeze({
    ...maxConnections === undefined ? {} : { maxConnections: Number(maxConnections) },
    ...maxChannels === undefined ? {} : { maxChannels: Number(maxChannels) },
  });
}

/** Limits in the form that definitions have them. */
export function userLimitsValue({ maxConnections, maxChannels }: UserLimits): JsonObject {
  const value: Record<string, JsonValue> = {};
  if (maxConnections !== undefined) value["max-connections"] = maxConnections;
  if (maxChannels !== undefined) value["max-channels"] = maxChannels;
  return value;
}
