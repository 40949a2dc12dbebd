import type { Steps } from "../amqp/long_work.ts";
import type { QueueEntry } from "../queue/entry.ts";
import { EntryRow } from "../queue/entry_row.ts";
import type { ReturnCause } from "../queue/message_queue.ts";
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
  readonly entries: EntryRow;
  /** True while each came before the next one. */
  sorted: boolean;
}

/**
 * Gives what was delivered and never settled back to its queues, each message to the place it had. A
 * queue hands nothing out from when its first one is found until it has them all, so that none of them is
 * overtaken.
 *
 * @param cause Why they go back.
 */
export function* giveBack(
  deliveries: Iterable<UnackedDelivery>,
  cause: ReturnCause,
): Steps {
  const shares = new Map<SettlingQueue, Share>();
  try {
    yield* collect(deliveries, shares);
    for (const [queue, share] of shares) {
      yield* giveShareBack(queue, share, cause);
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
    let share = shares.get(queue);
    if (share === undefined) {
      shares.set(queue, share = { entries: new EntryRow(), sorted: true });
      queue.holdBack();
    }
    share.sorted &&= share.entries.lastPosition < entry.position;
    share.entries.push(entry);
    if (++count % CHUNK === 0) yield LOOKED_AT;
  }
}

function* giveShareBack(
  queue: SettlingQueue,
  { entries, sorted }: Share,
  cause: ReturnCause,
): Steps {
  const { length } = entries;
  const inOrder = sorted ? undefined : yield* inOrderOf(entries);
  for (let at = 0; at < length; at += CHUNK) {
    const some: QueueEntry[] = [];
    for (let next = at; next < Math.min(at + CHUNK, length); next++) {
      some.push(entries.takeAt(inOrder === undefined ? next : inOrder[next]!));
    }
    queue.requeue(some, cause);
    yield length <= CHUNK ? 1 : GIVEN_BACK;
  }
}

/** Which ones come in what order: numbers, since very many of them are no objects. */
function* inOrderOf(entries: EntryRow): Generator<number, number[]> {
  const indexes: number[] = [];
  for (let index = 0; index < entries.length; index++) {
    if (indexes.push(index) % CHUNK === 0) yield LOOKED_AT;
  }
  return yield* sortSlowly(indexes, (index) => entries.position(index));
}
