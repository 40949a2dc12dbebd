import { AmqpError } from "../amqp/error.ts";
import type { FieldTable, FieldValue } from "../amqp/field_table.ts";
import type { BindingFields, Destination } from "./binding.ts";
import { printed, typeName } from "./erlang_text.ts";
import type { Matches, RoutedMessage, RoutingTable } from "./exchange_type.ts";
import { valueKey } from "./value_key.ts";
import type { ValueKey } from "./value_key.ts";

/**
 * Matches the headers of a message against the arguments of a binding: all of them, or any.
 *
 * Bindings are found by the headers that the message has. One that needs all of its conditions is
 * filed under a single one, that which the fewest others are filed under; one that needs any is filed
 * under each. A binding that shares no filed condition with the message is never looked at.
 *
 * Values are equal as in RabbitMQ's `rabbit_exchange_type_headers.erl`: by value, whatever integer
 * or kind of bytes they were on the wire, but the integer 1 is not the float 1.0 (to 3.12 and before it
 * was). In one thing RabbitMQ is not followed: since 3.13 it multiplies the time in a message's header
 * by 1000 and not that of the binding, so that no two times are equal; here equal ones are.
 */
export class HeadersTable implements RoutingTable {
  readonly cacheable = false;
  readonly #rules = new Map<BindingFields, Rule>();
  /** What matches without any condition. */
  readonly #always = new Set<Rule>();
  readonly #byHeader = new Map<string, HeaderFile>();

  /** True when nothing is left, not even of bindings that were removed. */
  get empty(): boolean {
    return this.#rules.size === 0 && this.#always.size === 0 && this.#byHeader.size === 0;
  }

  add(binding: BindingFields): void {
    const rule = parseRule(binding);
    this.#rules.set(binding, rule);
    if (rule.all && rule.conditions.length === 0) this.#always.add(rule);
    if (rule.all && rule.conditions.length > 1) rule.filed = [this.#leastUsed(rule.conditions)];
    for (const condition of rule.filed) {
      let file = this.#byHeader.get(condition.header);
      if (file === undefined) this.#byHeader.set(condition.header, file = new HeaderFile());
      file.add(condition, rule);
    }
  }

  remove(binding: BindingFields): void {
    const rule = this.#rules.get(binding);
    if (rule === undefined) return;
    this.#rules.delete(binding);
    this.#always.delete(rule);
    for (const condition of rule.filed) {
      const file = this.#byHeader.get(condition.header);
      file?.remove(condition, rule);
      if (file?.empty) this.#byHeader.delete(condition.header);
    }
  }

  route(_routingKey: string, message: RoutedMessage, into: Matches): void {
    for (const rule of this.#always) into.add(rule.destination);
    if (this.#byHeader.size === 0) return;
    const table = message.headers();
    if (table === undefined) return;
    for (const header in table) {
      const file = this.#byHeader.get(header);
      const value = file && ownValue(table, header);
      if (value === undefined) continue;
      file!.match(valueKey(value), table, into);
    }
  }

  #leastUsed(conditions: readonly Condition[]): Condition {
    const uses = (condition: Condition): number =>
      this.#byHeader.get(condition.header)?.count(condition) ?? 0;
    // between equals a value is the better one: presence alone says little
    return conditions.reduce((best, next) => {
      const difference = uses(next) - uses(best);
      return difference < 0 || (difference === 0 && best.value === ANY_VALUE) ? next : best;
    });
  }
}

/** Stands for "present with any value". */
const ANY_VALUE = Symbol("any value");

/** That a message has a header, with this value. */
interface Condition {
  readonly header: string;
  readonly value: ValueKey | typeof ANY_VALUE;
}

/** What a binding asks for. */
interface Rule {
  readonly destination: Destination;
  /** True when all conditions must hold, false when one is enough. */
  readonly all: boolean;
  readonly conditions: readonly Condition[];
  /** The conditions by which it can be found. */
  filed: readonly Condition[];
}

/** The rules that are filed under one header. */
class HeaderFile {
  readonly #byValue = new Map<ValueKey, Set<Rule>>();
  /** Those that any value will do for. */
  readonly #anyValue = new Set<Rule>();

  get empty(): boolean {
    return this.#byValue.size === 0 && this.#anyValue.size === 0;
  }

  count({ value }: Condition): number {
    return value === ANY_VALUE ? this.#anyValue.size : this.#byValue.get(value)?.size ?? 0;
  }

  add({ value }: Condition, rule: Rule): void {
    if (value === ANY_VALUE) {
      this.#anyValue.add(rule);
      return;
    }
    const rules = this.#byValue.get(value);
    if (rules === undefined) this.#byValue.set(value, new Set([rule]));
    else rules.add(rule);
  }

  remove({ value }: Condition, rule: Rule): void {
    if (value === ANY_VALUE) {
      this.#anyValue.delete(rule);
      return;
    }
    const rules = this.#byValue.get(value);
    rules?.delete(rule);
    if (rules?.size === 0) this.#byValue.delete(value);
  }

  match(value: ValueKey, headers: FieldTable, into: Matches): void {
    const rules = this.#byValue.get(value);
    if (rules !== undefined) matchRules(rules, headers, into);
    if (this.#anyValue.size > 0) matchRules(this.#anyValue, headers, into);
  }
}

/** Adds the destinations of rules that one condition is known to hold of. */
function matchRules(rules: Iterable<Rule>, headers: FieldTable, into: Matches): void {
  for (const rule of rules) {
    if (!rule.all || allHold(rule.conditions, headers)) into.add(rule.destination);
  }
}

function allHold(conditions: readonly Condition[], headers: FieldTable): boolean {
  for (const condition of conditions) {
    if (!holds(condition, headers)) return false;
  }
  return true;
}

function holds(condition: Condition, headers: FieldTable): boolean {
  const value = ownValue(headers, condition.header);
  if (value === undefined) return false;
  return condition.value === ANY_VALUE || sameKey(condition.value, valueKey(value));
}

/** Equality as a `Map` has it: NaN, which a float may be, equals itself. */
function sameKey(a: ValueKey, b: ValueKey): boolean {
  return a === b || (a !== a && b !== b);
}

/** A field, if the table itself has it: a header may be called `constructor`. */
function ownValue(table: FieldTable, name: string): FieldValue | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function parseRule(binding: BindingFields): Rule {
  const { destination, arguments: arguments_ } = binding;
  const match = parseMatch(ownValue(arguments_, "x-match"));
  const withX = match.endsWith("-with-x");
  const conditions: Condition[] = [];
  for (const header of Object.keys(arguments_)) {
    if (header === "x-match" || (!withX && header.startsWith("x-"))) continue;
    const value = ownValue(arguments_, header);
    if (value === undefined) continue;
    conditions.push({ header, value: value === null ? ANY_VALUE : valueKey(value) });
  }
  return { destination, all: match.startsWith("all"), conditions, filed: conditions };
}

/** Reads `x-match`, with RabbitMQ's words for what is wrong with it. */
function parseMatch(value: FieldValue | undefined): string {
  if (value === undefined) return "all";
  if (typeof value !== "string") {
    throw new AmqpError(
      406,
      `Invalid x-match field type ${typeName(value)} (value ${printed(value)}); expected longstr`,
    );
  }
  if (!MATCHES.includes(value)) {
    throw new AmqpError(
      406,
      `Invalid x-match field value ${printed(value)}; expected all, any, all-with-x, or any-with-x`,
    );
  }
  return value;
}

const MATCHES = ["all", "any", "all-with-x", "any-with-x"];
