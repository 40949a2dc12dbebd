import { type Attributes, h } from "./dom.ts";

/** A button. */
export function button(
  text: string,
  onclick: () => void,
  look = "",
  more: Attributes = {},
): HTMLButtonElement {
  const attributes = look === "" ? more : { class: look, ...more };
  return h("button", { type: "button", onclick, ...attributes }, text);
}
