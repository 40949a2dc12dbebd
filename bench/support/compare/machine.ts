import { cpus, tmpdir } from "node:os";

/** With more processes than this share of the cores that want to run, a machine is not quiet. */
const LOAD_SHARE_MAX = 0.25;

/** Describes the machine that figures come from. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
  readonly deno: string;
  readonly v8: string;
  /** The file system of temporary files, where brokers keep what is durable; `TMPDIR` moves them. */
  readonly temporaryFiles: string;
  /** Processes that wanted to run in the last minute, before anything was measured: above a few
   * tenths the machine was not quiet. */
  readonly loadAverage: number;
}

/** Describes this machine. */
export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: navigator.hardwareConcurrency,
    memoryGiB: Math.round(Deno.systemMemoryInfo().total / 2 ** 30),
    os: `${Deno.build.os} ${Deno.build.arch}`,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    temporaryFiles: fileSystemOf(tmpdir()),
    loadAverage: Deno.loadavg()[0]!,
  };
}

/** What makes figures from this machine worth little, for people. */
export function doubtsAbout({ loadAverage, cores, temporaryFiles }: Machine): string[] {
  const doubts: string[] = [];
  if (loadAverage > cores * LOAD_SHARE_MAX) {
    doubts.push(
      `the machine is busy, with a load of ${loadAverage.toFixed(1)}: ratios will wobble`,
    );
  }
  if (temporaryFiles === "tmpfs") {
    doubts.push("temporary files are in memory, so nothing is said about a disk: set TMPDIR");
  }
  return doubts;
}

/** The type of the file system that a directory is on; Linux tells. */
function fileSystemOf(directory: string): string {
  const mounts = mountLines().map((line) => line.split(" "))
    .filter(([, point = ""]) => `${directory}/`.startsWith(point.replace(/\/?$/, "/")))
    .sort(([, a = ""], [, b = ""]) => b.length - a.length);
  return mounts[0]?.[2] ?? "unknown";
}

function mountLines(): string[] {
  try {
    return Deno.readTextFileSync("/proc/mounts").trim().split("\n");
  } catch {
    return [];
  }
}
