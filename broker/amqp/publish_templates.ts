import { copyRange, sameWords } from "./byte_ranges.ts";
import { FRAME_END } from "./constants.ts";
import type { Content } from "./content.ts";
import type { BasicPublish } from "./methods/basic.ts";

/** A publish with more octets before its body is not kept: a power of two. */
const SIZE_MAX = 256;
/** For so many addresses there is room; a power of two. */
const COUNT = 4096;
/** How much of a hash the second of its places leaves out. */
const SECOND_SHIFT = 16;
/** So many numbers are kept of each; a power of two. */
const FACTS = 16;
const HASH = 0;
const SIZE = 1;
const BODY_SIZE = 2;
const CHANNEL = 3;
/** The largest payload of its frames. */
const PAYLOAD = 4;
const DEPTH_MAX = 5;
const ADDRESS_END = 6;
const PROPERTIES_START = 7;
const PROPERTIES_END = 8;
/** The place of the one that came after it the last time. */
const NEXT = 9;
/** After so many that came as the last time the next one is looked for where it is to be expected. */
const ORDERLY = 8;
/** When so many more were kept for nothing than ... */
const USELESS_MAX = 64;
/** ... so many for each that was found, ... */
const WORTH = 4;
/** ... one publish in so many is looked at and kept; a power of two. */
const SELDOM = 32;
const INT_MAX = 0x7fff_ffff;

/**
 * All octets of publishes but for their bodies, one for each of the addresses that come in turns: as
 * {@linkcode PublishTemplate}, for those who go from key to key. The hash of an address gives two places,
 * of which it has one: with one alone, a few of a hundred addresses would always push each other out.
 */
export class PublishTemplates {
  private _bytes = new Uint8Array(0);
  private _view = new DataView(this._bytes.buffer);
  private _facts = new Int32Array(0);
  private _methods: (BasicPublish | undefined)[] = [];
  /** Where the one is that was found last. */
  private _last = -1;
  /** True when it was found twice in a row. */
  again = false;
  private _useless = 0;
  private _met = 0;
  /** How many in a row came after the one that they came after the last time. */
  private _orderly = 0;

  /** False while what is kept is mostly kept for nothing: then neither `finds` nor `take` is worth its
   * time. Asked once for each publish. */
  get worthwhile(): boolean {
    return this._useless < USELESS_MAX || (++this._met & SELDOM - 1) === 0;
  }

  /** One was looked for that never came before. */
  lookedInVain(): void {
    if (this._useless < USELESS_MAX) this._useless++;
  }

  /**
   * As {@linkcode PublishTemplate.finds}, for the publish whose address has a hash.
   *
   * @returns The method of publishes that are like it; undefined when it is like none.
   */
  find(
    hash: number,
    bytes: Uint8Array,
    view: DataView,
    low: number,
    high: number,
    channel: number,
    payloadMax: number,
    depthMax: number,
    addressStart: number,
    content: Content,
  ): BasicPublish | undefined {
    const facts = this._facts;
    let place = hash & COUNT - 1;
    if (facts[place * FACTS + HASH] !== hash) {
      place = hash >>> SECOND_SHIFT & COUNT - 1;
      if (facts[place * FACTS + HASH] !== hash) return undefined;
    }
    const method = this._isAt(
      place,
      bytes,
      view,
      low,
      high,
      channel,
      payloadMax,
      depthMax,
      addressStart,
      content,
    );
    if (method === undefined) return undefined;
    this._useless = Math.max(0, this._useless - WORTH);
    const last = this._last;
    this.again = last === place;
    if (this.again || last < 0) this._orderly = 0;
    else if (facts[last * FACTS + NEXT] === place) this._orderly++;
    else {
      facts[last * FACTS + NEXT] = place;
      this._orderly = 0;
    }
    this._last = place;
    return method;
  }

