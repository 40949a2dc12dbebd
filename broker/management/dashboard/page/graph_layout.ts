/** What stands in a graph. */
export interface GraphNode {
  readonly id: string;
  readonly kind: "exchange" | "queue" | "consumer";
  readonly name: string;
  /** What is said below the name. */
  readonly under: string;
  readonly href: string;
}

/** A way from one to another. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** The routing key, say. */
  readonly label: string;
}

/** What is drawn: from the left to the right. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** A node at its place. */
export interface Placed extends GraphNode {
  readonly column: number;
  readonly x: number;
  readonly y: number;
}

/** An edge from point to point. */
export interface Drawn extends GraphEdge {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** Sizes, in pixels. */
export const NODE = { width: 168, height: 44 };
const GAP = { column: 124, row: 16 };
const TOP = 30;
/** Exchanges that are bound to each other in a circle end somewhere. */
const DEPTH_MAX = 6;

/** Where everything stands: exchanges by how far messages have come, then queues, then consumers. */
export function layOut({ nodes, edges }: Graph): {
  readonly nodes: readonly Placed[];
  readonly edges: readonly Drawn[];
  readonly width: number;
  readonly height: number;
} {
  const columns = columnsOf({ nodes, edges });
  const tallest = Math.max(1, ...columns.map((column) => column.length));
  const height = TOP + tallest * (NODE.height + GAP.row);
  const placed = new Map<string, Placed>();
  for (const [column, members] of columns.entries()) {
    const top = TOP + (tallest - members.length) * (NODE.height + GAP.row) / 2;
    for (const [row, node] of inOrder(members, edges, placed).entries()) {
      const x = 1 + column * (NODE.width + GAP.column);
      placed.set(node.id, { ...node, column, x, y: top + row * (NODE.height + GAP.row) });
    }
  }
  return {
    nodes: [...placed.values()],
    edges: drawn(edges, placed),
    width: 2 + columns.length * NODE.width + Math.max(0, columns.length - 1) * GAP.column,
    height,
  };
}

function columnsOf({ nodes, edges }: Graph): GraphNode[][] {
  const kinds = new Map(nodes.map(({ id, kind }) => [id, kind]));
  const depth = new Map(nodes.map(({ id }) => [id, 0]));
  const between = edges.filter(({ from, to }) =>
    kinds.get(from) === "exchange" && kinds.get(to) === "exchange" && from !== to
  );
  for (let round = 0; round < DEPTH_MAX; round++) {
    for (const { from, to } of between) {
      depth.set(to, Math.min(DEPTH_MAX, Math.max(depth.get(to)!, depth.get(from)! + 1)));
    }
  }
  const exchanges = nodes.filter(({ kind }) => kind === "exchange");
  const deepest = Math.max(-1, ...exchanges.map(({ id }) => depth.get(id)!));
  const columns: GraphNode[][] = Array.from({ length: deepest + 3 }, () => []);
  for (const node of nodes) {
    const after = node.kind === "queue" ? 1 : 2;
    columns[node.kind === "exchange" ? depth.get(node.id)! : deepest + after]!.push(node);
  }
  return columns.filter((column) => column.length > 0);
}

/** Each beside those it comes from, so that few ways cross. */
function inOrder(
  members: readonly GraphNode[],
  edges: readonly GraphEdge[],
  placed: ReadonlyMap<string, Placed>,
): GraphNode[] {
  const heights = new Map(members.map(({ id }) => {
    const from = edges.filter(({ to }) => to === id)
      .map((edge) => placed.get(edge.from)?.y)
      .filter((y) => y !== undefined);
    return [id, from.length === 0 ? Infinity : from.reduce((sum, y) => sum + y) / from.length];
  }));
  return [...members].sort((one, other) => {
    const [a, b] = [heights.get(one.id)!, heights.get(other.id)!];
    return a === b ? (one.name < other.name ? -1 : 1) : a - b;
  });
}

/** Ways leave and arrive below each other, in the order of where they go. */
function drawn(edges: readonly GraphEdge[], placed: ReadonlyMap<string, Placed>): Drawn[] {
  const known = edges.filter(({ from, to }) => placed.has(from) && placed.has(to));
  const port = (edge: GraphEdge, end: "from" | "to") => {
    const far = end === "from" ? "to" : "from";
    const beside = known.filter((one) => one[end] === edge[end])
      .sort((one, other) => placed.get(one[far])!.y - placed.get(other[far])!.y);
    const step = NODE.height / (beside.length + 1);
    return placed.get(edge[end])!.y + step * (beside.indexOf(edge) + 1);
  };
  return known.map((edge) => ({
    ...edge,
    x1: placed.get(edge.from)!.x + NODE.width,
    y1: port(edge, "from"),
    x2: placed.get(edge.to)!.x,
    y2: port(edge, "to"),
  }));
}
