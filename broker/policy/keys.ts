import { compilePattern, PATTERN_MAX } from "../pattern/pattern.ts";
import { erlangPairs, erlangTerm, sortedEntries } from "./erlang_term.ts";
import type { JsonObject, JsonValue } from "./json.ts";

/**
 * The keys of policies: which there are, what each takes, which of them an operator may use and how his
 * value goes together with a user's. Texts are RabbitMQ's.
 *
 * @module
 */

/** The queue types, as policies tell them apart. */
export type PolicyQueueType = "classic" | "quorum" | "stream";

/** Says what is wrong with a value; undefined when nothing is. */
type Check = (value: JsonValue) => string | undefined;
/** Makes one of a user's value and an operator's. */
type Merge = (user: JsonValue, operator: JsonValue) => JsonValue;

interface KeyRule {
  readonly check: Check;
  /** Operators may use it. */
  readonly merge?: Merge;
  /** A policy with it does not apply to queues of these types at all. */
  readonly notFor?: readonly PolicyQueueType[];
}

const smaller: Merge = (user, operator) => Math.min(Number(user), Number(operator));
const larger: Merge = (user, operator) => Math.max(Number(user), Number(operator));
const operators: Merge = (_, operator) => operator;

const SEGMENT_SIZE_MAX = 3_000_000_000;
const LOCATORS = ["client-local", "balanced", "random", "least-leaders"];
/** Of queues that are mirrored, in RabbitMQ before 4.0. There is nothing to mirror to. */
const MIRRORING: KeyRule = { check: () => undefined, notFor: ["quorum", "stream"] };
/** Links to other brokers look for these; by themselves they do nothing. */
const FEDERATION_KEYS = [
  "federation-upstream",
  "federation-upstream-pattern",
  "federation-upstream-set",
];

const RULES: ReadonlyMap<string, KeyRule> = new Map<string, KeyRule>([
  ["alternate-exchange", { check: text("alternate exchange name") }],
  ["consumer-disconnected-timeout", { check: integer(0, "consumer disconnected timeout") }],
  ["consumer-timeout", { check: integer(0, "consumer timeout") }],
  ["dead-letter-exchange", { check: text("dead letter exchange name"), notFor: ["stream"] }],
  ["dead-letter-routing-key", { check: text("dead letter routing key"), notFor: ["stream"] }],
  ["dead-letter-strategy", {
    check: oneOf(["at-most-once", "at-least-once"], "dead letter strategy"),
    notFor: ["classic", "stream"],
  }],
  ["message-ttl", { check: integer(0, "message TTL"), merge: smaller, notFor: ["stream"] }],
  ["expires", { check: integer(1, "queue expiry"), merge: smaller, notFor: ["stream"] }],
  ["max-length", { check: integer(0, "maximum length"), merge: smaller, notFor: ["stream"] }],
  ["max-length-bytes", { check: integer(0, "maximum length in bytes"), merge: smaller }],
  ["max-in-memory-length", {
    check: integer(0, "maximum memory in bytes"),
    merge: smaller,
    notFor: ["classic", "stream"],
  }],
  ["max-in-memory-bytes", {
    check: integer(0, "maximum memory in bytes"),
    merge: smaller,
    notFor: ["classic", "stream"],
  }],
  ["queue-mode", {
    check: oneOf(["default", "lazy"], "queue-mode value"),
    notFor: ["quorum", "stream"],
  }],
  ["queue-version", { check: oneOf([1, 2], "queue-version value"), merge: operators }],
  ["overflow", {
    check: oneOf(["drop-head", "reject-publish", "reject-publish-dlx"], "overflow value"),
    merge: operators,
    notFor: ["stream"],
  }],
  ["delivery-limit", {
    check: integer(-Infinity, "delivery limit"),
    merge: smallerDeliveryLimit,
    notFor: ["classic", "stream"],
  }],
  ["delivery-count", { check: oneOf([true, false], "delivery count value") }],
  ["max-age", { check: maxAge, notFor: ["classic", "quorum"] }],
  ["stream-max-segment-size-bytes", {
    check: integer(0, "segment size", SEGMENT_SIZE_MAX),
    notFor: ["classic", "quorum"],
  }],
  ["stream-filter-size-bytes", {
    check: integer(16, "filter size. Valid range is 16-255", 255),
  }],
  ["queue-leader-locator", { check: oneOf(LOCATORS, "queue leader locator value") }],
  ["queue-master-locator", {
    check: oneOf(["client-local", "min-masters", "random"], "master locator"),
    merge: operators,
    notFor: ["quorum", "stream"],
  }],
  ["initial-cluster-size", {
    check: integer(0, "cluster size"),
    notFor: ["classic", "quorum"],
  }],
  ["target-group-size", {
    check: integer(1, "qq target count value"),
    merge: larger,
    notFor: ["classic", "stream"],
  }],
  ["member-placement-tag", {
    check: (value) =>
      typeof value === "string" && value !== ""
        ? undefined
        : `${
          erlangTerm(value)
        } is not a valid member-placement-tag value. Must be a non-empty string`,
    merge: operators,
  }],
  ["delayed-retry-type", {
    check: oneOf(
      ["all", "failed", "returned", "disabled"],
      "delayed retry type. Must be one of: all, failed, returned, disabled",
    ),
    merge: operators,
  }],
  ["delayed-retry-min", {
    check: integer(1, "delayed retry minimum delay. Must be a positive integer"),
    merge: larger,
  }],
  ["delayed-retry-max", {
    check: integer(1, "delayed retry maximum delay. Must be a positive integer"),
    merge: smaller,
  }],
  ["federation-upstream", { check: text("federation upstream name") }],
  ["federation-upstream-pattern", { check: federationPattern }],
  ["federation-upstream-set", { check: text("federation upstream set name") }],
  ["ha-mode", MIRRORING],
  ["ha-params", MIRRORING],
  ["ha-sync-mode", MIRRORING],
  ["ha-sync-batch-size", MIRRORING],
  ["ha-promote-on-shutdown", MIRRORING],
  ["ha-promote-on-failure", MIRRORING],
]);

