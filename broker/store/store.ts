/**
 * The store: one append-only log that keeps definitions and messages through crashes and power loss.
 *
 * It knows bytes, and queues as numbers. What is appended, settled or marked in a turn of the event
 * loop is one write at its end, and {@linkcode Store.whenSynced} tells when it is on disk. Messages
 * are named by their queue and their position in it, never by where they lie, since the log is
 * rewritten in the background.
 *
 * ```text
 *  append, settle, ...   end of turn     off the loop         later, in small steps
 *  ------------------> batch ------> head ------------> disk ------------------------> rewritten at the head
 *                       |             |                  |
 *                  read from       read from          whenSynced
 * ```
 *
 * @module
 */

import { copyRange } from "../amqp/byte_ranges.ts";
import { type Clock, systemClock } from "../amqp/clock.ts";
import { atEndOfTurn } from "../amqp/turn.ts";
import { Changes } from "./changes.ts";
import { Compaction } from "./compaction.ts";
import type { KeptDefinitions } from "./definitions.ts";
import { StoreError } from "./error.ts";
import type { FileSystem } from "./file_system.ts";
import {
  type CommitTarget,
  GroupCommit,
  type SyncedCallback,
  type SyncMode,
} from "./group_commit.ts";
import { Health, type StateCallback, type StoreState } from "./health.ts";
import { Log } from "./log.ts";
import type { Placement } from "./placement.ts";
import { HEADER_SIZE, MESSAGE, MESSAGE_FLAG, RECORD, writePosition } from "./records.ts";
import { recover, type RecoveryReport } from "./recovery.ts";
import { Segments } from "./segments.ts";
import { StoreIndex } from "./store_index.ts";
import { BodyPart, StoredBody } from "./stored_body.ts";
import { type MessageBytes, MessageReader, type StoredMessage } from "./stored_message.ts";
import type { StoredQueue } from "./stored_queue.ts";

const SEGMENT_SIZE = 64 * 1024 * 1024;
/** A larger body is cut into parts of this size. */
const PART_SIZE = 1024 * 1024;
/** So many parts are written at once at most. */
const PARTS_AT_ONCE = 4;

/** How a store is opened. */
export interface StoreOptions {
  /** Its directory. */
  readonly files: FileSystem;
  /** When writes are put on disk; default before each confirm. */
  readonly sync?: SyncMode;
  /** Size of a segment in bytes; default 64 MiB. */
  readonly segmentSize?: number;
  /**
   * A body that is larger than this, in bytes, is cut into parts of this size, and only a few parts
   * are written in a turn; default 1 MiB.
   */
  readonly partSize?: number;
  /** Default the machine's. */
  readonly clock?: Clock;
  /** Calls back at the end of this turn; default that of the broker. */
  readonly atEndOfTurn?: (callback: () => void) => void;
  /** Called when it can do less, or more again. */
  readonly onStateChanged?: StateCallback;
  /** Called when something on disk turned out to be broken while it ran. */
  readonly onDamage?: (file: string, offset: number) => void;
  /** Called when its files take more room, some megabytes at a time. It must do nothing at once. */
  readonly onGrown?: () => void;
}

export type { StoreState };

/** What a store amounts to. */
export interface StoreStats {
  /** How many messages it has, each once however many queues have it. */
  readonly messages: number;
  /** How many segments there are. */
  readonly segments: number;
  /** Size of their files. */
  readonly diskBytes: number;
  /** Size of what waits to be written. */
  readonly waitingBytes: number;
}

/** A log of definitions, messages and what became of them. */
export class Store {
  /** What was found when it was opened. */
  readonly report: RecoveryReport;

  private readonly _segments: Segments;
  private readonly _index: StoreIndex;
  private readonly _log: Log;
  private readonly _commit: GroupCommit;
  private readonly _compaction: Compaction;
  private readonly _reader: MessageReader;
  private readonly _partSize: number;
  private readonly _changes = new Changes();
  private readonly _health: Health;
  private _closing = false;
  /** While writing fails: the segments that messages were in which may have gone for newer ones. */
  private _diedBefore: Set<number> = new Set();

