/** The columns that arguments choose; scripts write them with commas as well. */
export function chooseColumns(
  args: readonly string[],
  usual: readonly string[],
): readonly string[] {
  const chosen = args.flatMap((argument) => argument.split(",")).map((name) => name.trim())
    .filter(Boolean);
  return chosen.length === 0 ? usual : [...new Set(chosen)];
}
