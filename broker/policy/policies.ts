import type { JsonObject } from "./json.ts";
import { mergeDefinitions, type PolicyQueueType, suitsQueueType } from "./keys.ts";
import type { CompiledPolicy, Policy, PolicyKind, PolicyTarget } from "./policy.ts";

/** Something that a policy may apply to. */
export type PolicySubject =
  | { readonly kind: "exchange"; readonly name: string }
  | { readonly kind: "queue"; readonly name: string; readonly type: PolicyQueueType };

/** Which policies apply to something, and what they come to. */
export interface AppliedPolicy {
  /** Name of the policy; undefined when none applies. */
  readonly policy: string | undefined;
  /** Name of the operator policy; undefined when none applies. */
  readonly operatorPolicy: string | undefined;
  /** What both come to. */
  readonly definition: JsonObject;
}

/** No policy applies. */
export const NO_POLICY: AppliedPolicy = Object.freeze({
  policy: undefined,
  operatorPolicy: undefined,
  definition: Object.freeze({}),
});

const TARGET_OF_TYPE: Readonly<Record<PolicyQueueType, PolicyTarget>> = {
  classic: "classic_queues",
  quorum: "quorum_queues",
  stream: "streams",
};

/** A policy by its kind and name. */
export interface PolicyName {
  /** In which list it is. */
  readonly kind: PolicyKind;
  /** Its name there. */
  readonly name: string;
}

/** What an applied policy was made of. */
type Parts = Readonly<Record<PolicyKind, CompiledPolicy | undefined>>;

const NO_PARTS: Parts = { policy: undefined, operator_policy: undefined };

/** In place of a policy that does not apply. */
const NONE: object = {};

/** The policies and operator policies of one vhost, and which of them apply to what. */
export class Policies {
  /** Always sorted: the one that comes first applies. */
  readonly #lists: Record<PolicyKind, readonly CompiledPolicy[]> = {
    policy: [],
    operator_policy: [],
  };
  readonly #named: Record<PolicyKind, Map<string, CompiledPolicy>> = {
    policy: new Map(),
    operator_policy: new Map(),
  };
  /** What two of them come to: the same object for all queues, of which there may be very many. */
  readonly #combined = new WeakMap<object, WeakMap<object, AppliedPolicy>>();
  readonly #parts = new WeakMap<AppliedPolicy, Parts>();

  /** All of one kind, by name. */
  list(kind: PolicyKind): Policy[] {
    return this.#lists[kind].map(({ policy }) => policy)
      .sort((one, other) => one.name < other.name ? -1 : 1);
  }

  /** Adds a policy, in place of an older one of its name. */
  set(kind: PolicyKind, added: CompiledPolicy): void {
    const others = this.#lists[kind].filter(({ policy }) => policy.name !== added.policy.name);
    this.#lists[kind] = [...others, added].sort(byPriority);
    this.#named[kind].set(added.policy.name, added);
  }

  /** Removes a policy. Returns false when there was none. */
  delete(kind: PolicyKind, name: string): boolean {
    const others = this.#lists[kind].filter(({ policy }) => policy.name !== name);
    this.#lists[kind] = others;
    return this.#named[kind].delete(name);
  }

  /** Which policies apply to something: looks at one after the other until one does. */
  appliedTo(subject: PolicySubject): AppliedPolicy {
    const find = (kind: PolicyKind) => this.#find(kind, subject);
    return this.#combine({ policy: find("policy"), operator_policy: find("operator_policy") });
  }

  /**
   * Which ones apply to something after one of them was set or deleted: most things take a look at that
   * one alone. What was changed besides may count already, or when that is asked about.
   *
   * @param before What applied before.
   */
  appliedAfter(
    before: AppliedPolicy,
    { kind, name }: PolicyName,
    subject: PolicySubject,
  ): AppliedPolicy {
    const parts = this.#parts.get(before) ?? NO_PARTS;
    const found = { ...parts };
    for (const each of ["policy", "operator_policy"] as const) {
      const part = parts[each];
      // it was changed or deleted: any other may be next
      const isOld = part !== undefined && this.#named[each].get(part.policy.name) !== part;
      if (isOld) found[each] = this.#find(each, subject);
      else if (each === kind) {
        found[each] = this.#better(part, this.#named[kind].get(name), subject);
      }
    }
    return this.#combine(found);
  }

  #better(
    current: CompiledPolicy | undefined,
    other: CompiledPolicy | undefined,
    subject: PolicySubject,
  ): CompiledPolicy | undefined {
    if (other === undefined || other === current) return current;
    if (current !== undefined && byPriority(current, other) < 0) return current;
    return applies(other, subject) ? other : current;
  }

  #find(kind: PolicyKind, subject: PolicySubject): CompiledPolicy | undefined {
    return this.#lists[kind].find((one) => applies(one, subject));
  }

  #combine(parts: Parts): AppliedPolicy {
    const { policy: users, operator_policy: operators } = parts;
    if (users === undefined && operators === undefined) return NO_POLICY;
    let combined = this.#combined.get(users ?? NONE);
    if (combined === undefined) this.#combined.set(users ?? NONE, combined = new WeakMap());
    const known = combined.get(operators ?? NONE);
    if (known !== undefined) return known;
    const applied = Object.freeze({
      policy: users?.policy.name,
      operatorPolicy: operators?.policy.name,
      definition: users === undefined
        ? operators!.policy.definition
        : operators === undefined
        ? users.policy.definition
        : mergeDefinitions(users.policy.definition, operators.policy.definition),
    });
    combined.set(operators ?? NONE, applied);
    this.#parts.set(applied, parts);
    return applied;
  }
}

function applies({ policy, expression }: CompiledPolicy, subject: PolicySubject): boolean {
  return isMeant(policy, subject) && expression.test(subject.name);
}

function byPriority({ policy: one }: CompiledPolicy, { policy: other }: CompiledPolicy): number {
  return other.priority - one.priority || (one.name < other.name ? -1 : 1);
}

/** A policy with a setting that a queue's type does not know is none for it. */
function isMeant({ applyTo, definition }: Policy, subject: PolicySubject): boolean {
  if (subject.kind === "exchange") return applyTo === "all" || applyTo === "exchanges";
  const isTarget = applyTo === "all" || applyTo === "queues" ||
    applyTo === TARGET_OF_TYPE[subject.type];
  return isTarget && suitsQueueType(definition, subject.type);
}
