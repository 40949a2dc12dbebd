import type { Clock } from "../amqp/clock.ts";
import type { GroupCommit } from "./group_commit.ts";
import type { Log } from "./log.ts";
import { checksumSeed, HEADER_SIZE, nextRecord, NO_RECORD, RECORD, recordSize } from "./records.ts";
import { type Segment, SEGMENT_HEADER_SIZE, segmentName } from "./segment.ts";
import type { Segments } from "./segments.ts";
import type { StoredBody } from "./stored_body.ts";
import type { StoreIndex } from "./store_index.ts";

/** A segment is rewritten when no more than this part of it is needed. */
const NEEDED_MAX = 0.5;
/** So much is read in a step; the next step waits until what was copied is on disk. */
const STEP_SIZE = 256 * 1024;

/** What a compaction works on. */
export interface CompactionParts {
  readonly segments: Segments;
  readonly index: StoreIndex;
  readonly log: Log;
  readonly commit: GroupCommit;
  readonly clock: Clock;
  /** Called when a segment turned out to be broken. */
  readonly onDamage: (file: string, offset: number) => void;
}

/**
 * Rewrites mostly dead segments: what is alive in them is appended to the log again, in small steps,
 * each of which waits for the disk; then they are dead and go.
 */
export class Compaction {
  readonly #parts: CompactionParts;
  #victim: Segment | undefined = undefined;
  #at = 0;
  #buffer: Uint8Array = new Uint8Array(STEP_SIZE);
  /** Bodies of which a part was moved while their message lies in another segment. */
  readonly #moved = new Set<StoredBody>();
  #stopped = false;
  /** Set while the next step waits for its turn. */
  #cancelStep: (() => void) | undefined = undefined;
  /** True while the disk does not work. */
  #paused = false;
  /** True when the victim has been read to its end. */
  #copied = false;
  /** True when it could not be. */
  #broken = false;
  #tolerant = false;

  constructor(parts: CompactionParts) {
    this.#parts = parts;
  }

  /** True while a segment is being rewritten. */
  get active(): boolean {
    return this.#victim !== undefined;
  }

