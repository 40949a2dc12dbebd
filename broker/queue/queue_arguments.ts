import { AmqpError } from "../amqp/error.ts";
import { DROP_IN, type Profile } from "../profiles.ts";
import { parseAge } from "./stream/age.ts";
import { checkStreamSizes } from "./stream/stream_arguments.ts";
import { Decimal, Double, type FieldTable, type FieldValue } from "../amqp/field_table.ts";

/**
 * The `x-` arguments of `queue.declare`: which there are, what each takes, what a queue type refuses,
 * and what a redeclaration must repeat. Texts are RabbitMQ's, since people search for them.
 *
 * @module
 */

/** The queue types of RabbitMQ. All are served by the same code as long as there is one machine. */
export type QueueType = "classic" | "quorum" | "stream";

/** Returns what is wrong with a value, in Erlang's notation as RabbitMQ prints it; else undefined. */
type Check = (value: FieldValue, all: FieldTable) => string | undefined;

interface ArgumentRule {
  readonly check: Check;
  readonly types: readonly QueueType[];
}

const ALL: readonly QueueType[] = ["classic", "quorum", "stream"];
const NOT_STREAM: readonly QueueType[] = ["classic", "quorum"];

const TYPE = "x-queue-type";

/** Ten years, the longest time that RabbitMQ takes. */
const MILLISECONDS_MAX = 315_360_000_000;

const RULES: ReadonlyMap<string, ArgumentRule> = new Map<string, ArgumentRule>([
  ["x-expires", { check: milliseconds(1), types: NOT_STREAM }],
  ["x-message-ttl", { check: milliseconds(0), types: NOT_STREAM }],
  ["x-dead-letter-exchange", { check: text(), types: NOT_STREAM }],
  ["x-dead-letter-routing-key", { check: deadLetterKey, types: NOT_STREAM }],
  ["x-dead-letter-strategy", {
    check: text(["at-most-once", "at-least-once"], "invalid_dlx_strategy"),
    types: ["quorum"],
  }],
  ["x-max-length", { check: integerFrom(0), types: NOT_STREAM }],
  ["x-max-length-bytes", { check: integerFrom(0), types: ALL }],
  ["x-max-in-memory-length", { check: integerFrom(0), types: ["quorum"] }],
  ["x-max-in-memory-bytes", { check: integerFrom(0), types: ["quorum"] }],
  ["x-max-priority", { check: maxPriority, types: ["classic"] }],
  ["x-overflow", {
    check: text(["drop-head", "reject-publish", "reject-publish-dlx"], "invalid_overflow"),
    types: NOT_STREAM,
  }],
  ["x-queue-mode", {
    check: oneOf(["default", "lazy"], "unsupported queue mode"),
    types: ["classic"],
  }],
  ["x-queue-version", { check: queueVersion, types: ["classic"] }],
  ["x-single-active-consumer", { check: boolean, types: NOT_STREAM }],
  ["x-queue-type", { check: oneOf(ALL, "unsupported queue type"), types: ALL }],
  ["x-delivery-limit", { check: deliveryLimit, types: NOT_STREAM }],
  ["x-delivery-count", { check: boolean, types: NOT_STREAM }],
  ["x-delayed-retry-type", { check: retryType, types: NOT_STREAM }],
  ["x-delayed-retry-min", { check: retryMin, types: NOT_STREAM }],
  ["x-delayed-retry-max", { check: retryMax, types: NOT_STREAM }],
  ["x-consumer-timeout", { check: integerFrom(0), types: ALL }],
  ["x-consumer-disconnected-timeout", { check: integerFrom(0), types: ALL }],
  ["x-quorum-initial-group-size", { check: integerFrom(1), types: ["quorum"] }],
  ["x-queue-leader-locator", {
    check: text(
      ["client-local", "balanced", "random", "least-leaders"],
      "invalid_queue_locator_arg",
    ),
    types: ALL,
  }],
  // RabbitMQ takes anything for it
  ["x-queue-master-locator", { check: () => undefined, types: ["classic"] }],
  ["x-max-age", { check: maxAge, types: ["stream"] }],
  ["x-stream-max-segment-size-bytes", { check: integerFrom(0), types: ["stream"] }],
  ["x-stream-filter-size-bytes", { check: integerFrom(0), types: ["stream"] }],
  ["x-initial-cluster-size", { check: integerFrom(1), types: ["stream"] }],
]);

