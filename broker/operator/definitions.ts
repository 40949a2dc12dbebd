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
import { DefinitionSection, type DefinitionSections, wholeFile } from "../definition_sections.ts";
import type { ImportDefinitionsOptions, InVhost } from "../operator_options.ts";
import type { JsonObject } from "../policy/json.ts";
import type { VirtualHosts } from "../virtual_hosts.ts";
import type { Changes } from "./changes.ts";
import { inSlices } from "./slices.ts";

/** Definitions files, as operators take and give them. `Broker` tells what that means. */
export class DefinitionOperations {
  readonly #vhosts: VirtualHosts;
  readonly #users: Users;
  readonly #changes: Changes;
  #importing: Promise<void> = Promise.resolve();
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

  export(where: InVhost): JsonObject {
    return wholeFile(this.sections(where));
  }

  sections(where: InVhost): DefinitionSections {
    const sections = this.#sections(where);
    const names = where.vhost === undefined ? withoutRabbitmqHash(this.#users) : [];
    if (names.length > 0) {
      this.#options.logger.log(
        "warning",
        `definitions: RabbitMQ does not know how to verify the passwords of ${names.join(", ")}: ` +
          "where it imports this, they have none until they are given one",
      );
    }
    return sections;
  }

  counts(where: InVhost): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const [name, section] of Object.entries(this.#sections(where))) {
      if (section instanceof DefinitionSection) counts[name] = section.size;
    }
    return counts;
  }

  #sections({ vhost }: InVhost): DefinitionSections {
    return vhost === undefined
      ? exportAll(this.#vhosts, this.#users)
      : exportVhost(this.#vhosts.get(vhost));
  }

  import(
    definitions: string | Uint8Array | JsonObject,
    options: ImportDefinitionsOptions,
  ): Promise<void> {
    // one after the other: two files together would be neither of them
    const importing = this.#import(definitions, options, this.#importing);
    this.#importing = importing.catch(() => {});
    return importing;
  }

  async #import(
    definitions: string | Uint8Array | JsonObject,
    { vhost, grantTo }: ImportDefinitionsOptions,
    before: Promise<void>,
  ): Promise<void> {
    const file = await inSlices(readDefinitionsFile(definitions), this.#changes);
    const { logger, passwordHashing: hashing } = this.#options;
    const entries = vhost === undefined ? sectionOf(file, "users") : [];
    const hashes = await hashImported(entries, hashing);
    await this.#changes.make(async () => {
      await before;
      this.#changes.check();
      const things = { vhosts: this.#vhosts, users: this.#users, hashes, hashing, grantTo, logger };
      await inSlices(new DefinitionsImport(things, file, vhost).steps(), this.#changes);
    });
  }
}
