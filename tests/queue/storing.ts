import { encodeContentHead } from "../../broker/amqp/content_codec.ts";
import type { Message } from "../../broker/message.ts";
import { PagePool } from "../../broker/pages.ts";
import type { QueueDurability, QueueStorage } from "../../broker/queue/storage.ts";
import type { StoreError } from "../../broker/store/error.ts";
import { SpillFiles } from "../../broker/store/spill_files.ts";
import { Placement } from "../../broker/store/placement.ts";
import { StoreHarness } from "../store/harness.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** A place for a queue's messages with a store on a simulated disk. */
export class StoringPlace implements QueueStorage {
  readonly harness = new StoreHarness();
  readonly pages: PagePool;
  readonly durability: QueueDurability;
  /** Positions that could not be read. */
  readonly unreadable: number[] = [];
  readonly #placement = new Placement();

  /**
   * @param budget Bytes that the pages may hold before memory is short.
   * @param spills True when pages go to disk then.
   */
  constructor(budget = Infinity, spills = false) {
    this.pages = new PagePool(budget);
    if (spills) {
      const { files } = this.harness;
      this.pages.space = new SpillFiles({
        files,
        clock: new ManualClock(),
        onFailure: () => {},
        onGrown: () => {},
      });
    }
    this.durability = { store: this.harness.store, stored: this.harness.queue };
  }

  readonly onUnreadable = (position: number, _error: StoreError): void => {
    this.unreadable.push(position);
  };

  /** Gives a message to the store. */
  append(message: Message, position: number): void {
    this.#placement.clear();
    this.#placement.add(this.durability.stored, position);
    encodeContentHead(message);
    this.durability.store.append(message, this.#placement);
  }
}
