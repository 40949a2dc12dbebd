const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
/** In this bit brackets differ from braces. */
const BRACE = 0x20;
const OPENING = 0x7b;

/**
 * Counts what there is in a text that is to be JSON, as it comes: each item of a list and each field. A few
 * octets become an object each, and a long text of them would fill the memory when it is read.
 */
export class JsonValues {
  #count = 1;
  #inText = false;
  #isEscaped = false;

  /** So many there are so far, at most. */
  get count(): number {
    return this.#count;
  }

  /** Looks at the next part of the text. */
  add(part: Uint8Array): void {
    let inText = this.#inText;
    let isEscaped = this.#isEscaped;
    let count = this.#count;
    for (let at = 0; at < part.length; at++) {
      const code = part[at]!;
      if (isEscaped) isEscaped = false;
      else if (code === QUOTE) inText = !inText;
      else if (inText) isEscaped = code === BACKSLASH;
      else if (code === COMMA || (code | BRACE) === OPENING) count++;
    }
    this.#inText = inText;
    this.#isEscaped = isEscaped;
    this.#count = count;
  }
}
