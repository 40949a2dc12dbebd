import { Content, NO_BYTES } from "../broker/amqp/content.ts";
import { describe, EncodeError } from "../broker/amqp/field_value.ts";
import type { Link } from "../broker/amqp/link.ts";

/** Texts up to this many UTF-16 units are encoded into the scratch buffer. */
const SCRATCH_TEXT_MAX = 8192;
/** Up to this many they are encoded unit by unit; above, a `TextEncoder` is faster. */
const LOOP_TEXT_MAX = 48;

const encoder = new TextEncoder();

/**
 * What a connection publishes from: one content and one buffer for all its messages, because a link takes
 * what it needs before its call returns. A broker in this process may keep the content instead; then the
 * next message is put into another one.
 */
export class OutgoingContent {
  /** Takes the next message. What is not set with each one, `release` has cleared. */
  content: Content = new Content();
  private _scratch: Uint8Array<ArrayBuffer> = NO_BYTES as Uint8Array<ArrayBuffer>;

  /**
   * Sets the body.
   *
   * @param body Bytes, or a text that is encoded as UTF-8.
   * @param transfer True when the caller will not write to the bytes again.
   */
  setBody(body: Uint8Array | string, transfer: boolean): void {
    if (this.content.kept) this._leaveBusy();
    if (typeof body === "string") this._setText(body);
    else if (body instanceof Uint8Array) this._set(body, 0, body.length, transfer);
    else throw noBody(body);
  }

  /** Sets a body that lies in a larger buffer, which nobody will write to again at that place. */
  setKeptBody(bytes: Uint8Array, start: number, end: number): void {
    if (this.content.kept) this._leaveBusy();
    // the buffer is written to at other places
    this._set(bytes, start, end, false);
  }

  /** The message was sent: lets go of what belongs to the caller, or of the content itself. */
  release(link: Link): void {
    const content = this.content;
    if (content.kept) {
      this.content = link.newContent();
      return;
    }
    content.properties = undefined;
    content.head = undefined;
    // where it was there is of no use to anybody, and set with the next one
    content.body = NO_BYTES;
  }

  /** A message is still on its way, and in this process something that it meets publishes another one, such as
   * an exchange type. */
  private _leaveBusy(): void {
    this.content = new Content();
    this._scratch = NO_BYTES as Uint8Array<ArrayBuffer>;
  }

  private _set(bytes: Uint8Array, start: number, end: number, transferred: boolean): void {
    const content = this.content;
    content.body = bytes;
    content.bodyStart = start;
    content.bodyEnd = end;
    content.transferred = transferred;
  }

  private _setText(text: string): void {
    if (text.length > SCRATCH_TEXT_MAX) {
      const bytes = encoder.encode(text);
      this._set(bytes, 0, bytes.length, true);
      return;
    }
    if (this._scratch.length === 0) this._scratch = new Uint8Array(3 * SCRATCH_TEXT_MAX);
    this._set(this._scratch, 0, encodeInto(text, this._scratch), false);
  }
}

function noBody(body: unknown): EncodeError {
  return new EncodeError(
    `Cannot publish: body is ${describe(body)}, not a Uint8Array or a string; ` +
      "encode it, for example by JSON.stringify, or use connection.publisher()",
  );
}

/** Encodes a text and returns how many bytes it took. */
function encodeInto(text: string, bytes: Uint8Array<ArrayBuffer>): number {
  if (text.length > LOOP_TEXT_MAX) return encoder.encodeInto(text, bytes).written;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) return encoder.encodeInto(text, bytes).written;
    bytes[index] = unit;
  }
  return text.length;
}
