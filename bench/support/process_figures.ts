/**
 * What a process uses, as Linux tells in `/proc`.
 *
 * @module
 */

/** What a process has in memory, in bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}

/** CPU time that it used so far, in ticks of 10 ms, in all its threads. */
export async function cpuTicks(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // from the third field on
  return Number(fields[11]) + Number(fields[12]);
}

/** How many files, sockets included, this process could open at most. */
export async function openFilesMax(): Promise<number> {
  const limits = await Deno.readTextFile("/proc/self/limits");
  return Number(/Max open files\s+\d+\s+(\d+)/.exec(limits)?.[1] ?? 1024);
}

/** CPU time in nanoseconds that each thread of this process, or another one, used so far, by name and
 * number. */
export function threadTimes(pid: number | "self" = "self"): Map<string, number> {
  const times = new Map<string, number>();
  for (const { name: id } of Deno.readDirSync(`/proc/${pid}/task`)) {
    const stat = Deno.readTextFileSync(`/proc/${pid}/task/${id}/schedstat`);
    const name = Deno.readTextFileSync(`/proc/${pid}/task/${id}/comm`).trim();
    times.set(`${name} (${id})`, Number(stat.split(" ")[0]));
  }
  return times;
}
