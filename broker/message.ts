import { leaveBodyBuffer } from "./amqp/body_buffers.ts";
import { ADDRESS_TO_PROPERTIES, Content, NO_BYTES, PROPERTIES_TO_BODY } from "./amqp/content.ts";
import { copyOf, copyRange, sameRange, viewOf } from "./amqp/byte_ranges.ts";
import { ByteReader, internedText } from "./amqp/byte_reader.ts";
import { contentProperties, contentTimestamp, encodeContentHead } from "./amqp/content_codec.ts";
import type { FieldTable } from "./amqp/field_table.ts";
import { hideInside } from "./amqp/hidden_inside.ts";
import { smallInteger } from "./amqp/small_integers.ts";
import { isHeavy } from "./amqp/table_weight.ts";
import type { BasicProperties } from "./amqp/properties.ts";
import { type Page, PAGE_SIZE, PAGED_MAX, type PagePool } from "./pages.ts";

/** Bodies of at least this many bytes that have a buffer of their own stay in it. */
const OWN_BUFFER_MIN = 4096;
/** Before a message in a page: the sizes of its address (16 bits), properties and body (32 each). The
 * highest bit of that of the properties: they are `framed`. */
const HEADER_SIZE = 10;
const FRAMED = 1 << 31;
/** Before one with the address and the properties of an earlier one in the page: the place of that one,
 * and the highest bit, by which it is known (32 bits); size of the body (16). */
const SAME_HEAD_SIZE = 6;
const SAME_HEAD = 1 << 31;

/**
 * A message inside the broker: what was published, shared by all queues that it was routed to, and
 * never changed.
 *
 * **When a view is copied.** A message begins as views of what was read or given (`Content`), which
 * are good for this turn only. Most messages go out again within the turn and are never copied. The
 * first holder that keeps one longer, a queue or a channel's unacked deliveries, calls
 * {@linkcode Message.hold}, which copies address, properties and body into a page. The last holder's
 * {@linkcode Message.release} gives the page's room back. This file is the only place where that is
 * decided.
 *
 * **When the object goes.** A message that waits behind thousands of others need not be an object:
 * {@linkcode Message.pack} leaves its bytes in the page and tells where, in a number, and
 * {@linkcode Message.unpack} makes an object again.
 */
export class Message extends Content {
  /** How long it may wait in a queue, in milliseconds: its property `expiration`. */
  declare expirationMs: number;
  /** True when one queue alone takes it: nobody else needs its bytes where it packs them. */
  alone = false;
  /** How many queues and channels hold it. */
  private _holders = 0;
  private _page: Page | undefined = undefined;
  /** Where its sizes stand in the page; -1 when they do not, since its head was not encoded. */
  private _pageStart = -1;
  /** Size of a buffer that it has for itself. */
  private _ownBytes = 0;
  private _moved = false;
  /** True until all of its queues have seen it: until then its page's room is not given back. */
  private _inRouting = true;

  /** Begins as nothing, or as views of a content that a link handed over. */
  constructor(content?: Content) {
    super(content);
    // not where it is declared, or V8 would make a number object for each message
    this.expirationMs = Infinity;
  }

  /** As the constructor, for a message that is published now; `done` is its end. Most are gone when
   * their publish returns, and the next one begins in the same object: mostly the content is one that somebody
   * has from `empty` and fills in each time; others are copied to one that is spare. */
  static begin(content: Content): Message {
    const isFree = content instanceof Message && !content.kept && !content._moved;
    content.kept = true;
    if (isFree) {
      content._inRouting = true;
      return content;
    }
    let message = spare;
    if (message === undefined) message = new Message(content);
    else {
      spare = undefined;
      message.assign(content);
      message.expirationMs = Infinity;
      message._inRouting = true;
    }
    if (content.pooled) message.takePooled(content);
    return message;
  }

  /** Its publish returns: nobody has it who does not hold it. */
  done(): void {
    if (this._holders > 0) return;
    if (this._moved) {
      // where it was packed, its bytes are kept and its object is nobody's
      if (this._inRouting || this._page !== undefined) return;
      this._moved = false;
      this._pageStart = -1;
    } else if (this.pooled) this._leavePooled();
    if (!this.kept) spare = this;
    else {
      // whoever filled it in may do so again
      this.kept = false;
      this.expirationMs = Infinity;
    }
  }

