/** A ring has room for so many items at first: a power of two. */
const SIZE_MIN = 16;
/** One that is empty keeps room for so many at most: 64 KiB. To grow again with each window of a client, as of
 * confirms, would cost more than all else a ring does. */
const KEPT_MAX = 8192;

/** First in, first out: a ring that doubles when it is full and never moves what is in it. */
export class Fifo<T> {
  /** Its length is a power of two. */
  private _items: (T | undefined)[] = emptyRing();
  private _head = 0;
  /** How many items are in it. */
  length = 0;

  /** Adds an item at the end. */
  push(item: T): void {
    if (this.length === this._items.length) this._grow();
    this._items[(this._head + this.length++) & (this._items.length - 1)] = item;
  }

  /** Takes the first item away; undefined when there is none. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this._items[this._head];
    this._items[this._head] = undefined;
    this._head = (this._head + 1) & (this._items.length - 1);
    if (--this.length === 0 && this._items.length > KEPT_MAX) {
      this._items = emptyRing();
      this._head = 0;
    }
    return item;
  }

  /** Takes an item out, wherever it is. False when it is not there. */
  delete(item: T): boolean {
    let found = false;
    for (let left = this.length; left > 0; left--) {
      const first = this.shift()!;
      if (first === item && !found) found = true;
      else this.push(first);
    }
    return found;
  }

  /** The item at a position counted from the first one, which is 0; undefined beyond the end. */
  at(index: number): T | undefined {
    if (index < 0 || index >= this.length) return undefined;
    return this._items[(this._head + index) & (this._items.length - 1)];
  }

  private _grow(): void {
    const size = this._items.length;
    const items: (T | undefined)[] = new Array(size * 2).fill(undefined);
    for (let index = 0; index < size; index++) items[index] = this.at(index);
    this._items = items;
    this._head = 0;
  }
}

function emptyRing<T>(): (T | undefined)[] {
  return new Array(SIZE_MIN).fill(undefined);
}
