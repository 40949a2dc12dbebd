/** How to run the programs of one client library. */
export interface Runtime {
  /** The folder of the client, which names it as well. */
  readonly client: string;
  /** Where in it the programs are, with a slash at the end; in the folder itself when it is left out. */
  readonly programs?: string;
  /** How the file names of its programs end; a slash when each is a folder. */
  readonly extension: string;
  /** What stands before the program on the command line. */
  readonly command: readonly string[];
  /** Variables that its programs need. */
  readonly env: Readonly<Record<string, string>>;
  /** What stands for a program on the command line, by its name; its file when this is left out. */
  locate?(name: string): string;
  /**
   * Installs what is missing and builds what is old; throws `UnavailableError` when something cannot
   * be had, `BuildError` when a program does not compile.
   */
  prepare(): Promise<void>;
}
