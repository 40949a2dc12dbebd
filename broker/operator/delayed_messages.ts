import type { InExchange, PageOptions } from "../operator_options.ts";
import { DefinitionError } from "../policy/error.ts";
import type { DelayedMessage, DelayLine } from "../vhost/delay_line.ts";
import type { VirtualHosts } from "../virtual_hosts.ts";
import type { Changes } from "./changes.ts";

/** What operators do with the messages that exchanges hold back. `Broker` tells what each of it
 * means. */
export class DelayedMessageOperations {
  readonly #vhosts: VirtualHosts;
  readonly #changes: Changes;

  /**
   * @param vhosts Where the exchanges are.
   * @param changes How something is changed.
   */
  constructor(vhosts: VirtualHosts, changes: Changes) {
    this.#vhosts = vhosts;
    this.#changes = changes;
  }

  list(where: InExchange, { offset = 0, limit = 100 }: PageOptions): DelayedMessage[] {
    for (const [name, value] of Object.entries({ offset, limit })) {
      if (Number.isSafeInteger(value) && value >= 0) continue;
      throw new RangeError(`Cannot list delayed messages: ${name} is ${value}`);
    }
    return this.#line(where)?.list(offset, limit) ?? [];
  }

  count(where: InExchange): number {
    return this.#line(where)?.length ?? 0;
  }

  cancel(where: InExchange, ids: readonly number[] | "all"): Promise<number> {
    return this.#changes.make(async () => {
      const line = this.#line(where);
      if (line === undefined) return 0;
      if (ids !== "all") return await line.cancel(ids);
      const count = line.clear();
      if (line.clearing) await new Promise<void>((resolve) => line.whenCleared(resolve));
      return count;
    });
  }

  publish(where: InExchange, ids: readonly number[] | "all"): Promise<number> {
    return this.#changes.make(() => this.#line(where)?.releaseEarly(ids) ?? 0);
  }

  #line({ vhost = "/", exchange: name }: InExchange): DelayLine | undefined {
    const { exchanges, publishing } = this.#vhosts.get(vhost);
    const exchange = exchanges.get(name);
    if (exchange === undefined) {
      throw new DefinitionError("not-found", `no exchange '${name}' in vhost '${vhost}'`);
    }
    return publishing.kept.delaysOf(exchange);
  }
}
