import { POOLED_MAX, takeBodyBuffer } from "./body_buffers.ts";
import { BASIC_CLASS, BODY_SIZE_MAX, FRAME_HEADER, TABLE_DEPTH_MAX } from "./constants.ts";
import { Content, NO_BYTES } from "./content.ts";
import { AmqpError } from "./error.ts";
import { unknownFrame } from "./frame_reader.ts";
import type { ContentMethod } from "./link.ts";
import { METHODS } from "./methods/mod.ts";
import { checkProperties } from "./properties.ts";
import { uint64At } from "./small_integers.ts";

/** A body in several frames starts with a buffer of at least this, if it is that large. */
const FIRST_BUFFER = 64 * 1024;

/**
 * Puts one channel's content together: a method, then its header, then its body frames.
 *
 * ```text
 *            begin()             header(), size > 0          body() until all came
 *   method ----------> header ---------------------> body ------------------------> method
 *                        |   header(), size = 0                                       ^
 *                        +------------------------------------------------------------+
 * ```
 *
 * A body in one frame stays where it was read. A body in several frames is collected in a buffer of
 * its own, which grows with what really came and not with what the header announced.
 * One object a channel, used again for each content.
 */
export class ContentAssembler {
  /** What the next frame of the channel must be. */
  expects: "method" | "header" | "body" = "method";
  /** The method whose content this is; undefined for `basic.deliver`. */
  method: ContentMethod | undefined = undefined;
  /** Fields of `basic.deliver`, which is no object on its way. */
  consumerTag = "";
  deliveryTag = 0;
  redelivered = false;
  /** What has come so far; whole when `expects` is back at "method". */
  readonly content: Content = new Content();
  /** The channel that this is for. */
  readonly channel: number;
  private _missing = 0;
  private _size = 0;
  /** Where a body in several frames is collected; `NO_BYTES` while there is none. */
  private _collected: Uint8Array = NO_BYTES;
  private _inReadBuffer = false;
  private readonly _depthMax: number;

  /**
   * @param channel The channel.
   * @param depthMax How deep tables may be nested in headers.
   */
  constructor(channel: number, depthMax: number = TABLE_DEPTH_MAX) {
    this.channel = channel;
    this._depthMax = depthMax;
  }

  /** How much of a body has come of which more is to come. */
  get collectedBytes(): number {
    return this.expects === "body" ? this._size - this._missing : 0;
  }

  /** A method with content came; its address (two short strings) lies in the read buffer. */
  begin(
    method: ContentMethod | undefined,
    exchange: string,
    routingKey: string,
    bytes: Uint8Array,
    addressStart: number,
    addressEnd: number,
  ): void {
    const { content } = this;
    this.method = method;
    content.exchange = exchange;
    content.routingKey = routingKey;
    content.head = bytes;
    content.addressStart = addressStart;
    content.addressEnd = addressEnd;
    content.properties = undefined;
    content.transferred = content.pooled = false;
    this._inReadBuffer = true;
    this.expects = "header";
  }

  /**
   * A content header came.
   *
   * @returns True when the content is whole, because its body is empty.
   * @throws {AmqpError} 505 when no header is due, 501 when it is malformed.
   */
  header(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    if (this.expects !== "header") throw this.unexpected("header", 0);
    if (end - start < 14) throw unknownFrame(FRAME_HEADER, bytes, start, end);
    const classId = view.getUint16(start);
    if (classId !== BASIC_CLASS) throw this.unexpected("header", classId);
    const size = uint64At(view, start + 4);
    if (size > BODY_SIZE_MAX) {
      throw new AmqpError(
        501,
        `content body size ${size} exceeds maximum allowed size ${BODY_SIZE_MAX}`,
      );
    }
    checkProperties(bytes, start + 12, end, this._depthMax);
    const { content } = this;
    if (content.head !== bytes) this._joinHead(bytes, start + 12, end);
    else {
      content.propertiesStart = start + 12;
      content.propertiesEnd = end;
    }
    this._size = this._missing = size;
    if (size > 0) {
      this.expects = "body";
      return false;
    }
    content.body = NO_BYTES;
    content.bodyStart = content.bodyEnd = 0;
    this.expects = "method";
    return true;
  }

  /**
   * A body frame came.
   *
   * @returns True when the content is whole.
   * @throws {AmqpError} 505 when no body is due, 501 when there is more of it than announced.
   */
  body(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.expects !== "body") throw this.unexpected("body", 0);
    const length = end - start;
    const missing = this._missing - length;
    if (missing < 0) {
      throw new AmqpError(501, "content body frame exceeds remaining content size");
    }
    const { content } = this;
    if (missing === 0 && length === this._size) {
      content.body = bytes;
      content.bodyStart = start;
      content.bodyEnd = end;
    } else {
      this._collect(bytes, start, end);
      if (missing > 0) {
        this._missing = missing;
        return false;
      }
      content.body = this._collected;
      content.bodyStart = 0;
      content.bodyEnd = this._size;
      content.transferred = true;
      content.pooled = this._collected.length <= POOLED_MAX;
      this._collected = NO_BYTES;
    }
    this._missing = 0;
    this.expects = "method";
    return true;
  }

  /**
   * The read buffer is about to change while the content is not whole: its address and properties
   * move to a buffer of their own.
   */
  leaveReadBuffer(): void {
    if (!this._inReadBuffer) return;
    this._inReadBuffer = false;
    const { content } = this;
    const head = content.head!;
    const addressSize = content.addressEnd - content.addressStart;
    if (this.expects === "body") {
      this._joinHead(head, content.propertiesStart, content.propertiesEnd);
    } else {
      content.head = head.slice(content.addressStart, content.addressEnd);
      content.addressStart = 0;
      content.addressEnd = addressSize;
    }
  }

  /** The error for a frame that came where another one is due (specification, section 4.2.6). */
  unexpected(came: "method" | "header" | "body", classId: number): AmqpError {
    if (this.expects === "method") {
      return new AmqpError(505, "expected method frame, got non method frame instead");
    }
    const wrong = came === "header" ? `one for class ${classId}` : "non content header frame";
    const reason = this.expects === "header"
      ? `expected content header for class ${BASIC_CLASS}, got ${wrong} instead`
      : "expected content body, got non content body frame instead";
    return new AmqpError(505, reason).during(METHODS[this.method?.name ?? "basic.deliver"]);
  }

  /** Address and properties become neighbours in a buffer of their own. */
  private _joinHead(bytes: Uint8Array, start: number, end: number): void {
    const { content } = this;
    const addressSize = content.addressEnd - content.addressStart;
    const head = new Uint8Array(addressSize + end - start);
    head.set(content.head!.subarray(content.addressStart, content.addressEnd));
    head.set(bytes.subarray(start, end), addressSize);
    content.head = head;
    content.addressStart = 0;
    content.addressEnd = content.propertiesStart = addressSize;
    content.propertiesEnd = head.length;
    this._inReadBuffer = false;
  }

  private _collect(bytes: Uint8Array, start: number, end: number): void {
    const filled = this._size - this._missing;
    const needed = filled + end - start;
    if (needed > this._collected.length) {
      // a few times what has come, so that little is copied again, unless a large one is there already
      const larger = takeBodyBuffer(this._size) ??
        new Uint8Array(Math.min(this._size, Math.max(FIRST_BUFFER, needed * 4)));
      larger.set(this._collected.subarray(0, filled));
      this._collected = larger;
    }
    this._collected.set(bytes.subarray(start, end), filled);
  }
}
