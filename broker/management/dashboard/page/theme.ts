import { h } from "./dom.ts";

const KEPT = "warren.theme";
const CHOICES = [["", "System"], ["light", "Light"], ["dark", "Dark"]] as const;

/** Is dispatched on `document` when colours have changed. */
export const THEME_CHANGED = "warren-theme";

/** Takes up what was chosen before, and follows the system when nothing was. */
export function applyTheme(): void {
  set(localStorage.getItem(KEPT) ?? "");
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", announce);
}

/** Dark, light, or as the system has it. */
export function themeSwitch(): HTMLElement {
  const chosen = localStorage.getItem(KEPT) ?? "";
  const select = h(
    "select",
    { id: "theme", onchange: () => choose(select.value) },
    ...CHOICES.map(([value, text]) => h("option", { value, selected: value === chosen }, text)),
  );
  return h("div", { class: "pick" }, h("label", { for: "theme" }, "Theme"), select);
}

/** A colour of the style sheet, as something to paint with. */
export function colour(name: string): string {
  const probe = h("span", { class: `paint-${name}`, hidden: true });
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function choose(theme: string): void {
  if (theme === "") localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, theme);
  set(theme);
  announce();
}

function set(theme: string): void {
  if (theme === "") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

function announce(): void {
  document.dispatchEvent(new Event(THEME_CHANGED));
}
