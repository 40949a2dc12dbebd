import type { Data } from "./api.ts";
import { Chart } from "./chart.ts";
import { h } from "./dom.ts";
import { bytes, count, rate } from "./format.ts";
import { kept, Live, type Range, RANGES } from "./series.ts";

/** A chart of some of the API's numbers. */
export interface Plot {
  readonly title: string;
  /** Their names in the API, what they are called, and how they are painted. */
  readonly lines: readonly (readonly [name: string, label: string, paint: string])[];
  /** How a value is told. */
  readonly format: (value: number) => string;
  /** What is counted. Default: things. */
  readonly unit?: "bytes";
  /** Whether they are shown as they are, or how fast they grow. */
  readonly kind: "rates" | "values";
  /** The parameter that asks for samples of them. */
  readonly span: "msg_rates" | "lengths" | "data_rates";
  /** Where they are in what the API tells. */
  readonly of: (told: Data) => Data;
}

/** How fast messages go. */
export const MESSAGE_RATES: Plot = {
  title: "Message rates",
  lines: [["publish", "Publish", "blue"], ["deliver_get", "Deliver", "green"], [
    "ack",
    "Ack",
    "violet",
  ]],
  format: rate,
  kind: "rates",
  span: "msg_rates",
  of: ({ message_stats }) => message_stats,
};

/** How many messages there are. */
export const MESSAGES_WAITING: Plot = {
  title: "Messages waiting",
  lines: [["messages_ready", "Ready", "amber"], ["messages_unacknowledged", "Unacked", "rust"]],
  format: count,
  kind: "values",
  span: "lengths",
  of: (told) => told.queue_totals ?? told,
};

/** How fast bytes go over a connection, or over all of a vhost. */
export const DATA_RATES: Plot = {
  title: "Traffic",
  lines: [["recv_oct", "Received", "blue"], ["send_oct", "Sent", "green"]],
  format: (value) => `${bytes(value)}/s`,
  unit: "bytes",
  kind: "rates",
  span: "data_rates",
  of: (told) => told,
};

/** Of one thing no more is kept. */
export const THING_RANGES: readonly Range[] = [
  RANGES[0]!,
  { title: "5 min", age: 300, step: 5 },
];

/** Charts beside each other, of the same time. */
export class Charts {
  readonly element: HTMLElement;
  readonly #plots: readonly Plot[];
  readonly #charts: readonly Chart[];
  #range: Range;
  #live: readonly Live[] | undefined;

  /**
   * @param plots What is drawn.
   * @param ranges How far back there is something to see.
   * @param signal When they are not needed any more.
   * @param onRange Is called when another range was chosen.
   */
  constructor(
    plots: readonly Plot[],
    ranges: readonly Range[],
    signal: AbortSignal,
    onRange: () => void,
  ) {
    this.#plots = plots;
    this.#range = ranges[0] ?? RANGES[0]!;
    this.#charts = plots.map(({ title, lines, format, unit }) =>
      new Chart({
        title,
        lines: lines.map(([, label, paint]) => ({ label, paint })),
        format,
        unit,
        age: () => this.#range.age,
        signal,
      })
    );
    const choices = ranges.map((range, index) => {
      const radio = h("input", {
        type: "radio",
        name: "range",
        checked: index === 0,
        onchange: () => {
          this.#range = range;
          this.#live = undefined;
          onRange();
        },
      });
      return h("label", {}, radio, h("span", {}, range.title));
    });
    this.element = h(
      "section",
      { "aria-label": "Charts" },
      h("fieldset", { class: "ranges" }, h("legend", { class: "unseen" }, "Time"), ...choices),
      h("div", { class: "charts" }, ...this.#charts.map(({ element }) => element)),
    );
  }

  /** One chart, to be put elsewhere. */
  elementOf(plot: Plot): HTMLElement {
    return this.#charts[this.#plots.indexOf(plot)]!.element;
  }

  /** What to ask the API for: samples, unless only what is new is wanted. */
  get query(): string {
    if (this.#live !== undefined) return "";
    const { age, step } = this.#range;
    const spans = new Set(this.#plots.map(({ span }) => span));
    return [...spans].map((span) => `${span}_age=${age}&${span}_incr=${step}`).join("&");
  }

  /** Shows what the API has told. */
  set(told: Data): void {
    const { age } = this.#range;
    this.#live ??= this.#plots.map(({ lines, kind, of }) => {
      const details = lines.map(([name]) => of(told)?.[`${name}_details`]);
      return new Live(age, kept(details, kind));
    });
    for (const [index, { lines, kind, of }] of this.#plots.entries()) {
      const live = this.#live[index]!;
      const values = lines.map(([name]) => of(told)?.[name] ?? 0);
      if (kind === "rates") live.grow(values);
      else live.add(values);
      const { times, rows } = live.series;
      this.#charts[index]!.set(times, ...rows);
    }
  }

  /** The newest values of a chart's lines. */
  newest(plot: Plot): readonly number[] {
    const live = this.#live?.[this.#plots.indexOf(plot)];
    return live?.series.rows.map((row) => row.at(-1) ?? 0) ?? [];
  }
}
