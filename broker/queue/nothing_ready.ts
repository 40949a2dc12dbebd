import type { ReadyList } from "./ready_list.ts";
import type { Taken } from "./waiting.ts";

const NOTHING_TAKEN: Taken = { messages: [], putBack: () => {} };

/** What waits in a queue where nothing has ever had to: one list for all such queues. Nothing is added to it. */
export const NOTHING_READY: ReadyList = {
  length: 0,
  bytes: 0,
  onDisk: { count: 0, bytes: 0 },
  objects: 0,
  long: false,
  head: undefined,
  hasReturned: false,
  push: refuse,
  pushStored: refuse,
  putBack: refuse,
  putFirst: refuse,
  putLast: refuse,
  putBackStored: refuse,
  peek: nothing,
  shift: nothing,
  shiftExpired: nothing,
  nextDeadline: () => 0,
  browse: () => [],
  heldEntries: () => [],
  take: () => NOTHING_TAKEN,
  drop: () => 0,
};

function nothing(): undefined {}

function refuse(): never {
  throw new Error("Cannot add messages to what all queues share");
}
