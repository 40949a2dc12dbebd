import type { Logger } from "../amqp/logger.ts";
import type { PasswordHashing } from "../auth/password.ts";
import { hashImported, withoutRabbitmqHash } from "../auth/user_definitions.ts";
import type { Users } from "../auth/users.ts";
import {
  DefinitionsImport,
  exportAll,
  exportVhost,
  readDefinitionsFile,
  sectionOf,
} from "../definitions.ts";
import type { InVhost } from "../operator_options.ts";
import type { JsonObject } from "../policy/json.ts";
import type { VirtualHosts } from "../virtual_hosts.ts";
import type { Changes } from "./changes.ts";

/** Definitions files, as operators take and give them. `Broker` tells what that means. */
export class DefinitionOperations {
  readonly #vhosts: VirtualHosts;
  readonly #users: Users;
  readonly #changes: Changes;
  readonly #options: { readonly logger: Logger; readonly passwordHashing: PasswordHashing };

  /**
   * @param vhosts What they define.
   * @param users And whom.
   * @param changes How that is changed.
   * @param options Where warnings go, and what passwords are hashed with.
   */
  constructor(
    vhosts: VirtualHosts,
    users: Users,
    changes: Changes,
    options: { readonly logger: Logger; readonly passwordHashing: PasswordHashing },
  ) {
    this.#vhosts = vhosts;
    this.#users = users;
    this.#changes = changes;
    this.#options = options;
  }

  export({ vhost }: InVhost): JsonObject {
    if (vhost !== undefined) return exportVhost(this.#vhosts.get(vhost));
    const names = withoutRabbitmqHash(this.#users);
    if (names.length > 0) {
      this.#options.logger.log(
        "warning",
        `definitions: RabbitMQ does not know how to verify the passwords of ${names.join(", ")}: ` +
          "where it imports this, they have none until they are given one",
      );
    }
    return exportAll(this.#vhosts, this.#users);
  }

  async import(definitions: string | JsonObject, { vhost }: InVhost): Promise<void> {
    const file = readDefinitionsFile(definitions);
    const { logger, passwordHashing } = this.#options;
    const entries = vhost === undefined ? sectionOf(file, "users") : [];
    const hashes = await hashImported(entries, passwordHashing);
    return this.#changes.make(() => {
      const things = { vhosts: this.#vhosts, users: this.#users, hashes, logger };
      new DefinitionsImport(things, file, vhost).run();
    });
  }
}