  /**
   * Opens the store in a directory and reads what is there.
   *
   * @throws {StoreError} When it is of a newer format or cannot be read.
   */
  constructor(options: StoreOptions) {
    const mode = options.sync ?? "always";
    const clock = options.clock ?? systemClock;
    this._partSize = options.partSize ?? PART_SIZE;
    this._segments = new Segments(options.files, {
      segmentSize: options.segmentSize ?? SEGMENT_SIZE,
      neverSync: mode === "never",
    });
    this._segments.onGrown = options.onGrown;
    this._index = new StoreIndex(this._segments);
    this.report = recover(this._segments, this._index, {
      write: true,
      onSettled: (queue, segment, position) => this._changes.settled(queue, segment, position),
    });
    // until these are written, a segment may be named by what nobody needs
    if (this._changes.count > 0) this._segments.allSettled = false;
    this._log = new Log(this._segments, this._index, {
      collect: (batch) => this._changes.collect(batch),
      writeMax: PARTS_AT_ONCE * this._partSize,
    });
    this._health = new Health(this._segments, this._log, {
      clock,
      onChanged: options.onStateChanged,
    });
    this._reader = new MessageReader(this._segments, this._index);
    this._commit = new GroupCommit(this._commitTarget(), {
      mode,
      clock,
      atEndOfTurn: options.atEndOfTurn ?? atEndOfTurn,
    });
    this._compaction = new Compaction({
      segments: this._segments,
      index: this._index,
      log: this._log,
      commit: this._commit,
      clock,
      onDamage: options.onDamage ?? (() => {}),
    });
    if (this._changes.count > 0) this._commit.touch();
  }

  /** What it can do at present. */
  get state(): StoreState {
    return this._health.state;
  }

  /** What it amounts to. */
  get stats(): StoreStats {
    return {
      messages: this._index.table.count,
      segments: this._segments.count,
      diskBytes: this._segments.diskBytes,
      waitingBytes: this._log.batch.writeSize,
    };
  }

  /** True when something waits to be put on disk. */
  get hasUnsynced(): boolean {
    return !this._isAllWritten() || this._segments.dirty;
  }

  /** All definitions by key. */
  get definitions(): KeptDefinitions {
    return this._index.definitions;
  }

  /** All queues that it knows, by id: those that were opened and those that it found messages of. */
  get queues(): ReadonlyMap<number, StoredQueue> {
    return this._index.queues;
  }

  /** Keeps a definition, in place of an older one with this key. */
  define(key: string, value: Uint8Array): void {
    this._log.batch.define(this._index.definitions.set(key, value));
    this._commit.touch();
  }

  /** Forgets a definition. */
  undefine(key: string): void {
    if (!this._index.definitions.delete(key)) return;
    this._log.batch.undefine(key);
    this._commit.touch();
  }

  /** The queue of this id, from 1 to 2^32-1, made if it is new. An id must never be used again. */
  queue(id: number): StoredQueue {
    return this._index.queue(id);
  }

