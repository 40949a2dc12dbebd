import { type Child, h, setText } from "./dom.ts";
export { button } from "./button.ts";
import { showForm } from "./dialog.ts";
import type { Field, Values } from "./fields.ts";
import { full, short } from "./format.ts";
import { notify } from "./notice.ts";

/** Longer ones do not fit into a tile. */
const COUNT_MAX = 1_000_000;

/** A number with a name, which may lead somewhere. */
export function tile(title: string, href?: string): {
  readonly element: HTMLElement;
  readonly value: HTMLElement;
} {
  const value = h("strong", {}, "–");
  const inside = [h("span", {}, title), value];
  const element = href === undefined
    ? h("div", { class: "tile" }, ...inside)
    : h("a", { class: "tile", href }, ...inside);
  return { element, value };
}

/** Shows a number in a tile: one that is too long for it in short, and in full when pointed at. */
export function tellCount({ value }: { readonly value: HTMLElement }, number: number): void {
  setText(value, number < COUNT_MAX ? full(number) : short(number));
  if (number < COUNT_MAX) value.removeAttribute("title");
  else value.title = full(number);
}

/** Shows names and values; what is there already is changed in place. */
export function tellFacts(
  list: HTMLElement,
  facts: readonly (readonly [name: string, value: string])[],
): void {
  const names = facts.map(([name]) => name).join();
  if (list.dataset["names"] !== names) {
    list.dataset["names"] = names;
    list.replaceChildren(
      ...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    );
    return;
  }
  for (const [index, [, value]] of facts.entries()) {
    setText(list.children[index]!.lastElementChild!, value);
  }
}

/** The head of a page: what it is, where it belongs to, what can be done. */
export function head(
  title: string,
  crumbs: readonly Child[] = [],
  actions: readonly Child[] = [],
): HTMLElement {
  return h(
    "div",
    { class: "head" },
    h(
      "div",
      {},
      crumbs.length === 0 ? undefined : h("div", { class: "crumb" }, ...crumbs),
      h("h1", {}, title),
    ),
    h("div", { class: "actions" }, ...actions),
  );
}

/** A part of a page with a title. */
export function card(title: string, ...children: readonly Child[]): HTMLElement {
  return h("section", { class: "card" }, h("h2", {}, title), ...children);
}

/** A part with a title in a bar, and a list that reaches its borders. */
export function listCard(
  title: string,
  actions: readonly Child[],
  ...children: readonly Child[]
): HTMLElement {
  const bar = [h("h2", {}, title), h("span", { class: "gap" }), ...actions];
  return h("section", { class: "card list" }, h("div", { class: "toolbar" }, ...bar), ...children);
}

/** Asks before something that cannot be undone. True when it was done. */
export function confirmed(
  title: string,
  text: string,
  action: string,
  work: (values: Values) => Promise<unknown>,
  done: string,
  fields: readonly Field[] = [],
): Promise<boolean> {
  const submit = async (values: Values) => {
    await work(values);
    notify(done);
  };
  return showForm({ title, text, action, fields, dangerous: true, submit });
}
