/**
 * A look at a store that nobody uses, and its repair.
 *
 * @module
 */

import type { KeptDefinitions } from "./definitions.ts";
import type { FileSystem } from "./file_system.ts";
import { recover, type RecoveryReport } from "./recovery.ts";
import { decodeSegmentHeader, type Segment, SEGMENT_HEADER_SIZE, segmentName } from "./segment.ts";
import { Segments } from "./segments.ts";
import { Store } from "./store.ts";
import { StoreIndex } from "./store_index.ts";

/** What is in a segment. */
export interface SegmentInspection {
  /** Its file. */
  readonly file: string;
  /** Size of the file. */
  readonly fileSize: number;
  /** Size of its records. */
  readonly usedBytes: number;
  /** Size of those that are needed. */
  readonly neededBytes: number;
  /** How many living messages lie in it. */
  readonly messages: number;
  /** True when something in it could not be read. */
  readonly damaged: boolean;
}

/** What is in a store. */
export interface StoreInspection {
  /** What was read, and what could not be. */
  readonly report: RecoveryReport;
  /** Its segments, oldest first. */
  readonly segments: readonly SegmentInspection[];
  /** The newest store format that a segment was begun with; 0 when there is none. */
  readonly formatVersion: number;
  /** How many definitions there are. */
  readonly definitions: number;
  /** They themselves, by key: bytes, as the store knows them. */
  readonly definitionsByKey: KeptDefinitions;
  /** How many messages there are, each once however many queues have it. */
  readonly messages: number;
  /** Queues by id, with what they have. */
  readonly queues: readonly { id: number; messages: number; bodyBytes: number }[];
}

/**
 * Reads a whole store, checks each record, and changes nothing.
 *
 * @throws {StoreError} When a newer Warren wrote it, or a file cannot be read.
 */
export function checkStore(files: FileSystem): StoreInspection {
  const segments = new Segments(files, { segmentSize: 0, neverSync: true });
  const index = new StoreIndex(segments);
  try {
    const report = recover(segments, index, { write: false });
    return {
      report,
      segments: [...segments.values()].map((segment) => ({
        file: segmentName(segment.sequence),
        fileSize: segment.allocated,
        usedBytes: segment.end,
        neededBytes: segment.neededBytes,
        messages: segment.messages,
        damaged: segment.damaged,
      })),
      formatVersion: Math.max(0, ...[...segments.values()].map(formatVersion)),
      definitions: index.definitions.size,
      definitionsByKey: index.definitions,
      messages: index.table.count,
      queues: [...index.queues.values()].map((queue) => ({
        id: queue.id,
        messages: queue.count,
        bodyBytes: queue.bodyBytes,
      })),
    };
  } finally {
    segments.close();
  }
}

/** The format that a segment was begun with; 0 when its header is broken. */
function formatVersion({ file }: Segment): number {
  const bytes = new Uint8Array(SEGMENT_HEADER_SIZE);
  const size = file.read(bytes, 0, bytes.length, 0);
  if (decodeSegmentHeader(bytes, size) === undefined) return 0;
  return new DataView(bytes.buffer).getUint16(8, true);
}

/**
 * Saves from a store what can be read: cuts a torn tail, and rewrites damaged segments without what is
 * broken in them. The damaged files stay beside it, with `.damaged` in their names.
 *
 * @param onDamaged Called before a store is rewritten in which something is damaged.
 * @returns What was found before.
 * @throws {StoreError} As `checkStore`, and when it cannot write.
 */
export async function repairStore(
  files: FileSystem,
  onDamaged: (store: Store) => void = () => {},
): Promise<RecoveryReport> {
  const store = new Store({ files });
  try {
    if (store.report.damages.length > 0) onDamaged(store);
    await store.repair();
  } finally {
    await store.close();
  }
  return store.report;
}
