/** What a run has come to. */
export interface Run {
  /** True when something was found. */
  readonly failed: boolean;
  /** Mutated frames that were asked for. */
  readonly frames: number;
  /** And those that were read. */
  readonly read: number;
  /** True when it is known whether memory is back. */
  readonly judged: boolean;
  /** With so many frames memory can be judged. */
  readonly judgeable: number;
}

/**
 * What is said last, and the status with which it ends: 1 when something was found, 2 when nothing was,
 * but not all was looked at that was asked for.
 */
export function verdictOf(
  { failed, frames, read, judged, judgeable }: Run,
): { readonly text: string; readonly status: number } {
  if (failed) return { text: "failed", status: 1 };
  if (read < frames) {
    return { text: `not judged: ${read} of ${frames} mutated frames were read`, status: 2 };
  }
  if (judged || frames === 0) return { text: "nothing found", status: 0 };
  if (frames >= judgeable) return { text: "not judged: memory", status: 2 };
  return { text: `nothing found, but memory takes ${judgeable} frames to be judged`, status: 0 };
}
