import type { Metric } from "./families.ts";

/** The content type of Prometheus's text format. */
export const CONTENT_TYPE = "text/plain; version=0.0.4";

/**
 * Values of some metrics, row by row: each row is a thing with its labels, each column a metric. The
 * format wants all values of a metric together, so the columns are what is kept.
 */
export class MetricTable {
  readonly #prefix: string;
  /** The columns. */
  readonly metrics: readonly Metric[];
  readonly #labels: string[] = [];
  readonly #columns: (number | undefined)[][];

  /**
   * @param prefix Comes before each name.
   * @param metrics The columns.
   */
  constructor(prefix: string, metrics: readonly Metric[]) {
    this.#prefix = prefix;
    this.metrics = metrics;
    this.#columns = metrics.map(() => []);
  }

  /**
   * Adds a row.
   *
   * @param labels As `labelsOf` makes them.
   * @param values In the order of the metrics; undefined, or missing at the end: not known.
   */
  add(labels: string, values: readonly (number | undefined)[]): this {
    this.#labels.push(labels);
    for (let at = 0; at < this.#columns.length; at++) this.#columns[at]!.push(values[at]);
    return this;
  }

  /** The lines of the text format, one or more at a time. Of a metric without values there is only what
   * it would be. */
  *lines(): Generator<string, void, undefined> {
    for (const [at, { name, type, help }] of this.metrics.entries()) {
      const full = this.#prefix + name;
      yield `# TYPE ${full} ${type}\n# HELP ${full} ${help}\n`;
      const column = this.#columns[at]!;
      for (let row = 0; row < column.length; row++) {
        const value = column[row];
        if (value !== undefined) yield `${full}${this.#labels[row]} ${value}\n`;
      }
    }
  }
}

/** A histogram: how many values were up to so much, and what all of them come to. */
export class Histogram {
  readonly #name: string;
  readonly #metric: Metric;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #upTo: readonly { readonly limit: number; readonly count: number }[];
  readonly #sum: number;

  /**
   * @param prefix Comes before the name.
   * @param metric What it is.
   * @param labels Whose it is.
   * @param upTo Counts up to limits that grow to Infinity.
   * @param sum All values together.
   */
  constructor(
    prefix: string,
    metric: Metric,
    labels: Readonly<Record<string, string>>,
    upTo: readonly { readonly limit: number; readonly count: number }[],
    sum: number,
  ) {
    this.#name = prefix + metric.name;
    this.#metric = metric;
    this.#labels = labels;
    this.#upTo = upTo;
    this.#sum = sum;
  }

  /** The lines of the text format. */
  *lines(): Generator<string, void, undefined> {
    const name = this.#name;
    yield `# TYPE ${name} ${this.#metric.type}\n# HELP ${name} ${this.#metric.help}\n`;
    for (const { limit, count } of this.#upTo) {
      const le = limit === Infinity ? "+Inf" : `${limit}`;
      yield `${name}_bucket${labelsOf({ ...this.#labels, le })} ${count}\n`;
    }
    const labels = labelsOf(this.#labels);
    yield `${name}_sum${labels} ${this.#sum}\n${name}_count${labels} ${this.#upTo.at(-1)!.count}\n`;
  }
}

/** Labels as they stand behind a name: in braces, unless there are none. */
export function labelsOf(labels: Readonly<Record<string, string>>): string {
  // joined rather than added up: of a sum the engine keeps every step until it is read, and of a long list
  // it would move those about in its memory meanwhile
  const parts: string[] = [];
  for (const name in labels) {
    parts.push(parts.length === 0 ? "{" : ",", name, '="', escaped(labels[name]!), '"');
  }
  if (parts.length > 0) parts.push("}");
  return parts.join("");
}

function escaped(value: string): string {
  return /[\\"\n]/.test(value)
    ? value.replace(/[\\"\n]/g, (char) => char === "\n" ? "\\n" : `\\${char}`)
    : value;
}
