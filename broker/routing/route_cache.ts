/** How many references a cache may hold, its own included: a few hundred kilobytes. */
const WEIGHT_MAX = 65_536;
/** What an entry weighs besides its destinations. */
const ENTRY_WEIGHT = 8;

/** After how many keys the cache is judged, while it is in use. */
const WINDOW = 16_384;
/** While it is not: only one key in so many is looked up ... */
const SAMPLING = 127;
/** ... and it is judged after so many of these. */
const SAMPLE_WINDOW = 256;

/**
 * Routing keys and the queues that they lead to, as long as nothing changes.
 *
 * A hit is much quicker than routing. But a key that comes only once, such as one with an id in it,
 * costs more to look up in vain and to remember than to route, since the engine has to hash and
 * register each new string. So the cache keeps count, and when fewer than half of the keys are hits it
 * goes out of use; a sample of the keys then tells when repeated ones prevail again.
 *
 * It is bounded by the number of references that it holds, and starts over when it is full.
 */
export class RouteCache<Q> {
  readonly #routes = new Map<string, readonly Q[]>();
  /** The key that was known last, and its queues. */
  #lastKey = "";
  #last: readonly Q[] | undefined = undefined;
  #weight = 0;
  #inUse = true;
  /** Keys that are not even looked up before the next sample. */
  #skips = 0;
  /** True when the last key was looked up, so that what it leads to is worth knowing. */
  #looked = true;
  #looks = 0;
  #hits = 0;

  /** How many keys it knows. */
  get size(): number {
    return this.#routes.size;
  }

  /** The queues of a key, if they are known. */
  get(routingKey: string): readonly Q[] | undefined {
    if (this.#skips > 0) {
      this.#skips--;
      this.#looked = false;
      return undefined;
    }
    if (this.#inUse && this.#last !== undefined && routingKey === this.#lastKey) {
      this.#countHit();
      return this.#last;
    }
    this.#looked = true;
    if (!this.#inUse) this.#skips = SAMPLING - 1;
    const queues = this.#routes.get(routingKey);
    if (queues !== undefined) {
      this.#hits++;
      this.#lastKey = routingKey;
      this.#last = queues;
    }
    if (++this.#looks >= (this.#inUse ? WINDOW : SAMPLE_WINDOW)) this.#judge();
    return queues;
  }

  #countHit(): void {
    this.#hits++;
    if (++this.#looks >= WINDOW) this.#judge();
  }

  #judge(): void {
    // the two bounds are apart, so that it does not change its mind too easily
    this.#inUse = this.#hits >= (this.#inUse ? 1 / 2 : 3 / 4) * this.#looks;
    this.#skips = this.#inUse ? 0 : SAMPLING - 1;
    this.#looks = 0;
    this.#hits = 0;
  }

  /** Tells the queues of the key that was just asked for in vain. */
  set(routingKey: string, queues: readonly Q[]): void {
    if (!this.#looked) return;
    const weight = ENTRY_WEIGHT + queues.length;
    if (this.#weight + weight > WEIGHT_MAX) this.clear();
    // going to so many queues takes so long that finding them does not matter
    if (weight > WEIGHT_MAX) return;
    this.#weight += weight;
    this.#routes.set(routingKey, queues);
  }

  /** Forgets one key. */
  delete(routingKey: string): void {
    const queues = this.#routes.get(routingKey);
    if (queues === undefined) return;
    if (routingKey === this.#lastKey) this.#last = undefined;
    this.#weight -= ENTRY_WEIGHT + queues.length;
    this.#routes.delete(routingKey);
  }

  /** Forgets all keys. */
  clear(): void {
    if (this.#routes.size > 0) this.#routes.clear();
    this.#last = undefined;
    this.#weight = 0;
  }
}
