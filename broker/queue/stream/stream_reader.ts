import type { QueueConsumer } from "../consumer.ts";
import type { StreamFilter } from "./filter.ts";
import { InLine } from "./reader_line.ts";

/** So many messages are read at once at most. */
const BATCH_MAX = 256;
const BATCH_START = 16;

/** A consumer of a stream, and how far it has read. */
export class StreamReader extends InLine {
  /** Who reads. */
  readonly consumer: QueueConsumer;
  /** What it wants to see; undefined: everything. */
  readonly filter: StreamFilter | undefined;
  /** The position that it reads next. */
  position: number;
  /** True once it reads no more. */
  ended = false;
  /** How many messages to read at once: about as many as it had room for lately. */
  batch: number = BATCH_START;

  constructor(consumer: QueueConsumer, position: number, filter: StreamFilter | undefined) {
    super();
    this.consumer = consumer;
    this.position = position;
    this.filter = filter;
  }

  /** Learns from a batch of which so many messages went on, and whether its consumer is full now. */
  adapt(count: number, full: boolean): void {
    if (full) this.batch = Math.max(count, 1);
    else if (count >= this.batch) this.batch = Math.min(this.batch * 2, BATCH_MAX);
  }
}
