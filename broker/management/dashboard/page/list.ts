import type { Data } from "./api.ts";
import { h, setText } from "./dom.ts";
import { count } from "./format.ts";
import { type Column, type Order, Table } from "./table.ts";
import { repeat, type View } from "./view.ts";

const PAGE_SIZE = 50;
const EVERY_MS = 3000;
const TYPING_MS = 200;

/** A list of the API, of which one page is shown at a time. */
export interface List {
  readonly title: string;
  /** Where it is asked for. */
  readonly path: string;
  /** More parameters. */
  readonly query?: Readonly<Record<string, string>>;
  readonly columns: readonly Column<Data>[];
  readonly key: (row: Data) => string;
  readonly order?: Order;
  readonly empty?: string;
  /** Buttons beside the filter. */
  readonly actions?: readonly HTMLElement[];
  /** What a filter is looked for in. Default: names. */
  readonly filter?: { readonly parameter: string; readonly hint: string };
  /** The title in its bar, where it is not that of the page. */
  readonly heading?: boolean;
  /** Is done before each look: asks for what rows do not say by themselves. */
  readonly before?: () => Promise<void>;
}

/** Shows a list that is kept up to date: filtered, sorted and cut into pages by the server. */
export function showList(view: View, list: List): {
  readonly element: HTMLElement;
  readonly refresh: () => Promise<void>;
} {
  const { parameter, hint } = list.filter ?? { parameter: "name", hint: "Filter by name" };
  let page = 1;
  let { order } = list;
  const table = new Table<Data>(
    list.title,
    list.columns,
    list.key,
    list.empty,
    (chosen) => {
      order = chosen;
      void refresh();
    },
  );
  if (order !== undefined) table.showOrder(order);
  const filter = h("input", {
    type: "search",
    placeholder: hint,
    "aria-label": `${hint}: ${list.title.toLowerCase()}`,
    oninput: () => {
      clearTimeout(typing);
      typing = setTimeout(() => {
        page = 1;
        void refresh();
      }, TYPING_MS);
    },
  });
  let typing = 0;
  const many = h("span", { class: "muted", role: "status" });
  const turn = (by: number) => () => {
    page += by;
    void refresh();
  };
  const before = h("button", { type: "button", onclick: turn(-1) }, "Previous");
  const after = h("button", { type: "button", onclick: turn(1) }, "Next");
  const where = h("span", { class: "muted" });
  const pager = h("nav", {
    class: "pager",
    "aria-label": `Pages of ${list.title}`,
    hidden: true,
  });
  pager.append(before, where, after);
  const element = h(
    "section",
    { class: "card list" },
    h(
      "div",
      { class: "toolbar" },
      list.heading === true && h("h2", {}, list.title),
      filter,
      many,
      h("span", { class: "gap" }),
      ...list.actions ?? [],
    ),
    table.element,
    pager,
  );

  const refresh = repeat(view, EVERY_MS, async () => {
    const query = new URLSearchParams({
      ...list.query,
      page: `${page}`,
      page_size: `${PAGE_SIZE}`,
      [parameter]: filter.value,
      ...order === undefined ? {} : { sort: order.by, sort_reverse: `${order.reverse}` },
    });
    // one that is not looked at is not asked for
    if (element.hidden) return;
    let told: Data;
    await list.before?.();
    try {
      told = await view.api.get(`${list.path}?${query}`, view.signal);
    } catch (error) {
      // the last page may go away
      if (page === 1 || view.signal.aborted) throw error;
      page = 1;
      return;
    }
    const { items, filtered_count: found, total_count: all, page_count: pages } = told;
    table.set(items, filter.value === "" ? undefined : "Nothing matches the filter.");
    setText(many, found === all ? `${count(all)} in all` : `${count(found)} of ${count(all)}`);
    setText(where, `Page ${count(page)} of ${count(pages)}`);
    before.disabled = page <= 1;
    after.disabled = page >= pages;
    pager.hidden = pages <= 1;
  });
  return { element, refresh };
}
