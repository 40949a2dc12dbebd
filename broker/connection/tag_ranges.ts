/** Delivery tags in the order in which they were added: of those that follow one another, only the first one and
 * the last one. There may be a million. */
export class TagRanges {
  /** First and last one of each range. */
  private readonly _bounds: number[] = [];

  /** True when there is none. */
  get empty(): boolean {
    return this._bounds.length === 0;
  }

  /** Adds one. */
  add(deliveryTag: number): void {
    const bounds = this._bounds;
    const last = bounds.length - 1;
    if (last > 0 && bounds[last] === deliveryTag - 1) bounds[last] = deliveryTag;
    else bounds.push(deliveryTag, deliveryTag);
  }

  /** All of them. */
  *[Symbol.iterator](): Generator<number> {
    const bounds = this._bounds;
    for (let at = 0; at < bounds.length; at += 2) {
      for (let tag = bounds[at]!; tag <= bounds[at + 1]!; tag++) yield tag;
    }
  }
}
