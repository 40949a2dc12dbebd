/**
 * Memory for what stays past a turn: large buffers, each shared by many messages.
 *
 * A buffer of its own costs 340 to 600 ns whatever its size, so small messages are copied one after
 * another into a page. A page counts the messages in it; when the last one is gone it is filled anew.
 *
 * What waits behind thousands of others lies in pages apart, as bytes that nobody looks at. While
 * memory is short such a page goes to disk as a whole once it is full, and what is in it is read
 * from there when its turn comes.
 *
 * @module
 */

import { ReadingTurns } from "./reading_turns.ts";

/** Size of a page in bytes. */
export const PAGE_SIZE = 1024 * 1024;
/** A message that needs more gets a buffer of its own. */
export const PAGED_MAX = 64 * 1024;
/** A page on disk is nearly empty when less than this part of it is needed: what is left in four of them
 * fits into one. */
const NEARLY_EMPTY = 1 / 4;
/** With so many of those it is worth the work to move what is left in them together: 12 MiB come back. */
const NEARLY_EMPTY_MIN = 16;
/** And if they are such a part of all pages on disk, so that the work goes with what was done before. */
const NEARLY_EMPTY_PART = 1 / 4;
/** So few messages in a full page in memory are worth moving to another one, ... */
const FEW = 16;
/** ... with so many such pages, ... */
const SPARSE_MIN = 16;
/** ... and if they are such a part of all that is held. */
const SPARSE_PART = 1 / 4;
/** So many empty pages are kept for the next burst. */
const SPARE_MAX = 8;
/** So many pages that were read from disk are remembered: as many queues can be worked off side by
 * side, each page being read once. */
const READ_MAX = 4;

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

/** Where pages go for which memory has no room. */
export interface PageSpace {
  /** False while it can keep nothing more. */
  readonly takes: boolean;
  /** Keeps a copy of the first so many bytes and tells where, from 1; 0: it cannot at present. */
  write(bytes: Uint8Array, length: number): number;
  /**
   * Reads what was written there to the beginning of `bytes`.
   *
   * @throws {Error} With the code `corrupt` when it is not what was written, or another one when it
   * cannot be read at present.
   */
  read(block: number, bytes: Uint8Array): void;
  /** What lies there is not needed any more. */
  free(block: number): void;
}

/** A page: bytes, and how many messages lie in them. */
export class Page {
  /** Tells it from the other pages of its pool; from 1. */
  readonly id: number;
  /** The buffer; empty while it is on disk alone. */
  bytes: Uint8Array;
  /** A view of it. */
  view: DataView;
  /** How much of it is taken. */
  used = 0;
  /** Where in it the last message begins that does not share the head of an earlier one. */
  headAt = 0;
  /** What that one was published to, while the page is filled; undefined: nobody has made a text of its routing
   * key. */
  headExchange = "";
  headKey: string | undefined = undefined;
  /** How many messages lie in it. */
  messages = 0;
  /** How many of them are no objects, so that nobody has a view of their bytes. */
  packed = 0;
  /** How many bytes the packed ones take, one that is packed twice counted twice: which of them are the same
   * is not known. Where messages go that nobody looks at, it is about so many. */
  live = 0;
  /** True when it is on disk and so little of that is needed that the rest should move. */
  nearlyEmpty = false;
  /** True when it goes to disk once it is full: what is put into it counts as being there. */
  leaves = false;
  /** Where on disk it lies; 0: nowhere. */
  block = 0;
  /** True when it is full, and nothing is left in it but a few messages that are objects. */
  sparse = false;