  /** True when addresses come in the order in which they came before: who publishes for many things mostly goes
   * from one to the next, and again from the first one on. Then `next` is worth asking before all else. */
  get orderly(): boolean {
    return this._orderly >= ORDERLY;
  }

  /** As `find`, where the one is expected that came after the last one before: no hash is needed for that. */
  next(
    bytes: Uint8Array,
    view: DataView,
    low: number,
    high: number,
    channel: number,
    payloadMax: number,
    depthMax: number,
    addressStart: number,
    content: Content,
  ): BasicPublish | undefined {
    const place = this._facts[this._last * FACTS + NEXT]!;
    const method = this._isAt(
      place,
      bytes,
      view,
      low,
      high,
      channel,
      payloadMax,
      depthMax,
      addressStart,
      content,
    );
    if (method === undefined) this._orderly = 0;
    else this._last = place;
    return method;
  }

  private _isAt(
    place: number,
    bytes: Uint8Array,
    view: DataView,
    low: number,
    high: number,
    channel: number,
    payloadMax: number,
    depthMax: number,
    addressStart: number,
    content: Content,
  ): BasicPublish | undefined {
    const facts = this._facts;
    const at = place * FACTS;
    const size = facts[at + SIZE]!;
    const body = low + size;
    const end = body + facts[at + BODY_SIZE]!;
    if (
      end >= high || channel !== facts[at + CHANNEL] || payloadMax < facts[at + PAYLOAD]! ||
      depthMax < facts[at + DEPTH_MAX]! || bytes[end] !== FRAME_END ||
      !sameWords(view, low, this._view, place * SIZE_MAX, size)
    ) return undefined;
    const method = this._methods[place]!;
    content.framed = true;
    content.properties = undefined;
    content.exchange = method.exchange;
    content.keyText = method.routingKey;
    content.head = content.body = bytes;
    content.addressStart = addressStart;
    content.addressEnd = low + facts[at + ADDRESS_END]!;
    content.propertiesStart = low + facts[at + PROPERTIES_START]!;
    content.propertiesEnd = low + facts[at + PROPERTIES_END]!;
    content.bodyStart = body;
    content.bodyEnd = end;
    return method;
  }

  /**
   * Those that come after a publish may be like it.
   *
   * @param payload The largest payload of its frames.
   */
  take(
    hash: number,
    bytes: Uint8Array,
    low: number,
    channel: number,
    payload: number,
    depthMax: number,
    method: BasicPublish,
    content: Content,
  ): void {
    const size = content.bodyStart - low;
    if (size > SIZE_MAX) return;
    if (this._facts.length === 0) this._begin();
    this.lookedInVain();
    const facts = this._facts;
    let place = hash & COUNT - 1;
    if (this._methods[place] !== undefined && facts[place * FACTS + HASH] !== hash) {
      place = hash >>> SECOND_SHIFT & COUNT - 1;
    }
    const at = place * FACTS;
    copyRange(bytes, low, content.bodyStart, this._bytes, this._view, place * SIZE_MAX);
    this._methods[place] = method;
    facts[at + HASH] = hash;
    facts[at + SIZE] = size;
    facts[at + BODY_SIZE] = content.bodyEnd - content.bodyStart;
    facts[at + CHANNEL] = channel;
    facts[at + PAYLOAD] = payload;
    facts[at + DEPTH_MAX] = Math.min(depthMax, INT_MAX);
    facts[at + ADDRESS_END] = content.addressEnd - low;
    facts[at + PROPERTIES_START] = content.propertiesStart - low;
    facts[at + PROPERTIES_END] = content.propertiesEnd - low;
  }

  /** Most programs publish to one address after the other, and need none of it. */
  private _begin(): void {
    this._bytes = new Uint8Array(COUNT * SIZE_MAX);
    this._view = new DataView(this._bytes.buffer);
    this._facts = new Int32Array(COUNT * FACTS);
    this._methods = new Array<BasicPublish | undefined>(COUNT).fill(undefined);
  }
}
