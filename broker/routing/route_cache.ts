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
  private readonly _routes = new Map<string, readonly Q[]>();
  /** The key that was known last, and its queues. */
  private _lastKey = "";
  private _last: readonly Q[] | undefined = undefined;
  private _weight = 0;
  private _inUse = true;
  /** Keys that are not even looked up before the next sample. */
  private _skips = 0;
  /** True when the last key was looked up, so that what it leads to is worth knowing. */
  private _looked = true;
  private _looks = 0;
  private _hits = 0;

  /** How many keys it knows. */
  get size(): number {
    return this._routes.size;
  }

  /** The queues of a key, if they are known. */
  get(routingKey: string): readonly Q[] | undefined {
    if (this._skips > 0) {
      this._skips--;
      this._looked = false;
      return undefined;
    }
    if (this._inUse && this._last !== undefined && routingKey === this._lastKey) {
      this._countHit();
      return this._last;
    }
    this._looked = true;
    if (!this._inUse) this._skips = SAMPLING - 1;
    const queues = this._routes.get(routingKey);
    if (queues !== undefined) {
      this._hits++;
      this._lastKey = routingKey;
      this._last = queues;
    }
    if (++this._looks >= (this._inUse ? WINDOW : SAMPLE_WINDOW)) this._judge();
    return queues;
  }

  private _countHit(): void {
    this._hits++;
    if (++this._looks >= WINDOW) this._judge();
  }

  private _judge(): void {
    // the two bounds are apart, so that it does not change its mind too easily
    this._inUse = this._hits >= (this._inUse ? 1 / 2 : 3 / 4) * this._looks;
    this._skips = this._inUse ? 0 : SAMPLING - 1;
    this._looks = 0;
    this._hits = 0;
  }

  /** Tells the queues of the key that was just asked for in vain. */
  set(routingKey: string, queues: readonly Q[]): void {
    if (!this._looked) return;
    const weight = ENTRY_WEIGHT + queues.length;
    if (this._weight + weight > WEIGHT_MAX) this.clear();
    // going to so many queues takes so long that finding them does not matter
    if (weight > WEIGHT_MAX) return;
    this._weight += weight;
    this._routes.set(routingKey, queues);
  }

  /** Forgets one key. */
  delete(routingKey: string): void {
    const queues = this._routes.get(routingKey);
    if (queues === undefined) return;
    if (routingKey === this._lastKey) this._last = undefined;
    this._weight -= ENTRY_WEIGHT + queues.length;
    this._routes.delete(routingKey);
  }

  /** Forgets all keys. */
  clear(): void {
    if (this._routes.size > 0) this._routes.clear();
    this._last = undefined;
    this._weight = 0;
  }
}
