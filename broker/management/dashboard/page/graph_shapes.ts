import { type Child, svg } from "./dom.ts";
import { short } from "./format.ts";
import { type Direction, type Drawn, NODE, type Placed } from "./graph_layout.ts";
import { fit } from "./text_fit.ts";

/** Room for texts, and how large they are, in pixels. */
const INSIDE = NODE.width - 22;
const NAME_SIZE = 12.5;
const KEY = { width: 108, size: 11 };
/** How many routing keys of a way are told. */
const KEYS_MAX = 20;
const KINDS = { exchange: "Exchanges", queue: "Queues", consumer: "Consumers" };

/** Asks for more of what is before or after a thing, or for nothing of it any longer. */
export type Opening = { readonly direction: Direction; readonly more: boolean };

/** What a node is drawn as. */
export function insideOf({ name, under, height }: Placed): Child[] {
  const middle = height / 2;
  const shown = fit(name, INSIDE, NAME_SIZE);
  return [
    svg("rect", { width: NODE.width, height, rx: 8 }),
    svg(
      "text",
      { x: 11, y: middle + (under === "" ? 5 : -3) },
      shown !== name && svg("title", {}, name),
      shown,
    ),
    // a space, for those to whom it is read
    " ",
    svg("text", { class: "under", x: 11, y: middle + 13 }, underOf(under)),
  ];
}

/** What is said below a name. */
export function underOf(under: string): string {
  return fit(under, INSIDE, KEY.size);
}

/** What shows more of what is beside a node, and less. */
export function openersOf(node: Placed, onOpen: (opening: Opening) => void): SVGElement[] {
  const { x, y, name, height } = node;
  const middle = y + height / 2;
  return (["before", "after"] as const).flatMap((direction) => {
    const { hidden, open } = node[direction] ?? { hidden: 0, open: false };
    const both = hidden > 0 && open;
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
          // it is called what it shows, and more
          "aria-label": `${text} ${label}`,
          transform: `translate(${left} ${top})`,
          onclick: () => onOpen({ direction, more }),
        },
        svg("rect", { width, height: 18, rx: 9 }),
        svg("text", { x: width / 2, y: 13, "text-anchor": "middle" }, text),
      );
    };
    return [
      hidden > 0 && opener(true, `+${short(hidden)}`, `more ${direction} ${name}`),
      open && opener(false, "−", `show none ${direction} ${name}`),
    ].filter((one) => one !== false);
  });
}

/** A line, and its routing key when it has one. */
export function drawEdge({ points, labels }: Drawn): SVGElement[] {
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

/** What stands in each column. */
export function titles(nodes: readonly Placed[]): SVGElement[] {
  const seen = new Set<string>();
  return nodes.filter(({ kind }) => !seen.has(kind) && seen.add(kind))
    .map(({ kind, x }) => svg("text", { class: "column", x, y: 14 }, KINDS[kind]));
}
