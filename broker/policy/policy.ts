import { compilePattern, PATTERN_MAX } from "../pattern/pattern.ts";
import { validationFailed } from "./error.ts";
import { erlangPairs, erlangTerm } from "./erlang_term.ts";
import { isJsonObject, jsonCopy, type JsonObject, type JsonValue } from "./json.ts";
import { checkKeys } from "./keys.ts";

/** What a policy applies to. */
export type PolicyTarget =
  | "all"
  | "queues"
  | "classic_queues"
  | "quorum_queues"
  | "streams"
  | "exchanges";

/** Two lists of policies: those of users, and those by which operators limit them. */
export type PolicyKind = "policy" | "operator_policy";

/** Settings for all queues or exchanges whose names match. */
export interface Policy {
  /** Its name; each vhost has one of this name. */
  readonly name: string;
  /** The vhost that it belongs to. */
  readonly vhost: string;
  /** A regular expression that is looked for anywhere in names. */
  readonly pattern: string;
  /** What it applies to. */
  readonly applyTo: PolicyTarget;
  /** Of the policies that match a name, the one with the highest priority applies, alone. */
  readonly priority: number;
  /** The settings, as `{ "max-length": 1000 }`. */
  readonly definition: JsonObject;
}

/** A policy as it is asked for. */
export interface PolicyOptions {
  /** Its name. A policy that has it already is replaced. */
  readonly name: string;
  /** A regular expression that is looked for anywhere in names: `^logs\.` for a beginning. It may have
   * 1024 bytes; one that could take too long is refused, such as `(a+)+`. */
  readonly pattern: string;
  /** The settings, as `{ "max-length": 1000 }`. */
  readonly definition: JsonObject;
  /** What it applies to. Default: `all`. */
  readonly applyTo?: PolicyTarget;
  /** Of the policies that match a name, the one with the highest priority applies, alone; of equal ones
   * the first by name. Default: 0. */
  readonly priority?: number;
  /** The vhost. Default: `/`. */
  readonly vhost?: string;
}

/** A policy and its pattern, ready to be used. */
export interface CompiledPolicy {
  /** What was asked for. */
  readonly policy: Policy;
  /** The pattern. */
  readonly expression: RegExp;
}

const TARGETS: readonly PolicyTarget[] = [
  "all",
  "queues",
  "classic_queues",
  "quorum_queues",
  "streams",
  "exchanges",
];

/**
 * Checks a policy.
 *
 * @param value As RabbitMQ has it in definitions: `pattern`, `apply-to`, `priority`, `definition`.
 * @throws {DefinitionError} When something about it is wrong, with RabbitMQ's text.
 */
export function checkPolicy(
  kind: PolicyKind,
  { name, vhost }: { readonly name: string; readonly vhost: string },
  value: JsonObject,
): CompiledPolicy {
  const problems: string[] = [];
  const note = (problem: string | undefined) => {
    if (problem !== undefined) problems.push(problem);
  };
  const {
    definition: given,
    "apply-to": applyTo = "all",
    pattern,
    priority = 0,
    ...others
  } = value;
  if (Object.keys(others).length > 0) {
    note(`Unrecognised terms ${erlangPairs(Object.entries(others))} in ${name}`);
  }
  const definition = asObject(given);
  if (given === undefined) note(`Key "definition" not found in ${name}`);
  else if (definition === undefined) note(`definition must be a dictionary: ${erlangTerm(given)}`);
  else note(checkKeys(definition, kind === "operator_policy"));
  note(checkTarget(applyTo));
  const expression = compile(pattern, note);
  if (typeof priority !== "number") {
    note(`priority should be a number, actually was ${erlangTerm(priority)}`);
  }
  if (problems.length > 0) throw validationFailed(problems);
  const policy = Object.freeze({
    name,
    vhost,
    pattern: pattern as string,
    applyTo: applyTo as PolicyTarget,
    priority: priority as number,
    definition: jsonCopy(definition, "definition") as JsonObject,
  });
  return { policy, expression: expression! };
}

/** A policy in the form that definitions have it. */
export function policyValue({ pattern, applyTo, priority, definition }: Policy): JsonObject {
  return { pattern, "apply-to": applyTo, priority, definition };
}

/** An object; also when it is written as a list of pairs, as RabbitMQ exports some. */
export function asObject(value: JsonValue | undefined): JsonObject | undefined {
  if (isJsonObject(value)) return value;
  if (!Array.isArray(value)) return undefined;
  const isPair = (item: JsonValue): item is readonly [string, JsonValue] =>
    Array.isArray(item) && item.length === 2 && typeof item[0] === "string";
  return value.every(isPair) ? Object.fromEntries(value) : undefined;
}

function checkTarget(target: JsonValue): string | undefined {
  if (TARGETS.some((known) => known === target)) return undefined;
  const text = typeof target === "string" ? target : erlangTerm(target);
  return `apply-to '${text}' unrecognised; should be one of: 'queues', 'classic_queues', ` +
    "'quorum_queues', 'streams', 'exchanges', or 'all'";
}

function compile(
  pattern: JsonValue | undefined,
  note: (problem: string) => void,
): RegExp | undefined {
  if (typeof pattern !== "string") {
    note(`pattern should be a binary but was ${erlangTerm(pattern)}`);
    return undefined;
  }
  try {
    return compilePattern(pattern);
  } catch (error) {
    note(
      error instanceof RangeError
        ? `pattern must not exceed ${PATTERN_MAX} bytes`
        : `pattern should be regular expression but is invalid: ${(error as Error).message}`,
    );
    return undefined;
  }
}
