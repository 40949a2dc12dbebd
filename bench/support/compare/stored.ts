import type { Verdict } from "./goals.ts";
import type { Machine } from "./machine.ts";
import type { Figures } from "./results.ts";

/** Of the files written; changes when their fields do. */
const FORMAT_VERSION = 2;
const DIRECTORY = new URL("../../results/", import.meta.url).pathname;
const NAME = /^\d{4}-\d{2}-\d{2}\.json$/;
/** The chart of the newest results, as the README shows it. */
const CHART = "comparison.svg";

/** What is kept of a comparison. */
export interface StoredResults {
  readonly date: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly secs: number;
  readonly figures: readonly Figures[];
  /** Absent in the oldest files. */
  readonly goals?: readonly Verdict[];
}

/** What is kept of clients beside one another; the figures are by client. */
export interface StoredClients extends Omit<StoredResults, "goals"> {
  /** Which broker they talked to. */
  readonly broker: string;
}

/** What is kept of PerfTest's runs; nothing is a goal there. */
export type StoredPerfTest = Omit<StoredResults, "goals">;

/** Writes results, named by their date, and their chart. Returns the paths. */
export async function store(results: StoredResults, chart: string): Promise<string[]> {
  const path = await write("", results);
  await Deno.writeTextFile(`${DIRECTORY}${CHART}`, chart);
  return [path, `${DIRECTORY}${CHART}`];
}

/** Writes what clients were measured at, named by its date. Returns the path. */
export function storeClients(results: StoredClients): Promise<string> {
  return write("clients-", results);
}

/** Writes what PerfTest measured, named by its date. Returns the path. */
export function storePerfTest(results: StoredPerfTest): Promise<string> {
  return write("perf-test-", results);
}

/** What the management side was measured to cost. */
export interface StoredManagement {
  /** When, in ISO 8601. */
  readonly date: string;
  /** Where. */
  readonly machine: Machine;
  /** How long a turn was, in seconds. */
  readonly secs: number;
  /** Throughput with five browsers to throughput without, of each pair of turns, by load. */
  readonly ratios: Readonly<Record<string, readonly number[]>>;
  /** CPU time of a message with browsers to that without, likewise. */
  readonly cpuRatios: Readonly<Record<string, readonly number[]>>;
  /** The part of a core that browsers alone take. */
  readonly alone: number;
}

/** Writes that, named by its date. Returns the path. */
export function storeManagement(results: StoredManagement): Promise<string> {
  return write("management-", results);
}

async function write(prefix: string, results: { readonly date: string }): Promise<string> {
  await Deno.mkdir(DIRECTORY, { recursive: true });
  const path = `${DIRECTORY}${prefix}${results.date.slice(0, 10)}.json`;
  const content = { formatVersion: FORMAT_VERSION, ...results };
  await Deno.writeTextFile(path, JSON.stringify(content, undefined, 2) + "\n");
  return path;
}

/** The newest results; undefined when there are none. */
export async function latest(): Promise<StoredResults | undefined> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(DIRECTORY)) if (NAME.test(name)) names.push(name);
  const newest = names.sort().at(-1);
  if (newest === undefined) return undefined;
  return JSON.parse(await Deno.readTextFile(`${DIRECTORY}${newest}`));
}