/** Those that some versions of RabbitMQ know for fewer types. */
const TIMEOUTS: readonly string[] = ["x-consumer-timeout", "x-consumer-disconnected-timeout"];

/** What versions of RabbitMQ do not agree about. */
export type ArgumentsProfile = Pick<
  Profile,
  "consumerTimeoutArgument" | "consumerTimeoutTypes" | "firstQueueVersion"
>;

/** What counts of a declaration. */
interface DeclaredArguments {
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  readonly arguments: FieldTable;
}

/** The queue type that the arguments ask for. */
export function queueTypeOf(arguments_: FieldTable): QueueType {
  const type = arguments_["x-queue-type"];
  return type === "quorum" || type === "stream" ? type : "classic";
}

/**
 * Checks the arguments and flags of a queue that is about to be made.
 *
 * @param queue How texts call it: `queue 'q' in vhost '/'`.
 * @param declared What it is declared with.
 * @param profile What the versions of RabbitMQ do not agree about.
 * @throws {AmqpError} 406 when a value is wrong, or the queue's type cannot have it.
 */
export function checkQueueArguments(
  queue: string,
  declared: DeclaredArguments,
  profile: ArgumentsProfile = DROP_IN,
): void {
  if (Object.keys(declared.arguments).length > 0) checkGiven(queue, declared, profile);
}

function checkGiven(
  queue: string,
  declared: DeclaredArguments,
  { consumerTimeoutTypes, firstQueueVersion }: ArgumentsProfile,
): void {
  checkExchangeArgument("x-dead-letter-exchange", queue, declared.arguments);
  checkValue(TYPE, queue, declared.arguments);
  const type = queueTypeOf(declared.arguments);
  const typesOf = (name: string) =>
    TIMEOUTS.includes(name) ? consumerTimeoutTypes : RULES.get(name)?.types;
  for (const name of RULES.keys()) {
    if (typesOf(name)!.includes(type)) checkValue(name, queue, declared.arguments);
  }
  if (!firstQueueVersion && type === "classic" && declared.arguments["x-queue-version"] == 1) {
    throw wrongValue("x-queue-version", queue, unsupportedVersion(1));
  }
  // as in RabbitMQ the value of what the type does not know is not looked at, and of several the first
  // one is named
  for (const name of Object.keys(declared.arguments)) {
    if (typesOf(name)?.includes(type) ?? true) continue;
    throw new AmqpError(
      406,
      `invalid arg '${name}' for ${queue} of queue type rabbit_${type}_queue`,
    );
  }
  if (type === "classic") return;
  const property = declared.autoDelete
    ? "auto-delete"
    : declared.exclusive
    ? "exclusive-owner"
    : declared.durable
    ? undefined
    : "non-durable";
  if (property !== undefined) {
    throw new AmqpError(406, `invalid property '${property}' for ${queue}`);
  }
  if (type === "stream") checkStreamSizes(declared.arguments);
}

function checkValue(name: string, queue: string, all: FieldTable): void {
  const value = all[name];
  const wrong = value === undefined ? undefined : RULES.get(name)!.check(value, all);
  if (wrong === undefined) return;
  throw wrongValue(name, queue, wrong);
}

function wrongValue(name: string, queue: string, wrong: string): AmqpError {
  return new AmqpError(406, `invalid arg '${name}' for ${queue}: ${wrong}`);
}

/** The arguments of `basic.consume` that some queue types refuse, and the types that know them. */
const CONSUMER_ARGUMENTS: ReadonlyMap<string, readonly QueueType[]> = new Map([
  ["x-priority", NOT_STREAM],
  ["x-stream-offset", ["stream"]],
  ["x-stream-filter", ["stream"]],
  ["x-stream-match-unfiltered", ["stream"]],
]);

/**
 * Checks that a queue's type knows the arguments of a consumer, and the value of a timeout.
 *
 * @param queue How texts call it: `queue 'q' in vhost '/'`.
 * @param declared What the queue was declared with.
 * @param arguments_ The arguments of `basic.consume`.
 * @param profile What the versions of RabbitMQ do not agree about.
 * @throws {AmqpError} 406 when it does not.
 */
export function checkConsumerArguments(
  queue: string,
  declared: FieldTable,
  arguments_: FieldTable,
  profile: ArgumentsProfile = DROP_IN,
): void {
  if (Object.keys(arguments_).length > 0) {
    checkGivenToConsumer(queue, declared, arguments_, profile);
  }
}

