import { h, svg } from "./dom.ts";
import { type Drawn, type Graph, layOut, NODE, type Placed } from "./graph_layout.ts";

const NAME_MAX = 21;
const KEY_MAX = 16;
const UNDER_MAX = 23;
const KINDS = { exchange: "Exchanges", queue: "Queues", consumer: "Consumers" };

/**
 * A drawing of the ways that messages take. Everything in it leads to its own page; what has the focus
 * or is below the pointer shows where its messages come from and go to.
 */
export class GraphView {
  readonly element: HTMLElement;
  #shown = "";

  /** @param title What it is a drawing of. */
  constructor(title: string) {
    this.element = h("div", { class: "graph", tabindex: "0", role: "region", "aria-label": title });
  }

  /** Shows this one; one that has not changed stays, with what has the focus. */
  set(graph: Graph): void {
    const shown = JSON.stringify(graph);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const focused = document.activeElement?.getAttribute("href");
    const had = this.element.contains(document.activeElement);
    this.element.replaceChildren(draw(graph));
    if (!had || focused === undefined) return;
    [...this.element.querySelectorAll<SVGAElement>("a")]
      .find((link) => link.getAttribute("href") === focused)?.focus();
  }
}

function draw(graph: Graph): SVGElement {
  const { nodes, edges, width, height } = layOut(graph);
  const lines = edges.map((edge) => drawEdge(edge));
  const boxes = new Map(nodes.map((node) => [node.id, drawNode(node)]));
  const picture = svg(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}` },
    ...titles(nodes),
    ...lines.map(({ line }) => line),
    ...lines.map(({ key }) => key),
    ...boxes.values(),
  );
  const follow = (id: string | undefined) => {
    const followed = id === undefined ? undefined : connected(id, edges);
    for (const [index, edge] of edges.entries()) {
      const on = followed?.edges.has(edge) ?? false;
      lines[index]!.line.classList.toggle("followed", on);
      for (const part of Object.values(lines[index]!)) {
        if (part !== undefined) part.classList.toggle("dim", followed !== undefined && !on);
      }
    }
    for (const [node, box] of boxes) {
      box.classList.toggle("dim", followed !== undefined && !followed.nodes.has(node));
    }
  };
  for (const [id, box] of boxes) {
    for (const begin of ["mouseenter", "focus"]) box.addEventListener(begin, () => follow(id));
    for (const end of ["mouseleave", "blur"]) box.addEventListener(end, () => follow(undefined));
  }
  return picture;
}

function drawNode(node: Placed): SVGAElement {
  const { kind, name, under, href, x, y } = node;
  const transform = `translate(${x} ${y})`;
  return svg(
    "a",
    { class: kind, href, transform },
    svg("rect", { width: NODE.width, height: NODE.height, rx: 8 }),
    svg(
      "text",
      { x: 12, y: under === "" ? 27 : 19 },
      name.length > NAME_MAX && svg("title", {}, name),
      cut(name, NAME_MAX),
    ),
    // a space, for those to whom it is read
    " ",
    svg("text", { class: "under", x: 12, y: 35 }, cut(under, UNDER_MAX)),
  );
}

function drawEdge(
  { points, label }: Drawn,
): { readonly line: SVGElement; readonly key: SVGElement | undefined } {
  const [x, y] = points.at(-1)!;
  const key = label === "" ? undefined : svg(
    "text",
    { class: "key", x: x - 10, y: y + 3.5, "text-anchor": "end" },
    svg("title", {}, label),
    cut(label, KEY_MAX),
  );
  return { line: svg("path", { class: "edge", d: curve(points) }), key };
}

/** A line that leaves and arrives level, and bends between columns only. */
function curve(points: Drawn["points"]): string {
  let drawn = `M${points[0]!.join(" ")}`;
  for (let at = 1; at < points.length; at++) {
    const [[x1, y1], [x2, y2]] = [points[at - 1]!, points[at]!];
    const bend = Math.max(40, Math.abs(x2 - x1) / 2);
    drawn += at % 2 === 0 ? `L${x2} ${y2}` : `C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  }
  return drawn;
}

function titles(nodes: readonly Placed[]): SVGElement[] {
  const seen = new Set<string>();
  return nodes.filter(({ kind }) => !seen.has(kind) && seen.add(kind))
    .map(({ kind, x }) => svg("text", { class: "column", x, y: 14 }, KINDS[kind]));
}

/** All that messages pass before and after. */
function connected(
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

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
