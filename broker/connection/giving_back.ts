import type { Steps } from "../amqp/long_work.ts";
import type { QueueEntry } from "../queue/entry.ts";
import { sortSlowly } from "./long_sort.ts";
import type { SettlingQueue, UnackedDelivery } from "./unacked.ts";

/** So many messages are one step. */
const CHUNK = 256;
/** What such a step costs when they are only looked at. */
const LOOKED_AT = 4;
/** And when they go back. */
const GIVEN_BACK = 32;

/** What goes back to one queue. */
interface Share {
  entries: QueueEntry[];
  /** True while each came before the next one. */
  sorted: boolean;
}

/**
 * Gives what was delivered and never settled back to its queues, each message to the place it had. A
 * queue hands nothing out from when its first one is found until it has them all, so that none of them is
 * overtaken.
 *
 * @param failed True when that counts as a failure to deal with them.
 */
export function* giveBack(deliveries: Iterable<UnackedDelivery>, failed: boolean): Steps {
  const shares = new Map<SettlingQueue, Share>();
  try {
    yield* collect(deliveries, shares);
    for (const [queue, share] of shares) {
      yield* giveShareBack(queue, share, failed);
      shares.delete(queue);
      queue.handOut();
    }
  } finally {
    // whatever went wrong, their consumers are not to wait for ever
    for (const queue of shares.keys()) queue.handOut();
  }
}

function* collect(
  deliveries: Iterable<UnackedDelivery>,
  shares: Map<SettlingQueue, Share>,
): Steps {
  let count = 0;
  for (const { queue, entry } of deliveries) {
    const share = shares.get(queue);
    if (share === undefined) {
      shares.set(queue, { entries: [entry], sorted: true });
      queue.holdBack();
    } else {
      share.sorted &&= share.entries.at(-1)!.position < entry.position;
      share.entries.push(entry);
    }
    if (++count % CHUNK === 0) yield LOOKED_AT;
  }
}

function* giveShareBack(
  queue: SettlingQueue,
  { entries, sorted }: Share,
  failed: boolean,
): Steps {
  const inOrder = sorted ? entries : yield* sortSlowly(entries, positionOf);
  if (inOrder.length <= CHUNK) {
    queue.requeue(inOrder, failed);
    yield 1;
    return;
  }
  for (let at = 0; at < inOrder.length; at += CHUNK) {
    queue.requeue(inOrder.slice(at, at + CHUNK), failed);
    yield GIVEN_BACK;
  }
}

function positionOf({ position }: QueueEntry): number {
  return position;
}