/** Says what is wrong with the definition of a policy, or of an operator's; undefined when nothing is. */
export function checkKeys(definition: JsonObject, operator: boolean): string | undefined {
  const entries = sortedEntries(definition);
  if (entries.length === 0) return "no policy provided";
  const isKnown = (name: string) => {
    const rule = RULES.get(name);
    return rule !== undefined && (!operator || rule.merge !== undefined);
  };
  for (const [name, value] of entries) {
    const wrong = isKnown(name) ? RULES.get(name)!.check(value) : undefined;
    if (wrong !== undefined) return wrong;
  }
  const unknown = entries.filter(([name]) => !isKnown(name));
  if (unknown.length > 0) return `${erlangPairs(unknown)} are not recognised policy settings`;
  return checkTogether(definition);
}

/** What cannot be seen from one key alone. */
function checkTogether(definition: JsonObject): string | undefined {
  if (FEDERATION_KEYS.filter((name) => Object.hasOwn(definition, name)).length > 1) {
    return "cannot specify federation-upstream, federation-upstream-set " +
      "or federation-upstream-pattern together";
  }
  const type = definition["delayed-retry-type"];
  const [min, max] = [definition["delayed-retry-min"], definition["delayed-retry-max"]];
  if (type !== undefined && type !== "disabled" && min === undefined) {
    return `delayed-retry-min is required when delayed-retry-type is ${type}`;
  }
  if (min !== undefined && max !== undefined && Number(max) < Number(min)) {
    return `delayed-retry-max (${max}) must not be smaller than delayed-retry-min (${min})`;
  }
  return undefined;
}

/** True when a queue of this type knows what to do with all of a definition. */
export function suitsQueueType(definition: JsonObject, type: PolicyQueueType): boolean {
  return !Object.keys(definition).some((name) => RULES.get(name)?.notFor?.includes(type));
}

/** Makes one definition of a user's and an operator's. */
export function mergeDefinitions(user: JsonObject, operator: JsonObject): JsonObject {
  const merged: Record<string, JsonValue> = { ...user };
  for (const [name, value] of Object.entries(operator)) {
    const own = Object.hasOwn(user, name) ? user[name] : undefined;
    merged[name] = own === undefined ? value : RULES.get(name)!.merge!(own, value);
  }
  return Object.freeze(merged);
}

/** A negative one stands for none, and any is less than that. */
function smallerDeliveryLimit(user: JsonValue, operator: JsonValue): JsonValue {
  const [one, other] = [Number(user), Number(operator)];
  return one < 0 || other < 0 ? Math.max(one, other) : Math.min(one, other);
}

function invalid(value: JsonValue, what: string): string {
  return `${erlangTerm(value)} is not a valid ${what}`;
}

function text(what: string): Check {
  return (value) => typeof value === "string" ? undefined : invalid(value, what);
}

function integer(least: number, what: string, most = Infinity): Check {
  return (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= least && value <= most
      ? undefined
      : invalid(value, what);
}

function oneOf(allowed: readonly JsonValue[], what: string): Check {
  return (value) => allowed.includes(value) ? undefined : invalid(value, what);
}

function maxAge(value: JsonValue): string | undefined {
  const isAge = typeof value === "string" && /^0*[1-9]\d*[YMDhms]$/.test(value);
  return isAge ? undefined : invalid(value, "max age");
}

function federationPattern(value: JsonValue): string | undefined {
  if (typeof value !== "string") return invalid(value, "federation upstream pattern name");
  try {
    compilePattern(value);
    return undefined;
  } catch (error) {
    return error instanceof RangeError
      ? `federation-upstream-pattern must not exceed ${PATTERN_MAX} bytes`
      : `could not compile pattern ${value} to a regular expression. ` +
        `Error: ${(error as Error).message}`;
  }
}
