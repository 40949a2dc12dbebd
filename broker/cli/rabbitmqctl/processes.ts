import { builtIn } from "../../amqp/built_in.ts";

/** What a file says of the process that wrote it. */
export type PidFile =
  | { readonly pid: number }
  /** It is empty, or somebody else's. */
  | { readonly contents: string }
  /** It cannot be read: the name of the error, such as `enoent`. */
  | { readonly error: string };

/** Reads the file in which a process wrote its number. */
export async function readPidFile(file: string): Promise<PidFile> {
  let contents: string;
  try {
    contents = await Deno.readTextFile(file);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return { error: "enoent" };
    return { error: `${(cause as { code?: unknown }).code ?? cause}`.toLowerCase() };
  }
  const [number] = /^\s*\d+/.exec(contents) ?? [];
  return number === undefined ? { contents } : { pid: Number(number) };
}

/** A signal of 0 is sent to nobody: it only tells whether somebody is there. */
export function isAlive(pid: number): boolean {
  try {
    builtIn("process").kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as { code?: unknown }).code === "EPERM";
  }
}
