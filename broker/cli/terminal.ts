// deno-lint-ignore-file no-console -- the terminal is what this file is about

/** What a command knows of the machine around it. Tests have one of their own. */
export interface Terminal {
  /** The operating system. */
  readonly os: typeof Deno.build.os;
  /** Prints a line to standard output. */
  say(line: string): void;
  /** Prints a line to standard error: why the program gives up. */
  complain(line: string): void;
  /** Writes text to standard output as it is. Resolves when it is written; false: nobody reads it. */
  write(text: string): Promise<boolean>;
  /** What comes from standard input; to be asked for once. */
  input(): ReadableStream<Uint8Array>;
  /** True when standard output is a terminal that may be coloured. */
  readonly colours: boolean;
  /** The same of standard error. */
  readonly complaintColours: boolean;
  /** How large the terminal is; undefined when standard output is none. */
  size(): { readonly columns: number; readonly rows: number } | undefined;
  /** Calls back whenever it has another size. The result ends that. */
  onResize(callback: () => void): () => void;
  /** Aborts when the user wants a command to end that goes on by itself. */
  interrupted(): AbortSignal;
  /** An environment variable; undefined when it is not set. */
  env(name: string): string | undefined;
  /** The same for one that is not needed: undefined as well when the program may not ask. */
  envIfAllowed(name: string): string | undefined;
}

/** The terminal that the program was started in. */
export const terminal: Terminal = {
  os: Deno.build.os,
  say: (line) => console.log(line),
  write,
  input: () => Deno.stdin.readable,
  get colours() {
    return !Deno.noColor && Deno.stdout.isTerminal();
  },
  get complaintColours() {
    return !Deno.noColor && Deno.stderr.isTerminal();
  },
  size() {
    if (!Deno.stdout.isTerminal()) return undefined;
    const { columns, rows } = Deno.consoleSize();
    return { columns, rows };
  },
  onResize(callback) {
    if (Deno.build.os === "windows") return () => {};
    Deno.addSignalListener("SIGWINCH", callback);
    return () => Deno.removeSignalListener("SIGWINCH", callback);
  },
  interrupted() {
    const stopping = new AbortController();
    const stop = () => {
      stopping.abort();
      // who asks twice does not want to wait
      Deno.removeSignalListener("SIGINT", stop);
    };
    Deno.addSignalListener("SIGINT", stop);
    return stopping.signal;
  },
  complain: (line) => console.error(line),
  env: (name) => Deno.env.get(name),
  envIfAllowed(name) {
    const { state } = Deno.permissions.querySync({ name: "env", variable: name });
    return state === "granted" ? Deno.env.get(name) : undefined;
  },
};

async function write(text: string): Promise<boolean> {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
    return true;
  } catch (cause) {
    if (cause instanceof Deno.errors.BrokenPipe) return false;
    throw cause;
  }
}

/**
 * Makes a text fit for one line of a terminal. What others wrote may be part of it: control characters
 * must not make it two lines, or colour it. A stack trace keeps its lines.
 */
export function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex -- they are what must not get through
  return text.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, "?").replace(/\n(?! {4}at )/g, " ");
}
