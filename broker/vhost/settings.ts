import { AmqpError } from "../amqp/error.ts";
import type { FieldTable } from "../amqp/field_table.ts";
import type { Logger } from "../amqp/logger.ts";
import { DefinitionError, validationFailed } from "../policy/error.ts";
import { checkNameSize } from "../policy/names.ts";
import { erlangTerm } from "../policy/erlang_term.ts";
import { isJsonObject, jsonCopy, type JsonObject, type JsonValue } from "../policy/json.ts";
import { checkLimits, limitsValue, reachedLimit, type VhostLimits } from "../policy/limits.ts";
import {
  type AppliedPolicy,
  NO_POLICY,
  Policies,
  type PolicyName,
  type PolicySubject,
} from "../policy/policies.ts";
import { asObject, checkPolicy, type PolicyKind, policyValue } from "../policy/policy.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import { queueTypeOf } from "../queue/queue_arguments.ts";
import type { Exchange } from "../routing/exchange.ts";
import type { Exchanges } from "../routing/exchanges.ts";
import type { BrokerEvents } from "../events.ts";
import type { DurableSettings } from "./durable_settings.ts";
import { ParameterEvents } from "./parameter_events.ts";
import { checkMetadata, metadataValue, newMetadata, type VhostMetadata } from "./metadata.ts";

/** A runtime parameter of a vhost: something that a part of the broker is told, by name. */
export interface Parameter {
  /** The part of the broker, such as `shovel`. */
  readonly component: string;
  /** Its name; each component has one of this name in each vhost. */
  readonly name: string;
  /** What it says. */
  readonly value: JsonValue;
  /** The vhost that it belongs to. */
  readonly vhost: string;
}

/** What the settings of a vhost are made of. */
export interface VirtualHostSettingsOptions {
  /** The vhost's name. */
  readonly vhost: string;
  /** Where they survive a restart; undefined when they do not. */
  readonly durable: DurableSettings | undefined;
  /** The vhost's queues. */
  readonly queues: ReadonlyMap<string, MessageQueue>;
  /** The vhost's exchanges. */
  readonly exchanges: Exchanges<MessageQueue>;
  /** Where warnings go. */
  readonly logger: Logger;
  /** Who is told what happens. */
  readonly events: BrokerEvents;
}

/** What policies apply to. */
type Governed = MessageQueue | Exchange<MessageQueue>;

/**
 * What operators say of a vhost: metadata, limits, policies, and parameters for other parts of the
 * broker. As in RabbitMQ, limits and policies are parameters too.
 */
export class VirtualHostSettings {
  readonly #options: VirtualHostSettingsOptions;
  readonly #policies = new Policies();
  /** What is in effect, except where that is nothing: to find it again takes a look at many policies. */
  readonly #applied = new WeakMap<Governed, AppliedPolicy>();
  readonly #parameters = new Map<string, Parameter>();
  readonly #events: ParameterEvents;
  #limits: VhostLimits = {};
  #metadata: VhostMetadata;

  constructor(options: VirtualHostSettingsOptions) {
    this.#options = options;
    this.#events = new ParameterEvents(options.events);
    this.#metadata = newMetadata(options.vhost);
  }

  /** What is said of the vhost. */
  get metadata(): VhostMetadata {
    return this.#metadata;
  }

  /** How much it may have. */
  get limits(): VhostLimits {
    return this.#limits;
  }

  /** Its policies and operator policies. */
  get policies(): Pick<Policies, "list"> {
    return this.#policies;
  }

  /** All parameters, policies and limits included, by component and name. */
  get parameters(): readonly Parameter[] {
    const byKey = [...this.#parameters].sort(([one], [other]) => one < other ? -1 : 1);
    return byKey.map(([, parameter]) => parameter);
  }

  /** The same in no order. */
  get unsortedParameters(): Iterable<Parameter> {
    return this.#parameters.values();
  }

  /** Changes what is said of the vhost; what is not mentioned stays. */
  setMetadata(value: JsonObject): void {
    if (Object.keys(value).length > 0) this.#metadata = checkMetadata(value, this.#metadata);
    this.#options.durable?.setVhost(this.#options.vhost, metadataValue(this.#metadata));
  }

  /**
   * Sets a parameter, in place of an older one. What is made from now on obeys it.
   *
   * @returns The policy when it is one: what there is already obeys it only when that is applied.
   */
  setParameter(component: string, name: string, value: unknown): PolicyName | undefined {
    if (typeof component !== "string" || typeof name !== "string") {
      throw new TypeError("Cannot set parameter: its component or name is no text");
    }
    checkNameSize("component", component);
    checkNameSize(component, name);
    const { vhost, durable } = this.#options;
    const taken = this.#take(component, name, jsonCopy(value, `value of ${component} ${name}`));
    const parameter = Object.freeze({ component, name, value: taken, vhost });
    const key = keyOf(component, name);
    const former = this.#parameters.get(key);
    this.#parameters.set(key, parameter);
    durable?.setParameter(parameter);
    this.#events.set(parameter, former?.value);
    return isPolicyKind(component) ? { kind: component, name } : undefined;
  }

  /**
   * Deletes a parameter.
   *
   * @returns The policy when it was one, as above.
   * @throws {DefinitionError} When there is none.
   */
  deleteParameter(component: string, name: string): PolicyName | undefined {
    const { vhost, durable } = this.#options;
    if (!this.#parameters.delete(keyOf(component, name))) {
      throw new DefinitionError("not-found", "Parameter does not exist");
    }
    durable?.deleteParameter({ vhost, component, name });
    this.#events.cleared({ vhost, component, name });
    if (component === "vhost-limits") this.#limits = {};
    if (!isPolicyKind(component) || !this.#policies.delete(component, name)) return undefined;
    return { kind: component, name };
  }

  /** Makes metadata again that the store remembers. */
  restoreMetadata(value: JsonValue): void {
    this.#tolerant("metadata", () => {
      if (isJsonObject(value)) this.#metadata = checkMetadata(value, this.#metadata);
    });
  }

