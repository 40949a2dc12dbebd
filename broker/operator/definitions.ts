import type { Logger } from "../amqp/logger.ts";
import { DefinitionsImport, exportAll, exportVhost, readDefinitionsFile } from "../definitions.ts";
import type { InVhost } from "../operator_options.ts";
import type { JsonObject } from "../policy/json.ts";
import type { VirtualHosts } from "../virtual_hosts.ts";
import type { Changes } from "./changes.ts";

/** Definitions files, as operators take and give them. `Broker` tells what that means. */
export class DefinitionOperations {
  readonly #vhosts: VirtualHosts;
  readonly #changes: Changes;
  readonly #logger: Logger;

  /**
   * @param vhosts What they define.
   * @param changes How that is changed.
   * @param logger Where warnings go.
   */
  constructor(vhosts: VirtualHosts, changes: Changes, logger: Logger) {
    this.#vhosts = vhosts;
    this.#changes = changes;
    this.#logger = logger;
  }

  export({ vhost }: InVhost): JsonObject {
    return vhost === undefined ? exportAll(this.#vhosts) : exportVhost(this.#vhosts.get(vhost));
  }

  import(definitions: string | JsonObject, { vhost }: InVhost): Promise<void> {
    return this.#changes.make(() => {
      const file = readDefinitionsFile(definitions);
      new DefinitionsImport(this.#vhosts, this.#logger, file, vhost).run();
    });
  }
}