  /**
   * Appends a message for the queues that took it. Its bytes are copied, but for a large body that
   * stays (`Placement.bodyStays`).
   *
   * @returns False when the store takes no messages at present: nothing was appended.
   */
  append(message: MessageBytes, placement: Placement): boolean {
    if (this._health.state !== "open") return false;
    const { count } = placement;
    if (count === 0) return true;
    const { head } = message;
    if (head === undefined) throw new TypeError("Cannot append message: it is not encoded");
    let { body } = placement;
    const inlineSize = message.bodyEnd - message.bodyStart;
    if (body === undefined && inlineSize > this._partSize) {
      body = this.openBody();
      this._appendParts(body, message, placement.bodyStays);
    }
    const { batch } = this._log;
    const addressSize = message.addressEnd - message.addressStart;
    const propertiesSize = message.propertiesEnd - message.propertiesStart;
    const bodySize = body === undefined ? inlineSize : body.size;
    const tailSize = body === undefined ? inlineSize : body.parts.length * MESSAGE.partSize;
    const hasDeadlines = placement.hasDeadlines;
    const flags = (placement.transient ? MESSAGE_FLAG.transient : 0) |
      (hasDeadlines ? MESSAGE_FLAG.deadlines : 0) | (body === undefined ? 0 : MESSAGE_FLAG.parts) |
      (placement.lowest ? MESSAGE_FLAG.lowest : 0);
    const queueSize = hasDeadlines ? MESSAGE.queueSizeWithDeadline : MESSAGE.queueSize;
    const start = batch.begin(
      MESSAGE.queues - HEADER_SIZE + count * queueSize + addressSize + propertiesSize + tailSize,
    );
    const { bytes, view } = batch;
    const slot = this._index.table.add(bodySize, placement.priority, flags, count);
    bytes[start + MESSAGE.flags] = flags;
    bytes[start + MESSAGE.priority] = placement.priority;
    view.setUint16(start + MESSAGE.addressSize, addressSize, true);
    view.setUint32(start + MESSAGE.propertiesSize, propertiesSize, true);
    view.setUint32(start + MESSAGE.bodySize, bodySize, true);
    view.setUint32(start + MESSAGE.queueCount, count, true);
    let at = start + MESSAGE.queues;
    for (let index = 0; index < count; index++) {
      const queue = placement.queues[index]!;
      const position = placement.positions[index]!;
      const deadline = placement.deadlines[index]!;
      view.setUint32(at, queue.id, true);
      writePosition(view, at + 4, position);
      view.setUint16(at + 10, 0, true);
      if (hasDeadlines) view.setFloat64(at + 12, deadline, true);
      at += queueSize;
      queue.add(position, slot, deadline);
    }
    at = copyRange(head, message.addressStart, message.addressEnd, bytes, view, at);
    at = copyRange(head, message.propertiesStart, message.propertiesEnd, bytes, view, at);
    if (body === undefined) {
      at = copyRange(message.body, message.bodyStart, message.bodyEnd, bytes, view, at);
    } else {
      // Where its parts lie is filled in when it is known.
      at += tailSize;
      body.slot = slot;
      this._index.bodies.set(slot, body);
    }
    const number = batch.end(RECORD.message, at, slot, 0);
    this._index.table.place(slot, 0, number, at - start);
    this._commit.touch();
    return true;
  }

  /** Begins a large body that comes in pieces. */
  openBody(): StoredBody {
    return new StoredBody();
  }

  /** Appends the next piece of a large body. The bytes are copied. */
  appendBody(body: StoredBody, bytes: Uint8Array, start: number, end: number): void {
    this._appendParts(body, { body: bytes, bodyStart: start, bodyEnd: end }, false);
    this._commit.touch();
  }

  private _appendParts(
    body: StoredBody,
    from: Pick<MessageBytes, "body" | "bodyStart" | "bodyEnd">,
    stays: boolean,
  ): void {
    for (let at = from.bodyStart; at < from.bodyEnd; at += this._partSize) {
      const end = Math.min(at + this._partSize, from.bodyEnd);
      const part = new BodyPart(body, HEADER_SIZE + end - at);
      const place = stays
        ? { bytes: from.body, start: at, end }
        : { bytes: from.body.slice(at, end), start: 0, end: end - at };
      this._log.batch.addPart({ part, ...place, offset: 0 }, 0);
      body.parts.push(part);
      body.size += end - at;
    }
  }

  /** Forgets a large body that no message was appended with. */
  discardBody(body: StoredBody): void {
    if (body.slot === 0) this._index.releaseParts(body, this._log.batch);
  }

