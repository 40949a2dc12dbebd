/** Work takes no more than this part of the time. */
const SHARE = 0.02;
/** What is found out in so many milliseconds is found out each time: it is one slice. */
const SHORT_MS = 2;

/**
 * What takes the longer the more there is: it is as it is now, unless that takes so long that to find it
 * out for everybody who asks would be most of what is done. Then it is a little older.
 */
export class Seldom<T> {
  readonly #find: () => Promise<T>;
  #found: { readonly value: Promise<T>; readonly until: number } | undefined = undefined;

  /** @param find Finds it out, with pauses. */
  constructor(find: () => Promise<T>) {
    this.#find = find;
  }

  /** What it is. */
  get(): Promise<T> {
    const begin = performance.now();
    if (this.#found !== undefined && begin < this.#found.until) return this.#found.value;
    const value = this.#find();
    this.#found = { value, until: Infinity };
    const done = () => {
      const end = performance.now();
      const until = end - begin <= SHORT_MS ? 0 : end + (end - begin) / SHARE;
      this.#found = { value, until };
    };
    value.then(done, () => this.#found = undefined);
    return value;
  }
}
