import { storeError } from "./error.ts";
import type { FileSystem, SyncCallback } from "./file_system.ts";
import type { Batch } from "./batch.ts";
import { END_SIZE } from "./records.ts";
import {
  damagedName,
  encodeSegmentHeader,
  goneName,
  Segment,
  SEGMENT_HEADER_SIZE,
  segmentName,
  spareName,
} from "./segment.ts";

/** A segment's file grows by this much at a time. */
const GROWTH = 4 * 1024 * 1024;
const ZEROS_SIZE = 1024 * 1024;
const PIECE_MIN = 256;
/** So much is kept free in the head for settlements, when the disk is full. */
const MARGIN = 512 * 1024;

/** The set of segments, oldest first. The last one is the head, the only one that is written to. */
export class Segments {
  /** The files. */
  readonly files: FileSystem;
  /** A segment is not written to beyond this size, but by a batch that is larger. */
  readonly segmentSize: number;
  /** The one that is written to. */
  head: Segment | undefined = undefined;
  /** Number of the next one. */
  nextSequence = 1;
  /** True when names have changed and the change may not be on disk. */
  directoryDirty = false;
  private _directorySyncing = false;
  /** True when the head could not grow as it should: the disk is full. */
  tight = false;
  /** False while settlements wait to be written that a segment which went may have been about, with
   * the parts that it had: then what stays of it stays, to tell that nobody needed them. */
  allSettled = true;
  /** Segments before this one are not needed for their definitions. */
  checkpointSequence = 0;
  /** Numbers of files that wait to become a segment again. */
  readonly spares: number[] = [];
  /** When true, nothing is ever synced: what is written counts as being on disk. */
  readonly neverSync: boolean;
  /** Told when the files take more room than before. */
  onGrown: (() => void) | undefined = undefined;

  private readonly _segments = new Map<number, Segment>();
  /** Taken out of the set; gone when the directory is synced. */
  private _leaving: number[] = [];
  /** The one of them whose file stays as a spare. */
  private _leavingSpare = 0;
  /** What the head that was abandoned told of the segment before it. */
  private _abandoned: [previous: number, previousEnd: number] = [0, 0];
  /** What stays of segments that went, and which segment was written to then. */
  private readonly _remains = new Map<number, number>();
  /** Names of files that were begun in vain. */
  private readonly _litter: string[] = [];
  private _zeros: Uint8Array | undefined = undefined;
  private _found: Segment | undefined = undefined;

  constructor(files: FileSystem, options: { segmentSize: number; neverSync: boolean }) {
    this.files = files;
    this.segmentSize = options.segmentSize;
    this.neverSync = options.neverSync;
  }

  /** True when something was written or renamed that may not be on disk. */
  get dirty(): boolean {
    if (this.directoryDirty || this._directorySyncing) return true;
    // Only the head is written to; recovery leaves others that were not synced.
    if (this.head?.dirty) return true;
    for (const segment of this._segments.values()) if (segment.dirty) return true;
    return false;
  }

  /** How many there are. */
  get count(): number {
    return this._segments.size;
  }

  /** Size of their files. */
  get diskBytes(): number {
    let size = this.spares.length * this.segmentSize;
    for (const segment of this._segments.values()) size += segment.allocated;
    return size;
  }

  /** All of them, oldest first. */
  values(): Iterable<Segment> {
    return this._segments.values();
  }

  /** The segment of this number; undefined when it is gone. */
  get(sequence: number): Segment | undefined {
    if (this._found?.sequence === sequence) return this._found;
    return this._found = this._segments.get(sequence);
  }

  /** True as long as the file may exist. */
  exists(sequence: number): boolean {
    return this.get(sequence) !== undefined || this._leaving.includes(sequence);
  }

  /** The numbers of all but this one. */
  *sequencesBefore(head: Segment): Iterable<number> {
    for (const sequence of this._segments.keys()) if (sequence !== head.sequence) yield sequence;
  }

  /** There is a file that stayed of a segment. For recovery. */
  addRemains(sequence: number, since: number): void {
    this._remains.set(sequence, since);
  }

