import type { Terminal } from "../../broker/cli/terminal.ts";

/** A terminal that remembers what was printed, with an environment of the test's own. */
export class RecordingTerminal implements Terminal {
  readonly os: Terminal["os"];
  readonly said: string[] = [];
  readonly complained: string[] = [];
  readonly #env: Readonly<Record<string, string>>;

  constructor(options: { os?: Terminal["os"]; env?: Readonly<Record<string, string>> } = {}) {
    this.os = options.os ?? "linux";
    this.#env = options.env ?? {};
  }

  // as properties: a command may take them out of their terminal
  readonly say = (line: string): void => void this.said.push(line);
  readonly complain = (line: string): void => void this.complained.push(line);
  readonly env = (name: string): string | undefined => this.#env[name];
  readonly envIfAllowed = (name: string): string | undefined => this.#env[name];
}
