/** A table with lines around each cell, as terminals draw them; one text for each of its lines. */
export function prettyTable(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = columnWidths(columns, rows);
  const rule = (left: string, between: string, right: string) =>
    `${left}${widths.map((width) => "─".repeat(width + 2)).join(between)}${right}`;
  const line = (cells: readonly string[]) =>
    `│ ${cells.map((cell, at) => padded(cell, widths[at]!)).join(" │ ")} │`;
  const body = rows.flatMap((row) => [rule("├", "┼", "┤"), line(row)]);
  return [rule("┌", "┬", "┐"), line(columns), ...body, rule("└", "┴", "┘")];
}

/** A table with two spaces between its columns; numbers stand at the right. */
export function plainTable(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = columnWidths(columns, rows);
  const numeric = columns.map((_, at) =>
    rows.length > 0 && rows.every((row) => /^(-?[\d.]+)?$/.test(row[at]!)) &&
    rows.some((row) => row[at] !== "")
  );
  return [columns, ...rows].map((cells) =>
    cells.map((cell, at) =>
      numeric[at]
        ? `${" ".repeat(Math.max(0, widths[at]! - displayWidth(cell)))}${cell}`
        : padded(cell, widths[at]!)
    ).join("  ").trimEnd()
  );
}

/** How many columns of a terminal a text takes: some signs take two, and some none. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const sign of text) {
    if (/\p{Mn}|\p{Me}|\p{Cf}/u.test(sign)) continue;
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u
          .test(sign)
        ? 2
        : 1;
  }
  return width;
}

function columnWidths(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): number[] {
  return columns.map((name, at) =>
    rows.reduce((most, row) => Math.max(most, displayWidth(row[at]!)), displayWidth(name))
  );
}

function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}
