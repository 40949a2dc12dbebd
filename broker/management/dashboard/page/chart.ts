import uPlot from "uplot";
import { h, setText } from "./dom.ts";
import { bytes, short } from "./format.ts";
import { colour, THEME_CHANGED } from "./theme.ts";

/** How far apart sizes stand beside an axis. */
const POWERS = Array.from({ length: 50 }, (_, power) => 2 ** power);

/** A line of a chart. */
export interface Line {
  readonly label: string;
  /** One of the style sheet's `paint-` classes. */
  readonly paint: string;
}

/** What is drawn, and how. */
export interface Options {
  readonly title: string;
  /** Its lines, from the one drawn first. */
  readonly lines: readonly Line[];
  /** How a value is told. */
  readonly format: (value: number) => string;
  readonly unit: "bytes" | undefined;
  /** How far back it goes, in seconds. */
  readonly age: () => number;
  /** When it is not needed any more. */
  readonly signal: AbortSignal;
}

/** A chart over time, with a legend that tells the newest values, or those below the pointer. */
export class Chart {
  readonly element: HTMLElement;
  readonly #lines: readonly Line[];
  readonly #format: (value: number) => string;
  readonly #canvas: HTMLElement;
  readonly #values: readonly HTMLElement[];
  readonly #title: string;
  readonly #plot: uPlot;
  /** From the chart's time zero on. */
  #data: uPlot.AlignedData = [[]];

  constructor({ title, lines, format, unit, age, signal }: Options) {
    this.#lines = lines;
    this.#format = format;
    this.#title = title;
    // a name already while nothing is known
    this.#canvas = h("div", { class: "plot", role: "img", "aria-label": title });
    this.#values = lines.map(() => h("b", {}, "–"));
    const legend = lines.map(({ label, paint }, index) =>
      h("li", {}, h("i", { class: `paint-${paint}` }), label, " ", this.#values[index])
    );
    this.element = h(
      "figure",
      { class: "card chart" },
      h("figcaption", {}, h("h2", {}, title), h("ul", { class: "legend" }, ...legend)),
      this.#canvas,
    );
    this.#plot = new uPlot(this.#options(unit, age), [[], ...lines.map(() => [])], this.#canvas);
    const redraw = () => this.#plot.redraw(false, true);
    document.addEventListener(THEME_CHANGED, redraw, { signal });
    const resizing = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry!.contentRect.width);
      if (width > 0) this.#plot.setSize({ width, height: 200 });
    });
    resizing.observe(this.#canvas);
    signal.addEventListener("abort", () => {
      resizing.disconnect();
      this.#plot.destroy();
    });
  }

  /** Shows these values: times in seconds since 1970, and a row of numbers for each line. */
  set(times: readonly number[], ...rows: readonly (readonly number[])[]): void {
    this.#data = [times as number[], ...rows as number[][]];
    this.#plot.setData(this.#data);
    this.#tell();
    const newest = this.#lines.map(({ label }, index) =>
      `${label} ${this.#format(rows[index]?.at(-1) ?? 0)}`
    );
    this.#canvas.setAttribute("aria-label", `${this.#title}: ${newest.join(", ")}`);
  }

  #tell(): void {
    const at = this.#plot.cursor.idx ?? this.#data[0].length - 1;
    for (const [index, element] of this.#values.entries()) {
      const value = this.#data[index + 1]?.[at];
      setText(element, value === undefined || value === null ? "–" : this.#format(value));
    }
  }

  #options(unit: Options["unit"], age: Options["age"]): uPlot.Options {
    const axis = {
      stroke: () => colour("muted"),
      grid: { stroke: () => colour("grid"), width: 1 },
      ticks: { show: false },
      font: "12px system-ui, sans-serif",
    };
    return {
      width: 300,
      height: 200,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
      scales: {
        // all of the time that was chosen, however little is known of it
        x: {
          range: (_plot, _first, last) => {
            const now = last ?? Date.now() / 1000;
            return [now - age(), now];
          },
        },
        y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.15 : 1] },
      },
      axes: [
        { ...axis, space: 70, size: 26, values: (_plot, times) => times.map(clockTime) },
        unit === "bytes"
          ? { ...axis, size: 68, incrs: POWERS, values: (_plot, values) => values.map(bytes) }
          : { ...axis, size: 52, values: (_plot, values) => values.map(tick) },
      ],
      series: [
        {},
        ...this.#lines.map(({ label, paint }) => ({
          label,
          stroke: () => colour(paint),
          width: 2,
          points: { show: false },
        })),
      ],
      hooks: { setCursor: [() => this.#tell()] },
    };
  }
}

/** A value beside an axis: whole where it can be. */
function tick(value: number): string {
  return Number.isInteger(value) || Math.abs(value) >= 10 ? short(value) : `${+value.toFixed(2)}`;
}

function clockTime(seconds: number): string {
  const time = new Date(seconds * 1000);
  const two = (value: number) => `${value}`.padStart(2, "0");
  const minutes = `${two(time.getHours())}:${two(time.getMinutes())}`;
  return seconds % 60 === 0 ? minutes : `${minutes}:${two(time.getSeconds())}`;
}
