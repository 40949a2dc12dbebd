/** How loads are run. */
export interface RunOptions {
  readonly rounds: number;
  /** How long a run takes. */
  readonly secs: number;
  /** Which loads are to be run, by their names. */
  readonly wanted: (load: string) => boolean;
}
