import { fitsShortString } from "../amqp/field_value.ts";
import { Slices } from "../amqp/slices.ts";
import type { InQueue } from "../operator_options.ts";
import { DefinitionError } from "../policy/error.ts";
import type { BrowseOptions, QueuedMessage } from "../queue/browsing.ts";
import type { QueueEntry } from "../queue/entry.ts";
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
      if (ids !== "all") {
        return await inSteps(settling, ids, (some) => ({
          count: settling.discard(some),
          all: true,
        }));
      }
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
      const publish = (entry: QueueEntry) => vhost.publishing.move(from, entry, to);
      if (ids === "all") return await moveAll(from, publish);
      return await inSteps(from, ids, (some) => from.moveOut(some, publish));
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

/** Moves as many as wait now. What comes meanwhile stays, even when it comes of what is moved. */
async function moveAll(from: Queue, publish: (entry: QueueEntry) => boolean): Promise<number> {
  const slices = new Slices(1);
  const count = from.messageCount;
  let done = 0;
  while (done < count) {
    if (slices.over) await slices.rest();
    const moved = from.moveOut(Math.min(count - done, BATCH), publish);
    done += moved.count;
    // none: the disk does not give the next one at present, or somebody else has taken it
    if (!moved.all || moved.count === 0) break;
  }
  return done;
}

/**
 * Does something with messages, over several turns if they are many, or have to be read from disk.
 *
 * @param act Does it with some of them, and tells with how many, and whether it may go on.
 * @returns With how many it did.
 */
async function inSteps(
  queue: Queue,
  ids: readonly number[],
  act: (some: ReadonlySet<number>) => { readonly count: number; readonly all: boolean },
): Promise<number> {
  const slices = new Slices(1);
  // in the order of their places, so that each page is read once
  const sorted = ids.toSorted((one, other) => one - other);
  let done = 0;
  for (let from = 0; from < sorted.length;) {
    if (slices.over) await slices.rest();
    const to = from + queue.atOnce;
    const { count, all } = act(new Set(sorted.slice(from, to)));
    done += count;
    if (!all) break;
    from = to;
  }
  return done;
}

/** A queue that gives each message away. A stream keeps them all until its retention drops them. */
function settlingQueue(queue: MessageQueue, doing: string): Queue {
  if (queue instanceof Queue) return queue;
  throw new DefinitionError("invalid", `cannot ${doing} messages of stream '${queue.name}'`);
}
