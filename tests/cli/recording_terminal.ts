import type { Terminal } from "../../broker/cli/terminal.ts";

/** What such a terminal has. */
export interface RecordingOptions {
  readonly os?: Terminal["os"];
  readonly env?: Readonly<Record<string, string>>;
  /** What its standard input has. */
  readonly input?: string;
  readonly colours?: boolean;
  readonly complaintColours?: boolean;
}

/** A terminal that remembers what was printed, with an environment of the test's own. */
export class RecordingTerminal implements Terminal {
  readonly os: Terminal["os"];
  readonly said: string[] = [];
  readonly complained: string[] = [];
  /** What was written that is not lines. */
  written = "";
  readonly colours: boolean;
  readonly complaintColours: boolean;
  /** The user who wants a command to end. */
  readonly user: AbortController = new AbortController();
  readonly #env: Readonly<Record<string, string>>;
  readonly #input: ReadableStream<Uint8Array>;

  constructor(options: RecordingOptions = {}) {
    this.os = options.os ?? "linux";
    this.#env = options.env ?? {};
    this.#input = new Blob([options.input ?? ""]).stream();
    this.colours = options.colours ?? false;
    this.complaintColours = options.complaintColours ?? false;
  }

  /** All of standard output. */
  get output(): string {
    return this.said.map((line) => `${line}\n`).join("") + this.written;
  }

  // as properties: a command may take them out of their terminal
  readonly say = (line: string): void => void this.said.push(line);
  readonly complain = (line: string): void => void this.complained.push(line);
  readonly write = (text: string): Promise<boolean> => {
    this.written += text;
    return Promise.resolve(true);
  };
  readonly input = (): ReadableStream<Uint8Array> => this.#input; // one, as the process has
  readonly interrupted = (): AbortSignal => this.user.signal;
  readonly onResize = (): () => void => () => {};
  readonly size = (): { columns: number; rows: number } | undefined =>
    this.colours ? { columns: 100, rows: 30 } : undefined;
  readonly env = (name: string): string | undefined => this.#env[name];
  readonly envIfAllowed = (name: string): string | undefined => this.#env[name];
}
