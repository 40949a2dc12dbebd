import { StoreError } from "../store/error.ts";
import type { FileSystem } from "../store/file_system.ts";
import { checkStore, type SegmentInspection } from "../store/inspect.ts";
import type { Damage } from "../store/recovery.ts";
import { RECORD_KINDS } from "../auth/user_records.ts";
import { readRecords, readSettings } from "../vhost/durable_settings.ts";
import { type QueueDefinition, readDefinitions } from "../vhost/topology.ts";
import { oneLine } from "./terminal.ts";

/** What is in a store, as `--format json` prints it. */
export interface StoreSummary {
  readonly directory: string;
  /** True when nothing is damaged. What a crash left unfinished is no damage. */
  readonly sound: boolean;
  /** The newest format in it; null when nothing was ever written. */
  readonly formatVersion: number | null;
  readonly segments: readonly SegmentInspection[];
  /** How many records were read, and their size. */
  readonly records: number;
  readonly recordBytes: number;
  readonly definitions: number;
  readonly exchanges: number;
  readonly bindings: number;
  /** Messages, each once however many queues have it. */
  readonly messages: number;
  readonly queues: readonly QueueSummary[];
  readonly damages: readonly Damage[];
  /** Why definitions cannot be understood; null when they can. */
  readonly definitionsUnreadable: string | null;
  /** What a write left behind that did not finish. */
  readonly dropped: Damage | null;
  /** Damaged files that earlier repairs put aside. */
  readonly keptAside: readonly string[];
}

/** A durable queue and what waits in it. */
export interface QueueSummary {
  /** What the store knows it by. */
  readonly id: number;
  /** Null when nothing defines it: the rest of a queue that was deleted. */
  readonly vhost: string | null;
  readonly name: string | null;
  readonly messages: number;
  readonly bodyBytes: number;
}

/**
 * Reads a whole store and changes nothing.
 *
 * @throws {StoreError} When a newer Warren wrote it, or a file cannot be read.
 */
export function summarise(files: FileSystem): StoreSummary {
  const { report, definitionsByKey, ...found } = checkStore(files);
  let defined: ReturnType<typeof readDefinitions> = [];
  let definitionsUnreadable: string | null = null;
  try {
    readSettings({ definitions: definitionsByKey });
    readRecords({ definitions: definitionsByKey }, RECORD_KINDS);
    defined = readDefinitions({ definitions: definitionsByKey });
  } catch (cause) {
    if (cause instanceof StoreError && cause.code === "newer-format") throw cause; // no damage
    definitionsUnreadable = cause instanceof Error ? cause.message : String(cause);
  }
  const countOf = (kind: string) => defined.filter((one) => one.kind === kind).length;
  return {
    directory: files.directory,
    sound: report.damages.length === 0 && definitionsUnreadable === null,
    formatVersion: found.formatVersion === 0 ? null : found.formatVersion,
    segments: found.segments,
    records: report.records,
    recordBytes: report.bytes,
    definitions: found.definitions,
    exchanges: countOf("exchange"),
    bindings: countOf("binding"),
    messages: found.messages,
    queues: withNames(found.queues, defined.filter((one) => one.kind === "queue")),
    damages: report.damages,
    definitionsUnreadable,
    dropped: report.dropped ?? null,
    keptAside: keptAside(files),
  };
}

/** Names of damaged files that a repair put aside. */
export function keptAside(files: FileSystem): string[] {
  return files.list().filter((name) => name.endsWith(".damaged")).sort();
}

/** Tells in lines of text what is in a store. */
export function summaryLines(summary: StoreSummary): string[] {
  const { segments, exchanges, queues, bindings } = summary;
  const sum = (key: "fileSize" | "usedBytes" | "neededBytes") =>
    segments.reduce((total, segment) => total + segment[key], 0);
  return [
    `Store: ${summary.directory}`,
    `Format: ${summary.formatVersion ?? "none, nothing was ever written"}`,
    `Segments: ${segments.length}, ${sum("fileSize")} bytes on disk, ${sum("usedBytes")} used, ` +
    `${sum("neededBytes")} needed by messages`,
    `Records: ${summary.records}`,
    `Definitions: ${summary.definitions}, among them ${counted(exchanges, "exchange")}, ` +
    `${counted(queues.filter(({ name }) => name !== null).length, "queue")} and ` +
    counted(bindings, "binding"),
    `Messages: ${summary.messages}`,
    ...queues.map((queue) =>
      `  ${queueName(queue)}: ${counted(queue.messages, "message")}, ${queue.bodyBytes} bytes`
    ),
    ...summary.damages.map((damage) => `Damaged: ${placeOf(damage)}`),
    ...summary.definitionsUnreadable === null
      ? []
      : [`Damaged: definitions: ${summary.definitionsUnreadable}`],
    ...summary.dropped === null ? [] : [`Dropped: ${placeOf(summary.dropped)}`],
    ...summary.keptAside.map((file) => `Kept aside by a repair: ${file}`),
  ].map(oneLine);
}

function withNames(
  found: readonly { id: number; messages: number; bodyBytes: number }[],
  definitions: readonly QueueDefinition[],
): QueueSummary[] {
  const rest = new Map(found.map((queue) => [queue.id, queue]));
  const named = definitions.map(({ id, vhost, name }) => {
    const { messages, bodyBytes } = rest.get(id) ?? { messages: 0, bodyBytes: 0 };
    rest.delete(id);
    return { id, vhost, name, messages, bodyBytes };
  });
  const nameless = [...rest.values()]
    .filter(({ messages }) => messages > 0)
    .map((queue) => ({ ...queue, vhost: null, name: null }));
  return [...named, ...nameless];
}

function queueName({ id, vhost, name }: QueueSummary): string {
  return name === null
    ? `queue number ${id}, which nothing defines`
    : `queue '${name}' in vhost '${vhost}'`;
}

function placeOf({ file, offset, bytes, reason }: Damage): string {
  return `${file} at ${offset}, ${bytes} bytes: ${reason}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