  /**
   * A queue has done with a message: it was acked, expired, dropped or moved on. A message that no
   * queue has any more is gone; if it was not written yet, it never will be.
   *
   * @param replaced True when it goes since newer ones came: not from the disk before they are on it.
   * @returns False when it is not stored.
   */
  settle(queue: StoredQueue, position: number, replaced = false): boolean {
    const slot = queue.remove(position);
    if (slot === 0) return false;
    if (replaced && this._commit.failure !== undefined) this._keepWhileNewWait(slot);
    const { table } = this._index;
    const transient = (table.flags(slot) & MESSAGE_FLAG.transient) !== 0;
    const segment = table.segment(slot);
    if (segment !== 0) {
      if (!transient) this._settled(queue, segment, position);
      this._index.release(slot);
      // nothing is written for it, so nothing else would notice that its segment can go
      if (transient && this._segments.get(segment)?.messages === 0) this._commit.lookSoon();
      return true;
    }
    const { batch } = this._log;
    const number = table.offset(slot);
    const origin = batch.origins[number]!;
    if (this._index.release(slot)) this._index.eraseQueue(number, queue.id, position);
    else batch.drop(number);
    // The copy that waits is forgotten, so what it was copied from must be.
    if (origin !== 0 && !transient) this._settled(queue, origin, position);
    return true;
  }

  /** The segments of a message that newer ones replace are kept until these are on disk. */
  private _keepWhileNewWait(slot: number): void {
    const { table, bodies } = this._index;
    const segment = table.segment(slot);
    if (segment !== 0) this._diedBefore.add(segment);
    for (const part of bodies.get(slot)?.parts ?? []) this._diedBefore.add(part.segment);
  }

  /** Settles all stored messages of a queue from one position to another, both included. */
  settleRange(queue: StoredQueue, first: number, last: number, replaced = false): number {
    let count = 0;
    for (
      let position = queue.next(first);
      position !== undefined && position <= last;
      position = queue.next(position + 1)
    ) {
      this.settle(queue, position, replaced);
      count++;
    }
    return count;
  }

  /**
   * Settles all stored messages of a queue and forgets it.
   *
   * @param max No more are settled than this.
   * @returns False when some are left: it has to be called again.
   */
  removeQueue(queue: StoredQueue, max = Infinity): boolean {
    let position = queue.next(0);
    for (let count = 0; position !== undefined; count++) {
      if (count === max) return false;
      this.settle(queue, position);
      position = queue.next(position + 1);
    }
    // What was settled is still to be written; the object lives until then.
    this._index.queues.delete(queue.id);
    return true;
  }

  /** A message came back to its queue; so often by now. */
  returned(queue: StoredQueue, position: number, deliveryCount: number): void {
    const slot = queue.slot(position);
    if (slot === 0) return;
    queue.setDeliveryCount(position, deliveryCount);
    const { table } = this._index;
    const segment = table.segment(slot);
    if (segment === 0) {
      this._index.setPendingCount(table.offset(slot), queue.id, { position, count: deliveryCount });
      return;
    }
    if ((table.flags(slot) & MESSAGE_FLAG.transient) !== 0) return;
    this._changes.returned(queue, segment, { position, count: deliveryCount });
    this._commit.touch();
  }

  /**
   * A message is being delivered: after a crash it counts as redelivered, with all before it. Written
   * with this turn, but nobody waits for it.
   */
  delivered(queue: StoredQueue, position: number): void {
    if (position <= queue.mark) return;
    const slot = queue.slot(position);
    if (slot === 0) return;
    queue.mark = position;
    this._changes.marked(queue);
    if (this._index.table.segment(slot) === 0) this._commit.touch();
    else this._commit.touchSoon();
  }

  /**
   * Calls back once when all that was appended so far is safe, or with why it is not: then it may or
   * may not survive. Never calls back within this call; callbacks come in the order asked for.
   */
  whenSynced(callback: SyncedCallback): void {
    this._commit.whenSynced(callback);
  }

  /**
   * Reads a message; undefined when it is not stored. Valid until the next call of the store. Errors
   * are those of {@linkcode Store.readMany}.
   */
  read(queue: StoredQueue, position: number): StoredMessage | StoreError | undefined {
    let found: StoredMessage | StoreError | undefined;
    this._reader.read(queue, [position], (_, message) => found = message);
    return found;
  }

