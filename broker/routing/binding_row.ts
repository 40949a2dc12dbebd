import type { BindingFields } from "./binding.ts";

/** A row with fewer gaps than this is left as it is. */
const GAPS_MIN = 16;

/** Bindings, oldest first. Removing one of very many costs no more than removing one of a few. */
export class BindingRow {
  #bindings: (BindingFields | undefined)[] = [];
  readonly #places = new Map<BindingFields, number>();
  /** The place of the first one. */
  #first = 0;

  /** The oldest one. */
  get first(): BindingFields | undefined {
    return this.#bindings[this.#first];
  }

  /** Adds one that is not there. */
  add(binding: BindingFields): void {
    this.#places.set(binding, this.#bindings.push(binding) - 1);
  }

  /** Removes one that is there. */
  remove(binding: BindingFields): void {
    const place = this.#places.get(binding)!;
    this.#places.delete(binding);
    this.#bindings[place] = undefined;
    const { length } = this.#bindings;
    while (this.#first < length && this.#bindings[this.#first] === undefined) this.#first++;
    if (length - this.#places.size > GAPS_MIN && this.#places.size < length >> 1) this.#close();
  }

  /** Closes the gaps. */
  #close(): void {
    this.#bindings = this.#bindings.filter((binding) => binding !== undefined);
    this.#bindings.forEach((binding, place) => this.#places.set(binding!, place));
    this.#first = 0;
  }
}
