import { loopRound } from "../amqp/turn.ts";
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
import { type DefinitionSections, wholeFile } from "../definition_sections.ts";
import type { InVhost } from "../operator_options.ts";
import type { JsonObject } from "../policy/json.ts";
import type { VirtualHosts } from "../virtual_hosts.ts";
import type { Changes } from "./changes.ts";

/** For so long entries are imported before others get a chance to do something. */
const SLICE_MS = 2;
/** So many are imported before the clock is looked at. */
const BATCH = 8;

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

  sections({ vhost }: InVhost): DefinitionSections {
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
    // one after the other: two files together would be neither of them
    const before = this.#importing;
    const importing = this.#changes.make(async () => {
      await before;
      this.#changes.check();
      const things = { vhosts: this.#vhosts, users: this.#users, hashes, logger };
      await this.#inSlices(new DefinitionsImport(things, file, vhost).steps());
    });
    this.#importing = importing.catch(() => {});
    return importing;
  }

  /** A long file does not keep messages waiting. */
  async #inSlices(steps: Iterable<void>): Promise<void> {
    let end = performance.now() + SLICE_MS;
    let done = 0;
    for (const _ of steps) {
      if (++done % BATCH !== 0 || performance.now() < end) continue;
      await loopRound();
      this.#changes.check();
      end = performance.now() + SLICE_MS;
    }
  }
}
