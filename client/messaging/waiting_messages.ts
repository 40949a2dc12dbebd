import { BufferFullError } from "../errors.ts";
import { Fifo } from "../../broker/amqp/fifo.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import type { ResolvedPublisher } from "./publisher_options.ts";

/** The messages of a publisher that were not sent yet, in order and within bounds. */
export class WaitingMessages extends Fifo<OutgoingMessage> {
  readonly #options: ResolvedPublisher;
  #bytes = 0;
  /** How many of them nobody waits for any more. They have no place here, but in the middle of a row it
   * takes a while to find them. */
  abandonedCount = 0;

  constructor(options: ResolvedPublisher) {
    super();
    this.#options = options;
  }

  /** Throws when a body of so many bytes or more may not wait. */
  checkBounds(size: number): void {
    const { maxBuffered, maxBufferedBytes } = this.#options;
    if (this.length - this.abandonedCount >= maxBuffered) {
      throw new BufferFullError(`${maxBuffered} messages wait already`);
    }
    if (size > maxBufferedBytes) {
      throw new BufferFullError(
        `its body is larger than the ${maxBufferedBytes} bytes that may wait`,
      );
    }
    if (this.#bytes + size > maxBufferedBytes) {
      throw new BufferFullError(
        `${this.#bytes} bytes wait already, and ${maxBufferedBytes} may`,
      );
    }
  }

  /** Adds a message at the end. */
  override push(message: OutgoingMessage): void {
    message.waiting = true;
    this.#bytes += message.size;
    super.push(message);
  }

  /** Takes the first one away; undefined when there is none. */
  override shift(): OutgoingMessage | undefined {
    const message = super.shift();
    if (message === undefined) return undefined;
    message.waiting = false;
    if (message.abandoned) this.abandonedCount--;
    else this.#bytes -= message.size;
    return message;
  }

  /** The body of a message has become another one. */
  replaceBody(message: OutgoingMessage, body: Uint8Array): void {
    if (message.waiting && !message.abandoned) this.#bytes += body.length - message.size;
    message.body = body;
    message.size = body.length;
  }

  /** Nobody waits for a message any more, whether it is here or not: it need not be sent. */
  abandon(message: OutgoingMessage): void {
    if (message.abandoned) return;
    message.abandoned = true;
    if (!message.waiting) return;
    this.#bytes -= message.size;
    if (2 * ++this.abandonedCount > this.length) this.#sweep();
  }

  #sweep(): void {
    for (let left = this.length; left > 0; left--) {
      const message = this.shift()!;
      if (message.abandoned) message.resolve();
      else this.push(message);
    }
  }
}
