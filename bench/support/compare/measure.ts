// deno-lint-ignore-file no-console -- part of programs: they say what they measure
import { Comparison } from "./comparison.ts";
import { compareFrameParser, FRAME_PARSER_GOALS } from "./frame_parser.ts";
import type { GoalOfLoad } from "./goals.ts";
import { compareInProcess, IN_PROCESS_GOALS } from "./in_process.ts";
import { brokerLoads, goalsOf } from "./loads.ts";
import type { Results } from "./results.ts";
import type { RunOptions } from "./run_options.ts";
import { touchMemory } from "./touch_memory.ts";

/** In process a round needs less time: figures vary less within a process. */
const IN_PROCESS_SHARE = 0.5;
/** But so much: it begins with code that has been compiled. */
const IN_PROCESS_SECS_MIN = 0.4;

/** All that is to be reached. */
export const ALL_GOALS: readonly GoalOfLoad[] = [
  ...goalsOf(brokerLoads(1)),
  ...IN_PROCESS_GOALS,
  ...FRAME_PARSER_GOALS,
];

/** What came out beside the figures. */
export interface Measured {
  /** Runs that failed. */
  readonly failures: number;
  /** Versions of the brokers that ran, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Runs all loads that are wanted: the frame parser in this process, then in process, then over TCP. */
export async function measure(results: Results, options: RunOptions): Promise<Measured> {
  const loads = brokerLoads(options.secs).filter(({ name }) => options.wanted(name));
  if (loads.length > 0) await touchMemory();
  console.log("in process ...");
  const secs = Math.max(options.secs * IN_PROCESS_SHARE, IN_PROCESS_SECS_MIN);
  const inProcess = { ...options, secs };
  compareFrameParser(results, inProcess);
  await compareInProcess(results, inProcess);

  if (loads.length === 0) return { failures: 0, versions: {} };
  await using comparison = await Comparison.start();
  if (comparison === undefined) return { failures: 0, versions: {} };
  const failures = await comparison.run(loads, options, results);
  return { failures, versions: comparison.versions };
}
