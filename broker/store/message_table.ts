/** Slots in a slab, as a power of two. */
const SLAB_BITS = 13;
const SLAB_SIZE = 1 << SLAB_BITS;
const SLAB_MASK = SLAB_SIZE - 1;

/** Numbers of 32 bits that a slot has, and where each is. They lie side by side, since a message is
 * written with most of them and read with most of them. */
const FIELDS = 6;
const SEGMENT = 0;
const OFFSET = 1;
const SIZE = 2;
const BODY_SIZE = 3;
const REFERENCES = 4;
/** Flags, and above them the priority. */
const TRAITS = 5;

/**
 * Where the messages of the store lie, each once however many queues have it. A message is a slot, a
 * number from 1; its fields lie in typed arrays, 24 bytes a slot, so that millions cost no objects.
 *
 * A slot whose `segment` is 0 is not written yet: its `offset` is then the number of its record in
 * the batch.
 */
export class MessageTable {
  private readonly _slabs: (Uint32Array | undefined)[] = [];
  /** Slots to be used again. */
  private _free: Uint32Array = new Uint32Array(1024);
  private _freeCount = 0;
  /** Slots below it have been used. Slot 0 is none. */
  private _next = 1;
  private _count = 0;

  /** How many messages there are. */
  get count(): number {
    return this._count;
  }

  /** A slot for a message that so many queues have. */
  add(bodySize: number, priority: number, flags: number, references: number): number {
    this._count++;
    const slot = this._freeCount > 0 ? this._free[--this._freeCount]! : this._next++;
    const slab = this._slabs[slot >>> SLAB_BITS] ??= new Uint32Array(SLAB_SIZE * FIELDS);
    const at = fieldsOf(slot);
    slab[at + SEGMENT] = 0;
    slab[at + OFFSET] = 0;
    slab[at + SIZE] = 0;
    slab[at + BODY_SIZE] = bodySize;
    slab[at + REFERENCES] = references;
    slab[at + TRAITS] = flags | priority << 8;
    return slot;
  }

  /** Gives a slot back. */
  remove(slot: number): void {
    this._slab(slot)[fieldsOf(slot) + REFERENCES] = 0;
    this._count--;
    if (this._count === 0) {
      // A backlog has been drained: its memory goes back too, but for what the next message needs.
      if (this._slabs.length > 1) {
        this._slabs.length = 1;
        this._free = new Uint32Array(1024);
      }
      this._freeCount = 0;
      this._next = 1;
      return;
    }
    if (this._freeCount === this._free.length) {
      const larger = new Uint32Array(this._free.length * 2);
      larger.set(this._free);
      this._free = larger;
    }
    this._free[this._freeCount++] = slot;
  }

  /** Says where a message lies now. */
  place(slot: number, segment: number, offset: number, size: number): void {
    const slab = this._slab(slot);
    const at = fieldsOf(slot);
    slab[at + SEGMENT] = segment;
    slab[at + OFFSET] = offset;
    slab[at + SIZE] = size;
  }

  /** Sequence of the segment that it lies in; 0 while it is not written. */
  segment(slot: number): number {
    return this._slab(slot)[fieldsOf(slot) + SEGMENT]!;
  }

  /** Where its record begins in the segment, or its record's number in the batch. */
  offset(slot: number): number {
    return this._slab(slot)[fieldsOf(slot) + OFFSET]!;
  }

  /** Size of its record. */
  size(slot: number): number {
    return this._slab(slot)[fieldsOf(slot) + SIZE]!;
  }

  /** Size of its body. */
  bodySize(slot: number): number {
    return this._slab(slot)[fieldsOf(slot) + BODY_SIZE]!;
  }

  /** Its priority. */
  priority(slot: number): number {
    return this._slab(slot)[fieldsOf(slot) + TRAITS]! >>> 8;
  }

  /** Its flags, as in the record. */
  flags(slot: number): number {
    return this._slab(slot)[fieldsOf(slot) + TRAITS]! & 255;
  }

  /** One queue less has it: how many still do. */
  release(slot: number): number {
    return --this._slab(slot)[fieldsOf(slot) + REFERENCES]!;
  }

  private _slab(slot: number): Uint32Array {
    return this._slabs[slot >>> SLAB_BITS]!;
  }
}

/** Where the fields of a slot begin in its slab. */
function fieldsOf(slot: number): number {
  return (slot & SLAB_MASK) * FIELDS;
}
