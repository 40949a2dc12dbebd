import type { PagePool } from "../pages.ts";
import type { StoreError } from "../store/error.ts";
import type { Store } from "../store/store.ts";
import type { StoredQueue } from "../store/stored_queue.ts";

/** A queue's place in the store. */
export interface QueueDurability {
  /** The store. */
  readonly store: Store;
  /** The queue as the store knows it. */
  readonly stored: StoredQueue;
}

/** Where the messages of one queue are kept. */
export interface QueueStorage {
  /** What is in memory. */
  readonly pages: PagePool;
  /** What is on disk: persistent messages of a durable queue, and of any queue what memory has no
   * room for. Undefined while nothing is. */
  durability: QueueDurability | undefined;
  /** Called for a stored message that cannot be read any more; it is passed over. */
  readonly onUnreadable: (position: number, error: StoreError) => void;
}
