import { h, setText } from "./dom.ts";

/** How much of something is used: a bar when it is known of how much, with words. */
export class Meter {
  readonly element: HTMLElement;
  readonly #words = h("span", {}, "–");
  readonly #bar = h("meter", { min: 0, max: 1, low: 0.7, high: 0.9, optimum: 0, hidden: true });

  constructor(title: string) {
    this.#bar.setAttribute("aria-label", title);
    this.element = h("div", {}, h("span", { class: "muted" }, title), this.#words, this.#bar);
  }

  /**
   * @param words What is said of it.
   * @param part How much of it is used, from 0 to 1; undefined when that is not known.
   * @param short True when there is too little left.
   */
  set(words: string, part: number | undefined, short: boolean): void {
    setText(this.#words, words);
    this.element.classList.toggle("short", short);
    this.#bar.hidden = part === undefined;
    if (part !== undefined) this.#bar.value = Math.min(1, part);
  }
}
