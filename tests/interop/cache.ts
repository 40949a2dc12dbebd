/**
 * The folder in which everything lies that is not ours: client libraries, and what was built. It is
 * not in the repository and can be removed at any time.
 *
 * @module
 */

/** This folder, with a slash at the end. */
export const HERE: string = new URL(".", import.meta.url).pathname;
/** What is installed and built. */
export const CACHE: string = `${HERE}.cache`;

/** A runtime or a library that cannot be had on this machine, with the reason. */
export class UnavailableError extends Error {
  /** Always `"UnavailableError"`. */
  override readonly name = "UnavailableError";
}

/** A program of ours that does not compile: that is no reason to skip it. */
export class BuildError extends Error {
  /** Always `"BuildError"`. */
  override readonly name = "BuildError";
}

/** What is being installed, or was: several clients may need the same. */
const installations = new Map<string, Promise<void>>();

/** Installs into a folder of the cache, unless that was done for the same versions. */
export function installOnce(
  name: string,
  versions: string,
  install: (directory: string) => Promise<void>,
): Promise<void> {
  const started = installations.get(name) ?? installUnlessThere(name, versions, install);
  installations.set(name, started);
  return started;
}

async function installUnlessThere(
  name: string,
  versions: string,
  install: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = `${CACHE}/${name}`;
  const stamp = `${CACHE}/${name}.installed`;
  if (await readIfPresent(stamp) === versions) return;
  await Deno.remove(directory, { recursive: true }).catch(ignoreMissing);
  await Deno.mkdir(CACHE, { recursive: true });
  await install(directory);
  await Deno.writeTextFile(stamp, versions);
}

async function readIfPresent(path: string): Promise<string | undefined> {
  return await Deno.readTextFile(path).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

/** Where a program runs, and what it needs there. */
export interface RunOptions {
  /** Its folder. */
  readonly cwd?: string;
  /** Variables besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end and gives what it printed; when it fails, something is not to be had. */
export async function run(command: string, ...args: string[]): Promise<string> {
  return await runIn({}, command, ...args);
}

/** The same elsewhere. */
export async function runIn(
  options: RunOptions,
  command: string,
  ...args: string[]
): Promise<string> {
  const { success, printed, output } = await runToEnd(options, command, args);
  if (!success) throw new UnavailableError(`${command} ${args.join(" ")} failed:\n${output}`);
  return printed;
}

/** Runs a compiler: when it fails, the program is wrong. */
export async function build(
  options: RunOptions,
  command: string,
  ...args: string[]
): Promise<void> {
  const { success, output } = await runToEnd(options, command, args);
  if (!success) throw new BuildError(`${command} ${args.join(" ")} failed:\n${output}`);
}

async function runToEnd(options: RunOptions, command: string, args: readonly string[]) {
  let result: Deno.CommandOutput;
  try {
    result = await new Deno.Command(command, { ...options, args: [...args], stdin: "null" })
      .output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UnavailableError(`${command} is not installed`, { cause: error });
  }
  const decoder = new TextDecoder();
  const printed = decoder.decode(result.stdout);
  return {
    success: result.success,
    printed,
    output: `${printed}${decoder.decode(result.stderr)}`,
  };
}
