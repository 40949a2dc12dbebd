/**
 * A line about a figure and its goal, for tools that print as they go.
 *
 * @param what What was measured.
 * @param figure What came out.
 * @param most What it may be at most.
 * @param unit Of both.
 */
export function verdict(what: string, figure: number, most: number, unit: string): string {
  const met = figure <= most ? "met" : "MISSED";
  const show = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 1 });
  return `${what}: ${show(figure)} ${unit} (goal: at most ${show(most)}, ${met})`;
}
