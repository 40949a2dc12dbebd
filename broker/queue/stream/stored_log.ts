import type { Message } from "../../message.ts";
import type { QueueDurability } from "../storage.ts";
import type { OnUnreadable, ReadLimit, ReadMessage, ReadResult, StreamLog } from "./stream_log.ts";

/**
 * A stream in the store: the log that all queues share, read without settling. The store's index is
 * all that there is of it in memory.
 */
export class StoredLog implements StreamLog {
  readonly #durability: QueueDurability;
  readonly #onUnreadable: OnUnreadable;
  /** Used again for each read. */
  readonly #positions: number[] = [];

  constructor(durability: QueueDurability, onUnreadable: OnUnreadable) {
    this.#durability = durability;
    this.#onUnreadable = onUnreadable;
  }

  append(_message: Message, position: number): number {
    return this.#durability.stored.diskSize(position);
  }

  read(
    from: number,
    end: number,
    limit: ReadLimit,
    visit: (position: number, message: ReadMessage) => boolean,
  ): ReadResult {
    const { store, stored } = this.#durability;
    const result = { position: from, count: 0, bytes: 0, failed: false };
    const next = this.#find(from, end, limit);
    let open = true;
    store.readMany(stored, this.#positions, (position, found) => {
      if (!open) return;
      if (found instanceof Error) {
        // a damaged message is lost, but what the disk refuses now it may give later
        if (found.code !== "corrupt") {
          result.failed = true;
          open = false;
        } else this.#onUnreadable(position, found);
      } else if (visit(position, found)) {
        result.count++;
        result.bytes += found.bodyEnd - found.bodyStart;
      } else open = false;
      if (open) result.position = position + 1;
      else result.position = position;
    });
    if (open) result.position = next;
    return result;
  }

  /** Finds the positions to read and tells where the next ones begin. */
  #find(from: number, end: number, limit: ReadLimit): number {
    const { stored } = this.#durability;
    const positions = this.#positions;
    positions.length = 0;
    let bytes = 0;
    let at = stored.next(from);
    while (at !== undefined && at < end) {
      if (positions.length === limit.count || bytes >= limit.bytes) return at;
      positions.push(at);
      bytes += stored.bodySize(at);
      at = stored.next(at + 1);
    }
    return end;
  }

  drop(first: number, last: number): void {
    const { store, stored } = this.#durability;
    if (store.state !== "closed") store.settleRange(stored, first, last, true);
  }

  close(): void {
    const { store, stored } = this.#durability;
    if (store.state !== "closed") store.removeQueue(stored);
  }
}
