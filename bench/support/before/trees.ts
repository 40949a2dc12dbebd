import { PROJECT } from "../project.ts";
import { runProgram } from "../run_program.ts";

/** The files of a commit. */
export interface Tree {
  /** Where they are; ends with a slash. */
  readonly directory: string;
  /** The commit, for people: its short name and what it says it does. */
  readonly commit: string;
}

/**
 * Takes the files of a commit out of the repository into a temporary directory; the stack removes it.
 *
 * @param ref What names the commit, such as `HEAD~3` or a tag.
 * @throws {Error} What git says, when there is no such commit, or no repository.
 */
export async function takeOut(stack: AsyncDisposableStack, ref: string): Promise<Tree> {
  const commit = await runProgram("git", ["-C", PROJECT, "log", "-1", "--format=%h %s", ref, "--"]);
  const directory = await Deno.makeTempDir({ prefix: "before-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const archive = `${directory}/files.tar`;
  await runProgram("git", ["-C", PROJECT, "archive", "--output", archive, commit.split(" ")[0]!]);
  await runProgram("tar", ["-xf", archive, "-C", directory]);
  await Deno.remove(archive);
  return { directory: `${directory}/`, commit: commit.trim() };
}

/** True when the files here are those of a commit, nothing changed and nothing new. */
export async function isUnchanged(ref: string): Promise<boolean> {
  const changed = await runProgram("git", ["-C", PROJECT, "status", "--porcelain"]);
  const [here, there] =
    (await runProgram("git", ["-C", PROJECT, "rev-parse", "HEAD", `${ref}^{commit}`]))
      .split("\n");
  return changed === "" && here === there;
}