  /** One that is to be filled in with a publish: as its content, it is what `begin` takes and returns. */
  static empty(): Message {
    return new Message();
  }

  /** Somebody goes on looking at the body after it is released: its buffer serves no other one. */
  keepBuffer(): void {
    this.pooled = false;
  }

  /** The same message with a body that nobody writes to again, whatever becomes of this one. */
  withOwnBody(): Message {
    if (this.pooled) this.keepBuffer();
    const other = new Message(this);
    if (other.transferred) return other;
    other.body = copyOf(this.body, this.bodyStart, this.bodyEnd);
    other.bodyStart = 0;
    other.bodyEnd = other.body.length;
    other.framed = false;
    other.transferred = true;
    return other;
  }

  /** Size of the body in bytes. */
  get size(): number {
    return this.bodyEnd - this.bodyStart;
  }

  /** The headers, decoded anew at each call, doubles kept apart; undefined when the message has
   * none. */
  headers(): FieldTable | undefined {
    return contentProperties(this, true).headers;
  }

  /** Fills in how long it may wait, of a message that comes again: it was checked the first time. */
  readExpiration(): void {
    const { expiration } = contentProperties(this);
    if (expiration !== undefined) this.expirationMs = Number(expiration);
  }

  /** When its publisher says that it was made, in seconds since 1970; undefined when he does not. */
  timestamp(): number | undefined {
    const time = contentTimestamp(this);
    return time === undefined ? undefined : Math.floor(time.getTime() / 1000);
  }

  /** The properties, decoded anew at each call. */
  basicProperties(): BasicProperties {
    return contentProperties(this);
  }

  /** What others see of it: see `hideInside`. */
  toJSON(): Record<string, unknown> {
    const { exchange, keyText, head, size } = this;
    // when it is gone, and nobody had asked for the key, there is none
    const routingKey = keyText ?? (head === undefined ? "" : this.routingKey);
    return { exchange, routingKey, size };
  }

  /** One more holder keeps the message past this turn; the first one makes it move to a page. */
  hold(pages: PagePool): void {
    if (!this._moved) this._move(pages);
    this._holders++;
  }

  /** A holder has done with the message. */
  release(pages: PagePool): void {
    if (this._holders === 0) throw new Error("Cannot release message: nobody holds it");
    if (--this._holders === 0 && !this._inRouting) this._leave(pages);
  }

  /** All queues that it was routed to have seen it. */
  routed(pages: PagePool): void {
    this._inRouting = false;
    if (this._holders === 0) this._leave(pages);
  }

  /** Moves to the page that is filled now, if it and few others keep one that is full, and it is small: of large
   * ones, few would fill the next page as well. Not within a turn in which somebody has views of it. */
  leaveSparsePage(pages: PagePool): void {
    const page = this._page;
    if (page === undefined || !page.sparse || this._inRouting) return;
    if (this.size + this._headSize >= OWN_BUFFER_MIN) return;
    this._page = undefined;
    this._pageStart = -1;
    this._move(pages);
    pages.release(page);
  }

  /** Size of the address and the properties; 0 while they are not encoded. */
  private get _headSize(): number {
    if (this.head === undefined) return 0;
    return this.addressEnd - this.addressStart + this.propertiesEnd - this.propertiesStart;
  }

  /** True when pages go to disk, and `pack` will have a place for it in one of them. Encodes its head. */
  leavesWithPage(pages: PagePool): boolean {
    if (!pages.goToDisk) return false;
    if (this._moved) return this._page !== undefined && this._pageStart >= 0;
    encodeContentHead(this);
    return !this._bodyStays && HEADER_SIZE + this.addressEnd - this.addressStart +
            this.propertiesEnd - this.propertiesStart + this.size <= PAGED_MAX;
  }

  /**
   * One more holder keeps the message, in its page and without this object.
   *
   * @param mayLeave True when its page may go to disk: then it takes time to be unpacked, and may
   * fail.
   * @returns Its place, for `unpack` or `releasePacked`; 0 when it has none, since it has a buffer of
   * its own. Then it must be held instead.
   */
  pack(pages: PagePool, mayLeave = false): number {
    if (mayLeave && this.alone && !this._moved) {
      if (this.head === undefined) encodeContentHead(this);
      const page = this._pageOfSameHead(pages);
      if (page !== undefined) {
        // its views stay as they are: to tell it where its bytes are now costs as much as copying them
        const start = this._packBody(page);
        page.packed++;
        page.live += page.used - start;
        return page.id * PAGE_SIZE + start;
      }
    }
    return this._packOtherwise(pages, mayLeave);
  }

