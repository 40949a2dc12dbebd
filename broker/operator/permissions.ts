import type {
  PermissionOptions,
  TopicPermissionOptions,
  TopicPermissions,
  UserPermissions,
} from "../auth/permissions.ts";
import type { Users } from "../auth/users.ts";
import type { OfUser } from "../operator_options.ts";
import type { VirtualHosts } from "../virtual_hosts.ts";
import type { Changes } from "./changes.ts";

/** What operators permit users to do. `Broker` tells what each of it means. */
export class PermissionOperations {
  readonly #users: Users;
  readonly #vhosts: VirtualHosts;
  readonly #changes: Changes;

  /**
   * @param users The users.
   * @param vhosts Where they may do something.
   * @param changes How that is changed.
   */
  constructor(users: Users, vhosts: VirtualHosts, changes: Changes) {
    this.#users = users;
    this.#vhosts = vhosts;
    this.#changes = changes;
  }

  set({ vhost = "/", ...permissions }: PermissionOptions): Promise<void> {
    return this.#changes.make(() => {
      this.#vhosts.get(vhost);
      this.#users.setPermissions({ ...permissions, vhost });
    });
  }

  clear(user: string, vhost = "/"): Promise<void> {
    return this.#changes.make(() => {
      this.#vhosts.get(vhost);
      this.#users.clearPermissions(user, vhost);
    });
  }

  list({ user, vhost }: OfUser): UserPermissions[] {
    if (vhost !== undefined) this.#vhosts.get(vhost);
    return this.#users.permissions(user, vhost);
  }

  setTopic({ vhost = "/", ...permissions }: TopicPermissionOptions): Promise<void> {
    return this.#changes.make(() => {
      this.#vhosts.get(vhost);
      this.#users.setTopicPermissions({ ...permissions, vhost });
    });
  }

  clearTopic(user: string, vhost = "/", exchange?: string): Promise<void> {
    return this.#changes.make(() => {
      this.#vhosts.get(vhost);
      this.#users.clearTopicPermissions(user, vhost, exchange);
    });
  }

  listTopic({ user, vhost }: OfUser): TopicPermissions[] {
    if (vhost !== undefined) this.#vhosts.get(vhost);
    return this.#users.topicPermissions(user, vhost);
  }
}
