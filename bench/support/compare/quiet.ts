/** So much of the cores' time at least must be idle. */
const IDLE_MIN = 0.9;
/** For so long. */
const LOOK_MS = 300;
/** Who works on for longer than this is measured against. */
const WAIT_MS_MAX = 20_000;

/** What all cores did since the machine started, in ticks. */
export interface CoreTimes {
  /** Nothing; time to wait for a disk is not counted. */
  readonly idle: number;
  /** Anything. */
  readonly all: number;
}

/**
 * Waits until the machine is idle: a broker works on after its load, and dropping what nobody has consumed
 * may take it seconds, which would be taken from the broker that is measured next.
 *
 * @param read What tells the times of the cores; Linux does.
 * @returns How long that took in milliseconds.
 */
export async function untilQuiet(
  read: () => CoreTimes | undefined = readCoreTimes,
): Promise<number> {
  const started = performance.now();
  let before = read();
  while (before !== undefined && performance.now() - started < WAIT_MS_MAX) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const now = read();
    if (now === undefined || now.idle - before.idle >= (now.all - before.all) * IDLE_MIN) break;
    before = now;
  }
  return performance.now() - started;
}

/** Reads the line of `/proc/stat` that is for all cores: user, nice, system, idle, and more. */
export function parseCoreTimes(stat: string): CoreTimes | undefined {
  const line = /^cpu +(.*)$/m.exec(stat)?.[1];
  if (line === undefined) return undefined;
  const ticks = line.split(" ").map(Number);
  return { idle: ticks[3]!, all: ticks.reduce((sum, of) => sum + of, 0) };
}

function readCoreTimes(): CoreTimes | undefined {
  try {
    return parseCoreTimes(Deno.readTextFileSync("/proc/stat"));
  } catch {
    return undefined;
  }
}
