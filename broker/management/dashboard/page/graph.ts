import { h, setText, svg } from "./dom.ts";
import {
  type Direction,
  type Drawn,
  type Graph,
  layOut,
  NODE,
  type Placed,
} from "./graph_layout.ts";
import { short } from "./format.ts";
import { fit } from "./text_fit.ts";

/** Room for texts, and how large they are, in pixels. */
const INSIDE = NODE.width - 22;
const NAME_SIZE = 12.5;
const KEY = { width: 108, size: 11 };
/** How many routing keys of a way are told. */
const KEYS_MAX = 20;
/** Names that are said of what is beside a node. */
const NEIGHBOURS_MAX = 5;
/** A drawing that is wider is not made smaller: nobody could read it. */
const SHRUNK_MAX = 1350;
const KINDS = { exchange: "Exchanges", queue: "Queues", consumer: "Consumers" };

/** Asks for more of what is before or after a thing, or for nothing of it any longer. */
export type Opening = { readonly direction: Direction; readonly more: boolean };

/**
 * A drawing of the ways that messages take. Everything in it leads to its own page; what has the focus
 * or is below the pointer shows where its messages come from and go to. One thing of it can be reached
 * by Tab, and from there all others by the arrow keys, along the ways.
 */
export class GraphView {
  readonly element: HTMLElement;
  readonly #onOpen: (id: string, opening: Opening) => Promise<void>;
  readonly #box: HTMLElement;
  readonly #hint = h(
    "p",
    { class: "muted hint", hidden: true },
    "Arrow keys follow the ways of messages, Enter opens, + and − show more and less.",
  );
  readonly #none = h("p", { class: "empty loading" }, "Loading…");
  #shown = "";
  #picture: Picture | undefined;

  /**
   * @param title What it is a drawing of.
   * @param onOpen Is called when more or less is to be drawn, and draws it.
   */
  constructor(title: string, onOpen: (id: string, opening: Opening) => Promise<void>) {
    this.#onOpen = onOpen;
    this.#box = h("div", {
      class: "graph",
      tabindex: "0",
      role: "region",
      "aria-label": title,
      hidden: true,
    });
    this.element = h("div", {}, this.#box, this.#none, this.#hint);
  }

  /** Shows this one; what has not changed stays, with what has the focus. */
  set(graph: Graph, none = "Nothing is bound here."): void {
    const empty = graph.nodes.length === 0;
    this.#box.hidden = this.#hint.hidden = empty;
    this.#none.hidden = !empty;
    this.#none.classList.remove("loading");
    setText(this.#none, none);
    const nodes = graph.nodes.map(({ under: _, ...node }) => node);
    const shown = JSON.stringify([nodes, graph.edges]);
    if (shown === this.#shown) return this.#picture?.say(graph);
    this.#shown = shown;
    const had = this.#box.contains(document.activeElement);
    const { current } = this.#picture ?? {};
    this.#picture = new Picture(graph, this.#onOpen, current);
    this.#box.replaceChildren(this.#picture.element);
    if (had && document.activeElement !== this.#box) this.#picture.focus();
  }
}

/** One state of a drawing. */
class Picture {
  readonly element: SVGElement;
  readonly #nodes: readonly Placed[];
  readonly #edges: readonly Drawn[];
  readonly #lines: ReadonlyMap<Drawn, readonly SVGElement[]>;
  readonly #boxes: ReadonlyMap<string, SVGAElement>;
  readonly #onOpen: (id: string, opening: Opening) => Promise<void>;
  /** What Tab leads to. */
  current: string | undefined;

  constructor(
    graph: Graph,
    onOpen: (id: string, opening: Opening) => Promise<void>,
    current: string | undefined,
  ) {
    this.#onOpen = onOpen;
    const { nodes, edges, width, height } = layOut(graph);
    this.#nodes = nodes;
    this.#edges = edges;
    this.#lines = new Map(edges.map((edge) => [edge, drawEdge(edge)]));
    this.#boxes = new Map(nodes.map((node) => [node.id, this.#drawNode(node)]));
    const lines = [...this.#lines.values()];
    this.element = svg(
      "svg",
      {
        width,
        height,
        viewBox: `0 0 ${width} ${height}`,
        class: width > SHRUNK_MAX ? "large" : undefined,
      },
      ...titles(nodes),
      ...lines.map(([line]) => line),
      ...lines.map(([, key]) => key),
      ...this.#boxes.values(),
      ...nodes.flatMap((node) => this.#openers(node)),
    );
    this.#select(current !== undefined && this.#boxes.has(current) ? current : nodes[0]?.id);
  }

  /** Puts the focus back to where it was. */
  focus(): void {
    if (this.current !== undefined) this.#boxes.get(this.current)?.focus();
  }

  /** Says what changes without anything being drawn elsewhere. */
  say({ nodes }: Graph): void {
    for (const { id, under } of nodes) {
      setText(this.#boxes.get(id)!.querySelector(".under")!, fit(under, INSIDE, KEY.size));
    }
  }

  #drawNode(node: Placed): SVGAElement {
    const { id, kind, name, under, href, x, y, height } = node;
    const top = height / 2;
    const shown = fit(name, INSIDE, NAME_SIZE);
    const follow = (on: boolean) => () => this.#follow(on ? id : undefined);
    return svg(
      "a",
      {
        class: kind,
        href,
        tabindex: -1,
        transform: `translate(${x} ${y})`,
        "aria-description": this.#neighbours(id),
        onmouseenter: follow(true),
        onmouseleave: follow(false),
        onblur: follow(false),
        onfocus: () => {
          this.#select(id);
          this.#follow(id);
        },
        onkeydown: (event) => this.#onKey(node, event as KeyboardEvent),
      },
      svg("rect", { width: NODE.width, height, rx: 8 }),
      svg(
        "text",
        { x: 11, y: top + (under === "" ? 5 : -3) },
        shown !== name && svg("title", {}, name),
        shown,
      ),
      // a space, for those to whom it is read
      " ",
      svg("text", { class: "under", x: 11, y: top + 13 }, fit(under, INSIDE, KEY.size)),
    );
  }

  /** What shows more of what is beside a node, and less. */
  #openers(node: Placed): SVGElement[] {
    const { id, x, y, name, height } = node;
    const middle = y + height / 2;
    return (["before", "after"] as const).flatMap((direction) => {
      const fold = node[direction];
      const opener = (more: boolean, text: string, label: string) => {
        const width = 14 + text.length * 7;
        const left = direction === "after" ? x + NODE.width + 3 : x - width - 3;
        // the two stand above each other when there are both
        const top = middle - 9 + (both ? (more ? -11 : 11) : 0);
        return svg(
          "g",
          {
            class: "opener",
            role: "button",
            tabindex: -1,
            "aria-label": label,
            transform: `translate(${left} ${top})`,
            onclick: () => void this.#onOpen(id, { direction, more }),
          },
          svg("rect", { width, height: 18, rx: 9 }),
          svg("text", { x: width / 2, y: 13, "text-anchor": "middle" }, text),
        );
      };
      const hidden = fold?.hidden ?? 0;
      const both = hidden > 0 && fold?.open === true;
      return [
        hidden > 0 && opener(true, `+${short(hidden)}`, `Show more ${direction} ${name}`),
        fold?.open === true && opener(false, "−", `Show none ${direction} ${name}`),
      ].filter((one) => one !== false);
    });
  }

  #neighbours(id: string): string {
    const names = new Map(this.#nodes.map((node) => [node.id, node.name]));
    const tell = (words: string, ids: readonly string[]) => {
      const beside = [...new Set(ids)].map((one) => names.get(one)!);
      const more = beside.length - NEIGHBOURS_MAX;
      const rest = more > 0 ? ` and ${more} more` : "";
      return beside.length === 0
        ? []
        : `${words} ${beside.slice(0, NEIGHBOURS_MAX).join(", ")}${rest}`;
    };
    return [
      tell("from", this.#edges.filter(({ to }) => to === id).map(({ from }) => from)),
      tell("to", this.#edges.filter(({ from }) => from === id).map(({ to }) => to)),
    ].flat().join("; ");
  }

  #onKey(node: Placed, event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const done = this.#goBy(node, event.key);
    if (done) event.preventDefault();
  }

  /** True when a key means something here. */
  #goBy(node: Placed, key: string): boolean {
    const { id, x } = node;
    const open = (direction: Direction, more: boolean) => {
      void this.#onOpen(id, { direction, more });
      return true;
    };
    const column = () =>
      this.#nodes.filter((one) => one.x === x).sort((one, other) => one.y - other.y);
    switch (key) {
      case "ArrowRight":
      case "ArrowLeft": {
        const direction = key === "ArrowRight" ? "after" : "before";
        const next = this.#beside(node, direction);
        if (next !== undefined) return this.#goTo(next);
        return (node[direction]?.hidden ?? 0) > 0 && open(direction, true);
      }
      case "ArrowDown":
      case "ArrowUp": {
        const all = column();
        return this.#goTo(all[all.indexOf(node) + (key === "ArrowDown" ? 1 : -1)]);
      }
      case "Home":
        return this.#goTo(column()[0]);
      case "End":
        return this.#goTo(column().at(-1));
      case "+":
      case "-": {
        const more = key === "+";
        const wanted = (["after", "before"] as const).find((one) =>
          more ? (node[one]?.hidden ?? 0) > 0 : node[one]?.open === true
        );
        return wanted !== undefined && open(wanted, more);
      }
      default:
        return false;
    }
  }

  /** The neighbour on one side that is drawn highest. */
  #beside({ id }: Placed, direction: Direction): Placed | undefined {
    const [near, far] = direction === "after" ? ["from", "to"] as const : ["to", "from"] as const;
    const ids = new Set(this.#edges.filter((edge) => edge[near] === id).map((edge) => edge[far]));
    return this.#nodes.filter((one) => ids.has(one.id) && one.id !== id)
      .sort((one, other) => one.y - other.y)[0];
  }

  #goTo(node: Placed | undefined): boolean {
    if (node !== undefined) this.#boxes.get(node.id)!.focus();
    return true;
  }

  /** Makes one thing the one that Tab leads to. */
  #select(id: string | undefined): void {
    if (this.current !== undefined) this.#boxes.get(this.current)?.setAttribute("tabindex", "-1");
    this.current = id;
    if (id !== undefined) this.#boxes.get(id)!.setAttribute("tabindex", "0");
  }

  #follow(id: string | undefined): void {
    const followed = id === undefined ? undefined : connected(id, this.#edges);
    for (const [edge, parts] of this.#lines) {
      const on = followed?.edges.has(edge) ?? false;
      parts[0]!.classList.toggle("followed", on);
      for (const part of parts) part.classList.toggle("dim", followed !== undefined && !on);
    }
    for (const [node, box] of this.#boxes) {
      box.classList.toggle("dim", followed !== undefined && !followed.nodes.has(node));
    }
  }
}

/** A line, and its routing key when it has one. */
function drawEdge({ points, labels }: Drawn): SVGElement[] {
  const [x, y] = points.at(-1)!;
  const line = svg("path", { class: "edge", d: curve(points) });
  const [first] = labels;
  if (first === undefined) return [line];
  const more = labels.length === 1 ? "" : ` +${labels.length - 1}`;
  const shown = fit(first, KEY.width - more.length * 7, KEY.size) + more;
  const all = [
    ...labels.slice(0, KEYS_MAX),
    ...labels.length > KEYS_MAX ? [`and ${labels.length - KEYS_MAX} more`] : [],
  ];
  const key = svg(
    "text",
    { class: "key", x: x - 8, y: y + 3.5, "text-anchor": "end" },
    shown !== first && svg("title", {}, all.join("\n")),
    shown,
  );
  return [line, key];
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
