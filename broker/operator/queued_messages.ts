import { fitsShortString } from "../amqp/field_value.ts";
import { atEndOfTurn } from "../amqp/turn.ts";
import type { InQueue } from "../operator_options.ts";
import { DefinitionError } from "../policy/error.ts";
import type { BrowseOptions, QueuedMessage } from "../queue/browsing.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import { Queue } from "../queue/queue.ts";
import type { MoveAddress } from "../vhost/publishing.ts";
import type { VirtualHost } from "../vhost/vhost.ts";
import type { VirtualHosts } from "../virtual_hosts.ts";
import type { Changes } from "./changes.ts";

/** So many are moved before others get a chance to do something. */
const BATCH = 100;

/** What operators do with the messages that wait in queues. `Broker` tells what each of it means. */
export class QueuedMessageOperations {
  readonly #vhosts: VirtualHosts;
  readonly #changes: Changes;

  /**
   * @param vhosts Where the queues are.
   * @param changes How something is changed.
   */
  constructor(vhosts: VirtualHosts, changes: Changes) {
    this.#vhosts = vhosts;
    this.#changes = changes;
  }

  list(where: InQueue, options: BrowseOptions): QueuedMessage[] {
    const { after = -1, limit = 100, bodyBytes = 65_536 } = options;
    for (const [name, value] of Object.entries({ after, limit, bodyBytes })) {
      if (Number.isSafeInteger(value) && value >= (name === "after" ? -1 : 0)) continue;
      throw new RangeError(`Cannot look at messages: ${name} is ${value}`);
    }
    return this.#find(where).queue.browse({ after, limit, bodyBytes });
  }

  delete(where: InQueue, ids: readonly number[] | "all"): Promise<number> {
    return this.#changes.make(async () => {
      const { queue } = this.#find(where);
      const settling = settlingQueue(queue, "delete");
      if (ids !== "all") return settling.discard(new Set(ids));
      const count = settling.purge();
      if (settling.purging) await new Promise<void>((resolve) => settling.whenPurged(resolve));
      return count;
    });
  }

  move(where: InQueue, ids: readonly number[] | "all", to: MoveAddress): Promise<number> {
    return this.#changes.make(async () => {
      const { vhost, queue } = this.#find(where);
      const from = settlingQueue(queue, "move");
      const { exchange, routingKey } = to;
      if (exchange !== "" && vhost.exchanges.get(exchange) === undefined) {
        throw new DefinitionError(
          "not-found",
          `no exchange '${exchange}' in vhost '${vhost.name}'`,
        );
      }
      if (routingKey !== undefined && !fitsShortString(routingKey)) {
        throw new DefinitionError("invalid", "routing key is longer than 255 bytes");
      }
      // what comes meanwhile stays, even when it comes of what is moved
      const count = ids === "all" ? from.messageCount : ids.length;
      let done = 0;
      for (let at = 0; at < count; at += BATCH) {
        if (at > 0) await new Promise<void>(atEndOfTurn);
        const end = Math.min(at + BATCH, count);
        const wanted = ids === "all" ? end - at : new Set(ids.slice(at, end));
        const moved = from.moveOut(wanted, (entry) => vhost.publishing.move(from, entry, to));
        done += moved.count;
        if (!moved.all) break;
      }
      return done;
    });
  }

  #find({ vhost: name = "/", queue }: InQueue): { vhost: VirtualHost; queue: MessageQueue } {
    const vhost = this.#vhosts.get(name);
    const found = vhost.queues.get(queue);
    if (found === undefined) {
      throw new DefinitionError("not-found", `no queue '${queue}' in vhost '${name}'`);
    }
    return { vhost, queue: found };
  }
}

/** A queue that gives each message away. A stream keeps them all until its retention drops them. */
function settlingQueue(queue: MessageQueue, doing: string): Queue {
  if (queue instanceof Queue) return queue;
  throw new DefinitionError("invalid", `cannot ${doing} messages of stream '${queue.name}'`);
}
