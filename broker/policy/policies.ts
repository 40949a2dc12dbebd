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

/** The policies and operator policies of one vhost, and which of them apply to what. */
export class Policies {
  /** Always sorted: the one that comes first applies. */
  readonly #lists: Record<PolicyKind, readonly CompiledPolicy[]> = {
    policy: [],
    operator_policy: [],
  };

  /** All of one kind, by name. */
  list(kind: PolicyKind): Policy[] {
    return this.#lists[kind].map(({ policy }) => policy)
      .sort((one, other) => one.name < other.name ? -1 : 1);
  }

  /** Adds a policy, in place of an older one of its name. */
  set(kind: PolicyKind, added: CompiledPolicy): void {
    const others = this.#lists[kind].filter(({ policy }) => policy.name !== added.policy.name);
    this.#lists[kind] = [...others, added].sort(byPriority);
  }

  /** Removes a policy. Returns false when there was none. */
  delete(kind: PolicyKind, name: string): boolean {
    const others = this.#lists[kind].filter(({ policy }) => policy.name !== name);
    const deleted = others.length < this.#lists[kind].length;
    this.#lists[kind] = others;
    return deleted;
  }

  /** Which policies apply to something. */
  appliedTo(subject: PolicySubject): AppliedPolicy {
    const { policy: users, operator_policy: operators } = this.#lists;
    if (users.length === 0 && operators.length === 0) return NO_POLICY;
    const policy = this.#find("policy", subject);
    const operatorPolicy = this.#find("operator_policy", subject);
    if (policy === undefined && operatorPolicy === undefined) return NO_POLICY;
    return Object.freeze({
      policy: policy?.name,
      operatorPolicy: operatorPolicy?.name,
      definition: policy === undefined
        ? operatorPolicy!.definition
        : operatorPolicy === undefined
        ? policy.definition
        : mergeDefinitions(policy.definition, operatorPolicy.definition),
    });
  }

  #find(kind: PolicyKind, subject: PolicySubject): Policy | undefined {
    return this.#lists[kind].find(({ policy, expression }) =>
      isMeant(policy, subject) && expression.test(subject.name)
    )?.policy;
  }
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
