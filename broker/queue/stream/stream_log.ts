import type { Message } from "../../message.ts";
import type { StoreError } from "../../store/error.ts";
import type { MessageBytes } from "../../store/stored_message.ts";

/** A message that was read, valid until the next one is. */
export type ReadMessage = MessageBytes & { readonly transferred: boolean };

/** How much to read at once; whichever is reached first. */
export interface ReadLimit {
  /** Messages. */
  readonly count: number;
  /** Bytes of bodies. */
  readonly bytes: number;
}

/** What came of reading. */
export interface ReadResult {
  /** Where to go on. */
  position: number;
  /** How many messages were read. */
  count: number;
  /** The sizes of their bodies together. */
  bytes: number;
  /** True when the disk did not give what is at `position`. */
  failed: boolean;
}

/** Where the messages of a stream are kept. */
export interface StreamLog {
  /** Takes a message in and tells the room that it takes. */
  append(message: Message, position: number): number;
  /**
   * Reads messages one after another.
   *
   * @param from The first position.
   * @param end The position to stop before.
   * @param visit Called for each; false: this one was not taken and no more are wanted.
   */
  read(
    from: number,
    end: number,
    limit: ReadLimit,
    visit: (position: number, message: ReadMessage) => boolean,
  ): ReadResult;
  /** Forgets the messages from one position to another, both included. */
  drop(first: number, last: number): void;
  /** The stream is gone, and everything has been dropped. */
  close(): void;
}

/** Called for a message that cannot be read any more; it is passed over. */
export type OnUnreadable = (position: number, error: StoreError) => void;
