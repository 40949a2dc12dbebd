import { type Child, h, setText } from "./dom.ts";

/** A column of a table. */
export interface Column<T> {
  readonly title: string;
  /** What it is sorted by; undefined when it cannot be. */
  readonly sort?: string;
  /** Numbers stand to the right. */
  readonly numeric?: boolean;
  /** Left out where there is little room. */
  readonly minor?: boolean;
  /** What it says; where it is drawn as something else, it is drawn anew when this changes. */
  readonly text: (row: T) => string;
  readonly href?: (row: T) => string | undefined;
  /** What it is drawn as, when not as a text. It may ask for the row as it is later. */
  readonly draw?: (row: T, now: () => T) => Child;
}

/** How rows are sorted. */
export interface Order {
  readonly by: string;
  readonly reverse: boolean;
}

interface Row<T> {
  value: T;
  readonly element: HTMLTableRowElement;
  readonly cells: readonly HTMLTableCellElement[];
  readonly drawn: string[];
}

/** A table whose rows change in place, so that nothing that has the focus goes away. */
export class Table<T> {
  readonly element: HTMLElement;
  readonly #columns: readonly Column<T>[];
  readonly #key: (row: T) => string;
  readonly #rows = new Map<string, Row<T>>();
  readonly #body = h("tbody");
  readonly #heads: readonly HTMLTableCellElement[];
  readonly #empty: HTMLElement;
  /** What is said when there are no rows. */
  readonly #none: string;

  /**
   * @param caption What it is a table of.
   * @param columns Its columns.
   * @param key Tells rows from each other.
   * @param empty What is said when there are none.
   * @param onSort Is told by what to sort.
   */
  constructor(
    caption: string,
    columns: readonly Column<T>[],
    key: (row: T) => string,
    empty = "Nothing here.",
    onSort?: (order: Order) => void,
  ) {
    this.#columns = columns;
    this.#key = key;
    this.#none = empty;
    this.#empty = h("p", { class: "empty loading" }, "Loading…");
    this.#heads = columns.map((column) =>
      headOf(column, (reverse) => {
        const order = { by: column.sort!, reverse };
        this.showOrder(order);
        onSort?.(order);
      }, onSort !== undefined)
    );
    const table = h(
      "table",
      {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, ...this.#heads)),
      this.#body,
    );
    this.element = h(
      "div",
      {},
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, table),
      this.#empty,
    );
  }

  /** Marks the column that rows are sorted by. */
  showOrder({ by, reverse }: Order): void {
    for (const [index, head] of this.#heads.entries()) {
      if (this.#columns[index]!.sort !== by) head.removeAttribute("aria-sort");
      else head.setAttribute("aria-sort", reverse ? "descending" : "ascending");
    }
  }

  /** Shows these rows, in this order; without any, why there are none. */
  set(values: readonly T[], none = this.#none): void {
    const left = new Set(this.#rows.keys());
    let at = this.#body.firstElementChild;
    for (const value of values) {
      const key = this.#key(value);
      left.delete(key);
      const row = this.#rows.get(key) ?? this.#add(key, value);
      row.value = value;
      this.#draw(row);
      if (row.element === at) at = at.nextElementSibling;
      else this.#body.insertBefore(row.element, at);
    }
    for (const key of left) {
      this.#rows.get(key)!.element.remove();
      this.#rows.delete(key);
    }
    this.#empty.hidden = values.length > 0;
    this.#empty.classList.remove("loading");
    setText(this.#empty, none);
  }

  #add(key: string, value: T): Row<T> {
    const cells = this.#columns.map(({ numeric, minor }, index) => {
      const kind = [numeric === true ? "number" : "", minor === true ? "minor" : ""].join(" ")
        .trim();
      const attributes = kind === "" ? {} : { class: kind };
      return index === 0 ? h("th", { ...attributes, scope: "row" }) : h("td", attributes);
    });
    const row = { value, element: h("tr", {}, ...cells), cells, drawn: [] };
    this.#rows.set(key, row);
    return row;
  }

  #draw(row: Row<T>): void {
    for (const [index, { text, href, draw }] of this.#columns.entries()) {
      const cell = row.cells[index]!;
      const said = text(row.value);
      const target = href?.(row.value);
      const drawing = `${target ?? ""}\0${said}`;
      if (row.drawn[index] === drawing) continue;
      row.drawn[index] = drawing;
      if (draw !== undefined) {
        const child = draw(row.value, () => row.value);
        cell.replaceChildren(...child === undefined || child === false ? [] : [child]);
      } else if (target !== undefined) cell.replaceChildren(h("a", { href: target }, said));
      else setText(cell, said);
    }
  }
}

function headOf<T>(
  { title, sort, numeric, minor }: Column<T>,
  onSort: (reverse: boolean) => void,
  sortable: boolean,
): HTMLTableCellElement {
  const kind = [numeric === true ? "number" : "", minor === true ? "minor" : ""].join(" ").trim();
  const head = h("th", { scope: "col", class: kind === "" ? undefined : kind });
  if (sort === undefined || !sortable) {
    head.append(title);
    return head;
  }
  const turn = () => {
    const before = head.getAttribute("aria-sort");
    // the most is what one looks for first
    onSort(before === null ? numeric === true : before === "ascending");
  };
  head.append(h("button", { type: "button", class: "sort", onclick: turn }, title));
  return head;
}