  constructor(id: number, bytes: Uint8Array = new Uint8Array(PAGE_SIZE)) {
    this.id = id;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

/** Somebody who knows places of packed messages (`Message.pack`), in pages that go to disk. */
export interface PlaceKeeper {
  /**
   * Visits some of the places.
   *
   * @param from Which ones: 0 for the first ones, then what the last call returned.
   * @param visit Called with each, and with what `replace` knows it by.
   * @returns Where the next ones are; -1: there are no more.
   */
  visitPlaces(from: number, visit: (place: number, at: number) => void): number;
  /**
   * Puts a message at another place, if it is still there.
   *
   * @param move Moves it and tells where it is then; 0: it stays. What it throws is thrown.
   */
  replace(at: number, place: number, move: (place: number) => number): void;
}

/** A page that was read from disk. */
interface ReadPage {
  block: number;
  readonly bytes: Uint8Array;
}

/** The pages of one broker. */
export class PagePool {
  /** The page that is filled with what somebody has a view of. */
  private _current: Page | undefined;
  /** The page that is filled with what may go to disk. */
  private _leaving: Page | undefined;
  private readonly _spare: Page[] = [];
  /** Pages by id; ids of pages that were given up are given again. */
  private readonly _pages: (Page | undefined)[] = [undefined];
  private readonly _freeIds: number[] = [];
  private readonly _budget: number;
  private _bytes = 0;
  /** How many messages wait as objects at the heads of queues, which count them. */
  objects = 0;
  /** How many pages were read from disk. */
  reads = 0;
  private readonly _turns = new ReadingTurns();
  /** Where pages go when memory is short; undefined: they stay. */
  space: PageSpace | undefined = undefined;
  /** Those who know what is in pages that went there. */
  readonly keepers: Set<PlaceKeeper> = new Set();
  /** Called when the pages there are much larger than what is needed of them. */
  onWasteful: (() => void) | undefined = undefined;
  private _onDisk = 0;
  private readonly _nearlyEmpty = new Set<Page>();
  /** Pages in memory that few messages keep, ... */
  private readonly _sparse = new Set<Page>();
  /** ... and who is told when they are many. */
  onSparse: (() => void) | undefined = undefined;
  /** Full pages that it did not take: they are tried again. */
  private readonly _stuck: Page[] = [];
  /** What was read from there, the latest last. */
  private readonly _readPages: ReadPage[] = [];

  /** @param budget With more bytes than this held, memory is short. */
  constructor(budget = Infinity) {
    this._budget = budget;
  }

  /** How many bytes are held: pages in which messages lie, and buffers that messages brought. */
  get bytes(): number {
    return this._bytes - this._spare.length * PAGE_SIZE;
  }

  /** True when more is held than was planned for: what can go to disk should. */
  get short(): boolean {
    return this._bytes > this._budget && this.bytes > this._budget;
  }

  /** True when memory is short, and pages go to disk. */
  get goToDisk(): boolean {
    return this.short && this.space !== undefined && this.space.takes;
  }

  /** False once so many pages were read that others should get a chance to do something: who can wait
   * before the next one does so with `whenMayRead`. */
  get mayRead(): boolean {
    return this._turns.open;
  }

  /** Calls back in a later turn, when it is the caller's turn to read pages. */
  whenMayRead(callback: () => void): void {
    this._turns.wait(callback);
  }

  /** A page with room for so many bytes, at most `PAGED_MAX`, at its `used`. */
  pageFor(size: number): Page {
    const page = this._current;
    if (page !== undefined && page.used + size <= PAGE_SIZE) return page;
    this._current = this._pageAfter(page);
    if (page !== undefined && page.messages <= FEW) this._noteSparse(page);
    return this._current;
  }

  /** The same for what may go to disk while memory is short. What is put there is whole: others may
   * share its head. */
  leavingPageFor(size: number): Page {
    let page = this._leaving;
    if (page === undefined || page.used === 0 || page.used + size > PAGE_SIZE) {
      if (page !== undefined) this._filled(page);
      this._leaving = page = this._pageAfter(page);
      page.leaves = this.goToDisk;
    }
    page.headAt = page.used;
    return page;
  }

  /** Nothing more comes into a page of what may go to disk. */
  private _filled(page: Page): void {
    // texts of this process may be parts of large ones, which the page would keep for as long as it is there
    page.headExchange = "";
    page.headKey = undefined;
    if (page.leaves && page.messages > 0) this._moveOut(page);
  }

  /** The page that is filled with what may go to disk, if there is one; nothing is in it while its `used`
   * is 0. */
  get leaving(): Page | undefined {
    return this._leaving;
  }

  /** The page of an id. */
  page(id: number): Page {
    return this._pages[id]!;
  }

  /** The page that a place (`Message.pack`) is in. */
  pageAt(place: number): Page {
    return this._pages[Math.floor(place / PAGE_SIZE)]!;
  }

  /** True when what is put into the page of a place goes to disk. */
  leavesAt(place: number): boolean {
    const page = this._leaving;
    // mostly it is the one that is filled now
    const at = page === undefined ? -1 : place - page.id * PAGE_SIZE;
    return at >= 0 && at < PAGE_SIZE ? page!.leaves : this.pageAt(place).leaves;
  }

  /**
   * The bytes of a page wherever it is, for the moment: those of one that is on disk are overwritten
   * when others are read.
   *
   * @throws What `PageSpace.read` throws.
   */
  bytesOf(page: Page): Uint8Array {
    return page.bytes.length > 0 ? page.bytes : this._readBack(page.block);
  }

  /** A message of this page is gone. */
  release(page: Page): void {
    if (--page.messages === 0) this._emptied(page);
    else if (page.block !== 0) {
      this._giveUp(page);
      this._noteWaste(page);
    } else if (page.messages === FEW) this._noteSparse(page);
  }

  /**
   * So many packed messages of this page are gone.
   *
   * @param size How many bytes they took there, if that is known.
   */
  releasePacked(page: Page, count: number, size = meanSize(page) * count): void {
    page.packed -= count;
    page.messages -= count;
    page.live = Math.max(0, page.live - size);
    if (page.messages === 0) this._emptied(page);
    else if (page.block !== 0) this._noteWaste(page);
    else if (page.messages <= FEW) this._noteSparse(page);
  }

  /**
   * One who kept a packed message of a page keeps its copy in another one.
   *
   * @param size How many bytes it takes there.
   */
  repoint(from: Page, to: Page, size: number): void {
    to.messages++;
    to.packed++;
    to.live += size;
    this.releasePacked(from, 1, size);
  }

  /** Pages on disk of which little is needed. */
  get nearlyEmpty(): ReadonlySet<Page> {
    return this._nearlyEmpty;
  }

  /** True when what is left in those should move together. */
  get wasteful(): boolean {
    const { size } = this._nearlyEmpty;
    return size >= NEARLY_EMPTY_MIN && size >= this._onDisk * NEARLY_EMPTY_PART;
  }

  /** What is left in a nearly empty page cannot move at present: others come first. */
  leaveForLater(page: Page): void {
    if (this._nearlyEmpty.delete(page)) this._nearlyEmpty.add(page);
  }

  /** What is left in a nearly empty page cannot move. */
  leaveAsItIs(page: Page): void {
    this._nearlyEmpty.delete(page);
  }

  /** Looks whether a page on disk has become nearly empty. */
  private _noteWaste(page: Page): void {
    if (page.nearlyEmpty || page.live >= page.used * NEARLY_EMPTY) return;
    // the memory of one that somebody has a view of is not free yet
    if (page.packed < page.messages) return;
    page.nearlyEmpty = true;
    this._nearlyEmpty.add(page);
    if (this.wasteful) this.onWasteful?.();
  }

  /** Pages in memory that few messages keep. */
  get sparse(): ReadonlySet<Page> {
    return this._sparse;
  }

  /** True when what is left in those should move. */
  get tooSparse(): boolean {
    const { size } = this._sparse;
    return size >= SPARSE_MIN && size * PAGE_SIZE >= this.bytes * SPARSE_PART;
  }

  /** What is left in such a page does not move. */
  leaveSparse(page: Page): void {
    page.sparse = false;
    this._sparse.delete(page);
  }

  /** Looks whether few messages keep a page in memory: somebody has delivered them and they are not settled, or
   * they wait in queues that nobody works off, while very many others came and went. */
  private _noteSparse(page: Page): void {
    const isFull = page !== this._current && page !== this._leaving;
    if (!isFull || page.sparse || page.messages === 0 || page.packed > 0) return;
    page.sparse = true;
    this._sparse.add(page);
    if (this.tooSparse) this.onSparse?.();
  }

  /** Counts a buffer that a message has for itself; less than none when it is gone. */
  count(bytes: number): void {
    this._bytes += bytes;
  }

  private _emptied(page: Page): void {
    page.used = 0;
    page.live = 0;
    if (page.sparse) this.leaveSparse(page);
    if (page === this._current || page === this._leaving) return;
    page.leaves = false;
    if (page.block !== 0) {
      this.space!.free(page.block);
      for (const read of this._readPages) if (read.block === page.block) read.block = 0;
      page.block = 0;
      this._onDisk--;
      page.nearlyEmpty = false;
      this._nearlyEmpty.delete(page);
    }
    const inMemory = page.bytes.length > 0;
    if (inMemory && this._spare.length < SPARE_MAX) this._spare.push(page);
    else {
      if (inMemory) this._bytes -= PAGE_SIZE;
      this._pages[page.id] = undefined;
      this._freeIds.push(page.id);
    }
  }

  /** The one to be filled next. */
  private _pageAfter(full: Page | undefined): Page {
    if (full !== undefined && full.messages === 0) {
      full.used = 0;
      return full;
    }
    const spare = this._spare.pop();
    if (spare !== undefined) return spare;
    this._bytes += PAGE_SIZE;
    return this._addPage();
  }

  private _addPage(bytes?: Uint8Array): Page {
    const page = new Page(this._freeIds.pop() ?? this._pages.length, bytes);
    this._pages[page.id] = page;
    return page;
  }

  /** Writes a page that is full. If the disk does not take it, it stays. */
  private _moveOut(page: Page): void {
    page.block = this.space!.write(page.bytes, page.used);
    if (page.block === 0) this._stuck.push(page);
    else {
      this._onDisk++;
      this._giveUp(page);
      this._noteWaste(page);
      this._moveStuck();
    }
  }

  /** There is room again: for one more of those that found none, if anything is left in it. */
  private _moveStuck(): void {
    const page = this._stuck.pop();
    if (page === undefined) return;
    const isAsItWas = page.leaves && page.block === 0 && page.messages > 0 &&
      page !== this._leaving;
    if (isAsItWas) this._moveOut(page);
    else this._moveStuck();
  }

  /** Gives the buffer of a page that is on disk to another one, unless somebody has a view of it. */
  private _giveUp(page: Page): void {
    const { bytes } = page;
    if (page.packed < page.messages || bytes.length === 0) return;
    page.bytes = NO_BYTES;
    page.view = NO_VIEW;
    if (this._spare.length < SPARE_MAX) this._spare.push(this._addPage(bytes));
    else this._bytes -= PAGE_SIZE;
  }

  private _readBack(block: number): Uint8Array {
    const cached = this._readPages;
    const last = cached[cached.length - 1];
    if (last !== undefined && last.block === block) return last.bytes;
    const at = cached.findIndex((read) => read.block === block);
    // without it, the one goes that was not asked for the longest
    const isFull = cached.length === READ_MAX;
    const read = at >= 0 || isFull
      ? cached.splice(Math.max(at, 0), 1)[0]!
      : { block: 0, bytes: new Uint8Array(PAGE_SIZE) };
    cached.push(read);
    if (at < 0) {
      read.block = 0;
      this.reads++;
      this._turns.count();
      this.space!.read(block, read.bytes);
      read.block = block;
    }
    return read.bytes;
  }
}

/** How many bytes a packed message of a page takes, about. */
function meanSize({ live, packed }: Page): number {
  return Math.floor(live / packed);
}
