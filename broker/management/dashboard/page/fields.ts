import { button } from "./button.ts";
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
  /** What can be put into a JSON object by a click: names, with values to begin with. */
  readonly suggestions?: readonly (readonly [name: string, value: unknown])[];
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
      const area = h("textarea", { ...common, rows, spellcheck: "false" }, value);
      if (field.suggestions === undefined) return area;
      return h("div", { class: "suggesting" }, area, suggestionsOf(field.suggestions, area));
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

/** Buttons that each put a name and a value into what is written as JSON, to be changed there. */
function suggestionsOf(
  suggestions: readonly (readonly [name: string, value: unknown])[],
  area: HTMLTextAreaElement,
): HTMLElement {
  const add = (name: string, value: unknown) => {
    let given: object;
    try {
      given = readJson(area.value, "");
    } catch {
      // what is half written is not thrown away
      return area.focus();
    }
    area.value = JSON.stringify({ ...given, [name]: value }, undefined, 2);
    area.rows = Math.min(12, Math.max(3, area.value.split("\n").length));
    const written = JSON.stringify(value);
    const at = area.value.indexOf(`"${name}": `) + name.length + 4;
    area.focus();
    area.setSelectionRange(at, at + written.length);
  };
  return h(
    "div",
    { class: "suggestions" },
    ...suggestions.map(([name, value]) =>
      button(name.replace(/^x-/, ""), () => add(name, value), "small", {
        "aria-label": `Add ${name}`,
      })
    ),
  );
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
