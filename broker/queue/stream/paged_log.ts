import { encodeContentHead } from "../../amqp/content_codec.ts";
import { Message } from "../../message.ts";
import type { PagePool } from "../../pages.ts";
import type { ReadLimit, ReadMessage, ReadResult, StreamLog } from "./stream_log.ts";

/** Messages in a block. */
const BLOCK_SIZE = 1024;
/** A place that is not in a page: the message has a buffer of its own. */
const HELD = -1;
const DROPPED = 0;

/** A stream in memory, for a broker that has no data directory: 8 bytes a message beside the pages. */
export class PagedLog implements StreamLog {
  readonly #pages: PagePool;
  /** Where messages lie (`Message.pack`), by block. */
  readonly #blocks = new Map<number, Float64Array>();
  /** Those that have buffers of their own, by position. */
  readonly #held = new Map<number, Message>();

  constructor(pages: PagePool) {
    this.#pages = pages;
  }

  append(message: Message, position: number): number {
    encodeContentHead(message);
    let place = message.pack(this.#pages);
    if (place === 0) {
      message.hold(this.#pages);
      this.#held.set(position, message);
      place = HELD;
    }
    const number = Math.floor(position / BLOCK_SIZE);
    let block = this.#blocks.get(number);
    if (block === undefined) {
      block = new Float64Array(BLOCK_SIZE);
      this.#blocks.set(number, block);
    }
    block[position % BLOCK_SIZE] = place;
    return message.addressEnd - message.addressStart + message.propertiesEnd -
      message.propertiesStart + message.size;
  }

  read(
    from: number,
    end: number,
    limit: ReadLimit,
    visit: (position: number, message: ReadMessage) => boolean,
  ): ReadResult {
    const result = { position: from, count: 0, bytes: 0, failed: false };
    while (
      result.position < end && result.count < limit.count && result.bytes < limit.bytes
    ) {
      const message = this.#message(result.position);
      if (!visit(result.position, message)) break;
      result.position++;
      result.count++;
      result.bytes += message.size;
    }
    return result;
  }

  #message(position: number): Message {
    const place = this.#blocks.get(Math.floor(position / BLOCK_SIZE))![position % BLOCK_SIZE]!;
    return place === HELD ? this.#held.get(position)! : Message.look(this.#pages, place);
  }

  drop(first: number, last: number): void {
    for (let position = first; position <= last; position++) {
      const number = Math.floor(position / BLOCK_SIZE);
      const block = this.#blocks.get(number);
      if (block === undefined) continue;
      this.#release(position, block[position % BLOCK_SIZE]!);
      block[position % BLOCK_SIZE] = DROPPED;
      if (position % BLOCK_SIZE === BLOCK_SIZE - 1) this.#blocks.delete(number);
    }
  }

  #release(position: number, place: number): void {
    if (place === DROPPED) return;
    if (place !== HELD) return Message.releasePacked(this.#pages, place);
    this.#held.get(position)!.release(this.#pages);
    this.#held.delete(position);
  }

  close(): void {
    this.#blocks.clear();
  }
}
