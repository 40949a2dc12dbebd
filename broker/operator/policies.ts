import type { InVhost, PolicyHolder } from "../operator_options.ts";
import type { AppliedPolicy } from "../policy/policies.ts";
import type { Policy, PolicyKind, PolicyOptions } from "../policy/policy.ts";
import type { VirtualHosts } from "../virtual_hosts.ts";
import { type Changes, defined } from "./changes.ts";
import { inSlices } from "./slices.ts";

/** What operators do with policies, their own and the users'. `Broker` tells what each of it means. */
export class PolicyOperations {
  readonly #vhosts: VirtualHosts;
  readonly #changes: Changes;

  /**
   * @param vhosts Where they are.
   * @param changes How they are changed.
   */
  constructor(vhosts: VirtualHosts, changes: Changes) {
    this.#vhosts = vhosts;
    this.#changes = changes;
  }

  set(kind: PolicyKind, policy: PolicyOptions): Promise<void> {
    return this.#changes.make(() => {
      const { name, pattern, definition, applyTo, priority, vhost = "/" } = policy;
      const value = defined({ pattern, definition, "apply-to": applyTo, priority });
      const { settings } = this.#vhosts.get(vhost);
      const set = settings.setParameter(kind, name, value)!;
      return inSlices(settings.policyApplications(set), this.#changes);
    });
  }

  delete(kind: PolicyKind, name: string, { vhost = "/" }: InVhost): Promise<void> {
    return this.#changes.make(() => {
      const { settings } = this.#vhosts.get(vhost);
      const deleted = settings.deleteParameter(kind, name);
      return inSlices(settings.policyApplications(deleted), this.#changes);
    });
  }

  list(kind: PolicyKind, options: InVhost): Policy[] {
    return this.#vhosts.some(options.vhost).flatMap(({ settings }) => settings.policies.list(kind));
  }

  appliedTo(thing: PolicyHolder): AppliedPolicy | undefined {
    const { queues, exchanges, settings } = this.#vhosts.get(thing.vhost ?? "/");
    const found = "queue" in thing ? queues.get(thing.queue) : exchanges.get(thing.exchange);
    return found === undefined ? undefined : settings.appliedTo(found);
  }
}
