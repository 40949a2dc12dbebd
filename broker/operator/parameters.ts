import { refusePolicyParameter } from "../definitions.ts";
import type { InVhost, ParameterOptions } from "../operator_options.ts";
import type { JsonValue } from "../policy/json.ts";
import type { Parameter } from "../vhost/settings.ts";
import type { VirtualHosts } from "../virtual_hosts.ts";
import type { Changes } from "./changes.ts";
import { inSlices } from "./slices.ts";

/** What operators do with runtime parameters. `Broker` tells what each of it means. */
export class ParameterOperations {
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

  set({ component, name, value, vhost = "/" }: ParameterOptions): Promise<void> {
    return this.#changes.make(() => {
      refusePolicyParameter(component);
      const { settings } = this.#vhosts.get(vhost);
      const policy = settings.setParameter(component, name, value);
      if (policy === undefined) return undefined;
      return inSlices(settings.policyApplications(policy), this.#changes);
    });
  }

  delete({ component, name, vhost = "/" }: Omit<ParameterOptions, "value">): Promise<void> {
    return this.#changes.make(() => {
      refusePolicyParameter(component);
      const { settings } = this.#vhosts.get(vhost);
      const policy = settings.deleteParameter(component, name);
      if (policy === undefined) return undefined;
      return inSlices(settings.policyApplications(policy), this.#changes);
    });
  }

  list({ component, vhost }: InVhost & { readonly component?: string }): Parameter[] {
    const all = this.#vhosts.some(vhost).flatMap(({ settings }) => settings.parameters);
    return all.filter((parameter) =>
      component === undefined ? parameter.component !== "policy" : parameter.component === component
    );
  }

  setGlobal(name: string, value: JsonValue): Promise<void> {
    return this.#changes.make(() => {
      this.#vhosts.setGlobalParameter(name, value);
    });
  }

  deleteGlobal(name: string): Promise<void> {
    return this.#changes.make(() => {
      this.#vhosts.deleteGlobalParameter(name);
    });
  }
}
