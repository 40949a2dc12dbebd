import type { InVhost, Vhost, VhostOptions } from "../operator_options.ts";
import type { Users } from "../auth/users.ts";
import { limitsValue, type VhostLimits } from "../policy/limits.ts";
import type { VirtualHosts } from "../virtual_hosts.ts";
import { type Changes, defined } from "./changes.ts";

/** What operators do with vhosts. `Broker` tells what each of it means. */
export class VhostOperations {
  readonly #vhosts: VirtualHosts;
  readonly #users: Users;
  readonly #changes: Changes;

  /**
   * @param vhosts The vhosts.
   * @param users Those who may do something in them.
   * @param changes How they are changed.
   */
  constructor(vhosts: VirtualHosts, users: Users, changes: Changes) {
    this.#vhosts = vhosts;
    this.#users = users;
    this.#changes = changes;
  }

  add(name: string, options: VhostOptions): Promise<void> {
    const add = () => {
      // the broker may have been closed meanwhile
      this.#changes.check();
      const { description, tags, defaultQueueType, protectedFromDeletion } = options;
      const metadata = defined({
        description,
        tags,
        default_queue_type: defaultQueueType,
        protected_from_deletion: protectedFromDeletion,
      });
      this.#vhosts.add(name, metadata);
    };
    const gone = this.#vhosts.whenGone(name);
    // what went wrong is its own caller's to hear
    return this.#changes.make(gone === undefined ? add : () => gone.catch(() => {}).then(add));
  }

  delete(name: string): Promise<void> {
    const forget = () => this.#users.forgetVhost(name);
    return this.#changes.make(() => this.#vhosts.delete(name, forget));
  }

  list(): Vhost[] {
    return [...this.#vhosts].map(({ name, firehose, settings: { metadata, limits } }) => ({
      name,
      ...metadata,
      tracing: firehose !== undefined,
      limits,
    }));
  }

  setLimits(limits: VhostLimits, { vhost = "/" }: InVhost): Promise<void> {
    return this.#changes.make(() => {
      const { settings } = this.#vhosts.get(vhost);
      settings.setParameter("vhost-limits", "limits", limitsValue(limits));
    });
  }

  setTracing(vhost: string, on: boolean): void {
    const found = this.#vhosts.find(vhost);
    if (found === undefined) throw new TypeError(`Cannot trace vhost "${vhost}": there is none`);
    found.setTracing(on);
  }
}
