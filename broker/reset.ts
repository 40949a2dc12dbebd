import { loopRound } from "./amqp/turn.ts";
import type { Users } from "./auth/users.ts";
import type { Changes } from "./operator/changes.ts";
import type { Store } from "./store/store.ts";
import { DurableReset } from "./vhost/durable_reset.ts";
import type { VirtualHost } from "./vhost/vhost.ts";
import type { VirtualHosts } from "./virtual_hosts.ts";

/** So many messages are forgotten before others get a chance to do something. */
const PAGE = 1000;

/** What is forgotten, and what comes in its place. */
export interface ResetOptions {
  /** The vhosts with all that is in them. */
  readonly vhosts: VirtualHosts;
  /** The users. */
  readonly users: Users;
  /** How both are changed. */
  readonly changes: Changes;
  /** What survives a restart; undefined when nothing does. */
  readonly store: Store | undefined;
  /** Makes what a new broker has. */
  readonly beginAnew: () => void;
}

/**
 * Forgets all that a broker has, and begins anew. Nobody must be connected. Resolves once that is on disk; a
 * crash leaves all as it was, or as it is then.
 *
 * @throws {StoreError} When the disk cannot be written.
 * @throws {TypeError} When the broker closes meanwhile. What had begun is done when it starts again.
 */
export async function resetBroker(options: ResetOptions): Promise<void> {
  const { vhosts, users, changes, store, beginAnew } = options;
  const durable = store === undefined ? undefined : new DurableReset(store);
  try {
    await changes.make(() => durable?.begin());
  } catch (error) {
    // it is not to happen later without anybody being told
    durable?.end();
    throw error;
  }
  // most of it step by step
  for (const vhost of vhosts) await empty(vhost, changes);
  for (const queue of [...store?.queues.values() ?? []]) {
    while (!store!.removeQueue(queue, PAGE)) await pause(changes);
  }
  await changes.make(() => {
    vhosts.clear();
    users.clear();
    durable?.forget();
    beginAnew();
    durable?.end();
  });
}

async function empty(vhost: VirtualHost, changes: Changes): Promise<void> {
  const nobody = {};
  for (const { name, owner } of [...vhost.queues.values()]) {
    vhost.deleteQueue(name, { ifUnused: false, ifEmpty: false }, owner ?? nobody);
    await pause(changes);
  }
  for (const { name } of [...vhost.exchanges]) {
    if (!vhost.mayBeDeleted(name)) continue;
    vhost.deleteExchange(name, { ifUnused: false });
    await pause(changes);
  }
}

async function pause(changes: Changes): Promise<void> {
  await loopRound();
  changes.check();
}
