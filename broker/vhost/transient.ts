import { loopRound } from "../amqp/turn.ts";
import { Queue } from "../queue/queue.ts";
import type { VirtualHost } from "./vhost.ts";

/** So many messages are looked at before others get a chance to do something. */
const PAGE = 1000;

/**
 * Forgets what a restart of the broker would leave out: exchanges and queues that are not durable, and of
 * the others the messages that are not persistent. Nobody must be connected.
 */
export async function forgetTransient(vhost: VirtualHost): Promise<void> {
  const owner = {};
  for (const { name, durable, owner: whose } of [...vhost.queues.values()]) {
    if (durable) continue;
    vhost.deleteQueue(name, { ifUnused: false, ifEmpty: false }, whose ?? owner);
    await loopRound();
  }
  for (const { name, durable } of [...vhost.exchanges]) {
    if (!durable) vhost.deleteExchange(name, { ifUnused: false });
  }
  for (const queue of [...vhost.queues.values()]) {
    // those of the other types keep each message
    if (queue instanceof Queue && !queue.keepsAll) await forgetMessages(queue);
  }
}

async function forgetMessages(queue: Queue): Promise<void> {
  for (let after = -1;;) {
    const page = queue.browse({ after, limit: PAGE, bodyBytes: 0 });
    const last = page.at(-1);
    if (last === undefined) return;
    const lost = page.filter(({ properties }) => properties.deliveryMode !== 2);
    if (lost.length > 0) queue.discard(new Set(lost.map(({ id }) => id)));
    after = last.id;
    await loopRound();
  }
}
