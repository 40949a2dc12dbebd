/** Something that can stand in a line, one at a time. */
export class InLine {
  /** Where it stands, or stood when that line was put behind another one. */
  line: ReaderLine<InLine> | undefined = undefined;
  /** Its neighbours; itself while it stands nowhere. */
  next: InLine = this;
  previous: InLine = this;
}

/**
 * Readers one behind another. To take the first one, or any, or to put a whole line behind another one, costs the
 * same however many there are: the front of a `Set` gets slower to find the more have left it.
 */
export class ReaderLine<Reader extends InLine> {
  /** Between the last one and the first. */
  readonly #end = new InLine();
  #size = 0;

  /** How many there are, or more: who came with another line and has left still counts. */
  get size(): number {
    return this.#size;
  }

  /** True when nobody stands here. */
  get empty(): boolean {
    return this.#end.next === this.#end;
  }

  /** The one whose turn it is. */
  get first(): Reader | undefined {
    return this.#reader(this.#end.next);
  }

  /** The one behind one of them. */
  after(reader: Reader): Reader | undefined {
    return this.#reader(reader.next);
  }

  #reader(place: InLine): Reader | undefined {
    return place === this.#end ? undefined : place as Reader;
  }

  /** Puts one at the end, who stands nowhere. */
  add(reader: Reader): void {
    const end = this.#end;
    reader.line = this as unknown as ReaderLine<InLine>;
    reader.previous = end.previous;
    reader.next = end;
    end.previous = end.previous.next = reader;
    this.#size++;
  }

  /** Puts all of another line at the end; that one is not to be used any more. */
  addAll(line: ReaderLine<Reader>): void {
    if (line.empty) return;
    const end = this.#end;
    const other = line.#end;
    end.previous.next = other.next;
    other.next.previous = end.previous;
    end.previous = other.previous;
    other.previous.next = end;
    other.next = other.previous = other;
    this.#size += line.#size;
  }

  /** Takes one out of where it stands, if it does. */
  static leave(reader: InLine): void {
    const { line } = reader;
    if (line === undefined) return;
    line.#size--;
    reader.previous.next = reader.next;
    reader.next.previous = reader.previous;
    reader.next = reader.previous = reader;
    reader.line = undefined;
  }
}
