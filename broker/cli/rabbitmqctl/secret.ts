import type { Terminal } from "../terminal.ts";

/** Reads a password that is not said on the command line: the first line of standard input. */
export async function readSecret(terminal: Terminal): Promise<string> {
  let text = "";
  for await (const part of terminal.input().pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("\n")) break;
  }
  return text.split(/\r?\n/, 1)[0]!;
}