  /** Rewrites the segment that needs it most, if any does and none is being rewritten. */
  start(): void {
    if (this.#stopped) return;
    if (this.#paused) {
      // The disk works again, and what was copied is on it.
      this.#paused = false;
      this.#waitForDisk();
      return;
    }
    if (this.#victim !== undefined) return;
    const victim = this.#choose();
    if (victim === undefined) return;
    this.#victim = victim;
    victim.held = true;
    this.#at = SEGMENT_HEADER_SIZE;
    this.#moved.clear();
    this.#broken = false;
    this.#step();
  }

  /**
   * Rewrites damaged segments instead, as far as they can be read. Their files stay under another
   * name.
   */
  repair(): void {
    this.#tolerant = true;
    for (const segment of this.#parts.segments.values()) segment.compacted = false;
  }

  /** Begins no further step. */
  stop(): void {
    this.#stopped = true;
    this.#cancelStep?.();
  }

  #choose(): Segment | undefined {
    const { segments } = this.#parts;
    let best: Segment | undefined;
    let least = Math.min(segments.segmentSize * NEEDED_MAX, segments.copyRoom);
    for (const segment of segments.values()) {
      if (
        segment === segments.head || segment.damaged !== this.#tolerant || segment.held ||
        segment.compacted ||
        segment.copiedFrom.size > 0 || segment.sequence >= segments.checkpointSequence
      ) continue;
      if (this.#tolerant) return segment;
      const needed = segment.neededBytes;
      if (needed > 0 && needed <= least && this.#isWorthIt(segment, needed)) {
        least = needed;
        best = segment;
      }
    }
    return best;
  }

  /**
   * Rewriting must end: either half of what was written goes, or a segment goes and none comes. Two
   * segments that are half full need not fit into one, beside the checkpoint.
   */
  #isWorthIt(segment: Segment, needed: number): boolean {
    if (needed <= (segment.end - segment.checkpointEnd) * NEEDED_MAX) return true;
    const { segments } = this.#parts;
    const { head } = segments;
    return head !== undefined && !head.cut && head.end + 2 * needed <= segments.sizeMax(head);
  }

  #step(): void {
    const victim = this.#victim!;
    try {
      this.#copied = this.#copySome(victim);
    } catch {
      // It cannot be read now. What was copied is good; the rest stays where it is.
      this.#copied = true;
      this.#broken = true;
    }
    try {
      if (this.#copied) this.#rewriteMessages();
    } catch {
      // Held for ever: parts that it has are named by a message that cannot be read now.
      victim.compacted = true;
      this.#victim = undefined;
      return;
    }
    this.#waitForDisk();
  }

  #waitForDisk(): void {
    this.#parts.commit.whenSynced((error) => {
      // What was copied waits to be written; there is no use in copying more.
      if (error !== undefined) this.#paused = true;
      else if (this.#stopped) return;
      else if (this.#copied) this.#end(this.#victim!);
      else this.#stepLater();
    });
  }

  /** The next step, in a later turn: where little is alive nothing has to be written, so nothing is waited for,
   * and a whole segment would be looked at in one go. */
  #stepLater(): void {
    const { clock, commit } = this.#parts;
    this.#cancelStep = clock.after(0, () => {
      this.#cancelStep = undefined;
      // the disk may have failed meanwhile
      if (commit.failure === undefined) this.#step();
      else this.#paused = true;
    });
  }

  #end(victim: Segment): void {
    victim.compacted = true;
    victim.held = false;
    this.#victim = undefined;
    this.#parts.commit.lookSoon();
    if (this.#broken) return;
    // All that is needed of it is elsewhere by now.
    victim.refersTo.clear();
    if (!victim.damaged) return;
    victim.damaged = false;
    victim.keptAside = true;
  }

  /** Copies what is alive in the next piece; tells whether it was the last one. */
  #copySome(victim: Segment): boolean {
    // What is behind a broken record can only be found in the whole.
    if (this.#tolerant) this.#buffer = new Uint8Array(victim.end);
    let size = this.#read(victim);
    let view = new DataView(this.#buffer.buffer);
    const seed = checksumSeed(victim.sequence);
    let at = 0;
    while (this.#at + at < victim.end) {
      let found = at + HEADER_SIZE > size ? NO_RECORD.bad : recordSize(
        this.#buffer,
        view,
        at,
        size,
        seed,
      );
      if (found === NO_RECORD.bad && this.#tolerant) {
        const next = nextRecord(this.#buffer, view, at, { end: size, seed });
        if (next === 0) return true;
        at = next;
        continue;
      }
      if (found === NO_RECORD.bad && at > 0) break;
      if (found === NO_RECORD.bad) {
        // One record that is larger than a step.
        const length = HEADER_SIZE + view.getUint32(4, true);
        if (length > size && this.#at + length <= victim.end) {
          this.#buffer = new Uint8Array(length);
          view = new DataView(this.#buffer.buffer);
          size = this.#read(victim);
          found = recordSize(this.#buffer, view, at, size, seed);
        }
      }
      if (found === NO_RECORD.bad) {
        victim.damaged = true;
        this.#parts.onDamage(segmentName(victim.sequence), this.#at);
        throw new Error("Cannot copy record: it is broken");
      }
      if (found === NO_RECORD.end) return true;
      this.#copy(victim, view, at, found);
      at += found;
    }
    this.#at += at;
    return this.#at >= victim.end;
  }

  #read(victim: Segment): number {
    const size = Math.min(this.#buffer.length, victim.end - this.#at);
    return victim.file.read(this.#buffer, 0, size, this.#at);
  }

  #copy(victim: Segment, view: DataView, at: number, size: number): void {
    const { index, log, segments } = this.#parts;
    const { sequence } = victim;
    switch (this.#buffer[at + 8]) {
      case RECORD.message:
        index.copyMessage(this.#buffer, view, at, size, {
          segment: sequence,
          offset: this.#at + at,
          origin: sequence,
        });
        break;
      case RECORD.part: {
        const part = victim.parts.get(this.#at + at);
        if (part === undefined) break;
        victim.parts.delete(part.offset);
        victim.livingBytes -= part.size;
        const { table } = index;
        const { slot } = part.body;
        if (slot !== 0 && table.segment(slot) !== sequence) this.#moved.add(part.body);
        const bytes = this.#buffer.slice(at + HEADER_SIZE, at + size);
        log.batch.addPart({ part, bytes, start: 0, end: bytes.length, offset: 0 }, sequence);
        if (slot !== 0 && table.segment(slot) === 0) index.moveToEnd(slot);
        break;
      }
      case RECORD.settle:
      case RECORD.returned: {
        const target = view.getUint32(at + HEADER_SIZE + 4, true);
        if (target === sequence || !segments.exists(target)) break;
        log.batch.copy(this.#buffer, at, size, target, sequence);
      }
    }
  }

  /** Messages in other segments name the places where parts of their bodies were. */
  #rewriteMessages(): void {
    const { index, segments } = this.#parts;
    const { table } = index;
    for (const body of this.#moved) {
      if (index.bodies.get(body.slot) !== body) continue;
      const sequence = table.segment(body.slot);
      if (sequence === 0) continue;
      const offset = table.offset(body.slot);
      const bytes = new Uint8Array(table.size(body.slot));
      segments.get(sequence)!.file.read(bytes, 0, bytes.length, offset);
      index.copyMessage(bytes, new DataView(bytes.buffer), 0, bytes.length, {
        segment: sequence,
        offset,
        origin: sequence,
      });
    }
  }
}
