import { h, setText, svg } from "./dom.ts";
import { type Direction, type Drawn, type Graph, layOut, type Placed } from "./graph_layout.ts";
import { drawEdge, insideOf, openersOf, type Opening, titles, underOf } from "./graph_shapes.ts";
import { beside, connected, neighbours } from "./graph_ways.ts";

/** A drawing that is wider is not made smaller: nobody could read it. */
const SHRUNK_MAX = 1350;
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
      ...nodes.flatMap((node) => openersOf(node, (opening) => void this.#onOpen(node.id, opening))),
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
      setText(this.#boxes.get(id)!.querySelector(".under")!, underOf(under));
    }
  }

  #drawNode(node: Placed): SVGAElement {
    const { id, kind, href, x, y } = node;
    const follow = (on: boolean) => () => this.#follow(on ? id : undefined);
    return svg(
      "a",
      {
        class: kind,
        href,
        tabindex: -1,
        transform: `translate(${x} ${y})`,
        "aria-description": neighbours(id, this.#nodes, this.#edges),
        onmouseenter: follow(true),
        onmouseleave: follow(false),
        onblur: follow(false),
        onfocus: () => {
          this.#select(id);
          this.#follow(id);
        },
        onkeydown: (event) => this.#onKey(node, event as KeyboardEvent),
      },
      ...insideOf(node),
    );
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
        const next = beside(node, direction, this.#nodes, this.#edges);
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