function checkGivenToConsumer(
  queue: string,
  declared: FieldTable,
  arguments_: FieldTable,
  { consumerTimeoutArgument, consumerTimeoutTypes }: ArgumentsProfile,
): void {
  const type = queueTypeOf(declared);
  const check = (name: string, types: readonly QueueType[]) => {
    if (arguments_[name] === undefined || types.includes(type)) return;
    throw new AmqpError(
      406,
      `invalid arg '${name}' for ${queue} of queue type rabbit_${type}_queue`,
    );
  };
  for (const [name, types] of CONSUMER_ARGUMENTS) check(name, types);
  const timeout = arguments_["x-consumer-timeout"];
  if (timeout === undefined || !consumerTimeoutArgument) return;
  check("x-consumer-timeout", consumerTimeoutTypes);
  const wrong = integerFrom(0)(timeout, arguments_);
  if (wrong === undefined) return;
  throw new AmqpError(406, `invalid arg 'x-consumer-timeout' for ${queue}: ${wrong}`);
}

/**
 * Checks that a redeclaration repeats each argument that counts.
 *
 * @throws {AmqpError} 406 when one differs.
 */
export function checkSameArguments(
  queue: string,
  received: FieldTable,
  current: FieldTable,
): void {
  for (const name of RULES.keys()) checkSameArgument(name, queue, received, current);
}

/**
 * Checks that a redeclaration repeats an argument.
 *
 * @param name The argument.
 * @param thing How texts call what is declared, such as `exchange 'e' in vhost '/'`.
 * @param received What it is declared with now.
 * @param current What it was declared with.
 * @throws {AmqpError} 406 when it differs.
 */
export function checkSameArgument(
  name: string,
  thing: string,
  received: FieldTable,
  current: FieldTable,
): void {
  const [is, was] = [received[name], current[name]];
  if (sameValue(is, was)) return;
  // a classic queue may be called so, or not
  if (name === "x-queue-type" && sameValue(is ?? "classic", was ?? "classic")) return;
  // an age may be written in several ways
  if (name === "x-max-age" && sameAge(is, was)) return;
  throw inequivalent(name, thing, is, was);
}

function sameAge(is: FieldValue | undefined, was: FieldValue | undefined): boolean {
  if (typeof is !== "string" || typeof was !== "string") return false;
  const age = parseAge(is);
  return age !== undefined && age === parseAge(was);
}

/**
 * Checks that an argument which names an exchange is a text, if it is there.
 *
 * @param name The argument.
 * @param thing How texts call what is declared, such as `queue 'q' in vhost '/'`.
 * @param arguments_ What it is declared with.
 * @throws {AmqpError} 406 when it is something else.
 */
export function checkExchangeArgument(name: string, thing: string, arguments_: FieldTable): void {
  const value = arguments_[name];
  if (value === undefined || typeof value === "string") return;
  throw new AmqpError(406, `invalid type '${typeName(value)}' for arg '${name}' in ${thing}`);
}

/** The error of a redeclaration that differs in a flag. */
export function differs(
  name: string,
  thing: string,
  received: string | boolean,
  current: string | boolean,
): AmqpError {
  return new AmqpError(
    406,
    `inequivalent arg '${name}' for ${thing}: received '${received}' but current is '${current}'`,
  );
}

function inequivalent(
  name: string,
  thing: string,
  received: FieldValue | undefined,
  current: FieldValue | undefined,
): AmqpError {
  const [is, was] = received === undefined || current === undefined
    ? [described(received), described(current)]
    : [quoted(received), quoted(current)];
  return new AmqpError(
    406,
    `inequivalent arg '${name}' for ${thing}: received ${is} but current is ${was}`,
  );
}

function quoted(value: FieldValue): string {
  return value === null ? "none" : `'${printed(value)}'`;
}

function described(value: FieldValue | undefined): string {
  return value === undefined
    ? "none"
    : `the value '${printed(value)}' of type '${typeName(value)}'`;
}

/** A value as RabbitMQ prints it, as far as it is one word. */
function printed(value: FieldValue): string {
  if (value === null) return "undefined";
  if (value instanceof Date) return `${Math.floor(value.getTime() / 1000)}`;
  if (value instanceof Double) return printedDouble(value.value);
  if (value instanceof Decimal) return `{${value.scale},${value.value}}`;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (typeof value !== "object") return String(value);
  return Object.keys(value).length === 0 ? "[]" : "...";
}

