import { smallInteger } from "../amqp/small_integers.ts";

/** Messages in a chunk. */
export const CHUNK_SIZE = 1024;
/** The first chunk begins with room for so many numbers, and has twice as much whenever it is full. */
export const NUMBERS_MIN = 16;

/** Places that are not in a page. */
export const IN_STORE = 0;
export const HELD = -1;
/** One that was taken out of the middle. */
export const GONE = -2;

/** Some neighbouring messages of a `Backlog`. */
export class Chunk {
  /** Position of the first one that was added. */
  private _first = 0;
  /** That of each; undefined while every one follows the one before it, as in a queue without priorities
   * all do. */
  private _positions: Float64Array | undefined = undefined;
  /** Where each lies (`Message.pack`), or one of the constants above; what is missing at the end is in
   * the store. Undefined: all are. */
  places: Float64Array | undefined = undefined;
  /** When each that is not in the store is too old, as far as any is; undefined while none ever is. */
  deadlines: Float64Array | undefined = undefined;
  /** What else there is to say of each (`QueueEntry.toNumber`), as far as there is anything; undefined while
   * there is nothing, as of all that are new. */
  numbers: Float64Array | undefined = undefined;
  /** No position is lower, or higher, where they do not follow one another and it is full; known once it was
   * asked for. */
  private _lowest = 0;
  private _highest = -1;
  private readonly _room: number;

  /** @param room For so many places there is room as soon as there is one. */
  constructor(room: number) {
    this._room = room;
  }

  /** The position of a message. */
  position(index: number): number {
    return this._positions === undefined
      ? this._first + index
      : smallInteger(this._positions[index]!);
  }

  /** Says the position of the next message, which is at `index`, and where it lies. */
  put(index: number, position: number, place: number): void {
    const places = this.places;
    // nearly always it follows the one before, and nothing has to be made for it
    if (
      places !== undefined && index < places.length &&
      this._positions === undefined && position === this._first + index
    ) places[index] = place;
    else {
      this._add(index, position);
      if (place !== IN_STORE) this.setPlace(index, place);
    }
  }

  /** Says the position of the next message. */
  private _add(index: number, position: number): void {
    if (index === 0) this._first = position;
    if (this._positions === undefined) {
      if (position === this._first + index) return;
      const positions = this._positions = new Float64Array(CHUNK_SIZE);
      for (let before = 0; before < index; before++) positions[before] = this._first + before;
    }
    this._positions[index] = position;
  }

  /** Says where a message lies. */
  setPlace(index: number, place: number): void {
    this.places = withRoom(this.places, index, this._room);
    this.places[index] = place;
  }

  /** Says when one that is not in the store is too old. */
  setDeadline(index: number, deadline: number): void {
    this.deadlines = withRoom(this.deadlines, index);
    this.deadlines[index] = deadline;
  }

  /** Says what else there is to say of one. */
  setNumber(index: number, number: number): void {
    this.numbers = withRoom(this.numbers, index);
    this.numbers[index] = number;
  }

  /**
   * True when some of its messages may be wanted.
   *
   * @param wants Tells whether one from one position to another may be.
   * @param count How many there are.
   */
  mayHave(wants: (lowest: number, highest: number) => boolean, count: number): boolean {
    const positions = this._positions;
    if (positions === undefined) return wants(this._first, this._first + count - 1);
    if (count < CHUNK_SIZE) return true;
    if (this._highest < 0) {
      let lowest = Infinity;
      let highest = 0;
      for (const position of positions) {
        if (position < lowest) lowest = position;
        if (position > highest) highest = position;
      }
      this._lowest = smallInteger(lowest);
      this._highest = smallInteger(highest);
    }
    return wants(this._lowest, this._highest);
  }

  /** Ready for other messages. */
  clear(): void {
    this._positions = undefined;
    this._lowest = 0;
    this._highest = -1;
    this.places?.fill(IN_STORE);
    this.deadlines = this.numbers = undefined;
  }
}

/** Numbers with room for one at an index. */
function withRoom(
  numbers: Float64Array | undefined,
  index: number,
  room: number = NUMBERS_MIN,
): Float64Array {
  if (numbers !== undefined && index < numbers.length) return numbers;
  let size = numbers?.length ?? room;
  while (size <= index) size *= 2;
  const larger = new Float64Array(size);
  if (numbers !== undefined) larger.set(numbers);
  return larger;
}
