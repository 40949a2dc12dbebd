/** Against the way of messages, or along it. */
export type Direction = "before" | "after";

/** What is not drawn beside a node. */
export interface Fold {
  /** How many bindings or consumers are not drawn. */
  readonly hidden: number;
  /** True when some were asked for. */
  readonly open: boolean;
}

/** What stands in a graph. */
export interface GraphNode {
  readonly id: string;
  readonly kind: "exchange" | "queue" | "consumer";
  readonly name: string;
  /** What is said below the name. */
  readonly under: string;
  readonly href: string;
  readonly before?: Fold;
  readonly after?: Fold;
}

/** A way from one to another. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** The routing keys, say. */
  readonly labels: readonly string[];
}

/** What is drawn: from the left to the right. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** A node at its place. */
export interface Placed extends GraphNode {
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

/** An edge with the points that it goes through. */
export interface Drawn extends GraphEdge {
  /** From its beginning on; between each second and third it goes straight past a column. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Sizes, in pixels. */
export const NODE = { width: 180, height: 44 };
const GAP = { column: 136, row: 14 };
/** What a label needs beside where its edge arrives. */
const LABEL = 13;
/** Room for what says how much is not drawn. */
const OPENER = 64;
/** What an edge takes of a column that it only passes. */
const LANE = 8;
const TOP = 30;
/** Exchanges that are bound to each other in a circle end somewhere. */
const DEPTH_MAX = 6;

/** What stands in a column: a node, or an edge that passes. */
interface Item {
  readonly id: string;
  readonly node: GraphNode | undefined;
  /** What is before it. */
  readonly before: string[];
  readonly height: number;
}

/** Where everything stands: exchanges by how far messages have come, then queues, then consumers. */
export function layOut(graph: Graph): {
  readonly nodes: readonly Placed[];
  readonly edges: readonly Drawn[];
  readonly width: number;
  readonly height: number;
} {
  const { columns, lanes } = withLanes(columnsOf(graph), graph.edges);
  const heights = columns.map((items) =>
    items.reduce((sum, { height }) => sum + height + GAP.row, 0)
  );
  const room = (direction: Direction) =>
    graph.nodes.some((node) => (node[direction]?.hidden ?? 0) > 0) ? OPENER : 0;
  const left = 1 + room("before");
  const xOf = (column: number) => left + column * (NODE.width + GAP.column);
  const height = Math.max(NODE.height, ...heights);
  /** The middles of all items. */
  const middles = new Map<string, number>();
  const nodes: Placed[] = [];
  for (const [column, items] of columns.entries()) {
    const x = xOf(column);
    let y = TOP + (height - heights[column]!) / 2;
    for (const item of inOrder(items, middles)) {
      middles.set(item.id, y + item.height / 2);
      if (item.node !== undefined) nodes.push({ ...item.node, x, y, height: item.height });
      y += item.height + GAP.row;
    }
  }
  return {
    nodes,
    edges: draw(graph.edges, lanes, new Map(nodes.map((node) => [node.id, node])), middles, xOf),
    width: Math.max(NODE.width, xOf(columns.length) - GAP.column) + 1 + room("after"),
    height: TOP + height,
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

/** Makes room for edges in the columns that they pass, so that they run behind nothing. */
function withLanes(columns: readonly GraphNode[][], edges: readonly GraphEdge[]): {
  readonly columns: readonly Item[][];
  /** The columns that each edge passes, with the names of its lanes. */
  readonly lanes: ReadonlyMap<GraphEdge, readonly (readonly [column: number, id: string])[]>;
} {
  /** How many edges with labels arrive at a node. */
  const arriving = new Map<string, number>();
  for (const { to, labels } of edges) {
    if (labels.length > 0) arriving.set(to, (arriving.get(to) ?? 0) + 1);
  }
  const heightOf = (id: string) => Math.max(NODE.height, (arriving.get(id) ?? 0) * LABEL + LABEL);
  const items: Item[][] = columns.map((nodes) =>
    nodes.map((node) => ({ id: node.id, node, before: [], height: heightOf(node.id) }))
  );
  const at = new Map(columns.flatMap((nodes, column) => nodes.map(({ id }) => [id, column])));
  const found = new Map(items.flat().map((item) => [item.id, item]));
  const lanes = new Map<GraphEdge, [number, string][]>();
  for (const [index, edge] of edges.entries()) {
    const passed: [number, string][] = [];
    let last = edge.from;
    for (let column = at.get(edge.from)! + 1; column < at.get(edge.to)!; column++) {
      const id = `lane ${index} ${column}`;
      items[column]!.push({ id, node: undefined, before: [last], height: LANE });
      passed.push([column, id]);
      last = id;
    }
    lanes.set(edge, passed);
    found.get(edge.to)?.before.push(last);
  }
  return { columns: items, lanes };
}

/** Each beside those it comes from, so that few ways cross. */
function inOrder(items: readonly Item[], middles: ReadonlyMap<string, number>): Item[] {
  const wishes = new Map(items.map(({ id, before }) => {
    const from = before.map((one) => middles.get(one)).filter((y) => y !== undefined);
    const mean = from.reduce((sum, y) => sum + y, 0) / from.length;
    return [id, from.length === 0 ? Infinity : mean];
  }));
  const name = ({ id, node }: Item) => node?.name ?? id;
  return [...items].sort((one, other) => {
    const [a, b] = [wishes.get(one.id)!, wishes.get(other.id)!];
    return a === b ? (name(one) < name(other) ? -1 : 1) : a - b;
  });
}

/** Ways leave and arrive below each other, in the order of where they go. */
function draw(
  edges: readonly GraphEdge[],
  lanes: ReadonlyMap<GraphEdge, readonly (readonly [column: number, id: string])[]>,
  placed: ReadonlyMap<string, Placed>,
  middles: ReadonlyMap<string, number>,
  xOf: (column: number) => number,
): Drawn[] {
  const known = edges.filter(({ from, to }) => placed.has(from) && placed.has(to));
  /** How high an edge is beside one of its ends. */
  const beside = (edge: GraphEdge, end: "from" | "to") => {
    const lane = lanes.get(edge)?.at(end === "from" ? 0 : -1)?.[1];
    return middles.get(lane ?? edge[end === "from" ? "to" : "from"])!;
  };
  const port = (edge: GraphEdge, end: "from" | "to") => {
    const all = known.filter((one) => one[end] === edge[end])
      .sort((one, other) => beside(one, end) - beside(other, end));
    const { y, height } = placed.get(edge[end])!;
    return y + height / (all.length + 1) * (all.indexOf(edge) + 1);
  };
  return known.map((edge) => {
    const passed = (lanes.get(edge) ?? []).flatMap(([column, id]) => {
      const x = xOf(column);
      const y = middles.get(id)!;
      return [[x, y], [x + NODE.width, y]] as const;
    });
    const first = [placed.get(edge.from)!.x + NODE.width, port(edge, "from")] as const;
    const last = [placed.get(edge.to)!.x, port(edge, "to")] as const;
    return { ...edge, points: [first, ...passed, last] };
  });
}