  /** Adds one that exists. For recovery. */
  adopt(segment: Segment): void {
    this._segments.set(segment.sequence, segment);
    if (segment.sequence >= this.nextSequence) this.nextSequence = segment.sequence + 1;
  }

  /** True when so many bytes may be written to the head. */
  hasRoom(size: number): boolean {
    const { head } = this;
    return head !== undefined && !head.cut &&
      (head.end + size <= this.sizeMax(head) || head.fresh);
  }

  /** How large a segment may become: as long as they are, and longer where the checkpoint that it begins
   * with would be most of it. Or with very many definitions each write would have a checkpoint of its own. */
  sizeMax({ checkpointEnd }: Segment): number {
    return Math.max(this.segmentSize, 2 * checkpointEnd);
  }

  /** Begins a new head. `previousEnd`: where the old one's records end that count; 0: all do. */
  roll(previousEnd: number): Segment {
    this._clean();
    const sequence = this.nextSequence++;
    const old = this.head;
    const name = segmentName(sequence);
    if (this.tight && old !== undefined && old.allocated > old.end + END_SIZE) {
      // What the old head no longer needs is all that the new one can get.
      old.file.truncate(old.end + END_SIZE);
      old.allocated = old.end + END_SIZE;
    }
    const spare = this.spares.pop();
    let segment: Segment | undefined;
    try {
      if (spare !== undefined) this.files.rename(spareName(spare), name);
      segment = new Segment(
        sequence,
        spare === undefined ? this.files.create(name) : this.files.open(name),
      );
      this.directoryDirty = true;
      segment.allocated = segment.file.size();
      const header = new Uint8Array(SEGMENT_HEADER_SIZE + END_SIZE);
      if (old === undefined) [segment.previous, segment.previousEnd] = this._abandoned;
      else [segment.previous, segment.previousEnd] = [old.sequence, previousEnd];
      // Nothing else tells where that one ends.
      if (segment.previousEnd > 0) segment.copiedFrom.add(segment.previous);
      header.set(encodeSegmentHeader(segment));
      segment.file.write(header, 0, header.length, 0);
      segment.allocated = Math.max(segment.allocated, header.length);
    } catch (error) {
      segment?.file.close();
      this._litter.push(name);
      if (old !== undefined) old.cut = true;
      throw storeError(`create ${name}`, error);
    }
    this._segments.set(sequence, segment);
    this.head = segment;
    return segment;
  }

  /** Removes the head, of which nothing counts, before another one is begun. */
  abandonHead(): void {
    const head = this.head!;
    this.files.remove(segmentName(head.sequence));
    this.directoryDirty = true;
    head.file.close();
    this._segments.delete(head.sequence);
    if (this._found === head) this._found = undefined;
    this._abandoned = [head.previous, head.previousEnd];
    this.head = undefined;
  }

  /** Undoes a `roll` whose segment could not be used. */
  unroll(old: Segment | undefined): void {
    const head = this.head!;
    this._segments.delete(head.sequence);
    if (this._found === head) this._found = undefined;
    this.head = old;
    // What was begun may be found after a crash, and then the old head is not the last segment any
    // more, which alone may be torn: so nothing is added to it.
    if (old !== undefined) old.cut = true;
    head.file.close();
    this._litter.push(segmentName(head.sequence));
  }

  /** Writes a batch behind the head's records and tells where it begins. */
  write(batch: Batch): number {
    const head = this.head!;
    const at = head.end;
    const size = batch.diskSize;
    try {
      this._grow(head, at + size);
      // If only some of it is written, that must not be found: it may be settled before the next try.
      head.ended = false;
      head.spoiledEnd = Math.max(head.spoiledEnd, at + size);
      batch.writeTo(head.file, at);
      head.ended = true;
      head.spoiledEnd = 0;
    } catch (error) {
      throw storeError(`write to ${segmentName(head.sequence)}`, error);
    }
    head.allocated = Math.max(head.allocated, at + size);
    head.end = at + batch.writeSize;
    return at;
  }

