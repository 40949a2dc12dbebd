/** Text for a terminal, bold where there is one: codes in a file or a pipe are rubbish. */
export function bold(text: string, colours: boolean): string {
  return colours ? `\x1b[1m${text}\x1b[0m` : text;
}