  /** Makes a parameter again that the store remembers. Policies do not apply before `applyPolicies`. */
  restoreParameter(component: string, name: string, value: JsonValue): void {
    const { vhost } = this.#options;
    this.#parameters.set(keyOf(component, name), { component, name, value, vhost });
    this.#tolerant(`${component} '${name}'`, () => this.#take(component, name, value));
  }

  /** What another version took must not keep the broker from starting. */
  #tolerant(what: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof DefinitionError)) throw error;
      const text = `${what} of vhost '${this.#options.vhost}' has no effect: ${error.message}`;
      this.#options.logger.log("error", text.replaceAll("\n", " "));
    }
  }

  /** The vhost is gone: so are its settings. */
  clear(): void {
    const { vhost, durable } = this.#options;
    for (const { component, name } of this.#parameters.values()) {
      durable?.deleteParameter({ vhost, component, name });
      this.#events.cleared({ vhost, component, name });
    }
    durable?.deleteVhost(vhost);
  }

  /** Which policies are in effect on a queue or an exchange, and what they come to. */
  appliedTo(thing: Governed): AppliedPolicy {
    return this.#applied.get(thing) ?? NO_POLICY;
  }

  /** Which ones apply to a queue that is to be made, and what they come to. */
  policyFor(name: string, arguments_: FieldTable): AppliedPolicy {
    return this.#policies.appliedTo({ kind: "queue", name, type: queueTypeOf(arguments_) });
  }

  /** Notes what was put into effect on something. */
  noteApplied(thing: Governed, applied: AppliedPolicy): void {
    if (applied === NO_POLICY) this.#applied.delete(thing);
    else this.#applied.set(thing, applied);
  }

  /** Puts the policies that apply to an exchange into effect. */
  applyToExchange(exchange: Exchange<MessageQueue>): void {
    this.#putIntoEffect(exchange, this.#policies.appliedTo(subjectOf(exchange)));
  }

  #putIntoEffect(thing: Governed, applied: AppliedPolicy): void {
    this.noteApplied(thing, applied);
    if (thing.kind === "queue") return thing.applyPolicy(applied.definition);
    const argument = thing.arguments["alternate-exchange"];
    const alternate = argument ?? applied.definition["alternate-exchange"];
    thing.alternate = typeof alternate === "string" ? alternate : undefined;
  }

  /** Puts policies into effect on all that there is. Exchanges come first, so that what queues have too
   * much of goes where it should by now. */
  applyPolicies(): void {
    for (const _ of this.policyApplications()) { /* at once */ }
  }

  /**
   * The same one by one, each time that it is asked to go on; what has gone meanwhile is passed over. Each
   * gets the policies of that moment, so it does not matter when others of them are set meanwhile.
   *
   * @param changed The one that was set or deleted; undefined: there may be more of them.
   */
  *policyApplications(changed?: PolicyName): Generator<void> {
    const { queues, exchanges } = this.#options;
    for (const exchange of [...exchanges]) {
      this.#applyAgain(exchange, changed);
      yield;
    }
    for (const queue of [...queues.values()]) {
      if (queues.get(queue.name) !== queue) continue;
      this.#applyAgain(queue, changed);
      yield;
    }
  }

  #applyAgain(thing: Governed, changed: PolicyName | undefined): void {
    const before = this.appliedTo(thing);
    const subject = subjectOf(thing);
    const applied = changed === undefined
      ? this.#policies.appliedTo(subject)
      : this.#policies.appliedAfter(before, changed, subject);
    if (applied !== before) this.#putIntoEffect(thing, applied);
  }

  /**
   * Checks that there is room for one more queue.
   *
   * @throws {AmqpError} 406 when there is not.
   */
  checkRoomForQueue(name: string): void {
    const { vhost, queues } = this.#options;
    const limit = reachedLimit(this.#limits.maxQueues, queues.size);
    if (limit === undefined) return;
    throw new AmqpError(
      406,
      `cannot declare queue '${name}': queue limit in vhost '${vhost}' (${limit}) is reached`,
    );
  }

  /** Puts a parameter into effect that some part of the vhost understands, and gives it in the form
   * that it is kept in. */
  #take(component: string, name: string, value: JsonValue): JsonValue {
    if (isPolicyKind(component)) {
      if (!isJsonObject(value)) throw validationFailed([`${name} not a list ${erlangTerm(value)}`]);
      const compiled = checkPolicy(component, { name, vhost: this.#options.vhost }, value);
      this.#policies.set(component, compiled);
      return policyValue(compiled.policy);
    }
    if (component !== "vhost-limits") return value;
    if (name !== "limits") throw validationFailed([`${name} is not a set of vhost limits`]);
    const limits = asObject(value);
    if (limits === undefined) throw validationFailed([`${name} not a list ${erlangTerm(value)}`]);
    this.#limits = checkLimits(limits);
    return limitsValue(this.#limits);
  }
}

function subjectOf(thing: Governed): PolicySubject {
  const { kind, name } = thing;
  return kind === "exchange" ? { kind, name } : { kind, name, type: thing.queueType };
}

function isPolicyKind(component: string): component is PolicyKind {
  return component === "policy" || component === "operator_policy";
}

function keyOf(component: string, name: string): string {
  return JSON.stringify([component, name]);
}
