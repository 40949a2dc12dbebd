/** So many cores at most are busy where a machine counts as idle: an idle broker takes a few percent. */
const BUSY_CORES_MAX = 0.25;
/** For so long. */
const LOOK_MS = 300;
/** After so long nobody waits any more. */
const WAIT_MS_MAX = 10_000;

/** What all cores together did since the machine started, in ticks. */
export interface CoreTimes {
  /** How many there are. */
  readonly cores: number;
  /** Nothing; time to wait for a disk is not counted. */
  readonly idle: number;
  /** Anything, but for what a host took. */
  readonly all: number;
}

/**
 * Waits until the machine is idle: a broker works on after its load, and dropping what nobody has consumed
 * may take it seconds, which would be taken from the broker that is measured next.
 *
 * @param read What tells the times of the cores; Linux does.
 * @returns False when it is not idle after ten seconds.
 */
export async function untilQuiet(
  read: () => CoreTimes | undefined = readCoreTimes,
): Promise<boolean> {
  const started = performance.now();
  let before = read();
  while (performance.now() - started < WAIT_MS_MAX) {
    if (before === undefined) return true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const now = read();
    if (now === undefined || busyCores(before, now) <= BUSY_CORES_MAX) return true;
    before = now;
  }
  return false;
}

function busyCores(before: CoreTimes, now: CoreTimes): number {
  const all = now.all - before.all;
  return all === 0 ? 0 : (1 - (now.idle - before.idle) / all) * now.cores;
}

/** Reads `/proc/stat`: user, nice, system, idle, waiting for disks, interrupts of two kinds. What follows is
 * the host's, or in user already. */
export function parseCoreTimes(stat: string): CoreTimes | undefined {
  const line = /^cpu +(.*)$/m.exec(stat)?.[1];
  if (line === undefined) return undefined;
  const ticks = line.split(" ").slice(0, 7).map(Number);
  const cores = stat.match(/^cpu\d/gm)?.length ?? 1;
  return { cores, idle: ticks[3]!, all: ticks.reduce((sum, of) => sum + of, 0) };
}

function readCoreTimes(): CoreTimes | undefined {
  try {
    return parseCoreTimes(Deno.readTextFileSync("/proc/stat"));
  } catch {
    return undefined;
  }
}