  /**
   * Reads messages at these positions in one go, as for reading ahead: where they lie together, by
   * one read. What `visit` gets is valid until it returns; it must not call the store.
   *
   * @param visit Called for each that is stored, in order, or with what is wrong with it: `corrupt`
   * when its bytes are not what was written, `failed` when they could not be read, which may pass.
   */
  readMany(
    queue: StoredQueue,
    positions: readonly number[],
    visit: (position: number, message: StoredMessage | StoreError) => void,
  ): void {
    this._reader.read(queue, positions, visit);
  }

  /**
   * Rewrites damaged segments as far as they can be read, so that the next start finds nothing to
   * report. Their files stay, named `.damaged`. For `inspect.ts`.
   */
  async repair(): Promise<void> {
    const synced = () =>
      new Promise<void>((resolve, reject) =>
        this.whenSynced((error) => error === undefined ? resolve() : reject(error))
      );
    await synced();
    this._log.roll();
    await synced();
    this._compaction.repair();
    this._compaction.start();
    // One step to copy, two for the files: each writes or syncs something.
    while (this._compaction.active || this._segments.directoryDirty) await synced();
  }

  /** Writes and syncs what waits and closes the files. */
  close(): Promise<void> {
    this._closing = true;
    this._compaction.stop();
    this._health.closing();
    return new Promise((resolve) => {
      this._commit.close(() => {
        if (this.state !== "closed") {
          this._segments.close();
          this._health.closed();
        }
        resolve();
      });
    });
  }

  private _settled(queue: StoredQueue, segment: number, position: number): void {
    this._changes.settled(queue, segment, position);
    this._commit.touch();
  }

  private _commitTarget(): CommitTarget {
    const log = this._log;
    const segments = this._segments;
    const changes = this._changes;
    return {
      get waiting() {
        return log.batch.isEmpty ? changes.count : log.batch.writeSize;
      },
      get outside() {
        return log.batch.outsideSize;
      },
      get dirty() {
        return segments.dirty && !log.rolling;
      },
      write: () => {
        const written = log.write();
        this._health.notice();
        return written;
      },
      sync: (done) => {
        // What died after this may have died for something that is not on disk yet.
        const isAll = this._isAllWritten();
        const dead = isAll ? segments.dead() : [];
        const { freed } = this._index;
        if (isAll) this._index.freed = new Set();
        segments.allSettled = isAll;
        log.sync((error) => {
          if (isAll && error !== undefined) this._index.freed = freed.union(this._index.freed);
          const failure = (error ?? this._drop(dead)) as StoreError | undefined;
          done(failure);
        });
      },
      repair: (done) =>
        log.repair(done, () => {
          // Room for settlements, when messages that were settled take all there is. What died
          // since the failure did not die for a message that waits, unless it was said so: none was taken since.
          if (this._commit.failure?.code !== "full") return;
          segments.allSettled = false;
          const origins = log.waitingOrigins;
          this._drop(
            segments.dead().filter(({ sequence }) =>
              !origins.has(sequence) && !(origins.has(0) && this._diedBefore.has(sequence))
            ),
          );
        }),
      onFailure: (error) => {
        // Of what came while a write waited for a sync, the batch knows nothing yet.
        this._diedBefore = log.waitingSettled.union(changes.settledSegments).union(
          this._index.freed,
        );
        this._health.failed(error);
      },
      onQuiet: () => this._onQuiet(),
    };
  }

  private _isAllWritten(): boolean {
    return this._log.batch.isEmpty && this._changes.count === 0;
  }

  private _drop(dead: ReturnType<Segments["dead"]>): StoreError | undefined {
    for (const segment of dead) {
      try {
        this._segments.drop(segment);
      } catch (cause) {
        return new StoreError("failed", `Cannot remove segment: ${(cause as Error).message}`, {
          cause,
        });
      }
    }
    return undefined;
  }

  private _onQuiet(): boolean {
    const segments = this._segments;
    if (this._closing) return segments.directoryDirty;
    this._health.relieve();
    this._compaction.start();
    return segments.directoryDirty || this._isAllWritten() && segments.dead().length > 0;
  }
}
