import type { Direction, Drawn, Placed } from "./graph_layout.ts";

/** Names that are said of what is beside a node. */
const NEIGHBOURS_MAX = 5;

/** All that messages pass before and after. */
export function connected(
  id: string,
  edges: readonly Drawn[],
): { readonly nodes: ReadonlySet<string>; readonly edges: ReadonlySet<Drawn> } {
  const nodes = new Set([id]);
  const passed = new Set<Drawn>();
  for (const [near, far] of [["from", "to"], ["to", "from"]] as const) {
    const waiting = [id];
    const seen = new Set(waiting);
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      for (const edge of edges) {
        if (edge[near] !== at) continue;
        passed.add(edge);
        nodes.add(edge[far]);
        if (!seen.has(edge[far])) waiting.push(edge[far]);
        seen.add(edge[far]);
      }
    }
  }
  return { nodes, edges: passed };
}

/** The neighbour on one side that is drawn highest. */
export function beside(
  { id }: Placed,
  direction: Direction,
  nodes: readonly Placed[],
  edges: readonly Drawn[],
): Placed | undefined {
  const [near, far] = direction === "after" ? ["from", "to"] as const : ["to", "from"] as const;
  const ids = new Set(edges.filter((edge) => edge[near] === id).map((edge) => edge[far]));
  return nodes.filter((one) => ids.has(one.id) && one.id !== id)
    .sort((one, other) => one.y - other.y)[0];
}

/** What is beside a node, in words. */
export function neighbours(id: string, nodes: readonly Placed[], edges: readonly Drawn[]): string {
  const names = new Map(nodes.map((node) => [node.id, node.name]));
  const tell = (words: string, ids: readonly string[]) => {
    const all = [...new Set(ids)].map((one) => names.get(one)!);
    const more = all.length - NEIGHBOURS_MAX;
    const rest = more > 0 ? ` and ${more} more` : "";
    return all.length === 0 ? [] : `${words} ${all.slice(0, NEIGHBOURS_MAX).join(", ")}${rest}`;
  };
  return [
    tell("from", edges.filter(({ to }) => to === id).map(({ from }) => from)),
    tell("to", edges.filter(({ from }) => from === id).map(({ to }) => to)),
  ].flat().join("; ");
}
