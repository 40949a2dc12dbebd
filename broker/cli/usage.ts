/** Where the explanations begin in the help. */
const COLUMN = 21;

/** The help of an option that takes a value, its lines below each other. */
export function usageOf({ flag, value, help }: {
  readonly flag: string;
  readonly value: string;
  readonly help: readonly string[];
}): string {
  const head = `  --${flag} ${value}`;
  const lines = head.length < COLUMN ? help : ["", ...help];
  return lines.map((line, index) => `${(index === 0 ? head : "").padEnd(COLUMN)}${line}`.trimEnd())
    .join("\n");
}