  /**
   * Ends the head again where its records end, after a write that failed. All that may be left of it
   * goes: the next write, if it is torn, might end where something of this one begins.
   */
  endHead(): void {
    const { head } = this;
    if (head === undefined || head.ended || head.cut) return;
    try {
      const spoiled = Math.min(head.spoiledEnd, head.file.size()) - head.end;
      const zeros = new Uint8Array(Math.max(spoiled, END_SIZE));
      head.file.write(zeros, 0, zeros.length, head.end);
      head.spoiledEnd = 0;
    } catch (error) {
      throw storeError(`write to ${segmentName(head.sequence)}`, error);
    }
    head.ended = true;
    head.endDirty = true;
  }

  /** So much is kept free in the head for settlements. */
  get margin(): number {
    return Math.min(MARGIN, this.segmentSize >>> 3);
  }

  /** How much may be copied to the head: all that there is but the margin, when the disk is full. */
  get copyRoom(): number {
    const { head } = this;
    if (!this.tight || head === undefined) return Infinity;
    return head.allocated - head.end - (this.margin >>> 1);
  }

  /** Tries to give the head the room that it should have; tells whether it has it. */
  relieve(): boolean {
    const { head } = this;
    if (head === undefined) return true;
    try {
      this._grow(head, head.end + END_SIZE);
    } catch {
      return false;
    }
    return !this.tight;
  }

  /** Puts all that was written on disk. */
  sync(done: SyncCallback): void {
    const { allSettled } = this;
    const dirty: Segment[] = [];
    for (const segment of this._segments.values()) if (segment.dirty) dirty.push(segment);
    this._syncNext(dirty, 0, (error) => {
      const { head } = this;
      const isWhole = head !== undefined && head.hasCheckpoint && head.synced >= head.checkpointEnd;
      if (error === undefined && isWhole) {
        this.checkpointSequence = head.sequence;
        if (allSettled) this._clearRemains();
      }
      done(error);
    });
  }

  /**
   * After a sync that failed: puts what the head had when it was found on disk, written again, since
   * another sync of what was written before may do nothing.
   */
  syncFound(done: SyncCallback): void {
    const { head } = this;
    if (head?.foundTail === undefined) {
      done(undefined);
      return;
    }
    const { bytes, at } = head.foundTail;
    try {
      head.file.write(bytes, 0, bytes.length, at);
    } catch (error) {
      done(storeError(`write to ${segmentName(head.sequence)}`, error));
      return;
    }
    this._syncNext([head], 0, done);
  }

  /** Segments that nobody needs. */
  dead(): Segment[] {
    const dead: Segment[] = [];
    for (const segment of this._segments.values()) {
      if (
        segment.isDead && segment !== this.head && segment.sequence < this.checkpointSequence
      ) dead.push(segment);
    }
    return dead;
  }

  /** Removes a dead segment, or keeps its file for the next one. */
  drop(segment: Segment): void {
    const { sequence } = segment;
    const name = segmentName(sequence);
    const asSpare = this.spares.length === 0 && this._leavingSpare === 0 && !this.tight &&
      segment.allocated === this.segmentSize;
    const since = this.head?.sequence ?? 0;
    if (segment.keptAside || asSpare) {
      if (!this._remains.has(sequence)) {
        this.files.create(goneName(sequence)).close();
        this._remains.set(sequence, since);
      }
      this.files.rename(name, segment.keptAside ? damagedName(sequence) : spareName(sequence));
      if (!segment.keptAside) this._leavingSpare = sequence;
    } else if (this.tight) {
      // Even a full disk does this, and needs the room now. Its header alone stays: a file of this size is never a segment.
      segment.file.truncate(SEGMENT_HEADER_SIZE);
      this.files.rename(name, goneName(sequence));
    } else {
      this.files.rename(name, goneName(sequence));
      segment.file.closeCut(SEGMENT_HEADER_SIZE);
    }
    segment.file.close();
    this._remains.set(sequence, since);
    this._segments.delete(sequence);
    if (this._found === segment) this._found = undefined;
    this._leaving.push(sequence);
    this.directoryDirty = true;
  }

