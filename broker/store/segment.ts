import { crc32c } from "./crc32c.ts";
import { StoreError } from "./error.ts";
import type { StoreFile } from "./file_system.ts";
import { FORMAT_VERSION, newerFormat } from "./records.ts";
import type { BodyPart } from "./stored_body.ts";

/** Size of a segment's header. */
export const SEGMENT_HEADER_SIZE = 64;
/** "WARRENST" as bytes. */
const MAGIC = [0x57, 0x41, 0x52, 0x52, 0x45, 0x4e, 0x53, 0x54];
const EXTENSION = ".segment";
const SPARE_EXTENSION = ".spare";

/** One file of the log. */
export class Segment {
  /** Its number. Grows with each segment and is never used twice. */
  readonly sequence: number;
  /** The segment that was written to before; 0: none. */
  previous = 0;
  /** Where the records of that one end that count; 0: where they end. */
  previousEnd = 0;
  /** The file. */
  readonly file: StoreFile;
  /** Where its records end. */
  end: number = SEGMENT_HEADER_SIZE;
  /** Where the checkpoint ends that it begins with. */
  checkpointEnd: number = SEGMENT_HEADER_SIZE;
  /** Up to where its records are known to be on disk. */
  synced = 0;
  /** Where its records ended when the store was opened; 0: it was made since. */
  foundEnd = 0;
  /**
   * What was found in it when the store was opened and was not known to be on disk, and where it
   * begins. Kept until it is: a sync that fails may throw it away.
   */
  foundTail: { readonly bytes: Uint8Array; readonly at: number } | undefined = undefined;
  /** Size of the file: up to here nothing has to grow. */
  allocated = 0;
  /** How many messages in it are alive. */
  messages = 0;
  /** Size of the records of living messages and parts. */
  livingBytes = 0;
  /**
   * Segments whose messages were settled or returned by records in this one, and the size of these
   * records. They are needed as long as that segment exists.
   */
  readonly refersTo: Map<number, number> = new Map();
  /** Segments that messages in this one were copied from. While one exists, this one has to. */
  readonly copiedFrom: Set<number> = new Set();
  /** Parts of living large bodies by their offset. */
  readonly parts: Map<number, BodyPart> = new Map();
  /** True while something else needs it, although nothing in it is alive. */
  held = false;
  /** True when something in it could not be read: it is kept for whoever repairs it. */
  damaged = false;
  /** True when its file is to stay under another name when it goes. */
  keptAside = false;
  /** True when what follows its end must not be taken for records, so that nothing is added to it. */
  cut = false;
  /** True when there are zeros behind its end, so that its end needs to be told nowhere else. */
  ended = true;
  /** How far what a failed write left may reach behind its end; 0: nothing is left. */
  spoiledEnd = 0;
  /** True while these zeros may not be on disk, although all before them is. */
  endDirty = false;
  /** True when it was rewritten, so that trying again would not help. */
  compacted = false;
  /** True when it begins with a whole checkpoint, so that older definitions can go. */
  hasCheckpoint = false;
  /** True while only a checkpoint is in it. */
  fresh = true;

  constructor(sequence: number, file: StoreFile) {
    this.sequence = sequence;
    this.file = file;
  }

  /** True when something was written to it that may not be on disk. */
  get dirty(): boolean {
    return this.synced < this.end || this.endDirty;
  }

  /** Size of all that is needed in it. */
  get neededBytes(): number {
    let needed = this.livingBytes;
    for (const size of this.refersTo.values()) needed += size;
    return needed;
  }

  /** True when nothing in it is needed. */
  get isDead(): boolean {
    return this.messages === 0 && this.livingBytes === 0 && this.refersTo.size === 0 &&
      this.copiedFrom.size === 0 && !this.held && !this.damaged;
  }
}

/** What a segment's header says. */
export interface SegmentHeader {
  /** Its number. */
  readonly sequence: number;
  /** The segment that was written to before; 0: none. */
  readonly previous: number;
  /** Where the records of that one end that count; 0: where they end. */
  readonly previousEnd: number;
}

/** A segment's header as bytes. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint16(8, FORMAT_VERSION, true);
  view.setUint32(12, header.sequence, true);
  view.setUint32(16, header.previous, true);
  view.setUint32(20, header.previousEnd, true);
  // The size, the magic and the checksum's place are the same in every format to come.
  view.setUint32(60, crc32c(bytes, 0, 60), true);
  return bytes;
}

/**
 * Reads a segment's header; undefined when it is none.
 *
 * @throws {StoreError} When it has a newer format.
 */
export function decodeSegmentHeader(bytes: Uint8Array, size: number): SegmentHeader | undefined {
  if (size < SEGMENT_HEADER_SIZE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) return undefined;
  if (view.getUint32(60, true) !== crc32c(bytes, 0, 60)) return undefined;
  const version = view.getUint16(8, true);
  if (version > FORMAT_VERSION) throw newerFormat("segment", version);
  return {
    sequence: view.getUint32(12, true),
    previous: view.getUint32(16, true),
    previousEnd: view.getUint32(20, true),
  };
}

/** Name of a segment's file. */
export function segmentName(sequence: number): string {
  return String(sequence).padStart(10, "0") + EXTENSION;
}

/** Name of a file that was a segment and waits to become one again. */
export function spareName(sequence: number): string {
  return String(sequence).padStart(10, "0") + SPARE_EXTENSION;
}

/** Name of the file of a damaged segment of which everything was saved that could be. */
export function damagedName(sequence: number): string {
  return String(sequence).padStart(10, "0") + ".damaged";
}

/**
 * Name of the file that stays of a segment nobody needs any more, until no checkpoint names it: so one
 * that is missing can be told from one that went.
 */
export function goneName(sequence: number): string {
  return String(sequence).padStart(10, "0") + ".gone";
}

/** A file of the log by its name. */
export interface ParsedName {
  /** Its number. */
  readonly sequence: number;
  /** What its extension says. */
  readonly kind: "segment" | "spare" | "gone";
}

/** The number in a file's name, and which kind it is; undefined for files of others. */
export function parseName(name: string): ParsedName | undefined {
  const match = /^(\d{10})\.(segment|spare|gone)$/.exec(name);
  if (match === null) return undefined;
  const sequence = Number(match[1]);
  if (sequence === 0 || sequence > 0xffffffff) {
    throw new StoreError("corrupt", `Cannot use ${name}: its number is out of range`);
  }
  return { sequence, kind: match[2] as ParsedName["kind"] };
}
