import type { Terminal } from "../terminal.ts";
import { CtlError, EXIT } from "./command.ts";

/**
 * Reads a password that is not said on the command line: the first line of standard input.
 *
 * @throws {CtlError} When there is none.
 */
export async function readSecret(terminal: Terminal): Promise<string> {
  let text = "";
  for await (const part of terminal.input().pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("\n")) break;
  }
  const [secret] = text.split(/\r?\n/, 1);
  if (secret === undefined || secret === "") {
    throw new CtlError(EXIT.software, "Password is not provided via argument or stdin");
  }
  return secret;
}
