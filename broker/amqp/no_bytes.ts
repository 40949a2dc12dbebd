/** An empty buffer, for ranges that hold nothing. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);
