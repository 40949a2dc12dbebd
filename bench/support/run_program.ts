/**
 * Runs a program to its end.
 *
 * @param signal Stops it.
 * @returns What it printed.
 * @throws {Error} When it failed, with what it said; `Deno.errors.NotFound` when it is not installed.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const options = { args: [...args], ...(signal === undefined ? {} : { signal }) };
  const { success, stdout, stderr } = await new Deno.Command(program, options).output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout);
  if (success) return output;
  throw new Error(`${program} ${args.join(" ")}: ${decoder.decode(stderr).trim()}${output}`);
}