function printedDouble(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/** Integers count by their value, whatever width they were sent in. */
function sameValue(a: FieldValue | undefined, b: FieldValue | undefined): boolean {
  if (typeof a === "bigint" || typeof b === "bigint") return a == b;
  return a === b;
}

/** RabbitMQ's name for the wire type that the value is sent in. */
export function typeName(value: FieldValue): string {
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "string":
      return "longstr";
    case "bigint":
      return "long";
    case "number":
      if (!Number.isInteger(value)) return "double";
      return value === (value | 0) ? "signedint" : "long";
    default:
      if (value === null) return "void";
      if (value instanceof Date) return "timestamp";
      if (value instanceof Uint8Array) return "binary";
      if (value instanceof Decimal) return "decimal";
      if (value instanceof Double) return "double";
      return Array.isArray(value) ? "array" : "table";
  }
}

function isInteger(value: FieldValue): value is number | bigint {
  return typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));
}

function integerFrom(least: number): Check {
  return (value) => {
    if (!isInteger(value)) return `"expected integer, got ${typeName(value)}"`;
    if (value < 0) return `{value_negative,${value}}`;
    if (value < least) return value === 0 ? "{value_zero,0}" : `{value_too_small,${value}}`;
    return undefined;
  };
}

function milliseconds(least: number): Check {
  return (value, all) =>
    integerFrom(least)(value, all) ??
      (Number(value) > MILLISECONDS_MAX ? `{value_too_large,${value}}` : undefined);
}

function oneOf(allowed: readonly string[], otherwise: string): Check {
  return (value) => {
    if (typeof value !== "string") return `{unacceptable_type,${typeName(value)}}`;
    return allowed.includes(value) ? undefined : `"${otherwise} '${value}'"`;
  };
}

function text(allowed?: readonly string[], otherwise?: string): Check {
  return (value) => {
    if (typeof value !== "string") return `{unacceptable_type,${typeName(value)}}`;
    return allowed === undefined || allowed.includes(value) ? undefined : otherwise;
  };
}

/** -1 stands for none. */
function deliveryLimit(value: FieldValue): string | undefined {
  return value == -1 ? undefined : integerFrom(0)(value, {});
}

const RETRY_TYPES = ["all", "failed", "returned", "disabled"];

function retryType(value: FieldValue, all: FieldTable): string | undefined {
  const wrong = oneOf(RETRY_TYPES, "unsupported delayed retry type")(value, all);
  if (wrong !== undefined || value === "disabled") return wrong;
  return all["x-delayed-retry-min"] === undefined ? "delayed_retry_min_required" : undefined;
}

function retryMin(value: FieldValue, all: FieldTable): string | undefined {
  return milliseconds(1)(value, all);
}

function retryMax(value: FieldValue, all: FieldTable): string | undefined {
  const wrong = milliseconds(1)(value, all);
  const min = all["x-delayed-retry-min"];
  if (wrong !== undefined || min === undefined || Number(value) >= Number(min)) return wrong;
  return `{delayed_retry_max_smaller_than_min,${value},${min}}`;
}

function boolean(value: FieldValue): string | undefined {
  return typeof value === "boolean" ? undefined : `{unacceptable_type,${typeName(value)}}`;
}

function maxPriority(value: FieldValue): string | undefined {
  return integerFrom(0)(value, {}) ??
    (Number(value) > 255 ? `{max_value_exceeded,${value}}` : undefined);
}

function deadLetterKey(value: FieldValue, all: FieldTable): string | undefined {
  if (typeof value !== "string") return `{unacceptable_type,${typeName(value)}}`;
  return all["x-dead-letter-exchange"] === undefined ? "routing_key_but_no_dlx_defined" : undefined;
}

function queueVersion(value: FieldValue): string | undefined {
  return integerFrom(0)(value, {}) ??
    (value == 1 || value == 2 ? undefined : unsupportedVersion(value));
}

function unsupportedVersion(version: FieldValue): string {
  return `"unsupported queue version '${version}'"`;
}

function maxAge(value: FieldValue): string | undefined {
  if (typeof value !== "string") return `{unacceptable_type,${typeName(value)}}`;
  return parseAge(value) === undefined ? "invalid_max_age" : undefined;
}
