import { type Content, NO_BYTES } from "../broker/amqp/content.ts";
import { describe, EncodeError } from "../broker/amqp/field_value.ts";
import type { Link } from "../broker/amqp/link.ts";
import { encodeInto } from "../broker/amqp/small_integers.ts";

/** Texts up to this many UTF-16 units are encoded into the scratch buffer. */
const SCRATCH_TEXT_MAX = 8192;
/** Up to this many they are encoded unit by unit; above, a `TextEncoder` is faster. */
const LOOP_TEXT_MAX = 48;

const encoder = new TextEncoder();

/**
 * What a connection publishes from: one content and one buffer for all its messages, because a link takes
 * what it needs before its call returns. A broker in this process may keep the content instead; then the
 * next message gets another one. So does one that is published while another is on its way, by something
 * that it meets in this process, such as an exchange type.
 */
export class OutgoingContent {
  /** The one for the next message; undefined while that is taken, and when it was kept. It is not replaced
   * then, but made when it is needed: V8 has to note each young object that an old one is given. */
  private _free: Content | undefined = undefined;
  /** The buffer for the next text; undefined while that is taken. */
  private _scratch: Uint8Array<ArrayBuffer> | undefined = undefined;
  /** The buffer that the message which was begun last has taken, if it has. */
  private _lent: Uint8Array<ArrayBuffer> | undefined = undefined;
  private readonly _link: Link;

  /** @param link Where it is published. */
  constructor(link: Link) {
    this._link = link;
  }

  /**
   * Begins a message: a content with this body and no properties, of which the address is to be set.
   *
   * @param body Bytes, or a text that is encoded as UTF-8.
   * @param transfer True when the caller will not write to the bytes again.
   * @throws {EncodeError} When the body is neither.
   */
  take(body: Uint8Array | string, transfer: boolean): Content {
    const content = this._next();
    if (typeof body === "string") this._setText(content, body);
    else if (body instanceof Uint8Array) set(content, body, 0, body.length, transfer);
    else throw noBody(body);
    return content;
  }

  /** The same with a body in a larger buffer, which nobody will write to again at that place. */
  takeKept(bytes: Uint8Array, start: number, end: number): Content {
    const content = this._next();
    // the buffer is written to at other places
    set(content, bytes, start, end, false);
    return content;
  }

  /** The message was sent: lets go of what belongs to the caller, or of the content itself. */
  release(content: Content): void {
    if (this._lent !== undefined) this._takeBack();
    if (content.kept) return;
    content.properties = undefined;
    content.head = undefined;
    // where it was there is of no use to anybody, and set with the next one
    content.body = NO_BYTES;
    this._free = content;
  }

  private _next(): Content {
    // whoever took it may be on its way still
    this._lent = undefined;
    const content = this._free;
    if (content === undefined) return this._link.newContent();
    this._free = undefined;
    return content;
  }

  private _takeBack(): void {
    this._scratch = this._lent;
    this._lent = undefined;
  }

  private _setText(content: Content, text: string): void {
    if (text.length > SCRATCH_TEXT_MAX) {
      const bytes = encoder.encode(text);
      set(content, bytes, 0, bytes.length, true);
      return;
    }
    const scratch = this._scratch ?? new Uint8Array(3 * SCRATCH_TEXT_MAX);
    this._scratch = undefined;
    this._lent = scratch;
    set(content, scratch, 0, encodeShort(text, scratch), false);
  }
}

function set(
  content: Content,
  bytes: Uint8Array,
  start: number,
  end: number,
  transferred: boolean,
): void {
  content.body = bytes;
  content.bodyStart = start;
  content.bodyEnd = end;
  content.transferred = transferred;
}

function noBody(body: unknown): EncodeError {
  return new EncodeError(
    `Cannot publish: body is ${describe(body)}, not a Uint8Array or a string; ` +
      "encode it, for example by JSON.stringify, or use connection.publisher()",
  );
}

/** Encodes a text, which mostly is short, and returns how many bytes it took. */
function encodeShort(text: string, bytes: Uint8Array<ArrayBuffer>): number {
  if (text.length > LOOP_TEXT_MAX) return encodeInto(text, bytes);
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) return encodeInto(text, bytes);
    bytes[index] = unit;
  }
  return text.length;
}
