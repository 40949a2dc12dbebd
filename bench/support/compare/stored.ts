import type { Verdict } from "./goals.ts";
import type { Machine } from "./machine.ts";
import type { Figures } from "./results.ts";

/** Of the files written; changes when their fields do. */
const FORMAT_VERSION = 2;
const DIRECTORY = new URL("../../results/", import.meta.url).pathname;
/** The oldest files are named by their date alone. */
const NAME = /^\d{4}-\d{2}-\d{2}(-[a-z0-9-]+)?\.json$/;
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

/** Writes results, named by their date and CPU, and their chart. Returns the paths. */
export async function store(results: StoredResults, chart: string): Promise<string[]> {
  const path = await write("", results);
  await Deno.writeTextFile(`${DIRECTORY}${CHART}`, chart);
  return [path, `${DIRECTORY}${CHART}`];
}

/** Writes results beside another RabbitMQ than the package's, which `newestFor` never finds: ratios to one tell
 * nothing of those to the other. Returns the path. */
export function storeBeside(results: StoredResults): Promise<string> {
  return write(`rabbitmq-${results.versions["RabbitMQ"]}-`, results);
}

/** Writes what clients were measured at, named likewise. Returns the path. */
export function storeClients(results: StoredClients): Promise<string> {
  return write("clients-", results);
}

/** Writes what PerfTest measured, named likewise. Returns the path. */
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

/** Writes that, named likewise. Returns the path. */
export function storeManagement(results: StoredManagement): Promise<string> {
  return write("management-", results);
}

interface Dated {
  readonly date: string;
  readonly machine: Machine;
}

async function write(prefix: string, results: Dated): Promise<string> {
  await Deno.mkdir(DIRECTORY, { recursive: true });
  const { date, machine } = results;
  const path = `${DIRECTORY}${prefix}${date.slice(0, 10)}-${fileNameOf(machine.cpu)}.json`;
  const content = { formatVersion: FORMAT_VERSION, ...results };
  await Deno.writeTextFile(path, JSON.stringify(content, undefined, 2) + "\n");
  return path;
}

/** A CPU's name as part of a file's: `"Intel(R) Xeon(R) Processor"` is `intel-xeon-processor`. */
export function fileNameOf(cpu: string): string {
  const plain = cpu.toLowerCase().replaceAll(/\((r|tm)\)/g, "");
  return plain.replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "");
}

/** All results that are kept, in no order. */
export async function allStored(): Promise<StoredResults[]> {
  const found: StoredResults[] = [];
  for await (const { name } of Deno.readDir(DIRECTORY)) {
    if (NAME.test(name)) found.push(JSON.parse(await Deno.readTextFile(`${DIRECTORY}${name}`)));
  }
  return found;
}

/** The newest results of a machine like this one, or else of any: ratios differ from CPU to CPU by more than
 * a check lets them. Undefined when there are none. */
export function newestFor(
  machine: Pick<Machine, "cpu" | "cores">,
  stored: readonly StoredResults[],
): StoredResults | undefined {
  const byDate = stored.toSorted((a, b) => a.date < b.date ? 1 : -1);
  return byDate.find((results) => isAlike(results.machine, machine)) ?? byDate[0];
}

/** True when a machine has as many cores of the same kind as another one. */
export function isAlike(
  one: Pick<Machine, "cpu" | "cores">,
  other: Pick<Machine, "cpu" | "cores">,
): boolean {
  return one.cpu === other.cpu && one.cores === other.cores;
}
