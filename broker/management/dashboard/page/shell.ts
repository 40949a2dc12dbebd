import type { Api, Data } from "./api.ts";
import { h } from "./dom.ts";
import { logo } from "./logo.ts";
import { notices } from "./notice.ts";
import { find, ROUTES } from "./routes.ts";
import { themeSwitch } from "./theme.ts";

const VHOST = "warren.vhost";

/** What is around all pages: menu, choice of a vhost, theme, and who is logged in. */
export class Shell {
  readonly #api: Api;
  readonly #main = h("main", { id: "main", tabindex: "-1" });
  readonly #menu = h("nav", { class: "menu", "aria-label": "Pages" });
  readonly #vhosts = h("select", { id: "vhost", onchange: () => this.#chooseVhost() });
  readonly #user = h("span", { class: "user" });
  readonly #trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  readonly #closing = new AbortController();
  #page = new AbortController();

  constructor(app: HTMLElement, api: Api, onLeave: () => void) {
    this.#api = api;
    const skip = () => this.#main.focus();
    const side = h(
      "header",
      { class: "side" },
      h("button", { type: "button", class: "skip", onclick: skip }, "Skip to content"),
      h("a", { class: "brand", href: "#/" }, logo(), "Warren"),
      this.#menu,
      h(
        "div",
        { class: "settings" },
        h("div", { class: "pick" }, h("label", { for: "vhost" }, "Virtual host"), this.#vhosts),
        themeSwitch(),
        h(
          "div",
          { class: "who" },
          this.#user,
          h("button", { type: "button", class: "quiet", onclick: onLeave }, "Log out"),
        ),
      ),
    );
    app.replaceChildren(
      h("div", { class: "shell" }, side, h("div", { class: "content" }, this.#trouble, this.#main)),
      notices(),
    );
    addEventListener("hashchange", () => this.#show(true), { signal: this.#closing.signal });
    void this.#meet();
    this.#show(false);
  }

  /** Ends what the page does. */
  close(): void {
    this.#page.abort();
    this.#closing.abort();
  }

  /** Who this is, and what may be seen. */
  async #meet(): Promise<void> {
    try {
      const who: Data = await this.#api.get("/whoami");
      this.#user.textContent = who.name;
      this.#drawMenu(who.tags);
    } catch (error) {
      this.#reached(error);
    }
  }

  /** They come and go, also by what is done on the pages. */
  async #listVhosts(): Promise<void> {
    const vhosts: Data[] = await this.#api.get("/vhosts?columns=name");
    const names = vhosts.map(({ name }) => name as string);
    if (this.#vhosts.dataset["names"] === names.join("\0")) return;
    this.#vhosts.dataset["names"] = names.join("\0");
    const chosen = sessionStorage.getItem(VHOST);
    if (chosen !== null && !names.includes(chosen)) {
      sessionStorage.removeItem(VHOST);
      this.#show(false);
    }
    this.#vhosts.replaceChildren(
      h("option", { value: "" }, "All"),
      ...names.map((name) => h("option", { value: `=${name}`, selected: name === chosen }, name)),
    );
  }

  #drawMenu(tags: readonly string[]): void {
    const may = (tag: string | undefined) =>
      tag === undefined || tags.includes("administrator") || tags.includes(tag);
    const links = ROUTES
      .filter(({ title, tag }) => title !== undefined && may(tag))
      .map(({ path, title }) => h("li", {}, h("a", { href: `#/${path}` }, title)));
    this.#menu.replaceChildren(h("ul", {}, ...links));
    this.#markPlace();
  }

  #markPlace(): void {
    const [place] = find(location.hash).route.path.split("/");
    for (const link of this.#menu.querySelectorAll("a")) {
      if (link.getAttribute("href") === `#/${place}`) {
        link.setAttribute("aria-current", "page");
        // on a phone the menu is a row that is wider than the screen
        link.scrollIntoView({ block: "nearest", inline: "nearest" });
      } else link.removeAttribute("aria-current");
    }
  }

  #chooseVhost(): void {
    const { value } = this.#vhosts;
    if (value === "") sessionStorage.removeItem(VHOST);
    else sessionStorage.setItem(VHOST, value.slice(1));
    this.#show(false);
  }

  #show(moved: boolean): void {
    this.#page.abort();
    this.#page = new AbortController();
    const { route, names } = find(location.hash);
    const main = h("div", { class: "page" });
    this.#main.replaceChildren(main);
    this.#markPlace();
    this.#listVhosts().catch((error) => this.#reached(error));
    const making = route.page({
      api: this.#api,
      main,
      names,
      vhost: sessionStorage.getItem(VHOST) ?? undefined,
      signal: this.#page.signal,
      reached: (error) => this.#reached(error),
    });
    Promise.resolve(making).catch((error) => this.#reached(error));
    const title = main.querySelector("h1")?.textContent ?? "Warren";
    document.title = `${title} · Warren`;
    if (!moved) return;
    scrollTo(0, 0);
    this.#main.focus({ preventScroll: true });
  }

  #reached(error?: unknown): void {
    this.#trouble.hidden = error === undefined;
    if (error === undefined) return;
    const text = error instanceof TypeError
      ? "The server cannot be reached. What you see may be old."
      : error instanceof Error
      ? error.message
      : `${error}`;
    if (this.#trouble.textContent !== text) this.#trouble.textContent = text;
  }
}
