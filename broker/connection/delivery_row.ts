import { EntryRow } from "../queue/entry_row.ts";
import { TagRanges } from "./tag_ranges.ts";
import type { DeliverySource, UnackedDelivery } from "./unacked.ts";

/** Of more than so many the later ones are kept without objects. */
const OBJECTS_MAX = 256;

/** What is known of those that are no objects. */
class Rest {
  readonly tags = new TagRanges();
  readonly entries = new EntryRow();
  readonly sources: DeliverySource[] = [];
  readonly times: number[] = [];
  private readonly _known = new Map<object, DeliverySource>();

  push({ deliveryTag, entry, queue, consumer, deliveredAt }: UnackedDelivery): void {
    this.tags.add(deliveryTag);
    this.entries.push(entry);
    let source = this._known.get(consumer ?? queue);
    if (source === undefined) this._known.set(consumer ?? queue, source = { queue, consumer });
    this.sources.push(source);
    this.times.push(deliveredAt);
  }

  *takeEach(): Generator<UnackedDelivery> {
    let at = 0;
    for (const deliveryTag of this.tags) {
      const { queue, consumer } = this.sources[at]!;
      const [entry, deliveredAt] = [this.entries.shift()!, this.times[at++]!];
      yield { deliveryTag, entry, queue, consumer, deliveredAt };
    }
  }
}

/** Deliveries that were taken out of a channel's unacked ones, in the order in which they were added. There may be
 * a million: but for some they are no objects. */
export class DeliveryRow {
  /** True when each was settled by itself. */
  readonly singly: boolean;
  /** How many were added. */
  length = 0;
  private readonly _first: UnackedDelivery[] = [];
  private _rest: Rest | undefined = undefined;

  constructor({ singly }: { readonly singly: boolean }) {
    this.singly = singly;
  }

  /** Adds one, and tells how many there are. */
  push(delivery: UnackedDelivery): number {
    if (this.length < OBJECTS_MAX) this._first.push(delivery);
    else (this._rest ??= new Rest()).push(delivery);
    return ++this.length;
  }

  /** Takes one after another. Once only. */
  *[Symbol.iterator](): Generator<UnackedDelivery> {
    yield* this._first;
    if (this._rest !== undefined) yield* this._rest.takeEach();
  }
}
