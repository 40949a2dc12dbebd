import type { BindingFields, Destination } from "./binding.ts";

/** An empty result. */
export const NO_DESTINATIONS: readonly Destination[] = Object.freeze([]);

/** Most buckets lead to one destination, and many of them to the same: those share an array. */
const alone = new WeakMap<Destination, readonly Destination[]>();

function onlyTo(destination: Destination): readonly Destination[] {
  let array = alone.get(destination);
  if (array === undefined) alone.set(destination, array = [destination]);
  return array;
}

/** From how many bindings on a set is worth its memory. */
const SET_SIZE_MIN = 9;

/**
 * Bindings that match the same messages, and where they lead.
 *
 * Most buckets hold one binding, so a few are kept in an array. Removing one of very many costs no
 * more than removing one of a few.
 */
export class Bucket {
  #bindings: BindingFields[] | Set<BindingFields> = [];
  #destinations: readonly Destination[] | undefined = undefined;

  /** True when no binding is left. */
  get empty(): boolean {
    const bindings = this.#bindings;
    return (bindings instanceof Set ? bindings.size : bindings.length) === 0;
  }

  /** Each destination once, in the order of the bindings. This array will never change: after a
   * binding has come or gone there is another one, made when somebody asks. */
  get destinations(): readonly Destination[] {
    return this.#destinations ??= this.#collect();
  }

  #collect(): readonly Destination[] {
    const destinations = new Set<Destination>();
    for (const binding of this.#bindings) destinations.add(binding.destination);
    const [first] = destinations;
    return destinations.size === 1 ? onlyTo(first!) : [...destinations];
  }

  /** Adds a binding that is not there. */
  add(binding: BindingFields): void {
    this.#destinations = undefined;
    if (this.#bindings instanceof Set) {
      this.#bindings.add(binding);
      return;
    }
    this.#bindings.push(binding);
    if (this.#bindings.length === SET_SIZE_MIN) this.#bindings = new Set(this.#bindings);
  }

  /** Removes a binding that is there. */
  remove(binding: BindingFields): void {
    this.#destinations = undefined;
    if (this.#bindings instanceof Set) this.#bindings.delete(binding);
    else this.#bindings.splice(this.#bindings.indexOf(binding), 1);
  }
}
