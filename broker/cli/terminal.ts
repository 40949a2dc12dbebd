// deno-lint-ignore-file no-console -- the terminal is what this file is about

/** What a command knows of the machine around it. Tests have one of their own. */
export interface Terminal {
  /** The operating system. */
  readonly os: typeof Deno.build.os;
  /** Prints a line to standard output. */
  say(line: string): void;
  /** Prints a line to standard error: why the program gives up. */
  complain(line: string): void;
  /** An environment variable; undefined when it is not set. */
  env(name: string): string | undefined;
  /** The same for one that is not needed: undefined as well when the program may not ask. */
  envIfAllowed(name: string): string | undefined;
}

/** The terminal that the program was started in. */
export const terminal: Terminal = {
  os: Deno.build.os,
  say: (line) => console.log(line),
  complain: (line) => console.error(line),
  env: (name) => Deno.env.get(name),
  envIfAllowed(name) {
    const { state } = Deno.permissions.querySync({ name: "env", variable: name });
    return state === "granted" ? Deno.env.get(name) : undefined;
  },
};

/**
 * Makes a text fit for one line of a terminal. What others wrote may be part of it: control characters
 * must not make it two lines, or colour it. A stack trace keeps its lines.
 */
export function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex -- they are what must not get through
  return text.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, "?").replace(/\n(?! {4}at )/g, " ");
}
