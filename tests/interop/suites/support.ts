// deno-lint-ignore-file no-console -- programs: their output is what it is for
/**
 * What the programs share that run the tests of another project against the broker. The tests come
 * from a package registry with the package that they are in: nothing of them is in the repository.
 *
 * @module
 */

/** Tests that another project wrote. */
export interface Suite {
  /** What runs them. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Its folder, where the tests need one. */
  readonly cwd?: string;
  /** Variables that tell the tests what they want to know. */
  readonly env?: Readonly<Record<string, string>>;
  /** Matches in the output for each test that ran, or has their number as its first group. */
  readonly ran: RegExp;
  /** How many they are. Versions are pinned: another number is an error. */
  readonly tests: number;
  /** Lines that would only hide what failed. */
  readonly noise?: RegExp;
}

/** Runs them, and fails when one does, or when not all of them ran. */
export async function runSuite(suite: Suite): Promise<void> {
  const { command, args, cwd, env = {}, tests, noise } = suite;
  const process = new Deno.Command(command, {
    args: [...args],
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const pieces = await Promise.all([show(process.stdout, noise), show(process.stderr, noise)]);
  const { success, code, signal } = await process.status;
  if (!success) console.log(`The tests ended with ${signal ?? `status ${code}`}`);
  const matches = [...pieces.join("").matchAll(suite.ran)];
  const ran = matches.reduce((sum, [, number = "1"]) => sum + Number(number), 0);
  if (ran !== tests) console.log(`${ran} tests ran, and ${tests} should have`);
  Deno.exitCode = success && ran === tests ? 0 : 1;
}

/** Passes on at once what is written, since tests that take too long are killed with this program. */
async function show(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  noise: RegExp | undefined,
): Promise<string> {
  let text = "";
  let shown = 0;
  for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const end = text.lastIndexOf("\n");
    if (end < shown) continue;
    for (const line of text.slice(shown, end).split("\n")) {
      if (noise?.test(line) !== true) console.log(line);
    }
    shown = end + 1;
  }
  console.log(text.slice(shown));
  return text;
}

/** A variable that the runtime of a program sets. */
export function variable(name: string): string {
  const value = Deno.env.get(name);
  if (value === undefined) throw new Error(`${name} is not set: run this by deno task interop`);
  return value;
}
