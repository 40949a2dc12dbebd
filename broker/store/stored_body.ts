/** A piece of a large body: where it lies. */
export class BodyPart {
  /** The body that it belongs to. */
  readonly body: StoredBody;
  /** Size of its record. */
  readonly size: number;
  /** The segment; 0 while it is not written. */
  segment = 0;
  /** Where its record begins, or its record's number in the batch. */
  offset = 0;

  constructor(body: StoredBody, size: number) {
    this.body = body;
    this.size = size;
  }
}

/**
 * A large body that goes to the store piece by piece, as it comes in. It is kept when a message is
 * appended with it, and forgotten when it is discarded or the store closes.
 */
export class StoredBody {
  /** Its size so far. */
  size = 0;
  /** Its pieces. For the store. */
  readonly parts: BodyPart[] = [];
  /** The message that it belongs to; 0: none yet. For the store. */
  slot = 0;
}
