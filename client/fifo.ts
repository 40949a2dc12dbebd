/** First in, first out: a ring that doubles when it is full and never moves what is in it. */
export class Fifo<T> {
  /** Its length is a power of two. */
  #items: (T | undefined)[] = new Array(16).fill(undefined);
  #head = 0;
  /** How many items are in it. */
  length = 0;

  /** Adds an item at the end. */
  push(item: T): void {
    if (this.length === this.#items.length) this.#grow();
    this.#items[(this.#head + this.length++) & (this.#items.length - 1)] = item;
  }

  /** Takes the first item away; undefined when there is none. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.length--;
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
    return this.#items[(this.#head + index) & (this.#items.length - 1)];
  }

  #grow(): void {
    const size = this.#items.length;
    const items: (T | undefined)[] = new Array(size * 2).fill(undefined);
    for (let index = 0; index < size; index++) items[index] = this.at(index);
    this.#items = items;
    this.#head = 0;
  }
}