  /** Removes what stayed of segments that the checkpoint on disk does not name any more. */
  private _clearRemains(): void {
    for (const [sequence, since] of this._remains) {
      if (since >= this.checkpointSequence) continue;
      try {
        this.files.remove(goneName(sequence));
      } catch {
        // It does no harm: the next checkpoint is time enough.
        return;
      }
      this._remains.delete(sequence);
      this.directoryDirty = true;
    }
  }

  /** Closes all files. */
  close(): void {
    for (const segment of this._segments.values()) segment.file.close();
  }

  /** Removes what is left of segments that could not be begun, before another one hides them. */
  private _clean(): void {
    for (let name = this._litter.at(-1); name !== undefined; name = this._litter.at(-1)) {
      try {
        this.files.remove(name);
        this.directoryDirty = true;
      } catch (error) {
        // It may never have been made.
        if ((error as { code?: unknown }).code !== "ENOENT") {
          throw storeError(`remove ${name}`, error);
        }
      }
      this._litter.pop();
    }
  }

  private _syncNext(dirty: readonly Segment[], index: number, done: SyncCallback): void {
    const segment = dirty[index];
    if (segment === undefined) {
      this._syncDirectory(done);
      return;
    }
    const { end } = segment;
    const synced = (error?: Error) => {
      if (error !== undefined) {
        done(storeError(`sync ${segmentName(segment.sequence)}`, error));
        return;
      }
      segment.synced = end;
      segment.endDirty = false;
      segment.foundTail = undefined;
      this._syncNext(dirty, index + 1, done);
    };
    if (this.neverSync) synced();
    else segment.file.sync(synced);
  }

  private _syncDirectory(done: SyncCallback): void {
    if (!this.directoryDirty) {
      done(undefined);
      return;
    }
    const leaving = this._leaving;
    this._leaving = [];
    this.directoryDirty = false;
    this._directorySyncing = true;
    const synced = (error?: Error) => {
      this._directorySyncing = false;
      if (error === undefined) this._gone(leaving);
      else {
        this._leaving.push(...leaving);
        this.directoryDirty = true;
      }
      done(error && storeError(`sync ${this.files.directory}`, error));
    };
    if (this.neverSync) synced();
    else this.files.sync(synced);
  }

  /** These segments will not come back: what others know about their messages can go. */
  private _gone(sequences: readonly number[]): void {
    for (const segment of this._segments.values()) {
      for (const sequence of sequences) {
        segment.refersTo.delete(sequence);
        segment.copiedFrom.delete(sequence);
      }
    }
    // Only now: a spare whose new name is not on disk yet might come back as what it was.
    if (sequences.includes(this._leavingSpare)) {
      this.spares.push(this._leavingSpare);
      this._leavingSpare = 0;
    }
  }

  /**
   * Overwriting is quicker to sync than growing, since no size has to be written: so the file grows
   * by a large piece of zeros at a time.
   */
  private _grow(segment: Segment, end: number): void {
    const { margin } = this;
    // Once it was full, there must be more room than that, or the next write would make it full again.
    const sizeMax = this.sizeMax(segment);
    const wanted = Math.min(end + (this.tight ? 2 : 1) * margin, sizeMax);
    if (segment.allocated >= wanted) {
      this.tight = false;
      return;
    }
    this.onGrown?.();
    this._zeros ??= new Uint8Array(Math.min(ZEROS_SIZE, this.segmentSize));
    const goal = Math.min(Math.max(wanted, segment.allocated + GROWTH), sizeMax);
    let piece = this._zeros.length;
    while (segment.allocated < goal) {
      const size = Math.min(piece, goal - segment.allocated);
      try {
        segment.file.write(this._zeros, 0, size, segment.allocated);
        segment.allocated += size;
      } catch (error) {
        const failure = storeError(`grow ${segmentName(segment.sequence)}`, error);
        if (failure.code !== "full") throw failure;
        // What little room there is will do for settlements.
        piece = size >>> 1;
        if (piece >= PIECE_MIN) continue;
        if (segment.allocated < end) throw failure;
        this.tight = true;
        return;
      }
    }
    this.tight = false;
  }
}
