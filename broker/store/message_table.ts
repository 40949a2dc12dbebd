/** Slots in a slab, as a power of two. */
const SLAB_BITS = 13;
const SLAB_SIZE = 1 << SLAB_BITS;
const SLAB_MASK = SLAB_SIZE - 1;

/** Some slots, field by field: 22 bytes a slot. */
class Slab {
  readonly segment = new Uint32Array(SLAB_SIZE);
  readonly offset = new Uint32Array(SLAB_SIZE);
  readonly size = new Uint32Array(SLAB_SIZE);
  readonly bodySize = new Uint32Array(SLAB_SIZE);
  readonly references = new Uint32Array(SLAB_SIZE);
  readonly priority = new Uint8Array(SLAB_SIZE);
  readonly flags = new Uint8Array(SLAB_SIZE);
  /** Slots in use. */
  used = 0;
}

/**
 * Where the messages of the store lie, each once however many queues have it. A message is a slot, a
 * number from 1; its fields lie in typed arrays, so that millions cost no objects.
 *
 * A slot whose `segment` is 0 is not written yet: its `offset` is then the number of its record in
 * the batch.
 */
export class MessageTable {
  readonly #slabs: (Slab | undefined)[] = [];
  /** Slots to be used again. */
  #free: Uint32Array = new Uint32Array(1024);
  #freeCount = 0;
  /** Slots below it have been used. Slot 0 is none. */
  #next = 1;
  #count = 0;

  /** How many messages there are. */
  get count(): number {
    return this.#count;
  }

  /** A slot for a message that so many queues have. */
  add(bodySize: number, priority: number, flags: number, references: number): number {
    this.#count++;
    const slot = this.#freeCount > 0 ? this.#free[--this.#freeCount]! : this.#next++;
    const slab = this.#slabs[slot >>> SLAB_BITS] ??= new Slab();
    const at = slot & SLAB_MASK;
    slab.used++;
    slab.segment[at] = 0;
    slab.offset[at] = 0;
    slab.size[at] = 0;
    slab.bodySize[at] = bodySize;
    slab.priority[at] = priority;
    slab.flags[at] = flags;
    slab.references[at] = references;
    return slot;
  }

  /** Gives a slot back. */
  remove(slot: number): void {
    const slab = this.#slab(slot);
    slab.references[slot & SLAB_MASK] = 0;
    slab.used--;
    this.#count--;
    if (this.#count === 0) {
      // A backlog has been drained: its memory goes back too, but for what the next message needs.
      if (this.#slabs.length > 1) {
        this.#slabs.length = 1;
        this.#free = new Uint32Array(1024);
      }
      this.#freeCount = 0;
      this.#next = 1;
      return;
    }
    if (this.#freeCount === this.#free.length) {
      const larger = new Uint32Array(this.#free.length * 2);
      larger.set(this.#free);
      this.#free = larger;
    }
    this.#free[this.#freeCount++] = slot;
  }

  /** Says where a message lies now. */
  place(slot: number, segment: number, offset: number, size: number): void {
    const slab = this.#slab(slot);
    const at = slot & SLAB_MASK;
    slab.segment[at] = segment;
    slab.offset[at] = offset;
    slab.size[at] = size;
  }

  /** Sequence of the segment that it lies in; 0 while it is not written. */
  segment(slot: number): number {
    return this.#slab(slot).segment[slot & SLAB_MASK]!;
  }

  /** Where its record begins in the segment, or its record's number in the batch. */
  offset(slot: number): number {
    return this.#slab(slot).offset[slot & SLAB_MASK]!;
  }

  /** Size of its record. */
  size(slot: number): number {
    return this.#slab(slot).size[slot & SLAB_MASK]!;
  }

  /** Size of its body. */
  bodySize(slot: number): number {
    return this.#slab(slot).bodySize[slot & SLAB_MASK]!;
  }

  /** Its priority. */
  priority(slot: number): number {
    return this.#slab(slot).priority[slot & SLAB_MASK]!;
  }

  /** Its flags, as in the record. */
  flags(slot: number): number {
    return this.#slab(slot).flags[slot & SLAB_MASK]!;
  }

  /** One queue less has it: how many still do. */
  release(slot: number): number {
    return --this.#slab(slot).references[slot & SLAB_MASK]!;
  }

  #slab(slot: number): Slab {
    return this.#slabs[slot >>> SLAB_BITS]!;
  }
}
