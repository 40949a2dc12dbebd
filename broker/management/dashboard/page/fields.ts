import { h } from "./dom.ts";

/** Something to fill in. */
export interface Field {
  readonly name: string;
  readonly label: string;
  /** What kind of thing. Default: a line of text. */
  readonly kind?: "text" | "password" | "number" | "area" | "json" | "check" | "select" | "file";
  readonly value?: string;
  readonly checked?: boolean;
  readonly options?: readonly string[];
  readonly required?: boolean;
  readonly hint?: string;
}

/** What was filled in, by name. */
export type Values = Readonly<Record<string, string>>;

/** A field with its label. */
export function fieldElement(field: Field, scope: string): HTMLElement {
  const { name, label, kind = "text", value = "", required = false, hint } = field;
  const id = `${scope}-${name}`;
  const common = {
    id,
    name,
    required,
    "aria-describedby": hint === undefined ? undefined : `${id}-hint`,
  };
  const hintElement = hint === undefined ? undefined : h("small", { id: `${id}-hint` }, hint);
  if (kind === "check") {
    const box = h("input", { ...common, type: "checkbox", checked: field.checked ?? false });
    return h("div", { class: "field check" }, box, h("label", { for: id }, label), hintElement);
  }
  return h("div", { class: "field" }, h("label", { for: id }, label), control(), hintElement);

  function control(): HTMLElement {
    if (kind === "select") {
      const options = (field.options ?? []).map((one) =>
        h("option", { value: one, selected: one === value }, one)
      );
      return h("select", common, ...options);
    }
    if (kind === "area" || kind === "json") {
      const rows = kind === "json" ? 3 : 5;
      return h("textarea", { ...common, rows, spellcheck: "false" }, value);
    }
    const type = kind === "number" || kind === "file" || kind === "password" ? kind : "text";
    const autocomplete = kind === "password" ? "new-password" : "off";
    return h("input", {
      ...common,
      type,
      value: kind === "file" ? undefined : value,
      autocomplete,
    });
  }
}

/** What a form's fields say now. Boxes are `true` or empty. */
export function readFields(form: HTMLFormElement, fields: readonly Field[]): Values {
  const values: Record<string, string> = {};
  for (const { name, kind } of fields) {
    const control = form.elements.namedItem(name) as HTMLInputElement;
    values[name] = kind === "check" ? (control.checked ? "true" : "") : control.value;
  }
  return values;
}

/**
 * An object that was filled in as JSON.
 *
 * @throws {Error} When it is none.
 */
export function readJson(text: string, what: string): object {
  if (text.trim() === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`${what}: this is not JSON.`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new Error(`${what}: an object is needed, such as {"x-max-length": 1000}.`);
}