  /** The same for one that takes its head with it, that others have too, or that has moved before. */
  private _packOtherwise(pages: PagePool, mayLeave: boolean): number {
    if (
      mayLeave && this._moved && this._pageStart >= 0 && this._page?.leaves === false &&
      pages.goToDisk
    ) {
      return this.packCopy(pages);
    }
    if (!this._moved) {
      encodeContentHead(this);
      const page = mayLeave && !this.alone ? this._pageOfSameHead(pages) : undefined;
      // it waits for longer, and should take less room
      this.framed = false;
      if (page !== undefined) this._moveBody(page);
      else this._move(pages, mayLeave);
    }
    const page = this._page;
    if (page === undefined || this._pageStart < 0) return 0;
    page.messages++;
    page.packed++;
    page.live += this.bodyEnd - this._pageStart;
    return page.id * PAGE_SIZE + this._pageStart;
  }

  /**
   * As `pack`, in the page that is filled now with what waits. Somebody may have a view of it, and then its page may
   * not leave while memory is short; or few others may be in its page, which it would keep.
   */
  packCopy(pages: PagePool): number {
    // one that has a buffer of its own has no place in any page
    if (this._moved && this.head !== undefined && this._pageStart < 0) return 0;
    if (this.size > PAGED_MAX) return 0;
    const copy = new Message(this);
    const place = copy.pack(pages, true);
    copy.routed(pages);
    return place;
  }

  /**
   * Makes an object of a packed message. It is held once, in place of its being packed.
   *
   * @throws What `PagePool.bytesOf` throws; then it is still packed.
   */
  static unpack(pages: PagePool, place: number): Message {
    const page = pages.pageAt(place);
    const message = Message._at(pages.bytesOf(page), place);
    const size = message.bodyEnd - message._pageStart;
    if (page.bytes.length > 0) {
      page.packed--;
      // of some that went before, only the mean was known
      page.live = Math.max(0, page.live - size);
      message._page = page;
      message._holders = 1;
    } else {
      message._moved = false;
      message.hold(pages);
      pages.releasePacked(page, 1, size);
    }
    return message;
  }

  /**
   * Puts a packed message that is on disk into a page that is filled now.
   *
   * @returns Its new place; 0: it is where it was.
   * @throws What `PagePool.bytesOf` throws.
   */
  static repack(pages: PagePool, place: number): number {
    const page = pages.pageAt(place);
    const message = Message._at(pages.bytesOf(page), place);
    const size = message.bodyEnd - message._pageStart;
    message._moved = false;
    message._pageStart = -1;
    const moved = message.pack(pages, true);
    message._leave(pages);
    if (moved !== 0) pages.releasePacked(page, 1, size);
    return moved;
  }

  /**
   * Makes an object of a packed message that stays packed. Nobody holds the object, which is valid as
   * long as the message is packed, and no other one is read from disk.
   *
   * @throws What `PagePool.bytesOf` throws.
   */
  static look(pages: PagePool, place: number): Message {
    return Message._at(pages.bytesOf(pages.pageAt(place)), place);
  }

  private static _at(bytes: Uint8Array, place: number): Message {
    const start = smallInteger(place % PAGE_SIZE);
    const message = new Message();
    const sizes = new ByteReader(bytes, start, start + HEADER_SIZE);
    const isSame = bytes[start]! >= SAME_HEAD >>> 24;
    const headAt = isSame ? sizes.int32() & ~SAME_HEAD : start;
    const sameSize = isSame ? sizes.uint16() : 0;
    if (isSame) sizes.reset(bytes, headAt, headAt + HEADER_SIZE);
    message.head = bytes;
    message.addressStart = headAt + HEADER_SIZE;
    message.addressEnd = message.addressStart + sizes.uint16();
    const propertiesSize = sizes.int32();
    message.framed = propertiesSize < 0;
    message.propertiesStart = message.addressEnd + (message.framed ? ADDRESS_TO_PROPERTIES : 0);
    message.propertiesEnd = message.propertiesStart + (propertiesSize & ~FRAMED);
    message.body = bytes;
    if (isSame) message.bodyStart = start + SAME_HEAD_SIZE;
    else message.bodyStart = message.propertiesEnd + (message.framed ? PROPERTIES_TO_BODY : 0);
    message.bodyEnd = message.bodyStart + (isSame ? sameSize : sizes.uint32());
    const exchangeAt = message.addressStart + 1;
    message.exchange = internedText(bytes, exchangeAt, exchangeAt + bytes[exchangeAt - 1]!)!;
    message.keyText = undefined;
    message._pageStart = start;
    message._moved = true;
    message._inRouting = false;
    return message;
  }

