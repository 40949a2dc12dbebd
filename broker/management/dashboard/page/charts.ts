import type { Data } from "./api.ts";
import { Chart } from "./chart.ts";
import { h } from "./dom.ts";
import { count, rate } from "./format.ts";
import { kept, Live, type Range, RANGES } from "./series.ts";

const RATES = [
  ["publish", "Publish", "blue"],
  ["deliver_get", "Deliver", "green"],
  ["ack", "Ack", "violet"],
] as const;
const LENGTHS = [
  ["messages_ready", "Ready", "amber"],
  ["messages_unacknowledged", "Unacked", "rust"],
] as const;

/** Two charts of messages, of the whole or of a queue: how fast they go, and how many there are. */
export class MessageCharts {
  readonly element: HTMLElement;
  readonly #rates: Chart;
  readonly #lengths: Chart;
  #range: Range;
  #live: { readonly rates: Live; readonly lengths: Live } | undefined;

  /**
   * @param ranges How far back there is something to see.
   * @param signal When they are not needed any more.
   * @param onRange Is called when another range was chosen.
   */
  constructor(ranges: readonly Range[], signal: AbortSignal, onRange: () => void) {
    this.#range = ranges[0] ?? RANGES[0]!;
    const lines = (of: typeof RATES | typeof LENGTHS) =>
      of.map(([, label, paint]) => ({ label, paint }));
    this.#rates = new Chart("Message rates", lines(RATES), rate, signal);
    this.#lengths = new Chart("Messages waiting", lines(LENGTHS), count, signal);
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
      h("div", { class: "charts" }, this.#rates.element, this.#lengths.element),
    );
  }

  /** What to ask the API for: samples, unless only what is new is wanted. */
  get query(): string {
    if (this.#live !== undefined) return "";
    const { age, step } = this.#range;
    return `msg_rates_age=${age}&msg_rates_incr=${step}&lengths_age=${age}&lengths_incr=${step}`;
  }

  /** Shows what the API has told. */
  set(stats: Data, lengths: Data): void {
    const counts = RATES.map(([name]) => stats?.[name] ?? 0);
    const values = LENGTHS.map(([name]) => lengths?.[name] ?? 0);
    const details = (of: Data, names: typeof RATES | typeof LENGTHS) =>
      names.map(([name]) => of?.[`${name}_details`]);
    if (this.#live === undefined) {
      const { age } = this.#range;
      this.#live = {
        rates: new Live(age, kept(details(stats, RATES), "rates")),
        lengths: new Live(age, kept(details(lengths, LENGTHS), "values")),
      };
    }
    this.#live.rates.grow(counts);
    this.#live.lengths.add(values);
    const draw = (chart: Chart, { times, rows }: Live["series"]) => chart.set(times, ...rows);
    draw(this.#rates, this.#live.rates.series);
    draw(this.#lengths, this.#live.lengths.series);
  }

  /** How fast messages went last: published, delivered, acknowledged. */
  get newest(): readonly number[] {
    return this.#live?.rates.series.rows.map((row) => row.at(-1) ?? 0) ?? [];
  }
}