  /** Where it begins in its page, for `unpark`; -1: nowhere. */
  get pageStart(): number {
    return this._pageStart;
  }

  /**
   * A holder keeps the message without this object: it stays in its page, in memory, and counts there as an
   * object does. Nobody who lets go of it has a view of it.
   *
   * @returns Its page, for `unpark`; undefined: it lies in none, so the object must be kept.
   */
  park(): Page | undefined {
    const page = this._page;
    if (page === undefined || this._pageStart < 0 || this._holders === 0) return undefined;
    if (this._holders === 1 && !this._inRouting) {
      this._holders = 0;
      this._leavePage();
    } else {
      this._holders--;
      page.messages++;
    }
    return page;
  }

  /** Makes an object of a parked message. It is held once, in place of its being parked. */
  static unpark(page: Page, pageStart: number): Message {
    const message = Message._at(page.bytes, pageStart);
    message._page = page;
    message._holders = 1;
    return message;
  }

  /** Makes an object of a message that stays parked: it is valid as long as that is so. */
  static lookParked(page: Page, pageStart: number): Message {
    return Message._at(page.bytes, pageStart);
  }

  /** Lets a packed message go. */
  static releasePacked(pages: PagePool, place: number): void {
    pages.releasePacked(pages.pageAt(place), 1);
  }

  /** True when the body stays in the buffer in which it came. */
  private get _bodyStays(): boolean {
    return this.transferred && (this.size >= OWN_BUFFER_MIN || this.size === 0);
  }

  private _leave(pages: PagePool): void {
    if (!this._moved) return;
    const page = this._page;
    if (this._ownBytes > 0) {
      pages.count(-this._ownBytes);
      this._ownBytes = 0;
    }
    if (this.pooled) this._leavePooled();
    if (page === undefined) return;
    this._leavePage();
    pages.release(page);
  }

  private _leavePage(): void {
    this._page = undefined;
    // Whoever should still look at it must not see the next message's bytes.
    this.head = undefined;
    this.body = NO_BYTES;
    this.bodyStart = this.bodyEnd = 0;
  }

  private _leavePooled(): void {
    const { body } = this;
    this.pooled = false;
    this.body = NO_BYTES;
    this.bodyStart = this.bodyEnd = 0;
    leaveBodyBuffer(body);
  }

  /** What comes from this process has its properties as an object; very many fields must not take more memory than
   * is counted. */
  private _encodeIfHeavy(): void {
    if (!isHeavy(this.properties!.headers!)) return;
    encodeContentHead(this);
    this.properties = undefined;
  }

  private _move(pages: PagePool, mayLeave = false): void {
    this._moved = true;
    if (this.head === undefined && this.properties?.headers !== undefined) this._encodeIfHeavy();
    const { head, body } = this;
    const addressSize = this.addressEnd - this.addressStart;
    const propertiesSize = this.propertiesEnd - this.propertiesStart;
    const { framed } = this;
    const headSize = head === undefined ? 0 : HEADER_SIZE + addressSize + propertiesSize;
    const bodyStays = this._bodyStays;
    if (bodyStays) pages.count(this._ownBytes = this.size);
    const size = framed
      ? HEADER_SIZE + this.bodyEnd + 1 - this.addressStart
      : headSize + (bodyStays ? 0 : this.size);
    if (size === 0) return;

    let bytes: Uint8Array;
    let view: DataView;
    let at = 0;
    if (size > PAGED_MAX) {
      bytes = new Uint8Array(size);
      view = new DataView(bytes.buffer);
      this._ownBytes += size;
      pages.count(size);
    } else {
      const page = mayLeave ? pages.leavingPageFor(size) : pages.pageFor(size);
      bytes = page.bytes;
      view = page.view;
      at = page.used;
      page.used += size;
      page.messages++;
      this._page = page;
      if (mayLeave) {
        page.headExchange = this.exchange;
        page.headKey = this.keyText;
      }
    }
    if (head !== undefined) {
      if (!bodyStays && this._page !== undefined) this._pageStart = at;
      view.setUint16(at, addressSize);
      view.setInt32(at + 2, framed ? propertiesSize | FRAMED : propertiesSize);
      view.setUint32(at + 6, this.size);
      at += HEADER_SIZE;
      if (framed) return this._moveFrames(bytes, view, at);
      copyRange(head, this.addressStart, this.addressEnd, bytes, view, at);
      this.head = bytes;
      this.addressStart = at;
      this.addressEnd = at += addressSize;
      copyRange(head, this.propertiesStart, this.propertiesEnd, bytes, view, at);
      this.propertiesStart = at;
      this.propertiesEnd = at += propertiesSize;
    }
    if (!bodyStays) {
      this.pooled = false;
      copyRange(body, this.bodyStart, this.bodyEnd, bytes, view, at);
      this.bodyEnd = at + this.size;
      this.bodyStart = at;
      this.body = bytes;
      // a buffer of its own, which serves no other
      if (this._page === undefined) this.transferred = true;
    }
  }

  /** The page in which others wait, if one with the same address and properties is there, and room for
   * the body: they are not copied again then. */
  private _pageOfSameHead(pages: PagePool): Page | undefined {
    const page = pages.leaving;
    const { size } = this;
    const fits = page !== undefined && page.used > 0 && size <= PAGED_MAX - HEADER_SIZE &&
      page.used + SAME_HEAD_SIZE + size <= PAGE_SIZE && !this._bodyStays;
    return fits && this._hasHeadOf(page) ? page : undefined;
  }

  /** Copies the body to such a page, and tells where it is as a message. */
  private _packBody(page: Page): number {
    const { bytes, view, used } = page;
    view.setInt32(used, page.headAt | SAME_HEAD);
    view.setUint16(used + 4, this.size);
    const at = used + SAME_HEAD_SIZE;
    page.used = copyRange(this.body, this.bodyStart, this.bodyEnd, bytes, view, at);
    page.messages++;
    return used;
  }

  /** Moves to such a page. */
  private _moveBody(page: Page): void {
    const start = this._packBody(page);
    this._moved = true;
    this._page = page;
    this._pageStart = start;
    const propertiesSize = this.propertiesEnd - this.propertiesStart;
    const addressSize = this.addressEnd - this.addressStart;
    this.head = this.body = page.bytes;
    this.addressStart = page.headAt + HEADER_SIZE;
    this.propertiesStart = this.addressEnd = this.addressStart + addressSize;
    this.propertiesEnd = this.propertiesStart + propertiesSize;
    this.bodyStart = start + SAME_HEAD_SIZE;
    this.bodyEnd = page.used;
    this.pooled = false;
  }

  /** True when the address and the properties are those that were put into a page last. */
  private _hasHeadOf(page: Page): boolean {
    const { bytes, view, headAt, headKey } = page;
    const { keyText } = this;
    const propertiesSize = this.propertiesEnd - this.propertiesStart;
    if (view.getUint32(headAt + 2) !== propertiesSize) return false;
    const head = this.head!;
    const ownView = viewOf(head);
    const addressSize = this.addressEnd - this.addressStart;
    const at = headAt + HEADER_SIZE;
    // where both texts are known they mostly are the very same ones
    const isForSame = keyText !== undefined && headKey !== undefined
      ? keyText === headKey && this.exchange === page.headExchange
      : view.getUint16(headAt) === addressSize &&
        sameRange(head, ownView, this.addressStart, bytes, view, at, addressSize);
    return isForSame &&
      sameRange(head, ownView, this.propertiesStart, bytes, view, at + addressSize, propertiesSize);
  }

  private _moveFrames(bytes: Uint8Array, view: DataView, at: number): void {
    const { addressStart } = this;
    copyRange(this.head!, addressStart, this.bodyEnd + 1, bytes, view, at);
    const distance = at - addressStart;
    this.head = this.body = bytes;
    this.addressStart = at;
    this.addressEnd += distance;
    this.propertiesStart += distance;
    this.propertiesEnd += distance;
    this.bodyStart += distance;
    this.bodyEnd += distance;
  }
}

hideInside(Message);

/** An object that the next message can have. */
let spare: Message | undefined;
